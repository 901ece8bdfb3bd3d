//! The `palmetto` tool.

fn main() {}
