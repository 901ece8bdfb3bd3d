//! Random bits: the kernels of the expanded generator give those of the evaluator.

use super::{emulate, module_of};
use palmetto_compiler::{
    evaluator::{EvaluatorOptions, evaluate},
    hlo::Literal,
};
use palmetto_runtime::Clock;

/// Bits of an element type and dimensions from a key and counter of four words.
fn check_bits(algorithm: &str, shape: &str, state: [u32; 4]) {
    let text = format!(
        "HloModule m
        ENTRY main {{
          words = u32[4] parameter(0)
          pairs = u32[2,2] reshape(words)
          state = u64[2] bitcast-convert(pairs)
          both = (u64[2], {shape}) rng-bit-generator(state), algorithm=rng_{algorithm}
          next = u64[2] get-tuple-element(both), index=0
          next_pairs = u32[2,2] bitcast-convert(next)
          next_words = u32[4] reshape(next_pairs)
          bits = {shape} get-tuple-element(both), index=1
          ROOT r = (u32[4], {shape}) tuple(next_words, bits)
        }}"
    );
    let state = Literal::from_slice(&[4], &state).expect("four words");
    let module = module_of(&text);
    let execution = emulate(&module, std::slice::from_ref(&state), Clock::Chip);
    let expected = evaluate(&module, &[state], &EvaluatorOptions::default());
    let expected = expected.expect("it has a value").result;
    assert_eq!(Some(execution.outputs.as_slice()), expected.as_tuple(), "{algorithm} {shape}");
    assert!(execution.report.modelled_share == 0.0, "{:?}", execution.report.instructions);
}

#[test]
fn bits_of_all_shapes() {
    for algorithm in ["three_fry", "philox", "default"] {
        for shape in
            ["u32[]", "u32[7]", "u32[300]", "u32[2,3,130]", "u32[3,5,7]", "u8[3,200]", "s16[40]"]
        {
            check_bits(algorithm, shape, [0x9abc_def0, 0x1234_5678, 3, 4]);
        }
    }
}

#[test]
fn counters_carry() {
    let full = u32::MAX;
    for algorithm in ["three_fry", "philox"] {
        check_bits(algorithm, "u32[40]", [1, 2, full - 3, 5]);
        check_bits(algorithm, "u32[40]", [full, 2, full - 3, full]);
        check_bits(algorithm, "u32[40]", [full, full, full - 3, full]);
    }
}
