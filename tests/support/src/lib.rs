//! What the tests of the workspace share.

pub mod llo_generator;
pub mod llo_interpreter;
