//! Attributes of the sdy dialect, as the text that a program in generic form has.
//!
//! What is only ever a part of another attribute (axes, shardings of a dimension) is text without
//! a name before it. Attributes that only partitioned programs have are not supported.

use super::decoder::Cursor;
use super::reader::error_at;
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::Attribute;

/// How the text of a tensor's sharding begins.
const SHARDING: &str = "#sdy.sharding";
const MESH: &str = "#sdy.mesh";

/// Which lists follow the dimensions of a sharding.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unreduced {
    None,
    Axes,
    AxesAndReduction,
}

/// An attribute.
pub(super) fn attribute(cursor: &mut Cursor<'_, '_>) -> SourceResult<Attribute> {
    let at = cursor.reader.offset();
    let text = match cursor.reader.varint()? {
        0 => {
            let axes = cursor.list("axes", |cursor| Ok(quote(&cursor.attribute_text()?)))?;
            format!("#sdy<manual_axes{{{}}}>", axes.join(", "))
        }
        1 => {
            let name = quote(cursor.string()?);
            format!("{name}={}", cursor.reader.signed()?)
        }
        2 => mesh(cursor)?,
        3 => {
            let pre_size = cursor.reader.signed()?;
            format!("({pre_size}){}", cursor.reader.signed()?)
        }
        4 => axis_reference(cursor)?,
        5 => dimension_sharding(cursor)?,
        6 => tensor_sharding(cursor, Unreduced::None)?,
        7 | 16 => {
            let shardings = cursor.list("shardings", |cursor| body(cursor, SHARDING))?;
            format!("#sdy.sharding_per_value<[{}]>", shardings.join(", "))
        }
        15 => tensor_sharding(cursor, Unreduced::Axes)?,
        17 => tensor_sharding(cursor, Unreduced::AxesAndReduction)?,
        code => {
            let message = format!("sdy attributes with the code {code} are not supported");
            return Err(error_at(at, message));
        }
    };
    cursor.add_cost(text.len());
    Ok(Attribute::Other(text))
}

fn quote(text: &str) -> String {
    Attribute::String(text.to_owned()).to_string()
}

/// A symbol, with quotes where it is no plain name.
fn symbol(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_$.".contains(&byte));
    if is_plain { format!("@{name}") } else { format!("@{}", quote(name)) }
}

/// The text of an attribute that is a part of this one.
fn part(cursor: &mut Cursor<'_, '_>) -> SourceResult<String> {
    let at = cursor.reader.offset();
    match cursor.attribute()? {
        Attribute::Other(text) => Ok(text),
        other => Err(error_at(at, format!("found {other}, expected an sdy attribute"))),
    }
}

fn parts(cursor: &mut Cursor<'_, '_>) -> SourceResult<String> {
    Ok(cursor.list("sdy attributes", part)?.join(", "))
}

/// The text of a part without the name that it would have by itself.
fn body(cursor: &mut Cursor<'_, '_>, name: &str) -> SourceResult<String> {
    let at = cursor.reader.offset();
    let text = part(cursor)?;
    let body = text.strip_prefix(name).map(str::to_owned);
    body.ok_or_else(|| error_at(at, format!("found {text}, expected {name}<…>")))
}

/// `#sdy.mesh<["x"=2, "y"=4], device_ids=[1, 0]>`.
fn mesh(cursor: &mut Cursor<'_, '_>) -> SourceResult<String> {
    let axes = parts(cursor)?;
    let ids = cursor.list("device ids", |cursor| Ok(cursor.reader.signed()?.to_string()))?;
    if ids.is_empty() {
        return Ok(format!("{MESH}<[{axes}]>"));
    }
    Ok(format!("{MESH}<[{axes}], device_ids=[{}]>", ids.join(", ")))
}

/// `"x"` or `"x":(1)2`.
fn axis_reference(cursor: &mut Cursor<'_, '_>) -> SourceResult<String> {
    let name = quote(cursor.string()?);
    let at = cursor.reader.offset();
    match cursor.optional_attribute()? {
        None => Ok(name),
        Some(Attribute::Other(sub_axis)) => Ok(format!("{name}:{sub_axis}")),
        Some(other) => Err(error_at(at, format!("found {other}, expected a part of an axis"))),
    }
}

/// `{"x", ?}p0`.
fn dimension_sharding(cursor: &mut Cursor<'_, '_>) -> SourceResult<String> {
    let mut axes = cursor.list("axes", part)?;
    if !cursor.reader.bool()? {
        axes.push("?".to_owned());
    }
    let (priority, has_priority) = cursor.reader.flagged()?;
    let priority = if has_priority { format!("p{priority}") } else { String::new() };
    Ok(format!("{{{}}}{priority}", axes.join(", ")))
}

/// `#sdy.sharding<@mesh, [{"x"}, {}], replicated={"y"}, unreduced={"z"}>`.
fn tensor_sharding(cursor: &mut Cursor<'_, '_>, unreduced: Unreduced) -> SourceResult<String> {
    let at = cursor.reader.offset();
    let mesh = match cursor.attribute()? {
        Attribute::Symbol(name) => symbol(&name),
        Attribute::Other(text) if text.starts_with(MESH) => text["#sdy.".len()..].to_owned(),
        other => return Err(error_at(at, format!("found {other}, expected a mesh"))),
    };
    let mut text = format!("{SHARDING}<{mesh}, [{}]", parts(cursor)?);
    let replicated = parts(cursor)?;
    if !replicated.is_empty() {
        text += &format!(", replicated={{{replicated}}}");
    }
    if unreduced != Unreduced::None {
        let axes = parts(cursor)?;
        let at = cursor.reader.offset();
        let is_sum = unreduced == Unreduced::Axes || cursor.reader.signed()? == 0;
        if !is_sum && !axes.is_empty() {
            let message = "shardings are supported with sums as what is unreduced, no other \
                           reductions";
            return Err(error_at(at, message));
        }
        if !axes.is_empty() {
            text += &format!(", unreduced={{{axes}}}");
        }
    }
    text.push('>');
    Ok(text)
}
