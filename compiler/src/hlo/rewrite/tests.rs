//! Rewrites keep a module legal and do what they say.

use expect_test::{Expect, expect};

use super::*;
use crate::diagnostic::SourceText;
use crate::hlo::literal::Literal;
use crate::hlo::parse::parse_module;
use crate::hlo::print::print_module;
use crate::hlo::verify::verify;

const TEXT: &str = "HloModule m
unused { ROOT a = f32[4] parameter(0) }
callee {
  a = f32[4] parameter(0)
  b = f32[4] parameter(1)
  n = f32[4] negate(a)
  ROOT c = f32[4] subtract(n, b)
}
effect {
  a = f32[4] parameter(0)
  check = () custom-call(a, a), custom_call_target=\"check.expect_eq\"
  ROOT r = f32[4] abs(a)
}
ENTRY main {
  x = f32[4] parameter(0)
  y = f32[4] parameter(1)
  dead = f32[4] add(x, y)
  deader = f32[4] abs(dead)
  kept = f32[4] call(x), to_apply=effect
  z = f32[4] call(x, y), to_apply=callee, metadata={op_name=\"here\"}
  ROOT r = f32[4] multiply(z, z)
}";

/// The entry computation after a rewrite, which is given the module and a way to find names.
#[track_caller]
fn check(rewrite: impl FnOnce(&mut Module, &dyn Fn(&str) -> InstructionId), entry: Expect) {
    let mut module =
        parse_module(SourceText::new("text", TEXT)).unwrap_or_else(|error| panic!("{error}"));
    let main = module.entry_computation().clone();
    rewrite(&mut module, &|name| main.find(name).expect("the name is in the text"));
    verify(&module).unwrap_or_else(|error| panic!("{error}\n{module}"));
    let text = print_module(&module);
    let again = parse_module(SourceText::new("printed", &text));
    assert_eq!(print_module(&again.unwrap_or_else(|error| panic!("{error}"))), text);
    let start = text.find("ENTRY").expect("there is an entry");
    entry.assert_eq(&text[start..]);
}

fn main_of(module: &Module) -> ComputationId {
    module.entry()
}

#[test]
fn a_replaced_instruction_and_what_only_it_used_disappear() {
    check(
        |module, find| {
            let main = main_of(module);
            let mut builder = ComputationBuilder::new(module, main);
            let new = builder.binary(Op::Maximum, find("x"), find("y")).expect("the shapes fit");
            replace(module, main, find("z"), new);
            replace(module, main, find("deader"), find("x"));
        },
        expect![[r#"
            ENTRY %main (x: f32[4], y: f32[4]) -> f32[4] {
              %x = f32[4] parameter(0)
              %y = f32[4] parameter(1)
              %kept = f32[4] call(%x), to_apply=%effect
              %maximum = f32[4] maximum(%x, %y), metadata={op_name="here"}
              ROOT %r = f32[4] multiply(%maximum, %maximum)
            }
        "#]],
    );
}

#[test]
fn the_root_moves_with_its_replacement() {
    check(
        |module, find| {
            let main = main_of(module);
            replace_all_uses(module, main, find("r"), find("x"));
            // z, r, dead and deader.
            assert_eq!(remove_dead(module, main), 4);
        },
        expect![[r#"
            ENTRY %main (x: f32[4], y: f32[4]) -> f32[4] {
              ROOT %x = f32[4] parameter(0)
              %y = f32[4] parameter(1)
              %kept = f32[4] call(%x), to_apply=%effect
            }
        "#]],
    );
}

#[test]
fn one_operand_is_set() {
    check(
        |module, find| {
            let main = main_of(module);
            set_operand(module, main, find("r"), 1, find("dead"));
            set_operand(module, main, find("dead"), 0, find("y"));
            assert_eq!(remove_dead(module, main), 1);
        },
        expect![[r#"
            ENTRY %main (x: f32[4], y: f32[4]) -> f32[4] {
              %x = f32[4] parameter(0)
              %y = f32[4] parameter(1)
              %dead = f32[4] add(%y, %y)
              %kept = f32[4] call(%x), to_apply=%effect
              %z = f32[4] call(%x, %y), to_apply=%callee, metadata={op_name="here"}
              ROOT %r = f32[4] multiply(%z, %dead)
            }
        "#]],
    );
}

#[test]
fn a_call_is_inlined() {
    check(
        |module, find| {
            let main = main_of(module);
            inline_call(module, main, find("z"));
            inline_call(module, main, find("kept"));
            remove_dead(module, main);
            assert_eq!(retain_reachable_computations(module), 3);
        },
        expect![[r#"
            ENTRY %main (x: f32[4], y: f32[4]) -> f32[4] {
              %x = f32[4] parameter(0)
              %y = f32[4] parameter(1)
              %check.1 = () custom-call(%x, %x), custom_call_target="check.expect_eq"
              %n.1 = f32[4] negate(%x)
              %c.1 = f32[4] subtract(%n.1, %y)
              ROOT %r = f32[4] multiply(%c.1, %c.1)
            }
        "#]],
    );
}

#[test]
fn a_cloned_computation_can_be_called_instead() {
    check(
        |module, find| {
            let main = main_of(module);
            let callee = module.find_computation("callee").expect("it is in the text");
            let copy = clone_computation(module, callee, "callee");
            map_called_computations(module, main, find("z"), &mut |_| copy).expect("it fits");
            let unused = module.find_computation("unused").expect("it is in the text");
            let error = map_called_computations(module, main, find("z"), &mut |_| unused);
            assert_eq!(error.expect_err("other parameters").constraint(), "call arguments");
            remove_dead(module, main);
        },
        expect![[r#"
            ENTRY %main (x: f32[4], y: f32[4]) -> f32[4] {
              %x = f32[4] parameter(0)
              %y = f32[4] parameter(1)
              %kept = f32[4] call(%x), to_apply=%effect
              %z = f32[4] call(%x, %y), to_apply=%callee.1, metadata={op_name="here"}
              ROOT %r = f32[4] multiply(%z, %z)
            }
        "#]],
    );
}

#[test]
fn order_layout_metadata_and_sharding_are_set() {
    check(
        |module, find| {
            let main = main_of(module);
            assert_eq!(remove_dead(module, main), 2);
            let order = ["y", "x", "z", "kept", "r"].map(find);
            set_order(module, main, order.to_vec());
            let shape = module.instruction(main, find("z")).array_shape().clone();
            set_layout(module, main, find("r"), shape.with_default_tpu_layout().into());
            let metadata = Metadata { source_line: Some(3), ..Metadata::default() };
            set_metadata(module, main, find("r"), metadata);
            set_sharding(module, main, find("x"), Some(ShardingText("replicated".into())));
        },
        expect![[r#"
            ENTRY %main (x: f32[4], y: f32[4]) -> f32[4]{0:T(1024)} {
              %y = f32[4] parameter(1)
              %x = f32[4] parameter(0), sharding={replicated}
              %z = f32[4] call(%x, %y), to_apply=%callee, metadata={op_name="here"}
              %kept = f32[4] call(%x), to_apply=%effect
              ROOT %r = f32[4]{0:T(1024)} multiply(%z, %z), metadata={source_line=3}
            }
        "#]],
    );
}

#[test]
fn an_instruction_moves_to_another_computation() {
    check(
        |module, find| {
            let main = main_of(module);
            let outlined = add_computation(module, "outlined");
            let mut builder = ComputationBuilder::new(module, outlined);
            let shape = builder.module().instruction(main, find("x")).shape().clone();
            let parameter = builder.parameter(shape, "p");
            let product = clone_instruction(module, (main, find("r")), outlined, &[parameter; 2]);
            set_root(module, outlined, product.expect("the shapes fit"));
            let mut builder = ComputationBuilder::new(module, main);
            let call = Op::Call { to_apply: outlined };
            let call = builder.add(call, &[find("z")]).expect("the shapes fit");
            replace(module, main, find("r"), call);
            remove_dead(module, main);
            let text = crate::hlo::print_computation(module, outlined);
            assert!(text.contains("ROOT %r.1 = f32[4] multiply(%p, %p)"), "{text}");
        },
        expect![[r#"
            ENTRY %main (x: f32[4], y: f32[4]) -> f32[4] {
              %x = f32[4] parameter(0)
              %y = f32[4] parameter(1)
              %kept = f32[4] call(%x), to_apply=%effect
              %z = f32[4] call(%x, %y), to_apply=%callee, metadata={op_name="here"}
              ROOT %call = f32[4] call(%z), to_apply=%outlined
            }
        "#]],
    );
}

#[test]
#[should_panic(expected = "was replaced by one (f32[])")]
fn a_replacement_of_another_shape_is_a_bug() {
    let mut module = parse_module(SourceText::new("text", TEXT)).expect("it is legal");
    let main = module.entry();
    let x = module.entry_computation().find("x").expect("it is in the text");
    let literal = Literal::scalar(1.0f32);
    let mut builder = ComputationBuilder::new(&mut module, main);
    let extras = Extras { name: Some("one".into()), ..Extras::default() };
    let one = builder.add_with(Op::Constant { literal }, &[], extras).expect("a constant");
    replace_all_uses(&mut module, main, x, one);
}

#[test]
fn a_check_in_a_called_computation_is_a_side_effect() {
    let module = parse_module(SourceText::new("text", TEXT)).expect("it is legal");
    let effects = computations_with_side_effects(&module);
    let names = effects.computations().iter().map(|&id| module.computation(id).name());
    let names: Vec<&str> = names.collect();
    assert_eq!(names, ["effect", "main"]);
    for (_, instruction) in module.entry_computation().instructions() {
        let expected = instruction.name() == "kept";
        assert_eq!(has_side_effect(&module, instruction), expected);
        assert_eq!(effects.contain(instruction), expected);
    }
}
