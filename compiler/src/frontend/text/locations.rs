//! `loc(…)`.

use super::lexer::TokenKind;
use super::parser::Parser;
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::{Location, LocationId};

impl Parser<'_> {
    /// `loc(…)`, if there is one.
    pub(super) fn parse_optional_location(&mut self) -> SourceResult<Option<LocationId>> {
        if self.at_word("loc") { self.parse_location().map(Some) } else { Ok(None) }
    }

    /// `loc(…)`.
    pub(super) fn parse_location(&mut self) -> SourceResult<LocationId> {
        self.expect_word("loc")?;
        self.expect(b'(')?;
        let id = self.parse_location_body()?;
        self.expect(b')')?;
        Ok(id)
    }

    fn parse_location_body(&mut self) -> SourceResult<LocationId> {
        self.nested(|parser| {
            let location = parser.parse_location_kind()?;
            Ok(parser.locations.add(location))
        })
    }

    fn parse_location_kind(&mut self) -> SourceResult<Location> {
        match self.token.kind {
            TokenKind::String => self.parse_string_location(),
            TokenKind::Hash => {
                let alias = self.lexeme()[1..].to_owned();
                self.advance()?;
                Ok(Location::Alias(alias))
            }
            TokenKind::Word => match self.lexeme() {
                "unknown" => self.advance().map(|_| Location::Unknown),
                "callsite" => self.parse_call_site(),
                "fused" => self.parse_fused(),
                _ => Err(self.unexpected("a location")),
            },
            _ => Err(self.unexpected("a location")),
        }
    }

    /// `"name"`, `"name"(child)`, `"file":line:column`, with an optional end of the range.
    fn parse_string_location(&mut self) -> SourceResult<Location> {
        let name = self.expect_string("a name or a file")?;
        if self.eat(b'(')? {
            let child = self.parse_location_body()?;
            self.expect(b')')?;
            return Ok(Location::Name { name, child: Some(child) });
        }
        if !self.eat(b':')? {
            return Ok(Location::Name { name, child: None });
        }
        let line = self.expect_integer("a line number")?;
        self.expect(b':')?;
        let column = self.expect_integer("a column number")?;
        if self.eat_word("to")? {
            if self.at_kind(TokenKind::Integer) {
                self.expect_integer::<u32>("a line number")?;
            }
            self.expect(b':')?;
            self.expect_integer::<u32>("a column number")?;
        }
        Ok(Location::File { file: name, line, column })
    }

    /// `callsite(callee at caller)`.
    fn parse_call_site(&mut self) -> SourceResult<Location> {
        self.advance()?;
        self.expect(b'(')?;
        let callee = self.parse_location_body()?;
        self.expect_word("at")?;
        self.parse_location_body()?;
        self.expect(b')')?;
        Ok(Location::Callee(callee))
    }

    /// `fused[…]` or `fused<metadata>[…]`.
    fn parse_fused(&mut self) -> SourceResult<Location> {
        self.advance()?;
        if self.at(b'<') {
            self.take_angle_brackets()?;
        }
        self.expect(b'[')?;
        Ok(Location::Fused(self.list_until(b']', Self::parse_location_body)?))
    }
}
