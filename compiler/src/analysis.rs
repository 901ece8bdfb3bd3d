//! Facts about modules: read-only and recomputable.

pub mod loops;

use std::collections::BTreeMap;

use palmetto_isa::memory::{GRANULE_BYTES, LANES, SUBLANES, VREG_GRANULES};

use crate::hlo::{ArrayShape, Computation, ComputationId, InstructionId, Module, Op, Opcode};

/// The computations that are run step by step: the entry, loop bodies and conditions, branches and
/// callees; not what a fusion computes or a reduction applies. Callees come before callers.
pub fn sequential_computations(module: &Module) -> Vec<ComputationId> {
    let mut found = Vec::new();
    visit(module, module.entry(), &mut found);
    found
}

fn visit(module: &Module, id: ComputationId, found: &mut Vec<ComputationId>) {
    if found.contains(&id) {
        return;
    }
    for (_, instruction) in module.computation(id).instructions() {
        let opcode = instruction.opcode();
        if matches!(opcode, Opcode::While | Opcode::Conditional | Opcode::Call) {
            for callee in instruction.op().called_computations() {
                visit(module, callee, found);
            }
        }
    }
    found.push(id);
}

/// Do two computations have the same results, computed in the same way? What their results do not
/// need is not looked at.
pub fn compute_the_same(a: &Computation, b: &Computation) -> bool {
    let (a_order, b_order) = (a.root_post_order(), b.root_post_order());
    if a_order.len() != b_order.len() || a.program_shape() != b.program_shape() {
        return false;
    }
    let places: BTreeMap<InstructionId, InstructionId> =
        a_order.iter().copied().zip(b_order.iter().copied()).collect();
    a_order.iter().zip(&b_order).all(|(&a_id, &b_id)| {
        let (a, b) = (a.instruction(a_id), b.instruction(b_id));
        let operands = a.operands().iter().map(|operand| places[operand]);
        a.op() == b.op() && a.shape() == b.shape() && operands.eq(b.operands().iter().copied())
    })
}

/// Granules of HBM that an array takes: whole tiles, and as many rows of them as fill packed
/// registers.
pub fn granules_of(shape: &ArrayShape) -> u32 {
    let bytes = shape.element_type().byte_size();
    let dimensions = physical_dimensions(shape);
    let granules = if bytes > 4 {
        shape.byte_size().div_ceil(GRANULE_BYTES)
    } else {
        let (tile_rows, columns) = match dimensions.as_slice() {
            [] => (1, 1),
            [n] => (n.div_ceil(SUBLANES * LANES), 1),
            [majors @ .., rows, lanes] => {
                let rows = majors.iter().product::<usize>() * rows.div_ceil(SUBLANES);
                (rows, lanes.div_ceil(LANES))
            }
        };
        let packing = 4 / bytes;
        tile_rows.next_multiple_of(packing) * columns * (SUBLANES / packing)
    };
    u32::try_from(granules.max(VREG_GRANULES)).unwrap_or(u32::MAX)
}

/// The dimensions in the order in which they lie in memory, major first.
pub fn physical_dimensions(shape: &ArrayShape) -> Vec<usize> {
    match shape.layout() {
        Some(layout) => layout.physical_dimensions(shape.dimensions()),
        None => shape.dimensions().to_vec(),
    }
}

/// Whether a row-major tiled array of one shape is, byte for byte, one of the other.
pub fn is_free_reshape(from: &ArrayShape, to: &ArrayShape) -> bool {
    let bytes = from.element_type().byte_size();
    if bytes > 4 {
        return true;
    }
    let (from, to) = (physical_dimensions(from), physical_dimensions(to));
    if from.iter().product::<usize>() == 1 {
        return true;
    }
    // An array of rank 1 lies in rows of 128 lanes.
    let matrix = |dimensions: &[usize]| match dimensions {
        [] => (1, 1),
        [n] if n.is_multiple_of(LANES) || *n < LANES => (n.div_ceil(LANES), (*n).min(LANES)),
        [n] => (0, *n),
        [.., rows, lanes] => (*rows, *lanes),
    };
    let ((from_rows, from_lanes), (to_rows, to_lanes)) = (matrix(&from), matrix(&to));
    let is_whole = |rows: usize| rows.is_multiple_of(SUBLANES);
    from_lanes == to_lanes && (from_rows == to_rows || is_whole(from_rows) && is_whole(to_rows))
}

/// Floating-point operations that an instruction asks for: two per product of a dot, one per
/// element of other arithmetic.
pub fn flops_of(module: &Module, computation: &Computation, id: InstructionId) -> u64 {
    let instruction = computation.instruction(id);
    if let Op::Fusion { calls, .. } = instruction.op() {
        let body = module.computation(*calls);
        return body.instructions().map(|(id, _)| flops_of(module, body, id)).sum();
    }
    let Some(shape) = instruction.shape().as_array() else { return 0 };
    let elements = shape.element_count() as u64;
    match instruction.op() {
        Op::Dot { dimension_numbers, .. } => {
            let lhs = computation.instruction(instruction.operands()[0]).array_shape();
            let contracted = &dimension_numbers.lhs_contracting_dimensions;
            let depth: usize = contracted.iter().map(|d| lhs.dimensions()[*d]).product();
            2 * elements * depth as u64
        }
        Op::Convolution { dim_labels, .. } => {
            let kernel = computation.instruction(instruction.operands()[1]).array_shape();
            let features = kernel.dimensions()[dim_labels.kernel_output_feature].max(1);
            2 * elements * (kernel.element_count() / features) as u64
        }
        Op::Reduce { .. } => {
            let operand = computation.instruction(instruction.operands()[0]).array_shape();
            operand.element_count() as u64
        }
        Op::ReduceWindow { window, .. } | Op::SelectAndScatter { window, .. } => {
            window.iter().fold(elements, |n, d| n.saturating_mul(d.size as u64))
        }
        Op::Fft { fft_length, .. } => {
            // As customary for a transform of n numbers: 5 n log n, by lines.
            let sizes = fft_length.iter().map(|&size| u64::from(size.max(1).ilog2()));
            5 * elements * sizes.sum::<u64>()
        }
        Op::Convert | Op::Copy | Op::Complex | Op::Imag | Op::Real => 0,
        op if op.opcode().is_elementwise() && shape.element_type().is_float() => elements,
        // Sums of complex numbers are two sums, products six operations.
        Op::Multiply | Op::Divide if shape.element_type().is_complex() => 6 * elements,
        op if op.opcode().is_elementwise() && shape.element_type().is_complex() => 2 * elements,
        _ => 0,
    }
}

/// The elements of a tuple that are used, in order; none if it is used as a whole, or as the root.
pub fn used_elements(computation: &Computation, tuple: InstructionId) -> Option<Vec<usize>> {
    if computation.root() == tuple {
        return None;
    }
    let mut used = Vec::new();
    for &user in computation.users(tuple) {
        let Op::GetTupleElement { index } = *computation.instruction(user).op() else {
            return None;
        };
        used.push(index);
    }
    used.sort_unstable();
    used.dedup();
    Some(used)
}
