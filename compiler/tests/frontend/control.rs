//! Regions and functions, and the computations that they become.

use super::import;
use super::import::check;
use expect_test::expect;
use palmetto_compiler::evaluator::{EvaluatorOptions, evaluate};
use palmetto_compiler::hlo::{ArrayLiteral, Literal};

/// The literal of one result for literal arguments.
#[track_caller]
fn evaluate_f32(text: &str, arguments: &[Literal]) -> Vec<f32> {
    let module = import(text).unwrap_or_else(|error| panic!("{error}"));
    let evaluation = evaluate(&module, arguments, &EvaluatorOptions::default()).unwrap();
    evaluation.result.as_array().unwrap().as_slice::<f32>().unwrap().to_vec()
}

#[test]
fn reductions() {
    check(
        "func.func @main(%x: tensor<2x3xf32>, %y: tensor<2x3xi32>) -> (tensor<3xf32>, tensor<2xf32>, tensor<2xi32>) {
           %c = stablehlo.constant dense<0.5> : tensor<f32>
           %z = stablehlo.constant dense<0> : tensor<i32>
           %0 = stablehlo.reduce(%x init: %c) applies stablehlo.add across dimensions = [0] : (tensor<2x3xf32>, tensor<f32>) -> tensor<3xf32>
           %1:2 = stablehlo.reduce(%x init: %c), (%y init: %z) across dimensions = [1] : (tensor<2x3xf32>, tensor<2x3xi32>, tensor<f32>, tensor<i32>) -> (tensor<2xf32>, tensor<2xi32>)
             reducer(%a: tensor<f32>, %b: tensor<f32>) (%i: tensor<i32>, %j: tensor<i32>) {
               %2 = stablehlo.multiply %b, %c : tensor<f32>
               %3 = stablehlo.compare GT, %a, %2 : (tensor<f32>, tensor<f32>) -> tensor<i1>
               %4 = stablehlo.select %3, %a, %2 : tensor<i1>, tensor<f32>
               %5 = stablehlo.select %3, %i, %j : tensor<i1>, tensor<i32>
               stablehlo.return %4, %5 : tensor<f32>, tensor<i32>
             }
           return %0, %1#0, %1#1 : tensor<3xf32>, tensor<2xf32>, tensor<2xi32>
         }",
        expect![[r#"
            HloModule main

            %reducer (Arg: f32[], Arg.1: f32[]) -> f32[] {
              %Arg = f32[] parameter(0)
              %Arg.1 = f32[] parameter(1)
              ROOT %add = f32[] add(%Arg, %Arg.1)
            }

            %reducer.1 (Arg.2: f32[], Arg.3: s32[], Arg.4: f32[], Arg.5: s32[]) -> (f32[], s32[]) {
              %Arg.2 = f32[] parameter(0)
              %Arg.3 = s32[] parameter(1)
              %Arg.4 = f32[] parameter(2)
              %Arg.5 = s32[] parameter(3)
              %constant.2 = f32[] constant(0.5)
              %multiply = f32[] multiply(%Arg.4, %constant.2)
              %compare = pred[] compare(%Arg.2, %multiply), direction=GT, type=FLOAT
              %select = f32[] select(%compare, %Arg.2, %multiply)
              %select.1 = s32[] select(%compare, %Arg.3, %Arg.5)
              ROOT %tuple = (f32[], s32[]) tuple(%select, %select.1)
            }

            ENTRY %main (x: f32[2,3], y: s32[2,3]) -> (f32[3], f32[2], s32[2]) {
              %x = f32[2,3] parameter(0)
              %y = s32[2,3] parameter(1)
              %constant = f32[] constant(0.5)
              %constant.1 = s32[] constant(0)
              %reduce = f32[3] reduce(%x, %constant), dimensions={0}, to_apply=%reducer
              %reduce.1 = (f32[2], s32[2]) reduce(%x, %y, %constant, %constant.1), dimensions={1}, to_apply=%reducer.1
              %get-tuple-element = f32[2] get-tuple-element(%reduce.1), index=0
              %get-tuple-element.1 = s32[2] get-tuple-element(%reduce.1), index=1
              ROOT %tuple.1 = (f32[3], f32[2], s32[2]) tuple(%reduce, %get-tuple-element, %get-tuple-element.1)
            }
        "#]],
    );
}

#[test]
fn captures_of_a_loop_become_state() {
    check(
        "func.func @main(%n: tensor<i32>, %w: tensor<2xf32>) -> tensor<2xf32> {
           %zero = stablehlo.constant dense<0> : tensor<i32>
           %one = stablehlo.constant dense<1> : tensor<i32>
           %r:2 = stablehlo.while(%i = %zero, %x = %w) : tensor<i32>, tensor<2xf32>
             cond {
               %0 = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
               stablehlo.return %0 : tensor<i1>
             } do {
               %0 = stablehlo.multiply %x, %w : tensor<2xf32>
               %1 = stablehlo.add %i, %one : tensor<i32>
               stablehlo.return %1, %0 : tensor<i32>, tensor<2xf32>
             }
           return %r#1 : tensor<2xf32>
         }",
        expect![[r#"
            HloModule main

            %condition (Arg: (s32[], f32[2], s32[], f32[2])) -> pred[] {
              %Arg = (s32[], f32[2], s32[], f32[2]) parameter(0)
              %get-tuple-element = s32[] get-tuple-element(%Arg), index=0
              %get-tuple-element.1 = f32[2] get-tuple-element(%Arg), index=1
              %get-tuple-element.2 = s32[] get-tuple-element(%Arg), index=2
              %get-tuple-element.3 = f32[2] get-tuple-element(%Arg), index=3
              ROOT %compare = pred[] compare(%get-tuple-element, %get-tuple-element.2), direction=LT, type=SIGNED
            }

            %body (Arg.1: (s32[], f32[2], s32[], f32[2])) -> (s32[], f32[2], s32[], f32[2]) {
              %Arg.1 = (s32[], f32[2], s32[], f32[2]) parameter(0)
              %get-tuple-element.4 = s32[] get-tuple-element(%Arg.1), index=0
              %get-tuple-element.5 = f32[2] get-tuple-element(%Arg.1), index=1
              %get-tuple-element.6 = s32[] get-tuple-element(%Arg.1), index=2
              %get-tuple-element.7 = f32[2] get-tuple-element(%Arg.1), index=3
              %constant.2 = s32[] constant(1)
              %multiply = f32[2] multiply(%get-tuple-element.5, %get-tuple-element.7)
              %add = s32[] add(%get-tuple-element.4, %constant.2)
              ROOT %tuple = (s32[], f32[2], s32[], f32[2]) tuple(%add, %multiply, %get-tuple-element.6, %get-tuple-element.7)
            }

            ENTRY %main (n: s32[], w: f32[2]) -> f32[2] {
              %n = s32[] parameter(0)
              %w = f32[2] parameter(1)
              %constant = s32[] constant(0)
              %constant.1 = s32[] constant(1)
              %tuple.1 = (s32[], f32[2], s32[], f32[2]) tuple(%constant, %w, %n, %w)
              %while = (s32[], f32[2], s32[], f32[2]) while(%tuple.1), condition=%condition, body=%body
              %get-tuple-element.8 = s32[] get-tuple-element(%while), index=0
              ROOT %get-tuple-element.9 = f32[2] get-tuple-element(%while), index=1
            }
        "#]],
    );
}

#[test]
fn captures_of_branches_become_their_arguments() {
    check(
        r#"func.func @main(%p: tensor<i1>, %i: tensor<i32>, %x: tensor<f32>) -> tensor<f32> {
             %c = stablehlo.constant dense<2.0> : tensor<f32>
             %0 = "stablehlo.if"(%p) ({
               %1:2 = "stablehlo.case"(%i) ({
                 stablehlo.return %x, %i : tensor<f32>, tensor<i32>
               }, {
                 stablehlo.return %c, %i : tensor<f32>, tensor<i32>
               }) : (tensor<i32>) -> (tensor<f32>, tensor<i32>)
               stablehlo.return %1#0 : tensor<f32>
             }, {
               stablehlo.return %c : tensor<f32>
             }) : (tensor<i1>) -> tensor<f32>
             return %0 : tensor<f32>
           }"#,
        expect![[r#"
            HloModule main

            %branch_0.1 (Arg.1: (s32[], f32[])) -> (f32[], s32[]) {
              %Arg.1 = (s32[], f32[]) parameter(0)
              %get-tuple-element.2 = s32[] get-tuple-element(%Arg.1), index=0
              %get-tuple-element.3 = f32[] get-tuple-element(%Arg.1), index=1
              ROOT %tuple.2 = (f32[], s32[]) tuple(%get-tuple-element.3, %get-tuple-element.2)
            }

            %branch_1 (Arg.2: (s32[])) -> (f32[], s32[]) {
              %Arg.2 = (s32[]) parameter(0)
              %get-tuple-element.4 = s32[] get-tuple-element(%Arg.2), index=0
              %constant.2 = f32[] constant(2)
              ROOT %tuple.4 = (f32[], s32[]) tuple(%constant.2, %get-tuple-element.4)
            }

            %branch_0 (Arg: (s32[], f32[])) -> f32[] {
              %Arg = (s32[], f32[]) parameter(0)
              %get-tuple-element = s32[] get-tuple-element(%Arg), index=0
              %get-tuple-element.1 = f32[] get-tuple-element(%Arg), index=1
              %constant.1 = f32[] constant(2)
              %tuple.1 = (s32[], f32[]) tuple(%get-tuple-element, %get-tuple-element.1)
              %tuple.3 = (s32[]) tuple(%get-tuple-element)
              %conditional = (f32[], s32[]) conditional(%get-tuple-element, %tuple.1, %tuple.3), branch_computations={%branch_0.1, %branch_1}
              ROOT %get-tuple-element.5 = f32[] get-tuple-element(%conditional), index=0
              %get-tuple-element.6 = s32[] get-tuple-element(%conditional), index=1
            }

            %branch_1.1 (Arg.3: ()) -> f32[] {
              %Arg.3 = () parameter(0)
              ROOT %constant.3 = f32[] constant(2)
            }

            ENTRY %main (p: pred[], i: s32[], x: f32[]) -> f32[] {
              %p = pred[] parameter(0)
              %i = s32[] parameter(1)
              %x = f32[] parameter(2)
              %constant = f32[] constant(2)
              %tuple = (s32[], f32[]) tuple(%i, %x)
              %tuple.5 = () tuple()
              ROOT %conditional.1 = f32[] conditional(%p, %tuple, %tuple.5), branch_computations={%branch_0, %branch_1.1}
            }
        "#]],
    );
}

#[test]
fn calls_and_barriers() {
    check(
        "func.func @main(%x: tensor<f32>) -> tensor<f32> {
           %0:2 = call @two(%x) : (tensor<f32>) -> (tensor<f32>, tensor<f32>)
           call @none(%0#0) : (tensor<f32>) -> ()
           %1:2 = stablehlo.optimization_barrier %0#0, %0#1 : tensor<f32>, tensor<f32>
           %2 = stablehlo.optimization_barrier %1#1 : tensor<f32>
           %3 = func.call @one(%2) : (tensor<f32>) -> tensor<f32>
           return %3 : tensor<f32>
         }
         func.func private @two(%x: tensor<f32>) -> (tensor<f32>, tensor<f32>) {
           %0 = call @one(%x) : (tensor<f32>) -> tensor<f32>
           return %0, %x : tensor<f32>, tensor<f32>
         }
         func.func private @one(%x: tensor<f32>) -> tensor<f32> {
           %0 = stablehlo.negate %x : tensor<f32>
           return %0 : tensor<f32>
         }
         func.func private @none(%x: tensor<f32>) { return }
         func.func private @unused(%x: tensor<?xf32>) { return }",
        expect![[r#"
            HloModule main

            %one (x: f32[]) -> f32[] {
              %x = f32[] parameter(0)
              ROOT %negate = f32[] negate(%x)
            }

            %two (x.1: f32[]) -> (f32[], f32[]) {
              %x.1 = f32[] parameter(0)
              %call = f32[] call(%x.1), to_apply=%one
              ROOT %tuple = (f32[], f32[]) tuple(%call, %x.1)
            }

            %none (x.2: f32[]) -> () {
              %x.2 = f32[] parameter(0)
              ROOT %tuple.1 = () tuple()
            }

            ENTRY %main (x.3: f32[]) -> f32[] {
              %x.3 = f32[] parameter(0)
              %call.1 = (f32[], f32[]) call(%x.3), to_apply=%two
              %get-tuple-element = f32[] get-tuple-element(%call.1), index=0
              %get-tuple-element.1 = f32[] get-tuple-element(%call.1), index=1
              %call.2 = () call(%get-tuple-element), to_apply=%none
              %tuple.2 = (f32[], f32[]) tuple(%get-tuple-element, %get-tuple-element.1)
              %opt-barrier = (f32[], f32[]) opt-barrier(%tuple.2)
              %get-tuple-element.2 = f32[] get-tuple-element(%opt-barrier), index=0
              %get-tuple-element.3 = f32[] get-tuple-element(%opt-barrier), index=1
              %opt-barrier.1 = f32[] opt-barrier(%get-tuple-element.3)
              ROOT %call.3 = f32[] call(%opt-barrier.1), to_apply=%one
            }
        "#]],
    );
}

#[test]
fn captured_values_reach_their_regions() {
    let text = r#"func.func @main(%n: tensor<i32>, %w: tensor<2xf32>) -> tensor<2xf32> {
        %zero = stablehlo.constant dense<0> : tensor<i32>
        %one = stablehlo.constant dense<1> : tensor<i32>
        %r:2 = stablehlo.while(%i = %zero, %x = %w) : tensor<i32>, tensor<2xf32>
          cond {
            %0 = stablehlo.compare LT, %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
            stablehlo.return %0 : tensor<i1>
          } do {
            %0 = "stablehlo.case"(%i) ({
              %1 = stablehlo.negate %x : tensor<2xf32>
              stablehlo.return %1 : tensor<2xf32>
            }, {
              %1 = stablehlo.multiply %x, %w : tensor<2xf32>
              stablehlo.return %1 : tensor<2xf32>
            }) : (tensor<i32>) -> tensor<2xf32>
            %1 = stablehlo.add %i, %one : tensor<i32>
            stablehlo.return %1, %0 : tensor<i32>, tensor<2xf32>
          }
        return %r#1 : tensor<2xf32>
      }"#;
    let w = Literal::from_slice(&[2], &[2.0f32, 3.0]).unwrap();
    // Step 0 negates, steps 1 and 2 multiply by w.
    assert_eq!(evaluate_f32(text, &[Literal::scalar(3i32), w.clone()]), [-8.0, -27.0]);
    assert_eq!(evaluate_f32(text, &[Literal::scalar(0i32), w]), [2.0, 3.0]);
}

#[test]
fn the_true_region_of_an_if_comes_first() {
    let text = r#"func.func @main(%p: tensor<i1>, %x: tensor<f32>) -> tensor<f32> {
        %0 = "stablehlo.if"(%p) ({
          stablehlo.return %x : tensor<f32>
        }, {
          %1 = stablehlo.negate %x : tensor<f32>
          stablehlo.return %1 : tensor<f32>
        }) : (tensor<i1>) -> tensor<f32>
        return %0 : tensor<f32>
      }"#;
    let scalar_bool = |value| Literal::Array(ArrayLiteral::from_bools(&[], &[value]).unwrap());
    assert_eq!(evaluate_f32(text, &[scalar_bool(true), Literal::scalar(2.0f32)]), [2.0]);
    assert_eq!(evaluate_f32(text, &[scalar_bool(false), Literal::scalar(2.0f32)]), [-2.0]);
}

/// The call chain is much longer than the host's stack could hold as recursion.
#[test]
fn long_chains_of_calls() {
    let n = 20_000;
    let mut text = String::from("func.func @main() { call @f0() : () -> () return }\n");
    for i in 0..n {
        text += &format!("func.func private @f{i}() {{ call @f{}() : () -> () return }}\n", i + 1);
    }
    text += &format!("func.func private @f{n}() {{ return }}\n");
    assert_eq!(import(&text).unwrap().computations().count(), n + 2);
}

/// Nested nearly as deep as is accepted.
#[test]
fn deep_regions() {
    let depth = 250;
    let mut text =
        String::from("func.func @main(%p: tensor<i1>, %x: tensor<f32>) -> tensor<f32> {\n");
    for level in 0..depth {
        let branch = "{ stablehlo.return %x : tensor<f32> }";
        text += &format!("%r{level} = \"stablehlo.if\"(%p) ({branch}, {{\n");
    }
    text += "stablehlo.return %x : tensor<f32>\n";
    for level in (0..depth).rev() {
        let dialect = if level == 0 { "func" } else { "stablehlo" };
        text += &format!(
            "}}) : (tensor<i1>) -> tensor<f32>\n{dialect}.return %r{level} : tensor<f32>\n"
        );
    }
    text += "}";
    assert_eq!(import(&text).unwrap().computations().count(), 2 * depth + 1);
}
