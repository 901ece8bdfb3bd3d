//! Inference of ops that are whole algorithms.

use super::super::attribute::{CustomCallTarget, RandomAlgorithm, TriangularSolveOptions};
use super::super::computation::ComputationId;
use super::super::shape::{ArrayShape, ElementType, Shape};
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

impl<'a> Context<'a> {
    /// Operand `n` as batch dimensions, rows and columns of matrices of floats.
    fn matrices(
        &self,
        n: usize,
        constraint: &'static str,
    ) -> Result<(&'a ArrayShape, &'a [usize], [usize; 2]), InferError> {
        let array = self.array(n)?;
        match array.dimensions() {
            [batch @ .., rows, columns] if array.element_type().part().is_float() => {
                Ok((array, batch, [*rows, *columns]))
            }
            _ => {
                let message = format!(
                    "operand {n} is {array}; matrices of floats or complex numbers are needed"
                );
                Err(self.error(constraint, message))
            }
        }
    }

    fn require_square(
        &self,
        array: &ArrayShape,
        [rows, columns]: [usize; 2],
        constraint: &'static str,
    ) -> Result<(), InferError> {
        self.require(rows == columns, constraint, || {
            format!("the operand is {array}; square matrices are needed")
        })
    }
}

/// `cholesky`.
pub(super) fn cholesky(context: &Context<'_>) -> Result<ArrayShape, InferError> {
    // cholesky (C2)
    let (a, _, sizes) = context.matrices(0, "cholesky (C2)")?;
    // cholesky (C3)
    context.require_square(a, sizes, "cholesky (C3)")?;
    // cholesky (C1)
    Ok(a.without_layout())
}

/// `triangular-solve`.
pub(super) fn triangular_solve(
    context: &Context<'_>,
    options: TriangularSolveOptions,
) -> Result<ArrayShape, InferError> {
    // triangular_solve (C2)
    let (a, a_batch, a_sizes) = context.matrices(0, "triangular_solve (C2)")?;
    let (b, b_batch, [rows, columns]) = context.matrices(1, "triangular_solve (C2)")?;
    // triangular_solve (C1)
    context.require(a.element_type() == b.element_type(), "triangular_solve (C1)", || {
        format!("operands {a} and {b} need the same element type")
    })?;
    // triangular_solve (C3)
    context.require_square(a, a_sizes, "triangular_solve (C3)")?;
    let needed = if options.left_side { rows } else { columns };
    context.require(a_batch == b_batch && a_sizes[0] == needed, "triangular_solve (C3)", || {
        let side = if options.left_side { "rows" } else { "columns" };
        format!("{b} has to have the batch dimensions of {a} and as many {side}")
    })?;
    // triangular_solve (C4)
    Ok(b.without_layout())
}

/// Custom calls that are no checks.
pub(super) fn custom_call(
    context: &Context<'_>,
    target: &CustomCallTarget,
) -> Result<Shape, InferError> {
    let name = target.name();
    let n_operands = match target {
        CustomCallTarget::Eigh(_) | CustomCallTarget::LuDecomposition | CustomCallTarget::Qr => 1,
        CustomCallTarget::ProductOfElementaryHouseholderReflectors => 2,
        CustomCallTarget::CheckExpectEq(_)
        | CustomCallTarget::CheckExpectAlmostEq(_)
        | CustomCallTarget::CheckExpectClose(_)
        | CustomCallTarget::CheckEq(_)
        | CustomCallTarget::Other(_) => return context.stated().cloned(),
    };
    context.require(context.operands.len() == n_operands, RULE, || {
        format!("{name} takes {n_operands} operands, {} given", context.operands.len())
    })?;
    let (a, batch, [rows, columns]) = context.matrices(0, RULE)?;
    let (element_type, shorter) = (a.element_type(), rows.min(columns));
    let vectors = |element_type, size| {
        let sizes = batch.iter().copied().chain([size]).collect();
        context.result(element_type, sizes).map(Shape::Array)
    };
    let same = Shape::Array(a.without_layout());
    Ok(match target {
        CustomCallTarget::LuDecomposition => Shape::Tuple(vec![
            same,
            vectors(ElementType::S32, shorter)?,
            vectors(ElementType::S32, rows)?,
        ]),
        CustomCallTarget::Qr => Shape::Tuple(vec![same, vectors(element_type, shorter)?]),
        CustomCallTarget::Eigh(_) => {
            context.require_square(a, [rows, columns], RULE)?;
            Shape::Tuple(vec![same, vectors(element_type.part(), rows)?])
        }
        CustomCallTarget::ProductOfElementaryHouseholderReflectors
        | CustomCallTarget::CheckExpectEq(_)
        | CustomCallTarget::CheckExpectAlmostEq(_)
        | CustomCallTarget::CheckExpectClose(_)
        | CustomCallTarget::CheckEq(_)
        | CustomCallTarget::Other(_) => {
            let taus = context.array(1)?;
            let fits = match taus.dimensions() {
                [of_taus @ .., count] => of_taus == batch && *count <= shorter,
                [] => false,
            };
            context.require(fits && taus.element_type() == element_type, RULE, || {
                format!("{name} of {a} cannot take the factors {taus}")
            })?;
            same
        }
    })
}

/// What breaks the conventions of a custom call.
const RULE: &str = "custom call";
