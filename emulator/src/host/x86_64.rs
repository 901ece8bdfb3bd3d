//! The kernels for x86-64 vectors. The crate's only `unsafe`.
//!
//! A token such as [`Avx2`] exists only if the host has the features: `detect` is its only
//! constructor. Its methods may therefore call code that is compiled for these features.

#![expect(unsafe_code, reason = "calls into code for detected features; vector loads and stores")]

use super::{
    MXU_COLUMNS, MXU_ROWS, MXU_SIZE, NAN_BITS, Rows, Weights, Words, eup, portable, vector,
};
use palmetto_isa::{
    Op,
    memory::{LANES, SUBLANES},
};
use std::arch::x86_64::{
    __m256, __m512, _CMP_UNORD_Q, _mm256_add_ps, _mm256_blendv_ps, _mm256_cmp_ps, _mm256_loadu_ps,
    _mm256_mul_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps, _mm512_add_ps,
    _mm512_cmp_ps_mask, _mm512_loadu_ps, _mm512_mask_mov_ps, _mm512_mul_ps, _mm512_set1_ps,
    _mm512_setzero_ps, _mm512_storeu_ps,
};

/// Proof that the host has the features, which are those of the functions in module `$module`.
macro_rules! host {
    ($(#[$doc:meta])* $Token:ident, $module:ident, $matmul:ident, $features:literal,
        [$($feature:tt),*]) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $Token(());

        impl $Token {
            /// The token, if the host has the features.
            pub(super) fn detect() -> Option<Self> {
                let found = true $(&& is_x86_feature_detected!($feature))*;
                found.then_some(Self(()))
            }

            pub(super) fn vector(self, op: &Op, out: &mut Words, sources: [&Words; 3]) -> bool {
                // SAFETY: the token exists, so the host has the features.
                unsafe { $module::vector(op, out, sources) }
            }

            pub(super) fn eup(self, op: &Op, out: &mut Words, source: &Words) -> bool {
                // SAFETY: the token exists, so the host has the features.
                unsafe { $module::eup(op, out, source) }
            }

            pub(super) fn lane_reduction(self, op: &Op, out: &mut Words, source: &Words) -> bool {
                // SAFETY: the token exists, so the host has the features.
                unsafe { $module::lane_reduction(op, out, source) }
            }

            pub(super) fn unpack_rows(self, source: &Words, rows: &mut Rows) {
                // SAFETY: the token exists, so the host has the features.
                unsafe { $module::unpack_rows(source, rows) }
            }

            pub(super) fn mxu_matmul(
                self,
                rows: &Rows,
                weights: &Weights,
                low: &mut Words,
                high: &mut Words,
            ) {
                // SAFETY: the token exists, so the host has the features.
                unsafe { $module::mxu_matmul(rows, weights, low, high) }
            }
        }

        /// The portable loops, compiled for the features.
        mod $module {
            use super::*;

            #[target_feature(enable = $features)]
            pub(super) fn vector(op: &Op, out: &mut Words, sources: [&Words; 3]) -> bool {
                vector::compute(op, out, sources)
            }

            #[target_feature(enable = $features)]
            pub(super) fn eup(op: &Op, out: &mut Words, source: &Words) -> bool {
                eup::compute(op, out, source)
            }

            #[target_feature(enable = $features)]
            pub(super) fn lane_reduction(op: &Op, out: &mut Words, source: &Words) -> bool {
                portable::lane_reduction(op, out, source)
            }

            #[target_feature(enable = $features)]
            pub(super) fn unpack_rows(source: &Words, rows: &mut Rows) {
                portable::unpack_rows(source, rows);
            }

            #[target_feature(enable = $features)]
            pub(super) fn mxu_matmul(
                rows: &Rows,
                weights: &Weights,
                low: &mut Words,
                high: &mut Words,
            ) {
                super::$matmul(rows, weights, low, high);
            }
        }
    };
}

host!(
    /// AVX2.
    Avx2, avx2, matmul_avx2, "avx2", ["avx2"]
);
host!(
    /// AVX-512.
    Avx512,
    avx512,
    matmul_avx512,
    "avx512f,avx512bw,avx512vl,avx512dq,avx512cd",
    ["avx512f", "avx512bw", "avx512vl", "avx512dq", "avx512cd"]
);

/// Loads 8 of `values` from `at` on.
#[inline]
#[target_feature(enable = "avx2")]
fn load8(values: &[f32], at: usize) -> __m256 {
    let values = &values[at..at + 8];
    // SAFETY: the slice has the 8 values that are read.
    unsafe { _mm256_loadu_ps(values.as_ptr()) }
}

/// Stores 8 results to `words` from `at` on; every NaN is the same NaN.
#[inline]
#[target_feature(enable = "avx2")]
fn store8(words: &mut [u32], at: usize, value: __m256) {
    let unordered = _mm256_cmp_ps::<_CMP_UNORD_Q>(value, value);
    let value = _mm256_blendv_ps(value, _mm256_set1_ps(f32::from_bits(NAN_BITS)), unordered);
    let words = &mut words[at..at + 8];
    // SAFETY: the slice has the 8 words that are written.
    unsafe { _mm256_storeu_ps(words.as_mut_ptr().cast(), value) }
}

/// [`portable::mxu_matmul`]: 8 columns of 8 rows at a time.
#[inline]
#[target_feature(enable = "avx2")]
fn matmul_avx2(rows: &Rows, weights: &Weights, low: &mut Words, high: &mut Words) {
    let halves = rows.0.split_at(SUBLANES * MXU_SIZE);
    for (rows, out) in [(halves.0, low), (halves.1, high)] {
        for column in (0..LANES).step_by(8) {
            let start = Weights::position(0, column);
            let weights = &weights.0[start..start + (MXU_SIZE - 1) * MXU_COLUMNS + 8];
            let mut sums = [_mm256_setzero_ps(); SUBLANES];
            for k in (0..MXU_SIZE).step_by(4) {
                let weight = |i: usize| load8(weights, (k + i) * MXU_COLUMNS);
                let weight = [weight(0), weight(1), weight(2), weight(3)];
                for (row, sum) in sums.iter_mut().enumerate() {
                    let values = &rows[row * MXU_SIZE + k..][..4];
                    let product = |i: usize| _mm256_mul_ps(_mm256_set1_ps(values[i]), weight[i]);
                    let first = _mm256_add_ps(product(0), product(1));
                    let second = _mm256_add_ps(product(2), product(3));
                    *sum = _mm256_add_ps(*sum, _mm256_add_ps(first, second));
                }
            }
            for (row, sum) in sums.into_iter().enumerate() {
                store8(&mut out.0, row * LANES + column, sum);
            }
        }
    }
}

/// Loads 16 of `values` from `at` on.
#[inline]
#[target_feature(enable = "avx512f")]
fn load16(values: &[f32], at: usize) -> __m512 {
    let values = &values[at..at + 16];
    // SAFETY: the slice has the 16 values that are read.
    unsafe { _mm512_loadu_ps(values.as_ptr()) }
}

/// Stores 16 results to `words` from `at` on; every NaN is the same NaN.
#[inline]
#[target_feature(enable = "avx512f")]
fn store16(words: &mut [u32], at: usize, value: __m512) {
    let unordered = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(value, value);
    let nan = _mm512_set1_ps(f32::from_bits(NAN_BITS));
    let value = _mm512_mask_mov_ps(value, unordered, nan);
    let words = &mut words[at..at + 16];
    // SAFETY: the slice has the 16 words that are written.
    unsafe { _mm512_storeu_ps(words.as_mut_ptr().cast(), value) }
}

/// [`portable::mxu_matmul`]: 16 columns of 16 rows at a time.
#[inline]
#[target_feature(enable = "avx512f")]
fn matmul_avx512(rows: &Rows, weights: &Weights, low: &mut Words, high: &mut Words) {
    for (block, weights) in weights.0.chunks_exact(MXU_SIZE * MXU_COLUMNS).enumerate() {
        let mut sums = [_mm512_setzero_ps(); MXU_ROWS];
        for k in (0..MXU_SIZE).step_by(4) {
            let weight = |i: usize| load16(weights, (k + i) * MXU_COLUMNS);
            let weight = [weight(0), weight(1), weight(2), weight(3)];
            for (row, sum) in sums.iter_mut().enumerate() {
                let values = &rows.0[row * MXU_SIZE + k..][..4];
                let product = |i: usize| _mm512_mul_ps(_mm512_set1_ps(values[i]), weight[i]);
                let first = _mm512_add_ps(product(0), product(1));
                let second = _mm512_add_ps(product(2), product(3));
                *sum = _mm512_add_ps(*sum, _mm512_add_ps(first, second));
            }
        }
        for (row, sum) in sums.into_iter().enumerate() {
            let out = if row < SUBLANES { &mut *low } else { &mut *high };
            store16(&mut out.0, row % SUBLANES * LANES + block * MXU_COLUMNS, sum);
        }
    }
}
