//! The syntax tree of an MLIR module: operations with operands, attributes and regions.
//!
//! Pretty and generic spellings of an operation give the same tree: attributes carry the names
//! of the generic form, regions that the short forms leave out are present. Values are resolved
//! to [`ValueId`]s, so a tree has no undefined names and no value used with a type it was not
//! defined with. The tree says nothing about what operations mean: operand counts and attribute
//! kinds are checked by the importer.

mod attribute;
mod location;
mod print;
mod types;

use std::collections::BTreeMap;

pub(crate) use attribute::{Attribute, Blob, Dense, DenseData, FloatValue, NamedAttribute};
pub(crate) use location::{Location, LocationId, Locations, SourcePlace};
pub(crate) use types::{
    FloatKind, FunctionType, Scalar, Signedness, TensorType, Type, narrow_float_name,
};

use super::source::{Source, Span};

/// A parsed program: one module and what its operations refer to.
#[derive(Clone, Debug)]
pub struct Program {
    /// What the spans point into.
    pub(crate) source: Source,
    /// The `builtin.module` operation.
    pub(crate) module: Operation,
    /// Every location that the source mentions.
    pub(crate) locations: Locations,
    /// The blobs of the resources block, without their alignment prefix.
    pub(crate) resources: BTreeMap<String, Vec<u8>>,
}

/// Names one SSA value of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ValueId(pub(crate) u32);

/// A use of a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operand {
    pub(crate) value: ValueId,
    pub(crate) span: Span,
}

/// One operation.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// Dialect and name, with `mhlo.` spelled `stablehlo.`.
    pub(crate) name: String,
    /// Where the name is written.
    pub(crate) span: Span,
    pub(crate) operands: Vec<Operand>,
    pub(crate) operand_types: Vec<Type>,
    pub(crate) results: Vec<ValueId>,
    pub(crate) result_types: Vec<Type>,
    /// Properties and discardable attributes alike.
    pub(crate) attributes: Vec<NamedAttribute>,
    pub(crate) regions: Vec<Region>,
    pub(crate) location: Option<LocationId>,
}

impl Operation {
    /// The attribute called `name`, if the operation has one.
    pub(crate) fn attribute(&self, name: &str) -> Option<&NamedAttribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }
}

/// A list of blocks; StableHLO's regions have exactly one.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) blocks: Vec<Block>,
    pub(crate) span: Span,
}

/// Arguments and the operations that follow them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    pub(crate) arguments: Vec<BlockArgument>,
    pub(crate) operations: Vec<Operation>,
}

/// One argument of a block.
#[derive(Clone, Debug)]
pub(crate) struct BlockArgument {
    pub(crate) value: ValueId,
    /// The name in the text, without `%`; bytecode has none.
    pub(crate) name: Option<String>,
    pub(crate) value_type: Type,
    pub(crate) span: Span,
    pub(crate) location: Option<LocationId>,
}
