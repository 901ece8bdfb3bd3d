//! Modules and functions in pretty form, and what stands beside a module at the top of a file.

use super::lexer::TokenKind;
use super::operations::{Argument, Draft};
use super::parser::Parser;
use crate::frontend::source::{SourceError, SourceResult, Span};
use crate::frontend::syntax::{
    Attribute, Block, FunctionType, NamedAttribute, Operation, Region, Type,
};

/// The arguments or results of a function: types and attributes.
type TypesWithAttributes = (Vec<Type>, Vec<Vec<NamedAttribute>>);

impl<'a> Parser<'a> {
    /// A whole text. Operations without a module around them are wrapped in one.
    pub(super) fn parse_top_level(&mut self) -> SourceResult<Operation> {
        let mut operations = Vec::new();
        loop {
            match self.token.kind {
                TokenKind::End => break,
                TokenKind::Hash => self.parse_attribute_alias()?,
                TokenKind::Bang => self.parse_type_alias()?,
                TokenKind::ResourcesOpen => self.parse_resources()?,
                _ => operations.push(self.parse_operation()?),
            }
        }
        if let [only] = operations.as_slice()
            && only.name == "builtin.module"
            && let Some(module) = operations.pop()
        {
            return Ok(module);
        }
        let span = Span::new(0, 0);
        let block = Block { arguments: Vec::new(), operations };
        Ok(Operation {
            name: "builtin.module".to_owned(),
            span,
            operands: Vec::new(),
            operand_types: Vec::new(),
            results: Vec::new(),
            result_types: Vec::new(),
            attributes: Vec::new(),
            regions: vec![Region { blocks: vec![block], span }],
            location: None,
        })
    }

    /// `#name = attribute` or `#name = loc(…)`.
    fn parse_attribute_alias(&mut self) -> SourceResult<()> {
        let name = self.lexeme()[1..].to_owned();
        self.advance()?;
        self.expect(b'=')?;
        if self.at_word("loc") {
            let location = self.parse_location()?;
            self.locations.define_alias(&name, location);
        } else {
            let value = self.parse_attribute()?;
            self.attribute_aliases.insert(name, value);
        }
        Ok(())
    }

    /// `!name = type`.
    fn parse_type_alias(&mut self) -> SourceResult<()> {
        let name = self.lexeme()[1..].to_owned();
        self.advance()?;
        self.expect(b'=')?;
        let value = self.parse_type()?;
        self.type_aliases.insert(name, value);
        Ok(())
    }

    /// `module [@name] [attributes {…}] { … }`.
    pub(super) fn parse_module(&mut self, draft: &mut Draft) -> SourceResult<()> {
        if self.at_kind(TokenKind::Symbol) {
            let span = self.token.span;
            let name = Attribute::String(self.expect_symbol()?);
            draft.attributes.push(NamedAttribute {
                name: "sym_name".to_owned(),
                value: name,
                span,
            });
        }
        if self.eat_word("attributes")? {
            let attributes = self.parse_dictionary()?;
            self.add_attributes(draft, attributes)?;
        }
        draft.regions.push(self.parse_region(true, Vec::new())?);
        Ok(())
    }

    /// `[visibility] @name(arguments) [-> results] [attributes {…}] [{ … }]`.
    pub(super) fn parse_function(&mut self, draft: &mut Draft) -> SourceResult<()> {
        let mut add = |name: &str, value, span| {
            draft.attributes.push(NamedAttribute { name: name.to_owned(), value, span });
        };
        let span = self.token.span;
        if let Some(visibility) = self.parse_visibility()? {
            add("sym_visibility", Attribute::String(visibility.to_owned()), span);
        }
        let span = self.token.span;
        add("sym_name", Attribute::String(self.expect_symbol()?), span);
        let start = self.token.span;
        self.expect(b'(')?;
        let (arguments, inputs, argument_attributes) = self.parse_function_arguments()?;
        let end_of_arguments = self.token.span;
        let (results, result_attributes) = self.parse_function_results()?;
        let span = self.span_from(start);
        // Arguments have places of their own, so this one is that of the results.
        let result_span = if results.is_empty() { span } else { self.span_from(end_of_arguments) };
        let function_type = FunctionType { inputs, results };
        let function_type = Attribute::Type(Type::Function(Box::new(function_type)));
        add("function_type", function_type, result_span);
        for (name, attributes) in
            [("arg_attrs", argument_attributes), ("res_attrs", result_attributes)]
        {
            if attributes.iter().any(|each| !each.is_empty()) {
                let each = attributes.into_iter().map(Attribute::Dictionary).collect();
                add(name, Attribute::Array(each), span);
            }
        }
        if self.eat_word("attributes")? {
            let attributes = self.parse_dictionary()?;
            self.add_attributes(draft, attributes)?;
        }
        draft.regions.push(self.parse_function_body(arguments, span)?);
        Ok(())
    }

    fn parse_visibility(&mut self) -> SourceResult<Option<&'a str>> {
        let known = self.at_word("public") || self.at_word("private") || self.at_word("nested");
        if known { self.expect_name("a visibility").map(Some) } else { Ok(None) }
    }

    fn parse_function_body(
        &mut self,
        arguments: Option<Vec<Argument<'a>>>,
        span: Span,
    ) -> SourceResult<Region> {
        match arguments {
            Some(arguments) if self.at(b'{') => self.parse_region(true, arguments),
            None if self.at(b'{') => {
                Err(SourceError::new(span, "this function has a body, so its arguments need names"))
            }
            _ => Ok(Region { blocks: Vec::new(), span }),
        }
    }

    /// Arguments with their names, or without any in a declaration.
    #[expect(clippy::type_complexity, reason = "used once; a struct would say no more")]
    fn parse_function_arguments(
        &mut self,
    ) -> SourceResult<(Option<Vec<Argument<'a>>>, Vec<Type>, Vec<Vec<NamedAttribute>>)> {
        if !self.at_kind(TokenKind::Value) && !self.at(b')') {
            let (types, attributes) = self.parse_types_with_attributes()?;
            return Ok((None, types, attributes));
        }
        let mut types = Vec::new();
        let mut attributes = Vec::new();
        let arguments = self.list_until(b')', |parser| {
            let span = parser.token.span;
            let name = parser.expect_kind(TokenKind::Value, "an argument such as %arg0")?;
            parser.expect(b':')?;
            let value_type = parser.parse_type()?;
            types.push(value_type.clone());
            attributes.push(parser.parse_optional_dictionary()?);
            let location = parser.parse_optional_location()?;
            Ok(Argument { name, span, value_type, location })
        })?;
        Ok((Some(arguments), types, attributes))
    }

    fn parse_function_results(&mut self) -> SourceResult<TypesWithAttributes> {
        if !self.at_kind(TokenKind::Arrow) {
            return Ok((Vec::new(), Vec::new()));
        }
        self.advance()?;
        if self.eat(b'(')? {
            return self.parse_types_with_attributes();
        }
        Ok((vec![self.parse_type()?], Vec::new()))
    }

    /// `T {…}, …)`: the opening parenthesis is taken already.
    fn parse_types_with_attributes(&mut self) -> SourceResult<TypesWithAttributes> {
        let pairs = self.list_until(b')', |parser| {
            let each = parser.parse_type()?;
            let attributes = parser.parse_optional_dictionary()?;
            parser.parse_optional_location()?;
            Ok((each, attributes))
        })?;
        Ok(pairs.into_iter().unzip())
    }
}
