//! Between packed registers, as memory holds them, and values of 32 bits per element.

use crate::{
    element::{Class, Element},
    expression::Register,
    llo::{Builder, V},
};

/// Rows `8 part .. 8 part + 8` of a packed register.
pub fn unpack(b: &mut Builder, packed: V, element: Element, part: usize) -> Register {
    let part = u8::try_from(part).expect("a register packs at most 4 parts");
    Register::Vector(match element {
        Element::F32 | Element::S32 | Element::U32 => packed,
        Element::Bf16 => b.vunpack_bf16(packed, part),
        Element::F16 => b.vunpack_f16(packed, part),
        Element::S16 => b.vunpack_s16(packed, part),
        Element::U16 => b.vunpack_u16(packed, part),
        Element::S8 => b.vunpack_s8(packed, part),
        Element::U8 => b.vunpack_u8(packed, part),
        Element::Pred => {
            let byte = b.vunpack_u8(packed, part);
            let zero = b.i32(0);
            return Register::Mask(b.vcmp_ne_s32(byte, zero));
        }
    })
}

/// The packed register of up to `element.packing()` values of 8 rows each, which are already
/// rounded; what is missing is 0.
pub fn pack(b: &mut Builder, element: Element, parts: &[Register]) -> V {
    let mut parts: Vec<V> = parts.iter().map(|part| word(b, *part)).collect();
    if parts.len() < element.packing() {
        let zero = b.i32(0);
        parts.resize(element.packing(), zero);
    }
    match (element, parts.as_slice()) {
        (Element::Bf16, [low, high]) => b.vpack_bf16(*low, *high),
        (Element::F16, [low, high]) => b.vpack_f16(*low, *high),
        (_, [only]) => *only,
        (_, [low, high]) => b.vpack_b16(*low, *high),
        (_, [p0, p1, p2, p3]) => {
            let (low, high) = (b.vpack_b16(*p0, *p1), b.vpack_b16(*p2, *p3));
            b.vpack_b8(low, high)
        }
        (_, other) => panic!("{} parts of a packed register", other.len()),
    }
}

fn word(b: &mut Builder, part: Register) -> V {
    match part {
        Register::Vector(v) => v,
        Register::Mask(m) => {
            let (one, zero) = (b.i32(1), b.i32(0));
            b.vsel(m, one, zero)
        }
    }
}

/// The value of part `part` of each word, where `part` counts rows that share a word.
pub fn word_part(b: &mut Builder, word: V, element: Element, part: usize) -> Register {
    let bits = 32 / element.packing();
    if bits == 32 {
        return Register::Vector(word);
    }
    let amount = b.i32(i32::try_from(32 - bits * (part + 1)).expect("below 32"));
    let high = b.vshl(word, amount);
    extend(b, high, element)
}

/// The value whose bits are the uppermost of each word.
pub fn extend(b: &mut Builder, high: V, element: Element) -> Register {
    let rest = 32 - 32 / element.packing();
    let amount = b.i32(i32::try_from(rest).expect("below 32"));
    Register::Vector(match (element, element.class()) {
        (Element::Bf16, _) => {
            let upper = b.bits(0xffff_0000);
            b.vand(high, upper)
        }
        (Element::F16, _) => f32_of_f16(b, high),
        (_, Class::Signed) => b.vsra(high, amount),
        (_, Class::Mask) => {
            let byte = b.vshr(high, amount);
            let zero = b.i32(0);
            return Register::Mask(b.vcmp_ne_s32(byte, zero));
        }
        (_, _) if rest == 0 => high,
        (_, _) => b.vshr(high, amount),
    })
}

/// The value of an f16 in the upper half of each word. Unpacking would put the sublanes elsewhere.
fn f32_of_f16(b: &mut Builder, high: V) -> V {
    let (rest, sign) = (b.bits(0x7fff_0000), b.bits(0x8000_0000));
    let (rest, sign) = (b.vand(high, rest), b.vand(high, sign));
    // Exponent and fraction in their places, the exponent too small by the difference of biases.
    let (three, scale) = (b.i32(3), b.f32(f32::from_bits((127 + 112) << 23)));
    let magnitude = b.vshr(rest, three);
    let finite = b.vmul_f32(magnitude, scale);
    let (largest, exponent) = (b.bits(0x0f7f_ffff), b.bits(0x7f80_0000));
    let special = b.vor(magnitude, exponent);
    let is_finite = b.vcmp_le_s32(magnitude, largest);
    let magnitude = b.vsel(is_finite, finite, special);
    b.vor(magnitude, sign)
}
