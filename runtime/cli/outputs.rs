//! Results of a program: printed, or written to NumPy files.

use std::fmt::Write as _;
use std::io::Write;

use palmetto_compiler::hlo::{ArrayLiteral, ElementType, Literal, literal_element_text};
use palmetto_runtime::numpy;

use crate::arguments::OutputArguments;
use crate::error::Failure;

/// Arrays up to this size are printed whole.
const SMALL: usize = 32;
/// Elements of larger ones that are shown.
const SHOWN: usize = 8;

/// Writes `results` to a file if the arguments name one, and prints them if they do not or ask for
/// every element.
///
/// # Errors
/// The file or standard output cannot be written.
pub(crate) fn deliver(
    results: &[Literal],
    arguments: &OutputArguments,
    out: &mut impl Write,
) -> Result<(), Failure> {
    write(results, arguments)?;
    if arguments.output.is_none() || arguments.print_full {
        for (n, array) in results.iter().flat_map(leaves).enumerate() {
            writeln!(out, "result {n}: {}", text(array, arguments.print_full))?;
        }
    }
    Ok(())
}

/// Writes `results` to a file if the arguments name one.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write(results: &[Literal], arguments: &OutputArguments) -> Result<(), Failure> {
    let Some(path) = &arguments.output else { return Ok(()) };
    let arrays: Vec<&ArrayLiteral> = results.iter().flat_map(leaves).collect();
    let written = if path.extension().is_some_and(|extension| extension == "npy") {
        let [array] = &arrays[..] else {
            let count = arrays.len();
            return Err(Failure::Usage(format!(
                "a .npy file holds one array, the program has {count} results; use .npz"
            )));
        };
        numpy::write_npy(path, array)
    } else {
        let named = (0..).zip(&arrays).map(|(n, &array)| (format!("arr_{n}"), array.clone()));
        numpy::write_npz(path, &named.collect::<Vec<_>>())
    };
    written.map_err(|source| Failure::write(path, source))
}

fn leaves(literal: &Literal) -> Vec<&ArrayLiteral> {
    match literal {
        Literal::Array(array) => vec![array],
        Literal::Tuple(elements) => elements.iter().flat_map(leaves).collect(),
    }
}

/// The shape and the elements: all of them, or the first ones and what the rest is like.
pub(crate) fn text(array: &ArrayLiteral, full: bool) -> String {
    let count = array.element_count();
    let mut text = array.shape().to_string();
    if full || count <= SMALL {
        text.push(' ');
        write_nested(&mut text, array, 0, &mut 0);
        return text;
    }
    let first: Vec<String> = (0..SHOWN).map(|n| element(array, n)).collect();
    let _ = write!(text, " {{{}, ..}}", first.join(", "));
    let _ = write!(text, "  {}", summary(array));
    text
}

fn write_nested(text: &mut String, array: &ArrayLiteral, depth: usize, next: &mut usize) {
    let Some(&size) = array.shape().dimensions().get(depth) else {
        text.push_str(&element(array, *next));
        *next += 1;
        return;
    };
    text.push('{');
    for n in 0..size {
        if n > 0 {
            text.push_str(", ");
        }
        write_nested(text, array, depth + 1, next);
    }
    text.push('}');
}

/// The shortest text that reads back as the same value of the type.
pub(crate) fn element(array: &ArrayLiteral, n: usize) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "f32 and narrower are exact in f32")]
    match array.element_type() {
        ElementType::Pred => (array.bits(n) != 0).to_string(),
        ElementType::C64 | ElementType::C128 => literal_element_text(array, n),
        ElementType::F64 => format!("{:?}", array.get_f64(n)),
        ElementType::F32 | ElementType::F16 | ElementType::BF16 => {
            let value = array.get_f64(n) as f32;
            format!("{value}")
        }
        ElementType::U64 => array.bits(n).to_string(),
        ElementType::S8
        | ElementType::S16
        | ElementType::S32
        | ElementType::S64
        | ElementType::U8
        | ElementType::U16
        | ElementType::U32 => array.get_i64(n).map_or_else(String::new, |value| value.to_string()),
    }
}

/// Of complex numbers, both parts count.
fn summary(array: &ArrayLiteral) -> String {
    let array = &array.parts();
    let (mut low, mut high, mut sum, mut wild) = (f64::INFINITY, f64::NEG_INFINITY, 0.0, 0_u64);
    for n in 0..array.element_count() {
        let value = array.get_f64(n);
        if value.is_finite() {
            (low, high, sum) = (low.min(value), high.max(value), sum + value);
        } else {
            wild += 1;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "a mean for the eye")]
    let finite = (array.element_count() as u64 - wild) as f64;
    let mut text = format!("min {low:.6}, mean {:.6}, max {high:.6}", sum / finite);
    if wild > 0 {
        text =
            if finite > 0.0 { format!("{text}, {wild} not finite") } else { "none finite".into() };
    }
    text
}
