//! Source locations: what `loc(…)` says about where an operation came from.

use std::collections::BTreeMap;

/// Names one location of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LocationId(u32);

/// One location.
#[derive(Clone, Debug)]
pub(crate) enum Location {
    Unknown,
    /// `"file":line:column`.
    File {
        file: String,
        line: u32,
        column: u32,
    },
    /// `"name"` or `"name"(child)`.
    Name {
        name: String,
        child: Option<LocationId>,
    },
    /// `callsite(callee at caller)`; the caller is not kept.
    Callee(LocationId),
    /// `fused[…]`.
    Fused(Vec<LocationId>),
    /// `#loc3`, which may be defined after its use.
    Alias(String),
}

/// What an instruction remembers about its origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SourcePlace {
    /// The framework's name of the operation, such as `jit(f)/add`.
    pub(crate) op_name: Option<String>,
    /// File, line and column.
    pub(crate) file: Option<(String, u32, u32)>,
}

/// Every location of a program, and the names of some.
#[derive(Clone, Debug, Default)]
pub(crate) struct Locations {
    nodes: Vec<Location>,
    aliases: BTreeMap<String, LocationId>,
}

impl Locations {
    pub(crate) fn add(&mut self, location: Location) -> LocationId {
        let index = u32::try_from(self.nodes.len()).expect("a text has fewer than 2^32 locations");
        self.nodes.push(location);
        LocationId(index)
    }

    pub(crate) fn define_alias(&mut self, name: &str, id: LocationId) {
        self.aliases.insert(name.to_owned(), id);
    }

    /// The same as text, if anything is known: `jit(f)/sort at model.py:12:8`.
    pub(crate) fn describe(&self, id: LocationId) -> Option<String> {
        let SourcePlace { op_name, file } = self.resolve(id);
        let file = file.map(|(file, line, column)| format!("{file}:{line}:{column}"));
        match (op_name, file) {
            (Some(name), Some(file)) => Some(format!("{name} at {file}")),
            (name, file) => name.or(file),
        }
    }

    /// The operation's name, and the file position below it.
    ///
    /// The outermost name counts: what JAX puts below it are functions of the traceback. A name
    /// that ends in a colon is the kind of the operation, not its name. Undefined and cyclic
    /// aliases end the walk.
    pub(crate) fn resolve(&self, id: LocationId) -> SourcePlace {
        let mut place = SourcePlace::default();
        let mut next = Some(id);
        // No chain of distinct nodes is longer than the table.
        for _ in 0..=self.nodes.len() {
            let Some(id) = next else { break };
            next = match &self.nodes[id.0 as usize] {
                Location::Unknown => None,
                Location::File { file, line, column } => {
                    place.file = Some((file.clone(), *line, *column));
                    None
                }
                Location::Name { name, child } => {
                    if place.op_name.is_none() && !name.ends_with(':') {
                        place.op_name = Some(name.clone());
                    }
                    *child
                }
                Location::Callee(callee) => Some(*callee),
                Location::Fused(parts) => parts.first().copied(),
                Location::Alias(name) => self.aliases.get(name).copied(),
            };
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_of_aliases_ends() {
        let mut locations = Locations::default();
        let a = locations.add(Location::Alias("loc2".to_owned()));
        let b = locations.add(Location::Alias("loc1".to_owned()));
        locations.define_alias("loc1", a);
        locations.define_alias("loc2", b);
        assert_eq!(locations.resolve(a), SourcePlace::default());
    }

    #[test]
    fn the_outermost_name_counts() {
        let mut locations = Locations::default();
        let file = locations.add(Location::File { file: "m.py".into(), line: 3, column: 4 });
        let frame = locations.add(Location::Name { name: "f".into(), child: Some(file) });
        let call = locations.add(Location::Callee(frame));
        let op = locations.add(Location::Name { name: "jit(f)/add".into(), child: Some(call) });
        let kind = locations.add(Location::Name { name: "add:".into(), child: Some(op) });
        let place = locations.resolve(kind);
        assert_eq!(place.op_name.as_deref(), Some("jit(f)/add"));
        assert_eq!(place.file, Some(("m.py".to_owned(), 3, 4)));
    }
}
