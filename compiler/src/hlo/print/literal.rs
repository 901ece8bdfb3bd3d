//! Literals to text. The text is exact: parsing it gives the same bits.

use std::fmt::{self, Write};

use crate::hlo::literal::{ArrayLiteral, Literal, bits_from_f64, bits_to_f64, sign_extend};
use crate::hlo::shape::{ElementClass, ElementType};

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Array(array) => array.fmt(f),
            Self::Tuple(elements) => {
                f.write_str("(")?;
                for (n, element) in elements.iter().enumerate() {
                    write!(f, "{}{element}", if n == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
        }
    }
}

impl fmt::Display for ArrayLiteral {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.element_count() == 0 {
            return f.write_str("{}");
        }
        let mut next = 0;
        write_nested(f, self, self.shape().dimensions(), &mut next)
    }
}

/// Recurses as deep as the rank.
fn write_nested(
    f: &mut fmt::Formatter<'_>,
    literal: &ArrayLiteral,
    dimensions: &[usize],
    next: &mut usize,
) -> fmt::Result {
    let Some((&size, inner)) = dimensions.split_first() else {
        *next += 1;
        return f.write_str(&literal_element_text(literal, *next - 1));
    };
    let blank = if inner.is_empty() { "" } else { " " };
    write!(f, "{{{blank}")?;
    for n in 0..size {
        f.write_str(if n == 0 { "" } else { ", " })?;
        write_nested(f, literal, inner, next)?;
    }
    write!(f, "{blank}}}")
}

/// The shortest text that gives an element of a literal again: that of a number, or of both parts
/// in parentheses.
pub fn literal_element_text(literal: &ArrayLiteral, element: usize) -> String {
    let element_type = literal.element_type();
    if !element_type.is_complex() {
        return element_text(element_type, literal.bits(element));
    }
    let parts = literal.element(element).parts();
    let text = |n| element_text(parts.element_type(), parts.bits(n));
    format!("({}, {})", text(0), text(1))
}

/// The shortest text that gives these bits again. Of a complex type they are those of a part.
pub fn element_text(element_type: ElementType, bits: u64) -> String {
    match element_type.part().class() {
        ElementClass::Pred => (bits != 0).to_string(),
        ElementClass::Unsigned => bits.to_string(),
        ElementClass::Signed => sign_extend(bits, element_type.bit_width()).to_string(),
        ElementClass::Float | ElementClass::Complex => float_text(element_type.part(), bits),
    }
}

fn float_text(element_type: ElementType, bits: u64) -> String {
    let sign_bit = 1u64 << (element_type.bit_width() - 1);
    let infinity = bits_from_f64(element_type, f64::INFINITY);
    let magnitude = bits & (sign_bit - 1);
    let mut text = String::from(if bits & sign_bit == 0 { "" } else { "-" });
    if magnitude == infinity {
        text.push_str("inf");
    } else if magnitude > infinity {
        text.push_str("nan");
        let quiet = infinity | (infinity >> 1);
        if magnitude != quiet {
            // Writing to a string cannot fail.
            let _ = write!(text, "(0x{:x})", magnitude & !infinity);
        }
    } else {
        text.push_str(&finite_text(element_type, magnitude));
    }
    text
}

fn finite_text(element_type: ElementType, bits: u64) -> String {
    let value = bits_to_f64(element_type, bits);
    let text = if element_type == ElementType::F32 {
        let low = u32::try_from(bits).expect("f32 has 32 bits");
        format!("{:?}", f32::from_bits(low))
    } else if element_type == ElementType::F64 {
        format!("{value:?}")
    } else {
        // With few digits first; 8 are enough for 11 bits of mantissa.
        let candidates = (0..8).map(|digits| format!("{value:.digits$e}"));
        let mut parsed = candidates.filter_map(|text| text.parse::<f64>().ok());
        let same = |candidate: &f64| bits_from_f64(element_type, *candidate) == bits;
        format!("{:?}", parsed.find(same).unwrap_or(value))
    };
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
