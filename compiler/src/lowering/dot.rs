//! Regions with a dot: the matmul kernel, with what comes after the dot as its epilogue, and what
//! the operands are computed from as their prologues.
//!
//! In memory order, the last two dimensions of the result are a free dimension of either operand;
//! the operand that gives the rows is the kernel's left one, whichever it is in HLO. The last two
//! dimensions of each operand are its free and a contracted one. Layout assignment arranges that;
//! what it could not arrange is refused.

use palmetto_isa::memory::{LANES, SUBLANES};
use palmetto_kernels::{
    element::{Class, Element},
    expression::{Expression, NodeId, NodeOp, Unary},
    matmul::{Access, Epilogue, Input, Matmul, Operand, Passes, Prologue, Strides},
};

use super::{
    Choice, Kernel, Refusal, Region,
    expression::{Leaf, Translator},
};
use crate::{
    analysis::physical_dimensions,
    hlo::{DotDimensionNumbers, InstructionId, Op, Opcode, OperandPrecision, Precision},
};

/// The dot of a region, if there is one.
pub(super) fn find(region: &Region<'_>) -> Option<InstructionId> {
    region.inside().find(|id| region.instruction(*id).opcode() == Opcode::Dot)
}

/// The matmul kernel of a region that contains `dot`.
pub(super) fn choose(region: &Region<'_>, dot: InstructionId) -> Result<Choice, Refusal> {
    let dimensions = Dimensions::new(region, dot)?;
    let value = value_of(region, dot);
    let space = region.instruction(value).array_shape().dimensions().to_vec();
    let mut translator = Translator::new(region, &space, &[value]);
    translator.accumulator(value)?;
    let mut outputs = Vec::new();
    for root in region.roots() {
        if region.instruction(*root).array_shape().dimensions() != space {
            return region.refuse(*root, "results of other dimensions than the dot's");
        }
        let node = translator.root(*root)?;
        let element = translator.expression.node(node).element;
        outputs.push((node, dimensions.result_strides(element, &[])));
    }
    let factors = [dimensions.factor(region, dot, 0)?, dimensions.factor(region, dot, 1)?];
    let mut inputs: Vec<InstructionId> = factors.iter().map(|factor| factor.array).collect();
    inputs.extend(factors.iter().flat_map(|factor| &factor.further));
    let mut further = Vec::new();
    for leaf in &translator.leaves[1..] {
        inputs.push(leaf.id);
        further.push(further_operand(region, &dimensions, leaf, value)?);
    }
    let epilogue = Epilogue { expression: translator.expression, inputs: further, outputs };
    let spec = dimensions.kernel(region.name().to_owned(), factors, epilogue);
    spec.check(&palmetto_isa::TPU_V4)?;
    Ok(Choice { kernel: Kernel::Matmul(Box::new(spec)), inputs })
}

/// The dot, or the bitcast that shows its dimensions in memory order.
fn value_of(region: &Region<'_>, dot: InstructionId) -> InstructionId {
    let is_bitcast = |id: &InstructionId| {
        let instruction = region.instruction(*id);
        instruction.opcode() == Opcode::Bitcast && instruction.operands() == [dot]
    };
    region.inside().find(is_bitcast).unwrap_or(dot)
}

fn further_operand(
    region: &Region<'_>,
    dimensions: &Dimensions,
    leaf: &Leaf,
    value: InstructionId,
) -> Result<Input, Refusal> {
    if leaf.id == value {
        return region.refuse(value, "a dot that is used in several ways");
    }
    let element = region.element(leaf.id)?;
    let rank = dimensions.result.len();
    let sizes = region.instruction(leaf.id).array_shape().dimensions();
    let access = match leaf.mapping.as_slice() {
        [] => Access::Scalar,
        [lane] if *lane + 1 == rank => Access::Row,
        [row] if *row + 2 == rank => Access::Column,
        [.., row, lane] if *row + 2 == rank && *lane + 1 == rank => {
            let is_whole = |(axis, size): (&usize, &usize)| dimensions.result[*axis].size == *size;
            if !leaf.mapping.is_sorted_by(|a, b| a < b)
                || !leaf.mapping.iter().zip(sizes).all(is_whole)
            {
                return region.refuse(leaf.id, "a transposed operand of a dot's epilogue");
            }
            let missing: Vec<usize> = (0..rank).filter(|d| !leaf.mapping.contains(d)).collect();
            Access::Matrix(dimensions.result_strides(element, &missing))
        }
        _ => {
            return region
                .refuse(leaf.id, "an operand of a dot's epilogue that lacks rows or lanes");
        }
    };
    Ok(Input { element, access })
}

/// An operand of the kernel, and the instructions whose arrays it is computed from.
struct Factor {
    operand: Operand,
    array: InstructionId,
    further: Vec<InstructionId>,
}

/// What a dimension of the result or of an operand is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The n-th batch dimension.
    Batch(usize),
    /// The n-th free dimension of the kernel's left operand.
    M(usize),
    /// The n-th free dimension of the kernel's right operand.
    N(usize),
    /// The n-th contracted dimension.
    K(usize),
}

/// A dimension with its size.
#[derive(Clone, Copy, Debug)]
struct Dimension {
    role: Role,
    size: usize,
}

/// The dimensions of a dot as the kernel sees them.
struct Dimensions {
    /// The kernel's left and right operand.
    operands: [InstructionId; 2],
    precision: OperandPrecision,
    /// Of the result in memory order.
    result: Vec<Dimension>,
    /// Of the operands in memory order.
    factors: [Vec<Dimension>; 2],
    /// Sizes by role.
    batch: Vec<usize>,
    m: Vec<usize>,
    n: Vec<usize>,
    k: Vec<usize>,
}

/// A dimension of an operand: which operand of the HLO instruction, which dimension.
type Free = (usize, usize);

impl Dimensions {
    fn new(region: &Region<'_>, dot: InstructionId) -> Result<Self, Refusal> {
        let instruction = region.instruction(dot);
        let Op::Dot { dimension_numbers: numbers, operand_precision } = instruction.op() else {
            return region.refuse(dot, "a dot of another kind");
        };
        let hlo_operands = [instruction.operands()[0], instruction.operands()[1]];
        let roles = result_roles(region, hlo_operands, numbers);
        let shape = instruction.array_shape();
        let order: Vec<usize> = match shape.layout() {
            Some(layout) => layout.minor_to_major.iter().rev().copied().collect(),
            None => (0..shape.rank()).collect(),
        };
        let in_memory: Vec<Option<Free>> = order.iter().map(|d| roles[*d]).collect();
        let [.., Some((rows_of, _)), Some((lanes_of, _))] = in_memory[..] else {
            return region.refuse(dot, "a result whose tiles are not of free dimensions");
        };
        if rows_of == lanes_of {
            return region.refuse(dot, "a result whose tiles are of one operand");
        }
        let sides = [rows_of, lanes_of];
        let operands = sides.map(|side| hlo_operands[side]);
        let mut dimensions = Self {
            operands,
            precision: *operand_precision,
            result: Vec::new(),
            factors: [Vec::new(), Vec::new()],
            batch: Vec::new(),
            m: Vec::new(),
            n: Vec::new(),
            k: Vec::new(),
        };
        dimensions.add_result((&in_memory, &order), shape.dimensions(), sides);
        dimensions.add_contracted(region, numbers, sides);
        dimensions.add_factors(region, numbers, (sides, &in_memory));
        dimensions.check_tiles(region, dot)?;
        Ok(dimensions)
    }

    fn add_result(
        &mut self,
        (in_memory, order): (&[Option<Free>], &[usize]),
        sizes: &[usize],
        sides: [usize; 2],
    ) {
        self.batch = sizes[..in_memory.iter().filter(|free| free.is_none()).count()].to_vec();
        for (free, d) in in_memory.iter().zip(order) {
            let size = sizes[*d];
            let role = match free {
                // Batch dimensions come first in the logical order of a result.
                None => Role::Batch(*d),
                Some((operand, _)) if *operand == sides[0] => {
                    self.m.push(size);
                    Role::M(self.m.len() - 1)
                }
                Some(_) => {
                    self.n.push(size);
                    Role::N(self.n.len() - 1)
                }
            };
            self.result.push(Dimension { role, size });
        }
    }

    /// The contracted dimensions, the one that is tiled in the left operand last.
    fn add_contracted(
        &mut self,
        region: &Region<'_>,
        numbers: &DotDimensionNumbers,
        sides: [usize; 2],
    ) {
        let sizes = region.instruction(self.operands[0]).array_shape().dimensions();
        let contracted = contracting(numbers, sides[0]);
        self.k = pairs_in_order(contracted).iter().map(|pair| sizes[contracted[*pair]]).collect();
    }

    fn add_factors(
        &mut self,
        region: &Region<'_>,
        numbers: &DotDimensionNumbers,
        (sides, in_memory): ([usize; 2], &[Option<Free>]),
    ) {
        let pairs = pairs_in_order(contracting(numbers, sides[0]));
        for (index, side) in sides.into_iter().enumerate() {
            let sizes = region.instruction(self.operands[index]).array_shape().dimensions();
            let batch = [&numbers.lhs_batch_dimensions, &numbers.rhs_batch_dimensions][side];
            let contracted = contracting(numbers, side);
            let frees: Vec<usize> = (in_memory.iter().flatten())
                .filter(|(operand, _)| *operand == side)
                .map(|(_, d)| *d)
                .collect();
            let role = |d: usize| {
                let place = |list: &[usize]| list.iter().position(|other| *other == d);
                if let Some(n) = place(batch) {
                    return Role::Batch(n);
                }
                if let Some(pair) = place(contracted) {
                    let n = pairs.iter().position(|other| *other == pair);
                    return Role::K(n.expect("every pair is in the order"));
                }
                let n = place(&frees).expect("what is neither is free");
                if index == 0 { Role::M(n) } else { Role::N(n) }
            };
            self.factors[index] = (sizes.iter().enumerate())
                .map(|(d, size)| Dimension { role: role(d), size: *size })
                .collect();
        }
    }

    /// The last two dimensions of the operands have to be the free and the contracted ones that are
    /// tiled.
    fn check_tiles(&self, region: &Region<'_>, dot: InstructionId) -> Result<(), Refusal> {
        let (Some(m), Some(n), Some(k)) =
            (self.m.len().checked_sub(1), self.n.len().checked_sub(1), self.k.len().checked_sub(1))
        else {
            return region.refuse(dot, "a dot without free or contracted dimensions");
        };
        for (factor, free) in self.factors.iter().zip([Role::M(m), Role::N(n)]) {
            let tiled: Vec<Role> = factor.iter().rev().take(2).map(|d| d.role).collect();
            if !tiled.contains(&free) || !tiled.contains(&Role::K(k)) {
                return region.refuse(dot, "an operand whose tiles are not free x contracted");
            }
        }
        Ok(())
    }

    /// The strides of an array with the dimensions of the result but for those `missing`.
    fn result_strides(&self, element: Element, missing: &[usize]) -> Strides {
        let kept = (0..self.result.len()).filter(|d| !missing.contains(d));
        let kept: Vec<Dimension> = kept.map(|d| self.result[d]).collect();
        self.strides(element, &kept)
    }

    /// Granules from one index to the next of the major dimensions.
    fn strides(&self, element: Element, dimensions: &[Dimension]) -> Strides {
        let mut strides = Strides {
            batch: vec![0; self.batch.len()],
            m: vec![0; self.m.len() - 1],
            n: vec![0; self.n.len() - 1],
            k: vec![0; self.k.len() - 1],
        };
        let (majors, tiled) = dimensions.split_at(dimensions.len() - 2);
        let tiles = tiled[0].size.div_ceil(SUBLANES) * tiled[1].size.div_ceil(LANES);
        let mut stride = tiles * element.tile_granules();
        for dimension in majors.iter().rev() {
            let (list, n) = match dimension.role {
                Role::Batch(n) => (&mut strides.batch, n),
                Role::M(n) => (&mut strides.m, n),
                Role::N(n) => (&mut strides.n, n),
                Role::K(n) => (&mut strides.k, n),
            };
            list[n] = stride;
            stride *= dimension.size;
        }
        strides
    }

    /// The kernel's operand `n`: an array, or what the region computes of some.
    fn factor(&self, region: &Region<'_>, dot: InstructionId, n: usize) -> Result<Factor, Refusal> {
        let id = self.operands[n];
        let is_computed = region.contains(id) && region.inside().any(|other| other != dot);
        if region.element(id)?.class() != Class::Float {
            return region.refuse(id, "a dot of integers or predicates");
        }
        if is_computed {
            return self.computed(region, n);
        }
        let element = region.element(id)?;
        let strides = self.strides(element, &self.factors[n]);
        let operand = Operand { element, transposed: self.transposed(n), strides, prologue: None };
        Ok(Factor { operand, array: id, further: Vec::new() })
    }

    /// Whether the last two dimensions of operand `n` are the other way round.
    fn transposed(&self, n: usize) -> bool {
        let last = self.factors[n].last().expect("a factor has two dimensions");
        matches!(last.role, Role::K(_)) == (n == 1)
    }

    /// What operand `n` is computed from: its own array, which is the first of its dimensions, and
    /// further ones.
    fn computed(&self, region: &Region<'_>, n: usize) -> Result<Factor, Refusal> {
        let id = self.operands[n];
        let space = region.instruction(id).array_shape().dimensions().to_vec();
        let mut probe = Translator::new(region, &space, &[]);
        probe.root(id)?;
        let is_matrix = |leaf: &&Leaf| {
            let mapped = |back: usize| leaf.mapping.iter().any(|axis| *axis + back == space.len());
            mapped(1) && mapped(2)
        };
        let Some(own) = probe.leaves.iter().find(is_matrix) else {
            return region.refuse(id, "an operand of a dot that is made of no array of its shape");
        };
        let mut translator = Translator::new(region, &space, &[]);
        translator.leaf(own.id, &own.mapping)?;
        let root = translator.root(id)?;
        let root = narrowest(&translator.expression, root);
        let mut inputs = Vec::new();
        for leaf in &translator.leaves {
            let access = self.factor_access(region, n, leaf)?;
            inputs.push(Input { element: region.element(leaf.id)?, access });
        }
        let Access::Matrix(strides) = inputs.remove(0).access else {
            return region.refuse(id, "an operand of a dot that is made of no array of its shape");
        };
        let prologue = Prologue { expression: translator.expression, root, inputs };
        let further = translator.leaves[1..].iter().map(|leaf| leaf.id).collect();
        let operand = Operand {
            element: region.element(own.id)?,
            transposed: self.transposed(n),
            strides,
            prologue: Some(prologue),
        };
        Ok(Factor { operand, array: own.id, further })
    }

    /// How an array lies over operand `n`.
    fn factor_access(&self, region: &Region<'_>, n: usize, leaf: &Leaf) -> Result<Access, Refusal> {
        let factor = &self.factors[n];
        let rank = factor.len();
        let sizes = region.instruction(leaf.id).array_shape().dimensions();
        Ok(match leaf.mapping.as_slice() {
            [] => Access::Scalar,
            [lane] if *lane + 1 == rank => Access::Row,
            [row] if *row + 2 == rank => Access::Column,
            [.., row, lane] if *row + 2 == rank && *lane + 1 == rank => {
                let is_whole = |(axis, size): (&usize, &usize)| factor[*axis].size == *size;
                if !leaf.mapping.is_sorted_by(|a, b| a < b)
                    || !leaf.mapping.iter().zip(sizes).all(is_whole)
                {
                    return region.refuse(leaf.id, "a transposed array that a factor is made of");
                }
                let kept: Vec<Dimension> = leaf.mapping.iter().map(|axis| factor[*axis]).collect();
                Access::Matrix(self.strides(region.element(leaf.id)?, &kept))
            }
            _ => return region.refuse(leaf.id, "an array of a factor that lacks rows or lanes"),
        })
    }

    fn kernel(&self, name: String, factors: [Factor; 2], epilogue: Epilogue) -> Matmul {
        let [lhs, rhs] = factors.map(|factor| factor.operand);
        Matmul {
            name,
            batch: self.batch.clone(),
            m: self.m.clone(),
            n: self.n.clone(),
            k: self.k.clone(),
            passes: passes([lhs.factor(), rhs.factor()], self.precision),
            lhs,
            rhs,
            epilogue,
        }
    }
}

/// The node whose values are those of `root`, in a type that takes fewer products: conversions that
/// only widen are left out.
fn narrowest(expression: &Expression, root: NodeId) -> NodeId {
    let node = expression.node(root);
    let NodeOp::Unary(Unary::Convert, operand) = node.op else { return root };
    match expression.node(operand).element {
        Element::S8 | Element::U8 => operand,
        Element::Bf16 if node.element == Element::F32 => operand,
        Element::Bf16
        | Element::F32
        | Element::F16
        | Element::S32
        | Element::U32
        | Element::S16
        | Element::U16
        | Element::Pred => root,
    }
}

fn contracting(numbers: &DotDimensionNumbers, side: usize) -> &[usize] {
    [&numbers.lhs_contracting_dimensions, &numbers.rhs_contracting_dimensions][side]
}

/// The pairs of contracted dimensions, by where they lie in one operand, the most minor one last.
fn pairs_in_order(contracted: &[usize]) -> Vec<usize> {
    let mut pairs: Vec<usize> = (0..contracted.len()).collect();
    pairs.sort_by_key(|pair| contracted[*pair]);
    pairs
}

/// Per logical dimension of the result, the operand and its dimension that it is; none for batch.
fn result_roles(
    region: &Region<'_>,
    operands: [InstructionId; 2],
    numbers: &DotDimensionNumbers,
) -> Vec<Option<Free>> {
    let mut roles = vec![None; numbers.lhs_batch_dimensions.len()];
    for (side, operand) in operands.into_iter().enumerate() {
        let batch = [&numbers.lhs_batch_dimensions, &numbers.rhs_batch_dimensions][side];
        let rank = physical_dimensions(region.instruction(operand).array_shape()).len();
        let is_free = |d: &usize| !contracting(numbers, side).contains(d) && !batch.contains(d);
        roles.extend((0..rank).filter(is_free).map(|d| Some((side, d))));
    }
    roles
}

/// How many bf16 products make a product. Values of f16 have 11 bits: two parts hold them exactly.
fn passes(elements: [Element; 2], precision: OperandPrecision) -> Passes {
    if elements == [Element::Bf16; 2] {
        return Passes::One;
    }
    if elements.contains(&Element::F16) {
        return Passes::Six;
    }
    match precision.lhs.max(precision.rhs) {
        Precision::Default => Passes::One,
        Precision::High => Passes::Three,
        Precision::Highest => Passes::Six,
    }
}
