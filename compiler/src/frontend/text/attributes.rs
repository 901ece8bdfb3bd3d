//! Attributes: numbers, strings, arrays, dictionaries, dense literals and dialect attributes.

use super::lexer::{self, TokenKind};
use super::parser::{Parser, parse_magnitude};
use crate::frontend::source::{SourceError, SourceResult, Span};
use crate::frontend::syntax::{Attribute, FloatKind, FloatValue, NamedAttribute, Scalar, Type};

/// Dialect attributes that are lists of fields; other bodies stay text.
const STRUCT_ATTRIBUTES: [&str; 7] = [
    "channel_handle",
    "dot",
    "dot_algorithm",
    "gather",
    "output_operand_alias",
    "result_accuracy",
    "scatter",
];

impl Parser<'_> {
    /// `{key = value, unit, "quoted" = value}`, if there is one.
    pub(super) fn parse_optional_dictionary(&mut self) -> SourceResult<Vec<NamedAttribute>> {
        if self.at(b'{') { self.parse_dictionary() } else { Ok(Vec::new()) }
    }

    /// `{key = value, unit, "quoted" = value}`.
    pub(super) fn parse_dictionary(&mut self) -> SourceResult<Vec<NamedAttribute>> {
        self.expect(b'{')?;
        let attributes = self.list_until(b'}', Self::parse_named_attribute)?;
        for (index, attribute) in attributes.iter().enumerate() {
            if attributes[..index].iter().any(|earlier| earlier.name == attribute.name) {
                let message = format!("the attribute '{}' is given twice", attribute.name);
                return Err(SourceError::new(attribute.span, message));
            }
        }
        Ok(attributes)
    }

    fn parse_named_attribute(&mut self) -> SourceResult<NamedAttribute> {
        let start = self.token.span;
        let name = match self.token.kind {
            TokenKind::String => self.expect_string("an attribute name")?,
            _ => self.expect_name("an attribute name")?.to_owned(),
        };
        if !self.eat(b'=')? {
            return Ok(NamedAttribute { name, value: Attribute::Unit, span: start });
        }
        let start = self.token.span;
        let value = self.parse_attribute()?;
        Ok(NamedAttribute { name, value, span: self.span_from(start) })
    }

    /// Any attribute.
    pub(super) fn parse_attribute(&mut self) -> SourceResult<Attribute> {
        self.nested(|parser| match parser.token.kind {
            TokenKind::String => {
                let value = parser.expect_string("a string")?;
                if parser.eat(b':')? {
                    parser.parse_type()?;
                }
                Ok(Attribute::String(value))
            }
            TokenKind::Integer | TokenKind::Float | TokenKind::Punctuation(b'-') => {
                parser.parse_number()
            }
            TokenKind::Symbol => Ok(Attribute::Symbol(parser.expect_symbol()?)),
            TokenKind::Hash => parser.parse_dialect_attribute(),
            TokenKind::Punctuation(b'[') => {
                parser.advance()?;
                Ok(Attribute::Array(parser.list_until(b']', Self::parse_attribute)?))
            }
            TokenKind::Punctuation(b'{') => Ok(Attribute::Dictionary(parser.parse_dictionary()?)),
            TokenKind::Word => parser.parse_word_attribute(),
            TokenKind::Bang | TokenKind::Punctuation(b'(') => {
                Ok(Attribute::Type(parser.parse_type()?))
            }
            _ => Err(parser.unexpected("an attribute")),
        })
    }

    fn parse_word_attribute(&mut self) -> SourceResult<Attribute> {
        let start = self.token.span;
        match self.lexeme() {
            "true" => self.advance().map(|_| Attribute::Bool(true)),
            "false" => self.advance().map(|_| Attribute::Bool(false)),
            "unit" => self.advance().map(|_| Attribute::Unit),
            "dense" => Ok(Attribute::Dense(self.parse_dense()?)),
            "dense_resource" => self.parse_dense_resource(),
            "array" => self.parse_array(),
            "loc" => {
                self.parse_location()?;
                Ok(Attribute::Other(self.text_of(self.span_from(start))))
            }
            "affine_map" | "affine_set" | "strided" | "opaque" | "sparse" => {
                self.advance()?;
                self.take_angle_brackets()?;
                if self.eat(b':')? {
                    self.parse_type()?;
                }
                Ok(Attribute::Other(self.text_of(self.span_from(start))))
            }
            _ => Ok(Attribute::Type(self.parse_type()?)),
        }
    }

    /// A number with an optional type.
    fn parse_number(&mut self) -> SourceResult<Attribute> {
        let start = self.token.span;
        let negative = self.eat(b'-')?;
        let kind = self.token.kind;
        let lexeme = self.lexeme();
        if !matches!(kind, TokenKind::Integer | TokenKind::Float) {
            return Err(self.unexpected("a number"));
        }
        self.advance()?;
        let span = self.span_from(start);
        let declared = if self.eat(b':')? { Some(self.parse_number_type()?) } else { None };
        let too_large = || SourceError::new(span, format!("{lexeme} is too large"));
        if kind == TokenKind::Float {
            let value: f64 = lexeme.parse().map_err(|_| too_large())?;
            let value = FloatValue::Decimal(if negative { -value } else { value });
            return Ok(Attribute::Float(value, declared.unwrap_or(Scalar::Float(FloatKind::F64))));
        }
        let magnitude = parse_magnitude(lexeme).ok_or_else(too_large)?;
        if let Some(scalar @ Scalar::Float(_)) = declared {
            // Integers of a float type are its bits.
            let bits = u64::try_from(magnitude).map_err(|_| too_large())?;
            return Ok(Attribute::Float(FloatValue::Bits(bits), scalar));
        }
        let value = i128::try_from(magnitude).map_err(|_| too_large())?;
        let value = if negative { -value } else { value };
        Ok(Attribute::Integer(value, declared.unwrap_or(Scalar::integer(64))))
    }

    fn parse_number_type(&mut self) -> SourceResult<Scalar> {
        let start = self.token.span;
        match self.parse_type()? {
            Type::Scalar(scalar) => Ok(scalar),
            other => {
                let message = format!("found the type {other}, expected the type of a number");
                Err(SourceError::new(self.span_from(start), message))
            }
        }
    }

    /// `array<i64: 1, 2>`.
    fn parse_array(&mut self) -> SourceResult<Attribute> {
        self.advance()?;
        self.expect(b'<')?;
        let element = self.parse_number_type()?;
        let is_bool = element == Scalar::integer(1);
        if !is_bool && !matches!(element, Scalar::Integer { .. }) {
            let start = self.token.span;
            let end = self.skip_to_angle_bracket(start.start)?;
            return Ok(Attribute::Other(self.text[start.start..end].to_owned()));
        }
        if !self.eat(b':')? {
            self.expect(b'>')?;
            let empty = if is_bool {
                Attribute::BoolArray(Vec::new())
            } else {
                Attribute::IntegerArray(Vec::new())
            };
            return Ok(empty);
        }
        if is_bool {
            return Ok(Attribute::BoolArray(self.list_until(b'>', Self::parse_bool)?));
        }
        Ok(Attribute::IntegerArray(
            self.list_until(b'>', |parser| parser.expect_integer("a 64-bit integer"))?,
        ))
    }

    pub(super) fn parse_bool(&mut self) -> SourceResult<bool> {
        if self.eat_word("true")? {
            return Ok(true);
        }
        self.expect_word("false").map(|()| false).map_err(|_| self.unexpected("true or false"))
    }

    /// `[1, 2]`: the pretty spelling of an integer array. Old files write a dense tensor.
    pub(super) fn parse_integers(&mut self) -> SourceResult<Vec<i64>> {
        let start = self.token.span;
        if self.at_word("dense") || self.at_word("array") {
            let value = self.parse_attribute()?;
            let span = self.span_from(start);
            return value
                .as_integers()
                .ok_or_else(|| SourceError::new(span, "expected a list of integers"));
        }
        if !self.eat(b'[')? {
            return Err(self.unexpected("a list of integers such as [0, 1]"));
        }
        self.list_until(b']', |parser| parser.expect_integer("a 64-bit integer"))
    }

    /// `#alias`, `#dialect<name VALUE>`, `#dialect.name<…>`.
    fn parse_dialect_attribute(&mut self) -> SourceResult<Attribute> {
        let start = self.token.span;
        let name = &self.lexeme()[1..];
        if let Some(alias) = self.attribute_aliases.get(name) {
            let alias = alias.clone();
            self.advance()?;
            return Ok(alias);
        }
        self.advance()?;
        let (dialect, attribute) = match name.split_once('.') {
            Some((dialect, attribute)) => (dialect, Some(attribute)),
            None => (name, None),
        };
        let is_ours = matches!(dialect, "stablehlo" | "mhlo" | "vhlo" | "chlo");
        let dialect = if dialect == "mhlo" { "stablehlo" } else { dialect }.to_owned();
        match attribute {
            Some(attribute) if is_ours && STRUCT_ATTRIBUTES.contains(&attribute) => {
                self.expect(b'<')?;
                let fields = self.parse_fields()?;
                Ok(Attribute::Struct { dialect, name: attribute.to_owned(), fields })
            }
            None if !self.at(b'<') => {
                let message = format!("the attribute alias '#{name}' is not defined");
                Err(SourceError::new(start, message))
            }
            _ => {
                let body = if self.at(b'<') { Some(self.take_angle_brackets()?) } else { None };
                let span = self.span_from(start);
                Ok(self.simple_dialect_attribute(dialect, attribute, body, span))
            }
        }
    }

    /// A dialect attribute whose body is one or two words, or text.
    fn simple_dialect_attribute(
        &self,
        dialect: String,
        attribute: Option<&str>,
        body: Option<Span>,
        span: Span,
    ) -> Attribute {
        let body = body.map_or("", |body| self.text[body.start..body.end].trim());
        let pair = match attribute {
            Some(name) => Some((name, body)),
            None => body.split_once(' '),
        };
        if let Some((name, value)) = pair
            && !value.is_empty()
            && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            return Attribute::Enum { dialect, name: name.to_owned(), value: value.to_owned() };
        }
        Attribute::Other(self.text_of(span))
    }

    /// `key = value, …>`: the body of a struct attribute, with its closing bracket.
    pub(super) fn parse_fields(&mut self) -> SourceResult<Vec<NamedAttribute>> {
        self.list_until(b'>', |parser| {
            let name = parser.expect_name("a field name")?.to_owned();
            parser.expect(b'=')?;
            let start = parser.token.span;
            let value = parser.parse_field_value()?;
            Ok(NamedAttribute { name, value, span: parser.span_from(start) })
        })
    }

    /// The value of a field; words that are neither literals nor types are kept as text.
    fn parse_field_value(&mut self) -> SourceResult<Attribute> {
        let word_is_enum = self.at_kind(TokenKind::Word)
            && !matches!(self.lexeme(), "true" | "false" | "dense" | "array" | "unit" | "tensor");
        if word_is_enum {
            let word = self.expect_name("a value")?;
            return Ok(Attribute::Other(word.to_owned()));
        }
        let value = self.parse_attribute()?;
        // `[0, 1]` of a field is what `array<i64: 0, 1>` is elsewhere.
        let is_array = matches!(value, Attribute::Array(_));
        let integers = if is_array { value.as_integers() } else { None };
        Ok(integers.map_or(value, Attribute::IntegerArray))
    }

    /// Moves past the `>` that closes what is open at `start`; gives the bracket's position.
    fn skip_to_angle_bracket(&mut self, start: usize) -> SourceResult<usize> {
        let bytes = self.text.as_bytes();
        let mut at = start;
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'"' => at = lexer::string_end(bytes, at)?,
                b'>' => {
                    self.seek(at + 1)?;
                    return Ok(at);
                }
                _ => at += 1,
            }
        }
        let span = Span::new(start, start);
        Err(SourceError::new(span, "no '>' closes this attribute"))
    }
}
