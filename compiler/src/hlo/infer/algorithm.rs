//! Inference of ops that are whole algorithms.

use super::super::attribute::RandomAlgorithm;
use super::super::computation::ComputationId;
use super::super::shape::{ElementType, Shape};
use super::{Context, InferError};

/// `sort` of n arrays.
pub(super) fn sort(
    context: &Context<'_>,
    dimension: usize,
    to_apply: ComputationId,
) -> Result<Shape, InferError> {
    let inputs = context.arrays()?;
    let first = inputs[0];
    // sort (C2), (C3)
    for (n, input) in inputs.iter().enumerate() {
        context.require(input.dimensions() == first.dimensions(), "sort (C2)", || {
            format!("operand {n} is {input}, operand 0 is {first}; they need the same dimensions")
        })?;
    }
    // sort (C4)
    context.require(dimension < first.rank(), "sort (C4)", || {
        format!("dimension {dimension} has to be below the rank of {first}")
    })?;
    // sort (C5)
    let program = context.program_shape(to_apply)?;
    let scalars = inputs.iter().map(|input| Shape::scalar(input.element_type()));
    let pairs = scalars.flat_map(|scalar| [scalar.clone(), scalar]);
    let fits = program.result.same_but_layout(&Shape::scalar(ElementType::Pred))
        && program.parameters.len() == 2 * inputs.len()
        && program.parameters.iter().zip(pairs).all(|(given, pair)| given.same_but_layout(&pair));
    context.require(fits, "sort (C5)", || {
        let name = context.module.computation(to_apply).name();
        format!(
            "the computation {name} is {program}; it has to take two scalars of each operand's \
             type and give pred[]"
        )
    })?;
    // sort (C1)
    let mut results: Vec<Shape> =
        inputs.iter().map(|&input| Shape::Array(input.without_layout())).collect();
    Ok(if results.len() == 1 { results.remove(0) } else { Shape::Tuple(results) })
}

/// `rng-bit-generator`.
pub(super) fn rng_bit_generator(
    context: &Context<'_>,
    algorithm: RandomAlgorithm,
) -> Result<Shape, InferError> {
    let state = context.array(0)?;
    // rng_bit_generator (C2)
    let words = (state.element_type() == ElementType::U64).then(|| state.dimensions());
    let (fits, allowed) = match algorithm {
        RandomAlgorithm::ThreeFry => (words == Some(&[2]), "u64[2]"),
        RandomAlgorithm::Default | RandomAlgorithm::Philox => {
            (matches!(words, Some([2 | 3])), "u64[2] or u64[3]")
        }
    };
    context.require(fits, "rng_bit_generator (C2)", || {
        format!("the state is {state}; {} takes {allowed}", algorithm.text())
    })?;
    // rng_bit_generator (C1)
    let stated = context.stated()?;
    let output = match stated.as_tuple() {
        Some([given, Shape::Array(output)]) if given.same_but_layout(&state.clone().into()) => {
            output
        }
        _ => {
            let message =
                format!("the result is {stated}; a tuple of {state} and an array is needed");
            return Err(context.error("rng_bit_generator (C1)", message));
        }
    };
    // rng_bit_generator (I2): floats are allowed by the specification, not here
    context.require(output.element_type().is_integer(), "rng_bit_generator (I2)", || {
        format!("the output is {output}; integers are needed")
    })?;
    Ok(Shape::Tuple(vec![state.without_layout().into(), output.without_layout().into()]))
}
