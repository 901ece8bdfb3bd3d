//! Dense literals: `dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>`.
//!
//! The type follows the value, so the value is first skipped and then read, straight into the
//! bytes of its type. Both passes are linear, and nothing is allocated per element: weights of
//! a hundred megabytes come this way.

use super::lexer::{self, TokenKind, hex_digit};
use super::parser::{Parser, parse_magnitude, shorten};
use crate::frontend::source::{SourceError, SourceResult, Span, counted};
use crate::frontend::syntax::{
    Attribute, Dense, DenseData, FloatKind, Scalar, Signedness, TensorType,
};

impl Parser<'_> {
    /// `dense<…> : tensor<…>`.
    pub(super) fn parse_dense(&mut self) -> SourceResult<Dense> {
        let literal = self.skip_dense()?;
        self.expect(b':')?;
        let tensor = self.parse_tensor_type("the tensor type of a dense literal")?;
        self.read_dense(literal, tensor)
    }

    /// `dense<…>`: the place of what is between the brackets.
    pub(super) fn skip_dense(&mut self) -> SourceResult<Span> {
        self.expect_word("dense")?;
        if !self.at(b'<') {
            return Err(self.unexpected("'<'"));
        }
        let open = self.token.span;
        let end = skip_literal(self.text, open)?;
        self.seek(end + 1)?;
        Ok(Span::new(open.end, end))
    }

    /// Reads a skipped literal as elements of `tensor`.
    pub(super) fn read_dense(&self, literal: Span, tensor: TensorType) -> SourceResult<Dense> {
        let Span { start: at, end } = literal;
        let data = LiteralReader { text: self.text, at, end, tensor: &tensor }.read()?;
        Ok(Dense { tensor, data })
    }

    /// `dense_resource<key> : tensor<…>`.
    pub(super) fn parse_dense_resource(&mut self) -> SourceResult<Attribute> {
        self.advance()?;
        self.expect(b'<')?;
        let key = self.parse_resource_key()?;
        self.expect(b'>')?;
        self.expect(b':')?;
        let tensor = self.parse_tensor_type("the tensor type of a resource")?;
        Ok(Attribute::Resource { key, tensor })
    }

    fn parse_resource_key(&mut self) -> SourceResult<String> {
        if self.at_kind(TokenKind::String) {
            return self.expect_string("a resource key");
        }
        Ok(self.expect_name("a resource key")?.to_owned())
    }

    /// `{-# dialect_resources: { builtin: { key: "0x…" } } #-}`.
    pub(super) fn parse_resources(&mut self) -> SourceResult<()> {
        self.expect_kind(TokenKind::ResourcesOpen, "'{-#'")?;
        while !self.at_kind(TokenKind::ResourcesClose) {
            let section = self.expect_name("a resource section")?;
            self.expect(b':')?;
            self.expect(b'{')?;
            self.list_until(b'}', |parser| {
                let group = parser.expect_name("a dialect's name")?;
                parser.expect(b':')?;
                parser.expect(b'{')?;
                let keep = section == "dialect_resources" && group == "builtin";
                parser.list_until(b'}', |parser| parser.parse_resource(keep))
            })?;
            if !self.at_kind(TokenKind::ResourcesClose) {
                self.eat(b',')?;
            }
        }
        self.advance()?;
        Ok(())
    }

    fn parse_resource(&mut self, keep: bool) -> SourceResult<()> {
        let key = self.parse_resource_key()?;
        self.expect(b':')?;
        if self.at_kind(TokenKind::Word) {
            // Resources of other tools may be booleans; no blob.
            self.parse_bool()?;
            return Ok(());
        }
        let span = self.token.span;
        let quoted = self.expect_kind(TokenKind::String, "a blob such as \"0x…\"")?;
        if !keep {
            return Ok(());
        }
        let bytes = decode_hex(&quoted[1..quoted.len() - 1], span)?;
        // The first four bytes are the alignment.
        let Some(data) = bytes.get(4..) else {
            return Err(SourceError::new(span, "a resource blob starts with four bytes"));
        };
        self.resources.insert(key, data.to_vec());
        Ok(())
    }
}

/// The position of the `>` that closes the literal.
fn skip_literal(text: &str, open: Span) -> SourceResult<usize> {
    let bytes = text.as_bytes();
    let mut at = open.end;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'>' => return Ok(at),
            b'"' => at = lexer::string_end(bytes, at)?,
            b'/' if bytes.get(at + 1) == Some(&b'/') => at = line_end(bytes, at),
            // No literal has these, so the bracket was forgotten.
            b':' | b'<' | b'=' | b'%' | b'{' | b'}' => break,
            _ => at += 1,
        }
    }
    Err(SourceError::new(open, "no '>' closes this dense literal"))
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |length| at + length)
}

/// Reads `text[at..end]` as elements of `tensor`.
struct LiteralReader<'a> {
    text: &'a str,
    at: usize,
    end: usize,
    tensor: &'a TensorType,
}

impl LiteralReader<'_> {
    fn read(mut self) -> SourceResult<DenseData> {
        let whole = Span::new(self.at, self.end);
        let Some(width) = self.tensor.element.byte_width() else {
            return Ok(DenseData::Undecoded);
        };
        let Some(count) = self.tensor.element_count() else {
            let message = format!("a literal cannot have the type {}", self.tensor);
            return Err(SourceError::new(whole, message));
        };
        self.skip_space();
        match self.peek() {
            None if count == 0 => Ok(DenseData::Elements(Vec::new().into())),
            None => Err(SourceError::new(
                whole,
                format!(
                    "this literal is empty, but {} has {}",
                    self.tensor,
                    counted(count, "element"),
                ),
            )),
            Some(b'"') => self.read_hex(count, width),
            Some(b'[') => self.read_nested(),
            Some(_) => {
                let mut bytes = Vec::new();
                self.read_element(&mut bytes)?;
                self.expect_end()?;
                // The splat of one element is the whole.
                let is_whole = count == 1;
                let data = bytes.into();
                Ok(if is_whole { DenseData::Elements(data) } else { DenseData::Splat(data) })
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        (self.at < self.end).then(|| self.text.as_bytes()[self.at])
    }

    fn skip_space(&mut self) {
        let bytes = &self.text.as_bytes()[..self.end];
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b'\t' | b'\r' | b'\n') => self.at += 1,
                Some(b'/') if bytes.get(self.at + 1) == Some(&b'/') => {
                    self.at = line_end(bytes, self.at);
                }
                _ => return,
            }
        }
    }

    fn expect_end(&mut self) -> SourceResult<()> {
        self.skip_space();
        if self.at == self.end {
            return Ok(());
        }
        Err(SourceError::new(
            Span::new(self.at, self.end),
            "expected the end of the dense literal here",
        ))
    }

    /// Lists in lists, without recursion: one counter per open list.
    fn read_nested(&mut self) -> SourceResult<DenseData> {
        let mut bytes = Vec::new();
        let mut counts: Vec<u64> = Vec::new();
        loop {
            self.skip_space();
            if self.peek() == Some(b'[') {
                if counts.len() == self.tensor.dimensions.len() {
                    return Err(self.shape_error("is nested deeper than the rank of"));
                }
                self.at += 1;
                counts.push(0);
                self.skip_space();
                if self.peek() != Some(b']') {
                    continue;
                }
            } else {
                if counts.len() != self.tensor.dimensions.len() {
                    return Err(self.shape_error("is not nested as deep as the rank of"));
                }
                self.read_element(&mut bytes)?;
                self.count_item(&mut counts)?;
            }
            if self.close_lists(&mut counts)? {
                self.expect_end()?;
                return Ok(DenseData::Elements(bytes.into()));
            }
        }
    }

    /// After an item: closes the lists that end here, and takes the comma before the next item.
    /// True at the end of the outermost list.
    fn close_lists(&mut self, counts: &mut Vec<u64>) -> SourceResult<bool> {
        loop {
            self.skip_space();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    return Ok(false);
                }
                Some(b']') => {
                    let expected = self.tensor.dimensions[counts.len() - 1];
                    let found = counts.pop();
                    if found != expected {
                        return Err(self.size_error(found, expected));
                    }
                    self.at += 1;
                    if counts.is_empty() {
                        return Ok(true);
                    }
                    self.count_item(counts)?;
                }
                _ => {
                    let span = Span::new(self.at, self.end.min(self.at + 1));
                    return Err(SourceError::new(span, "expected ',' or ']' in a dense literal"));
                }
            }
        }
    }

    fn count_item(&self, counts: &mut [u64]) -> SourceResult<()> {
        let depth = counts.len() - 1;
        counts[depth] += 1;
        if Some(counts[depth]) > self.tensor.dimensions[depth] {
            return Err(self.shape_error("has more elements than"));
        }
        Ok(())
    }

    /// A list that ends too early.
    fn size_error(&self, found: Option<u64>, expected: Option<u64>) -> SourceError {
        let number = |size: Option<u64>| size.map_or("?".to_owned(), |size| size.to_string());
        let (found, expected) = (number(found), number(expected));
        let message =
            format!("this list has {found} of the {expected} entries that {}", self.tensor);
        let span = Span::new(self.at, self.end.min(self.at + 1));
        SourceError::new(span, format!("{message} needs here"))
    }

    fn shape_error(&self, what: &str) -> SourceError {
        // A caret under one character: what was read so far may be long.
        let span = Span::new(self.at, self.end.min(self.at + 1));
        SourceError::new(span, format!("this dense literal {what} {}", self.tensor))
    }

    /// A number, or both parts of a complex one: `(1.0, -2.0)`.
    fn read_element(&mut self, bytes: &mut Vec<u8>) -> SourceResult<()> {
        let Scalar::Complex(part) = &self.tensor.element else {
            return self.read_number(&self.tensor.element, bytes);
        };
        self.expect_in_complex(b'(')?;
        self.read_number(part, bytes)?;
        self.expect_in_complex(b',')?;
        self.read_number(part, bytes)?;
        self.expect_in_complex(b')')
    }

    fn expect_in_complex(&mut self, wanted: u8) -> SourceResult<()> {
        self.skip_space();
        let found = self.peek() == Some(wanted);
        if !found {
            let span = Span::new(self.at, self.end.min(self.at + 1));
            let message = format!(
                "expected '{}' here: an element of {} is written as (1.0, 2.0)",
                char::from(wanted),
                self.tensor,
            );
            return Err(SourceError::new(span, message));
        }
        self.at += 1;
        self.skip_space();
        Ok(())
    }

    fn read_number(&mut self, element: &Scalar, bytes: &mut Vec<u8>) -> SourceResult<()> {
        let rest = &self.text.as_bytes()[self.at..self.end];
        let is_end =
            |byte: &u8| matches!(byte, b',' | b']' | b'[' | b')' | b' ' | b'\n' | b'\r' | b'\t');
        let length = rest.iter().position(is_end).unwrap_or(rest.len());
        let word = &self.text[self.at..self.at + length];
        let span = Span::new(self.at, self.at + length.max(1));
        write_element(word, element, bytes).map_err(|expected| {
            let found =
                if word.is_empty() { "nothing".to_owned() } else { format!("'{}'", shorten(word)) };
            SourceError::new(span, format!("found {found}, expected {expected}"))
        })?;
        self.at += length;
        Ok(())
    }

    /// `"0x…"`: the raw little-endian data.
    fn read_hex(&mut self, count: usize, width: usize) -> SourceResult<DenseData> {
        let start = self.at;
        let end = lexer::string_end(self.text.as_bytes(), start)?;
        let span = Span::new(start, end);
        let bytes = decode_hex(&self.text[start + 1..end - 1], span)?;
        self.at = end;
        self.expect_end()?;
        let given = bytes.len();
        let data = if self.tensor.element == Scalar::integer(1) {
            unpack_bools(bytes, count)
        } else if given == width && count != 1 {
            Some(DenseData::Splat(bytes.into()))
        } else {
            (Some(given) == count.checked_mul(width)).then(|| DenseData::Elements(bytes.into()))
        };
        data.ok_or_else(|| {
            SourceError::new(
                span,
                format!(
                    "this literal has {} of data, but {} needs {}",
                    counted(given, "byte"),
                    self.tensor,
                    count.saturating_mul(width),
                ),
            )
        })
    }
}

/// One byte is a splat; one byte per element; or packed bits, lowest first (older printers).
fn unpack_bools(bytes: Vec<u8>, count: usize) -> Option<DenseData> {
    let as_bool = |byte: u8| u8::from(byte != 0);
    if let [byte] = bytes[..]
        && count != 1
    {
        return Some(DenseData::Splat(vec![as_bool(byte)].into()));
    }
    if bytes.len() == count {
        let bools: Vec<u8> = bytes.into_iter().map(as_bool).collect();
        return Some(DenseData::Elements(bools.into()));
    }
    let bit = |index: usize| bytes[index / 8] >> (index % 8) & 1;
    let bits = || (0..count).map(bit).collect::<Vec<u8>>();
    (bytes.len() == count.div_ceil(8)).then(|| DenseData::Elements(bits().into()))
}

/// The bytes of `0x…`.
fn decode_hex(text: &str, span: Span) -> SourceResult<Vec<u8>> {
    let digits = text.strip_prefix("0x").map(str::as_bytes);
    let bytes = digits.filter(|digits| digits.len() % 2 == 0).and_then(|digits| {
        digits
            .chunks_exact(2)
            .map(|pair| Some(hex_digit(pair[0])? << 4 | hex_digit(pair[1])?))
            .collect()
    });
    bytes.ok_or_else(|| {
        SourceError::new(span, "expected raw data: \"0x\" and an even number of hexadecimal digits")
    })
}

/// Appends one element; the error says what was expected.
fn write_element(word: &str, element: &Scalar, bytes: &mut Vec<u8>) -> Result<(), String> {
    match element {
        Scalar::Float(kind) => {
            write_float(word, *kind, bytes).ok_or_else(|| format!("an {element} such as 1.5"))
        }
        Scalar::Integer { width, signedness } => {
            let value = read_integer(word, *width, *signedness);
            let value = value.ok_or_else(|| match (*width, word) {
                (1, _) => "true or false".to_owned(),
                _ => format!("an integer of type {element}"),
            })?;
            let value = if *width == 1 { value & 1 } else { value };
            let width = element.byte_width().unwrap_or(8);
            bytes.extend_from_slice(&value.to_le_bytes()[..width]);
            Ok(())
        }
        Scalar::Index => {
            let value = read_integer(word, 64, Signedness::Signed);
            let value = value.ok_or_else(|| "an index".to_owned())?;
            bytes.extend_from_slice(&value.to_le_bytes());
            Ok(())
        }
        Scalar::Complex(_) | Scalar::Other(_) => Err(format!("no literal of type {element}")),
    }
}

/// The two's complement of an integer that fits `width` bits. Signless types take both the
/// signed and the unsigned range.
fn read_integer(word: &str, width: u32, signedness: Signedness) -> Option<u64> {
    match word {
        "true" => return (width == 1).then_some(1),
        "false" => return (width == 1).then_some(0),
        _ => {}
    }
    let (negative, digits) = match word.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, word),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let magnitude = u64::try_from(parse_magnitude(digits)?).ok()?;
    let half = 1u64 << (width - 1);
    if negative {
        let fits = magnitude <= half && (signedness != Signedness::Unsigned || magnitude == 0);
        return fits.then(|| magnitude.wrapping_neg());
    }
    let limit = if signedness == Signedness::Signed { half - 1 } else { half - 1 + half };
    (magnitude <= limit).then_some(magnitude)
}

/// Decimal numbers are rounded to `f64` and then to the type, as MLIR does; `0x…` are bits.
fn write_float(word: &str, kind: FloatKind, bytes: &mut Vec<u8>) -> Option<()> {
    if let Some(digits) = word.strip_prefix("0x") {
        return write_float_bits(u64::from_str_radix(digits, 16).ok()?, kind, bytes);
    }
    let digits = word.strip_prefix('-').unwrap_or(word);
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
    if !is_number {
        return None;
    }
    write_float_value(word.parse().ok()?, kind, bytes);
    Some(())
}

fn write_float_bits(bits: u64, kind: FloatKind, bytes: &mut Vec<u8>) -> Option<()> {
    let width = match kind {
        FloatKind::Bf16 | FloatKind::F16 => 2,
        FloatKind::F32 => 4,
        FloatKind::F64 => 8,
        FloatKind::Narrow(narrow) => {
            let fits = bits >> narrow.bit_width() == 0;
            bytes.extend(fits.then(|| bits.to_le_bytes()[0]));
            return fits.then_some(());
        }
    };
    let fits = width == 8 || bits >> (8 * width) == 0;
    fits.then(|| bytes.extend_from_slice(&bits.to_le_bytes()[..width]))
}

fn write_float_value(value: f64, kind: FloatKind, bytes: &mut Vec<u8>) {
    match kind {
        FloatKind::Bf16 => bytes.extend_from_slice(&half::bf16::from_f64(value).to_le_bytes()),
        FloatKind::F16 => bytes.extend_from_slice(&half::f16::from_f64(value).to_le_bytes()),
        #[expect(clippy::cast_possible_truncation, reason = "rounding to nearest is meant")]
        FloatKind::F32 => bytes.extend_from_slice(&(value as f32).to_le_bytes()),
        FloatKind::F64 => bytes.extend_from_slice(&value.to_le_bytes()),
        FloatKind::Narrow(narrow) => {
            let format = narrow.float_format();
            bytes.extend(format.map(|format| format.encode(value).to_le_bytes()[0]));
        }
    }
}
