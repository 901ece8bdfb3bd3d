//! Dots of integers as dots of floats, exactly.
//!
//! The matrix units multiply bf16 values, which hold integers of 8 bits, and sum up in f32, which
//! holds integers up to 2^24. So integers of more bits are cut into *limbs* of 8 bits, of which all
//! pairs are multiplied that reach the result's bits; and a sum that could become larger is cut
//! into pieces, which are added as integers. Limbs are unsigned but for the highest of a signed
//! integer. Everything wraps, as integers do.
//!
//! Left as they are: dots that would take more than [`MAX_DOTS`] dots, and dots of 64 bits.

use super::{
    Changed, PassContext, PassError,
    shaping::{converted, sliced},
    site::{Rewritten, Site, rewrite_module},
};
use crate::hlo::{
    ArrayLiteral, ArrayShape, ComputationBuilder, DotDimensionNumbers, ElementType, InferError,
    InstructionId, Literal, Module, Op, OperandPrecision, SliceDimension,
};

/// The most dots that one may become.
const MAX_DOTS: usize = 64;
/// The largest sum whose terms and steps f32 holds exactly.
const MAX_SUM: usize = 1 << 24;
/// Pieces of a sum are made of so many elements, or a multiple, where that is possible: blocks of
/// the matrix units.
const BLOCK: usize = 128;
/// Bits of a limb.
const LIMB_BITS: usize = 8;

/// See the module's comment.
///
/// # Errors
/// None of its own.
pub fn integer_dot_decomposition(
    module: &mut Module,
    _: &PassContext,
) -> Result<Changed, PassError> {
    rewrite_module(module, &mut decompose)
}

/// 8 bits of the elements of an operand.
#[derive(Clone, Copy)]
struct Limb {
    /// Which: 0 is the lowest.
    place: usize,
    is_signed: bool,
}

impl Limb {
    /// The largest magnitude.
    fn bound(self) -> usize {
        if self.is_signed { 128 } else { 255 }
    }
}

/// A product of limbs of the two operands, summed up in pieces of `size` elements.
struct Product {
    limbs: [Limb; 2],
    size: usize,
}

fn decompose(site: &mut Site<'_>) -> Rewritten {
    let Op::Dot { dimension_numbers, .. } = site.instruction().op() else { return Ok(None) };
    let numbers = dimension_numbers.clone();
    let operands = [site.operand(0), site.operand(1)];
    let shape = site.instruction().array_shape().without_layout();
    let types = operands.map(|operand| site.element_type(operand));
    if ![types[0], types[1], shape.element_type()].into_iter().all(is_integer) {
        return Ok(None);
    }
    let lhs = site.dimensions(operands[0]);
    let sizes = numbers.lhs_contracting_dimensions.iter().map(|d| lhs[*d]);
    let sizes: Vec<usize> = sizes.collect();
    let Some(longest) = (0..sizes.len()).max_by_key(|pair| sizes[*pair]) else { return Ok(None) };
    let others: usize = sizes.iter().product::<usize>() / sizes[longest].max(1);
    let bytes = shape.element_type().byte_size();
    let Some(products) = products(types, bytes, (sizes[longest], others)) else { return Ok(None) };
    let dot = Dot { numbers, shape, longest, size: sizes[longest] };
    let mut builder = site.build();
    let b = &mut builder;
    let mut sum = None;
    for product in products {
        let term = dot.product(b, operands, &product)?;
        sum = Some(match sum {
            Some(before) => b.binary(Op::Add, before, term)?,
            None => term,
        });
    }
    match sum {
        Some(sum) => converted(b, sum, dot.shape.element_type()).map(Some),
        None => Ok(None),
    }
}

fn is_integer(element_type: ElementType) -> bool {
    limbs(element_type).is_some()
}

/// The limbs of a type; none for what is no integer of at most 32 bits.
fn limbs(element_type: ElementType) -> Option<Vec<Limb>> {
    let (n, is_signed) = match element_type {
        ElementType::S8 => (1, true),
        ElementType::U8 => (1, false),
        ElementType::S16 => (2, true),
        ElementType::U16 => (2, false),
        ElementType::S32 => (4, true),
        ElementType::U32 => (4, false),
        _ => return None,
    };
    Some((0..n).map(|place| Limb { place, is_signed: is_signed && place + 1 == n }).collect())
}

/// The products of limbs that reach a result of so many bytes, where the longest contracted
/// dimension and all others together have these sizes; none if they are too many.
fn products(
    types: [ElementType; 2],
    bytes: usize,
    (longest, others): (usize, usize),
) -> Option<Vec<Product>> {
    let [lhs, rhs] = [limbs(types[0])?, limbs(types[1])?];
    let pairs = lhs.iter().flat_map(|x| rhs.iter().map(move |y| [*x, *y]));
    let mut products = Vec::new();
    let mut n_dots = 0;
    for limbs in pairs.filter(|[x, y]| x.place + y.place < bytes) {
        let most = MAX_SUM / (limbs[0].bound() * limbs[1].bound() * others.max(1));
        let most = if most >= BLOCK { most / BLOCK * BLOCK } else { most };
        let size = most.min(longest);
        if size == 0 {
            return None;
        }
        n_dots += longest.div_ceil(size);
        products.push(Product { limbs, size });
    }
    (n_dots <= MAX_DOTS).then_some(products)
}

/// A dot of integers.
struct Dot {
    numbers: DotDimensionNumbers,
    shape: ArrayShape,
    /// The pair of contracted dimensions that is the longest.
    longest: usize,
    size: usize,
}

impl Dot {
    /// The product of two limbs, in its place, in 32 bits.
    fn product(
        &self,
        b: &mut ComputationBuilder<'_>,
        operands: [InstructionId; 2],
        product: &Product,
    ) -> Result<InstructionId, InferError> {
        let [x, y] = product.limbs;
        let factors = [limb(b, operands[0], x)?, limb(b, operands[1], y)?];
        let along =
            [&self.numbers.lhs_contracting_dimensions, &self.numbers.rhs_contracting_dimensions];
        let mut sum = None;
        for start in (0..self.size).step_by(product.size) {
            let limit = self.size.min(start + product.size);
            let part = SliceDimension { start, limit, stride: 1 };
            let mut pieces = factors;
            for (piece, along) in pieces.iter_mut().zip(along) {
                *piece = sliced(b, *piece, &[(along[self.longest], part)])?;
            }
            let precision = OperandPrecision::default();
            let dot = b.dot(pieces, self.numbers.clone(), precision, ElementType::F32)?;
            let whole = b.convert(dot, ElementType::S32)?;
            sum = Some(match sum {
                Some(before) => b.binary(Op::Add, before, whole)?,
                None => whole,
            });
        }
        let sum = sum.expect("a dot sums over something");
        shifted(b, Op::ShiftLeft, sum, x.place + y.place)
    }
}

/// A limb of the elements of an array, as floats.
fn limb(
    b: &mut ComputationBuilder<'_>,
    array: InstructionId,
    limb: Limb,
) -> Result<InstructionId, InferError> {
    let op = if limb.is_signed { Op::ShiftRightArithmetic } else { Op::ShiftRightLogical };
    let mut value = shifted(b, op, array, limb.place)?;
    let element_type = b.computation().instruction(array).array_shape().element_type();
    if !limb.is_signed && element_type.byte_size() > 1 {
        let mask = splat(b, value, (1 << LIMB_BITS) - 1)?;
        value = b.binary(Op::And, value, mask)?;
    }
    b.convert(value, ElementType::BF16)
}

/// All elements shifted by so many limbs.
fn shifted(
    b: &mut ComputationBuilder<'_>,
    op: Op,
    value: InstructionId,
    limbs: usize,
) -> Result<InstructionId, InferError> {
    if limbs == 0 {
        return Ok(value);
    }
    let amount = splat(b, value, limbs * LIMB_BITS)?;
    b.binary(op, value, amount)
}

/// An array like `value` of one small integer.
fn splat(
    b: &mut ComputationBuilder<'_>,
    value: InstructionId,
    integer: usize,
) -> Result<InstructionId, InferError> {
    let shape = b.computation().instruction(value).array_shape().clone();
    let mut literal = ArrayLiteral::zeros(&ArrayShape::scalar(shape.element_type()));
    literal.set_bits(0, integer as u64);
    let scalar = b.constant(Literal::Array(literal));
    b.broadcast(scalar, shape.dimensions(), Vec::new())
}
