//! Matrix products: `out[batch, m, n] = epilogue(sum over k of lhs[batch, m, k] rhs[batch, k, n])`.
//!
//! Every window of rows and columns of the output is computed by the MXUs of one core from windows
//! of both operands, which stream through VMEM. Products are of bf16 values, sums are of f32. An
//! f32 operand is rounded to bf16, or split in two or three bf16 parts whose products are added up
//! ([`Passes`]); operands that are not bf16 as they stand are prepared in VMEM first.
//!
//! Arrays are matrices of tiles in their last two dimensions; all others are *major* dimensions
//! with explicit strides, and may belong to the batch, the rows, the columns or the sum. What lies
//! in the padding of tiles may be anything: contracted indices beyond the end are zeroed on both
//! sides, rows and columns beyond the end are computed but mean nothing.

mod epilogue;
mod geometry;
mod nest;
mod prepare;
mod search;

use crate::{
    element::Element,
    expression::{Expression, NodeId, NodeOp},
    llo::{Builder, Function},
    pipeline::pipeline,
};
use geometry::Plan;
use palmetto_isa::ChipSpec;
use thiserror::Error;

/// How many products of bf16 parts make a product of f32 values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passes {
    /// Both operands are rounded to bf16.
    One,
    /// Two parts each: relative errors of products are about 2^-16.
    Three,
    /// Three parts each: relative errors of products are about 2^-23.
    Six,
}

/// Granules from one index to the next of every major dimension of an array, by the group of
/// dimensions that it belongs to. 0 where the array does not have the dimension.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strides {
    /// Of [`Matmul::batch`].
    pub batch: Vec<usize>,
    /// Of [`Matmul::m`] but for the last; all 0 or empty for the right operand.
    pub m: Vec<usize>,
    /// Of [`Matmul::n`] but for the last; all 0 or empty for the left operand.
    pub n: Vec<usize>,
    /// Of [`Matmul::k`] but for the last; all 0 or empty for what has the shape of the output.
    pub k: Vec<usize>,
}

/// A factor of the product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// Its type: a float of at most 32 bits, or an integer of 8 bits.
    pub element: Element,
    /// Whether its last two dimensions are the other way round: `[k, m]` instead of `[m, k]` for
    /// the left one, `[n, k]` instead of `[k, n]` for the right one.
    pub transposed: bool,
    /// Where its matrices are.
    pub strides: Strides,
}

/// How a further operand of the epilogue is laid over the output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Matrices of tiles `[m, n]`.
    Matrix(Strides),
    /// An array of rank 1: one value per column. Only without major dimensions of `n`.
    Row,
    /// One value.
    Scalar,
}

/// A further operand of the epilogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its type.
    pub element: Element,
    /// How it is laid over the output.
    pub access: Access,
}

/// What is computed from the sums: `NodeOp::Input(0)` is the sum as f32, `NodeOp::Input(1 + i)` is
/// operand `i`.
#[derive(Clone, Debug)]
pub struct Epilogue {
    /// The expression, without row reductions and without moves of columns.
    pub expression: Expression,
    /// Further operands.
    pub inputs: Vec<Input>,
    /// What is stored, each in its own array of matrices `[m, n]`.
    pub outputs: Vec<(NodeId, Strides)>,
}

/// What a matrix product computes. Launch arguments are the left operand, the right operand,
/// further operands of the epilogue, then the outputs.
#[derive(Clone, Debug)]
pub struct Matmul {
    /// The name.
    pub name: String,
    /// Sizes of dimensions that both operands and the output share; all are major.
    pub batch: Vec<usize>,
    /// Sizes of dimensions of the left operand and the output; the last is tiled.
    pub m: Vec<usize>,
    /// Sizes of dimensions of the right operand and the output; the last is tiled.
    pub n: Vec<usize>,
    /// Sizes of dimensions that are summed over; the last is tiled.
    pub k: Vec<usize>,
    /// The left operand.
    pub lhs: Operand,
    /// The right operand.
    pub rhs: Operand,
    /// How exactly products of f32 values are computed.
    pub passes: Passes,
    /// What happens to the sums.
    pub epilogue: Epilogue,
}

/// Why there is no kernel for a [`Matmul`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MatmulError {
    /// A list of sizes or strides has the wrong length, or a size is 0.
    #[error("`{name}`: {what}")]
    Shape {
        /// The kernel.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// An operand type that the MXU has no exact products for.
    #[error(
        "`{name}`: the {side} operand is of type {element:?}; allowed are bf16, f32, f16, s8 and u8"
    )]
    Element {
        /// The kernel.
        name: String,
        /// Left or right.
        side: &'static str,
        /// Its type.
        element: Element,
    },
    /// An epilogue node that does not work element by element.
    #[error("`{name}`: node {node} of the epilogue is `{op}`, which moves values between places")]
    Epilogue {
        /// The kernel.
        name: String,
        /// The node.
        node: usize,
        /// Its op.
        op: String,
    },
    /// Tile rows of a matrix do not fill packed registers, and matrices must be kept apart.
    #[error(
        "`{name}`: {array} has {rows} rows of tiles per matrix, which do not fill registers of \
         {packing}, and it has more than one matrix"
    )]
    Unaligned {
        /// The kernel.
        name: String,
        /// Which array.
        array: String,
        /// Rows of tiles.
        rows: usize,
        /// Rows of tiles of a packed register.
        packing: usize,
    },
    /// Even the smallest windows do not fit.
    #[error("`{name}`: the smallest windows take {needed} granules of VMEM, of {available}")]
    Vmem {
        /// The kernel.
        name: String,
        /// Granules that the smallest windows need.
        needed: usize,
        /// Granules there are.
        available: usize,
    },
}

/// The kernel.
///
/// # Errors
/// If the shapes do not suit it; see [`MatmulError`].
pub fn matmul(spec: &Matmul, chip: &ChipSpec) -> Result<Function, MatmulError> {
    check(spec)?;
    let plan = search::plan(spec, chip)?;
    let n_arguments = 2 + spec.epilogue.inputs.len() + spec.epilogue.outputs.len();
    let n_arguments = u32::try_from(n_arguments).expect("a fusion has few operands");
    let mut b = Builder::new(&spec.name, n_arguments);
    let scratch = Scratches::new(&mut b, &plan);
    let windows = (plan.inputs.as_slice(), plan.outputs.as_slice());
    pipeline(&mut b, (&plan.grid, chip.n_cores), windows, |b, step| {
        let lhs = prepare::lhs(b, &plan, &scratch, step);
        let rhs = prepare::rhs(b, &plan, &scratch, step);
        let sums = epilogue::sums(b, &plan, &scratch, step);
        nest::nest(b, &plan.nest, (lhs, rhs, sums), step.is_first);
        epilogue::epilogue(b, &plan, sums, step);
    });
    Ok(b.finish())
}

impl Matmul {
    /// Whether there is a kernel, without making it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn check(&self, chip: &ChipSpec) -> Result<(), MatmulError> {
        check(self)?;
        search::plan(self, chip).map(|_| ())
    }
}

/// VMEM besides the windows.
struct Scratches {
    lhs: crate::llo::ScratchId,
    rhs: crate::llo::ScratchId,
    sums: crate::llo::ScratchId,
}

impl Scratches {
    fn new(b: &mut Builder, plan: &Plan<'_>) -> Self {
        let vmem = palmetto_isa::MemorySpace::Vmem;
        let [lhs, rhs, sums] = plan.scratch_granules();
        Self {
            lhs: b.scratch("left planes", vmem, lhs),
            rhs: b.scratch("right planes", vmem, rhs),
            sums: b.scratch("sums", vmem, sums),
        }
    }
}

fn check(spec: &Matmul) -> Result<(), MatmulError> {
    let shape = |what: String| MatmulError::Shape { name: spec.name.clone(), what };
    for (what, sizes) in [("m", &spec.m), ("n", &spec.n), ("k", &spec.k)] {
        if sizes.is_empty() {
            return Err(shape(format!("there is no dimension of {what}; one at least is tiled")));
        }
    }
    let sizes = [&spec.batch, &spec.m, &spec.n, &spec.k];
    if sizes.into_iter().flatten().any(|size| *size == 0) {
        return Err(shape(format!("a size is 0 in {sizes:?}")));
    }
    if spec.epilogue.outputs.is_empty() {
        return Err(shape("there is no output".into()));
    }
    for (side, operand) in [("left", &spec.lhs), ("right", &spec.rhs)] {
        let element = operand.element;
        let allowed = [Element::Bf16, Element::F32, Element::F16, Element::S8, Element::U8];
        if !allowed.contains(&element) {
            return Err(MatmulError::Element { name: spec.name.clone(), side, element });
        }
    }
    let matrices = spec.epilogue.inputs.iter().filter_map(|input| match &input.access {
        Access::Matrix(strides) => Some(strides),
        Access::Row | Access::Scalar => None,
    });
    let outputs = spec.epilogue.outputs.iter().map(|(_, strides)| strides);
    for strides in [&spec.lhs.strides, &spec.rhs.strides].into_iter().chain(matrices).chain(outputs)
    {
        check_strides(spec, strides).map_err(shape)?;
    }
    let has_row = spec.epilogue.inputs.iter().any(|input| input.access == Access::Row);
    if has_row && spec.n.len() > 1 {
        return Err(shape("an operand of one value per column needs a single dimension n".into()));
    }
    check_epilogue(spec)
}

fn check_strides(spec: &Matmul, strides: &Strides) -> Result<(), String> {
    let groups = [
        ("batch", &strides.batch, spec.batch.len()),
        ("m", &strides.m, spec.m.len() - 1),
        ("n", &strides.n, spec.n.len() - 1),
        ("k", &strides.k, spec.k.len() - 1),
    ];
    for (what, given, wanted) in groups {
        if !given.is_empty() && given.len() != wanted {
            let given = given.len();
            return Err(format!("{given} strides for {wanted} major dimensions of {what}"));
        }
    }
    Ok(())
}

fn check_epilogue(spec: &Matmul) -> Result<(), MatmulError> {
    let Epilogue { expression, inputs, outputs } = &spec.epilogue;
    let roots: Vec<NodeId> = outputs.iter().map(|(node, _)| *node).collect();
    for id in expression.reachable(&roots) {
        let op = &expression.node(id).op;
        let moves = matches!(op, NodeOp::RowReduce(..)) || op.moves_lanes();
        if moves || matches!(op, NodeOp::Input(n) if *n > inputs.len()) {
            let op = format!("{op:?}");
            return Err(MatmulError::Epilogue { name: spec.name.clone(), node: id.0, op });
        }
    }
    Ok(())
}
