//! What the tests of the workspace share: the format of filetests and their commands, generators
//! and reference interpreters.

pub mod arguments;
pub mod command;
pub mod filetest;
pub mod hlo_generator;
pub mod jax;
pub mod llo_generator;
pub mod llo_interpreter;
pub mod preservation;
pub mod yardsticks;
