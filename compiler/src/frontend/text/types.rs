//! Types: `tensor<2x?xf32>`, `(T) -> T`, `tuple<…>`, scalars, and others kept as text.

use super::lexer::{self, TokenKind};
use super::parser::Parser;
use crate::frontend::source::{SourceError, SourceResult, Span};
use crate::frontend::syntax::{FunctionType, Scalar, TensorType, Type};

impl Parser<'_> {
    /// Any type.
    pub(super) fn parse_type(&mut self) -> SourceResult<Type> {
        self.nested(|parser| match parser.token.kind {
            TokenKind::Punctuation(b'(') => {
                Ok(Type::Function(Box::new(parser.parse_function_type()?)))
            }
            TokenKind::Bang => parser.parse_dialect_type(),
            TokenKind::Word => parser.parse_named_type(),
            _ => Err(parser.unexpected("a type")),
        })
    }

    /// `T, T, …`, at least one.
    pub(super) fn parse_type_list(&mut self) -> SourceResult<Vec<Type>> {
        let mut types = vec![self.parse_type()?];
        while self.eat(b',')? {
            types.push(self.parse_type()?);
        }
        Ok(types)
    }

    /// `(T, …) -> T` or `(T, …) -> (T, …)`.
    pub(super) fn parse_function_type(&mut self) -> SourceResult<FunctionType> {
        self.expect(b'(')?;
        let inputs = self.list_until(b')', Self::parse_type)?;
        self.expect_kind(TokenKind::Arrow, "'->'")?;
        let results = self.parse_result_types()?;
        Ok(FunctionType { inputs, results })
    }

    /// What follows the arrow of a function type.
    pub(super) fn parse_result_types(&mut self) -> SourceResult<Vec<Type>> {
        if self.eat(b'(')? {
            return self.list_until(b')', Self::parse_type);
        }
        Ok(vec![self.parse_type()?])
    }

    /// A tensor type.
    pub(super) fn parse_tensor_type(&mut self, expected: &str) -> SourceResult<TensorType> {
        let start = self.token.span;
        match self.parse_type()? {
            Type::Tensor(tensor) => Ok(tensor),
            other => {
                let message = format!("found the type {other}, expected {expected}");
                Err(SourceError::new(self.span_from(start), message))
            }
        }
    }

    fn parse_named_type(&mut self) -> SourceResult<Type> {
        let word = self.lexeme();
        match word {
            "tensor" => self.parse_tensor_body(),
            "tuple" => {
                self.advance()?;
                self.expect(b'<')?;
                Ok(Type::Tuple(self.list_until(b'>', Self::parse_type)?))
            }
            "vector" | "memref" => {
                let start = self.advance()?.span;
                self.take_angle_brackets()?;
                Ok(Type::Other(self.text_of(self.span_from(start))))
            }
            "none" => {
                self.advance()?;
                Ok(Type::Other("none".to_owned()))
            }
            _ => Ok(Type::Scalar(self.parse_scalar()?)),
        }
    }

    /// An element type.
    fn parse_scalar(&mut self) -> SourceResult<Scalar> {
        let start = self.token.span;
        if self.at_kind(TokenKind::Bang) {
            self.advance()?;
            if self.at(b'<') {
                self.take_angle_brackets()?;
            }
            return Ok(Scalar::Other(self.text_of(self.span_from(start))));
        }
        if !self.at_kind(TokenKind::Word) {
            return Err(self.unexpected("an element type such as f32"));
        }
        let word = self.lexeme();
        if word == "complex" {
            self.advance()?;
            self.expect(b'<')?;
            let element = self.nested(Self::parse_scalar)?;
            self.expect(b'>')?;
            return Ok(Scalar::Complex(Box::new(element)));
        }
        let scalar = Scalar::named(word).ok_or_else(|| self.unexpected("a type"))?;
        self.advance()?;
        Ok(scalar)
    }

    /// `!alias` or `!dialect.name<…>`.
    fn parse_dialect_type(&mut self) -> SourceResult<Type> {
        if let Some(alias) = self.type_aliases.get(&self.lexeme()[1..]) {
            let alias = alias.clone();
            self.advance()?;
            return Ok(alias);
        }
        let start = self.advance()?.span;
        if self.at(b'<') {
            self.take_angle_brackets()?;
        }
        Ok(Type::Other(self.text_of(self.span_from(start))))
    }

    /// `tensor<…>`. The dimensions are read character by character, since `0x8xf32` would
    /// otherwise be a hexadecimal number.
    fn parse_tensor_body(&mut self) -> SourceResult<Type> {
        let start = self.advance()?.span;
        if !self.at(b'<') {
            return Err(self.unexpected("'<'"));
        }
        let (dimensions, position) = self.scan_dimensions(self.token.span.end)?;
        self.seek(position)?;
        if self.at(b'*') {
            self.seek(start.end)?;
            self.take_angle_brackets()?;
            return Ok(Type::Other(self.text_of(self.span_from(start))));
        }
        let element = self.parse_scalar()?;
        let encoding = if self.eat(b',')? { Some(self.take_encoding()?) } else { None };
        if !self.at(b'>') {
            return Err(self.unexpected("'>' at the end of the tensor type"));
        }
        self.advance()?;
        Ok(Type::Tensor(TensorType { dimensions, element, encoding }))
    }

    /// The sizes before the element type, and where they end.
    fn scan_dimensions(&self, mut at: usize) -> SourceResult<(Vec<Option<u64>>, usize)> {
        let bytes = self.text.as_bytes();
        let mut dimensions = Vec::new();
        loop {
            while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
                at += 1;
            }
            let start = at;
            if bytes.get(at) == Some(&b'?') {
                at += 1;
                dimensions.push(None);
            } else if bytes.get(at).is_some_and(u8::is_ascii_digit) {
                while bytes.get(at).is_some_and(u8::is_ascii_digit) {
                    at += 1;
                }
                // Sizes are signed 64-bit numbers in MLIR.
                let size = self.text[start..at].parse::<i64>().ok();
                let size = size.and_then(|size| u64::try_from(size).ok()).ok_or_else(|| {
                    SourceError::new(Span::new(start, at), "this dimension is too large")
                })?;
                dimensions.push(Some(size));
            } else {
                return Ok((dimensions, at));
            }
            if bytes.get(at) != Some(&b'x') {
                let span = Span::new(start, at);
                return Err(SourceError::new(span, "expected 'x' after this dimension"));
            }
            at += 1;
        }
    }

    /// The text of a tensor's encoding attribute; its `>` is not taken.
    fn take_encoding(&mut self) -> SourceResult<String> {
        let start = self.token.span;
        let end = self.matching_bracket(start.start, b'>')?;
        self.seek(end)?;
        Ok(self.text[start.start..end].trim().to_owned())
    }

    /// `<…>` with whatever is inside.
    pub(super) fn take_angle_brackets(&mut self) -> SourceResult<Span> {
        if !self.at(b'<') {
            return Err(self.unexpected("'<'"));
        }
        let start = self.token.span.end;
        let end = self.matching_bracket(start, b'>')?;
        self.seek(end + 1)?;
        Ok(Span::new(start, end))
    }

    /// The position of the bracket that closes what was opened before `start`. Strings and arrows
    /// hide brackets.
    fn matching_bracket(&self, start: usize, close: u8) -> SourceResult<usize> {
        let mut open = vec![close];
        let mut at = start;
        let bytes = self.text.as_bytes();
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    at = lexer::string_end(bytes, at)?;
                    continue;
                }
                b'-' if bytes.get(at + 1) == Some(&b'>') => at += 1,
                b'(' => open.push(b')'),
                b'[' => open.push(b']'),
                b'{' => open.push(b'}'),
                b'<' => open.push(b'>'),
                b')' | b']' | b'}' | b'>' => {
                    if open.pop() != Some(byte) {
                        let message = format!("unbalanced '{}'", char::from(byte));
                        return Err(SourceError::new(Span::new(at, at + 1), message));
                    }
                    if open.is_empty() {
                        return Ok(at);
                    }
                }
                _ => {}
            }
            at += 1;
        }
        let span = Span::new(start.saturating_sub(1), start);
        let message = format!("no '{}' closes this bracket", char::from(close));
        Err(SourceError::new(span, message))
    }

    pub(super) fn text_of(&self, span: Span) -> String {
        self.text[span.start..span.end].to_owned()
    }
}
