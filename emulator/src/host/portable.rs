//! The plain Rust truth of the matrix and cross-lane units.

use super::{MXU_COLUMNS, MXU_ROWS, MXU_SIZE, NAN_BITS, Rows, Weights, Words, vector};
use palmetto_isa::{
    Op,
    memory::{LANES, SUBLANES},
};

/// The bits of a result: every NaN is the same NaN.
#[inline(always)]
pub fn result_bits(value: f32) -> u32 {
    if value.is_nan() { NAN_BITS } else { value.to_bits() }
}

/// A row of 16 packed bf16 rows, as f32: two rows to a word, the even one in the low half.
#[inline(always)]
fn packed_row(source: &Words, row: usize) -> impl Iterator<Item = f32> {
    let shift = if row.is_multiple_of(2) { 16 } else { 0 };
    let start = row / 2 * LANES;
    let words = &source.0[start..start + LANES];
    words.iter().map(move |word| f32::from_bits(word << shift & 0xffff_0000))
}

/// 16 packed bf16 rows as f32.
#[inline(always)]
pub fn unpack_rows(source: &Words, rows: &mut Rows) {
    for (row, out) in rows.0.chunks_exact_mut(LANES).enumerate() {
        for (out, value) in out.iter_mut().zip(packed_row(source, row)) {
            *out = value;
        }
    }
}

/// Stages 16 packed bf16 rows: rows `16 part ..` of the weights or, `transposed`, columns.
pub fn stage_weights(weights: &mut Weights, part: usize, source: &Words, transposed: bool) {
    if transposed {
        stage_columns(weights, part, source);
    } else {
        stage_rows(weights, part, source);
    }
}

fn stage_rows(weights: &mut Weights, part: usize, source: &Words) {
    for row in 0..MXU_ROWS {
        let mut values = packed_row(source, row);
        for column in (0..MXU_SIZE).step_by(MXU_COLUMNS) {
            let start = Weights::position(part * MXU_ROWS + row, column);
            let targets = &mut weights.0[start..start + MXU_COLUMNS];
            targets.iter_mut().zip(&mut values).for_each(|(target, value)| *target = value);
        }
    }
}

/// The 16 columns are one block of the weights: 16 values for each contracted index.
fn stage_columns(weights: &mut Weights, part: usize, source: &Words) {
    let start = Weights::position(0, part * MXU_COLUMNS);
    let block = &mut weights.0[start..start + MXU_SIZE * MXU_COLUMNS];
    for (lane, targets) in block.chunks_exact_mut(MXU_COLUMNS).enumerate() {
        for (sublane, pair) in targets.chunks_exact_mut(2).enumerate() {
            let word = source.0[sublane * LANES + lane];
            pair[0] = f32::from_bits(word << 16);
            pair[1] = f32::from_bits(word & 0xffff_0000);
        }
    }
}

/// `rows` times `weights`, the arithmetic of an MXU.
///
/// Contracted indices in ascending order, in groups of four: `acc += (p0 + p1) + (p2 + p3)`, from
/// +0, products and sums rounded to f32.
#[inline(always)]
pub fn mxu_matmul(rows: &Rows, weights: &Weights, low: &mut Words, high: &mut Words) {
    let blocks = weights.0.chunks_exact(MXU_SIZE * MXU_COLUMNS);
    for (block, weights) in blocks.enumerate() {
        for (row, values) in rows.0.chunks_exact(MXU_SIZE).enumerate() {
            let mut sums = [0.0_f32; MXU_COLUMNS];
            let groups = weights.chunks_exact(4 * MXU_COLUMNS);
            for (value, weight) in values.chunks_exact(4).zip(groups) {
                for (column, sum) in sums.iter_mut().enumerate() {
                    let product = |k: usize| value[k] * weight[k * MXU_COLUMNS + column];
                    *sum += (product(0) + product(1)) + (product(2) + product(3));
                }
            }
            let out = if row < SUBLANES { &mut *low } else { &mut *high };
            let start = row % SUBLANES * LANES + block * MXU_COLUMNS;
            for (out, sum) in out.0[start..start + MXU_COLUMNS].iter_mut().zip(sums) {
                *out = result_bits(sum);
            }
        }
    }
}

/// Reduces the 128 lanes of each sublane by halves (lane `l` with lane `l + 64`, then `l + 32` and
/// so on) and gives the result to every lane. False if the op is not a lane reduction.
#[inline(always)]
pub fn lane_reduction(op: &Op, out: &mut Words, source: &Words) -> bool {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other ops are not lane reductions")]
    match op {
        Op::XluSumF32 { .. } => {
            reduce(out, source, |x, y| result_bits(f32::from_bits(x) + f32::from_bits(y)));
        }
        Op::XluMaxF32 { .. } => reduce(out, source, vector::max_f32),
        Op::XluMinF32 { .. } => reduce(out, source, vector::min_f32),
        _ => return false,
    }
    true
}

#[inline(always)]
fn reduce(out: &mut Words, source: &Words, combine: impl Fn(u32, u32) -> u32) {
    for (out, lanes) in out.0.chunks_exact_mut(LANES).zip(source.0.chunks_exact(LANES)) {
        let mut half: [u32; LANES / 2] = std::array::from_fn(|l| combine(lanes[l], lanes[l + 64]));
        for width in [32, 16, 8, 4, 2, 1] {
            let (left, right) = half.split_at_mut(width);
            for (x, y) in left.iter_mut().zip(right) {
                *x = combine(*x, *y);
            }
        }
        out.fill(half[0]);
    }
}

/// Lane `l` taken from lane `(l - amount) mod 128`.
pub fn rotate_lanes(out: &mut Words, source: &Words, amount: u32) {
    out.0.copy_from_slice(&source.0);
    for lanes in out.0.chunks_exact_mut(LANES) {
        lanes.rotate_right(amount as usize % LANES);
    }
}

/// Lane `l` of each sublane taken from lane `index[l] mod 128` of that sublane.
pub fn gather_lanes(out: &mut Words, source: &Words, index: &Words) {
    let sublanes = source.0.chunks_exact(LANES).zip(index.0.chunks_exact(LANES));
    for (out, (lanes, index)) in out.0.chunks_exact_mut(LANES).zip(sublanes) {
        for (out, index) in out.iter_mut().zip(index) {
            *out = lanes[*index as usize % LANES];
        }
    }
}

/// Columns `8 part .. 8 part + 8` of the 128 x 128 block whose rows are those of `block`, as rows.
pub fn transposed_part(out: &mut Words, block: &[Box<Words>], part: usize) {
    for (sublane, out) in out.0.chunks_exact_mut(LANES).enumerate() {
        let column = part * SUBLANES + sublane;
        for (out, register) in out.chunks_exact_mut(SUBLANES).zip(block) {
            for (row, out) in out.iter_mut().enumerate() {
                *out = register.0[row * LANES + column];
            }
        }
    }
}
