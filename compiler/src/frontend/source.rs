//! Pieces of source text and places in them.
//!
//! A file may hold several programs, separated by lines `// -----`; each becomes a
//! [`SourceChunk`] that remembers where in the file it started, so that messages show the lines
//! of the file. Places are byte offsets ([`Span`]); lines and columns are computed only when a
//! message is made.

use std::fmt;
use std::ops::Range;

/// One program's text and its place in the file it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceChunk {
    /// The file's name, as messages show it.
    pub file: String,
    /// The line of the file that `text` starts on, counted from 1.
    pub first_line: usize,
    /// The program.
    pub text: String,
}

impl SourceChunk {
    /// A chunk that is a whole file.
    pub fn whole(file: impl Into<String>, text: impl Into<String>) -> Self {
        Self { file: file.into(), first_line: 1, text: text.into() }
    }
}

/// Cuts a file at its lines `// -----`. Pieces without anything but space and comments are left
/// out, so a file with no program gives an empty list.
pub fn split_programs(file: &str, text: &str) -> Vec<SourceChunk> {
    let mut chunks = Vec::new();
    let mut start = 0;
    let mut first_line = 1;
    let mut offset = 0;
    let push = |chunks: &mut Vec<SourceChunk>, first_line, range: Range<usize>| {
        let piece = &text[range];
        if has_content(piece) {
            let (file, text) = (file.to_owned(), piece.to_owned());
            chunks.push(SourceChunk { file, first_line, text });
        }
    };
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let end = offset + line.len();
        if is_separator(line) {
            push(&mut chunks, first_line, start..offset);
            start = end;
            first_line = index + 2;
        }
        offset = end;
    }
    push(&mut chunks, first_line, start..text.len());
    chunks
}

fn is_separator(line: &str) -> bool {
    line.trim_end()
        .strip_prefix("// -----")
        .is_some_and(|rest| rest.bytes().all(|byte| byte == b'-'))
}

fn has_content(text: &str) -> bool {
    text.lines().map(str::trim_start).any(|line| !line.is_empty() && !line.starts_with("//"))
}

/// What a program was read from.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    /// A piece of text.
    Text(SourceChunk),
    /// A file of bytecode, of which only the name is kept.
    Bytecode {
        /// The file's name, as messages show it.
        file: String,
    },
}

/// A range of bytes of a chunk's text, or of a bytecode file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start, end }
    }
}

/// What is wrong and where: a diagnostic before its place is turned into line and column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SourceError {
    pub(crate) span: Span,
    pub(crate) message: String,
    /// Where the user's own program has what is wrong, if the text says so.
    pub(crate) origin: Option<Box<str>>,
    /// Whether the program may be right and asks for what there is not.
    pub(crate) is_unsupported: bool,
}

impl SourceError {
    pub(crate) fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), origin: None, is_unsupported: false }
    }

    /// `what` is legal, and there is no support for it.
    pub(crate) fn unsupported(span: Span, what: impl fmt::Display) -> Self {
        let is_unsupported = true;
        Self { is_unsupported, ..Self::new(span, format!("unsupported {what}")) }
    }

    /// The same error, from this place of the user's program unless a closer one is known.
    pub(crate) fn with_origin(mut self, origin: impl FnOnce() -> Option<String>) -> Self {
        self.origin = self.origin.or_else(|| origin().map(String::into_boxed_str));
        self
    }
}

/// `1 operand`, `2 operands`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The outcome of anything that reads source text.
pub(crate) type SourceResult<T> = Result<T, SourceError>;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(usize, String)> {
        split_programs("f", text).into_iter().map(|chunk| (chunk.first_line, chunk.text)).collect()
    }

    #[test]
    fn programs_keep_their_line_numbers() {
        let text = "// RUN\na\n// -----\nb\n\n// ------- \nc";
        let expected =
            [(1, "// RUN\na\n".to_owned()), (4, "b\n\n".to_owned()), (7, "c".to_owned())];
        assert_eq!(lines(text), expected);
    }

    #[test]
    fn empty_pieces_disappear() {
        assert_eq!(lines(""), []);
        assert_eq!(lines("// -----\n  // nothing\n// -----\na"), [(4, "a".to_owned())]);
        assert_eq!(lines("// ----- a"), []);
    }
}
