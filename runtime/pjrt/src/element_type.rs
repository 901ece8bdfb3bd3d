//! Element types: the interface's numbers and our types.

use std::ffi::c_int;

use palmetto_runtime::ElementType;

use crate::error::Error;

/// `PJRT_Buffer_Type`: the HLO text of each number, from 0.
const TEXTS: [&str; 34] = [
    "invalid",
    "pred",
    "s8",
    "s16",
    "s32",
    "s64",
    "u8",
    "u16",
    "u32",
    "u64",
    "f16",
    "f32",
    "f64",
    "bf16",
    "c64",
    "c128",
    "f8e5m2",
    "f8e4m3fn",
    "f8e4m3b11fnuz",
    "f8e5m2fnuz",
    "f8e4m3fnuz",
    "s4",
    "u4",
    "token",
    "s2",
    "u2",
    "f8e4m3",
    "f8e3m4",
    "f8e8m0fnu",
    "f4e2m1fn",
    "s1",
    "u1",
    "f6e2m3fn",
    "f6e3m2fn",
];

/// The type with this number.
///
/// # Errors
/// There is none, or we do not have it.
pub(crate) fn from_number(number: c_int) -> Result<ElementType, Error> {
    let text = usize::try_from(number).ok().and_then(|number| TEXTS.get(number));
    let text = text.ok_or_else(|| {
        let last = TEXTS.len() - 1;
        Error::invalid(format!("element type {number}; 1 to {last} are allowed"))
    })?;
    ElementType::from_text(text)
        .ok_or_else(|| Error::unimplemented(format!("arrays of element type {text}")))
}

/// The number of a type.
pub(crate) fn number(element_type: ElementType) -> c_int {
    let number = TEXTS.iter().position(|&known| known == element_type.text());
    c_int::try_from(number.expect("the interface has all of our types")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_ours_has_a_number() {
        for &element_type in ElementType::ALL {
            assert_eq!(from_number(number(element_type)), Ok(element_type));
        }
        assert_eq!((number(ElementType::F32), number(ElementType::BF16)), (11, 13));
        assert_eq!(number(ElementType::Token), 23);
    }

    #[test]
    fn numbers_that_are_none_are_named() {
        let error = from_number(99).expect_err("there are 34");
        assert_eq!(error.message(), "element type 99; 1 to 33 are allowed");
    }
}
