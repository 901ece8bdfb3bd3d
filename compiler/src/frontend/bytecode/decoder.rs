//! Attributes and types: decoded when they are needed, each once.
//!
//! An entry may refer to others, earlier and later ones. Trees own what is in them, so an entry
//! that is used twice is copied; what the copies come to is counted, and a file that would make
//! much more of itself than files do is refused. So are entries that contain themselves and
//! entries nested deeper than any program has them.

use std::rc::Rc;

use super::container::{Container, Entry};
use super::locations::LocationDecoder;
use super::reader::{Reader, checked_index, error_at};
use super::{builtin, constants, sdy, vhlo, vhlo_types};
use crate::frontend::source::{SourceError, SourceResult, Span};
use crate::frontend::syntax::{Attribute, Dense, DenseData, LocationId, Scalar, TensorType, Type};
use crate::frontend::text;

/// How deep attributes and types may be nested.
const DEPTH_LIMIT: u32 = 64;
/// What a tree may come to, in bytes: this much for any file, and so many times the file's size.
/// JAX's programs stay below a tenth of either.
const ALLOWANCE: u64 = 1 << 24;
const GROWTH: u64 = 512;

/// A decoded entry and what a copy of it costs.
#[derive(Clone, Debug)]
pub(super) struct Decoded<T> {
    pub(super) value: T,
    /// About the number of bytes of a copy.
    cost: u64,
    depth: u32,
}

enum Slot<T> {
    Unread,
    InProgress,
    Read(Rc<Decoded<T>>),
}

/// The attributes, types and locations of a file.
pub(super) struct Decoder<'a> {
    pub(super) container: &'a Container<'a>,
    pub(super) locations: LocationDecoder,
    attributes: Vec<Slot<Attribute>>,
    types: Vec<Slot<Type>>,
    /// How many entries are being decoded.
    open: u32,
    /// What may still be copied.
    budget: u64,
}

impl<'a> Decoder<'a> {
    pub(super) fn new(container: &'a Container<'a>) -> Self {
        let unread = container.attributes.iter().map(|_| Slot::Unread).collect();
        Self {
            container,
            locations: LocationDecoder::new(container.attributes.len()),
            attributes: unread,
            types: container.types.iter().map(|_| Slot::Unread).collect(),
            open: 0,
            budget: ALLOWANCE + GROWTH * container.file.len() as u64,
        }
    }

    /// A copy of an attribute.
    pub(super) fn copy_attribute(&mut self, index: usize, at: usize) -> SourceResult<Attribute> {
        let decoded = self.attribute(index, at)?;
        self.charge(decoded.cost, at)?;
        Ok(decoded.value.clone())
    }

    /// A copy of a type.
    pub(super) fn copy_type(&mut self, decoded: &Decoded<Type>, at: usize) -> SourceResult<Type> {
        self.charge(decoded.cost, at)?;
        Ok(decoded.value.clone())
    }

    /// Counts `cost` bytes that the tree grows by.
    pub(super) fn charge(&mut self, cost: u64, at: usize) -> SourceResult<()> {
        match self.budget.checked_sub(cost) {
            Some(rest) => {
                self.budget = rest;
                Ok(())
            }
            None => {
                let message = format!(
                    "the program is more than {GROWTH} times as large as its file once repeated \
                     attributes and types are written out"
                );
                Err(error_at(at, message))
            }
        }
    }

    /// `index` as the number of an attribute.
    pub(super) fn attribute_index(&self, index: u64, at: usize) -> SourceResult<usize> {
        checked_index(index, "attribute", self.attributes.len(), at)
    }

    /// `index` as the number of a type.
    pub(super) fn type_index(&self, index: u64, at: usize) -> SourceResult<usize> {
        checked_index(index, "type", self.types.len(), at)
    }

    /// Attribute `index`.
    pub(super) fn attribute(
        &mut self,
        index: usize,
        at: usize,
    ) -> SourceResult<Rc<Decoded<Attribute>>> {
        match &self.attributes[index] {
            Slot::Read(decoded) => return Ok(Rc::clone(decoded)),
            Slot::InProgress => {
                return Err(error_at(at, format!("attribute {index} contains itself")));
            }
            Slot::Unread => {}
        }
        self.attributes[index] = Slot::InProgress;
        let entry = &self.container.attributes[index];
        let decoded = Rc::new(self.decode(entry, at, |cursor, entry| cursor.attribute_of(entry))?);
        self.attributes[index] = Slot::Read(Rc::clone(&decoded));
        Ok(decoded)
    }

    /// Type `index`.
    pub(super) fn value_type(
        &mut self,
        index: usize,
        at: usize,
    ) -> SourceResult<Rc<Decoded<Type>>> {
        match &self.types[index] {
            Slot::Read(decoded) => return Ok(Rc::clone(decoded)),
            Slot::InProgress => {
                return Err(error_at(at, format!("type {index} contains itself")));
            }
            Slot::Unread => {}
        }
        self.types[index] = Slot::InProgress;
        let entry = &self.container.types[index];
        let decoded = Rc::new(self.decode(entry, at, |cursor, entry| cursor.type_of(entry))?);
        self.types[index] = Slot::Read(Rc::clone(&decoded));
        Ok(decoded)
    }

    fn decode<T>(
        &mut self,
        entry: &Entry<'a>,
        at: usize,
        rule: impl FnOnce(&mut Cursor<'_, 'a>, &Entry<'a>) -> SourceResult<T>,
    ) -> SourceResult<Decoded<T>> {
        if self.open == DEPTH_LIMIT {
            return Err(too_deep(at));
        }
        self.open += 1;
        let reader = Reader::new(self.container.file, entry.range.clone());
        let mut cursor = Cursor { decoder: self, reader, cost: 64, depth: 0 };
        let value = rule(&mut cursor, entry)?;
        cursor.reader.finish("this attribute or type")?;
        let Cursor { cost, depth, .. } = cursor;
        self.open -= 1;
        if depth == DEPTH_LIMIT {
            return Err(too_deep(at));
        }
        Ok(Decoded { value, cost, depth: depth + 1 })
    }

    /// Location `index`, unless nothing is known about the place.
    pub(super) fn location(&mut self, index: usize, at: usize) -> SourceResult<Option<LocationId>> {
        let (id, cost) = self.locations.decode(self.container, index, at)?;
        self.charge(cost, at)?;
        Ok(id)
    }
}

fn too_deep(at: usize) -> SourceError {
    error_at(at, format!("attributes are nested deeper than {DEPTH_LIMIT} levels"))
}

/// Reads one entry; counts what it costs.
pub(super) struct Cursor<'d, 'a> {
    decoder: &'d mut Decoder<'a>,
    pub(super) reader: Reader<'a>,
    cost: u64,
    depth: u32,
}

impl<'a> Cursor<'_, 'a> {
    fn attribute_of(&mut self, entry: &Entry<'a>) -> SourceResult<Attribute> {
        if !entry.is_binary {
            return self.text(text::parse_attribute);
        }
        match entry.dialect {
            "builtin" => builtin::attribute(self),
            "vhlo" => vhlo::attribute(self),
            "sdy" => sdy::attribute(self),
            other => Err(self.unsupported_dialect("attributes", other)),
        }
    }

    fn type_of(&mut self, entry: &Entry<'a>) -> SourceResult<Type> {
        if !entry.is_binary {
            return self.text(text::parse_type);
        }
        match entry.dialect {
            "builtin" => builtin::value_type(self),
            "vhlo" => vhlo_types::value_type(self),
            other => Err(self.unsupported_dialect("types", other)),
        }
    }

    fn unsupported_dialect(&self, what: &str, dialect: &str) -> SourceError {
        let message = format!(
            "{what} of the dialect {dialect:?} are not supported; supported are builtin, vhlo and \
             sdy"
        );
        self.reader.error(message)
    }

    /// An entry in MLIR's notation.
    fn text<T>(&mut self, parse: fn(&str) -> SourceResult<T>) -> SourceResult<T> {
        let start = self.reader.offset();
        let count = self.reader.remaining();
        let bytes = self.reader.bytes(count)?;
        let text = bytes.strip_suffix(&[0]).and_then(|text| str::from_utf8(text).ok());
        let text =
            text.ok_or_else(|| error_at(start, "expected text with a zero byte at its end"))?;
        self.cost += 16 * text.len() as u64;
        parse(text).map_err(|error| {
            let span = Span::new(start + error.span.start, start + error.span.end);
            SourceError { span, ..error }
        })
    }

    /// An attribute that this entry contains.
    pub(super) fn attribute(&mut self) -> SourceResult<Attribute> {
        let at = self.reader.offset();
        let index = self.reader.index("attribute", self.decoder.attributes.len())?;
        self.contained_attribute(index, at)
    }

    fn contained_attribute(&mut self, index: usize, at: usize) -> SourceResult<Attribute> {
        let decoded = self.decoder.attribute(index, at)?;
        self.decoder.charge(decoded.cost, at)?;
        self.contain(decoded.cost, decoded.depth);
        Ok(decoded.value.clone())
    }

    /// An attribute that may be absent.
    pub(super) fn optional_attribute(&mut self) -> SourceResult<Option<Attribute>> {
        let at = self.reader.offset();
        let (index, is_present) = self.reader.flagged()?;
        if !is_present {
            return Ok(None);
        }
        let index = self.decoder.attribute_index(index, at)?;
        self.contained_attribute(index, at).map(Some)
    }

    /// A count and so many attributes.
    pub(super) fn attributes(&mut self) -> SourceResult<Vec<Attribute>> {
        self.list("attributes", Self::attribute)
    }

    /// A type that this entry contains.
    pub(super) fn value_type(&mut self) -> SourceResult<Type> {
        let at = self.reader.offset();
        let index = self.reader.index("type", self.decoder.types.len())?;
        let decoded = self.decoder.value_type(index, at)?;
        self.decoder.charge(decoded.cost, at)?;
        self.contain(decoded.cost, decoded.depth);
        Ok(decoded.value.clone())
    }

    /// A type that tensors can have elements of.
    pub(super) fn scalar(&mut self) -> SourceResult<Scalar> {
        let at = self.reader.offset();
        match self.value_type()? {
            Type::Scalar(scalar) => Ok(scalar),
            Type::Other(text) => Ok(Scalar::Other(text)),
            other @ (Type::Tensor(_) | Type::Tuple(_) | Type::Function(_)) => {
                Err(error_at(at, format!("found the type {other}, expected an element type")))
            }
        }
    }

    /// Counts bytes that a copy of this entry has.
    pub(super) fn add_cost(&mut self, bytes: usize) {
        self.cost = self.cost.saturating_add(bytes as u64);
    }

    fn contain(&mut self, cost: u64, depth: u32) {
        self.cost = self.cost.saturating_add(cost);
        self.depth = self.depth.max(depth);
    }

    /// A string of the file.
    pub(super) fn string(&mut self) -> SourceResult<&'a str> {
        let text = self.decoder.container.string(&mut self.reader)?;
        self.cost += text.len() as u64;
        Ok(text)
    }

    /// The text of an attribute that is a string or a symbol.
    pub(super) fn attribute_text(&mut self) -> SourceResult<String> {
        let at = self.reader.offset();
        match self.attribute()? {
            Attribute::String(text) | Attribute::Symbol(text) => Ok(text),
            _ => Err(error_at(at, "found another attribute, expected a string")),
        }
    }

    /// The place of a blob of a constant, of which an import makes a copy.
    pub(super) fn dense(&mut self, tensor: TensorType) -> SourceResult<Attribute> {
        let at = self.reader.offset();
        let range = self.reader.blob()?;
        let data = constants::decode(self.decoder.container.file, range, &tensor, at)?;
        if let DenseData::Elements(bytes) | DenseData::Splat(bytes) = &data {
            self.cost = self.cost.saturating_add(bytes.len() as u64);
        }
        Ok(Attribute::Dense(Dense { tensor, data }))
    }

    /// The key of a resource.
    pub(super) fn resource_key(&mut self) -> SourceResult<&'a str> {
        let resources = &self.decoder.container.resources;
        let index = self.reader.index("resource", resources.len())?;
        let (key, _) = resources[index];
        self.cost += key.len() as u64;
        Ok(key)
    }

    /// A count and so many things, each of which is at most about 128 bytes of the tree.
    pub(super) fn list<T>(
        &mut self,
        what: &str,
        mut item: impl FnMut(&mut Self) -> SourceResult<T>,
    ) -> SourceResult<Vec<T>> {
        let count = self.reader.count(what)?;
        self.cost += 32 * count as u64;
        (0..count).map(|_| item(self)).collect()
    }
}
