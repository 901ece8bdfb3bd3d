//! The reduction kernel: sums, products, extrema and the like over any dimensions of an array.
//!
//! The operand is an [`Expression`] over an iteration space of its dimensions, so that what is
//! reduced need not be stored first. Its windows are as in the row kernel, but for long rows, which
//! are cut into columns. What windows contribute to a block of the result is kept in VMEM as whole
//! registers (*slots*): elements that lie in different sublanes and lanes of a register are
//! combined only when the block is complete. What lies beyond the array in its last tiles does not
//! count.
//!
//! The blocks of the result are dealt to the cores. A result of one block is computed by one core
//! or, where that pays, in two launches ([`split`]): in the first, each core reduces its share of
//! the operand to slots of its own; the second combines these.

mod accumulate;
mod cost;
mod finish;
mod plan;
mod site;
pub mod split;
mod tiling;

pub use crate::operand::{Access, Input};

use palmetto_isa::ChipSpec;
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

/// A reduction. Launch arguments are the inputs, then the result.
#[derive(Clone, Debug)]
pub struct Reduce {
    /// The name.
    pub name: String,
    /// The dimensions of the operand; one of rank 1 has one. The result has those that are kept.
    pub dimensions: Vec<Dimension>,
    /// What the operand and the initial value are.
    pub expression: Expression,
    /// The arrays that `NodeOp::Input` refers to. An operand of rank 1 is rows of 128 lanes.
    pub inputs: Vec<Input>,
    /// The node that is reduced. The result is of its type.
    pub value: NodeId,
    /// The reduction.
    pub reducer: Reducer,
    /// What it starts from, the same everywhere; `None` if that changes nothing.
    pub initial: Option<NodeId>,
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
        plan::plan(self, chip, false).map(|_| ())
    }

    /// The type of operand and result.
    fn element(&self) -> Element {
        self.expression.node(self.value).element
    }
}

/// The kernel.
///
/// # Errors
/// If the shapes do not suit it; see [`ReduceError`].
pub fn reduce(spec: &Reduce, chip: &ChipSpec) -> Result<Function, ReduceError> {
    let plan = plan::plan(spec, chip, false)?;
    let n_arguments = u32::try_from(spec.inputs.len() + 1).expect("a fusion has few operands");
    let mut b = Builder::new(&spec.name, n_arguments);
    let kernel = accumulate::Kernel::new(&mut b, &plan);
    plan.padding.clear(&mut b, chip.n_cores, int(2 * (spec.inputs.len() + 1)));
    let outputs = std::slice::from_ref(&plan.output);
    pipeline(&mut b, (&plan.grid, chip.n_cores), (&plan.inputs, outputs), |b, step| {
        kernel.clear(b, step);
        kernel.accumulate(b, step);
        b.if_then(step.is_last, |b| kernel.finish(b, step));
    });
    Ok(b.finish())
}
