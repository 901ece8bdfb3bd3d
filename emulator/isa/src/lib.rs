//! The machine's language and its numbers.
//!
//! A *chip* has two TensorCores ("cores") that share HBM and CMEM. A core executes a [`Program`]: a
//! list of VLIW [`Bundle`]s, issued in order, one per cycle unless something has to be waited for.
//! Every op of the core is one row of the table in [`table`]; the op enum, the slots, the
//! latencies, the assembler, the encoder and the manual are derived from it.
//!
//! This instruction set is Palmetto's own. It is modelled after what is published of the TPU v2-v4
//! cores (`docs/machine.md` has the sources) and does not claim binary compatibility.
//!
//! The crate is a leaf: it knows neither how programs are made nor how they are run.

pub mod asm;
pub mod bundle;
pub mod chip;
pub mod decode;
pub mod encode;
pub mod manual;
pub mod memory;
pub mod op;
pub mod program;
pub mod row;
pub mod slot;
pub mod table;
pub mod units;
pub mod verify;

pub use bundle::Bundle;
pub use chip::{ChipSpec, TPU_V4};
pub use memory::MemorySpace;
pub use op::{MReg, Op, SReg, VReg};
pub use program::{DmaDescriptor, DmaDimension, Program};
pub use slot::Slot;
pub use units::{Bytes, Cycles};
