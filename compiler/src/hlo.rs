//! HLO: the IR of whole programs.
//!
//! A [`Module`] is a set of computations, one of them the entry. A [`Computation`] is a graph of
//! instructions: each has an [`Op`] (opcode with typed attributes), operands from the same
//! computation, and the [`Shape`] of its result. Values are immutable arrays and tuples; control
//! flow is instructions that call computations. There is no order of execution but the one that
//! operands impose, except for instructions with a side effect, which run in listing order.
//!
//! What the opcodes mean is in their table ([`opcode`]), and, executably, in the evaluator.
//! Instructions are made by [`builder`] only, which checks them with [`infer`], and changed by
//! `rewrite` only. The text form is XLA's.

pub mod alias;
pub mod attribute;
pub mod builder;
pub mod computation;
pub mod infer;
pub mod instruction;
pub mod layout;
pub mod literal;
pub mod module;
pub mod opcode;
pub mod parse;
pub mod print;
pub mod proto;
pub mod rewrite;
pub mod shape;
pub mod verify;

mod arena;

pub use alias::AliasConfig;
pub use arena::Id;
pub use attribute::{
    CheckParameters, ComparisonDirection, ComparisonType, ConvolutionDimensionNumbers,
    CustomCallTarget, DotDimensionNumbers, EighParameters, FftType, FusionKind,
    GatherDimensionNumbers, MAX_SPATIAL_DIMENSIONS, OperandPrecision, PaddingDimension, Precision,
    RandomAlgorithm, ScatterDimensionNumbers, SliceDimension, Transpose, TriangularSolveOptions,
    WindowDimension,
};
pub use builder::{BuildError, ComputationBuilder, Extras, ModuleBuilder};
pub use computation::{Computation, ComputationId, ProgramShape};
pub use infer::{InferError, infer};
pub use instruction::{Instruction, InstructionId, Metadata, ShardingText};
pub use layout::{Layout, MemorySpace, default_tpu_layout};
pub use literal::{ArrayLiteral, FloatFormat, Literal, LiteralError, NativeType, SpecialCodes};
pub use module::Module;
pub use opcode::{Op, Opcode};
pub use parse::{parse_literal, parse_module, parse_shape};
pub use print::{
    element_text, literal_element_text, print_computation, print_instruction, print_module,
};
pub use shape::{ArrayShape, ElementClass, ElementType, Shape, ShapeError};
pub(crate) use shape::{narrow_floats, narrow_types};
pub use verify::verify;
