//! Do two modules mean the same? Asked of the evaluator, for inputs that are ordinary and for
//! inputs that are not: zeros of both signs, infinities, NaN, the smallest and the largest numbers.

use palmetto_compiler::{
    evaluator::{EvaluatorOptions, evaluate},
    hlo::{ArrayLiteral, ArrayShape, ElementType, Literal, Module, Precision, Shape},
};
use palmetto_runtime::{
    seeded::{self, UNIT},
    tolerance,
};

/// Compares what two modules give for the same inputs, and the outcomes of their checks: the same
/// bits, any NaN being any other. In dots of the first, `default` means `precision`.
///
/// # Errors
/// Where they differ, or that only one of them can be evaluated.
pub fn check_values(before: &Module, after: &Module, precision: Precision) -> Result<(), String> {
    check_bits(before, after, &inputs(before, ordinary_literal)?, precision)?;
    check_bits(before, after, &inputs(before, special_literal)?, precision)
}

/// Compares what two modules give for ordinary inputs, where sums may be made in another order: the
/// same bits, or what rounding explains. Tells whether there was something to compare: not all
/// modules can be evaluated, and not all that can be have a bound.
///
/// # Errors
/// Where they differ, or that only one of them can be evaluated.
pub fn check_rounded_values(before: &Module, after: &Module) -> Result<bool, String> {
    let inputs = inputs(before, ordinary_literal)?;
    let Ok(bounds) = tolerance::deviations(before, &inputs) else { return Ok(false) };
    let new = evaluate(after, &inputs, &EvaluatorOptions::default());
    let new = new.map_err(|error| format!("only after the pass: {error}"))?;
    let new = leaves(&new.result);
    if bounds.len() != new.len() {
        return Err(format!("{} results, then {}", bounds.len(), new.len()));
    }
    for (result, (bound, new)) in bounds.iter().zip(new).enumerate() {
        let comparison = bound.compare(new);
        if !comparison.holds() {
            return Err(format!("result {result} is another: {comparison:?}"));
        }
    }
    Ok(true)
}

fn ordinary_literal(number: u32, shape: &ArrayShape) -> ArrayLiteral {
    seeded::literal(3, number, shape, UNIT)
}

fn inputs(
    module: &Module,
    mut value: impl FnMut(u32, &ArrayShape) -> ArrayLiteral,
) -> Result<Vec<Literal>, String> {
    let entry = module.entry_computation();
    let mut number = 0;
    let mut literal = |shape: &Shape| -> Result<Literal, String> {
        let array = shape.as_array().ok_or("an entry parameter is a tuple")?;
        number += 1;
        Ok(value(number - 1, &array.without_layout()).into())
    };
    entry.parameters().iter().map(|&id| literal(entry.instruction(id).shape())).collect()
}

fn check_bits(
    before: &Module,
    after: &Module,
    inputs: &[Literal],
    default_dot_precision: Precision,
) -> Result<(), String> {
    let options = EvaluatorOptions::default();
    let old = EvaluatorOptions { default_dot_precision, ..options.clone() };
    let (old, new) = match (evaluate(before, inputs, &old), evaluate(after, inputs, &options)) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(_), Err(_)) => return Ok(()),
        (Err(error), Ok(_)) => return Err(format!("only before the pass: {error}")),
        (Ok(_), Err(error)) => return Err(format!("only after the pass: {error}")),
    };
    // The sign of a NaN means nothing.
    let outcomes = |checks: &[_]| format!("{checks:?}").replace("-nan", "nan");
    if outcomes(&old.checks) != outcomes(&new.checks) {
        return Err(format!("checks gave {:?}, then {:?}", old.checks, new.checks));
    }
    let (old, new) = (leaves(&old.result), leaves(&new.result));
    if old.len() != new.len() {
        return Err(format!("{} results, then {}", old.len(), new.len()));
    }
    for (result, (old, new)) in old.into_iter().zip(new).enumerate() {
        if old.shape().without_layout() != new.shape().without_layout() {
            return Err(format!("result {result} was {:?}, then {:?}", old.shape(), new.shape()));
        }
        let differs = |&n: &usize| {
            let both_nan = old.get_f64(n).is_nan() && new.get_f64(n).is_nan();
            old.bits(n) != new.bits(n) && !both_nan
        };
        if let Some(n) = (0..old.element_count()).find(differs) {
            let (old, new) = (old.get_f64(n), new.get_f64(n));
            return Err(format!("element {n} of result {result} was {old:?}, then {new:?}"));
        }
    }
    Ok(())
}

fn leaves(literal: &Literal) -> Vec<&ArrayLiteral> {
    match literal {
        Literal::Array(array) => vec![array],
        Literal::Tuple(elements) => elements.iter().flat_map(leaves).collect(),
    }
}

/// Values at the edges of a type, in an order that depends on the number of the input.
fn special_literal(number: u32, shape: &ArrayShape) -> ArrayLiteral {
    let specials = specials(shape.element_type());
    let mut literal = ArrayLiteral::zeros(shape);
    let (first, step) = (number as usize * 5 + 1, number as usize * 2 + 1);
    for n in 0..literal.element_count() {
        literal.set_bits(n, specials[(first + n * step) % specials.len()]);
    }
    literal
}

/// Bits of special values; a prime number of them, so that steps of any size meet all.
fn specials(element_type: ElementType) -> Vec<u64> {
    if !element_type.is_float() {
        let top = 1u64 << (element_type.bit_width() - 1);
        if element_type == ElementType::Pred {
            return vec![0, 1, 1];
        }
        return vec![0, 1, 2, 3, top - 1, top, (top - 1) << 1 | 1];
    }
    let mut scratch = ArrayLiteral::zeros(&ArrayShape::scalar(element_type));
    let mut bits = |value: f64| {
        scratch.set_f64(0, value);
        scratch.bits(0)
    };
    let mut found = Vec::new();
    for value in [0.0, 1.0, 0.3, 1e30, f64::INFINITY] {
        found.extend([bits(value), bits(-value)]);
    }
    // The smallest number of the type.
    found.extend([bits(f64::NAN), 1, bits(2.5)]);
    found
}
