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

use crate::{
    element::Element,
    expression::{Expression, NodeId},
    llo::{Builder, Function},
};
use palmetto_isa::ChipSpec;
use thiserror::Error;

/// How an operand is laid over the iteration space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Tiles of rows and lanes; `majors` says which of the major dimensions it has, `lanes` how
    /// many lanes (as the iteration space, but under `Shift`, `Reverse` and `Join`).
    Tiles {
        /// Which major dimensions it has.
        majors: Vec<bool>,
        /// Lanes of its rows.
        lanes: usize,
    },
    /// One value per lane: an array of rank 1.
    Row {
        /// How many lanes.
        lanes: usize,
    },
    /// One value per row, which lies in the lanes of an array of some of the major dimensions and
    /// the rows.
    Column {
        /// Which major dimensions it has.
        majors: Vec<bool>,
    },
    /// One value.
    Scalar,
}

/// An operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The type in memory.
    pub element: Element,
    /// How it is laid over the iteration space.
    pub access: Access,
}

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
    /// Tile rows of a matrix do not fill packed registers, and matrices must be kept apart.
    #[error("{rows} rows of a matrix do not fill registers of {packing} tile rows")]
    Unaligned {
        /// Rows of a matrix.
        rows: usize,
        /// Tile rows of a packed register.
        packing: usize,
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
