//! Client, devices, buffers and loaded executables.

pub mod numpy;
pub mod seeded;
pub mod transfer;
