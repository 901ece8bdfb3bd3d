//! What makes a module legal.
//!
//! Module: it has an entry computation; a donated parameter exists and has the shape of its result,
//! which no other is for; every called computation exists; no computation calls
//! itself, directly or not; computations have different names.
//!
//! Computation: it has a root; the listing order names every instruction once; parameter n of the
//! list is `parameter(n)`, and there are no others; instructions have different names; operands
//! exist and form no cycle; the use lists say exactly who uses whom.
//!
//! Instruction: its shape is what inference says for its op and operands, up to layouts that
//! inference leaves open.
//!
//! Not checked: that layouts are decided, or the ones that the device wants (layout assignment
//! promises that), and that instructions without users have a purpose.

use std::collections::BTreeSet;

use super::computation::{Computation, ComputationId};
use super::infer::infer;
use super::instruction::{Instruction, InstructionId};
use super::module::Module;
use super::opcode::Op;
use super::print::print_instruction;
use super::shape::Shape;
use crate::diagnostic::Diagnostic;

/// Checks all invariants.
///
/// # Errors
/// The first violation found, with the computation and the instruction.
pub fn verify(module: &Module) -> Result<(), Diagnostic> {
    let entry = module.entry.ok_or_else(|| error("the module has no entry computation"))?;
    if module.get(entry).is_none() {
        return Err(error("the entry computation was removed"));
    }
    let mut names = BTreeSet::new();
    for (_, computation) in module.computations() {
        if !names.insert(computation.name()) {
            return Err(error(format!("two computations are called {}", computation.name())));
        }
    }
    module.aliases().check(module).map_err(error)?;
    for (_, computation) in module.computations() {
        verify_called(module, computation)?;
    }
    verify_no_recursion(module)?;
    for (id, computation) in module.computations() {
        verify_structure(computation)?;
        verify_users(computation)?;
        verify_no_cycle(computation)?;
        for (instruction, _) in computation.instructions() {
            verify_shape(module, id, instruction)?;
        }
    }
    Ok(())
}

fn error(message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(message).with_code("hlo-verify")
}

fn at(computation: &Computation, instruction: &Instruction, message: &str) -> Diagnostic {
    error(format!("{} in {}: {message}", instruction.name(), computation.name()))
}

fn verify_called(module: &Module, computation: &Computation) -> Result<(), Diagnostic> {
    for (_, instruction) in computation.instructions() {
        for called in instruction.op().called_computations() {
            let Some(called) = module.get(called) else {
                return Err(at(
                    computation,
                    instruction,
                    "it calls a computation that was removed",
                ));
            };
            if called.root.is_none() {
                let message = format!("it calls {}, which has no instructions", called.name());
                return Err(at(computation, instruction, &message));
            }
        }
    }
    Ok(())
}

fn verify_no_recursion(module: &Module) -> Result<(), Diagnostic> {
    // In the post order, called computations come first unless there is a cycle.
    let mut done = BTreeSet::new();
    for id in module.post_order() {
        if let Some(&called) = module.called_by(id).iter().find(|called| !done.contains(*called)) {
            let (caller, called) = (module.computation(id), module.computation(called));
            let message = format!("{} and {} call each other", caller.name(), called.name());
            return Err(error(message));
        }
        done.insert(id);
    }
    Ok(())
}

fn verify_structure(computation: &Computation) -> Result<(), Diagnostic> {
    let name = computation.name();
    let root = computation.root.ok_or_else(|| error(format!("{name} has no instructions")))?;
    if computation.get(root).is_none() {
        return Err(error(format!("the root of {name} was removed")));
    }
    let mut listed: Vec<_> = computation.instructions().map(|(id, _)| id).collect();
    listed.sort_unstable();
    if !listed.into_iter().eq(computation.instructions.iter().map(|(id, _)| id)) {
        return Err(error(format!("the order of {name} does not list every instruction once")));
    }
    let mut names = BTreeSet::new();
    let mut parameters = 0;
    for (id, instruction) in computation.instructions() {
        if !names.insert(instruction.name()) {
            return Err(at(computation, instruction, "another instruction has the same name"));
        }
        if instruction.operands().iter().any(|&operand| computation.get(operand).is_none()) {
            return Err(at(computation, instruction, "one of its operands was removed"));
        }
        if let Op::Parameter { number } = *instruction.op() {
            parameters += 1;
            if computation.parameters.get(number) != Some(&id) {
                let message = format!("it is not in place {number} of the parameters");
                return Err(at(computation, instruction, &message));
            }
        }
    }
    if parameters != computation.parameters.len() {
        return Err(error(format!("{name} lists parameters that it does not have")));
    }
    Ok(())
}

fn verify_users(computation: &Computation) -> Result<(), Diagnostic> {
    let mut expected = vec![BTreeSet::new(); computation.id_capacity()];
    for (id, instruction) in computation.instructions() {
        for operand in instruction.operands() {
            expected[operand.index()].insert(id);
        }
    }
    for (id, instruction) in computation.instructions() {
        if expected[id.index()] != *computation.users(id) {
            return Err(at(computation, instruction, "its list of users is wrong"));
        }
    }
    Ok(())
}

fn verify_no_cycle(computation: &Computation) -> Result<(), Diagnostic> {
    // In the post order, operands come first unless there is a cycle.
    let mut done = vec![false; computation.id_capacity()];
    for id in computation.post_order() {
        let instruction = computation.instruction(id);
        if instruction.operands().iter().any(|operand| !done[operand.index()]) {
            return Err(at(computation, instruction, "it is an operand of itself, over others"));
        }
        done[id.index()] = true;
    }
    Ok(())
}

fn verify_shape(
    module: &Module,
    id: ComputationId,
    instruction: InstructionId,
) -> Result<(), Diagnostic> {
    let computation = module.computation(id);
    let text = || {
        let text: String = print_instruction(module, id, instruction).chars().take(400).collect();
        format!("the instruction is {text}")
    };
    let instruction = computation.instruction(instruction);
    let operands: Vec<&Shape> =
        instruction.operands().iter().map(|&id| computation.instruction(id).shape()).collect();
    let inferred = infer(instruction.op(), &operands, Some(instruction.shape()), module);
    match inferred {
        Ok(shape) if shape == *instruction.shape() => Ok(()),
        Ok(shape) => {
            let message = format!("its shape is {}, it should be {shape}", instruction.shape());
            Err(at(computation, instruction, &message).with_note(text()))
        }
        Err(error) => Err(at(computation, instruction, &error.to_string()).with_note(text())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::SourceText;
    use crate::hlo::parse::parse_module;
    use expect_test::{Expect, expect};

    fn module() -> Module {
        let text = "HloModule m
            callee { a = f32[4] parameter(0) ROOT b = f32[4] negate(a) }
            ENTRY main {
              x = f32[4] parameter(0)
              y = f32[4] add(x, x)
              z = f32[4] call(y), to_apply=callee
              ROOT r = f32[4] multiply(z, y)
            }";
        parse_module(SourceText::new("text", text)).unwrap_or_else(|error| panic!("{error}"))
    }

    fn main(module: &mut Module) -> &mut Computation {
        let id = module.entry();
        module.computations.get_mut(id).expect("the entry exists")
    }

    fn find(module: &Module, name: &str) -> InstructionId {
        module.entry_computation().find(name).expect("the name is in the text")
    }

    #[track_caller]
    fn check(breakage: impl FnOnce(&mut Module), message: Expect) {
        let mut module = module();
        assert_eq!(verify(&module), Ok(()));
        breakage(&mut module);
        message.assert_eq(&verify(&module).expect_err("this is broken").to_string());
    }

    #[test]
    fn a_wrong_module_is_found() {
        check(
            |module| module.entry = None,
            expect!["error[hlo-verify]: the module has no entry computation"],
        );
        check(
            |module| drop(module.computations.remove(module.entry())),
            expect!["error[hlo-verify]: the entry computation was removed"],
        );
        check(
            |module| {
                let callee = module.find_computation("callee").expect("it is in the text");
                module.computations.remove(callee);
            },
            expect!["error[hlo-verify]: z in main: it calls a computation that was removed"],
        );
        check(
            |module| main(module).name = "callee".into(),
            expect!["error[hlo-verify]: two computations are called callee"],
        );
        check(
            |module| {
                let (z, to_apply) = (find(module, "z"), module.entry());
                main(module).instructions.get_mut(z).expect("z").op = Op::Call { to_apply };
            },
            expect!["error[hlo-verify]: main and main call each other"],
        );
    }

    #[test]
    fn a_wrong_computation_is_found() {
        check(
            |module| main(module).root = None,
            expect!["error[hlo-verify]: main has no instructions"],
        );
        check(
            |module| main(module).order.truncate(2),
            expect!["error[hlo-verify]: the order of main does not list every instruction once"],
        );
        check(
            |module| main(module).parameters.clear(),
            expect!["error[hlo-verify]: x in main: it is not in place 0 of the parameters"],
        );
        check(
            |module| {
                let (x, y) = (find(module, "x"), find(module, "y"));
                main(module).parameters = vec![x, y];
            },
            expect!["error[hlo-verify]: main lists parameters that it does not have"],
        );
        check(
            |module| {
                let y = find(module, "y");
                main(module).instructions.get_mut(y).expect("y").name = "x".into();
            },
            expect!["error[hlo-verify]: x in main: another instruction has the same name"],
        );
        check(
            |module| {
                let y = find(module, "y");
                main(module).users[y.index()].clear();
            },
            expect!["error[hlo-verify]: y in main: its list of users is wrong"],
        );
        check(
            |module| {
                let (y, z) = (find(module, "y"), find(module, "z"));
                main(module).instructions.get_mut(y).expect("y").operands[0] = z;
                main(module).users[z.index()].insert(y);
            },
            expect!["error[hlo-verify]: z in main: it is an operand of itself, over others"],
        );
    }

    #[test]
    fn a_wrong_shape_is_found() {
        check(
            |module| {
                let y = find(module, "y");
                let shape = Shape::scalar(crate::hlo::ElementType::F32);
                main(module).instructions.get_mut(y).expect("y").shape = shape;
            },
            expect![[r#"
                error[hlo-verify]: y in main: add: the result is f32[4], the stated shape is f32[] [result shape]
                note: the instruction is %y = f32[] add(%x, %x)"#]],
        );
    }
}
