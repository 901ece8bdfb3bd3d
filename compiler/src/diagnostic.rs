//! Diagnostics: the user's program is wrong or asks for something unsupported.
//!
//! A diagnostic says what is wrong, where, what was given and what is allowed. It owns everything
//! that it shows (a copy of one source line, not a borrow of the text), so it can travel freely.
//! Very long source lines are cut to a window around the place.

use std::fmt;
use std::ops::Range;

/// The most characters of a source line that a diagnostic shows.
const WINDOW: usize = 100;

/// A text that can be pointed into, with the name it has for the user.
#[derive(Clone, Copy, Debug)]
pub struct SourceText<'a> {
    name: &'a str,
    text: &'a str,
    first_line: usize,
}

impl<'a> SourceText<'a> {
    /// A text called `name` (a file name, or something like `<input>`).
    pub fn new(name: &'a str, text: &'a str) -> Self {
        Self { name, text, first_line: 1 }
    }

    /// The same text as a part of a larger one that it starts in at line `first_line`.
    #[must_use]
    pub fn starting_at_line(self, first_line: usize) -> Self {
        Self { first_line, ..self }
    }

    /// The name that diagnostics print.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The whole text.
    pub fn text(&self) -> &'a str {
        self.text
    }
}

/// A place in a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Of a text: one line of it and the marked columns.
    Line(LinePlace),
    /// Of a file that is no text.
    Offset {
        /// The name of the file.
        name: String,
        /// The number of bytes before the place.
        offset: usize,
    },
}

impl Place {
    /// The name of the source.
    pub fn name(&self) -> &str {
        match self {
            Self::Line(LinePlace { name, .. }) | Self::Offset { name, .. } => name,
        }
    }
}

/// One line of a text and the marked columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinePlace {
    name: String,
    line: usize,
    column: usize,
    excerpt: String,
    marked: Range<usize>,
}

impl LinePlace {
    /// The line, counted from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, counted from 1.
    pub fn column(&self) -> usize {
        self.column
    }

    /// Offsets beyond the text or inside a character are moved to the next lower valid offset.
    fn new(source: SourceText<'_>, span: Range<usize>) -> Self {
        let text = source.text;
        let start = text.floor_char_boundary(span.start.min(text.len()));
        let end = text.floor_char_boundary(span.end.clamp(start, text.len()));
        let line_start = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |newline| start + newline);
        let column = text[line_start..start].chars().count();
        let length = text[start..end.min(line_end)].chars().count().max(1);
        let line = source.first_line + text[..line_start].matches('\n').count();
        let skipped = column.saturating_sub(WINDOW / 2);
        let length = length.min(WINDOW - (column - skipped));
        let shown = text[line_start..line_end].trim_end_matches('\r').chars();
        // A tab would make the caret line disagree with the source line.
        let shown = shown.map(|c| if c.is_control() { ' ' } else { c });
        let excerpt = shown.skip(skipped).take(WINDOW).collect();
        let marked = column - skipped..column - skipped + length;
        Self { name: source.name.to_owned(), line, column: column + 1, excerpt, marked }
    }
}

/// An error of the user's program: message, place, notes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    parts: Box<Parts>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    code: Option<&'static str>,
    message: String,
    place: Option<Place>,
    notes: Vec<String>,
    is_unsupported: bool,
}

impl Diagnostic {
    /// A diagnostic without a place.
    pub fn new(message: impl Into<String>) -> Self {
        let message = message.into();
        let (code, place, notes, is_unsupported) = (None, None, Vec::new(), false);
        Self { parts: Box::new(Parts { code, message, place, notes, is_unsupported }) }
    }

    /// The same with a code that documentation and tests can name.
    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.parts.code = Some(code);
        self
    }

    /// The same for a program that may be right and asks for what there is not.
    #[must_use]
    pub fn unsupported(mut self) -> Self {
        self.parts.is_unsupported = true;
        self
    }

    /// The same at bytes `span` of `source`.
    #[must_use]
    pub fn at(mut self, source: SourceText<'_>, span: Range<usize>) -> Self {
        self.parts.place = Some(Place::Line(LinePlace::new(source, span)));
        self
    }

    /// The same at byte `offset` of the binary file `name`.
    #[must_use]
    pub fn at_offset(mut self, name: &str, offset: usize) -> Self {
        self.parts.place = Some(Place::Offset { name: name.to_owned(), offset });
        self
    }

    /// The same with one more note: a fact that helps, or what is allowed instead.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.parts.notes.push(note.into());
        self
    }

    /// The code, if it has one.
    pub fn code(&self) -> Option<&'static str> {
        self.parts.code
    }

    /// Whether the program may be right and asks for what there is not.
    pub fn is_unsupported(&self) -> bool {
        self.parts.is_unsupported
    }

    /// What is wrong, in one sentence.
    pub fn message(&self) -> &str {
        &self.parts.message
    }

    /// Where, if known.
    pub fn place(&self) -> Option<&Place> {
        self.parts.place.as_ref()
    }

    /// The notes in the order in which they were added.
    pub fn notes(&self) -> &[String] {
        &self.parts.notes
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { code, message, place, notes, is_unsupported: _ } = &*self.parts;
        match place {
            Some(Place::Line(LinePlace { name, line, column, .. })) => {
                write!(f, "{name}:{line}:{column}: ")?;
            }
            Some(Place::Offset { name, offset }) => write!(f, "{name}: offset {offset:#x}: ")?,
            None => {}
        }
        match code {
            Some(code) => write!(f, "error[{code}]: {message}")?,
            None => write!(f, "error: {message}")?,
        }
        if let Some(Place::Line(LinePlace { excerpt, marked, .. })) = place {
            let indent = if excerpt.trim_end().is_empty() { "" } else { "  " };
            write!(f, "\n{indent}{}", excerpt.trim_end())?;
            write!(
                f,
                "\n  {:indent$}{:^<length$}",
                "",
                "",
                indent = marked.start,
                length = marked.len()
            )?;
        }
        notes.iter().try_for_each(|note| write!(f, "\nnote: {note}"))
    }
}

impl std::error::Error for Diagnostic {}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    #[track_caller]
    fn check(text: &str, span: Range<usize>, rendered: Expect) {
        let source = SourceText::new("a.hlo", text);
        rendered.assert_eq(&Diagnostic::new("no such thing").at(source, span).to_string());
    }

    #[test]
    fn the_caret_is_below_the_place() {
        let rendered = expect![[r#"
            a.hlo:2:5: error: no such thing
              é = foo()
                  ^^^"#]];
        check("one\né = foo()\n", 9..12, rendered);
    }

    #[test]
    fn the_end_of_the_text_is_a_place() {
        let rendered = expect![[r#"
            a.hlo:1:4: error: no such thing
              abc
                 ^"#]];
        check("abc", 3..99, rendered);
        let rendered = expect![[r#"
            a.hlo:1:1: error: no such thing

              ^"#]];
        let empty = Diagnostic::new("no such thing").at(SourceText::new("a.hlo", ""), 5..9);
        rendered.assert_eq(&empty.to_string());
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let text = "x".repeat(100_000);
        let diagnostic = Diagnostic::new("long").at(SourceText::new("a", &text), 70_000..90_000);
        let lines: Vec<String> = diagnostic.to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines[0], "a:1:70001: error: long");
        assert!(lines.iter().all(|line| line.len() <= WINDOW + 2));
    }

    #[test]
    fn notes_and_code_are_shown() {
        let diagnostic = Diagnostic::new("bad").with_code("E1").with_note("one").with_note("two");
        expect![[r#"
            error[E1]: bad
            note: one
            note: two"#]]
        .assert_eq(&diagnostic.to_string());
    }
}
