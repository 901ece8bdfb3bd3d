//! Shape inference: the one place that knows which shape an op produces, and from which operands.
//!
//! The builder calls it, so a wrong instruction cannot be made; the importer and the parser go
//! through the builder; the verifier calls it again and compares. Each check names the constraint
//! of the StableHLO specification that it enforces, or says in words which rule of HLO it is.
//!
//! Layouts: operations that compute something produce arrays without a layout, and the stated
//! shape may add one. Operations that hand values through (tuples, calls, loops) hand the layout
//! through too, and the stated shape has to agree with it.

mod algorithm;
mod contraction;
mod control;
mod convolution;
mod data;
mod elementwise;
mod fourier;
mod indexing;
mod scatter;
#[cfg(test)]
mod tests;
mod transfer;
mod window;

use super::module::Module;
use super::opcode::{Op, Opcode};
use super::shape::{ArrayShape, ElementType, Shape, ShapeError};

/// An instruction that cannot be: which op, which constraint, and what was given and is allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{opcode}: {message} [{constraint}]")]
pub struct InferError {
    opcode: Opcode,
    constraint: &'static str,
    message: String,
}

impl InferError {
    /// An error of `opcode` against `constraint`, such as `concatenate (C2)`.
    pub fn new(opcode: Opcode, constraint: &'static str, message: impl Into<String>) -> Self {
        Self { opcode, constraint, message: message.into() }
    }

    /// The op.
    pub fn opcode(&self) -> Opcode {
        self.opcode
    }

    /// The constraint of the specification, such as `concatenate (C2)`, or a rule in words.
    pub fn constraint(&self) -> &'static str {
        self.constraint
    }

    /// What was given and what is allowed.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// The result shape of `op` applied to operands of these shapes.
///
/// `stated` is the shape that the program states, if it does. It is required where
/// [`Opcode::declares_shape`]. Elsewhere it has to agree with what follows from the operands, and
/// may add layouts; `dot` may also state another element type to accumulate in.
///
/// # Errors
/// The constraint that is violated.
pub fn infer(
    op: &Op,
    operands: &[&Shape],
    stated: Option<&Shape>,
    module: &Module,
) -> Result<Shape, InferError> {
    let opcode = op.opcode();
    let (arity, given) = (opcode.arity(), operands.len());
    if !arity.allows(given) {
        let message = format!("{given} operands given, {arity} allowed");
        return Err(InferError::new(opcode, "operand count", message));
    }
    let context = Context { opcode, operands, stated, module };
    let inferred = infer_family(op, &context)?;
    let Some(stated) = stated else { return Ok(inferred) };
    agree(&inferred, stated).ok_or_else(|| {
        let message = format!("the result is {inferred}, the stated shape is {stated}");
        InferError::new(opcode, "result shape", message)
    })
}

fn infer_family(op: &Op, context: &Context<'_>) -> Result<Shape, InferError> {
    #[rustfmt::skip]
    let shape = match op {
        Op::Abs | Op::Cbrt | Op::Ceil | Op::Copy | Op::Cosine | Op::CountLeadingZeros
        | Op::Exponential | Op::ExponentialMinusOne | Op::Floor | Op::IsFinite | Op::Log
        | Op::LogPlusOne | Op::Logistic | Op::Negate | Op::Not | Op::Popcnt | Op::RoundNearestAfz
        | Op::RoundNearestEven | Op::Rsqrt | Op::Sign | Op::Sine | Op::Sqrt | Op::Tan
        | Op::Tanh => elementwise::unary(context)?,
        Op::ReducePrecision { exponent_bits, mantissa_bits } => {
            elementwise::reduce_precision(context, *exponent_bits, *mantissa_bits)?
        }
        Op::Real | Op::Imag => elementwise::part(context)?,
        Op::Complex => elementwise::complex(context)?,
        Op::Convert => elementwise::convert(context)?,
        Op::Add | Op::And | Op::Atan2 | Op::Divide | Op::Maximum | Op::Minimum | Op::Multiply
        | Op::Or | Op::Power | Op::Remainder | Op::ShiftLeft | Op::ShiftRightArithmetic
        | Op::ShiftRightLogical | Op::Subtract | Op::Xor => elementwise::binary(context)?,
        Op::Compare { comparison_type, .. } => elementwise::compare(context, *comparison_type)?,
        Op::Select => elementwise::select(context)?,
        Op::Clamp => elementwise::clamp(context)?,
        Op::Constant { literal } => return data::constant(context, literal),
        Op::Bitcast | Op::BitcastConvert | Op::Broadcast { .. } | Op::Concatenate { .. }
        | Op::Iota { .. } | Op::Pad { .. } | Op::Reshape | Op::Reverse { .. } | Op::Slice { .. }
        | Op::Transpose { .. } => data::moved(op, context)?,
        Op::DynamicSlice { dynamic_slice_sizes } => {
            indexing::dynamic_slice(context, dynamic_slice_sizes)?
        }
        Op::DynamicUpdateSlice => indexing::dynamic_update_slice(context)?,
        Op::Gather { dimension_numbers, slice_sizes, .. } => {
            indexing::gather(context, dimension_numbers, slice_sizes)?
        }
        Op::Fft { fft_type, fft_length } => fourier::fft(context, *fft_type, fft_length)?,
        Op::Dot { dimension_numbers, .. } => contraction::dot(context, dimension_numbers)?,
        op @ Op::Convolution { .. } => convolution::convolution(context, op)?,
        Op::Reduce { dimensions, to_apply } => {
            return contraction::reduce(context, dimensions, *to_apply);
        }
        Op::ReduceWindow { window, to_apply } => {
            return window::reduce_window(context, window, *to_apply);
        }
        Op::Scatter { dimension_numbers, to_apply, .. } => {
            return scatter::scatter(context, dimension_numbers, *to_apply);
        }
        Op::SelectAndScatter { window, select, scatter } => {
            window::select_and_scatter(context, window, [*select, *scatter])?
        }
        Op::RngBitGenerator { algorithm } => {
            return algorithm::rng_bit_generator(context, *algorithm);
        }
        Op::Sort { dimension, to_apply, .. } => {
            return algorithm::sort(context, *dimension, *to_apply);
        }
        Op::Cholesky { .. } => algorithm::cholesky(context)?,
        Op::TriangularSolve { options } => algorithm::triangular_solve(context, *options)?,
        Op::Call { to_apply } => return control::call(context, *to_apply),
        Op::Fusion { calls, .. } => return control::call(context, *calls),
        Op::Conditional { branch_computations } => {
            return control::conditional(context, branch_computations);
        }
        Op::While { condition, body } => return control::while_loop(context, *condition, *body),
        Op::GetTupleElement { index } => return control::get_tuple_element(context, *index),
        Op::OptBarrier => return Ok(context.operands[0].clone()),
        Op::Tuple => return Ok(control::tuple(context)),
        Op::AfterAll | Op::Send { .. } | Op::SendDone { .. } | Op::Recv { .. }
        | Op::RecvDone { .. } => return transfer::transfer(op, context),
        Op::CustomCall { target, .. } => return control::custom_call(context, target),
        Op::Parameter { .. } => return context.stated().cloned(),
    };
    Ok(Shape::Array(shape))
}

/// Both shapes in one, if they only differ in layouts that one of them leaves undecided.
pub(super) fn agree(inferred: &Shape, stated: &Shape) -> Option<Shape> {
    match (inferred, stated) {
        (Shape::Array(a), Shape::Array(b)) if a.same_but_layout(b) => {
            match (a.layout(), b.layout()) {
                (Some(a), Some(b)) if a != b => None,
                (Some(_), _) => Some(inferred.clone()),
                (None, _) => Some(stated.clone()),
            }
        }
        (Shape::Tuple(a), Shape::Tuple(b)) if a.len() == b.len() => {
            let elements = a.iter().zip(b).map(|(a, b)| agree(a, b));
            elements.collect::<Option<Vec<Shape>>>().map(Shape::Tuple)
        }
        (Shape::Array(_) | Shape::Tuple(_), Shape::Array(_) | Shape::Tuple(_)) => None,
    }
}

/// What the inference of one instruction looks at.
struct Context<'a> {
    opcode: Opcode,
    operands: &'a [&'a Shape],
    stated: Option<&'a Shape>,
    module: &'a Module,
}

impl<'a> Context<'a> {
    fn error(&self, constraint: &'static str, message: impl Into<String>) -> InferError {
        InferError::new(self.opcode, constraint, message)
    }

    /// An error unless `condition` holds.
    fn require(
        &self,
        condition: bool,
        constraint: &'static str,
        message: impl FnOnce() -> String,
    ) -> Result<(), InferError> {
        if condition { Ok(()) } else { Err(self.error(constraint, message())) }
    }

    /// Operand `n`, which has to be an array.
    fn array(&self, n: usize) -> Result<&'a ArrayShape, InferError> {
        let shape = self.operands[n];
        shape.as_array().filter(|array| !array.is_token()).ok_or_else(|| {
            self.error("operand type", format!("operand {n} is {shape}; an array is needed"))
        })
    }

    /// All operands, which have to be arrays.
    fn arrays(&self) -> Result<Vec<&'a ArrayShape>, InferError> {
        (0..self.operands.len()).map(|n| self.array(n)).collect()
    }

    fn stated(&self) -> Result<&'a Shape, InferError> {
        self.stated.ok_or_else(|| {
            self.error("result shape", "the result shape has to be stated; it does not follow")
        })
    }

    fn stated_array(&self) -> Result<&'a ArrayShape, InferError> {
        let shape = self.stated()?;
        shape.as_array().filter(|array| !array.is_token()).ok_or_else(|| {
            self.error("result shape", format!("the stated shape is {shape}; an array is needed"))
        })
    }

    /// A result shape, unless it is too large.
    fn result(
        &self,
        element_type: ElementType,
        dimensions: Vec<usize>,
    ) -> Result<ArrayShape, InferError> {
        ArrayShape::new(element_type, dimensions).map_err(|error| self.shape_error(&error))
    }

    fn shape_error(&self, error: &ShapeError) -> InferError {
        self.error("size", error.to_string())
    }

    /// An error unless `dimensions` are distinct and below `rank`.
    fn require_distinct(
        &self,
        dimensions: &[usize],
        rank: usize,
        [distinct, below]: [&'static str; 2],
        what: &str,
    ) -> Result<(), InferError> {
        let mut seen = vec![false; rank];
        for &dimension in dimensions {
            let Some(seen) = seen.get_mut(dimension) else {
                let message = format!("{what} {dimensions:?} have to be below {rank}");
                return Err(self.error(below, message));
            };
            self.require(!std::mem::replace(seen, true), distinct, || {
                format!("{what} {dimensions:?} have to be distinct")
            })?;
        }
        Ok(())
    }
}
