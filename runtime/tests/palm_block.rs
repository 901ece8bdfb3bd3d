//! The exported block against what JAX itself computed.

use std::path::Path;

use palmetto_compiler::hlo::{ArrayLiteral, ElementType};
use palmetto_runtime::tolerance::{Bound, deviations};
use palmetto_runtime::{numpy, showcase};

fn golden(name: &str) -> ArrayLiteral {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/palm_block_small.npz");
    let arrays = numpy::read_file(&path).expect("the golden file is in the repository");
    let array = arrays.iter().find(|(found, _)| found.as_deref() == Some(name));
    let (_, array) = array.expect("the golden file has the array");
    array.to_literal(ElementType::BF16, true).expect("f32 becomes bf16")
}

fn bound() -> Bound {
    let module = showcase::small_block().expect("the block is built in");
    let mut bounds = deviations(&module, &showcase::inputs(&module)).expect("the block is smooth");
    bounds.remove(0)
}

#[test]
fn the_evaluator_agrees_with_jax() {
    let comparison = bound().compare(&golden("y"));
    assert!(comparison.holds(), "{comparison:?}");
    // Most elements are equal: both round at the same places.
    assert!(comparison.equal * 2 > comparison.elements, "{comparison:?}");
}

#[test]
fn rounding_explains_the_distance_to_the_exact_result() {
    let comparison = bound().compare(&golden("exact"));
    assert!(comparison.holds(), "{comparison:?}");
}

#[test]
fn the_bound_is_tight_enough_to_find_mistakes() {
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
    println!("allowed {allowed}, magnitude {magnitude}, differences {differences}");
}
