//! Assembly text, printed and parsed.
//!
//! ```text
//! program copy
//! arguments 2
//! vmem 8
//! dma 0: hbm -> vmem 8 granules x 4 (stride 8 -> 16)
//!   s0 = smov_imm 1 ; s1 = sld s2, 0
//! L1:
//!   br_nz s0, L1 ; v0 = vconst 0x3f800000
//!   nop 3
//!   halt
//! ```
//!
//! The header comes first: the name (quoted unless it is a word), then launch arguments, granules
//! of VMEM and DMA descriptors in order; only the name has to be there. Then each line is a bundle,
//! its ops separated by ` ; `. An op is `results = name operands`, each list separated by commas
//! and in the order of the op's row. A label stands before a bundle, on the same line or above;
//! branches name labels or bundle numbers. `nop` is an empty bundle, `nop n` are n of them. `//`
//! starts a comment.
//!
//! The printer writes ops in slot order, the bundle number into the labels, and `bits` in
//! hexadecimal; the parser takes ops of a bundle in any order. Parsing what was printed gives the
//! same program. Parsed programs are well-formed, not yet legal:
//! [`verify_program`](crate::verify::verify_program) says whether a chip may run them.

mod lexer;
mod parse;
mod print;

pub use parse::parse_program;
pub use print::{print_op, print_program};

use thiserror::Error;

/// The text is no program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line} column {column}: found {found}, expected {expected}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is there.
    pub found: String,
    /// What is allowed there.
    pub expected: String,
}
