//! Custom calls: one arm per target.
//!
//! Targets that say where or how an array is stored are the operand itself: there is one device,
//! and layouts are the compiler's choice. Unknown targets are refused by name.

use super::attributes::{self, as_index};
use super::body::{Body, only_block};
use super::{check, error, types, unsupported};
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::{Attribute, NamedAttribute, Operation};
use crate::hlo::{
    ArrayLiteral, ArrayShape, ComputationId, CustomCallTarget, EighParameters, InstructionId, Op,
    Shape, SliceDimension,
};

type Results = SourceResult<Vec<InstructionId>>;

/// `custom_call`.
pub(super) fn custom_call<'p>(body: &mut Body<'_, 'p>, operation: &'p Operation) -> Results {
    let target = attributes::string(operation, "call_target_name")?;
    if let Some(results) = check::custom_call(body, operation, target)? {
        return Ok(results);
    }
    let target = match target {
        // A sharding is one of the discardable attributes, which every result keeps.
        "Sharding" | "LayoutConstraint" | "annotate_device_placement" => {
            let operands: [InstructionId; 1] = body.exactly(operation)?;
            return Ok(vec![body.add_result(operation, Op::Copy, &operands)?]);
        }
        "AllocateBuffer" => return allocate_buffer(body, operation),
        "ApproxTopK" => return approx_top_k(body, operation),
        "Eigh" => CustomCallTarget::Eigh(eigh_parameters(operation)?),
        "LuDecomposition" => CustomCallTarget::LuDecomposition,
        "ProductOfElementaryHouseholderReflectors" => {
            CustomCallTarget::ProductOfElementaryHouseholderReflectors
        }
        "Qr" => CustomCallTarget::Qr,
        other => return unsupported(operation, format!("custom call @{other}")),
    };
    factorisation(body, operation, target)
}

fn factorisation(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    target: CustomCallTarget,
) -> Results {
    let operands = body.operands(operation)?;
    let op = Op::CustomCall {
        target,
        custom_call_has_side_effect: false,
        backend_config: String::new(),
    };
    if operation.results.len() == 1 {
        return Ok(vec![body.add_result(operation, op, &operands)?]);
    }
    let shapes = operation.result_types.iter().map(|each| types::shape(each, operation.span));
    let stated = Shape::Tuple(shapes.collect::<SourceResult<_>>()?);
    let tuple = body.add_shaped(operation, op, &operands, stated)?;
    body.elements(operation, tuple)
}

fn eigh_parameters(operation: &Operation) -> SourceResult<EighParameters> {
    let attribute = attributes::required(operation, "backend_config")?;
    let parameters = attribute.value.as_text().and_then(EighParameters::from_text);
    parameters.ok_or_else(|| {
        let message = "the backend_config of Eigh has to be \"lower,sort,sweeps,tolerance\", such \
                       as \"1,1,100,1e-6\"";
        SourceError::new(attribute.span, message)
    })
}

/// An array of any content: zeros.
fn allocate_buffer(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let _: [InstructionId; 0] = body.exactly(operation)?;
    let shape = body.result_array(operation)?;
    let literal = ArrayLiteral::zeros(&ArrayShape::scalar(shape.element_type())).into();
    let zero = body.add(operation, Op::Constant { literal }, &[])?;
    let op = Op::Broadcast { dimensions: Vec::new() };
    Ok(vec![body.add_result(operation, op, &[zero])?])
}

/// The first elements along a dimension in the order of a comparator. Nothing is approximated: the
/// operands are sorted, and what the program declares as results is taken of them. Half of the
/// operands are initial values, which are not needed.
fn approx_top_k<'p>(body: &mut Body<'_, 'p>, operation: &'p Operation) -> Results {
    let operands = body.operands(operation)?;
    let n = operation.results.len();
    if operands.len() != 2 * n || n == 0 {
        let given = operands.len();
        let message = format!(
            "ApproxTopK has a result for each two operands, found {n} results of {given} operands"
        );
        return error(operation, message);
    }
    let dimension = as_index(reduction_dimension(operation)?)?;
    let to_apply = comparator(body, operation)?;
    let sort = Op::Sort { dimension, is_stable: true, to_apply };
    let sorted = body.add(operation, sort, &operands[..n])?;
    let mut results = Vec::new();
    for (index, declared) in operation.result_types.iter().enumerate() {
        let all = match n {
            1 => sorted,
            _ => body.add(operation, Op::GetTupleElement { index }, &[sorted])?,
        };
        let declared = types::shape(declared, operation.span)?;
        let from = body.array(operation, all)?;
        let wanted = declared.as_array().and_then(|array| array.dimensions().get(dimension));
        let limit = wanted.copied().unwrap_or(0).min(from.dimensions()[dimension]);
        let whole = from.dimensions().iter().copied().map(SliceDimension::whole);
        let mut slice: Vec<SliceDimension> = whole.collect();
        slice[dimension].limit = limit;
        let first = body.add(operation, Op::Slice { slice }, &[all])?;
        body.check_type(operation, &declared, first)?;
        results.push(first);
    }
    Ok(results)
}

fn reduction_dimension(operation: &Operation) -> SourceResult<&NamedAttribute> {
    let dictionaries = ["backend_config", "mhlo.backend_config"];
    let found = dictionaries.into_iter().find_map(|name| {
        let entries = operation.attribute(name)?.value.as_dictionary()?;
        entries.iter().find(|entry| entry.name == "reduction_dim")
    });
    found.ok_or_else(|| {
        let message = "ApproxTopK needs the entry 'reduction_dim' of its backend_config";
        SourceError::new(operation.span, message)
    })
}

/// The computation of the only called function.
fn comparator<'p>(
    body: &mut Body<'_, 'p>,
    operation: &'p Operation,
) -> SourceResult<ComputationId> {
    let attribute = attributes::required(operation, "called_computations")?;
    let names: Vec<&str> = match attribute.value.as_array() {
        Some(symbols) => symbols.iter().filter_map(Attribute::as_text).collect(),
        None => attribute.value.as_text().into_iter().collect(),
    };
    let function = match names[..] {
        [name] => body.importer.functions.get(name).copied(),
        _ => None,
    };
    let Some(function) = function else {
        let message = "'called_computations' has to be one function of the program";
        return Err(SourceError::new(attribute.span, message));
    };
    let [region] = &function.regions[..] else {
        return error(function, "a comparator needs a body");
    };
    let block = only_block(function, region)?;
    let mut comparator = Body::new(body.importer, "comparator");
    comparator.add_parameters(block)?;
    // A function of the program ends as functions do; in text it may also end as regions do.
    let is_region = block.operations.last().is_some_and(|last| last.name == "stablehlo.return");
    let terminator = if is_region { "stablehlo.return" } else { "func.return" };
    let results = comparator.import_block(block, function, terminator)?;
    comparator.set_results(function, &results)?;
    Ok(comparator.id)
}
