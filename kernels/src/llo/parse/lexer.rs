//! Lines of LLO -> tokens with their columns.

use super::ParseError;
use crate::llo::{M, S, V, Value};

/// The smallest pieces of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Letters, digits, `_` and `.`, not beginning with a digit.
    Word(String),
    /// A decimal or hexadecimal number.
    Number(i64),
    /// A quoted text, unescaped.
    Quoted(String),
    /// `%` and the name of a value.
    Value(Value),
    /// One of [`MARKS`].
    Mark(&'static str),
}

const MARKS: [&str; 11] = ["->", "..", ",", "=", ":", "(", ")", "{", "}", "+", "#"];

/// A line, and how far it is read.
pub(super) struct Line {
    tokens: Vec<(usize, String, Token)>,
    number: usize,
    /// The column after the last character.
    end: usize,
    pub(super) next: usize,
}

impl Line {
    /// Reads the tokens of a line.
    pub(super) fn lex(number: usize, text: &str) -> Result<Self, ParseError> {
        let mut line = Self { tokens: Vec::new(), number, end: text.chars().count() + 1, next: 0 };
        let mut rest = text.trim_start();
        while !rest.is_empty() && !rest.starts_with("//") {
            let column = line.end - rest.chars().count();
            let (token, length) = token(rest).map_err(|(found, expected)| ParseError {
                line: number,
                column,
                found,
                expected: expected.to_owned(),
            })?;
            line.tokens.push((column, rest[..length].to_owned(), token));
            rest = rest[length..].trim_start();
        }
        Ok(line)
    }

    /// Whether there is nothing on it.
    pub(super) fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The next token.
    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, _, token)| token)
    }

    /// Whether a token stands anywhere after the next ones.
    pub(super) fn has_mark(&self, mark: &'static str) -> bool {
        self.tokens[self.next..].iter().any(|(_, _, token)| *token == Token::Mark(mark))
    }

    /// The error that something else was expected here.
    pub(super) fn error(&self, expected: impl Into<String>) -> ParseError {
        let here = self.tokens.get(self.next);
        let found =
            here.map_or("the end of the line".to_owned(), |(_, text, _)| format!("`{text}`"));
        let column = here.map_or(self.end, |(column, _, _)| *column);
        ParseError { line: self.number, column, found, expected: expected.into() }
    }

    /// The error that something else was expected one token before.
    pub(super) fn error_before(&mut self, expected: impl Into<String>) -> ParseError {
        self.next = self.next.saturating_sub(1);
        self.error(expected)
    }

    /// Steps over `mark` if it stands here.
    pub(super) fn accept(&mut self, mark: &'static str) -> bool {
        let is_here = self.peek() == Some(&Token::Mark(mark));
        self.next += usize::from(is_here);
        is_here
    }

    /// Steps over `mark`.
    pub(super) fn mark(&mut self, mark: &'static str) -> Result<(), ParseError> {
        if self.accept(mark) { Ok(()) } else { Err(self.error(format!("`{mark}`"))) }
    }

    /// Steps over `keyword` if it stands here.
    pub(super) fn accept_word(&mut self, keyword: &str) -> bool {
        let is_here = matches!(self.peek(), Some(Token::Word(word)) if word == keyword);
        self.next += usize::from(is_here);
        is_here
    }

    /// Steps over `keyword`.
    pub(super) fn keyword(&mut self, keyword: &str) -> Result<(), ParseError> {
        if self.accept_word(keyword) { Ok(()) } else { Err(self.error(format!("`{keyword}`"))) }
    }

    /// A word.
    pub(super) fn word(&mut self, expected: &str) -> Result<String, ParseError> {
        let Some(Token::Word(word)) = self.peek() else { return Err(self.error(expected)) };
        let word = word.clone();
        self.next += 1;
        Ok(word)
    }

    /// A word or a quoted text.
    pub(super) fn name(&mut self) -> Result<String, ParseError> {
        let Some(Token::Word(name) | Token::Quoted(name)) = self.peek() else {
            return Err(self.error("a name"));
        };
        let name = name.clone();
        self.next += 1;
        Ok(name)
    }

    /// A number that `T` holds.
    pub(super) fn number<T: TryFrom<i64>>(&mut self, what: &str) -> Result<T, ParseError> {
        let bits = 8 * size_of::<T>();
        let number = match self.peek() {
            Some(Token::Number(number)) => T::try_from(*number).ok(),
            _ => None,
        };
        let number = number.ok_or_else(|| self.error(format!("{what} in {bits} bits")))?;
        self.next += 1;
        Ok(number)
    }

    /// A value of any class.
    pub(super) fn value(&mut self, expected: &str) -> Result<Value, ParseError> {
        let Some(Token::Value(value)) = self.peek() else { return Err(self.error(expected)) };
        let value = *value;
        self.next += 1;
        Ok(value)
    }

    /// A scalar.
    pub(super) fn scalar(&mut self) -> Result<S, ParseError> {
        let expected = "a scalar like `%s0`";
        match self.value(expected)? {
            Value::S(s) => Ok(s),
            Value::V(_) | Value::M(_) => Err(self.error_before(expected)),
        }
    }

    /// Nothing more.
    pub(super) fn end(&self) -> Result<(), ParseError> {
        if self.peek().is_none() { Ok(()) } else { Err(self.error("the end of the line")) }
    }
}

fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

/// What was found instead of a token, and what is allowed.
type Wrong = (String, &'static str);

/// The token that `text` begins with, and its length in bytes.
fn token(text: &str) -> Result<(Token, usize), Wrong> {
    if let Some(mark) = MARKS.into_iter().find(|mark| text.starts_with(mark)) {
        return Ok((Token::Mark(mark), mark.len()));
    }
    let first = text.chars().next().unwrap_or(' ');
    if first == '"' {
        return quoted(text);
    }
    let sign = usize::from(matches!(first, '-' | '%'));
    let is_number = text[sign..].starts_with(|c: char| c.is_ascii_digit());
    let ends = |c: char| if is_number { !c.is_ascii_alphanumeric() } else { !in_word(c) };
    let length = sign + text[sign..].find(ends).unwrap_or(text.len() - sign);
    let word = &text[..length];
    let expected = "a word, a number, a value, a quoted text or one of `-> .. , = : ( ) { } + #`";
    let token = match first {
        '%' => value(&word[1..]).map(Token::Value),
        _ if is_number => number(word).map(Token::Number),
        _ if in_word(first) && first != '.' => Some(Token::Word(word.to_owned())),
        _ => None,
    };
    let shown = if length == 0 { first.to_string() } else { word.to_owned() };
    token.map(|token| (token, length)).ok_or_else(|| (format!("`{shown}`"), expected))
}

fn value(name: &str) -> Option<Value> {
    let digits = name.get(1..)?;
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let number =
        digits.parse().ok().filter(|_| is_plain && (digits == "0" || !digits.starts_with('0')))?;
    match name.chars().next()? {
        'v' => Some(Value::V(V(number))),
        's' => Some(Value::S(S(number))),
        'm' => Some(Value::M(M(number))),
        _ => None,
    }
}

/// A decimal or hexadecimal number of at most 32 bits and a sign.
fn number(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let magnitude = match digits.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(sign * i64::from(magnitude))
}

/// A text in quotes with the escapes `\"`, `\\` and `\u{hex}`.
fn quoted(text: &str) -> Result<(Token, usize), Wrong> {
    let mut result = String::new();
    let mut rest = &text[1..];
    loop {
        let Some(c) = rest.chars().next() else {
            return Err(("the end of the line".to_owned(), "a closing `\"`"));
        };
        rest = &rest[c.len_utf8()..];
        match c {
            '"' => return Ok((Token::Quoted(result), text.len() - rest.len())),
            '\\' => {
                let (c, length) = escape(rest).ok_or_else(|| {
                    ("`\\`".to_owned(), r#"one of the escapes \", \\ and \u{hex}"#)
                })?;
                result.push(c);
                rest = &rest[length..];
            }
            _ => result.push(c),
        }
    }
}

/// The character that an escape stands for, and its length without the backslash.
fn escape(rest: &str) -> Option<(char, usize)> {
    if let Some(c @ ('"' | '\\')) = rest.chars().next() {
        return Some((c, 1));
    }
    let (hex, _) = rest.strip_prefix("u{")?.split_once('}')?;
    let c = char::from_u32(u32::from_str_radix(hex, 16).ok()?)?;
    Some((c, "u{}".len() + hex.len()))
}
