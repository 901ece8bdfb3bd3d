//! MLIR bytecode -> syntax tree.
//!
//! Reads portable StableHLO artifacts: what PJRT plugins are given and what `jax.export` writes.
//! Such a file is MLIR bytecode with the vhlo dialect, whose operations, attributes and types
//! carry version numbers; [`table`] has the StableHLO operation for each of every version. The
//! tree is the one that the same program in text gives, except that CHLO operations are
//! composites of StableHLO's in a portable artifact. Shardings are sdy operations and attributes.
//!
//! The files are not trusted. Counts are compared with the bytes that are left before anything is
//! made of them, nesting is bounded, attributes are decoded once and cannot contain themselves,
//! and what is written out by repeating them is limited. Everything that is not known is an error
//! with its name and its offset in the file.

mod builtin;
mod constants;
mod container;
mod convolution;
mod decoder;
mod dialects;
mod locations;
mod operations;
mod properties;
mod reader;
mod sdy;
mod table;
mod values;
mod vhlo;
mod vhlo_types;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::source::{Source, SourceResult};
use super::syntax::Program;
use container::{Container, MAGIC};

/// The oldest and the newest version of the portable format whose programs are read.
pub(super) const VERSIONS: [[u32; 3]; 2] = [numbers(table::FIRST), numbers(table::NEWEST)];

const fn numbers(version: container::Version) -> [u32; 3] {
    [version.0, version.1, version.2]
}

/// Whether a file is MLIR bytecode, of whatever dialects.
pub(super) fn is_bytecode(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Reads a file.
pub(super) fn parse(file: &str, bytes: &Arc<[u8]>) -> SourceResult<Program> {
    let container = Container::read(bytes)?;
    let (module, locations) = operations::read_module(&container)?;
    let resources = container
        .resources
        .iter()
        .filter_map(|(key, data)| Some(((*key).to_owned(), data.as_ref()?.to_vec())));
    let resources = resources.collect();
    let source = Source::Bytecode { file: file.to_owned() };
    Ok(Program { source, module, locations, resources })
}
