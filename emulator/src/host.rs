//! Fast host arithmetic: free functions over registers, chosen once per chip.
//!
//! [`portable`], [`vector`] and [`eup`] are the truth. The x86-64 variants are the same loops
//! compiled for wider vectors, and matmul kernels written for them; all give the same bits on every
//! input (`docs/numerics.md`), which a test checks.

pub mod eup;
pub mod portable;
pub mod vector;
#[cfg(target_arch = "x86_64")]
mod x86_64;

use palmetto_isa::{
    Op,
    memory::{LANES, VREG_WORDS},
};

/// The quiet NaN that every arithmetic op gives.
pub const NAN_BITS: u32 = 0x7fc0_0000;

/// The words of a vector register, sublane by sublane.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Words(pub [u32; VREG_WORDS]);

impl Words {
    /// All zero.
    pub fn boxed() -> Box<Self> {
        Box::new(Self([0; VREG_WORDS]))
    }
}

/// Rows of a streamed register.
pub const MXU_ROWS: usize = 16;
/// Columns that the matmul kernels work on together.
pub const MXU_COLUMNS: usize = 16;
/// Rows and columns of an MXU.
pub const MXU_SIZE: usize = LANES;

/// The 128 x 128 weights of an MXU as f32, in the order in which the kernels read them: blocks of
/// [`MXU_COLUMNS`] columns, contracted index by contracted index. See [`Weights::position`].
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Weights(pub [f32; MXU_SIZE * MXU_SIZE]);

impl Weights {
    /// All zero.
    pub fn boxed() -> Box<Self> {
        Box::new(Self([0.0; MXU_SIZE * MXU_SIZE]))
    }

    /// Where the weight of contracted index `k` and column `column` is.
    #[inline]
    pub const fn position(k: usize, column: usize) -> usize {
        ((column / MXU_COLUMNS) * MXU_SIZE + k) * MXU_COLUMNS + column % MXU_COLUMNS
    }
}

/// The 16 streamed rows as f32, row by row.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
pub struct Rows(pub [f32; MXU_ROWS * MXU_SIZE]);

/// A set of host kernels.
#[derive(Clone, Copy, Debug)]
pub enum Host {
    /// Plain Rust, compiled for the base instruction set of the target.
    Portable,
    /// AVX2.
    #[cfg(target_arch = "x86_64")]
    Avx2(x86_64::Avx2),
    /// AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512(x86_64::Avx512),
}

impl Host {
    /// The fastest kernels that this host can run.
    pub fn detect() -> Self {
        Self::available().pop().unwrap_or(Self::Portable)
    }

    /// Every set of kernels that this host can run, slowest first.
    pub fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "nothing to add"))]
        let mut all = vec![Self::Portable];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(x86_64::Avx2::detect().map(Self::Avx2));
            all.extend(x86_64::Avx512::detect().map(Self::Avx512));
        }
        all
    }

    /// The name of the set.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(_) => "avx2",
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(_) => "avx512",
        }
    }

    /// The result of a vector ALU op over vectors and masks, see [`vector::compute`].
    #[inline]
    pub fn vector(self, op: &Op, out: &mut Words, sources: [&Words; 3]) -> bool {
        match self {
            Self::Portable => vector::compute(op, out, sources),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(host) => host.vector(op, out, sources),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(host) => host.vector(op, out, sources),
        }
    }

    /// The result of a transcendental op, see [`eup::compute`].
    #[inline]
    pub fn eup(self, op: &Op, out: &mut Words, source: &Words) -> bool {
        match self {
            Self::Portable => eup::compute(op, out, source),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(host) => host.eup(op, out, source),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(host) => host.eup(op, out, source),
        }
    }

    /// The result of a lane reduction, see [`portable::lane_reduction`].
    #[inline]
    pub fn lane_reduction(self, op: &Op, out: &mut Words, source: &Words) -> bool {
        match self {
            Self::Portable => portable::lane_reduction(op, out, source),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(host) => host.lane_reduction(op, out, source),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(host) => host.lane_reduction(op, out, source),
        }
    }

    /// 16 packed bf16 rows as f32.
    #[inline]
    pub fn unpack_rows(self, source: &Words, rows: &mut Rows) {
        match self {
            Self::Portable => portable::unpack_rows(source, rows),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(host) => host.unpack_rows(source, rows),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(host) => host.unpack_rows(source, rows),
        }
    }

    /// `rows` times `weights`: rows 0-7 of the product in `low`, rows 8-15 in `high`. See
    /// [`portable::mxu_matmul`].
    #[inline]
    pub fn mxu_matmul(self, rows: &Rows, weights: &Weights, low: &mut Words, high: &mut Words) {
        match self {
            Self::Portable => portable::mxu_matmul(rows, weights, low, high),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(host) => host.mxu_matmul(rows, weights, low, high),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(host) => host.mxu_matmul(rows, weights, low, high),
        }
    }
}

#[cfg(test)]
mod tests;
