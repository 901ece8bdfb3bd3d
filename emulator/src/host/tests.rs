//! All sets of kernels agree bit for bit, and with slow definitions.

#![expect(clippy::float_cmp, reason = "bits are what is compared")]
#![expect(clippy::cast_possible_truncation, reason = "infinities are the same in f32")]

use super::{Host, MXU_ROWS, MXU_SIZE, NAN_BITS, Rows, Weights, Words, eup, portable, vector};
use half::bf16;
use palmetto_isa::{MReg, Op, SReg, VReg, memory::VREG_WORDS};

/// Numbers of a SplitMix64 sequence.
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z >> 32) as u32
    }

    /// Any f32: special values often, denormals and huge ones too.
    fn f32_bits(&mut self) -> u32 {
        const SPECIAL: [u32; 12] = [
            0,
            0x8000_0000,
            1,
            0x8000_0001,
            0x007f_ffff,
            0x0080_0000,
            0x7f7f_ffff,
            0x7f80_0000,
            0xff80_0000,
            0x7fc0_0000,
            0xffc1_2345,
            0x7f80_0001,
        ];
        let bits = self.bits();
        match self.bits() % 8 {
            0 => SPECIAL[bits as usize % SPECIAL.len()],
            1 => bits,
            // Exponents near 0, so that sums do not overflow and cancel often.
            _ => bits & 0x81ff_ffff | 0x3e00_0000,
        }
    }

    fn words(&mut self) -> Box<Words> {
        let mut words = Words::boxed();
        words.0.iter_mut().for_each(|word| *word = self.f32_bits());
        words
    }

    fn moderate(&mut self) -> f32 {
        f32::from_bits(self.bits() & 0x81ff_0000 | 0x3e00_0000)
    }
}

/// Every vector op without a scalar operand.
#[expect(clippy::too_many_lines, reason = "one line per op")]
fn vector_ops() -> Vec<Op> {
    let (dst, m) = (VReg(0), MReg(0));
    let (lhs, rhs, src) = (VReg(0), VReg(1), VReg(0));
    let (low, high) = (lhs, rhs);
    let mut ops = vec![
        Op::Vconst { dst, bits: 0x1234_5678 },
        Op::Vmov { dst, src },
        Op::Vlane { dst },
        Op::Vsublane { dst },
        Op::VaddF32 { dst, lhs, rhs },
        Op::VsubF32 { dst, lhs, rhs },
        Op::VmulF32 { dst, lhs, rhs },
        Op::VmaxF32 { dst, lhs, rhs },
        Op::VminF32 { dst, lhs, rhs },
        Op::VfloorF32 { dst, src },
        Op::VceilF32 { dst, src },
        Op::VroundF32 { dst, src },
        Op::VroundBf16 { dst, src },
        Op::VroundF16 { dst, src },
        Op::VcvtF32S32 { dst, src },
        Op::VcvtF32U32 { dst, src },
        Op::VcvtS32F32 { dst, src },
        Op::VcvtU32F32 { dst, src },
        Op::VaddS32 { dst, lhs, rhs },
        Op::VsubS32 { dst, lhs, rhs },
        Op::VmulS32 { dst, lhs, rhs },
        Op::VmaxS32 { dst, lhs, rhs },
        Op::VminS32 { dst, lhs, rhs },
        Op::VmaxU32 { dst, lhs, rhs },
        Op::VminU32 { dst, lhs, rhs },
        Op::Vand { dst, lhs, rhs },
        Op::Vor { dst, lhs, rhs },
        Op::Vxor { dst, lhs, rhs },
        Op::Vshl { dst, src, amount: rhs },
        Op::Vshr { dst, src, amount: rhs },
        Op::Vsra { dst, src, amount: rhs },
        Op::Vclz { dst, src },
        Op::Vpopcnt { dst, src },
        Op::VpackBf16 { dst, low, high },
        Op::VpackF16 { dst, low, high },
        Op::VpackB16 { dst, low, high },
        Op::VpackB8 { dst, low, high },
        Op::VcmpEqF32 { dst: m, lhs, rhs },
        Op::VcmpNeF32 { dst: m, lhs, rhs },
        Op::VcmpLtF32 { dst: m, lhs, rhs },
        Op::VcmpLeF32 { dst: m, lhs, rhs },
        Op::VcmpEqS32 { dst: m, lhs, rhs },
        Op::VcmpNeS32 { dst: m, lhs, rhs },
        Op::VcmpLtS32 { dst: m, lhs, rhs },
        Op::VcmpLeS32 { dst: m, lhs, rhs },
        Op::VcmpLtU32 { dst: m, lhs, rhs },
        Op::VcmpLeU32 { dst: m, lhs, rhs },
        Op::Vmand { dst: m, lhs: m, rhs: m },
        Op::Vmor { dst: m, lhs: m, rhs: m },
        Op::Vmxor { dst: m, lhs: m, rhs: m },
        Op::Vmnot { dst: m, src: m },
        Op::Vmmov { dst: m, src: m },
        Op::Vsel { dst, mask: m, on_true: lhs, on_false: rhs },
    ];
    for part in 0..4 {
        ops.push(Op::VunpackS8 { dst, src, part });
        ops.push(Op::VunpackU8 { dst, src, part });
    }
    for part in 0..2 {
        ops.push(Op::VunpackBf16 { dst, src, part });
        ops.push(Op::VunpackF16 { dst, src, part });
        ops.push(Op::VunpackS16 { dst, src, part });
        ops.push(Op::VunpackU16 { dst, src, part });
    }
    for sublane in 0..8 {
        ops.push(Op::VrotSublane { dst, src, amount: sublane });
        ops.push(Op::VbcastSublane { dst, src, index: sublane });
    }
    ops
}

fn eup_ops() -> [Op; 5] {
    let src = VReg(0);
    [
        Op::EupExp2 { src },
        Op::EupLog2 { src },
        Op::EupRcp { src },
        Op::EupRsqrt { src },
        Op::EupTanh { src },
    ]
}

#[test]
fn every_host_gives_the_portable_bits_for_vector_ops() {
    let mut random = Random(1);
    for round in 0..8 {
        let sources = [random.words(), random.words(), random.words()];
        let sources = [&*sources[0], &*sources[1], &*sources[2]];
        for op in vector_ops() {
            let mut expected = Words::boxed();
            assert!(vector::compute(&op, &mut expected, sources), "{op:?} is not computed");
            for host in Host::available() {
                let mut out = Words::boxed();
                assert!(host.vector(&op, &mut out, sources));
                assert_eq!(out.0, expected.0, "{op:?} on {} in round {round}", host.name());
            }
        }
    }
    let mut out = Words::boxed();
    let scalar = Op::Vsplat { dst: VReg(0), src: SReg(0) };
    assert!(!Host::detect().vector(&scalar, &mut out, [&Words::boxed(); 3].map(|w| &**w)));
}

#[test]
fn every_host_gives_the_portable_bits_for_transcendentals_and_reductions() {
    let mut random = Random(2);
    let (unit, src) = (0, VReg(0));
    let reductions =
        [Op::XluSumF32 { unit, src }, Op::XluMaxF32 { unit, src }, Op::XluMinF32 { unit, src }];
    for _ in 0..8 {
        let source = random.words();
        for host in Host::available() {
            let (mut out, mut expected) = (Words::boxed(), Words::boxed());
            for op in eup_ops() {
                assert!(eup::compute(&op, &mut expected, &source));
                assert!(host.eup(&op, &mut out, &source));
                assert_eq!(out.0, expected.0, "{op:?} on {}", host.name());
            }
            for op in reductions {
                assert!(portable::lane_reduction(&op, &mut expected, &source));
                assert!(host.lane_reduction(&op, &mut out, &source));
                assert_eq!(out.0, expected.0, "{op:?} on {}", host.name());
            }
        }
    }
}

/// Weights and rows whose products overflow, underflow and are NaN here and there.
fn wild_operands(random: &mut Random, wild: bool) -> (Box<Words>, Box<Weights>) {
    let mut pick =
        || if wild { random.f32_bits() >> 16 } else { random.moderate().to_bits() >> 16 };
    let (mut source, mut weights) = (Words::boxed(), Weights::boxed());
    source.0.iter_mut().for_each(|word| *word = pick() | pick() << 16);
    for part in 0..8 {
        let mut register = Words::boxed();
        register.0.iter_mut().for_each(|word| *word = pick() | pick() << 16);
        portable::stage_weights(&mut weights, part, &register, part % 2 == 1);
    }
    (source, weights)
}

#[test]
fn every_host_gives_the_portable_bits_for_matmuls() {
    let mut random = Random(3);
    for round in 0..6 {
        let (source, weights) = wild_operands(&mut random, round % 2 == 1);
        let mut rows = Rows([0.0; MXU_ROWS * MXU_SIZE]);
        portable::unpack_rows(&source, &mut rows);
        let mut expected = [Words::boxed(), Words::boxed()];
        let [low, high] = &mut expected;
        portable::mxu_matmul(&rows, &weights, low, high);
        for host in Host::available() {
            let mut unpacked = Rows([0.0; MXU_ROWS * MXU_SIZE]);
            host.unpack_rows(&source, &mut unpacked);
            assert_eq!(unpacked.0.map(f32::to_bits), rows.0.map(f32::to_bits));
            let mut out = [Words::boxed(), Words::boxed()];
            let [low, high] = &mut out;
            host.mxu_matmul(&rows, &weights, low, high);
            for (out, expected) in out.iter().zip(&expected) {
                assert_eq!(out.0, expected.0, "{} in round {round}", host.name());
            }
        }
        let nans = expected[0].0.iter().filter(|word| **word == NAN_BITS).count();
        assert!(if round % 2 == 1 { nans > 0 } else { nans == 0 }, "{nans} NaN in round {round}");
    }
}

#[test]
fn a_matmul_is_what_its_definition_says() {
    let mut random = Random(4);
    let lhs: Vec<Vec<f32>> =
        (0..MXU_ROWS).map(|_| (0..MXU_SIZE).map(|_| random.moderate()).collect()).collect();
    let rhs: Vec<Vec<f32>> =
        (0..MXU_SIZE).map(|_| (0..MXU_SIZE).map(|_| random.moderate()).collect()).collect();
    let pack = |rows: &[Vec<f32>]| {
        let mut words = Words::boxed();
        for (index, word) in words.0.iter_mut().enumerate() {
            let half = |row: usize| u32::from(bf16::from_f32(rows[row][index % 128]).to_bits());
            *word = half(index / 128 * 2) | half(index / 128 * 2 + 1) << 16;
        }
        words
    };
    let columns: Vec<Vec<f32>> =
        (0..MXU_SIZE).map(|c| rhs.iter().map(|row| row[c]).collect()).collect();
    let (mut straight, mut transposed) = (Weights::boxed(), Weights::boxed());
    for part in 0..8 {
        portable::stage_weights(&mut straight, part, &pack(&rhs[part * 16..][..16]), false);
        portable::stage_weights(&mut transposed, part, &pack(&columns[part * 16..][..16]), true);
    }
    assert_eq!(straight.0, transposed.0);
    let mut rows = Rows([0.0; MXU_ROWS * MXU_SIZE]);
    portable::unpack_rows(&pack(&lhs), &mut rows);
    let (mut low, mut high) = (Words::boxed(), Words::boxed());
    Host::detect().mxu_matmul(&rows, &straight, &mut low, &mut high);
    for (row, lhs) in lhs.iter().enumerate() {
        for (column, rhs) in columns.iter().enumerate() {
            let p: Vec<f32> = lhs.iter().zip(rhs).map(|(a, b)| a * b).collect();
            let sum = p.chunks(4).fold(0.0, |sum, p| sum + ((p[0] + p[1]) + (p[2] + p[3])));
            let out = if row < 8 { &low } else { &high };
            assert_eq!(f32::from_bits(out.0[row % 8 * 128 + column]), sum);
        }
    }
}

/// The distance of `result` from `exact` in units of `result`'s last place.
fn ulps(result: f32, exact: f64) -> f64 {
    let magnitude = f32::from_bits(result.abs().to_bits().max(f32::MIN_POSITIVE.to_bits()));
    let ulp = f64::from(f32::from_bits(magnitude.to_bits() & 0x7f80_0000)) * 2f64.powi(-23);
    (f64::from(result) - exact).abs() / ulp
}

fn check_function(f: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64) {
    let mut random = Random(5);
    for index in 0..400_000 {
        let bits = if index % 2 == 0 { random.f32_bits() } else { random.bits() };
        let x = f32::from_bits(bits);
        let (result, exact) = (f(x), exact(f64::from(x)));
        if exact.is_nan() || result.is_nan() {
            assert_eq!(exact.is_nan(), result.is_nan(), "at {x:e}: {result:e}, {exact:e}");
        } else if result.is_infinite() || exact.is_infinite() {
            assert_eq!(result, exact as f32, "at {x:e}");
        } else {
            assert!(ulps(result, exact) <= 0.500_000_1, "at {x:e}: {result:e}, {exact:e}");
            assert_eq!(result.is_sign_negative(), exact.is_sign_negative(), "at {x:e}");
        }
    }
}

#[test]
fn transcendentals_are_correctly_rounded() {
    check_function(eup::exp2, f64::exp2);
    check_function(eup::log2, f64::log2);
    check_function(eup::reciprocal, f64::recip);
    check_function(eup::reciprocal_square_root, |x| x.sqrt().recip());
    check_function(eup::tanh, f64::tanh);
}

#[test]
fn transcendentals_are_right_where_errors_would_be_relative() {
    // Near 1 the logarithm, and near 0 the hyperbolic tangent, vanish.
    for step in 1..2000_u32 {
        let near_one = f32::from_bits(1.0_f32.to_bits() + step);
        assert!(ulps(eup::log2(near_one), f64::from(near_one).log2()) <= 0.500_000_1);
        let below_one = f32::from_bits(1.0_f32.to_bits() - step);
        assert!(ulps(eup::log2(below_one), f64::from(below_one).log2()) <= 0.500_000_1);
        let tiny = f32::from_bits(step);
        assert_eq!(eup::tanh(tiny), tiny);
        let wide = f32::from_bits(0x3a00_0000 + step * 0x1000);
        assert!(ulps(eup::tanh(wide), f64::from(wide).tanh()) <= 0.500_000_1);
    }
    assert_eq!(eup::tanh(-0.0).to_bits(), (-0.0_f32).to_bits());
    assert_eq!(eup::log2(1.0).to_bits(), 0);
}

#[test]
fn bf16_is_rounded_to_nearest_even() {
    let mut random = Random(6);
    for _ in 0..100_000 {
        let bits = random.f32_bits();
        let expected = bf16::from_f32(f32::from_bits(bits)).to_bits();
        assert_eq!(vector::bf16_of_f32(bits), u32::from(expected), "{bits:#x}");
    }
}

#[test]
fn lanes_are_summed_by_halves() {
    let mut random = Random(7);
    let mut source = Words::boxed();
    source.0.iter_mut().for_each(|word| *word = random.moderate().to_bits());
    let mut lanes: Vec<f32> = source.0[..128].iter().map(|bits| f32::from_bits(*bits)).collect();
    while lanes.len() > 1 {
        let half = lanes.len() / 2;
        lanes = (0..half).map(|l| lanes[l] + lanes[l + half]).collect();
    }
    let mut out = Words::boxed();
    let op = Op::XluSumF32 { unit: 0, src: VReg(0) };
    assert!(portable::lane_reduction(&op, &mut out, &source));
    assert!(out.0[..128].iter().all(|word| f32::from_bits(*word) == lanes[0]));
}

#[test]
fn maximum_and_minimum_order_zeros_and_propagate_nan() {
    let (zero, minus_zero) = (0, 0x8000_0000);
    assert_eq!(vector::max_f32(minus_zero, zero), zero);
    assert_eq!(vector::min_f32(zero, minus_zero), minus_zero);
    assert_eq!(vector::max_f32(0xffc1_2345, zero), NAN_BITS);
    assert_eq!(vector::min_f32(1, NAN_BITS), NAN_BITS);
    assert_eq!(vector::max_f32((-2.0_f32).to_bits(), (-3.0_f32).to_bits()), (-2.0_f32).to_bits());
}

#[test]
fn rows_survive_packing_and_unpacking() {
    let mut random = Random(8);
    let (mut low, mut high) = (Words::boxed(), Words::boxed());
    for index in 0..VREG_WORDS {
        low.0[index] = random.bits() & 0xffff;
        high.0[index] = random.bits() & 0xffff;
    }
    let (dst, src) = (VReg(0), VReg(0));
    let host = Host::detect();
    let run = |op: Op, x: &Words, y: &Words| {
        let mut out = Words::boxed();
        assert!(host.vector(&op, &mut out, [x, y, y]));
        out
    };
    let packed = run(Op::VpackB16 { dst, low: src, high: src }, &low, &high);
    assert_eq!(packed.0[5], low.0[5] | low.0[128 + 5] << 16, "row 0 is in the low half");
    assert_eq!(run(Op::VunpackU16 { dst, src, part: 0 }, &packed, &packed).0, low.0);
    assert_eq!(run(Op::VunpackU16 { dst, src, part: 1 }, &packed, &packed).0, high.0);
    let bytes = run(Op::VpackB8 { dst, low: src, high: src }, &packed, &packed);
    for part in 0..4 {
        let rows = run(Op::VunpackU8 { dst, src, part }, &bytes, &bytes);
        let expected = if part % 2 == 0 { &low } else { &high };
        assert!(rows.0.iter().zip(&expected.0).all(|(row, word)| *row == word & 0xff));
    }
}
