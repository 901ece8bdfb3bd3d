//! Operations, blocks and regions; the generic form.

use super::forms;
use super::lexer::TokenKind;
use super::parser::Parser;
use crate::frontend::source::{SourceError, SourceResult, Span, counted};
use crate::frontend::syntax::{
    Attribute, Block, BlockArgument, LocationId, NamedAttribute, Operand, Operation, Region, Type,
};

/// What the forms fill in: an operation without its results.
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) operands: Vec<Operand>,
    pub(super) operand_types: Vec<Type>,
    pub(super) result_types: Vec<Type>,
    pub(super) attributes: Vec<NamedAttribute>,
    pub(super) regions: Vec<Region>,
}

impl Draft {
    pub(super) fn new(name: &str, span: Span) -> Self {
        let name = match name.strip_prefix("mhlo.") {
            Some(rest) => format!("stablehlo.{rest}"),
            None => name.to_owned(),
        };
        Self {
            name,
            span,
            operands: Vec::new(),
            operand_types: Vec::new(),
            result_types: Vec::new(),
            attributes: Vec::new(),
            regions: Vec::new(),
        }
    }
}

/// An argument of a block that is not open yet.
pub(super) struct Argument<'a> {
    pub(super) name: &'a str,
    pub(super) span: Span,
    pub(super) value_type: Type,
    pub(super) location: Option<LocationId>,
}

/// `%name:count` left of the equals sign.
struct ResultName<'a> {
    name: &'a str,
    span: Span,
    count: usize,
}

impl<'a> Parser<'a> {
    /// `[results =] operation [loc(…)]`.
    pub(super) fn parse_operation(&mut self) -> SourceResult<Operation> {
        self.nested(|parser| {
            let names = parser.parse_result_names()?;
            let draft = match parser.token.kind {
                TokenKind::String => parser.parse_generic()?,
                TokenKind::Word => forms::parse_pretty(parser)?,
                TokenKind::End => return Err(parser.unexpected("an operation or '}'")),
                _ => return Err(parser.unexpected("an operation")),
            };
            let location = parser.parse_optional_location()?;
            parser.finish(draft, &names, location)
        })
    }

    fn parse_result_names(&mut self) -> SourceResult<Vec<ResultName<'a>>> {
        let mut names = Vec::new();
        if !self.at_kind(TokenKind::Value) {
            return Ok(names);
        }
        loop {
            let span = self.token.span;
            let name = self.expect_kind(TokenKind::Value, "a result name such as %0")?;
            let count =
                if self.eat(b':')? { self.expect_integer("a number of results")? } else { 1 };
            names.push(ResultName { name, span, count });
            if !self.eat(b',')? {
                break;
            }
        }
        self.expect(b'=')?;
        Ok(names)
    }

    /// Checks the draft's operands against their definitions and defines the results.
    fn finish(
        &mut self,
        draft: Draft,
        names: &[ResultName<'a>],
        location: Option<LocationId>,
    ) -> SourceResult<Operation> {
        self.check_operands(&draft)?;
        let Draft { name, span, operands, operand_types, result_types, attributes, regions } =
            draft;
        let named: usize = names.iter().map(|name| name.count).sum();
        let mut results = Vec::new();
        if names.is_empty() {
            results = self.define_unnamed(&result_types);
        } else if named == result_types.len() {
            let mut rest = result_types.as_slice();
            for name in names {
                let (types, tail) = rest.split_at(name.count);
                results.extend(self.define(name.name, name.span, types)?);
                rest = tail;
            }
        } else {
            let message =
                format!("{name} has {}, named are {named}", counted(result_types.len(), "result"));
            return Err(SourceError::new(names[0].span, message));
        }
        Ok(Operation {
            name,
            span,
            operands,
            operand_types,
            results,
            result_types,
            attributes,
            regions,
            location,
        })
    }

    fn check_operands(&self, draft: &Draft) -> SourceResult<()> {
        let (given, typed) = (draft.operands.len(), draft.operand_types.len());
        if given != typed {
            let (given, typed) = (counted(given, "operand"), counted(typed, "operand type"));
            let message = format!("{} has {given}, but {typed}", draft.name);
            return Err(SourceError::new(draft.span, message));
        }
        for (operand, used) in draft.operands.iter().zip(&draft.operand_types) {
            let defined = self.type_of(operand.value);
            if defined != used {
                let message =
                    format!("this value has the type {defined}, but is used with the type {used}");
                return Err(SourceError::new(operand.span, message));
            }
        }
        Ok(())
    }

    /// `"dialect.op"(operands) [successors] <{properties}> ({regions}) {attributes} : types`.
    fn parse_generic(&mut self) -> SourceResult<Draft> {
        let span = self.token.span;
        let name = self.expect_string("an operation name")?;
        let mut draft = Draft::new(&name, span);
        self.expect(b'(')?;
        draft.operands = self.list_until(b')', Self::parse_operand)?;
        if self.at(b'[') {
            return Err(SourceError::new(
                self.token.span,
                "branches between blocks are not supported",
            ));
        }
        if self.eat(b'<')? {
            draft.attributes = self.parse_dictionary()?;
            self.expect(b'>')?;
        }
        if self.eat(b'(')? {
            let isolated = is_isolated(&draft.name);
            draft.regions =
                self.list_until(b')', |parser| parser.parse_region(isolated, Vec::new()))?;
        }
        let discardable = self.parse_optional_dictionary()?;
        self.add_attributes(&mut draft, discardable)?;
        draft.attributes.retain(says_something);
        self.expect(b':')?;
        let types = self.parse_function_type()?;
        draft.operand_types = types.inputs;
        draft.result_types = types.results;
        Ok(draft)
    }

    /// Adds attributes, none of which may be there already.
    pub(super) fn add_attributes(
        &self,
        draft: &mut Draft,
        more: Vec<NamedAttribute>,
    ) -> SourceResult<()> {
        for attribute in more {
            if draft.attributes.iter().any(|earlier| earlier.name == attribute.name) {
                let message = format!("the attribute '{}' is given twice", attribute.name);
                return Err(SourceError::new(attribute.span, message));
            }
            draft.attributes.push(attribute);
        }
        Ok(())
    }

    /// `{ operations }` or `{ ^label(arguments): operations … }`.
    pub(super) fn parse_region(
        &mut self,
        isolated: bool,
        arguments: Vec<Argument<'a>>,
    ) -> SourceResult<Region> {
        self.in_scope(isolated, |parser| {
            let start = parser.expect(b'{')?;
            let mut blocks = Vec::new();
            if !arguments.is_empty() || !parser.at_kind(TokenKind::BlockLabel) {
                blocks.push(parser.parse_block(arguments)?);
            }
            while parser.at_kind(TokenKind::BlockLabel) {
                parser.advance()?;
                let arguments =
                    if parser.eat(b'(')? { parser.parse_arguments()? } else { Vec::new() };
                parser.expect(b':')?;
                blocks.push(parser.parse_block(arguments)?);
            }
            parser.expect(b'}')?;
            Ok(Region { blocks, span: parser.span_from(start) })
        })
    }

    fn parse_block(&mut self, arguments: Vec<Argument<'a>>) -> SourceResult<Block> {
        let mut block = Block::default();
        for argument in arguments {
            let value_type = argument.value_type;
            let types = std::slice::from_ref(&value_type);
            let value = self.define(argument.name, argument.span, types)?[0];
            let (span, location) = (argument.span, argument.location);
            let name = Some(argument.name.trim_start_matches('%').to_owned());
            block.arguments.push(BlockArgument { value, name, value_type, span, location });
        }
        while !self.at(b'}') && !self.at_kind(TokenKind::BlockLabel) {
            block.operations.push(self.parse_operation()?);
        }
        Ok(block)
    }

    /// `%name: type [loc(…)], …)`: the opening parenthesis is taken already.
    pub(super) fn parse_arguments(&mut self) -> SourceResult<Vec<Argument<'a>>> {
        self.list_until(b')', |parser| {
            let span = parser.token.span;
            let name = parser.expect_kind(TokenKind::Value, "an argument such as %arg0")?;
            parser.expect(b':')?;
            let value_type = parser.parse_type()?;
            let location = parser.parse_optional_location()?;
            Ok(Argument { name, span, value_type, location })
        })
    }
}

/// False for the lists of empty dictionaries that functions have where the pretty form has nothing.
fn says_something(attribute: &NamedAttribute) -> bool {
    let is_empty = |each: &Attribute| matches!(each, Attribute::Dictionary(d) if d.is_empty());
    let is_about_arguments = matches!(attribute.name.as_str(), "arg_attrs" | "res_attrs");
    !matches!(&attribute.value, Attribute::Array(each)
        if is_about_arguments && each.iter().all(is_empty))
}

/// Whether the regions of an operation see no values from outside.
fn is_isolated(name: &str) -> bool {
    matches!(name, "builtin.module" | "func.func" | "sdy.manual_computation")
}
