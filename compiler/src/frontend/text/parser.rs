//! The parser's state and the small steps that every rule is made of.

use std::collections::BTreeMap;

use super::lexer::{self, Token, TokenKind};
use crate::frontend::source::{SourceError, SourceResult, Span, counted};
use crate::frontend::syntax::{Attribute, Locations, Operand, Type, ValueId};

/// Nesting of regions, attributes, types and locations that is still accepted.
const DEPTH_LIMIT: usize = 256;

/// A recursive-descent parser with one token of look-ahead.
pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) token: Token,
    /// The end of the token before `token`.
    previous_end: usize,
    depth: usize,
    scopes: Scopes<'a>,
    pub(super) locations: Locations,
    pub(super) attribute_aliases: BTreeMap<String, Attribute>,
    pub(super) type_aliases: BTreeMap<String, Type>,
    pub(super) resources: BTreeMap<String, Vec<u8>>,
}

/// The values that are visible, from the innermost isolated operation outwards.
struct Scopes<'a> {
    /// Name (with its `%`) to first value and number of values; one map per open region.
    regions: Vec<BTreeMap<&'a str, (ValueId, u32)>>,
    /// The index in `regions` of the innermost region that sees nothing outside of it.
    isolated: Vec<usize>,
    types: Vec<Type>,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> SourceResult<Self> {
        Ok(Self {
            text,
            token: lexer::next_token(text, 0)?,
            previous_end: 0,
            depth: 0,
            scopes: Scopes { regions: vec![BTreeMap::new()], isolated: vec![0], types: Vec::new() },
            locations: Locations::default(),
            attribute_aliases: BTreeMap::new(),
            type_aliases: BTreeMap::new(),
            resources: BTreeMap::new(),
        })
    }

    // Tokens.

    /// The text of the current token.
    pub(super) fn lexeme(&self) -> &'a str {
        &self.text[self.token.span.start..self.token.span.end]
    }

    /// Moves to the next token and returns the one that was current.
    pub(super) fn advance(&mut self) -> SourceResult<Token> {
        let token = self.token;
        self.seek(token.span.end)?;
        Ok(token)
    }

    /// Makes the first token at or after `position` current.
    pub(super) fn seek(&mut self, position: usize) -> SourceResult<()> {
        self.previous_end = position;
        self.token = lexer::next_token(self.text, position)?;
        Ok(())
    }

    /// From `start` to the end of the last token that was taken.
    pub(super) fn span_from(&self, start: Span) -> Span {
        Span::new(start.start, self.previous_end.max(start.end))
    }

    pub(super) fn at(&self, punctuation: u8) -> bool {
        self.token.kind == TokenKind::Punctuation(punctuation)
    }

    pub(super) fn at_kind(&self, kind: TokenKind) -> bool {
        self.token.kind == kind
    }

    pub(super) fn at_word(&self, word: &str) -> bool {
        self.token.kind == TokenKind::Word && self.lexeme() == word
    }

    /// Takes `punctuation` if it is next.
    pub(super) fn eat(&mut self, punctuation: u8) -> SourceResult<bool> {
        let found = self.at(punctuation);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    /// Takes `word` if it is next.
    pub(super) fn eat_word(&mut self, word: &str) -> SourceResult<bool> {
        let found = self.at_word(word);
        if found {
            self.advance()?;
        }
        Ok(found)
    }

    pub(super) fn expect(&mut self, punctuation: u8) -> SourceResult<Span> {
        if self.at(punctuation) {
            return Ok(self.advance()?.span);
        }
        Err(self.unexpected(&format!("'{}'", char::from(punctuation))))
    }

    pub(super) fn expect_word(&mut self, word: &str) -> SourceResult<()> {
        if self.eat_word(word)? {
            return Ok(());
        }
        Err(self.unexpected(&format!("'{word}'")))
    }

    pub(super) fn expect_kind(&mut self, kind: TokenKind, expected: &str) -> SourceResult<&'a str> {
        if self.token.kind != kind {
            return Err(self.unexpected(expected));
        }
        let lexeme = self.lexeme();
        self.advance()?;
        Ok(lexeme)
    }

    /// Any word.
    pub(super) fn expect_name(&mut self, expected: &str) -> SourceResult<&'a str> {
        self.expect_kind(TokenKind::Word, expected)
    }

    pub(super) fn expect_string(&mut self, expected: &str) -> SourceResult<String> {
        let span = self.token.span;
        lexer::unescape(self.expect_kind(TokenKind::String, expected)?, span)
    }

    /// `@name`, without the sign and quotes; nested references keep their `::@`.
    pub(super) fn expect_symbol(&mut self) -> SourceResult<String> {
        let mut symbol = self.symbol_part()?;
        while self.at(b':') && self.text[self.token.span.end..].starts_with(":@") {
            self.expect(b':')?;
            self.expect(b':')?;
            symbol.push_str("::@");
            symbol.push_str(&self.symbol_part()?);
        }
        Ok(symbol)
    }

    fn symbol_part(&mut self) -> SourceResult<String> {
        let span = self.token.span;
        let name = &self.expect_kind(TokenKind::Symbol, "a symbol name such as @main")?[1..];
        if name.starts_with('"') { lexer::unescape(name, span) } else { Ok(name.to_owned()) }
    }

    /// An integer with an optional minus.
    pub(super) fn expect_integer<T: TryFrom<i128>>(&mut self, expected: &str) -> SourceResult<T> {
        let start = self.token.span;
        let negative = self.eat(b'-')?;
        let digits = self.expect_kind(TokenKind::Integer, expected)?;
        let span = self.span_from(start);
        let magnitude = parse_magnitude(digits)
            .and_then(|value| i128::try_from(value).ok())
            .ok_or_else(|| SourceError::new(span, format!("{digits} is too large")))?;
        let value = if negative { -magnitude } else { magnitude };
        T::try_from(value).map_err(|_| {
            SourceError::new(span, format!("{value} is out of range, expected {expected}"))
        })
    }

    // Errors and limits.

    /// The error "found what is here, expected …".
    pub(super) fn unexpected(&self, expected: &str) -> SourceError {
        let found = match self.token.kind {
            TokenKind::End => "the end of the text".to_owned(),
            TokenKind::String => format!("the string {}", shorten(self.lexeme())),
            _ => format!("'{}'", shorten(self.lexeme())),
        };
        SourceError::new(self.token.span, format!("found {found}, expected {expected}"))
    }

    /// An error unless everything is parsed.
    pub(super) fn expect_end(&self) -> SourceResult<()> {
        if self.at_kind(TokenKind::End) { Ok(()) } else { Err(self.unexpected("the end")) }
    }

    /// Runs one more level of nesting, or refuses to.
    pub(super) fn nested<T>(
        &mut self,
        rule: impl FnOnce(&mut Self) -> SourceResult<T>,
    ) -> SourceResult<T> {
        if self.depth >= DEPTH_LIMIT {
            let message = format!("nested deeper than {DEPTH_LIMIT} levels");
            return Err(SourceError::new(self.token.span, message));
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    /// `item, item, …` up to (and with) `close`; the opening bracket is taken already.
    pub(super) fn list_until<T>(
        &mut self,
        close: u8,
        mut item: impl FnMut(&mut Self) -> SourceResult<T>,
    ) -> SourceResult<Vec<T>> {
        let mut items = Vec::new();
        if self.eat(close)? {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if self.eat(close)? {
                return Ok(items);
            }
            if !self.eat(b',')? {
                return Err(self.unexpected(&format!("',' or '{}'", char::from(close))));
            }
        }
    }

    // Values.

    /// Runs `rule` in a new region; `isolated` hides the values outside.
    pub(super) fn in_scope<T>(
        &mut self,
        isolated: bool,
        rule: impl FnOnce(&mut Self) -> SourceResult<T>,
    ) -> SourceResult<T> {
        let scopes = &mut self.scopes;
        scopes.regions.push(BTreeMap::new());
        if isolated {
            scopes.isolated.push(scopes.regions.len() - 1);
        }
        // After an error nothing more is parsed, so the scopes need not be restored.
        let result = rule(self)?;
        self.scopes.regions.pop();
        if isolated {
            self.scopes.isolated.pop();
        }
        Ok(result)
    }

    /// Defines `types.len()` values that share one name; a pack when more than one.
    pub(super) fn define(
        &mut self,
        name: &'a str,
        span: Span,
        types: &[Type],
    ) -> SourceResult<Vec<ValueId>> {
        if self.look_up(name).is_some() {
            return Err(SourceError::new(span, format!("'{name}' is defined twice")));
        }
        let ids = self.define_unnamed(types);
        if let (Some(&first), Some(region)) = (ids.first(), self.scopes.regions.last_mut()) {
            let count = u32::try_from(ids.len()).unwrap_or(u32::MAX);
            region.insert(name, (first, count));
        }
        Ok(ids)
    }

    /// New values that no text can refer to.
    pub(super) fn define_unnamed(&mut self, types: &[Type]) -> Vec<ValueId> {
        types
            .iter()
            .map(|each| {
                let index = self.scopes.types.len();
                self.scopes.types.push(each.clone());
                ValueId(u32::try_from(index).expect("a text defines fewer than 2^32 values"))
            })
            .collect()
    }

    fn look_up(&self, name: &str) -> Option<(ValueId, u32)> {
        let outermost = self.scopes.isolated.last().copied().unwrap_or(0);
        let visible = &self.scopes.regions[outermost..];
        visible.iter().rev().find_map(|region| region.get(name).copied())
    }

    /// `%name` or `%name#2`.
    pub(super) fn parse_operand(&mut self) -> SourceResult<Operand> {
        let start = self.token.span;
        let name = self.expect_kind(TokenKind::Value, "a value such as %0")?;
        let index = self.parse_result_number()?;
        let span = self.span_from(start);
        let Some((first, count)) = self.look_up(name) else {
            return Err(SourceError::new(span, format!("'{name}' is not defined")));
        };
        if index >= count {
            let count = counted(count as usize, "value");
            let message = format!("'{name}' has {count}, there is no number {index}");
            return Err(SourceError::new(span, message));
        }
        Ok(Operand { value: ValueId(first.0 + index), span })
    }

    fn parse_result_number(&mut self) -> SourceResult<u32> {
        if !self.at_kind(TokenKind::Hash) {
            return Ok(0);
        }
        let digits = &self.lexeme()[1..];
        let Ok(index) = digits.parse() else {
            return Err(self.unexpected("a result number such as #1"));
        };
        self.advance()?;
        Ok(index)
    }

    /// The type that a value was defined with.
    pub(super) fn type_of(&self, value: ValueId) -> &Type {
        &self.scopes.types[value.0 as usize]
    }
}

/// Decimal digits, or `0x` and hexadecimal ones; `None` when they do not fit.
pub(super) fn parse_magnitude(digits: &str) -> Option<u128> {
    match digits.strip_prefix("0x") {
        Some(digits) => u128::from_str_radix(digits, 16).ok(),
        None => digits.parse().ok(),
    }
}

/// The first characters of a text that may be megabytes long.
pub(super) fn shorten(text: &str) -> String {
    const LIMIT: usize = 40;
    match text.char_indices().nth(LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
