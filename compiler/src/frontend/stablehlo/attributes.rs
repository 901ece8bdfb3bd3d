//! Typed access to the attributes of an operation.

use super::error;
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::{Attribute, NamedAttribute, Operation};

/// The attribute `name`, which has to be there.
pub(super) fn required<'p>(
    operation: &'p Operation,
    name: &str,
) -> SourceResult<&'p NamedAttribute> {
    operation.attribute(name).ok_or_else(|| {
        let message = format!("{} needs the attribute '{name}'", operation.name);
        SourceError::new(operation.span, message)
    })
}

fn wrong(attribute: &NamedAttribute, expected: &str) -> SourceError {
    let message = format!("the attribute '{}' has to be {expected}", attribute.name);
    SourceError::new(attribute.span, message)
}

/// A string or a symbol.
pub(super) fn string<'p>(operation: &'p Operation, name: &str) -> SourceResult<&'p str> {
    as_string(required(operation, name)?)
}

/// A string or a symbol, if it is there.
pub(super) fn optional_string<'p>(
    operation: &'p Operation,
    name: &str,
) -> SourceResult<Option<&'p str>> {
    operation.attribute(name).map(as_string).transpose()
}

fn as_string(attribute: &NamedAttribute) -> SourceResult<&str> {
    attribute.value.as_text().ok_or_else(|| wrong(attribute, "a string or a symbol"))
}

/// A dimension, position or other small number.
pub(super) fn index(operation: &Operation, name: &str) -> SourceResult<usize> {
    as_index(required(operation, name)?)
}

/// A boolean; false if it is not there.
pub(super) fn flag(operation: &Operation, name: &str) -> SourceResult<bool> {
    let Some(attribute) = operation.attribute(name) else { return Ok(false) };
    if let Attribute::Bool(value) = attribute.value {
        return Ok(value);
    }
    let is_unit = matches!(attribute.value, Attribute::Unit);
    if is_unit { Ok(true) } else { Err(wrong(attribute, "true or false")) }
}

/// A list of integers.
pub(super) fn integers(operation: &Operation, name: &str) -> SourceResult<Vec<i64>> {
    as_integers(required(operation, name)?)
}

/// A list of dimensions, sizes or positions.
pub(super) fn indices(operation: &Operation, name: &str) -> SourceResult<Vec<usize>> {
    as_indices(required(operation, name)?)
}

pub(super) fn as_integers(attribute: &NamedAttribute) -> SourceResult<Vec<i64>> {
    attribute.value.as_integers().ok_or_else(|| wrong(attribute, "a list of integers"))
}

/// A list of integers that are not negative.
pub(super) fn as_indices(attribute: &NamedAttribute) -> SourceResult<Vec<usize>> {
    let values = as_integers(attribute)?.into_iter().map(|value| usize::try_from(value).ok());
    values
        .collect::<Option<Vec<usize>>>()
        .ok_or_else(|| wrong(attribute, "a list of integers that are not negative"))
}

/// One integer that is not negative.
pub(super) fn as_index(attribute: &NamedAttribute) -> SourceResult<usize> {
    let value = attribute.value.as_integer().and_then(|value| usize::try_from(value).ok());
    value.ok_or_else(|| wrong(attribute, "an integer that is not negative"))
}

/// One of `rank` dimensions; negative ones count from the end.
pub(super) fn as_dimension(attribute: &NamedAttribute, rank: usize) -> SourceResult<usize> {
    let given = attribute.value.as_integer().and_then(|value| i64::try_from(value).ok());
    let rank = i64::try_from(rank).unwrap_or(i64::MAX);
    let dimension = given.map(|value| if value < 0 { value.saturating_add(rank) } else { value });
    let dimension = dimension.filter(|dimension| (0..rank).contains(dimension));
    let dimension = dimension.and_then(|dimension| usize::try_from(dimension).ok());
    dimension
        .ok_or_else(|| wrong(attribute, &format!("an integer of at least -{rank} below {rank}")))
}

/// The word of `#stablehlo<name WORD>`.
pub(super) fn as_word(attribute: &NamedAttribute) -> SourceResult<&str> {
    match word(&attribute.value) {
        Some(word) => Ok(word),
        None => Err(wrong(attribute, "a word such as #stablehlo<precision HIGH>")),
    }
}

/// The same for an attribute without a name.
pub(super) fn word(value: &Attribute) -> Option<&str> {
    let (Attribute::Enum { value, .. } | Attribute::String(value)) = value else { return None };
    Some(value)
}

/// The fields of `#stablehlo.name<…>`.
pub(super) fn fields<'p>(
    operation: &'p Operation,
    attribute: &str,
    struct_name: &str,
) -> SourceResult<&'p [NamedAttribute]> {
    let attribute = required(operation, attribute)?;
    if let Attribute::Struct { name, fields, .. } = &attribute.value
        && name == struct_name
    {
        return Ok(fields);
    }
    Err(wrong(attribute, &format!("a #stablehlo.{struct_name}<…>")))
}

/// An error if an operation has a property that its row does not list. Discardable attributes,
/// whose names have a dialect, never change what an operation means.
pub(super) fn check_names(operation: &Operation, allowed: &str) -> SourceResult<()> {
    for attribute in &operation.attributes {
        let name = attribute.name.as_str();
        let known = name.contains('.') || allowed.split_whitespace().any(|word| word == name);
        if !known {
            let what = format!("attribute '{name}' of {}", operation.name);
            return Err(SourceError::unsupported(attribute.span, what));
        }
    }
    Ok(())
}

/// An error unless `result_accuracy` leaves the accuracy to the implementation, or asks for the
/// highest that it has: every function is computed in one way only.
pub(super) fn check_result_accuracy(operation: &Operation) -> SourceResult<()> {
    let Some(attribute) = operation.attribute("result_accuracy") else { return Ok(()) };
    let Attribute::Struct { fields, .. } = &attribute.value else {
        return Err(wrong(attribute, "a #stablehlo.result_accuracy<…>"));
    };
    for field in fields {
        let is_met = match (field.name.as_str(), &field.value) {
            ("mode", Attribute::Enum { value, .. }) => {
                matches!(value.as_str(), "DEFAULT" | "HIGHEST")
            }
            ("mode", Attribute::Other(value)) => {
                value.contains("DEFAULT") || value.contains("HIGHEST")
            }
            (_, Attribute::Integer(0, _)) => true,
            (_, Attribute::Float(value, _)) => {
                *value == crate::frontend::syntax::FloatValue::Decimal(0.0)
            }
            _ => false,
        };
        if !is_met {
            return error(
                operation,
                format!(
                    "{}: a result_accuracy with a tolerance is not supported, only default and \
                     highest",
                    operation.name
                ),
            );
        }
    }
    Ok(())
}
