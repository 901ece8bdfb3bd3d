//! Checks: what StableHLO's own tests compare results with.
//!
//! Checks come as operations of the `check` dialect and as custom calls. Both become custom
//! calls with typed parameters; where their defaults differ, the default is filled in here.

use super::body::Body;
use super::{attributes, constant, error, error_at};
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::{Attribute, FloatValue, NamedAttribute, Operation};
use crate::hlo::{CheckParameters, CustomCallTarget, InstructionId, Op, Shape};

type Results = SourceResult<Vec<InstructionId>>;

/// Default tolerances of `expect_almost_eq`.
const OP_TOLERANCE: f64 = 1e-4;
const CUSTOM_CALL_TOLERANCE: f64 = 1e-3;
/// Default of `expect_close` as a custom call; the operation has none.
const CUSTOM_CALL_ULPS: u64 = 3;

/// `check.expect_eq` and `check.expect_eq_const`.
pub(super) fn expect_eq(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let parameters = CheckParameters {
        against_constant: operation.attribute("value").is_some(),
        ..CheckParameters::default()
    };
    add_check(body, operation, CustomCallTarget::CheckExpectEq(parameters))
}

/// `check.expect_almost_eq` and `check.expect_almost_eq_const`.
pub(super) fn expect_almost_eq(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let tolerance = Some(tolerance(operation)?.unwrap_or(OP_TOLERANCE));
    let parameters = CheckParameters {
        tolerance,
        against_constant: operation.attribute("value").is_some(),
        ..CheckParameters::default()
    };
    add_check(body, operation, CustomCallTarget::CheckExpectAlmostEq(parameters))
}

/// `check.expect_close`.
pub(super) fn expect_close(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    attributes::required(operation, "max_ulp_difference")?;
    let parameters = close_parameters(operation)?;
    add_check(body, operation, CustomCallTarget::CheckExpectClose(parameters))
}

fn close_parameters(operation: &Operation) -> SourceResult<CheckParameters> {
    let max = ulps(operation, "max_ulp_difference")?.unwrap_or(CUSTOM_CALL_ULPS);
    let min = ulps(operation, "min_ulp_difference")?.unwrap_or(0);
    Ok(CheckParameters {
        max_ulp_difference: Some(max),
        min_ulp_difference: Some(min),
        ..CheckParameters::default()
    })
}

/// Adds a check without a result. The expected value is an operand or the attribute `value`.
fn add_check(body: &mut Body<'_, '_>, operation: &Operation, target: CustomCallTarget) -> Results {
    let mut operands = body.operands(operation)?;
    if let Some(value) = operation.attribute("value") {
        operands.push(constant::value_of(body, operation, value)?);
    }
    if operands.len() != 2 {
        let (name, given) = (&operation.name, operation.operands.len());
        return error(operation, format!("{name} compares 2 values, found {given}"));
    }
    if !operation.results.is_empty() {
        return error(operation, format!("{} has no results", operation.name));
    }
    let empty = Shape::Tuple(Vec::new());
    body.add_shaped(operation, call(target), &operands, empty)?;
    Ok(Vec::new())
}

fn call(target: CustomCallTarget) -> Op {
    Op::CustomCall { target, custom_call_has_side_effect: true, backend_config: String::new() }
}

/// A custom call of a check; `None` if it is none.
pub(super) fn custom_call(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    target: &str,
) -> SourceResult<Option<Vec<InstructionId>>> {
    let parameters = CheckParameters::default();
    let target = match target {
        "check.expect_eq" => CustomCallTarget::CheckExpectEq(parameters),
        "check.expect_almost_eq" => {
            let tolerance = Some(tolerance(operation)?.unwrap_or(CUSTOM_CALL_TOLERANCE));
            CustomCallTarget::CheckExpectAlmostEq(CheckParameters { tolerance, ..parameters })
        }
        "check.expect_close" => CustomCallTarget::CheckExpectClose(close_parameters(operation)?),
        "check.eq" => {
            let operands: [InstructionId; 2] = body.exactly(operation)?;
            let op = call(CustomCallTarget::CheckEq(parameters));
            return Ok(Some(vec![body.add_result(operation, op, &operands)?]));
        }
        _ => return Ok(None),
    };
    add_check(body, operation, target).map(Some)
}

/// A parameter: an attribute, or an entry of the backend configuration.
fn parameter<'p>(operation: &'p Operation, name: &str) -> Option<&'p NamedAttribute> {
    let dictionaries = ["backend_config", "mhlo.backend_config"];
    operation.attribute(name).or_else(|| {
        dictionaries.into_iter().find_map(|dictionary| {
            let entries = operation.attribute(dictionary)?.value.as_dictionary()?;
            entries.iter().find(|entry| entry.name == name)
        })
    })
}

fn ulps(operation: &Operation, name: &str) -> SourceResult<Option<u64>> {
    let Some(attribute) = parameter(operation, name) else { return Ok(None) };
    let value = attribute.value.as_integer().and_then(|value| u64::try_from(value).ok());
    let value = value.ok_or_else(|| {
        let message = format!("'{name}' has to be an integer that is not negative");
        SourceError::new(attribute.span, message)
    })?;
    Ok(Some(value))
}

fn tolerance(operation: &Operation) -> SourceResult<Option<f64>> {
    let Some(attribute) = parameter(operation, "tolerance") else { return Ok(None) };
    if let Attribute::Float(FloatValue::Decimal(value), _) = attribute.value
        && value >= 0.0
    {
        return Ok(Some(value));
    }
    error_at(attribute.span, "'tolerance' has to be a number that is not negative")
}
