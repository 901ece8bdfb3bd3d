//! MLIR text -> syntax tree.
//!
//! Reads the pretty and the generic form of StableHLO, and enough of the func, sdy, chlo and
//! check dialects for the programs that frameworks print. Nesting is bounded, so no input
//! overflows the stack, and every pass over the text is linear.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a rule takes the tokens that it knows; any other one is a syntax error"
)]

mod attributes;
mod dense;
mod forms;
mod functions;
mod lexer;
mod locations;
mod operations;
mod parser;
mod types;

use super::source::{Source, SourceChunk, SourceError, SourceResult};
use super::syntax::{Attribute, Program, Type};
use parser::Parser;

/// An attribute by itself.
pub(super) fn parse_attribute(text: &str) -> SourceResult<Attribute> {
    let mut parser = Parser::new(text)?;
    let attribute = parser.parse_attribute()?;
    parser.expect_end().map(|()| attribute)
}

/// A type by itself.
pub(super) fn parse_type(text: &str) -> SourceResult<Type> {
    let mut parser = Parser::new(text)?;
    let value_type = parser.parse_type()?;
    parser.expect_end().map(|()| value_type)
}

/// Parses one program.
pub(super) fn parse(source: SourceChunk) -> Result<Program, (SourceChunk, SourceError)> {
    let parsed = Parser::new(&source.text).and_then(|mut parser| {
        let module = parser.parse_top_level()?;
        Ok((module, parser.locations, parser.resources))
    });
    match parsed {
        Ok((module, locations, resources)) => {
            Ok(Program { source: Source::Text(source), module, locations, resources })
        }
        Err(error) => Err((source, error)),
    }
}
