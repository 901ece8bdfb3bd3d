//! In which order the instructions of a computation are evaluated, and when values are let go.

use std::collections::BTreeSet;

use crate::hlo::{Computation, ComputationId, InstructionId, Module};

/// What to evaluate of one computation.
#[derive(Debug)]
pub(super) struct Plan {
    /// The instructions that the result or an effect depends on, operands before users.
    pub(super) steps: Vec<Step>,
}

/// One instruction.
#[derive(Debug)]
pub(super) struct Step {
    /// The instruction.
    pub(super) id: InstructionId,
    /// Its operands, and whether their values are not needed any more.
    pub(super) operands: Vec<(InstructionId, bool)>,
    /// Does anybody need the result?
    pub(super) used: bool,
}

/// The plans of the computations, by index; computations that are not named have none.
pub(super) fn plans(module: &Module, computations: &[ComputationId]) -> Vec<Option<Plan>> {
    let capacity = computations.iter().map(|id| id.index() + 1).max().unwrap_or(0);
    let mut plans: Vec<Option<Plan>> = (0..capacity).map(|_| None).collect();
    let mut effectful = BTreeSet::new();
    // Called computations come first, so what they do is known when their callers are looked at.
    for &id in computations {
        let computation = module.computation(id);
        let has_effect = |instruction: InstructionId| {
            let op = computation.instruction(instruction).op();
            op.has_side_effect() || op.called_computations().iter().any(|id| effectful.contains(id))
        };
        let any = computation.instructions().any(|(id, _)| has_effect(id));
        plans[id.index()] = Some(plan(computation, &has_effect));
        if any {
            effectful.insert(id);
        }
    }
    plans
}

fn plan(computation: &Computation, has_effect: &dyn Fn(InstructionId) -> bool) -> Plan {
    let mut needed = vec![false; computation.id_capacity()];
    needed[computation.root().index()] = true;
    let mut steps = Vec::new();
    // Backwards, users come first: the first use that is met is the last one.
    for id in computation.post_order().into_iter().rev() {
        let used = needed[id.index()];
        if !used && !has_effect(id) {
            continue;
        }
        let operands = computation.instruction(id).operands().iter().rev();
        let operands = operands
            .map(|&operand| (operand, !std::mem::replace(&mut needed[operand.index()], true)));
        let mut operands: Vec<(InstructionId, bool)> = operands.collect();
        operands.reverse();
        steps.push(Step { id, operands, used });
    }
    steps.reverse();
    Plan { steps }
}
