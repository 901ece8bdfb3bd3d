//! Tests of the evaluator: tables of instructions with operands and results, as HLO text.

mod checks;
mod complex;
mod control;
mod dot;
mod elementwise;
mod floats;
mod indexing;
mod limits;
mod movement;
mod narrow;
mod random;
mod reduce;
mod sorting;
mod window;

use std::collections::BTreeSet;

use super::{Evaluation, EvaluationError, EvaluatorOptions, evaluate};
use crate::diagnostic::SourceText;
use crate::hlo::{Literal, Module, Opcode, parse_literal, parse_module, parse_shape, verify};

/// An instruction on operands `a`, `b`, .., their values, and its value.
type Case = (&'static str, &'static [&'static str], &'static str);

/// Evaluates every case and compares.
#[track_caller]
fn check_cases(cases: &[Case]) {
    for (instruction, arguments, expected) in cases {
        let arguments: Vec<Literal> = arguments.iter().map(|text| literal(text)).collect();
        let module = module(&case_text("", instruction, &arguments));
        let result = evaluate(&module, &arguments, &EvaluatorOptions::default());
        let result = result.unwrap_or_else(|error| panic!("{instruction}: {error}")).result;
        let expected = literal(expected);
        let place = format!("{instruction} of {arguments:?}: {result:?} for {expected:?}");
        assert!(same(&result, &expected), "{place}");
    }
}

/// The module of one instruction, with the computations that it calls.
fn case_text(called: &str, instruction: &str, arguments: &[Literal]) -> String {
    let mut text = format!("HloModule m\n{called}\nENTRY main {{\n");
    for (number, (argument, name)) in arguments.iter().zip('a'..='z').enumerate() {
        text.push_str(&format!("  {name} = {} parameter({number})\n", argument.shape()));
    }
    text + &format!("  ROOT result = {instruction}\n}}\n")
}

/// A verified module from its text.
#[track_caller]
fn module(text: &str) -> Module {
    let module = parse_module(SourceText::new("case", text));
    let module = module.unwrap_or_else(|error| panic!("{error}\n{text}"));
    verify(&module).unwrap_or_else(|error| panic!("{error}\n{text}"));
    module
}

/// Evaluates the entry computation of a module given as text.
#[track_caller]
fn run(text: &str, arguments: &[&str]) -> Result<Evaluation, EvaluationError> {
    let arguments: Vec<Literal> = arguments.iter().map(|text| literal(text)).collect();
    evaluate(&module(text), &arguments, &EvaluatorOptions::default())
}

/// The value of the entry computation of a module given as text.
#[track_caller]
fn value(text: &str, arguments: &[&str]) -> Literal {
    run(text, arguments).unwrap_or_else(|error| panic!("{error}\n{text}")).result
}

/// A literal from its shape and its value: `s32[2] {1, 2}`.
#[track_caller]
fn literal(text: &str) -> Literal {
    let (shape, value) = text.split_once('=').unwrap_or_else(|| panic!("no `=` in {text}"));
    let shape = parse_shape(SourceText::new("shape", shape));
    let shape = shape.unwrap_or_else(|error| panic!("{error}"));
    let value = parse_literal(&shape, SourceText::new("value", value));
    value.unwrap_or_else(|error| panic!("{error}"))
}

/// Equal bit by bit, except that any NaN equals any NaN.
fn same(a: &Literal, b: &Literal) -> bool {
    match (a, b) {
        (Literal::Array(a), Literal::Array(b)) => {
            let same_shape = a.shape() == b.shape();
            let (a, b) = (a.parts(), b.parts());
            let both_nan = |n| a.get_f64(n).is_nan() && b.get_f64(n).is_nan();
            let mut elements = 0..a.element_count();
            same_shape && elements.all(|n| a.bits(n) == b.bits(n) || both_nan(n))
        }
        (Literal::Tuple(a), Literal::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Literal::Array(_) | Literal::Tuple(_), Literal::Array(_) | Literal::Tuple(_)) => false,
    }
}

#[test]
fn every_opcode_is_tested() {
    let tables = [
        complex::CASES,
        elementwise::CASES,
        floats::CASES,
        movement::CASES,
        narrow::CASES,
        indexing::CASES,
        dot::CASES,
        window::CASES,
    ];
    let mut tested = BTreeSet::new();
    let mut note = |module: &Module| {
        for (_, computation) in module.computations() {
            tested.extend(computation.instructions().map(|(_, instruction)| instruction.opcode()));
        }
    };
    for (instruction, arguments, _) in tables.into_iter().flatten() {
        let arguments: Vec<Literal> = arguments.iter().map(|text| literal(text)).collect();
        note(&module(&case_text("", instruction, &arguments)));
    }
    for text in [
        control::ALL_CONTROL,
        reduce::ARG_MAX,
        sorting::BY_CALLS,
        sorting::BITS,
        sorting::FACTORS,
        checks::ALL_CHECKS,
        narrow::TRANSFER,
        window::ALL_WINDOWS,
    ] {
        note(&module(text));
    }
    let all: BTreeSet<Opcode> = Opcode::ALL.iter().copied().collect();
    let missing: Vec<&Opcode> = all.difference(&tested).collect();
    assert!(missing.is_empty(), "no test evaluates {missing:?}");
}
