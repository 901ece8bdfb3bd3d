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
    match &attribute.value {
        Attribute::String(value) | Attribute::Symbol(value) => Ok(value),
        _ => Err(wrong(attribute, "a string or a symbol")),
    }
}

/// A dimension, position or other small number.
pub(super) fn index(operation: &Operation, name: &str) -> SourceResult<usize> {
    let attribute = required(operation, name)?;
    let value = match &attribute.value {
        Attribute::Integer(value, _) => usize::try_from(*value).ok(),
        value => match value.as_integers().as_deref() {
            Some([value]) => usize::try_from(*value).ok(),
            _ => None,
        },
    };
    value.ok_or_else(|| wrong(attribute, "an integer that is not negative"))
}

/// A boolean; false if it is not there.
pub(super) fn flag(operation: &Operation, name: &str) -> SourceResult<bool> {
    let Some(attribute) = operation.attribute(name) else { return Ok(false) };
    match &attribute.value {
        Attribute::Bool(value) => Ok(*value),
        Attribute::Unit => Ok(true),
        _ => Err(wrong(attribute, "true or false")),
    }
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
    match &attribute.value {
        Attribute::Integer(value, _) => usize::try_from(*value).ok(),
        _ => None,
    }
    .ok_or_else(|| wrong(attribute, "an integer that is not negative"))
}

/// The word of `#stablehlo<name WORD>`.
pub(super) fn as_word(attribute: &NamedAttribute) -> SourceResult<&str> {
    match &attribute.value {
        Attribute::Enum { value, .. } | Attribute::String(value) => Ok(value),
        _ => Err(wrong(attribute, "a word such as #stablehlo<precision HIGH>")),
    }
}

/// The fields of `#stablehlo.name<…>`.
pub(super) fn fields<'p>(
    operation: &'p Operation,
    attribute: &str,
    struct_name: &str,
) -> SourceResult<&'p [NamedAttribute]> {
    let attribute = required(operation, attribute)?;
    match &attribute.value {
        Attribute::Struct { name, fields, .. } if name == struct_name => Ok(fields),
        _ => Err(wrong(attribute, &format!("a #stablehlo.{struct_name}<…>"))),
    }
}

/// An error if an operation has a property that its row does not list. Discardable attributes,
/// whose names have a dialect, never change what an operation means.
pub(super) fn check_names(operation: &Operation, allowed: &str) -> SourceResult<()> {
    for attribute in &operation.attributes {
        let name = attribute.name.as_str();
        let known = name.contains('.') || allowed.split_whitespace().any(|word| word == name);
        if !known {
            let message = format!("unsupported attribute '{name}' of {}", operation.name);
            return Err(SourceError::new(attribute.span, message));
        }
    }
    Ok(())
}

/// An error unless `result_accuracy` leaves the accuracy to the implementation.
pub(super) fn check_result_accuracy(operation: &Operation) -> SourceResult<()> {
    let Some(attribute) = operation.attribute("result_accuracy") else { return Ok(()) };
    let Attribute::Struct { fields, .. } = &attribute.value else {
        return Err(wrong(attribute, "a #stablehlo.result_accuracy<…>"));
    };
    for field in fields {
        let is_default = match (field.name.as_str(), &field.value) {
            ("mode", Attribute::Enum { value, .. }) => value == "DEFAULT",
            ("mode", Attribute::Other(value)) => value.contains("DEFAULT"),
            (_, Attribute::Integer(0, _)) => true,
            (_, Attribute::Float(value, _)) => {
                *value == crate::frontend::syntax::FloatValue::Decimal(0.0)
            }
            _ => false,
        };
        if !is_default {
            return error(
                operation,
                format!("{}: only the default result_accuracy is supported", operation.name),
            );
        }
    }
    Ok(())
}
