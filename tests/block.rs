//! The small PaLM block that JAX exported, against JAX's own outputs.
//!
//! Emulator, evaluator and JAX round every instruction's result to the type that the program says,
//! each in its own order of accumulation; the computed tolerance says how far that takes them.

use palmetto_compiler::{
    evaluator::{EvaluatorOptions, evaluate},
    hlo::{ArrayLiteral, ElementType, Literal},
    options::CompileOptions,
};
use palmetto_runtime::{
    Clock, LoadedExecutable, RunOptions, numpy, showcase,
    tolerance::{Bound, Comparison, deviations},
};
use std::path::Path;

/// An array of the golden file, with the elements that the program gives.
fn golden(name: &str) -> ArrayLiteral {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/palm_block_small.npz");
    let arrays = numpy::read_file(&path).expect("the golden file is a .npz");
    let array = arrays.iter().find(|(given, _)| given.as_deref() == Some(name));
    let (_, array) = array.unwrap_or_else(|| panic!("the golden file has no {name}"));
    array.to_literal(ElementType::BF16, true).expect("f32 can be cast")
}

fn small_block() -> (palmetto_compiler::hlo::Module, Vec<Literal>) {
    let module = showcase::small_block().unwrap_or_else(|error| panic!("{error}"));
    let inputs = showcase::inputs(&module);
    (module, inputs)
}

fn emulate(clock: Clock) -> Literal {
    let (module, inputs) = small_block();
    let loaded = LoadedExecutable::compile(&module, &CompileOptions::v4().checked());
    let loaded = loaded.unwrap_or_else(|error| panic!("{error}"));
    let options = RunOptions { strict: true, clock, max_trips: 1000 };
    let mut execution = loaded.run(&inputs, &options).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(execution.outputs.len(), 1);
    execution.outputs.remove(0)
}

/// The evaluator's result, and how far others may be from it.
fn bound() -> Bound {
    let (module, inputs) = small_block();
    let mut bounds = deviations(&module, &inputs).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(bounds.len(), 1);
    bounds.remove(0)
}

/// Holds JAX's output against the bound around `value`: the bound is that of the program, whoever
/// executes it.
#[track_caller]
fn check(value: &Literal) -> Comparison {
    let mut bound = bound();
    bound.value = value.as_array().expect("the result is an array").clone();
    let comparison = bound.compare(&golden("y"));
    assert!(comparison.holds(), "{comparison:?}");
    comparison
}

#[test]
fn the_evaluator_gives_what_jax_gives() {
    let (module, inputs) = small_block();
    let evaluation = evaluate(&module, &inputs, &EvaluatorOptions::default());
    check(&evaluation.unwrap_or_else(|error| panic!("{error}")).result);
}

#[test]
fn the_emulator_gives_what_jax_gives() {
    check(&emulate(Clock::Chip));
}

/// The tolerance is no blank cheque: a wrong program is outside of it.
#[test]
fn the_bound_tells_right_from_wrong() {
    let (module, mut inputs) = small_block();
    let right = evaluate(&module, &inputs, &EvaluatorOptions::default());
    let right = right.unwrap_or_else(|error| panic!("{error}")).result;
    let equal = check(&right).equal;
    let elements = golden("y").element_count();
    assert!(equal * 2 > elements, "only {equal} of {elements} elements are the same bits");
    // The second key column of the attention is not used: wk with one column zeroed.
    let Literal::Array(keys) = &mut inputs[3] else { panic!("wk is an array") };
    for row in 0..keys.shape().dimensions()[0] {
        keys.set_f64(row * keys.shape().dimensions()[1], 0.0);
    }
    let wrong = evaluate(&module, &inputs, &EvaluatorOptions::default());
    let wrong = wrong.unwrap_or_else(|error| panic!("{error}")).result;
    let (module, inputs) = small_block();
    let bounds = deviations(&module, &inputs).unwrap_or_else(|error| panic!("{error}"));
    let comparison = bounds[0].compare(wrong.as_array().expect("the result is an array"));
    assert!(!comparison.holds(), "{comparison:?}");
}

#[test]
fn no_clock_changes_a_bit() {
    let chip = emulate(Clock::Chip);
    for clock in [Clock::Ideal, Clock::Chaos(1), Clock::Chaos(2), Clock::Chaos(3)] {
        assert!(emulate(clock) == chip, "{clock:?} gives other results");
    }
}

#[test]
fn rounding_explains_the_distance_to_the_exact_result() {
    let comparison = bound().compare(&golden("exact"));
    assert!(comparison.holds(), "{comparison:?}");
}

#[test]
fn the_bound_is_tight_enough_to_find_mistakes() {
    #![expect(clippy::cast_precision_loss, reason = "few elements")]
    let bound = bound();
    let elements = bound.value.element_count();
    // A few percent of the typical magnitude of the result, not more.
    let mean = |f: &dyn Fn(usize) -> f64| (0..elements).map(f).sum::<f64>() / elements as f64;
    let allowed = mean(&|n| bound.allowed(n));
    let magnitude = mean(&|n| bound.value.get_f64(n).abs());
    assert!(allowed < 0.1 * magnitude, "{allowed} of {magnitude}");
    // And not smaller than what correct executions show.
    let exact = golden("exact");
    let differences = mean(&|n| (exact.get_f64(n) - bound.value.get_f64(n)).abs());
    assert!(allowed > differences, "{allowed} {differences}");
}
