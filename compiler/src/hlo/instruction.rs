//! An instruction: an op with its attributes, its operands, and the shape of its result.

use std::collections::BTreeMap;

use super::arena::Id;
use super::opcode::{Op, Opcode};
use super::shape::{ArrayShape, Shape};

/// Names an instruction of one computation.
pub type InstructionId = Id<Instruction>;

/// Where an instruction comes from in the user's program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The path of names in the user's program, such as `jit(f)/mul`.
    pub op_name: Option<String>,
    /// The file.
    pub source_file: Option<String>,
    /// The line, counted from 1.
    pub source_line: Option<u32>,
    /// The column, counted from 1.
    pub source_column: Option<u32>,
}

/// A sharding in XLA's notation without the outer braces, kept as text until it is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardingText(pub String);

/// One instruction. It is made by [`super::builder`] and changed by [`super::rewrite`] only.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    pub(super) op: Op,
    pub(super) operands: Vec<InstructionId>,
    pub(super) shape: Shape,
    pub(super) name: String,
    pub(super) metadata: Metadata,
    pub(super) sharding: Option<ShardingText>,
    pub(super) frontend_attributes: BTreeMap<String, String>,
}

impl Instruction {
    /// What it does, with the attributes.
    pub fn op(&self) -> &Op {
        &self.op
    }

    /// What it does.
    pub fn opcode(&self) -> Opcode {
        self.op.opcode()
    }

    /// Its operands, instructions of the same computation.
    pub fn operands(&self) -> &[InstructionId] {
        &self.operands
    }

    /// The shape of the result.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The shape of the result, of an op that never produces a tuple.
    ///
    /// # Panics
    /// If the result is a tuple.
    pub fn array_shape(&self) -> &ArrayShape {
        let name = &self.name;
        self.shape.as_array().unwrap_or_else(|| panic!("{name} was taken for an array"))
    }

    /// The name, unique in the computation.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it comes from.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The sharding that the user asked for.
    pub fn sharding(&self) -> Option<&ShardingText> {
        self.sharding.as_ref()
    }

    /// What the front end attached for later stages, by key.
    pub fn frontend_attributes(&self) -> &BTreeMap<String, String> {
        &self.frontend_attributes
    }
}
