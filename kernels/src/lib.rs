//! Device code: LLO, the language of kernels, and the kernels written in it.
//!
//! A kernel is a function of shapes and the chip. It knows nothing of HLO: the compiler translates.

pub mod element;
mod exchange;
pub mod expression;
pub mod heads;
pub mod line;
pub mod llo;
pub mod lookup;
pub mod matmul;
pub mod operand;
pub mod packing;
pub mod pipeline;
pub mod reduce;
pub mod reducer;
pub mod rowwise;
pub mod sort;
pub mod splice;
pub mod transfer;
pub mod transpose;
