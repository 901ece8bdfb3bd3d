//! Random numbers.
//!
//! `rng` has no state in StableHLO, and so no numbers that a program could rely on. Here it is
//! Threefry with a key of its own for each `rng` operation of the program, in the order of import:
//! every execution of one operation, also in a loop, gives the same numbers.

use super::attributes::{self, as_word};
use super::body::Body;
use super::{error, error_at, types};
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::Operation;
use crate::hlo::{
    ArrayLiteral, ArrayShape, ElementClass, ElementType, InstructionId, Literal, Op,
    RandomAlgorithm, Shape,
};

/// `rng_bit_generator`.
pub(super) fn rng_bit_generator(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let [state] = body.exactly(operation)?;
    let attribute = attributes::required(operation, "rng_algorithm")?;
    let algorithm = match as_word(attribute)? {
        "DEFAULT" => RandomAlgorithm::Default,
        "THREE_FRY" => RandomAlgorithm::ThreeFry,
        "PHILOX" => RandomAlgorithm::Philox,
        other => {
            let message = format!("'{other}' is no algorithm; DEFAULT, THREE_FRY and PHILOX are");
            return error_at(attribute.span, message);
        }
    };
    let shapes = operation.result_types.iter().map(|each| types::shape(each, operation.span));
    let stated = Shape::Tuple(shapes.collect::<SourceResult<_>>()?);
    let op = Op::RngBitGenerator { algorithm };
    let both = body.add_shaped(operation, op, &[state], stated)?;
    body.elements(operation, both)
}

/// `rng`: numbers that are evenly distributed from the first operand (included) to the second
/// (excluded), or normally with these as mean and standard deviation.
pub(super) fn rng(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let [a, b, sizes] = body.exactly(operation)?;
    let shape = body.result_array(operation)?.without_layout();
    check_sizes(body, operation, sizes, &shape)?;
    for operand in [a, b] {
        let given = body.array(operation, operand)?;
        if !given.same_but_layout(&ArrayShape::scalar(shape.element_type())) {
            let wanted = shape.element_type();
            return error(operation, format!("stablehlo.rng takes {wanted}[], found {given}"));
        }
    }
    let attribute = attributes::required(operation, "rng_distribution")?;
    let is_float = shape.element_type().class() == ElementClass::Float;
    let is_integer = shape.element_type().is_integer();
    let mut numbers = Numbers { body, operation, shape };
    let value = match as_word(attribute)? {
        "UNIFORM" if is_float => numbers.uniform([a, b])?,
        "UNIFORM" if is_integer => numbers.uniform_integers([a, b])?,
        "NORMAL" if is_float => numbers.normal([a, b])?,
        other => {
            let message = format!(
                "distribution {other} of {}; UNIFORM of integers and floats and \
                 NORMAL of floats are supported",
                numbers.shape.element_type()
            );
            return Err(SourceError::unsupported(attribute.span, message));
        }
    };
    let declared = body.result_shape(operation)?;
    body.check_type(operation, &declared, value)?;
    Ok(vec![value])
}

/// The third operand has to be the constant that the declared type says.
fn check_sizes(
    body: &mut Body<'_, '_>,
    operation: &Operation,
    sizes: InstructionId,
    shape: &ArrayShape,
) -> SourceResult<()> {
    let builder = body.builder();
    let given = match builder.computation().instruction(sizes).op() {
        Op::Constant { literal: Literal::Array(array) } => {
            let sizes = (0..array.element_count()).map(|n| array.get_i64(n));
            sizes.map(|size| usize::try_from(size?).ok()).collect::<Option<Vec<usize>>>()
        }
        _ => None,
    };
    if given.as_deref() == Some(shape.dimensions()) {
        return Ok(());
    }
    let wanted = shape.dimensions();
    error(operation, format!("stablehlo.rng: the last operand has to be the constant {wanted:?}"))
}

/// Makes the numbers of one operation.
struct Numbers<'w, 'i, 'p> {
    body: &'w mut Body<'i, 'p>,
    operation: &'w Operation,
    shape: ArrayShape,
}

impl Numbers<'_, '_, '_> {
    fn add(&mut self, op: Op, operands: &[InstructionId]) -> SourceResult<InstructionId> {
        self.body.add(self.operation, op, operands)
    }

    fn shaped(
        &mut self,
        op: Op,
        operands: &[InstructionId],
        element_type: ElementType,
    ) -> SourceResult<InstructionId> {
        let shape = self.shape.with_element_type(element_type);
        self.body.add_shaped(self.operation, op, operands, shape.into())
    }

    /// The same number everywhere.
    fn number(&mut self, literal: ArrayLiteral) -> SourceResult<InstructionId> {
        let element_type = literal.element_type();
        let scalar = self.add(Op::Constant { literal: literal.into() }, &[])?;
        self.shaped(Op::Broadcast { dimensions: Vec::new() }, &[scalar], element_type)
    }

    fn float(&mut self, element_type: ElementType, value: f64) -> SourceResult<InstructionId> {
        let mut literal = ArrayLiteral::zeros(&ArrayShape::scalar(element_type));
        literal.set_f64(0, value);
        self.number(literal)
    }

    fn integer(&mut self, element_type: ElementType, bits: u64) -> SourceResult<InstructionId> {
        let mut literal = ArrayLiteral::zeros(&ArrayShape::scalar(element_type));
        literal.set_bits(0, bits);
        self.number(literal)
    }

    /// Bits that no other operation of the program gets.
    fn bits(&mut self, element_type: ElementType) -> SourceResult<InstructionId> {
        let key = self.body.importer.n_random;
        self.body.importer.n_random += 1;
        let state = Literal::from_slice(&[2], &[key, 0]).expect("two words are two words");
        let state = self.add(Op::Constant { literal: state }, &[])?;
        let output = self.shape.with_element_type(element_type);
        let shapes = vec![self.body.shape(state), output.into()];
        let op = Op::RngBitGenerator { algorithm: RandomAlgorithm::ThreeFry };
        let both = self.body.add_shaped(self.operation, op, &[state], Shape::Tuple(shapes))?;
        self.add(Op::GetTupleElement { index: 1 }, &[both])
    }

    /// The float type that is computed in, and the integer type of its size.
    fn wide(&self) -> (ElementType, ElementType) {
        if self.shape.element_type() == ElementType::F64 {
            (ElementType::F64, ElementType::U64)
        } else {
            (ElementType::F32, ElementType::U32)
        }
    }

    /// From 0 (included) to 1 (excluded): random significands below the exponent of 1.
    fn unit(&mut self) -> SourceResult<InstructionId> {
        let (float, word) = self.wide();
        let (unused, one) = match float {
            ElementType::F64 => (12, 1f64.to_bits()),
            _ => (9, u64::from(1f32.to_bits())),
        };
        let bits = self.bits(word)?;
        let (unused, exponent) = (self.integer(word, unused)?, self.integer(word, one)?);
        let significand = self.add(Op::ShiftRightLogical, &[bits, unused])?;
        let bits = self.add(Op::Or, &[significand, exponent])?;
        let value = self.shaped(Op::BitcastConvert, &[bits], float)?;
        let one = self.float(float, 1.0)?;
        self.add(Op::Subtract, &[value, one])
    }

    /// `value * factor + summand`, rounded to the type of the result.
    fn scaled(
        &mut self,
        value: InstructionId,
        [factor, summand]: [InstructionId; 2],
    ) -> SourceResult<InstructionId> {
        let product = self.add(Op::Multiply, &[value, factor])?;
        let sum = self.add(Op::Add, &[product, summand])?;
        let element_type = self.shape.element_type();
        if element_type == self.wide().0 {
            return Ok(sum);
        }
        self.shaped(Op::Convert, &[sum], element_type)
    }

    /// A scalar operand everywhere, in the type that is computed in.
    fn everywhere(&mut self, scalar: InstructionId) -> SourceResult<InstructionId> {
        let (element_type, wide) = (self.shape.element_type(), self.wide().0);
        let op = Op::Broadcast { dimensions: Vec::new() };
        let value = self.shaped(op, &[scalar], element_type)?;
        if element_type == wide || element_type.is_integer() {
            return Ok(value);
        }
        self.shaped(Op::Convert, &[value], wide)
    }

    fn uniform(&mut self, [low, high]: [InstructionId; 2]) -> SourceResult<InstructionId> {
        let (low, high) = (self.everywhere(low)?, self.everywhere(high)?);
        let unit = self.unit()?;
        let width = self.add(Op::Subtract, &[high, low])?;
        self.scaled(unit, [width, low])
    }

    /// Of two uniform numbers u and v: √(-2 log(1-u)) cos(2πv).
    fn normal(&mut self, [mean, deviation]: [InstructionId; 2]) -> SourceResult<InstructionId> {
        let float = self.wide().0;
        let (mean, deviation) = (self.everywhere(mean)?, self.everywhere(deviation)?);
        let (u, v) = (self.unit()?, self.unit()?);
        let u = self.add(Op::Negate, &[u])?;
        let log = self.add(Op::LogPlusOne, &[u])?;
        let factor = self.float(float, -2.0)?;
        let square = self.add(Op::Multiply, &[log, factor])?;
        let radius = self.add(Op::Sqrt, &[square])?;
        let circle = self.float(float, std::f64::consts::TAU)?;
        let angle = self.add(Op::Multiply, &[v, circle])?;
        let cosine = self.add(Op::Cosine, &[angle])?;
        let value = self.add(Op::Multiply, &[radius, cosine])?;
        self.scaled(value, [deviation, mean])
    }

    /// The lower end and the remainder of random bits by the width.
    fn uniform_integers(&mut self, [low, high]: [InstructionId; 2]) -> SourceResult<InstructionId> {
        let element_type = self.shape.element_type();
        let unsigned = match element_type.bit_width() {
            8 => ElementType::U8,
            16 => ElementType::U16,
            32 => ElementType::U32,
            _ => ElementType::U64,
        };
        let (low, high) = (self.everywhere(low)?, self.everywhere(high)?);
        let bits = self.bits(unsigned)?;
        let width = self.add(Op::Subtract, &[high, low])?;
        let width = self.shaped(Op::Convert, &[width], unsigned)?;
        let offset = self.add(Op::Remainder, &[bits, width])?;
        let offset = self.shaped(Op::Convert, &[offset], element_type)?;
        self.add(Op::Add, &[low, offset])
    }
}
