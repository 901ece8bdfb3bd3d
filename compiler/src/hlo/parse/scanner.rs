//! A cursor over HLO text: characters, words, numbers, strings, with errors that point.

use std::ops::Range;
use std::str::FromStr;

use crate::diagnostic::{Diagnostic, SourceText};

/// A position in a text, and the end up to which it may go.
#[derive(Clone, Debug)]
pub(crate) struct Scanner<'a> {
    source: SourceText<'a>,
    position: usize,
    end: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn new(source: SourceText<'a>) -> Self {
        Self { source, position: 0, end: source.text().len() }
    }

    /// A scanner of a part of the same text.
    pub(crate) fn within(&self, range: Range<usize>) -> Self {
        Self { source: self.source, position: range.start, end: range.end }
    }

    pub(crate) fn source(&self) -> SourceText<'a> {
        self.source
    }

    pub(crate) fn position(&self) -> usize {
        self.position
    }

    /// What is left, spaces included.
    pub(crate) fn rest(&self) -> &'a str {
        &self.source.text()[self.position..self.end]
    }

    /// Steps over spaces, line ends and comments.
    pub(crate) fn skip_blank(&mut self) -> Result<(), Diagnostic> {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            self.position += blank;
            let rest = self.rest();
            if rest.starts_with("//") {
                self.position += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                let Some(length) = rest.find("*/") else {
                    let span = self.position..self.position + 2;
                    return Err(self.error_at(span, "this comment has no end"));
                };
                self.position += length + 2;
            } else {
                return Ok(());
            }
        }
    }

    /// The next character after blanks.
    pub(crate) fn peek(&mut self) -> Result<Option<char>, Diagnostic> {
        self.skip_blank()?;
        Ok(self.rest().chars().next())
    }

    /// Steps over `text` if it comes next.
    pub(crate) fn eat(&mut self, text: &str) -> Result<bool, Diagnostic> {
        self.skip_blank()?;
        Ok(self.eat_here(text))
    }

    /// Steps over `text` if it comes next without blanks.
    pub(crate) fn eat_here(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.position += if found { text.len() } else { 0 };
        found
    }

    /// Steps over `text`.
    pub(crate) fn expect(&mut self, text: &str) -> Result<(), Diagnostic> {
        if self.eat(text)? { Ok(()) } else { Err(self.expected(&format!("`{text}`"))) }
    }

    /// Fails unless nothing is left.
    pub(crate) fn expect_end(&mut self) -> Result<(), Diagnostic> {
        self.skip_blank()?;
        if self.position == self.end { Ok(()) } else { Err(self.expected("the end")) }
    }

    /// A name or keyword: letters, digits, `_`, `.`, `-`, not starting with a digit or `-`.
    pub(crate) fn word(&mut self, what: &str) -> Result<(&'a str, Range<usize>), Diagnostic> {
        self.skip_blank()?;
        let rest = self.rest();
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        let mut length = rest.find(|c| !legal(c)).unwrap_or(rest.len());
        // `a->b` is a name and an arrow.
        if rest[..length].ends_with('-') && rest[length..].starts_with('>') {
            length -= 1;
        }
        let first =
            rest.chars().next().filter(|c| c.is_ascii_alphabetic() || matches!(c, '_' | '.'));
        if length == 0 || first.is_none() {
            return Err(self.expected(what));
        }
        let span = self.position..self.position + length;
        self.position = span.end;
        Ok((&self.source.text()[span.clone()], span))
    }

    /// A name, with or without `%`.
    pub(crate) fn name(&mut self, what: &str) -> Result<(&'a str, Range<usize>), Diagnostic> {
        let sigil = self.eat("%")?;
        if sigil && self.rest().starts_with(char::is_whitespace) {
            return Err(self.expected(what));
        }
        self.word(what)
    }

    /// A number without fraction.
    pub(crate) fn integer<T: FromStr>(&mut self, what: &str) -> Result<T, Diagnostic> {
        self.skip_blank()?;
        let rest = self.rest();
        let sign = usize::from(rest.starts_with('-'));
        let digits = rest[sign..].find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len() - sign);
        if digits == 0 {
            return Err(self.expected(what));
        }
        let span = self.position..self.position + sign + digits;
        let text = &self.source.text()[span.clone()];
        let value = text.parse();
        let value = value.map_err(|_| self.error_at(span.clone(), format!("{text} is no {what}")));
        self.position = span.end;
        value
    }

    /// `open item, item, .. close`, possibly empty.
    pub(crate) fn list<T>(
        &mut self,
        [open, close]: [&str; 2],
        mut item: impl FnMut(&mut Self) -> Result<T, Diagnostic>,
    ) -> Result<Vec<T>, Diagnostic> {
        self.expect(open)?;
        let mut items = Vec::new();
        if self.eat(close)? {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.eat(close)? {
                return Ok(items);
            }
            if !self.eat(",")? {
                return Err(self.expected(&format!("`,` or `{close}`")));
            }
        }
    }

    /// `{1,2}`.
    pub(crate) fn dimension_list(&mut self) -> Result<Vec<usize>, Diagnostic> {
        self.list(["{", "}"], |scanner| scanner.integer("dimension"))
    }

    /// A quoted string with escapes.
    pub(crate) fn string(&mut self) -> Result<String, Diagnostic> {
        self.skip_blank()?;
        let start = self.position;
        if !self.eat_here("\"") {
            return Err(self.expected("a string"));
        }
        let mut bytes = Vec::new();
        let mut rest = self.rest().bytes();
        let unterminated = |scanner: &Self| {
            scanner.error_at(start..start + 1, "this string has no end on its line")
        };
        loop {
            match rest.next() {
                None | Some(b'\n') => return Err(unterminated(self)),
                Some(b'"') => break,
                Some(b'\\') => {
                    let at = self.end - rest.len() - 1;
                    let byte = escaped(&mut rest)
                        .ok_or_else(|| self.error_at(at..at + 2, "this is no escape sequence"))?;
                    bytes.push(byte);
                }
                Some(byte) => bytes.push(byte),
            }
        }
        self.position = self.end - rest.len();
        String::from_utf8(bytes)
            .map_err(|_| self.error_at(start..self.position, "this string is not UTF-8"))
    }

    /// Steps over a value up to the `,` or blank that ends it; brackets and strings are balanced.
    pub(crate) fn skip_value(&mut self) -> Result<Range<usize>, Diagnostic> {
        self.skip_blank()?;
        let start = self.position;
        let mut open = Vec::new();
        while let Some(c) = self.rest().chars().next() {
            match c {
                '{' => open.push('}'),
                '(' => open.push(')'),
                '[' => open.push(']'),
                '}' | ')' | ']' if open.is_empty() => break,
                '}' | ')' | ']' => {
                    let expected = open.pop();
                    if expected != Some(c) {
                        let expected = expected.unwrap_or(' ');
                        return Err(self.expected(&format!("`{expected}`")));
                    }
                }
                '"' => {
                    self.string()?;
                    continue;
                }
                ',' if open.is_empty() => break,
                c if c.is_whitespace() && open.is_empty() => break,
                _ => {}
            }
            self.position += c.len_utf8();
        }
        if let Some(close) = open.pop() {
            return Err(self.error_at(start..start + 1, format!("`{close}` is missing for this")));
        }
        if self.position == start {
            return Err(self.expected("a value"));
        }
        Ok(start..self.position)
    }

    /// An error that says what was expected and what is there.
    pub(crate) fn expected(&self, what: &str) -> Diagnostic {
        let rest = self.rest();
        let blank = rest.len() - rest.trim_start().len();
        let found = rest.trim_start();
        let end = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '%'));
        let length = found.find(end).unwrap_or(found.len());
        let length =
            if length == 0 { found.chars().next().map_or(0, char::len_utf8) } else { length };
        let start = self.position + blank;
        let found = match &found[..length] {
            "" => "the end of the text".to_owned(),
            token => format!("`{}`", token.chars().take(40).collect::<String>()),
        };
        self.error_at(start..start + length, format!("expected {what}, found {found}"))
    }

    pub(crate) fn error_at(&self, span: Range<usize>, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(message).with_code("hlo-syntax").at(self.source, span)
    }
}

/// The byte that an escape sequence means, after its backslash.
fn escaped(rest: &mut std::str::Bytes<'_>) -> Option<u8> {
    let digit =
        |byte: u8, radix| char::from(byte).to_digit(radix).and_then(|d| u8::try_from(d).ok());
    match rest.next()? {
        b'n' => Some(b'\n'),
        b't' => Some(b'\t'),
        b'r' => Some(b'\r'),
        same @ (b'"' | b'\\' | b'\'') => Some(same),
        b'x' => Some(digit(rest.next()?, 16)? * 16 + digit(rest.next()?, 16)?),
        first @ b'0'..=b'3' => {
            let (second, third) = (digit(rest.next()?, 8)?, digit(rest.next()?, 8)?);
            Some((first - b'0') * 64 + second * 8 + third)
        }
        _ => None,
    }
}
