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
mod site;

use crate::{
    element::Element,
    exchange::Link,
    expression::{Axis, Expression, NodeId, NodeOp},
    llo::{Builder, Function},
    operand::int,
    pipeline::pipeline,
};
use geometry::Plan;
use palmetto_isa::{ChipSpec, memory::VREG_GRANULES};
use site::Cover;
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

/// A factor of the product: an array, or what is computed from it and others ([`Prologue`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operand {
    /// The type of the array. That of the factor is a float of at most 32 bits, or an integer of 8
    /// bits.
    pub element: Element,
    /// Whether its last two dimensions are the other way round: `[k, m]` instead of `[m, k]` for
    /// the left one, `[n, k]` instead of `[k, n]` for the right one.
    pub transposed: bool,
    /// Where its matrices are.
    pub strides: Strides,
    /// What is computed from the array before it is multiplied.
    pub prologue: Option<Prologue>,
}

/// What a factor is computed from, element by element, when a window of it is made fit for the
/// MXUs: `NodeOp::Input(0)` is the operand's array, `NodeOp::Input(1 + i)` is further input `i`.
/// Rows and lanes are those of the operand as it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prologue {
    /// The expression, without row reductions, moves of columns, and indices along major
    /// dimensions.
    pub expression: Expression,
    /// The value of the factor.
    pub root: NodeId,
    /// Further arrays.
    pub inputs: Vec<Input>,
}

/// How a further array is laid over the output or over a factor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// Matrices of tiles `[m, n]`, or of the factor as it lies.
    Matrix(Strides),
    /// An array of rank 1: one value per lane. In an epilogue only without major dimensions of `n`.
    Row,
    /// An array of rank 1: one value per row.
    Column,
    /// One value.
    Scalar,
}

/// A further array that an epilogue or a prologue reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// Its type.
    pub element: Element,
    /// How it is laid over the output or the factor.
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
/// further arrays of the left one's prologue, of the right one's, of the epilogue, then the
/// outputs.
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
    /// A node that does not work element by element, or not there.
    #[error("`{name}`: node {node} of the {part} is `{op}`, which needs more than an element")]
    Node {
        /// The kernel.
        name: String,
        /// Epilogue or which prologue.
        part: &'static str,
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
    let (_, plan) = search::plan(spec, chip)?;
    let n_arguments = plan.inputs.len() + plan.outputs.len();
    let n_arguments = u32::try_from(n_arguments).expect("a fusion has few operands");
    let mut b = Builder::new(&spec.name, n_arguments);
    let scratch = Scratches::new(&mut b, &plan);
    let flag = int(2 * (plan.inputs.len() + plan.outputs.len()));
    let granules = plan.sums() * VREG_GRANULES;
    let link = plan.grid.is_split.then(|| Link::new(&mut b, scratch.sums, granules, flag));
    let windows = (plan.inputs.as_slice(), plan.outputs.as_slice());
    pipeline(&mut b, (&plan.grid, chip.n_cores), windows, |b, step| {
        let lhs = prepare::lhs(b, &plan, &scratch, step);
        let rhs = prepare::rhs(b, &plan, &scratch, step);
        let sums = epilogue::sums(b, &plan, &scratch, step);
        nest::nest(b, &plan.nest, (lhs, rhs, sums), step.is_first);
        if plan.sums_in_output() {
            return;
        }
        b.if_then(step.is_last, |b| match &link {
            Some(link) => link.gather(b, |b| {
                epilogue::add_theirs(b, &plan, [scratch.sums, link.incoming]);
                epilogue::epilogue(b, &plan, sums, step);
            }),
            None => epilogue::epilogue(b, &plan, sums, step),
        });
    });
    Ok(b.finish())
}

impl Operand {
    /// The type of the factor.
    pub fn factor(&self) -> Element {
        match &self.prologue {
            Some(Prologue { expression, root, .. }) => expression.node(*root).element,
            None => self.element,
        }
    }

    /// The arrays that it is computed from besides its own.
    fn further(&self) -> &[Input] {
        self.prologue.as_ref().map_or(&[], |prologue| prologue.inputs.as_slice())
    }
}

impl Access {
    fn cover(&self) -> Cover {
        match self {
            Self::Matrix(_) => Cover::Tiles,
            Self::Row => Cover::Row,
            Self::Column => Cover::Column,
            Self::Scalar => Cover::Scalar,
        }
    }
}

impl Matmul {
    /// The left and the right operand.
    fn operands(&self) -> [&Operand; 2] {
        [&self.lhs, &self.rhs]
    }

    /// Whether there is a kernel, without making it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn check(&self, chip: &ChipSpec) -> Result<(), MatmulError> {
        self.cycles(chip).map(|_| ())
    }

    /// Modelled cycles of a launch, without making the kernel.
    ///
    /// # Errors
    /// Why there is no kernel.
    pub fn cycles(&self, chip: &ChipSpec) -> Result<f64, MatmulError> {
        check(self)?;
        Ok(search::plan(self, chip)?.0)
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
    let further = spec.operands().into_iter().flat_map(Operand::further);
    let matrices = further.chain(&spec.epilogue.inputs).filter_map(|input| match &input.access {
        Access::Matrix(strides) => Some(strides),
        Access::Row | Access::Column | Access::Scalar => None,
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
    let has_column = spec.lhs.further().iter().any(|input| input.access == Access::Column);
    if has_column && spec.lhs.transposed {
        return Err(shape("a transposed left operand cannot have one value per row".into()));
    }
    check_epilogue(spec)?;
    check_factor(spec, "left", &spec.lhs)?;
    check_factor(spec, "right", &spec.rhs)
}

/// The type of a factor, and its prologue.
fn check_factor(spec: &Matmul, side: &'static str, operand: &Operand) -> Result<(), MatmulError> {
    let element = operand.factor();
    let allowed = [Element::Bf16, Element::F32, Element::F16, Element::S8, Element::U8];
    if !allowed.contains(&element) {
        return Err(MatmulError::Element { name: spec.name.clone(), side, element });
    }
    let Some(Prologue { expression, root, inputs }) = &operand.prologue else { return Ok(()) };
    let part = if side == "left" { "left prologue" } else { "right prologue" };
    for id in expression.reachable(&[*root]) {
        let op = &expression.node(id).op;
        let is_major = matches!(op, NodeOp::Iota(Axis::Major(_)));
        if is_major || !is_local(op, inputs.len()) {
            let (name, op) = (spec.name.clone(), format!("{op:?}"));
            return Err(MatmulError::Node { name, part, node: id.0, op });
        }
    }
    Ok(())
}

/// Whether a node can be computed from an element alone, and its input exists.
fn is_local(op: &NodeOp, n_inputs: usize) -> bool {
    match op {
        NodeOp::RowReduce(..)
        | NodeOp::Shift { .. }
        | NodeOp::Reverse { .. }
        | NodeOp::LaneGather { .. }
        | NodeOp::Join(_) => false,
        NodeOp::Input(n) => *n <= n_inputs,
        NodeOp::Constant(_)
        | NodeOp::Iota(_)
        | NodeOp::Unary(..)
        | NodeOp::Binary(..)
        | NodeOp::Compare(..)
        | NodeOp::Select { .. } => true,
    }
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
        if !is_local(op, inputs.len()) {
            let (name, op) = (spec.name.clone(), format!("{op:?}"));
            return Err(MatmulError::Node { name, part: "epilogue", node: id.0, op });
        }
    }
    Ok(())
}
