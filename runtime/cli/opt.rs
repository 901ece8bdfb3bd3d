//! `palmetto opt`.

use std::io::Write;

use palmetto_compiler::CompileError;
use palmetto_compiler::hlo::{Module, print_module};
use palmetto_compiler::options::CompileOptions;
use palmetto_compiler::passes::PassContext;
use palmetto_compiler::pipeline::{OPTIMIZE, Pass, find_pass, run_passes};
use palmetto_runtime::Error;

use crate::arguments::OptArguments;
use crate::error::Failure;
use crate::{OK, program};

/// Runs passes on a program and prints what results.
pub(crate) fn opt(arguments: &OptArguments, out: &mut impl Write) -> Result<u8, Failure> {
    if arguments.list {
        let mut listed: Vec<&str> = Vec::new();
        for pass in OPTIMIZE {
            // A pass that runs several times is one pass.
            if !listed.contains(&pass.name) {
                listed.push(pass.name);
                writeln!(out, "{}", pass.name)?;
            }
        }
    }
    let Some(file) = &arguments.file else { return Ok(OK) };
    let mut passes =
        arguments.passes.iter().map(|name| find(name)).collect::<Result<Vec<_>, _>>()?;
    if passes.is_empty() {
        passes = OPTIMIZE.to_vec();
    }
    let mut module = program::read(file)?;
    let context = PassContext { options: CompileOptions::v4() };
    let mut dumps = String::new();
    let mut observe = |pass: &str, module: &Module| {
        if arguments.dump {
            dumps += &format!("// after {pass}\n{}\n", print_module(module));
        }
    };
    let outcome = run_passes(&mut module, &context, &passes, &mut observe);
    // What was dumped before a pass failed shows why.
    out.write_all(dumps.as_bytes())?;
    outcome.map_err(|error| Error::from(CompileError::from(error)))?;
    if !arguments.dump {
        out.write_all(print_module(&module).as_bytes())?;
    }
    Ok(OK)
}

fn find(name: &str) -> Result<Pass, Failure> {
    find_pass(name).ok_or_else(|| {
        Failure::Usage(format!("there is no pass {name:?}; `palmetto opt --list` names all"))
    })
}
