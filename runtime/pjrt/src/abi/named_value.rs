//! Named values: attributes that we give, options that we are given.

use std::collections::BTreeMap;
use std::ffi::{c_int, c_void};

use super::{CStruct, Header};
use crate::error::Error;

/// `PJRT_NamedValue`.
#[repr(C)]
#[derive(Clone, Copy)]
#[allow(non_camel_case_types, reason = "named as in C")]
pub(crate) struct PJRT_NamedValue {
    struct_size: usize,
    extension_start: *mut c_void,
    name: *const u8,
    name_size: usize,
    r#type: c_int,
    value: Payload,
    value_size: usize,
}

// SAFETY: laid out as C does.
unsafe impl CStruct for PJRT_NamedValue {
    const NAME: &'static str = "PJRT_NamedValue";
    const SIZE: usize = size_of::<Self>();

    #[cfg(test)]
    fn set_outs(_: super::Args<'_, Self>) -> Vec<(usize, usize)> {
        Vec::new()
    }
}

#[repr(C)]
#[derive(Clone, Copy)]
union Payload {
    text: *const u8,
    integer: i64,
    integers: *const i64,
    float: f32,
    bool: u8,
}

const STRING: c_int = 0;
const INTEGER: c_int = 1;
const INTEGER_LIST: c_int = 2;
const FLOAT: c_int = 3;
const BOOL: c_int = 4;

/// A value with a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum NamedValue {
    /// A text.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A list of integers.
    Integers(Vec<i64>),
    /// A number.
    Float(f32),
    /// A truth value.
    Bool(bool),
}

/// Values with their names, as C reads them.
pub(crate) struct NamedValues {
    _values: Vec<(String, NamedValue)>,
    c: Vec<PJRT_NamedValue>,
}

// SAFETY: the pointers are to the heap buffers of the values, which nobody changes.
unsafe impl Send for NamedValues {}
// SAFETY: likewise.
unsafe impl Sync for NamedValues {}

impl NamedValues {
    /// In this order.
    pub(crate) fn new<const N: usize>(values: [(&str, NamedValue); N]) -> Self {
        let values = values.map(|(name, value)| (name.to_owned(), value)).to_vec();
        let c = values.iter().map(|(name, value)| c_value(name, value)).collect();
        Self { _values: values, c }
    }

    /// As C reads them.
    pub(crate) fn c(&self) -> &[PJRT_NamedValue] {
        &self.c
    }
}

fn c_value(name: &str, value: &NamedValue) -> PJRT_NamedValue {
    let (r#type, value, value_size) = match value {
        NamedValue::Text(text) => (STRING, Payload { text: text.as_ptr() }, text.len()),
        NamedValue::Integer(integer) => (INTEGER, Payload { integer: *integer }, 1),
        NamedValue::Integers(list) => {
            (INTEGER_LIST, Payload { integers: list.as_ptr() }, list.len())
        }
        NamedValue::Float(float) => (FLOAT, Payload { float: *float }, 1),
        NamedValue::Bool(bool) => (BOOL, Payload { bool: u8::from(*bool) }, 1),
    };
    PJRT_NamedValue {
        struct_size: PJRT_NamedValue::SIZE,
        extension_start: std::ptr::null_mut(),
        name: name.as_ptr(),
        name_size: name.len(),
        r#type,
        value,
        value_size,
    }
}

/// What a caller gave.
///
/// # Errors
/// A name or text is no UTF-8, or a type is none of the interface's.
pub(crate) fn read(values: &[PJRT_NamedValue]) -> Result<BTreeMap<String, NamedValue>, Error> {
    values.iter().map(|value| Ok((read_name(value)?, read_value(value)?))).collect()
}

fn read_name(value: &PJRT_NamedValue) -> Result<String, Error> {
    if value.struct_size < size_of::<Header>() || value.name.is_null() {
        return Err(Error::invalid("an option has no name"));
    }
    // SAFETY: the interface says that the name has this length.
    let bytes = unsafe { std::slice::from_raw_parts(value.name, value.name_size) };
    Ok(super::text("name of an option", bytes)?.to_owned())
}

fn read_value(named: &PJRT_NamedValue) -> Result<NamedValue, Error> {
    let PJRT_NamedValue { r#type, value, value_size, .. } = *named;
    // SAFETY: the type says which member of the union was written, and a pointer is good for the
    // size beside it.
    unsafe {
        match r#type {
            STRING if value_size == 0 => Ok(NamedValue::Text(String::new())),
            STRING => {
                let bytes = std::slice::from_raw_parts(value.text, value_size);
                Ok(NamedValue::Text(super::text("value of an option", bytes)?.to_owned()))
            }
            INTEGER => Ok(NamedValue::Integer(value.integer)),
            INTEGER_LIST if value_size == 0 => Ok(NamedValue::Integers(Vec::new())),
            INTEGER_LIST => {
                let list = std::slice::from_raw_parts(value.integers, value_size);
                Ok(NamedValue::Integers(list.to_vec()))
            }
            FLOAT => Ok(NamedValue::Float(value.float)),
            BOOL => Ok(NamedValue::Bool(value.bool != 0)),
            other => Err(Error::invalid(format!(
                "option `{}` has type {other}, 0 to 4 are allowed",
                read_name(named)?
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let values = [
            ("text", NamedValue::Text("2x2x1".to_owned())),
            ("none", NamedValue::Text(String::new())),
            ("integer", NamedValue::Integer(-1)),
            ("list", NamedValue::Integers(vec![1, 2, 3])),
            ("float", NamedValue::Float(0.5)),
            ("bool", NamedValue::Bool(true)),
        ];
        let expected = values.clone().map(|(name, value)| (name.to_owned(), value));
        let read = read(NamedValues::new(values).c()).expect("the values are good");
        assert_eq!(read, BTreeMap::from(expected));
    }

    #[test]
    fn a_type_that_is_none_is_an_error() {
        let mut value = NamedValues::new([("x", NamedValue::Integer(1))]).c()[0];
        value.r#type = 7;
        let name = "x".to_owned();
        value.name = name.as_ptr();
        let error = read(&[value]).expect_err("7 is no type");
        assert_eq!(error.message(), "option `x` has type 7, 0 to 4 are allowed");
    }
}
