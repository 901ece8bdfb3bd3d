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

mod cost;
mod cut;
mod emit;
mod plan;
mod site;

pub use crate::operand::{Access, Input};

use crate::{
    expression::{Expression, NodeId, NodeOp},
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
    /// Lanes gathered from very long rows, or very many of them.
    #[error("gathers look through {columns} columns of 128 lanes; at most {limit} are possible")]
    TooManyGathered {
        /// Columns of what is gathered from, times those of the result.
        columns: usize,
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

    /// The pairs of an input and an output that may be one array in a launch: in every step the
    /// kernel has read of the input what it then writes of the output, and it reads that only once.
    pub fn shareable(&self, chip: &ChipSpec) -> Vec<(usize, usize)> {
        plan::plan(self, chip).map(|plan| plan.shareable()).unwrap_or_default()
    }

    /// Whether its one output is its one input, bit by bit.
    pub fn is_copy(&self, chip: &ChipSpec) -> bool {
        let &[output] = self.outputs.as_slice() else { return false };
        let is_input = self.expression.node(output).op == NodeOp::Input(0);
        is_input && self.inputs.len() == 1 && self.shareable(chip) == [(0, 0)]
    }

    /// Modelled cycles of a launch, without making the kernel.
    ///
    /// # Errors
    /// Why there is no kernel.
    pub fn cycles(&self, chip: &ChipSpec) -> Result<f64, RowwiseError> {
        Ok(cost::cycles(&plan::plan(self, chip)?, chip))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{element::Element, expression::NodeOp};
    use palmetto_isa::TPU_V4;

    fn tiles(lanes: usize) -> Access {
        Access::Tiles { majors: vec![true], lanes }
    }

    /// `outputs[0]` is the sum of inputs of these accesses over `2 x 512 x 200`.
    fn sum(inputs: Vec<(Element, Access)>) -> Rowwise {
        let mut expression = Expression::default();
        let inputs = inputs.into_iter().map(|(element, access)| Input { element, access });
        let inputs: Vec<Input> = inputs.collect();
        let mut output = expression.add(NodeOp::Input(0), Element::F32);
        for n in 1..inputs.len() {
            let input = expression.add(NodeOp::Input(n), Element::F32);
            let add = NodeOp::Binary(crate::expression::Binary::Add, output, input);
            output = expression.add(add, Element::F32);
        }
        let (name, majors) = ("sum".to_owned(), vec![2]);
        let outputs = vec![output];
        Rowwise { name, majors, rows: 512, lanes: 200, expression, inputs, outputs }
    }

    #[test]
    fn only_operands_with_the_windows_of_the_output_can_be_it() {
        let repeated = Access::Tiles { majors: vec![false], lanes: 200 };
        let inputs = vec![
            (Element::F32, tiles(200)),
            (Element::F32, repeated),
            (Element::Bf16, tiles(200)),
            (Element::F32, Access::Row { majors: vec![false], lanes: 200 }),
            (Element::F32, tiles(200)),
        ];
        assert_eq!(sum(inputs).shareable(&TPU_V4), [(0, 0), (4, 0)]);
    }

    #[test]
    fn a_copy_is_one_operand_as_it_is() {
        let one = |element| sum(vec![(element, tiles(200))]);
        assert!(one(Element::F32).is_copy(&TPU_V4));
        assert!(!one(Element::Bf16).is_copy(&TPU_V4), "it converts");
        let two = sum(vec![(Element::F32, tiles(200)), (Element::F32, tiles(200))]);
        assert!(!two.is_copy(&TPU_V4));
    }
}
