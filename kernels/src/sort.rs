//! The sort kernel: operands are sorted together along one dimension, by any comparator.
//!
//! A window holds whole *series* of elements that are sorted with each other: rows of a matrix, or
//! columns of it, or an array of one dimension. They are unpacked to words in VMEM, a *column* of
//! registers for each operand, for what the comparator computes of one element alone (its *keys*),
//! and for the position at which an element was; sorted there by a bitonic network ([`network`]);
//! and packed again. Elements beyond the end of a series fill it up to a power of two. They come
//! last, whatever the comparator says.
//!
//! Where a few elements are needed, those that come first, the others are not sorted ([`select`]).
//! Series that are all of one window are sorted in two launches ([`split`]).
//!
//! Equal elements stay in their order. A comparator that contradicts itself gives some permutation.

mod network;
mod order;
mod plan;
mod select;
pub mod split;
mod window;

use palmetto_isa::ChipSpec;
use thiserror::Error;

use plan::Part;

use crate::{
    element::Element,
    expression::{Expression, NodeId},
    llo::Function,
    operand::int,
    pipeline::pipeline,
};

/// A sort, or the first elements of one. Launch arguments are the operands that are arrays, then
/// the results.
#[derive(Clone, Debug)]
pub struct Sort {
    /// The name.
    pub name: String,
    /// Sizes of the dimensions of all operands.
    pub dimensions: Vec<usize>,
    /// What is sorted along.
    pub along: Along,
    /// What is sorted.
    pub operands: Vec<Operand>,
    /// What comes first.
    pub comparator: Comparator,
    /// How many elements are needed, from the first on: results are as long along what is sorted.
    pub keep: usize,
    /// The operands that are results.
    pub results: Vec<usize>,
}

/// What is sorted along.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Along {
    /// The last dimension but one.
    Rows,
    /// The last dimension, or the only one.
    Lanes,
}

/// An operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// An array of this type.
    Array(Element),
    /// The position along what is sorted, as a 32-bit integer of this type.
    Position(Element),
}

/// Whether one element comes before another.
#[derive(Clone, Debug)]
pub struct Comparator {
    /// What is computed: input `2 i` is operand `i` of the one, input `2 i + 1` that of the other.
    pub expression: Expression,
    /// The predicate.
    pub is_before: NodeId,
}

/// Why there is no kernel for a [`Sort`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SortError {
    /// There is nothing to sort.
    #[error("the operands of sort `{0}` have no elements")]
    Empty(String),
    /// A scalar, or the rows of an array of one dimension.
    #[error("the operands of sort `{0}` do not have the dimension that is sorted along")]
    Dimension(String),
    /// A series does not fit.
    #[error("sort `{name}` takes {needed} granules of VMEM, of {available}")]
    Vmem {
        /// The kernel.
        name: String,
        /// Granules needed.
        needed: usize,
        /// Granules there are.
        available: usize,
    },
    /// Something in the comparator that is not computed element by element.
    #[error("the comparator of sort `{0}` combines or moves elements")]
    Comparator(String),
}

impl Operand {
    /// The type.
    pub fn element(self) -> Element {
        match self {
            Self::Array(element) | Self::Position(element) => element,
        }
    }
}

impl Sort {
    /// Whether there is a kernel, without making it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn check(&self, chip: &ChipSpec) -> Result<(), SortError> {
        plan::plan(self, Part::Whole, chip).map(|_| ())
    }
}

/// The kernel.
///
/// # Errors
/// If the shapes do not suit it; see [`SortError`].
pub fn sort(spec: &Sort, chip: &ChipSpec) -> Result<Function, SortError> {
    let plan = plan::plan(spec, Part::Whole, chip)?;
    let n_arrays = plan.inputs.len() + plan.outputs.len();
    let mut b = plan.builder();
    let kernel = network::Kernel::new(&mut b, &plan);
    for padding in plan.paddings() {
        padding.clear(&mut b, chip.n_cores, int(2 * n_arrays));
    }
    kernel.fill(&mut b);
    let windows = (plan.inputs.as_slice(), plan.outputs.as_slice());
    pipeline(&mut b, (&plan.grid, chip.n_cores), windows, |b, step| {
        kernel.unpack(b, step);
        kernel.sort(b);
        kernel.pack(b, step);
    });
    Ok(b.finish())
}
