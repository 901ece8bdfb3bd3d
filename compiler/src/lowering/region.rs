//! [`Region`]: instructions that one kernel computes.

use std::collections::BTreeSet;

use palmetto_kernels::element::Element;

use super::Refusal;
use crate::hlo::{
    Computation, ComputationId, ElementType, Instruction, InstructionId, Module, Op, Opcode,
};

/// Instructions of one computation that are to be computed together.
#[derive(Clone, Debug)]
pub struct Region<'m> {
    module: &'m Module,
    computation: &'m Computation,
    inside: BTreeSet<InstructionId>,
    roots: Vec<InstructionId>,
    name: String,
}

impl<'m> Region<'m> {
    /// The region of `inside`, whose values `roots` are needed outside.
    pub fn new(
        module: &'m Module,
        computation: ComputationId,
        inside: BTreeSet<InstructionId>,
        roots: Vec<InstructionId>,
    ) -> Self {
        let computation = module.computation(computation);
        let name = computation.instruction(roots[0]).name().to_owned();
        Self { module, computation, inside, roots, name }
    }

    /// One instruction alone, or the body of a fusion.
    pub fn of_instruction(
        module: &'m Module,
        computation: ComputationId,
        id: InstructionId,
    ) -> Self {
        let instruction = module.instruction(computation, id);
        let Op::Fusion { calls, .. } = instruction.op() else {
            return Self::new(module, computation, BTreeSet::from([id]), vec![id]);
        };
        let mut region = Self::of_computation(module, *calls);
        instruction.name().clone_into(&mut region.name);
        region
    }

    /// All that a computation does with its parameters. What a tuple at its root is made of are its
    /// values.
    pub fn of_computation(module: &'m Module, computation: ComputationId) -> Self {
        let body = module.computation(computation);
        let root = body.instruction(body.root());
        let roots = match root.op() {
            Op::Tuple => root.operands().to_vec(),
            _ => vec![body.root()],
        };
        let inside = body.instructions().map(|(id, _)| id);
        let inside = inside.filter(|id| body.instruction(*id).opcode() != Opcode::Parameter);
        Self::new(module, computation, inside.collect(), roots)
    }

    /// The name of the kernel.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The module.
    pub fn module(&self) -> &'m Module {
        self.module
    }

    /// The values that are needed outside.
    pub fn roots(&self) -> &[InstructionId] {
        &self.roots
    }

    /// An instruction of the region or one of its operands.
    pub fn instruction(&self, id: InstructionId) -> &'m Instruction {
        self.computation.instruction(id)
    }

    /// The operand of the instruction that the region was made of which `input` stands for: the
    /// body of a fusion refers to operands by parameters.
    pub fn operand(&self, instruction: &Instruction, input: InstructionId) -> InstructionId {
        match (instruction.op(), self.instruction(input).op()) {
            (Op::Fusion { .. }, Op::Parameter { number }) => instruction.operands()[*number],
            _ => input,
        }
    }

    /// Whether the region computes the instruction. Constants and what is made of nothing else are
    /// computed wherever they are needed.
    pub fn contains(&self, id: InstructionId) -> bool {
        self.inside.contains(&id) || is_generator(self.computation, id)
    }

    /// The instructions of the region.
    pub fn inside(&self) -> impl Iterator<Item = InstructionId> {
        self.inside.iter().copied()
    }

    /// The instructions of the region and their operands.
    pub(super) fn arrays(&self) -> impl Iterator<Item = InstructionId> {
        let operands = |id| self.instruction(id).operands().iter().copied();
        self.inside().chain(self.inside().flat_map(operands))
    }

    /// The device type of an instruction's elements.
    pub(super) fn element(&self, id: InstructionId) -> Result<Element, Refusal> {
        element_of(self.instruction(id).array_shape().element_type())
    }

    pub(super) fn refuse<T>(&self, id: InstructionId, what: &'static str) -> Result<T, Refusal> {
        let instruction = self.instruction(id).name().to_owned();
        Err(Refusal::Form { what, instruction })
    }
}

/// The device type of an element type.
pub(super) fn element_of(element_type: ElementType) -> Result<Element, Refusal> {
    Ok(match element_type {
        ElementType::F32 => Element::F32,
        ElementType::BF16 => Element::Bf16,
        ElementType::F16 => Element::F16,
        ElementType::S32 => Element::S32,
        ElementType::U32 => Element::U32,
        ElementType::S16 => Element::S16,
        ElementType::U16 => Element::U16,
        ElementType::S8 => Element::S8,
        ElementType::U8 => Element::U8,
        ElementType::Pred => Element::Pred,
        ElementType::S64
        | ElementType::U64
        | ElementType::F64
        | ElementType::C64
        | ElementType::C128
        | crate::hlo::narrow_types!()
        | ElementType::Token => {
            return Err(Refusal::Type(element_type));
        }
    })
}

/// Whether an instruction is made of nothing: an iota, a constant with one value, or such a
/// constant repeated. Kernels make these where they need them instead of loading them.
pub fn is_generator(computation: &Computation, id: InstructionId) -> bool {
    let mut id = id;
    loop {
        let instruction = computation.instruction(id);
        match instruction.op() {
            Op::Iota { .. } => return true,
            Op::Constant { literal } => {
                return literal.as_array().is_ok_and(|array| array.is_splat());
            }
            Op::Broadcast { .. } => id = instruction.operands()[0],
            _ => return false,
        }
    }
}

/// The element to copy arrays of a type by; none for types that the device does not move.
pub fn copy_element(element_type: ElementType) -> Option<Element> {
    // What has no arithmetic on the device is bytes all the same.
    if element_type.byte_size() == 1 {
        return Some(element_of(element_type).unwrap_or(Element::U8));
    }
    element_of(element_type).ok()
}

/// The opcode of a reduction's computation if it is one op of its two parameters.
pub fn reducer_of(module: &Module, computation: ComputationId) -> Option<Opcode> {
    let computation = module.computation(computation);
    let root = computation.instruction(computation.root());
    let mut operands = root.operands().to_vec();
    let mut parameters = computation.parameters().to_vec();
    operands.sort();
    parameters.sort();
    (parameters.len() == 2 && operands == parameters).then(|| root.opcode())
}
