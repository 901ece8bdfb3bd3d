//! What parses, what does not and what the errors say.

use std::collections::BTreeSet;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::hlo::literal::{ArrayLiteral, Literal};
use crate::hlo::print::print_module;
use crate::hlo::shape::{ArrayShape, ElementType};
use crate::hlo::verify::verify;

const EVERY_OPCODE: &str = include_str!("every_opcode.hlo");

fn parse(text: &str) -> Result<Module, Diagnostic> {
    parse_module(SourceText::new("test.hlo", text))
}

#[track_caller]
fn check_error(text: &str, error: Expect) {
    error.assert_eq(&parse(text).expect_err("this has an error").to_string());
}

/// The error of an entry computation with these instructions.
#[track_caller]
fn check_body(body: &str, error: Expect) {
    let text = format!("HloModule m\nENTRY main {{\n  x = f32[4] parameter(0)\n  {body}\n}}");
    check_error(&text, error);
}

#[test]
fn a_module_of_every_opcode_is_printed_as_written() {
    let module = parse(EVERY_OPCODE).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(verify(&module), Ok(()));
    let printed = print_module(&module);
    for (written, printed) in EVERY_OPCODE.lines().zip(printed.lines()) {
        assert_eq!(written, printed);
    }
    assert_eq!(EVERY_OPCODE.lines().count(), printed.lines().count());
    let mut used = BTreeSet::new();
    for (_, computation) in module.computations() {
        used.extend(computation.instructions().map(|(_, instruction)| instruction.opcode()));
    }
    let unused: Vec<_> = Opcode::ALL.iter().filter(|opcode| !used.contains(opcode)).collect();
    assert!(unused.is_empty(), "the module should use {unused:?}");
}

#[test]
fn operands_come_before_their_users() {
    check_body(
        "y = f32[4] add(x, z) z = f32[4] negate(x)",
        expect![[r#"
        test.hlo:4:21: error[hlo-syntax]: there is no instruction `z` before this one
            y = f32[4] add(x, z) z = f32[4] negate(x)
                              ^"#]],
    );
}

#[test]
fn sigils_shapes_signatures_root_and_the_order_of_parameters_are_optional() {
    let text = "HloModule m
        ENTRY main {
          b = s32[] parameter(1)
          a = f32[4]{0} parameter(0)
          /* two
          lines */ c = (s32[], f32[4]{0}) call(f32[4]{0} a, s32[] %b), to_apply=later // a comment
        }
        later { a = f32[4]{0} parameter(0) b = s32[] parameter(1) ROOT t = (s32[], f32[4]) tuple(b, a) c = s32[] add(b, b) }";
    let module = parse(text).unwrap_or_else(|error| panic!("{error}"));
    expect![[r#"
        HloModule m

        %later (a: f32[4]{0}, b: s32[]) -> (s32[], f32[4]{0}) {
          %a = f32[4]{0} parameter(0)
          %b = s32[] parameter(1)
          ROOT %t = (s32[], f32[4]{0}) tuple(%b, %a)
          %c = s32[] add(%b, %b)
        }

        ENTRY %main (a: f32[4]{0}, b: s32[]) -> (s32[], f32[4]{0}) {
          %b = s32[] parameter(1)
          %a = f32[4]{0} parameter(0)
          ROOT %c = (s32[], f32[4]{0}) call(%a, %b), to_apply=%later
        }
    "#]]
    .assert_eq(&print_module(&module));
}

#[test]
fn spellings_of_xla_are_read() {
    let text = r#"HloModule jit_f, entry_computation_layout={(f32[4]{0})->pred[4]{0}}
        yes { ROOT x = f32[4]{0} parameter(0) }
        no { ROOT x = f32[4]{0} parameter(0) }
        ENTRY main.5 {
          Arg_0.1 = f32[4]{0} parameter(0), metadata={op_name="x" source_file="a.py" source_line=1 source_end_line=2 stack_frame_id=3}
          t = pred[] constant(true)
          c = f32[4]{0} conditional(t, Arg_0.1, Arg_0.1), true_computation=yes, false_computation=no
          cc = f32[4]{0} custom-call(c), custom_call_target="f", backend_config={"a":[1,{"b":"}"}]}
          ROOT compare.3 = pred[4]{0} compare(Arg_0.1, cc), direction=GT
        }"#;
    let module = parse(text).unwrap_or_else(|error| panic!("{error}"));
    let printed = print_module(&module);
    let again = parse(&printed).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(print_module(&again), printed);
    assert!(printed.contains("direction=GT, type=FLOAT"));
    assert!(printed.contains("branch_computations={%yes, %no}"));
    assert!(printed.contains(r#"backend_config="{\"a\":[1,{\"b\":\"}\"}]}""#));
    assert!(printed.contains(r#"{op_name="x" source_file="a.py" source_line=1}"#));
}

#[test]
fn structure_errors_point() {
    check_error(
        "",
        expect![[r#"
            test.hlo:1:1: error[hlo-syntax]: expected `HloModule`, found the end of the text

              ^"#]],
    );
    check_error(
        "HloModule m, is_scheduled=true",
        expect![[r#"
            test.hlo:1:14: error[hlo-syntax]: `is_scheduled` is no attribute of a module that is supported
              HloModule m, is_scheduled=true
                           ^^^^^^^^^^^^
            note: supported are buffer_donor, entry_computation_layout, frontend_attributes and input_output_alias"#]],
    );
    check_error(
        "HloModule m\nENTRY main { x = f32[] parameter(0)",
        expect![[r#"
            test.hlo:2:36: error[hlo-syntax]: expected an instruction or `}`, found the end of the text
              ENTRY main { x = f32[] parameter(0)
                                                 ^"#]],
    );
    check_error(
        "HloModule m\na { x = f32[] parameter(0) }\nb { x = f32[] parameter(0) }",
        expect![[r#"
            test.hlo:3:29: error[hlo-syntax]: no computation is marked ENTRY
              b { x = f32[] parameter(0) }
                                          ^"#]],
    );
    check_error(
        "HloModule m\nENTRY a { x = f32[] parameter(0) ROOT c = f32[] call(x), to_apply=a }",
        expect![[r#"
            test.hlo:2:7: error[hlo-syntax]: the computation `a` calls itself
              ENTRY a { x = f32[] parameter(0) ROOT c = f32[] call(x), to_apply=a }
                    ^"#]],
    );
    check_error(
        "HloModule m\nENTRY a (x: f32[]) -> s32[] { x = f32[] parameter(0) }",
        expect![[r#"
            test.hlo:2:7: error[hlo-syntax]: the instructions make this a computation (f32[]) -> f32[]
              ENTRY a (x: f32[]) -> s32[] { x = f32[] parameter(0) }
                    ^"#]],
    );
    check_error(
        "HloModule m\nENTRY a { }",
        expect![[r#"
            test.hlo:2:7: error[hlo-syntax]: the computation `a` has no instructions
              ENTRY a { }
                    ^"#]],
    );
}

#[test]
fn instruction_errors_point() {
    check_body(
        "y = f32[4] frobnicate(x)",
        expect![[r#"
            test.hlo:4:14: error[hlo-syntax]: `frobnicate` is no supported opcode
                y = f32[4] frobnicate(x)
                           ^^^^^^^^^^"#]],
    );
    check_body(
        "y = f32[4] add(x, z)",
        expect![[r#"
            test.hlo:4:21: error[hlo-syntax]: there is no instruction `z` before this one
                y = f32[4] add(x, z)
                                  ^"#]],
    );
    check_body(
        "y = f32[5] add(x, x)",
        expect![[r#"
            test.hlo:4:14: error[hlo-type]: add: the result is f32[4], the stated shape is f32[5] [result shape]
                y = f32[5] add(x, x)
                           ^^^"#]],
    );
    check_body(
        "y = f32[4] add(x, x), dimensions={0}",
        expect![[r#"
            test.hlo:4:25: error[hlo-syntax]: `dimensions` is no attribute of add
                y = f32[4] add(x, x), dimensions={0}
                                      ^^^^^^^^^^"#]],
    );
    check_body(
        "y = f32[2,2] reverse(x)",
        expect![[r#"
            test.hlo:4:16: error[hlo-syntax]: the attribute `dimensions` is missing
                y = f32[2,2] reverse(x)
                             ^^^^^^^"#]],
    );
    check_body(
        "x = f32[4] add(x, x)",
        expect![[r#"
            test.hlo:4:3: error[hlo-syntax]: there are two instructions `x`
                x = f32[4] add(x, x)
                ^"#]],
    );
    check_body(
        "y = f32[4] call(x), to_apply=%f",
        expect![[r#"
            test.hlo:4:33: error[hlo-syntax]: there is no computation `f`
                y = f32[4] call(x), to_apply=%f
                                              ^"#]],
    );
    check_body(
        "y = pred[4] compare(x, x), direction=XX",
        expect![[r#"
            test.hlo:4:40: error[hlo-syntax]: `XX` is not allowed here; EQ, NE, GE, GT, LE, LT are
                y = pred[4] compare(x, x), direction=XX
                                                     ^^"#]],
    );
}

#[test]
fn shape_and_value_errors_point() {
    check_body(
        "y = f31[4] constant({1})",
        expect![[r#"
            test.hlo:4:7: error[hlo-syntax]: `f31` is no element type
                y = f31[4] constant({1})
                    ^^^
            note: element types are pred s8 s16 s32 s64 u8 u16 u32 u64 f16 bf16 f32 f64 c64 c128 s2 s4 u2 u4 f4e2m1fn f6e2m3fn f6e3m2fn f8e3m4 f8e4m3 f8e4m3b11fnuz f8e4m3fn f8e4m3fnuz f8e5m2 f8e5m2fnuz f8e8m0fnu token"#]],
    );
    check_body(
        "y = f32[9999999999,9999999999] constant({1})",
        expect![[r#"
            test.hlo:4:7: error[hlo-syntax]: dimensions [9999999999, 9999999999] have more than 2^46 elements
                y = f32[9999999999,9999999999] constant({1})
                    ^^^^^^^^^^^^^^^^^^^^^^^^^^"#]],
    );
    check_body(
        "y = f32[9999999999999] constant({1})",
        expect![[r#"
            test.hlo:4:35: error[hlo-syntax]: the value of f32[9999999999999] needs 9999999999999 elements, the text is shorter
                y = f32[9999999999999] constant({1})
                                                ^"#]],
    );
    check_body(
        "y = f32[2,2]{0,0} constant({ {1, 2}, {3, 4} })",
        expect![[r#"
            test.hlo:4:15: error[hlo-syntax]: layout {0,0} does not fit an array of rank 2: minor_to_major must name every dimension once
                y = f32[2,2]{0,0} constant({ {1, 2}, {3, 4} })
                            ^^^^^"#]],
    );
    check_body(
        "y = s8[2] constant({1, 128})",
        expect![[r#"
            test.hlo:4:26: error[hlo-syntax]: `128` is no value of type s8
                y = s8[2] constant({1, 128})
                                       ^^^"#]],
    );
    check_body(
        "y = f32[2] constant({1})",
        expect![[r#"
            test.hlo:4:25: error[hlo-syntax]: expected `,` and 1 more elements, found `}`
                y = f32[2] constant({1})
                                      ^"#]],
    );
    check_body(
        "y = f32[1000] constant({...})",
        expect![[r#"
            test.hlo:4:26: error[hlo-syntax]: the value was left out when this was printed
                y = f32[1000] constant({...})
                                       ^^^^^"#]],
    );
    check_body(
        "y = f32[2] constant({1, 1e99})",
        expect![[r#"
            test.hlo:4:27: error[hlo-syntax]: `1e99` is no value of type f32
                y = f32[2] constant({1, 1e99})
                                        ^^^^"#]],
    );
    check_body(
        "y = f32[2] constant({1, \"2})",
        expect![[r#"
            test.hlo:4:27: error[hlo-syntax]: this string has no end on its line
                y = f32[2] constant({1, "2})
                                        ^"#]],
    );
}

#[test]
fn deep_nesting_is_refused() {
    let deep = format!("{}f32[]{}", "(".repeat(100_000), ")".repeat(100_000));
    let error = parse_shape(SourceText::new("s", &deep)).expect_err("deep");
    assert_eq!(error.message(), "tuples are nested deeper than 64");
    let ranks = format!("f32[{}1]", "1,".repeat(100_000));
    let error = parse_shape(SourceText::new("s", &ranks)).expect_err("deep");
    assert_eq!(error.message(), "100001 dimensions; at most 64 are allowed");
    let braces = format!("HloModule m\nENTRY e {{ c = f32[0] constant({}", "{".repeat(100_000));
    parse(&braces).expect_err("deep");
}

#[test]
fn cut_and_changed_text_never_panics() {
    let ends = (0..EVERY_OPCODE.len()).step_by(7);
    for end in ends {
        let _ = parse(&EVERY_OPCODE[..end]);
    }
    // A small generator is enough to hit every character with several replacements.
    let mut state = 1u64;
    let mut random = move |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    let replacements = b"{}()[],=%\"-0 9xT:_.e\\\n";
    for _ in 0..4000 {
        let mut bytes = EVERY_OPCODE.as_bytes().to_vec();
        for _ in 0..=random(3) {
            let at = random(bytes.len());
            match random(3) {
                0 => bytes[at] = replacements[random(replacements.len())],
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, replacements[random(replacements.len())]),
            }
        }
        let text = String::from_utf8(bytes).expect("the text is ASCII");
        if let Ok(module) = parse(&text) {
            assert_eq!(verify(&module), Ok(()), "{text}");
            let printed = print_module(&module);
            let again = parse(&printed).unwrap_or_else(|error| panic!("{error}\nof {text}"));
            assert_eq!(print_module(&again), printed);
        }
    }
}

fn any_element_type() -> impl Strategy<Value = ElementType> {
    let numbers = ElementType::ALL.iter().copied().filter(|&t| t != ElementType::Token);
    proptest::sample::select(numbers.collect::<Vec<_>>())
}

proptest! {
    #[test]
    fn every_bit_pattern_survives_the_text(element_type in any_element_type(), bits: u64) {
        let mut value = ArrayLiteral::zeros(&ArrayShape::scalar(element_type));
        value.set_bits(0, bits);
        let value = Literal::Array(value);
        let text = value.to_string();
        let again = parse_literal(&value.shape(), SourceText::new("text", &text));
        prop_assert_eq!(again, Ok(value));
    }

    #[test]
    fn arrays_survive_the_text(dimensions in prop::collection::vec(0usize..4, 0..4), seed: i64) {
        let shape = ArrayShape::new(ElementType::S16, dimensions).expect("small");
        let mut value = ArrayLiteral::zeros(&shape);
        for n in 0..value.element_count() {
            value.set_i64(n, seed.wrapping_mul(i64::try_from(n).expect("small") + 1));
        }
        let value = Literal::Array(value);
        let text = value.to_string();
        let again = parse_literal(&value.shape(), SourceText::new("text", &text));
        prop_assert_eq!(again, Ok(value));
    }
}

#[test]
fn every_half_survives_the_text_with_few_digits() {
    for element_type in [ElementType::F16, ElementType::BF16] {
        let mut longest = 0;
        for bits in 0..=u64::from(u16::MAX) {
            let text = crate::hlo::print::element_text(element_type, bits);
            longest = longest.max(text.trim_matches('0').len());
            let shape = crate::hlo::shape::Shape::scalar(element_type);
            let value = parse_literal(&shape, SourceText::new("text", &text)).expect("a value");
            let value = value.as_array().expect("an array").bits(0);
            assert_eq!(value, bits, "{text}");
        }
        assert!(longest <= 11, "{longest}");
    }
}
