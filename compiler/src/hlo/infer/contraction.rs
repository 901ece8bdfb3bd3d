//! Inference of ops that combine elements: `dot` and `reduce`.

use super::super::attribute::DotDimensionNumbers;
use super::super::computation::ComputationId;
use super::super::shape::{ArrayShape, ElementType, Shape};
use super::{Context, InferError};

/// `dot`, which is StableHLO's `dot_general`.
pub(super) fn dot(
    context: &Context<'_>,
    numbers: &DotDimensionNumbers,
) -> Result<ArrayShape, InferError> {
    let (lhs, rhs) = (context.array(0)?, context.array(1)?);
    require_dot_dimensions(context, numbers)?;
    // dot_general (C12)
    let batch = numbers.lhs_batch_dimensions.iter().map(|&d| lhs.dimensions()[d]);
    let dropped = [&numbers.lhs_batch_dimensions[..], &numbers.lhs_contracting_dimensions].concat();
    let from_lhs = (0..lhs.rank()).filter(|d| !dropped.contains(d)).map(|d| lhs.dimensions()[d]);
    let dropped = [&numbers.rhs_batch_dimensions[..], &numbers.rhs_contracting_dimensions].concat();
    let from_rhs = (0..rhs.rank()).filter(|d| !dropped.contains(d)).map(|d| rhs.dimensions()[d]);
    let sizes = batch.chain(from_lhs).chain(from_rhs).collect();
    // dot_general (C13)
    let element_type = lhs.element_type();
    context.require(element_type == rhs.element_type(), "dot_general (C13)", || {
        format!("operands {lhs} and {rhs} need the same element type")
    })?;
    context.result(sum_type(context, element_type), sizes)
}

/// The type of sums of products of `element_type`: that one, or another one of its kind that is
/// stated, to accumulate in.
pub(super) fn sum_type(context: &Context<'_>, element_type: ElementType) -> ElementType {
    let stated = context.stated.and_then(Shape::as_array).map(ArrayShape::element_type);
    let kind = |t: ElementType| (t.is_float(), t.is_integer(), t.is_complex());
    stated.filter(|&stated| kind(stated) == kind(element_type)).unwrap_or(element_type)
}

fn require_dot_dimensions(
    context: &Context<'_>,
    numbers: &DotDimensionNumbers,
) -> Result<(), InferError> {
    let (lhs, rhs) = (context.array(0)?, context.array(1)?);
    let DotDimensionNumbers {
        lhs_batch_dimensions: lhs_batch,
        rhs_batch_dimensions: rhs_batch,
        lhs_contracting_dimensions: lhs_contracting,
        rhs_contracting_dimensions: rhs_contracting,
    } = numbers;
    // dot_general (C1)
    context.require(lhs_batch.len() == rhs_batch.len(), "dot_general (C1)", || {
        format!("batch dimensions {lhs_batch:?} and {rhs_batch:?} need the same count")
    })?;
    // dot_general (C2)
    context.require(lhs_contracting.len() == rhs_contracting.len(), "dot_general (C2)", || {
        format!(
            "contracting dimensions {lhs_contracting:?} and {rhs_contracting:?} need the same count"
        )
    })?;
    // dot_general (C3), (C5), (C6)
    let (batch, contracting) = ("lhs_batch_dims", "lhs_contracting_dims");
    let both = [&lhs_batch[..], lhs_contracting].concat();
    context.require_below(lhs_batch, lhs, "dot_general (C5)", batch)?;
    context.require_below(lhs_contracting, lhs, "dot_general (C6)", contracting)?;
    context.require_distinct(&both, lhs.rank(), ["dot_general (C3)"; 2], "dimensions of lhs")?;
    // dot_general (C4), (C7), (C8)
    let (batch, contracting) = ("rhs_batch_dims", "rhs_contracting_dims");
    let both = [&rhs_batch[..], rhs_contracting].concat();
    context.require_below(rhs_batch, rhs, "dot_general (C7)", batch)?;
    context.require_below(rhs_contracting, rhs, "dot_general (C8)", contracting)?;
    context.require_distinct(&both, rhs.rank(), ["dot_general (C4)"; 2], "dimensions of rhs")?;
    // dot_general (C9), (C10)
    let pairs = [
        (lhs_batch, rhs_batch, "dot_general (C9)", "batch"),
        (lhs_contracting, rhs_contracting, "dot_general (C10)", "contracting"),
    ];
    for (of_lhs, of_rhs, constraint, kind) in pairs {
        for (&l, &r) in of_lhs.iter().zip(of_rhs) {
            let same = lhs.dimensions()[l] == rhs.dimensions()[r];
            context.require(same, constraint, || {
                format!("{kind} dimensions {l} of {lhs} and {r} of {rhs} need the same size")
            })?;
        }
    }
    Ok(())
}

impl Context<'_> {
    fn require_below(
        &self,
        dimensions: &[usize],
        operand: &ArrayShape,
        constraint: &'static str,
        what: &str,
    ) -> Result<(), InferError> {
        let fits = dimensions.iter().all(|&dimension| dimension < operand.rank());
        self.require(fits, constraint, || {
            format!("{what} {dimensions:?} have to be below the rank of {operand}")
        })
    }
}

/// `reduce` of n arrays with n initial values.
pub(super) fn reduce(
    context: &Context<'_>,
    dimensions: &[usize],
    to_apply: ComputationId,
) -> Result<Shape, InferError> {
    let arrays = context.arrays()?;
    context.require(arrays.len() % 2 == 0, "reduce (C3)", || {
        format!("{} operands given; as many initial values as inputs are needed", arrays.len())
    })?;
    let (inputs, inits) = arrays.split_at(arrays.len() / 2);
    let first = inputs[0];
    // reduce (C1)
    for (n, input) in inputs.iter().enumerate() {
        context.require(input.dimensions() == first.dimensions(), "reduce (C1)", || {
            format!("input {n} is {input}, input 0 is {first}; they need the same dimensions")
        })?;
    }
    // reduce (C2)
    for (input, init) in inputs.iter().zip(inits) {
        let fits = init.is_scalar() && init.element_type() == input.element_type();
        context.require(fits, "reduce (C2)", || {
            format!("the initial value of {input} is {init}; a scalar of its type is needed")
        })?;
    }
    // reduce (C4), (C5)
    context.require_distinct(
        dimensions,
        first.rank(),
        ["reduce (C5)", "reduce (C4)"],
        "dimensions",
    )?;
    let types = reducer_types(context, to_apply, inputs, "reduce (C6)")?;
    // reduce (C7), (C8)
    let kept = (0..first.rank()).filter(|dimension| !dimensions.contains(dimension));
    let kept: Vec<usize> = kept.map(|dimension| first.dimensions()[dimension]).collect();
    let results = types.iter().map(|&t| Ok(Shape::Array(context.result(t, kept.clone())?)));
    let mut results = results.collect::<Result<Vec<Shape>, InferError>>()?;
    Ok(if results.len() == 1 { results.remove(0) } else { Shape::Tuple(results) })
}

/// The element types that the reduction computes in.
pub(super) fn reducer_types(
    context: &Context<'_>,
    to_apply: ComputationId,
    inputs: &[&ArrayShape],
    constraint: &'static str,
) -> Result<Vec<ElementType>, InferError> {
    let program = context.program_shape(to_apply)?;
    let result = match &program.result {
        Shape::Array(_) => std::slice::from_ref(&program.result),
        Shape::Tuple(elements) => elements,
    };
    let scalars = |shapes: &[Shape]| -> Option<Vec<ElementType>> {
        let scalars = shapes.iter().map(|shape| shape.as_array().filter(|array| array.is_scalar()));
        scalars.map(|scalar| Some(scalar?.element_type())).collect()
    };
    let types = scalars(result).filter(|types| types.len() == inputs.len());
    let parameters = scalars(&program.parameters);
    let legal = types.filter(|types| {
        let promotable = types.iter().zip(inputs).all(|(&to, input)| {
            let from = input.element_type();
            from.class() == to.class() && from.bit_width() <= to.bit_width()
        });
        let twice = types.iter().chain(types);
        promotable && parameters.is_some_and(|parameters| parameters.iter().eq(twice))
    });
    legal.ok_or_else(|| {
        let name = context.module.computation(to_apply).name();
        let n = inputs.len();
        let message = format!(
            "the computation {name} is {program}; it has to take {n} accumulators and {n} elements \
             and give {n} results, all scalars of the inputs' types"
        );
        context.error(constraint, message)
    })
}
