//! The reduction kernel: sums, products, extrema and the like over any dimensions of an array.
//!
//! The operand is an [`Expression`] over an iteration space of its dimensions, so that what is
//! reduced need not be stored first. Its windows are as in the row kernel, but for long rows, which
//! are cut into columns. What windows contribute to a block of the result is kept in VMEM as whole
//! registers (*slots*): elements that lie in different sublanes and lanes of a register are
//! combined only when the block is complete. What lies beyond the array in its last tiles does not
//! count.
//!
//! Several arrays are reduced together: what is said here of an operand, an initial value and a
//! result holds for each of them, and slots come in sets.
//!
//! The blocks of the result are dealt to the cores. A result of one block is computed by one core
//! or, where that pays, by both ([`split`]): each reduces its share of the operand to slots of its
//! own, and the first combines them.

mod accumulate;
mod combine;
mod cost;
mod finish;
mod plan;
mod site;
mod split;
mod tiling;

pub use crate::operand::{Access, Input};

use palmetto_isa::ChipSpec;
use split::Gathering;
use thiserror::Error;

use crate::{
    element::Element,
    expression::{Expression, NodeId, Reducer},
    llo::{Builder, Function},
    operand::{Space, int},
    pipeline::pipeline,
};

/// A dimension of the operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimension {
    /// Its size.
    pub size: usize,
    /// Whether it is reduced over.
    pub is_reduced: bool,
}

/// What a reduction does to two partial results.
#[derive(Clone, Debug)]
pub enum Computation {
    /// One op, of one array. What it starts from, if that changes anything, counts once.
    Op(Reducer),
    /// Any computation, element by element. What it starts from has to change nothing, for it is
    /// put in as often as the kernel likes; the computation has to be associative and commutative,
    /// for elements are taken in any order.
    Region(Region),
}

/// A computation that a reduction does.
#[derive(Clone, Debug)]
pub struct Region {
    /// What is computed: of `n` arrays, input `i` is array `i` of the first partial result and
    /// input `n + i` that of the second.
    pub expression: Expression,
    /// The nodes that are the result, one for each array.
    pub results: Vec<NodeId>,
    /// The array that is the position of an element along what is reduced, as a 32-bit integer, if
    /// one is. Partial results are then given in its order, wherever they are not anyway: so of
    /// several NaNs, say, the first is found.
    pub position: Option<usize>,
}

/// A reduction. Launch arguments are the inputs, then the results.
#[derive(Clone, Debug)]
pub struct Reduce {
    /// The name.
    pub name: String,
    /// The dimensions of the operands; one of rank 1 has one. Results have those that are kept.
    pub dimensions: Vec<Dimension>,
    /// What the operands and the initial values are.
    pub expression: Expression,
    /// The arrays that `NodeOp::Input` refers to. An operand of rank 1 is rows of 128 lanes.
    pub inputs: Vec<Input>,
    /// The nodes that are reduced. Results are of their types.
    pub values: Vec<NodeId>,
    /// The reduction.
    pub computation: Computation,
    /// What it starts from, the same everywhere, for each array. Of a single op there is none if
    /// that changes nothing.
    pub initials: Vec<NodeId>,
}

/// Why there is no kernel for a [`Reduce`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReduceError {
    /// There is nothing to reduce.
    #[error("the operand of reduction `{0}` has no elements")]
    Empty(String),
    /// Too much is kept at a time.
    #[error("reduction `{name}` takes {needed} granules of VMEM, of {available}")]
    Vmem {
        /// The kernel.
        name: String,
        /// Granules needed.
        needed: usize,
        /// Granules there are.
        available: usize,
    },
    /// Something in the operand that is not computed element by element.
    #[error("the operand of reduction `{0}` combines or moves elements")]
    Operand(String),
}

impl Reduce {
    /// Whether there is a kernel, without making it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn check(&self, chip: &ChipSpec) -> Result<(), ReduceError> {
        split::plan(self, chip).map(|_| ())
    }

    /// The types of operands and results.
    fn elements(&self) -> impl Iterator<Item = Element> {
        self.values.iter().map(|value| self.expression.node(*value).element)
    }

    /// Lines of the narrowest result that share a word.
    fn packing(&self) -> usize {
        self.elements().map(Element::packing).max().unwrap_or(1)
    }
}

/// The kernel.
///
/// # Errors
/// If the shapes do not suit it; see [`ReduceError`].
pub fn reduce(spec: &Reduce, chip: &ChipSpec) -> Result<Function, ReduceError> {
    let plan = split::plan(spec, chip)?;
    let n_arrays = spec.inputs.len() + spec.values.len();
    let n_arguments = u32::try_from(n_arrays).expect("a fusion has few operands");
    let mut b = Builder::new(&spec.name, n_arguments);
    let kernel = accumulate::Kernel::new(&mut b, &plan);
    let flag = int(2 * n_arrays);
    for output in &plan.outputs {
        output.padding.clear(&mut b, chip.n_cores, flag);
    }
    let gathering = plan.grid.is_split.then(|| Gathering::new(&mut b, &kernel, flag + 1));
    let outputs = plan.windows();
    pipeline(&mut b, (&plan.grid, chip.n_cores), (&plan.inputs, &outputs), |b, step| {
        kernel.clear(b, step);
        kernel.accumulate(b, step);
        b.if_then(step.is_last, |b| match &gathering {
            Some(gathering) => gathering.finish(b, &kernel, step),
            None => kernel.finish(b, step),
        });
    });
    Ok(b.finish())
}
