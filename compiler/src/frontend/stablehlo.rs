//! StableHLO -> HLO.
//!
//! A function becomes a computation, so do the regions of loops, branches and reductions. One row
//! of the [`table`] says how an operation is imported; whatever has no row is refused by name.
//! Declared result types are compared with what HLO infers, so a program that is imported is
//! consistent.
//!
//! Values that a region uses from outside become loop state or branch arguments; constants of one
//! element are repeated inside instead, where a pass can see them. Reducers can only take
//! constants from outside.

mod algorithm;
mod attributes;
mod batch_norm;
mod body;
mod check;
mod chlo;
mod collectives;
mod composite;
mod constant;
mod contraction;
mod control;
mod convolution;
mod custom_call;
mod data;
mod elementwise;
mod function;
mod indexing;
mod legacy;
mod random;
mod scatter;
mod shape_operands;
mod sharding;
mod table;
mod transfer;
pub use table::importable_operations;
mod types;
mod window;

use std::collections::BTreeMap;
use std::fmt;

use super::source::{SourceError, SourceResult, Span};
use super::syntax::{LocationId, Operation, Program, SourcePlace};
use crate::hlo::{ComputationId, Metadata, Module, ModuleBuilder};

/// Which function of a program is compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum EntryPoint {
    /// The function `@main`.
    #[default]
    Main,
    /// The function with this name.
    Function(String),
}

impl EntryPoint {
    fn name(&self) -> &str {
        match self {
            Self::Main => "main",
            Self::Function(name) => name,
        }
    }
}

/// What can be said about a function without importing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FunctionSummary {
    /// The name, without its `@`.
    pub name: String,
    /// The number of arguments.
    pub n_arguments: usize,
    /// The number of results.
    pub n_results: usize,
    /// False for functions that only others of the program call.
    pub is_public: bool,
}

/// The functions with bodies, in the order of the text.
pub fn list_functions(program: &Program) -> Vec<FunctionSummary> {
    functions(program)
        .filter(|function| function::body(function).is_some())
        .filter_map(|function| {
            let string = |name| function.attribute(name)?.value.as_text();
            let types = function.attribute("function_type")?.value.as_function_type()?;
            Some(FunctionSummary {
                name: string("sym_name")?.to_owned(),
                n_arguments: types.inputs.len(),
                n_results: types.results.len(),
                is_public: string("sym_visibility").is_none_or(|visibility| visibility == "public"),
            })
        })
        .collect()
}

fn functions(program: &Program) -> impl Iterator<Item = &Operation> {
    let blocks = program.module.regions.iter().flat_map(|region| &region.blocks);
    blocks.flat_map(|block| &block.operations).filter(|operation| operation.name == "func.func")
}

/// The HLO module of one function and what it calls.
pub(super) fn import(program: &Program, entry: &EntryPoint) -> SourceResult<Module> {
    let mut importer = Importer::new(program)?;
    let Some(&function) = importer.functions.get(entry.name()) else {
        let names: Vec<String> = importer.functions.keys().map(|name| format!("@{name}")).collect();
        let found = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let message = format!("there is no function @{}; found {found}", entry.name());
        return Err(SourceError::new(program.module.span, message));
    };
    let name = match attributes::optional_string(&program.module, "sym_name")? {
        Some(name) => name.to_owned(),
        None => entry.name().to_owned(),
    };
    importer.builder = ModuleBuilder::new(&name);
    sharding::import_module_attributes(&mut importer)?;
    for callee in importer.in_call_order(function)? {
        importer.import_function(callee)?;
    }
    let id = importer.import_entry(function)?;
    let wrong = |message: String| SourceError::new(function.span, message);
    let mut module = importer.builder.finish(id).map_err(|error| wrong(error.to_string()))?;
    module.read_donations().map_err(wrong)?;
    Ok(module)
}

/// The state of one import.
struct Importer<'p> {
    program: &'p Program,
    builder: ModuleBuilder,
    functions: BTreeMap<&'p str, &'p Operation>,
    /// The computations of the functions imported so far.
    computations: BTreeMap<&'p str, ComputationId>,
    /// How many `rng` operations were imported.
    n_random: u64,
}

impl<'p> Importer<'p> {
    fn new(program: &'p Program) -> SourceResult<Self> {
        let mut all = BTreeMap::new();
        for function in functions(program) {
            let name = attributes::string(function, "sym_name")?;
            if all.insert(name, function).is_some() {
                let message = format!("the function @{name} is defined twice");
                return Err(SourceError::new(function.span, message));
            }
        }
        let builder = ModuleBuilder::new("module");
        Ok(Self { program, builder, functions: all, computations: BTreeMap::new(), n_random: 0 })
    }

    /// Where an operation or an argument comes from in the user's program.
    fn metadata(&self, location: Option<LocationId>) -> Metadata {
        let Some(location) = location else { return Metadata::default() };
        let SourcePlace { op_name, file } = self.program.locations.resolve(location);
        let (source_file, source_line, source_column) = match file {
            Some((file, line, column)) => (Some(file), Some(line), Some(column)),
            None => (None, None, None),
        };
        Metadata { op_name, source_file, source_line, source_column }
    }

    /// The same as text: `jit(f)/sort at model.py:12:8`.
    fn origin(&self, location: Option<LocationId>) -> Option<String> {
        self.program.locations.describe(location?)
    }
}

/// An error at an operation.
fn error<T>(operation: &Operation, message: impl Into<String>) -> SourceResult<T> {
    Err(SourceError::new(operation.span, message))
}

/// An error at an operation that asks for `what`, which there is not.
fn unsupported<T>(operation: &Operation, what: impl fmt::Display) -> SourceResult<T> {
    Err(SourceError::unsupported(operation.span, what))
}

/// An error at a place.
fn error_at<T>(span: Span, message: impl Into<String>) -> SourceResult<T> {
    Err(SourceError::new(span, message))
}
