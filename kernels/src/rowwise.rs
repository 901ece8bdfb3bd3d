//! The row kernel: whatever can be computed row by row with whole rows at hand.
//!
//! The iteration space is `majors x rows x lanes`. A window holds whole rows of every operand, so
//! an [`Expression`] may reduce over the lanes of a row and go on with the result: a softmax or a
//! layer normalisation is one kernel that reads its operand once. Without reductions it is the
//! elementwise loop.
//!
//! Each reduction ends a *stage*: a loop over the columns of some rows that accumulates. A later
//! stage computes what it needs again from the operands, but for expensive values, which the stage
//! that computed them first leaves in VMEM.

mod emit;
mod plan;
mod site;

pub use crate::operand::{Access, Input};

use crate::{
    expression::{Expression, NodeId},
    llo::{Builder, Function},
    operand::Space,
};
use palmetto_isa::ChipSpec;
use thiserror::Error;

/// What a row kernel computes. Launch arguments are the inputs, then the outputs.
#[derive(Clone, Debug)]
pub struct Rowwise {
    /// The name.
    pub name: String,
    /// Sizes of the dimensions before the last two.
    pub majors: Vec<usize>,
    /// Rows of a matrix.
    pub rows: usize,
    /// Lanes of a row.
    pub lanes: usize,
    /// What is computed.
    pub expression: Expression,
    /// The operands that `NodeOp::Input` refers to.
    pub inputs: Vec<Input>,
    /// The nodes whose values are stored, each as an array of the whole iteration space.
    pub outputs: Vec<NodeId>,
}

/// Why there is no row kernel for a [`Rowwise`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RowwiseError {
    /// There is nothing to compute.
    #[error("the arrays of `{name}` have no elements")]
    Empty {
        /// The kernel.
        name: String,
    },
    /// Rows are too long.
    #[error("a window of {rows} rows of `{name}` takes {needed} granules of VMEM, of {available}")]
    Vmem {
        /// The kernel.
        name: String,
        /// Rows of the smallest window.
        rows: usize,
        /// Granules needed.
        needed: usize,
        /// Granules there are.
        available: usize,
    },
    /// Joined or shifted columns of very long rows.
    #[error("columns are joined or shifted in rows of {lanes} lanes; at most {limit} are possible")]
    TooManyColumns {
        /// Lanes of a row.
        lanes: usize,
        /// The limit.
        limit: usize,
    },
}

impl Rowwise {
    /// Whether there is a kernel, without making it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn check(&self, chip: &ChipSpec) -> Result<(), RowwiseError> {
        plan::plan(self, chip).map(|_| ())
    }

    fn space(&self) -> Space<'_> {
        Space { majors: &self.majors, rows: self.rows, lanes: self.lanes }
    }
}

/// The kernel.
///
/// # Errors
/// If the shapes do not suit it; see [`RowwiseError`].
pub fn rowwise(spec: &Rowwise, chip: &ChipSpec) -> Result<Function, RowwiseError> {
    let plan = plan::plan(spec, chip)?;
    let arguments = spec.inputs.len() + spec.outputs.len();
    let n_arguments = u32::try_from(arguments).expect("a fusion has few operands");
    let mut b = Builder::new(&spec.name, n_arguments);
    emit::emit(&mut b, &plan, chip);
    Ok(b.finish())
}
