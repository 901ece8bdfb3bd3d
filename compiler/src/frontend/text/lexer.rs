//! Tokens of MLIR text, made on demand from any offset.

use crate::frontend::source::{SourceError, SourceResult, Span};

/// What a token is; its text is the span's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// `add`, `stablehlo.add`, `tensor`.
    Word,
    /// `%name`, without a `#2` or `:2` after it.
    Value,
    /// `@name` or `@"name"`.
    Symbol,
    /// `^name`.
    BlockLabel,
    /// `#name`, possibly with dots.
    Hash,
    /// `!name`, possibly with dots.
    Bang,
    /// Digits, or `0x` and hexadecimal digits.
    Integer,
    /// Digits with a point or an exponent.
    Float,
    /// A string, with its quotes.
    String,
    /// `->`.
    Arrow,
    /// `{-#`.
    ResourcesOpen,
    /// `#-}`.
    ResourcesClose,
    /// One character: brackets, comma, colon, equals, minus, question mark and so on.
    Punctuation(u8),
    /// The end of the text.
    End,
}

/// One token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) span: Span,
}

/// The token that starts at or after `position`, past spaces and comments.
pub(super) fn next_token(text: &str, position: usize) -> SourceResult<Token> {
    let bytes = text.as_bytes();
    let start = skip_space(bytes, position);
    let token = |kind, end| Ok(Token { kind, span: Span::new(start, end) });
    let Some(&first) = bytes.get(start) else { return token(TokenKind::End, start) };
    match first {
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => token(TokenKind::Word, word_end(bytes, start)),
        b'0'..=b'9' => {
            let (kind, end) = number(bytes, start);
            token(kind, end)
        }
        b'"' => token(TokenKind::String, string_end(bytes, start)?),
        b'%' => token(TokenKind::Value, name_end(bytes, start, "a value name after '%'")?),
        b'^' => token(TokenKind::BlockLabel, name_end(bytes, start, "a block name after '^'")?),
        b'!' => token(TokenKind::Bang, name_end(bytes, start, "a type name after '!'")?),
        b'@' if bytes.get(start + 1) == Some(&b'"') => {
            token(TokenKind::Symbol, string_end(bytes, start + 1)?)
        }
        b'@' => token(TokenKind::Symbol, name_end(bytes, start, "a symbol name after '@'")?),
        b'#' if bytes[start..].starts_with(b"#-}") => token(TokenKind::ResourcesClose, start + 3),
        b'#' => token(TokenKind::Hash, name_end(bytes, start, "an attribute name after '#'")?),
        b'{' if bytes[start..].starts_with(b"{-#") => token(TokenKind::ResourcesOpen, start + 3),
        b'-' if bytes.get(start + 1) == Some(&b'>') => token(TokenKind::Arrow, start + 2),
        b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'<' | b'>' | b',' | b':' | b'=' | b'-'
        | b'+' | b'*' | b'?' | b'/' | b'|' | b'&' | b'.' => {
            token(TokenKind::Punctuation(first), start + 1)
        }
        _ => {
            let character = text[start..].chars().next().unwrap_or_default();
            let span = Span::new(start, start + character.len_utf8());
            Err(SourceError::new(span, format!("unexpected character {character:?}")))
        }
    }
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match bytes.get(at) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
            Some(b'/') if bytes.get(at + 1) == Some(&b'/') => {
                while bytes.get(at).is_some_and(|&byte| byte != b'\n') {
                    at += 1;
                }
            }
            _ => return at,
        }
    }
}

fn run(bytes: &[u8], mut at: usize, accept: impl Fn(u8) -> bool) -> usize {
    while bytes.get(at).is_some_and(|&byte| accept(byte)) {
        at += 1;
    }
    at
}

fn word_end(bytes: &[u8], start: usize) -> usize {
    run(bytes, start, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.'))
}

/// The end of a sigil and the name that has to follow it.
fn name_end(bytes: &[u8], start: usize, expected: &str) -> SourceResult<usize> {
    let accept =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'.' | b'-');
    let mut end = run(bytes, start + 1, accept);
    // `%0->` is a value and an arrow.
    if bytes.get(end) == Some(&b'>') && bytes[end - 1] == b'-' {
        end -= 1;
    }
    if end == start + 1 {
        let sigil = char::from(bytes[start]);
        let span = Span::new(start, end);
        return Err(SourceError::new(span, format!("found '{sigil}', expected {expected}")));
    }
    Ok(end)
}

fn number(bytes: &[u8], start: usize) -> (TokenKind, usize) {
    if bytes[start] == b'0'
        && bytes.get(start + 1) == Some(&b'x')
        && bytes.get(start + 2).is_some_and(u8::is_ascii_hexdigit)
    {
        return (TokenKind::Integer, run(bytes, start + 2, |byte| byte.is_ascii_hexdigit()));
    }
    let digits = |at| run(bytes, at, |byte: u8| byte.is_ascii_digit());
    let mut end = digits(start);
    let mut kind = TokenKind::Integer;
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
        kind = TokenKind::Float;
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            return (TokenKind::Float, exponent);
        }
    }
    (kind, end)
}

/// The end of the string that starts at `start`.
pub(super) fn string_end(bytes: &[u8], start: usize) -> SourceResult<usize> {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return Ok(at + 1),
            b'\\' => at += 2,
            b'\n' => break,
            _ => at += 1,
        }
    }
    let span = Span::new(start, start + 1);
    Err(SourceError::new(span, "this string has no closing '\"' on its line"))
}

/// The value of a string token: `\n`, `\t`, `\\`, `\"` and two-digit hexadecimal escapes.
///
/// Bytes that are not UTF-8 become replacement characters.
pub(super) fn unescape(quoted: &str, span: Span) -> SourceResult<String> {
    let inner = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let inner = inner.unwrap_or_default();
    if !inner.contains('\\') {
        return Ok(inner.to_owned());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (value, length) = escape(rest).ok_or_else(|| {
            SourceError::new(
                span,
                "unknown escape in this string; allowed are \\n, \\t, \\\\, \\\" and two \
                 hexadecimal digits",
            )
        })?;
        bytes.push(value);
        rest = &rest[length..];
    }
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

fn escape(rest: &[u8]) -> Option<(u8, usize)> {
    match rest {
        [b'n', ..] => Some((b'\n', 1)),
        [b't', ..] => Some((b'\t', 1)),
        [byte @ (b'\\' | b'"'), ..] => Some((*byte, 1)),
        [high, low, ..] => Some((hex_digit(*high)? << 4 | hex_digit(*low)?, 2)),
        _ => None,
    }
}

/// The value of a hexadecimal digit.
pub(super) fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<&str> {
        let mut at = 0;
        std::iter::from_fn(|| {
            let token = next_token(text, at).unwrap();
            at = token.span.end;
            (token.kind != TokenKind::End).then(|| &text[token.span.start..token.span.end])
        })
        .collect()
    }

    #[test]
    fn names_and_arrows_part() {
        assert_eq!(
            tokens("%0:2 = stablehlo.add %a-b->%0#1 // note\n@\"a b\" -1.5e+3 0x8 8x"),
            [
                "%0",
                ":",
                "2",
                "=",
                "stablehlo.add",
                "%a-b",
                "->",
                "%0",
                "#1",
                "@\"a b\"",
                "-",
                "1.5e+3",
                "0x8",
                "8",
                "x"
            ]
        );
    }

    #[test]
    fn strings_unescape() {
        let span = Span::new(0, 0);
        assert_eq!(unescape(r#""a\22\n\5Cb""#, span).unwrap(), "a\"\n\\b");
        assert!(unescape(r#""\q""#, span).is_err());
    }

    #[test]
    fn unfinished_strings_and_stray_characters_are_errors() {
        assert!(next_token("\"abc", 0).unwrap_err().message.contains("no closing"));
        assert!(next_token("\"abc\\", 0).unwrap_err().message.contains("no closing"));
        assert_eq!(next_token("é", 0).unwrap_err().message, "unexpected character 'é'");
        assert_eq!(
            next_token("% x", 0).unwrap_err().message,
            "found '%', expected a value name after '%'"
        );
    }
}
