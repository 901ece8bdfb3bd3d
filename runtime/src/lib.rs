//! Client, devices, buffers and loaded executables.

pub mod numpy;
pub mod profile;
pub mod seeded;
pub mod transfer;
