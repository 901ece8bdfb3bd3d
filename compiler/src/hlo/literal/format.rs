//! Floating point formats of at most 8 bits: one implementation, with parameters.
//!
//! A number is a sign bit (but for powers of two), an exponent and a mantissa, as in IEEE formats;
//! which codes are infinities and NaNs, and what becomes of numbers out of range, differs.

use super::super::shape::ElementType;

/// Which codes are no numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpecialCodes {
    /// The highest exponent is infinities and NaNs.
    Ieee,
    /// All ones is a NaN. Numbers out of range become NaN.
    AllOnes,
    /// What would be -0 is a NaN. Numbers out of range become NaN.
    NegativeZero,
    /// None. Numbers out of range become the largest one, and NaNs zeros of the other sign.
    Never,
    /// There is no sign, no zero and no mantissa; all ones is a NaN, which all other numbers
    /// become.
    PowersOfTwo,
}

/// A floating point format of at most 8 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FloatFormat {
    /// Bits of the exponent.
    pub exponent_bits: u32,
    /// Bits of the mantissa, without the leading one.
    pub mantissa_bits: u32,
    /// What is subtracted from the exponent's code.
    pub bias: i32,
    /// Which codes are no numbers.
    pub special: SpecialCodes,
}

impl ElementType {
    /// The format of a floating point type of at most 8 bits.
    pub fn float_format(self) -> Option<FloatFormat> {
        use SpecialCodes::{AllOnes, Ieee, NegativeZero, Never, PowersOfTwo};
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the other types are wider, or no floats"
        )]
        let (exponent_bits, mantissa_bits, bias, special) = match self {
            Self::F4E2M1FN => (2, 1, 1, Never),
            Self::F6E2M3FN => (2, 3, 1, Never),
            Self::F6E3M2FN => (3, 2, 3, Never),
            Self::F8E3M4 => (3, 4, 3, Ieee),
            Self::F8E4M3 => (4, 3, 7, Ieee),
            Self::F8E4M3B11FNUZ => (4, 3, 11, NegativeZero),
            Self::F8E4M3FN => (4, 3, 7, AllOnes),
            Self::F8E4M3FNUZ => (4, 3, 8, NegativeZero),
            Self::F8E5M2 => (5, 2, 15, Ieee),
            Self::F8E5M2FNUZ => (5, 2, 16, NegativeZero),
            Self::F8E8M0FNU => (8, 0, 127, PowersOfTwo),
            _ => return None,
        };
        Some(FloatFormat { exponent_bits, mantissa_bits, bias, special })
    }
}

impl FloatFormat {
    /// The bits of the sign; none for powers of two.
    fn sign(self) -> u64 {
        let without = self.special == SpecialCodes::PowersOfTwo;
        if without { 0 } else { 1 << (self.exponent_bits + self.mantissa_bits) }
    }

    /// The magnitude with all bits set.
    fn all_ones(self) -> u64 {
        (1 << (self.exponent_bits + self.mantissa_bits)) - 1
    }

    /// The code of the largest finite number.
    fn largest(self) -> u64 {
        match self.special {
            SpecialCodes::Ieee => self.highest_exponent() - 1,
            SpecialCodes::AllOnes | SpecialCodes::PowersOfTwo => self.all_ones() - 1,
            SpecialCodes::NegativeZero | SpecialCodes::Never => self.all_ones(),
        }
    }

    fn highest_exponent(self) -> u64 {
        self.all_ones() & !((1 << self.mantissa_bits) - 1)
    }

    /// The code of infinity, if there is one.
    pub fn infinity(self) -> Option<u64> {
        (self.special == SpecialCodes::Ieee).then(|| self.highest_exponent())
    }

    /// The code that a NaN of this sign becomes.
    pub fn nan(self, negative: bool) -> u64 {
        let sign = if negative { self.sign() } else { 0 };
        match self.special {
            SpecialCodes::Ieee => sign | self.highest_exponent() | 1 << (self.mantissa_bits - 1),
            SpecialCodes::AllOnes => sign | self.all_ones(),
            SpecialCodes::NegativeZero => self.sign(),
            SpecialCodes::Never => sign ^ self.sign(),
            SpecialCodes::PowersOfTwo => self.all_ones(),
        }
    }

    /// Does the code mean no number?
    pub fn is_nan(self, bits: u64) -> bool {
        let magnitude = bits & self.all_ones();
        match self.special {
            SpecialCodes::Ieee => magnitude > self.highest_exponent(),
            SpecialCodes::AllOnes | SpecialCodes::PowersOfTwo => magnitude == self.all_ones(),
            SpecialCodes::NegativeZero => bits == self.sign(),
            SpecialCodes::Never => false,
        }
    }

    /// The exponent of the smallest number with a leading one.
    pub fn least_exponent(self) -> i32 {
        let has_subnormals = self.special != SpecialCodes::PowersOfTwo;
        i32::from(has_subnormals) - self.bias
    }

    /// The number that a code means.
    pub fn decode(self, bits: u64) -> f64 {
        let negative = bits & self.sign() != 0;
        let magnitude = bits & self.all_ones();
        let value = if self.is_nan(bits) {
            f64::NAN
        } else if Some(magnitude) == self.infinity() {
            f64::INFINITY
        } else {
            let field = magnitude >> self.mantissa_bits;
            let mantissa = magnitude & ((1 << self.mantissa_bits) - 1);
            let one = u64::from(field != 0 || self.special == SpecialCodes::PowersOfTwo);
            let steps = small(mantissa) + small(one << self.mantissa_bits);
            let exponent = narrowed(field) - self.bias;
            f64::from(steps)
                * power_of_two(
                    exponent.max(self.least_exponent()) - narrowed(self.mantissa_bits.into()),
                )
        };
        if negative && (self.special != SpecialCodes::NegativeZero || !value.is_nan()) {
            -value
        } else {
            value
        }
    }

    /// The code of the number that is nearest to `value`, of two the even one.
    pub fn encode(self, value: f64) -> u64 {
        let sign = if value.is_sign_negative() { self.sign() } else { 0 };
        let unsigned = self.special == SpecialCodes::PowersOfTwo;
        if value.is_nan() || unsigned && value <= 0.0 {
            return self.nan(value.is_sign_negative());
        }
        let magnitude = value.abs();
        let code = if magnitude.is_infinite() {
            u64::MAX
        } else {
            let exponent = exponent_of(magnitude).max(self.least_exponent());
            let steps = magnitude * power_of_two(narrowed(self.mantissa_bits.into()) - exponent);
            // Rounding up to the next power of two carries into the exponent.
            let steps = whole(steps.round_ties_even());
            let field = narrowed_back(exponent - self.least_exponent());
            if unsigned {
                (field + steps).saturating_sub(1)
            } else {
                (field << self.mantissa_bits) + steps
            }
        };
        if code <= self.largest() {
            let is_minus_zero = code == 0 && self.special == SpecialCodes::NegativeZero;
            return if is_minus_zero { 0 } else { sign | code };
        }
        match self.special {
            SpecialCodes::Ieee => sign | self.highest_exponent(),
            SpecialCodes::Never => sign | self.largest(),
            SpecialCodes::AllOnes | SpecialCodes::NegativeZero | SpecialCodes::PowersOfTwo => {
                self.nan(value.is_sign_negative())
            }
        }
    }
}

/// The exponent of the power of two that is not above a positive number; far below all formats for
/// subnormal ones.
fn exponent_of(magnitude: f64) -> i32 {
    narrowed(magnitude.to_bits() >> 52) - 1023
}

/// 2 to the power of `exponent`, which is that of a normal number.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(narrowed_back(exponent + 1023) << 52)
}

fn small(value: u64) -> u32 {
    u32::try_from(value).expect("codes have 8 bits")
}

fn narrowed(value: u64) -> i32 {
    i32::try_from(value).expect("exponents have 11 bits")
}

fn narrowed_back(value: i32) -> u64 {
    u64::try_from(value).expect("it is not below the least exponent")
}

/// A number from 0 to 2^53.
fn whole(value: f64) -> u64 {
    #![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is integral")]
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hlo::literal::{bits_from_f64, bits_to_f64};

    /// FNV-1a, over what the oracle computed as well.
    fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        })
    }

    /// Per type: hashes of the values of all codes, as f64 with one NaN; and of the codes of all
    /// f16 and of all bf16 values, NaNs left out. The package ml_dtypes computed them.
    const ORACLE: &[(ElementType, u64, u64, u64)] = &[
        (
            ElementType::F4E2M1FN,
            0xb7a5_36e3_9150_e235,
            0x1fb1_dba6_6200_138b,
            0xfb41_8570_cc66_248b,
        ),
        (
            ElementType::F6E2M3FN,
            0xec0c_c051_702d_b885,
            0x0b6f_9bfb_d018_1f43,
            0xef95_3978_4381_4593,
        ),
        (
            ElementType::F6E3M2FN,
            0xa171_6230_c365_c5f5,
            0x5969_e490_2129_f6c3,
            0x0ae5_82f4_d630_afa3,
        ),
        (ElementType::F8E3M4, 0x2a81_af47_984d_cd75, 0xc0e1_e4a7_33d7_442d, 0x4682_c817_e1a4_152d),
        (ElementType::F8E4M3, 0xb766_4143_e132_47d5, 0xfdc0_5c8c_b412_144d, 0x6b0e_28a3_cb50_4b0d),
        (
            ElementType::F8E4M3B11FNUZ,
            0xc834_859f_7070_cbf0,
            0x6557_59ca_2467_e86d,
            0xa1b5_29e6_c6fe_6ded,
        ),
        (
            ElementType::F8E4M3FN,
            0x4d4d_ed90_c4f5_d9b5,
            0x427a_aebb_3ee1_dd63,
            0x230e_22d8_cab9_8a73,
        ),
        (
            ElementType::F8E4M3FNUZ,
            0x33a0_6c4d_1199_92b0,
            0x4e68_c3bc_ff07_e86d,
            0x8529_6e5e_38c3_6ded,
        ),
        (ElementType::F8E5M2, 0x61a0_99e7_2317_4195, 0x6191_1f52_756e_0a25, 0xdc6c_f332_c1ad_7525),
        (
            ElementType::F8E5M2FNUZ,
            0x08d9_906c_c5ea_2650,
            0x9b8f_c14b_6031_566d,
            0x211a_8d84_4207_0f6d,
        ),
        (
            ElementType::F8E8M0FNU,
            0x04b7_d9d8_5633_d505,
            0x827c_20e7_a818_036c,
            0x95cd_238c_f627_a6d1,
        ),
    ];

    #[test]
    fn codes_and_conversions_are_those_of_ml_dtypes() {
        assert_eq!(
            ORACLE.len(),
            ElementType::ALL.iter().filter(|t| t.float_format().is_some()).count()
        );
        for &(element_type, values, from_f16, from_bf16) in ORACLE {
            let codes = 0..1u64 << element_type.bit_width();
            let value = |bits| {
                let value = bits_to_f64(element_type, bits);
                if value.is_nan() { 0x7ff8_0000_0000_0000 } else { value.to_bits() }
            };
            assert_eq!(
                hash(codes.flat_map(|bits| u64::to_le_bytes(value(bits)))),
                values,
                "{element_type}"
            );
            let converted = |from: ElementType| {
                let all = (0..=u64::from(u16::MAX)).map(move |bits| bits_to_f64(from, bits));
                // ml_dtypes rounds subnormal bf16 up to powers of two, however near the lower is.
                let is_odd = |value: f64| {
                    let is_subnormal = value != 0.0 && value.abs() < f64::powi(2.0, -126);
                    is_subnormal && element_type == ElementType::F8E8M0FNU
                };
                let numbers = all.filter(|&value| !value.is_nan() && !is_odd(value));
                hash(numbers.map(|value| bits_from_f64(element_type, value).to_le_bytes()[0]))
            };
            assert_eq!(converted(ElementType::F16), from_f16, "{element_type} from f16");
            assert_eq!(converted(ElementType::BF16), from_bf16, "{element_type} from bf16");
        }
    }

    #[test]
    fn nans_become_what_the_format_has() {
        let nan = |element_type| [f64::NAN, -f64::NAN].map(|nan| bits_from_f64(element_type, nan));
        assert_eq!(nan(ElementType::F4E2M1FN), [8, 0]);
        assert_eq!(nan(ElementType::F8E3M4), [0x78, 0xf8]);
        assert_eq!(nan(ElementType::F8E4M3FN), [0x7f, 0xff]);
        assert_eq!(nan(ElementType::F8E4M3FNUZ), [0x80, 0x80]);
        assert_eq!(nan(ElementType::F8E5M2), [0x7e, 0xfe]);
        assert_eq!(nan(ElementType::F8E8M0FNU), [0xff, 0xff]);
    }
}
