//! LLO: ISA ops over SSA values, with counted loops and scratch memory.
//!
//! A [`Function`] is one device program before scheduling and register allocation. Its ops *are*
//! the ops of the instruction set ([`palmetto_isa::Op`]), over values instead of registers, so
//! register allocation is a rename. There are three classes of values, numbered apart: vectors,
//! scalars and masks. Control flow is counted loops only; a loop that runs once or not at all is an
//! `if`.
//!
//! Order: ops that push to or pop from the same FIFO keep their order. Ops that touch the same
//! [`Scratch`] keep their order unless both only read it. Everything else is ordered by its values.

mod builder;
mod parse;
mod print;
mod verify;

pub use builder::{Address, Builder};
use palmetto_isa::{DmaDescriptor, MemorySpace, Op};
pub use parse::{ParseError, parse_function};
pub use print::print_function;
use std::fmt;
pub use verify::{LloError, MAX_DEPTH, verify_function};

macro_rules! value {
    ($(#[$doc:meta])* $Name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $Name(pub u32);
        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("%", $prefix, "{}"), self.0)
            }
        }
    };
}
value!(
    /// A vector value.
    V, "v"
);
value!(
    /// A scalar value.
    S, "s"
);
value!(
    /// A mask value.
    M, "m"
);

/// An op of the instruction set over SSA values.
pub type LloOp = Op<V, S, M>;

/// A value of any class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// A vector.
    V(V),
    /// A scalar.
    S(S),
    /// A mask.
    M(M),
}

impl From<V> for Value {
    fn from(v: V) -> Self {
        Self::V(v)
    }
}
impl From<S> for Value {
    fn from(s: S) -> Self {
        Self::S(s)
    }
}
impl From<M> for Value {
    fn from(m: M) -> Self {
        Self::M(m)
    }
}

/// Names a [`Scratch`] of a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScratchId(pub u32);

/// A piece of VMEM or SMEM that the function owns, at a fixed place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scratch {
    /// What it is for, as dumps show it.
    pub name: String,
    /// VMEM or SMEM.
    pub space: MemorySpace,
    /// First granule.
    pub base: u32,
    /// Granules.
    pub granules: u32,
}

/// A statement of a block.
#[derive(Clone, Debug, PartialEq)]
pub enum Statement {
    /// An op. `touches` is the scratch that a memory, DMA or wait op touches; a memory or DMA op
    /// with `None` touches everything.
    Op {
        /// The op.
        op: LloOp,
        /// What memory it touches.
        touches: Option<ScratchId>,
    },
    /// A counted loop.
    Loop(Box<Loop>),
}

/// Statements in order.
pub type Block = Vec<Statement>;

/// Runs `body` with `index` = 0, 1, ... `trip_count - 1`; not at all if the count is not positive.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// How often.
    pub trip_count: S,
    /// The index, defined in the body.
    pub index: S,
    /// Values carried from one iteration to the next.
    pub carried: Vec<Carried>,
    /// The body.
    pub body: Block,
}

/// A value carried around a loop. All four are of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    /// Before the loop.
    pub initial: Value,
    /// In the body: `initial`, then the `next` of the iteration before.
    pub parameter: Value,
    /// At the end of the body.
    pub next: Value,
    /// After the loop.
    pub result: Value,
}

/// A device program in LLO.
#[derive(Clone, Debug, PartialEq)]
pub struct Function {
    /// The name.
    pub name: String,
    /// Launch arguments, found in the first words of SMEM.
    pub n_arguments: u32,
    /// Scratch memory.
    pub scratches: Vec<Scratch>,
    /// DMA descriptors.
    pub descriptors: Vec<DmaDescriptor>,
    /// The statements.
    pub body: Block,
    /// How many vectors, scalars and masks there are.
    pub n_values: (u32, u32, u32),
}

impl Function {
    /// Granules of VMEM that the scratches take.
    pub fn vmem_granules(&self) -> u32 {
        let vmem = self.scratches.iter().filter(|scratch| scratch.space == MemorySpace::Vmem);
        vmem.map(|scratch| scratch.base + scratch.granules).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
