//! How the properties of a vhlo operation become the attributes of the StableHLO operation.
//!
//! The portable format has every property, with its default written out, and none that is made of
//! others. StableHLO leaves defaults out, has lists of integers instead of tensors, symbols
//! instead of strings, and one attribute for all dimension numbers of an operation.

use super::convolution;
use crate::frontend::source::{SourceError, SourceResult, Span};
use crate::frontend::syntax::{Attribute, Dense, DenseData, FloatValue, NamedAttribute, Scalar};

/// What becomes of a property.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mapping {
    /// An attribute of the same name, unless it says nothing.
    Attribute(Convert, Omit),
    /// A part of an attribute.
    Part(Convert, Structure),
    /// The number of the channel: a part of its handle. Where no type of channel is given, 0 is
    /// no channel.
    ChannelId,
    /// The type of the channel: a part of its handle.
    ChannelType,
}

/// How a value is written in StableHLO.
#[derive(Clone, Copy, Debug)]
pub(super) enum Convert {
    Same,
    /// A truth value: the attribute is there or it is not.
    Unit,
    /// `array<i64: …>`.
    Integers,
    /// `array<i1: …>`.
    Bools,
    /// `@name`.
    Symbol,
    /// `[@name, …]`.
    Symbols,
    /// A type as a word; other values as they are.
    Word,
}

/// Which value is left out, as it says nothing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Omit {
    Never,
    /// `false`, and an empty string, list or dictionary.
    Empty,
    /// This number.
    Number(i128),
    /// This word of an enumeration, and a list of nothing else.
    Word(&'static str),
    /// Lists and tensors with this number only.
    All(i64),
    /// A list of empty dictionaries.
    EmptyDictionaries,
    /// An accuracy that is left to the implementation.
    DefaultAccuracy,
}

/// An attribute that several properties make up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Structure {
    /// The dimension numbers of a dot.
    Dot,
    /// The algorithm of a dot.
    Algorithm,
    Gather,
    Scatter,
    /// The dimension numbers of a convolution, which have a notation of their own.
    Convolution,
}

impl Structure {
    const ALL: [Self; 5] =
        [Self::Dot, Self::Algorithm, Self::Gather, Self::Scatter, Self::Convolution];

    /// The names of the attribute and of its value.
    fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Dot => ("dot_dimension_numbers", "dot"),
            Self::Algorithm => ("algorithm", "dot_algorithm"),
            Self::Gather => ("dimension_numbers", "gather"),
            Self::Scatter => ("scatter_dimension_numbers", "scatter"),
            Self::Convolution => ("dimension_numbers", "conv"),
        }
    }

    /// The fields in the order of the text.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Dot => &[
                "lhs_batching_dimensions",
                "rhs_batching_dimensions",
                "lhs_contracting_dimensions",
                "rhs_contracting_dimensions",
            ],
            Self::Algorithm => &[
                "lhs_precision_type",
                "rhs_precision_type",
                "accumulation_type",
                "lhs_component_count",
                "rhs_component_count",
                "num_primitive_operations",
                "allow_imprecise_accumulation",
            ],
            Self::Gather => &[
                "offset_dims",
                "collapsed_slice_dims",
                "operand_batching_dims",
                "start_indices_batching_dims",
                "start_index_map",
                "index_vector_dim",
            ],
            Self::Scatter => &[
                "update_window_dims",
                "inserted_window_dims",
                "input_batching_dims",
                "scatter_indices_batching_dims",
                "scatter_dims_to_operand_dims",
                "index_vector_dim",
            ],
            Self::Convolution => &[],
        }
    }
}

/// Makes attributes of an operation's properties.
pub(super) struct Properties {
    attributes: Vec<NamedAttribute>,
    /// The parts of structures found so far.
    parts: Vec<(Structure, NamedAttribute)>,
    channel_id: Option<NamedAttribute>,
    channel_type: Option<NamedAttribute>,
}

impl Properties {
    pub(super) fn new() -> Self {
        let (attributes, parts) = (Vec::new(), Vec::new());
        Self { attributes, parts, channel_id: None, channel_type: None }
    }

    /// Adds a property.
    pub(super) fn add(&mut self, mapping: Mapping, property: NamedAttribute) -> SourceResult<()> {
        match mapping {
            Mapping::Attribute(how, omit) => {
                let property = convert(property, how)?;
                if !says_nothing(&property.value, omit) {
                    self.attributes.push(property);
                }
            }
            Mapping::Part(how, structure) => self.parts.push((structure, convert(property, how)?)),
            Mapping::ChannelId => self.channel_id = Some(property),
            Mapping::ChannelType => self.channel_type = Some(property),
        }
        Ok(())
    }

    /// The attributes of the operation.
    pub(super) fn finish(mut self) -> SourceResult<Vec<NamedAttribute>> {
        self.add_channel()?;
        for structure in Structure::ALL {
            self.add_structure(structure)?;
        }
        Ok(self.attributes)
    }

    fn add_channel(&mut self) -> SourceResult<()> {
        let Some(NamedAttribute { value, span, .. }) = self.channel_id.take() else {
            return Ok(());
        };
        let wrong = || SourceError::new(span, "a channel has to be an integer");
        let id = value.as_integer().ok_or_else(wrong)?;
        let channel_type = match self.channel_type.take() {
            Some(channel_type) => channel_type.value.as_integer().ok_or_else(wrong)?,
            None if id == 0 => return Ok(()),
            // The portable format does not say.
            None => 0,
        };
        let field = |name: &str, value| {
            let value = Attribute::Integer(value, Scalar::integer(64));
            NamedAttribute { name: name.to_owned(), value, span }
        };
        let fields = vec![field("handle", id), field("type", channel_type)];
        self.push_structure("channel_handle", "channel_handle", fields, span);
        Ok(())
    }

    fn add_structure(&mut self, structure: Structure) -> SourceResult<()> {
        let (parts, others): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.parts).into_iter().partition(|(each, _)| *each == structure);
        self.parts = others;
        let mut parts: Vec<NamedAttribute> = parts.into_iter().map(|(_, part)| part).collect();
        let Some(span) = parts.first().map(|part| part.span) else { return Ok(()) };
        let (attribute, name) = structure.names();
        match structure {
            Structure::Convolution => {
                let value = Attribute::Other(convolution::dimension_numbers(&parts)?);
                self.attributes.push(NamedAttribute { name: attribute.to_owned(), value, span });
                return Ok(());
            }
            // Without an algorithm, all parts are the type `none`.
            Structure::Algorithm if parts.iter().any(|part| is_none(&part.value)) => return Ok(()),
            Structure::Algorithm => {}
            Structure::Dot | Structure::Gather | Structure::Scatter => {
                parts.retain(|part| !says_nothing(&part.value, Omit::Empty));
            }
        }
        let position =
            |part: &NamedAttribute| structure.fields().iter().position(|field| *field == part.name);
        parts.sort_by_key(position);
        self.push_structure(attribute, name, parts, span);
        Ok(())
    }

    fn push_structure(
        &mut self,
        attribute: &str,
        name: &str,
        fields: Vec<NamedAttribute>,
        span: Span,
    ) {
        let (dialect, name) = ("stablehlo".to_owned(), name.to_owned());
        let value = Attribute::Struct { dialect, name, fields };
        self.attributes.push(NamedAttribute { name: attribute.to_owned(), value, span });
    }
}

/// Whether a value is the word for the type that says that there is nothing.
fn is_none(value: &Attribute) -> bool {
    matches!(value, Attribute::Other(word) if word == "none")
}

/// A property with its value as StableHLO has it.
fn convert(property: NamedAttribute, how: Convert) -> SourceResult<NamedAttribute> {
    let NamedAttribute { name, value, span } = property;
    let wrong = |expected: &str| {
        SourceError::new(span, format!("the property '{name}' has to be {expected}"))
    };
    let symbol = |value| match value {
        Attribute::String(text) => Ok(Attribute::Symbol(text)),
        _ => Err(wrong("a string, or a list of strings")),
    };
    let value = match how {
        Convert::Same => value,
        Convert::Unit => match value {
            Attribute::Bool(true) => Attribute::Unit,
            Attribute::Bool(false) => value,
            _ => return Err(wrong("true or false")),
        },
        Convert::Integers => {
            let values = value.as_integers().ok_or_else(|| wrong("a list of integers"))?;
            Attribute::IntegerArray(values)
        }
        Convert::Bools => {
            let values = bools(&value).ok_or_else(|| wrong("a list of truth values"))?;
            Attribute::BoolArray(values)
        }
        Convert::Symbol => symbol(value)?,
        Convert::Symbols => match value {
            Attribute::Array(items) => {
                Attribute::Array(items.into_iter().map(symbol).collect::<SourceResult<_>>()?)
            }
            _ => return Err(wrong("a list of strings")),
        },
        Convert::Word => match value {
            Attribute::Type(value) => Attribute::Other(value.to_string()),
            other => other,
        },
    };
    Ok(NamedAttribute { name, value, span })
}

fn bools(value: &Attribute) -> Option<Vec<bool>> {
    let Attribute::Dense(Dense { tensor, .. }) = value else { return None };
    (tensor.element == Scalar::integer(1)).then_some(())?;
    // One byte is sign-extended to -1 nowhere: it is 0 or 1.
    Some(value.as_integers()?.into_iter().map(|each| each != 0).collect())
}

/// Whether a value is what StableHLO leaves out.
fn says_nothing(value: &Attribute, omit: Omit) -> bool {
    match omit {
        Omit::Never => false,
        Omit::Empty => match value {
            Attribute::Bool(value) => !value,
            Attribute::Integer(value, _) => *value == 0,
            Attribute::String(text) => text.is_empty(),
            Attribute::Array(items) => items.is_empty(),
            Attribute::Dictionary(items) => items.is_empty(),
            Attribute::IntegerArray(items) => items.is_empty(),
            Attribute::BoolArray(items) => !items.contains(&true),
            Attribute::Dense(Dense { data: DenseData::Elements(bytes), .. }) => bytes.is_empty(),
            _ => false,
        },
        Omit::Number(number) => value.as_integer() == Some(number),
        Omit::Word(word) => match value {
            Attribute::Enum { value, .. } => value == word,
            Attribute::Array(items) => items.iter().all(|each| says_nothing(each, omit)),
            _ => false,
        },
        Omit::All(number) => all_are(value, number),
        Omit::EmptyDictionaries => {
            let is_empty = |each: &Attribute| each.as_dictionary().is_some_and(<[_]>::is_empty);
            value.as_array().is_some_and(|each| each.iter().all(is_empty))
        }
        Omit::DefaultAccuracy => is_default_accuracy(value),
    }
}

fn all_are(value: &Attribute, number: i64) -> bool {
    match value {
        Attribute::IntegerArray(values) => values.iter().all(|&each| each == number),
        Attribute::Dense(Dense {
            data: DenseData::Elements(bytes) | DenseData::Splat(bytes),
            ..
        }) => {
            let number = number.to_le_bytes();
            bytes.chunks(8).all(|each| each == number)
        }
        _ => false,
    }
}

fn is_default_accuracy(value: &Attribute) -> bool {
    let Attribute::Struct { fields, .. } = value else { return false };
    fields.iter().all(|field| match &field.value {
        Attribute::Enum { value, .. } => value == "DEFAULT",
        Attribute::Float(value, _) => *value == FloatValue::Decimal(0.0),
        Attribute::Integer(value, _) => *value == 0,
        _ => false,
    })
}
