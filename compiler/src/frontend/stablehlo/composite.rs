//! `composite`: an operation made of others, with a name.
//!
//! Portable artifacts have chlo operations in this form. Those that can be imported by their name
//! are; what others do is what their decomposition says, a function that is called.

use super::body::Body;
use super::{attributes, chlo, error, function, table};
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::{NamedAttribute, Operation};
use crate::hlo::InstructionId;

/// The version of the composites whose names mean chlo operations.
const CHLO_VERSION: i128 = 1;

/// The function that an operation calls, if it is a call or a composite that comes to one.
pub(super) fn callee(operation: &Operation) -> SourceResult<Option<&str>> {
    match operation.name.as_str() {
        "func.call" => attributes::string(operation, "callee").map(Some),
        "stablehlo.composite" if named(operation)?.is_none() => {
            attributes::string(operation, "decomposition").map(Some)
        }
        _ => Ok(None),
    }
}

/// `composite`.
pub(super) fn composite(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let name = attributes::string(operation, "name")?;
    if !operation.regions.is_empty() {
        return error(operation, format!("the composite {name:?} has regions; unsupported"));
    }
    if let Some((rule, named)) = named(operation)? {
        return rule(body, &named);
    }
    function::call_function(body, operation, attributes::string(operation, "decomposition")?)
}

/// The operation that a composite's name stands for, and how it is imported.
fn named(operation: &Operation) -> SourceResult<Option<(table::LeafRule, Operation)>> {
    let name = attributes::string(operation, "name")?;
    let Some((properties, rule)) = table::leaf(name) else { return Ok(None) };
    let version = operation.attribute("version").and_then(|version| version.value.as_integer());
    if version.is_some_and(|version| version > CHLO_VERSION) || !chlo::supports(name, operation) {
        return Ok(None);
    }
    let no_attributes: &[NamedAttribute] = &[];
    let given = operation.attribute("composite_attributes");
    let given = given.and_then(|given| given.value.as_dictionary()).unwrap_or(no_attributes);
    let discardable = operation.attributes.iter().filter(|each| each.name.contains('.'));
    let named = Operation {
        name: name.to_owned(),
        attributes: given.iter().chain(discardable).cloned().collect(),
        regions: Vec::new(),
        ..operation.clone()
    };
    let is_known = attributes::check_names(&named, properties).is_ok();
    Ok(is_known.then_some((rule, named)))
}
