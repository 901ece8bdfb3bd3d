//! Locations: what remains of each is a name and a place in a file.
//!
//! They make up most of the attributes of a file and are nested deeply (a frame of a traceback
//! each), so they are walked without recursion, and every one only once.

use std::collections::BTreeMap;

use super::container::Container;
use super::reader::{Reader, error_at};
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::{Location, LocationId, Locations};

/// What a location comes to. Texts are attributes, by their numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    name: Option<usize>,
    file: Option<(usize, u32, u32)>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Unread,
    InProgress,
    Read(Place),
}

/// One location, of what it is made of only the part that is kept.
enum Node {
    Leaf(Place),
    /// A name and what it names.
    Named(usize, usize),
    /// The same place as another location.
    Same(usize),
}

/// The locations of a file.
pub(super) struct LocationDecoder {
    states: Vec<State>,
    ids: BTreeMap<Place, LocationId>,
    /// What has been asked for.
    pub(super) locations: Locations,
}

impl LocationDecoder {
    pub(super) fn new(n_attributes: usize) -> Self {
        let states = vec![State::Unread; n_attributes];
        Self { states, ids: BTreeMap::new(), locations: Locations::default() }
    }

    /// Attribute `index` as a location, and how long its texts are.
    pub(super) fn decode(
        &mut self,
        container: &Container<'_>,
        index: usize,
        at: usize,
    ) -> SourceResult<(Option<LocationId>, u64)> {
        let place = self.place(container, index, at)?;
        let name = place.name.map(|name| text(container, name, at)).transpose()?;
        let file = match place.file {
            Some((file, line, column)) => Some((text(container, file, at)?, line, column)),
            None => None,
        };
        let cost = name.map_or(0, str::len) + file.map_or(0, |(file, ..)| file.len());
        if place == Place::default() {
            return Ok((None, 0));
        }
        let locations = &mut self.locations;
        let id = *self.ids.entry(place).or_insert_with(|| {
            let file = file.map(|(file, line, column)| {
                locations.add(Location::File { file: file.to_owned(), line, column })
            });
            match (name, file) {
                (None, Some(file)) => file,
                (name, child) => {
                    let name = name.unwrap_or_default().to_owned();
                    locations.add(Location::Name { name, child })
                }
            }
        });
        Ok((Some(id), cost as u64))
    }

    /// Follows a location to its end and gives everything on the way its place.
    fn place(&mut self, container: &Container<'_>, index: usize, at: usize) -> SourceResult<Place> {
        let mut path = Vec::new();
        let mut next = index;
        let mut place = loop {
            match self.states[next] {
                State::Read(place) => break place,
                State::InProgress => {
                    return Err(error_at(at, format!("location {next} contains itself")));
                }
                State::Unread => {}
            }
            self.states[next] = State::InProgress;
            let child = match read_node(container, next)? {
                Node::Leaf(place) => {
                    self.states[next] = State::Read(place);
                    break place;
                }
                Node::Named(name, child) => {
                    path.push((next, Some(name)));
                    child
                }
                Node::Same(child) => {
                    path.push((next, None));
                    child
                }
            };
            next = child;
        };
        for (index, name) in path.into_iter().rev() {
            // The outermost name counts, as for locations in text.
            if let Some(name) = name
                && !text(container, name, at)?.ends_with(':')
            {
                place.name = Some(name);
            }
            self.states[index] = State::Read(place);
        }
        Ok(place)
    }
}

/// Attribute `index`, which has to be a location.
fn read_node(container: &Container<'_>, index: usize) -> SourceResult<Node> {
    let entry = &container.attributes[index];
    let mut reader = Reader::new(container.file, entry.range.clone());
    let not_one = reader.error(format!("attribute {index} is no location"));
    if entry.dialect != "builtin" || !entry.is_binary {
        return Err(not_one);
    }
    let n_attributes = container.attributes.len();
    let attribute = |reader: &mut Reader<'_>| reader.index("attribute", n_attributes);
    let number = |reader: &mut Reader<'_>| -> SourceResult<u32> {
        Ok(u32::try_from(reader.varint()?).unwrap_or(u32::MAX))
    };
    let nowhere = Node::Leaf(Place::default());
    Ok(match reader.varint()? {
        // A call site: the callee, then the caller.
        10 => Node::Same(attribute(&mut reader)?),
        11 => {
            let file = attribute(&mut reader)?;
            let (line, column) = (number(&mut reader)?, number(&mut reader)?);
            Node::Leaf(Place { name: None, file: Some((file, line, column)) })
        }
        // Several; the first one counts.
        12 | 13 => match reader.count("locations")? {
            0 => nowhere,
            _ => Node::Same(attribute(&mut reader)?),
        },
        14 => Node::Named(attribute(&mut reader)?, attribute(&mut reader)?),
        15 => nowhere,
        // A range: line and column, if there are any, come first.
        22 => {
            let file = attribute(&mut reader)?;
            let n_numbers = reader.varint()?;
            let line = if n_numbers > 0 { number(&mut reader)? } else { 0 };
            let column = if n_numbers > 1 { number(&mut reader)? } else { 0 };
            Node::Leaf(Place { name: None, file: Some((file, line, column)) })
        }
        _ => return Err(not_one),
    })
}

/// The text of attribute `index`, which has to be a string.
fn text<'a>(container: &Container<'a>, index: usize, at: usize) -> SourceResult<&'a str> {
    let entry = &container.attributes[index];
    let mut reader = Reader::new(container.file, entry.range.clone());
    if entry.dialect == "builtin" && entry.is_binary && reader.varint()? == 2 {
        return container.string(&mut reader);
    }
    Err(error_at(at, format!("attribute {index} is no string")))
}
