//! docs/hlo.md: what every opcode is, and what Palmetto does with it.
//!
//! The columns are not claims. Each opcode's first instruction in `every_opcode.hlo` is evaluated
//! and compiled on its own: what came out of that is what the table says.

use std::collections::BTreeMap;

use super::tree::{files, read};
use expect_test::expect_file;
use palmetto_compiler::{
    compile,
    diagnostic::SourceText,
    evaluator::{EvaluatorOptions, evaluate_instruction},
    executable::{Executable, Step},
    frontend::importable_operations,
    hlo::{
        ArrayLiteral, ComputationBuilder, InstructionId, Literal, Module, Op, Opcode, Shape,
        parse_module, rewrite,
    },
    options::CompileOptions,
};

const EXAMPLES: &str = "compiler/src/hlo/parse/every_opcode.hlo";
const INTRODUCTION: &str = "# HLO opcodes

Written by `UPDATE_EXPECT=1 cargo test --release --test tidy opcodes` from the opcode table
(`compiler/src/hlo/opcode.rs`) and from what happened to the first instruction of each opcode in
`compiler/src/hlo/parse/every_opcode.hlo`.

* **import**: the StableHLO operation that becomes it; `-` if only passes and HLO text make it.
* **evaluate**: the evaluator gave a value of the shape that inference says.
* **device**: what the example, compiled alone, became. *kernel*: bundle programs. *modelled*: a
  host routine with a stated cost. *control*: steps of the executable around others. *host*: a
  check, after the run so far, or data that the host takes or gives. *none*: no work is left.
  Other types and forms of the same opcode may end up elsewhere; `--report` says where.
* **tests**: filetests that contain it; tests/functions.rs has every elementwise one besides.

";

#[test]
fn the_opcodes_do_what_their_table_says() {
    let source = read(EXAMPLES);
    let module = parse_module(SourceText::new(EXAMPLES, &source)).expect("the examples are HLO");
    let mut examples = BTreeMap::new();
    for (id, instruction) in module.entry_computation().instructions() {
        examples.entry(instruction.opcode()).or_insert(id);
    }
    let texts: Vec<String> = files("tests/filetests", &["hlo"]).iter().map(|p| read(p)).collect();
    let mut text = INTRODUCTION.to_owned();
    text.push_str("| opcode | operands | attributes | flags | import | evaluate | device | tests ");
    text.push_str("| meaning |\n|---|---|---|---|---|---|---|---|---|\n");
    for &opcode in Opcode::ALL {
        let &id = examples.get(&opcode).unwrap_or_else(|| panic!("{EXAMPLES} has no {opcode}"));
        let tests = texts.iter().filter(|text| text.contains(&format!(" {opcode}("))).count();
        let keys = opcode.attribute_keys().iter().map(|key| format!("`{key}`"));
        text.push_str(&format!(
            "| `{opcode}` | {} | {} | {} | {} | {} | {} | {tests} | {} |\n",
            opcode.arity(),
            keys.collect::<Vec<_>>().join(", "),
            opcode.flag_names().join(", "),
            imported_from(opcode),
            evaluated(&module, id),
            on_device(&module, id),
            opcode.documentation().replace('|', "\\|"),
        ));
    }
    text.push_str("\n## StableHLO operations that are imported\n\n");
    let names: Vec<String> = importable_operations().map(|name| format!("`{name}`")).collect();
    text.push_str(&names.join(", "));
    text.push_str(".\n");
    expect_file!["../../docs/hlo.md"].assert_eq(&text);
}

/// The StableHLO operation of the same name, or of the name that StableHLO has for it.
fn imported_from(opcode: Opcode) -> String {
    let text = opcode.text().replace('-', "_");
    let name = match opcode {
        Opcode::Broadcast => "broadcast_in_dim",
        Opcode::Conditional => "case",
        Opcode::Dot => "dot_general",
        Opcode::OptBarrier => "optimization_barrier",
        _ => &text,
    };
    let mut names = importable_operations().filter_map(|full| full.split_once('.'));
    match names.find(|(_, operation)| *operation == name) {
        Some(_) => format!("`{name}`"),
        None if matches!(opcode, Opcode::Parameter) => "arguments".to_owned(),
        None => "-".to_owned(),
    }
}

fn evaluated(module: &Module, id: InstructionId) -> &'static str {
    let content = module.entry_computation();
    let instruction = content.instruction(id);
    if let Op::Parameter { .. } = instruction.op() {
        return "yes";
    }
    let operands = instruction.operands().iter();
    let operands: Vec<Literal> =
        operands.map(|&operand| zeros(content.instruction(operand).shape())).collect();
    let options = EvaluatorOptions::default();
    match evaluate_instruction(module, module.entry(), id, &operands, &options) {
        Ok(value) if value.result.shape().same_but_layout(instruction.shape()) => "yes",
        Ok(value) => panic!("{} became {}", instruction.name(), value.result.shape()),
        Err(_) => "no",
    }
}

fn zeros(shape: &Shape) -> Literal {
    match shape {
        Shape::Array(array) => Literal::Array(ArrayLiteral::zeros(array)),
        Shape::Tuple(elements) => Literal::Tuple(elements.iter().map(zeros).collect()),
    }
}

fn on_device(module: &Module, id: InstructionId) -> &'static str {
    let alone = isolated(module, id);
    match compile(&alone, &CompileOptions::v4()) {
        Ok(executable) => kind_of(&executable),
        Err(error) => {
            let name = module.instruction(module.entry(), id).name().to_owned();
            assert!(error.to_string().contains("custom"), "{name}: {error}");
            "refused"
        }
    }
}

fn kind_of(executable: &Executable) -> &'static str {
    let steps = &executable.steps;
    let controls = |step: &Step| matches!(step, Step::While { .. } | Step::Conditional { .. });
    if steps.iter().any(controls) {
        "control"
    } else if steps.iter().any(|step| matches!(step, Step::Modelled(_) | Step::Copy { .. })) {
        "modelled"
    } else if steps.iter().any(|step| matches!(step, Step::Launch(_))) {
        "kernel"
    } else if steps
        .iter()
        .any(|step| matches!(step, Step::Check { .. } | Step::Send(_) | Step::Recv(_)))
    {
        "host"
    } else {
        "none"
    }
}

/// A module whose result is that instruction, of operands that are parameters.
fn isolated(module: &Module, id: InstructionId) -> Module {
    let mut module = module.clone();
    let entry = module.entry();
    let operands = module.instruction(entry, id).operands().to_vec();
    for (index, operand) in operands.into_iter().enumerate() {
        let shape = module.instruction(entry, operand).shape().clone();
        if let Shape::Array(_) = shape {
            let mut builder = ComputationBuilder::new(&mut module, entry);
            let parameter = builder.parameter(shape, "operand");
            rewrite::set_operand(&mut module, entry, id, index, parameter);
        }
    }
    rewrite::set_root(&mut module, entry, id);
    // What has side effects would stay, used or not.
    let others = module.entry_computation().instructions().rev();
    let others = others.filter(|(other, i)| *other != id && i.op().has_side_effect());
    for other in others.map(|(other, _)| other).collect::<Vec<_>>() {
        if module.entry_computation().users(other).is_empty() {
            rewrite::remove_unused(&mut module, entry, other);
        }
    }
    module
}
