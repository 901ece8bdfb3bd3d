//! From HLO to kernels: which kernel computes a region, and with what.
//!
//! A [`Region`] is one instruction or the body of a fusion. [`choose_kernel`] finds the kernel
//! that computes it, or says why there is none; it is asked by the fusion pass (may these be one
//! kernel?) and by code generation (emit it), so the two cannot disagree. All arrays of a region
//! are in row-major order: layout normalisation has seen to that, but for the results of dots and
//! for transposes that move nothing.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "each kernel knows a few of many opcodes and refuses the rest, whatever they are"
)]

mod access;
mod dot;
mod expression;
mod heads;
mod line;
mod lookup;
mod reduce;
mod region;
mod rowwise;
mod sort;
mod splice;
mod transfer;
mod transpose;

pub use heads::{is_before_heads, is_of_heads, shown_heads};
pub use lookup::is_lane_gather;
pub use region::{Region, copy_element, is_generator, reducer_of};

use palmetto_isa::ChipSpec;
use palmetto_kernels::{
    heads::{Heads, HeadsError},
    line::{Line, LineError},
    llo::Function,
    lookup::{Lookup, LookupError},
    matmul::{Matmul, MatmulError},
    pipeline::TooManyArrays,
    reduce::{Reduce, ReduceError},
    rowwise::{Rowwise, RowwiseError},
    sort::{Sort, SortError, split as sort_split},
    splice::{Splice, SpliceError},
    transfer::Transfer,
    transpose::{Transpose, TransposeError},
};
use thiserror::Error;

use crate::hlo::{ElementType, InstructionId, Opcode, Shape};

/// Why no device kernel computes a region.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// An op that no kernel has.
    #[error("no device kernel for `{0}` of {1}")]
    Op(Opcode, ElementType),
    /// A type that the device does not compute with.
    #[error("no device kernel for arrays of {0}")]
    Type(ElementType),
    /// An op of a kind that kernels have, but not in this way.
    #[error("no device kernel for {what} in `{instruction}`")]
    Form {
        /// What is not possible.
        what: &'static str,
        /// Where.
        instruction: String,
    },
    /// More arrays than any kernel can have.
    #[error(transparent)]
    TooManyArrays(#[from] TooManyArrays),
    /// The row kernel refused.
    #[error(transparent)]
    Rowwise(#[from] RowwiseError),
    /// The reduction kernel refused.
    #[error(transparent)]
    Reduce(#[from] ReduceError),
    /// The sort kernel refused.
    #[error(transparent)]
    Sort(#[from] SortError),
    /// The look-up kernel refused.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The matmul kernel refused.
    #[error(transparent)]
    Matmul(#[from] MatmulError),
    /// The heads kernel refused.
    #[error(transparent)]
    Heads(#[from] HeadsError),
    /// The line kernel refused.
    #[error(transparent)]
    Line(#[from] LineError),
    /// The splice kernel refused.
    #[error(transparent)]
    Splice(#[from] SpliceError),
    /// The transpose kernel refused.
    #[error(transparent)]
    Transpose(#[from] TransposeError),
}

/// A kernel with all that it depends on.
#[derive(Clone, Debug)]
pub enum Kernel {
    /// Elementwise loops and reductions over the lanes.
    Rowwise(Rowwise),
    /// A reduction over any dimensions.
    Reduce(Reduce),
    /// Arrays sorted along a dimension.
    Sort(Sort),
    /// The first launch of a sort that is split between the cores.
    SortHalves(Sort),
    /// The second: it makes the result of the sorted halves.
    SortMerge(Sort),
    /// Rows of several heads to matrices and back.
    Heads(Heads),
    /// Rows to lines and lines to rows.
    Line(Line),
    /// Parts of lines put together.
    Splice(Splice),
    /// Rows or matrices of a table by indices.
    Lookup(Lookup),
    /// Rows or matrices of an array replaced, by indices.
    Scatter(Lookup),
    /// Data movement by DMA.
    Transfer(Transfer),
    /// A matrix product with what comes after it.
    Matmul(Box<Matmul>),
    /// Rows and lanes of matrices change places.
    Transpose(Transpose),
}

impl Kernel {
    /// The pairs of an operand and a result that may be one array in a launch. Most kernels read
    /// operands again for other parts of the result.
    pub fn shareable(&self, chip: &ChipSpec) -> Vec<(usize, usize)> {
        match self {
            Self::Rowwise(spec) => spec.shareable(chip),
            Self::Transfer(_) | Self::Scatter(_) if self.is_update() => vec![(0, 0)],
            _ => Vec::new(),
        }
    }

    /// Whether its one result is its one operand, bit by bit.
    pub fn is_copy(&self, chip: &ChipSpec) -> bool {
        matches!(self, Self::Rowwise(spec) if spec.is_copy(chip))
    }

    /// Whether its result is operand 0 with a part replaced: the two have to be one array.
    pub fn is_update(&self) -> bool {
        match self {
            Self::Transfer(spec) => spec.is_update,
            Self::Scatter(_) => true,
            _ => false,
        }
    }

    /// Two kernels to be launched instead of this one, where that pays: one sorts on every core a
    /// share of the operands to an array, and one makes the result of that array.
    pub fn split(&self, chip: &ChipSpec) -> Option<Split> {
        let Self::Sort(spec) = self else { return None };
        let registers = spec.split(chip)?;
        let [first, second] = [Self::SortHalves, Self::SortMerge].map(|part| part(spec.clone()));
        Some(Split { first, registers, second })
    }

    /// The kernel as a device program in LLO.
    ///
    /// # Errors
    /// If the shapes do not suit the kernel.
    pub fn emit(&self, chip: &ChipSpec) -> Result<Function, Refusal> {
        match self {
            Self::Rowwise(spec) => Ok(palmetto_kernels::rowwise::rowwise(spec, chip)?),
            Self::Reduce(spec) => Ok(palmetto_kernels::reduce::reduce(spec, chip)?),
            Self::Sort(spec) => Ok(palmetto_kernels::sort::sort(spec, chip)?),
            Self::SortHalves(spec) => Ok(sort_split::halves(spec, chip)?),
            Self::SortMerge(spec) => Ok(sort_split::merge(spec, chip)?),
            Self::Heads(spec) => Ok(palmetto_kernels::heads::heads(spec, chip)?),
            Self::Line(spec) => Ok(palmetto_kernels::line::line(spec, chip)?),
            Self::Splice(spec) => Ok(palmetto_kernels::splice::splice(spec, chip)?),
            Self::Lookup(spec) => Ok(palmetto_kernels::lookup::lookup(spec, chip)?),
            Self::Scatter(spec) => Ok(palmetto_kernels::lookup::scatter(spec, chip)?),
            Self::Transfer(spec) => Ok(palmetto_kernels::transfer::transfer(spec, chip)),
            Self::Matmul(spec) => Ok(palmetto_kernels::matmul::matmul(spec, chip)?),
            Self::Transpose(spec) => Ok(palmetto_kernels::transpose::transpose(spec, chip)?),
        }
    }

    /// Modelled cycles of a launch; none for kernels without a model.
    pub fn cycles(&self, chip: &ChipSpec) -> Option<f64> {
        match self {
            Self::Rowwise(spec) => spec.cycles(chip).ok(),
            Self::Matmul(spec) => spec.cycles(chip).ok(),
            _ => None,
        }
    }
}

/// See [`Kernel::split`].
#[derive(Clone, Debug)]
pub struct Split {
    /// The first kernel, with the operands as arguments.
    pub first: Kernel,
    /// 32-bit registers of the array between the two.
    pub registers: usize,
    /// The second kernel, with that array as its only operand.
    pub second: Kernel,
}

/// A kernel, and the instructions whose arrays are its launch arguments.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The kernel.
    pub kernel: Kernel,
    /// The operands, in the order of the kernel's arguments.
    pub inputs: Vec<InstructionId>,
}

/// Instructions of the largest region that is looked at: kernels are made by recursion.
const MAX_INSTRUCTIONS: usize = 1024;

/// Bytes of the largest array that kernels address: what HBM holds. Dimensions fit 31 bits.
const MAX_BYTES: usize = 1 << 35;

/// The kernel that computes `region`. Its results, in the order of the region's roots, are the last
/// arguments.
///
/// # Errors
/// Why there is none.
pub fn choose_kernel(region: &Region<'_>) -> Result<Choice, Refusal> {
    if let Some(sort) = sort::find(region) {
        return sort::choose(region, sort);
    }
    // Of all else that is asked for, only reductions give tuples.
    let is_array = |root: &&InstructionId| region.instruction(**root).shape().as_array().is_some();
    if let Some(root) = region.roots().iter().find(|root| !is_array(root)) {
        if reduce::is_at_root(region) {
            return reduce::choose(region);
        }
        return region.refuse(*root, "several results besides others");
    }
    if let Some(id) = region.arrays().find(|id| is_huge(region.instruction(*id).shape())) {
        return region.refuse(id, "an array that is larger than HBM");
    }
    if let Some(choice) = lookup::choose(region).or_else(|| lookup::choose_scatter(region)) {
        return choice;
    }
    if let Some(permutation) = transpose::find(region) {
        return transpose::choose(region, permutation);
    }
    if let Some(pair) = heads::find(region) {
        return heads::choose(region, pair);
    }
    if region.inside().count() > MAX_INSTRUCTIONS {
        return region.refuse(region.roots()[0], "a fusion of more than 1024 instructions");
    }
    match dot::find(region) {
        Some(dot) => dot::choose(region, dot),
        None if reduce::is_at_root(region) => reduce::choose(region),
        None => rowwise::choose(region).or_else(|refusal| movement(region, refusal)),
    }
}

/// The kernel of a region that only moves data and that the row kernel has refused.
fn movement(region: &Region<'_>, refusal: Refusal) -> Result<Choice, Refusal> {
    let of_lines = splice::is_in(region);
    if region.inside().count() > 1 {
        return if of_lines { splice::choose(region) } else { Err(refusal) };
    }
    match (transfer::choose(region), line::find(region)) {
        (Err(_), Some(operand)) => line::choose(region, operand),
        (Err(_), None) if of_lines => splice::choose(region),
        (Err(Refusal::Op(..)), None) => Err(refusal),
        (other, _) => other,
    }
}

fn is_huge(shape: &Shape) -> bool {
    let Some(array) = shape.as_array() else { return false };
    let is_long = array.dimensions().iter().any(|size| i32::try_from(*size).is_err());
    is_long || array.element_count() > 0 && array.byte_size() > MAX_BYTES
}
