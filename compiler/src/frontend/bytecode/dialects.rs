//! Which operations a file may have, and how their properties are stored.

use super::container::{OpName, Version};
use super::decoder::Decoder;
use super::properties::Properties;
use super::reader::{Reader, error_at};
use super::table::{self, Row};
use crate::frontend::source::{SourceError, SourceResult, Span};
use crate::frontend::syntax::{Attribute, NamedAttribute};

/// Operations of the builtin and the sdy dialect: the name, and the properties in stored order,
/// each with whether it may be absent.
const PLAIN: &[(&str, &[(&str, bool)])] = &[
    ("builtin.module", &[("sym_name", true), ("sym_visibility", true)]),
    ("builtin.unrealized_conversion_cast", &[]),
    (
        "sdy.manual_computation",
        &[("in_shardings", false), ("manual_axes", false), ("out_shardings", false)],
    ),
    ("sdy.mesh", &[("mesh", false), ("sym_name", false)]),
    ("sdy.named_computation", &[("in_shardings", true), ("name", false), ("out_shardings", true)]),
    ("sdy.propagation_barrier", &[("allowed_direction", false)]),
    ("sdy.reshard", &[("sharding", false)]),
    ("sdy.return", &[]),
    ("sdy.sharding_constraint", &[("sharding", false)]),
    ("sdy.sharding_group", &[("group_id", false)]),
];

/// What is known about an operation.
#[derive(Clone, Copy)]
pub(super) enum Form {
    /// It is of the portable format.
    Portable(&'static Row),
    /// It is kept as it is: its name and properties.
    Plain(&'static str, &'static [(&'static str, bool)]),
}

impl Form {
    /// Its name in StableHLO.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Portable(row) => row.name,
            Self::Plain(name, _) => name,
        }
    }

    /// The operation with this name in a file of this version.
    pub(super) fn find(name: OpName<'_>, version: Version, at: usize) -> SourceResult<Self> {
        let OpName { dialect, name, .. } = name;
        let unsupported = || {
            let newer = if version > table::NEWEST {
                format!(
                    "; the program has version {version} of the portable format, known is \
                     {}",
                    table::NEWEST
                )
            } else {
                String::new()
            };
            SourceError::unsupported(Span::new(at, at), format!("op {dialect}.{name}{newer}"))
        };
        if dialect != "vhlo" {
            let full = format!("{dialect}.{name}");
            let found = PLAIN.iter().find(|(each, _)| *each == full);
            let (name, properties) = found.ok_or_else(unsupported)?;
            return Ok(Self::Plain(name, properties));
        }
        let row = table::find(name).ok_or_else(unsupported)?;
        if version < row.since || row.until.is_some_and(|until| version > until) {
            let (since, until) = (row.since, row.until);
            let of = match until {
                Some(until) => format!("of the versions {since} to {until}"),
                None => format!("of version {since} and newer ones"),
            };
            let message = format!("vhlo.{name} is {of}, but the program has version {version}");
            return Err(error_at(at, message));
        }
        Ok(Self::Portable(row))
    }

    /// The attributes that the properties of an operation come to.
    pub(super) fn attributes(
        self,
        decoder: &mut Decoder<'_>,
        stored: Stored<'_>,
    ) -> SourceResult<Vec<NamedAttribute>> {
        match self {
            Self::Portable(row) => {
                let mut properties = Properties::new();
                let names = row.properties.iter().map(|(name, _)| (*name, false));
                let found = stored.read(decoder, names)?;
                for ((_, mapping), property) in row.properties.iter().zip(found) {
                    if let Some(property) = property {
                        properties.add(*mapping, property)?;
                    }
                }
                properties.finish()
            }
            Self::Plain(_, names) => {
                Ok(stored.read(decoder, names.iter().copied())?.into_iter().flatten().collect())
            }
        }
    }
}

/// Where the properties of an operation are.
pub(super) enum Stored<'a> {
    /// One after the other, in an entry of their section.
    Native(Reader<'a>),
    /// In a dictionary, with other attributes; what is taken leaves it.
    Named(&'a mut Vec<NamedAttribute>),
}

impl Stored<'_> {
    /// The properties with these names, in their order.
    fn read(
        self,
        decoder: &mut Decoder<'_>,
        names: impl Iterator<Item = (&'static str, bool)>,
    ) -> SourceResult<Vec<Option<NamedAttribute>>> {
        match self {
            Self::Native(mut reader) => {
                let properties = names.map(|(name, is_optional)| {
                    let at = reader.offset();
                    let (index, is_present) =
                        if is_optional { reader.flagged()? } else { (reader.varint()?, true) };
                    if !is_present {
                        return Ok(None);
                    }
                    let index = decoder.attribute_index(index, at)?;
                    let value = decoder.copy_attribute(index, at)?;
                    let span = Span::new(at, at);
                    Ok(Some(NamedAttribute { name: name.to_owned(), value, span }))
                });
                let properties = properties.collect::<SourceResult<Vec<_>>>()?;
                reader.finish("the properties")?;
                Ok(properties)
            }
            Self::Named(attributes) => {
                let take = |(name, _): (&str, bool)| {
                    let position = attributes.iter().position(|each| each.name == name);
                    position.map(|position| attributes.remove(position))
                };
                Ok(names.map(take).collect())
            }
        }
    }
}

/// The entries of attribute `index`, which has to be a dictionary.
pub(super) fn dictionary(
    decoder: &mut Decoder<'_>,
    index: usize,
    at: usize,
) -> SourceResult<Vec<NamedAttribute>> {
    match decoder.copy_attribute(index, at)? {
        Attribute::Dictionary(attributes) => Ok(attributes),
        other => Err(error_at(at, format!("found {other}, expected a dictionary"))),
    }
}
