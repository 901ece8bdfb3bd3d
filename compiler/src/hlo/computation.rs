//! A computation: instructions, of which one is the root, and parameters.
//!
//! The listing order is the order of creation, or the one that was set. It need not have operands
//! before users; [`Computation::post_order`] does. Users are kept up to date by the only modules
//! that change a computation, `builder` and `rewrite`.

use std::collections::BTreeSet;
use std::fmt;

use super::arena::{Arena, Id};
use super::instruction::{Instruction, InstructionId};
use super::opcode::Opcode;
use super::shape::Shape;

/// Names a computation of one module.
pub type ComputationId = Id<Computation>;

/// What a computation takes and gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramShape {
    /// The shapes of the parameters in order.
    pub parameters: Vec<Shape>,
    /// The shape of the result.
    pub result: Shape,
}

impl fmt::Display for ProgramShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (n, parameter) in self.parameters.iter().enumerate() {
            write!(f, "{}{parameter}", if n == 0 { "" } else { ", " })?;
        }
        write!(f, ") -> {}", self.result)
    }
}

/// A function of its parameters, without loops except through called computations.
#[derive(Clone, Debug)]
pub struct Computation {
    pub(super) name: String,
    pub(super) instructions: Arena<Instruction>,
    pub(super) users: Vec<BTreeSet<InstructionId>>,
    /// Removed instructions may still be listed.
    pub(super) order: Vec<InstructionId>,
    pub(super) parameters: Vec<InstructionId>,
    pub(super) root: Option<InstructionId>,
    /// Was the root chosen, so that instructions added later do not become it?
    pub(super) root_is_set: bool,
}

impl Computation {
    pub(super) fn new(name: String) -> Self {
        Self {
            name,
            instructions: Arena::default(),
            users: Vec::new(),
            order: Vec::new(),
            parameters: Vec::new(),
            root: None,
            root_is_set: false,
        }
    }

    /// The name, unique in the module.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The instruction `id`.
    ///
    /// # Panics
    /// If it was removed or belongs to another computation.
    pub fn instruction(&self, id: InstructionId) -> &Instruction {
        let name = &self.name;
        self.instructions.get(id).unwrap_or_else(|| panic!("instruction {id:?} is not in {name}"))
    }

    /// The instruction `id`, if it is still there.
    pub fn get(&self, id: InstructionId) -> Option<&Instruction> {
        self.instructions.get(id)
    }

    /// The instructions in listing order.
    pub fn instructions(&self) -> impl DoubleEndedIterator<Item = (InstructionId, &Instruction)> {
        self.order.iter().filter_map(|&id| Some((id, self.instructions.get(id)?)))
    }

    /// The number of instructions.
    pub fn instruction_count(&self) -> usize {
        self.instructions().count()
    }

    /// One more than the largest index of an instruction id, for side tables.
    pub fn id_capacity(&self) -> usize {
        self.instructions.capacity()
    }

    /// The instruction with this name.
    pub fn find(&self, name: &str) -> Option<InstructionId> {
        self.instructions().find(|(_, instruction)| instruction.name == name).map(|(id, _)| id)
    }

    /// The parameters in order.
    pub fn parameters(&self) -> &[InstructionId] {
        &self.parameters
    }

    /// The instruction whose value is the result.
    ///
    /// # Panics
    /// If the computation is still without instructions.
    pub fn root(&self) -> InstructionId {
        self.root.expect("a finished computation has a root")
    }

    /// The instructions that have `id` as an operand, each once.
    pub fn users(&self, id: InstructionId) -> &BTreeSet<InstructionId> {
        &self.users[id.index()]
    }

    /// Does each result element of `id` depend on the operand elements at the same place only?
    ///
    /// Unlike [`super::Opcode::is_elementwise`] this includes `select` and `clamp` without scalar
    /// operands that are repeated.
    pub fn is_elementwise(&self, id: InstructionId) -> bool {
        let instruction = self.instruction(id);
        let opcode = instruction.opcode();
        let dimensions = |shape: &Shape| shape.as_array().map(|array| array.dimensions().to_vec());
        let same = |&operand: &InstructionId| {
            dimensions(self.instruction(operand).shape()) == dimensions(instruction.shape())
        };
        opcode.is_elementwise()
            || (matches!(opcode, Opcode::Select | Opcode::Clamp)
                && instruction.operands.iter().all(same))
    }

    /// The shapes of parameters and result; `None` while the computation is empty.
    pub fn program_shape(&self) -> Option<ProgramShape> {
        let result = self.instruction(self.root?).shape.clone();
        let parameters = self.parameters.iter().map(|&id| self.instruction(id).shape.clone());
        Some(ProgramShape { parameters: parameters.collect(), result })
    }

    /// All instructions, operands before users, otherwise in listing order.
    ///
    /// Instructions on a cycle of operands (which `verify` refuses) are cut at some point.
    pub fn post_order(&self) -> Vec<InstructionId> {
        let mut seen = vec![false; self.instructions.capacity()];
        let mut result = Vec::with_capacity(self.order.len());
        for (id, _) in self.instructions() {
            self.visit(id, &mut seen, &mut result);
        }
        result
    }

    /// The instructions that the root needs, operands before users.
    pub fn root_post_order(&self) -> Vec<InstructionId> {
        self.post_order_of(self.root())
    }

    /// An instruction and those that it needs, operands before users.
    pub fn post_order_of(&self, id: InstructionId) -> Vec<InstructionId> {
        let mut seen = vec![false; self.instructions.capacity()];
        let mut result = Vec::new();
        self.visit(id, &mut seen, &mut result);
        result
    }

    fn visit(&self, start: InstructionId, seen: &mut [bool], result: &mut Vec<InstructionId>) {
        // A stack of (instruction, operands already looked at): graphs are deeper than the stack.
        let mut stack = Vec::new();
        if !std::mem::replace(&mut seen[start.index()], true) {
            stack.push((start, 0));
        }
        while let Some((id, next)) = stack.pop() {
            let Some(&operand) = self.instruction(id).operands.get(next) else {
                result.push(id);
                continue;
            };
            stack.push((id, next + 1));
            if !std::mem::replace(&mut seen[operand.index()], true) {
                stack.push((operand, 0));
            }
        }
    }
}
