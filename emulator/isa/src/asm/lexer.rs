//! Lines of assembly -> tokens with their columns.

use super::ParseError;

/// The smallest pieces of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Letters, digits, `_` and `.`, not beginning with a digit.
    Word(String),
    /// A decimal or hexadecimal number, as written.
    Number(String),
    /// A quoted text, unescaped.
    Quoted(String),
    /// One of `, ; = : ( ) ->`.
    Mark(&'static str),
}

impl Token {
    /// The token as an error message shows it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Word(text) | Self::Number(text) => format!("`{text}`"),
            Self::Quoted(text) => format!("{text:?}"),
            Self::Mark(mark) => format!("`{mark}`"),
        }
    }
}

/// A token and its column, from 1.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) token: Token,
    pub(super) column: usize,
}

const MARKS: [&str; 7] = [",", ";", "=", ":", "(", ")", "->"];

/// The tokens of one line.
pub(super) fn lex_line(line: usize, text: &str) -> Result<Vec<Placed>, ParseError> {
    let mut lexer = Lexer { line, rest: text, column: 1 };
    let mut tokens = Vec::new();
    loop {
        let blank = lexer.rest.len() - lexer.rest.trim_start().len();
        lexer.take(blank);
        if lexer.rest.is_empty() || lexer.rest.starts_with("//") {
            return Ok(tokens);
        }
        let column = lexer.column;
        tokens.push(Placed { token: lexer.token()?, column });
    }
}

/// Whether `name` is a word, and so needs no quotes.
pub(super) fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(in_word)
}

fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '.'
}

struct Lexer<'a> {
    line: usize,
    rest: &'a str,
    column: usize,
}

impl<'a> Lexer<'a> {
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.column += taken.chars().count();
        self.rest = rest;
        taken
    }

    fn token(&mut self) -> Result<Token, ParseError> {
        if let Some(mark) = MARKS.into_iter().find(|mark| self.rest.starts_with(mark)) {
            self.take(mark.len());
            return Ok(Token::Mark(mark));
        }
        if self.rest.starts_with('"') {
            return self.quoted();
        }
        let sign = usize::from(self.rest.starts_with('-'));
        let length = self.rest[sign..].find(|c| !in_word(c)).unwrap_or(self.rest.len() - sign);
        let first = self.rest[sign..].chars().next();
        if first.is_some_and(|c| c.is_ascii_digit()) {
            return Ok(Token::Number(self.take(sign + length).to_owned()));
        }
        if sign == 0 && first.is_some_and(|c| in_word(c) && c != '.') {
            return Ok(Token::Word(self.take(length).to_owned()));
        }
        let found = format!("{:?}", self.rest.chars().next().unwrap_or(' '));
        Err(self.error(found, "a word, a number, a quoted text or one of `, ; = : ( ) ->`"))
    }

    /// A text in quotes with the escapes `\"`, `\\` and `\u{hex}`.
    fn quoted(&mut self) -> Result<Token, ParseError> {
        self.take(1);
        let mut text = String::new();
        loop {
            let Some(c) = self.rest.chars().next() else {
                return Err(self.error("the end of the line".to_owned(), "a closing `\"`"));
            };
            match c {
                '"' => {
                    self.take(1);
                    return Ok(Token::Quoted(text));
                }
                '\\' => text.push(self.escape()?),
                _ => {
                    self.take(c.len_utf8());
                    text.push(c);
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, ParseError> {
        if let Some(c @ ('"' | '\\')) = self.rest[1..].chars().next() {
            self.take(2);
            return Ok(c);
        }
        let hex = self.rest.strip_prefix("\\u{").and_then(|rest| rest.split_once('}'));
        let code = hex.and_then(|(hex, _)| u32::from_str_radix(hex, 16).ok());
        match (hex, code.and_then(char::from_u32)) {
            (Some((hex, _)), Some(c)) => {
                self.take("\\u{}".len() + hex.len());
                Ok(c)
            }
            _ => Err(self.error("`\\`".to_owned(), r#"one of the escapes \", \\ and \u{hex}"#)),
        }
    }

    fn error(&self, found: String, expected: &str) -> ParseError {
        let (line, column, expected) = (self.line, self.column, expected.to_owned());
        ParseError { line, column, found, expected }
    }
}
