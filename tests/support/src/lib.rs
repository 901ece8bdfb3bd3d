//! What the tests of the workspace share: the format of filetests and their commands.

pub mod arguments;
pub mod command;
pub mod filetest;
