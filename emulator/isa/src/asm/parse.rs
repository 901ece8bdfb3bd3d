//! Assembly text -> program.
//!
//! Two walks over the lines: the first counts bundles and notes where the labels are, the second
//! reads the ops. So a branch may name a label further down.

use super::{
    ParseError,
    lexer::{Placed, Token, lex_line},
};
use crate::{
    Bundle, DmaDescriptor, DmaDimension, MemorySpace, Op, Program,
    row::{Field, FieldSource, Kind, ROWS, Row, opcode_named},
};
use std::collections::BTreeMap;

/// Parses a whole program.
///
/// # Errors
/// If the text is no program: the first place where it is not.
pub fn parse_program(text: &str) -> Result<Program, ParseError> {
    let mut lines = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let tokens = lex_line(index + 1, text)?;
        if !tokens.is_empty() {
            lines.push(Line { tokens, number: index + 1, end: text.chars().count() + 1, next: 0 });
        }
    }
    let n_header = lines.iter().take_while(|line| line.is_header()).count();
    let (header, body) = lines.split_at_mut(n_header);
    if header.is_empty() {
        let expected = "`program` and a name";
        let empty = Line { tokens: Vec::new(), number: 1, end: 1, next: 0 };
        return Err(body.first().unwrap_or(&empty).error(expected));
    }
    let mut program = parse_header(header)?;
    let labels = collect_labels(body)?;
    for line in body {
        parse_bundle_line(line, &labels, &mut program.bundles)?;
    }
    Ok(program)
}

/// Bundle numbers by label, and the line where each stands.
type Labels = BTreeMap<String, (u32, usize)>;

fn parse_header(lines: &mut [Line]) -> Result<Program, ParseError> {
    let mut program = Program::default();
    let mut seen = Vec::new();
    for line in lines {
        let keyword = line.word("a header line")?;
        if keyword != "dma" && seen.contains(&keyword) {
            line.next = 0;
            return Err(line.error("one line of each kind in the header"));
        }
        if seen.is_empty() && keyword != "program" {
            line.next = 0;
            return Err(line.error("`program`"));
        }
        match keyword.as_str() {
            "program" => program.name = line.name()?,
            "arguments" => program.n_arguments = line.number("a number of launch arguments")?,
            "vmem" => program.vmem_granules = line.number("a number of granules")?,
            _ => parse_descriptor(line, &mut program.descriptors)?,
        }
        line.end()?;
        seen.push(keyword);
    }
    Ok(program)
}

/// `0: hbm -> vmem 8 granules x 4 (stride 8 -> 16)`
fn parse_descriptor(
    line: &mut Line,
    descriptors: &mut Vec<DmaDescriptor>,
) -> Result<(), ParseError> {
    let expected = format!("descriptor number {}", descriptors.len());
    let number: u32 = line.number(&expected)?;
    if number as usize != descriptors.len() {
        line.next -= 1;
        return Err(line.error(&expected));
    }
    line.mark(":")?;
    let source = parse_space(line)?;
    line.mark("->")?;
    let target = parse_space(line)?;
    let granules = line.number("a number of granules")?;
    line.keyword("granules")?;
    let mut dimensions = Vec::new();
    while line.peek().is_some() {
        line.keyword("x")?;
        let count = line.number("a count")?;
        line.mark("(")?;
        line.keyword("stride")?;
        let source_stride = line.number("a stride in granules")?;
        line.mark("->")?;
        let target_stride = line.number("a stride in granules")?;
        line.mark(")")?;
        dimensions.push(DmaDimension { count, source_stride, target_stride });
    }
    descriptors.push(DmaDescriptor { source, target, granules, dimensions });
    Ok(())
}

fn parse_space(line: &mut Line) -> Result<MemorySpace, ParseError> {
    let expected = "one of `hbm`, `cmem`, `vmem`, `smem`";
    let word = line.word(expected)?;
    MemorySpace::ALL.into_iter().find(|space| space.name() == word).ok_or_else(|| {
        line.next -= 1;
        line.error(expected)
    })
}

/// Takes the labels off the lines.
fn collect_labels(lines: &mut [Line]) -> Result<Labels, ParseError> {
    let mut labels = Labels::new();
    let mut index: u32 = 0;
    for line in lines {
        while let Some(label) = line.label() {
            if let Some((_, first)) = labels.get(&label) {
                let expected = format!("a label other than `{label}` of line {first}");
                return Err(line.error(&expected));
            }
            labels.insert(label, (index, line.number));
            line.next += 2;
        }
        let start = line.next;
        let count = match line.peek() {
            None => 0,
            Some(Token::Word(word)) if word == "nop" => parse_nop(line)?,
            Some(_) => 1,
        };
        index += count;
        line.next = start;
        if index as usize > Program::MAX_BUNDLES {
            let limit = Program::MAX_BUNDLES;
            return Err(line.error(&format!("at most {limit} bundles")));
        }
    }
    Ok(labels)
}

/// `nop` or `nop n`, as the number of empty bundles.
fn parse_nop(line: &mut Line) -> Result<u32, ParseError> {
    line.keyword("nop")?;
    if line.peek().is_none() {
        return Ok(1);
    }
    let expected = format!("a number of bundles from 1 to {}", Program::MAX_BUNDLES);
    let count: u32 = line.number(&expected)?;
    if count == 0 || count as usize > Program::MAX_BUNDLES {
        line.next -= 1;
        return Err(line.error(&expected));
    }
    line.end()?;
    Ok(count)
}

fn parse_bundle_line(
    line: &mut Line,
    labels: &Labels,
    bundles: &mut Vec<Bundle>,
) -> Result<(), ParseError> {
    match line.peek() {
        None => {}
        Some(Token::Word(word)) if word == "nop" => {
            let count = parse_nop(line)?;
            bundles.extend((0..count).map(|_| Bundle::default()));
        }
        Some(_) => bundles.push(parse_bundle(line, labels)?),
    }
    Ok(())
}

fn parse_bundle(line: &mut Line, labels: &Labels) -> Result<Bundle, ParseError> {
    let mut bundle = Bundle::default();
    loop {
        let start = line.next;
        let op = parse_op(line, labels)?;
        let end = line.next;
        if let Err(full) = bundle.push(op) {
            line.next = start;
            let (capacity, slot) = (full.capacity, full.slot);
            let found = format!("one more op in slot {slot}, `{}`", full.op);
            return Err(line.error_found(found, &format!("at most {capacity} in a bundle")));
        }
        line.next = end;
        if line.peek().is_none() {
            return Ok(bundle);
        }
        line.mark_or(";", "`;` or the end of the line")?;
    }
}

/// `results = name operands`, the first part only if the op has results.
fn parse_op(line: &mut Line, labels: &Labels) -> Result<Op, ParseError> {
    let start = line.next;
    let is_end = |placed: &Placed| placed.token == Token::Mark(";");
    let tokens = &line.tokens[start..];
    let op_length = tokens.iter().position(is_end).unwrap_or(tokens.len());
    let equals = tokens[..op_length].iter().position(|placed| placed.token == Token::Mark("="));
    let name_at = equals.map_or(start, |position| start + position + 1);
    line.next = name_at;
    let name = line.word("the name of an op")?;
    let Some(opcode) = opcode_named(&name) else {
        line.next = name_at;
        return Err(line.error("the name of an op"));
    };
    line.next = start;
    let row = &ROWS[opcode];
    let mut fields = OpFields { line, labels, row, name_at, n_read: 0 };
    let Some(op) = Op::build(opcode, &mut fields)? else {
        unreachable!("`opcode_named` gives opcodes of rows")
    };
    if row.operands.is_empty() {
        fields.skip_name()?;
    }
    Ok(op)
}

/// Reads the fields of one op, results before and operands after the name.
struct OpFields<'a> {
    line: &'a mut Line,
    labels: &'a Labels,
    row: &'static Row,
    /// Where the name stands.
    name_at: usize,
    /// How many fields were read.
    n_read: usize,
}

impl OpFields<'_> {
    fn before_field(&mut self) -> Result<(), ParseError> {
        let n_results = self.row.results.len();
        if self.n_read == n_results {
            self.skip_name()?;
        } else if self.n_read > 0 {
            self.line.mark(",")?;
        } else if self.line.next == self.name_at {
            let name = self.row.name;
            let expected = format!("the result of `{name}` and ` = ` in front of it");
            return Err(self.line.error(&expected));
        }
        self.n_read += 1;
        Ok(())
    }

    /// Steps over the name, and over the `=` before it if there are results.
    fn skip_name(&mut self) -> Result<(), ParseError> {
        if !self.row.results.is_empty() {
            self.line.mark("=")?;
        }
        if self.line.next != self.name_at {
            let name = self.row.name;
            let expected = format!("`{name}` without a result in front of it");
            return Err(self.line.error(&expected));
        }
        self.line.next += 1;
        Ok(())
    }
}

impl FieldSource for OpFields<'_> {
    type Error = ParseError;

    fn byte(&mut self, field: &Field) -> Result<u8, ParseError> {
        self.before_field()?;
        match field.kind {
            Kind::V => self.line.register('v'),
            Kind::S => self.line.register('s'),
            Kind::M => self.line.register('m'),
            Kind::U8 | Kind::U32 | Kind::I32 => self.line.number(field.name),
        }
    }

    fn word(&mut self, field: &Field) -> Result<u32, ParseError> {
        self.before_field()?;
        if let Some(Token::Word(label)) = self.line.peek()
            && field.name == "target"
        {
            let Some((index, _)) = self.labels.get(label) else {
                return Err(self.line.error("a label of this program or a bundle number"));
            };
            self.line.next += 1;
            return Ok(*index);
        }
        match field.kind {
            Kind::I32 => self.line.number(field.name).map(i32::cast_unsigned),
            Kind::U8 | Kind::U32 | Kind::V | Kind::S | Kind::M => self.line.number(field.name),
        }
    }
}

/// The tokens of a line, and how far it is read.
struct Line {
    tokens: Vec<Placed>,
    number: usize,
    /// The column after the last character.
    end: usize,
    next: usize,
}

impl Line {
    fn is_header(&self) -> bool {
        let Token::Word(word) = &self.tokens[0].token else { return false };
        ["program", "arguments", "vmem", "dma"].contains(&word.as_str())
            && self.tokens.get(1).is_none_or(|placed| placed.token != Token::Mark(":"))
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|placed| &placed.token)
    }

    /// The label that stands next, if one does.
    fn label(&self) -> Option<String> {
        match (self.peek(), self.tokens.get(self.next + 1)) {
            (Some(Token::Word(word)), Some(Placed { token: Token::Mark(":"), .. })) => {
                Some(word.clone())
            }
            _ => None,
        }
    }

    fn error(&self, expected: &str) -> ParseError {
        let found = self.peek().map_or("the end of the line".to_owned(), Token::describe);
        self.error_found(found, expected)
    }

    fn error_found(&self, found: String, expected: &str) -> ParseError {
        let column = self.tokens.get(self.next).map_or(self.end, |placed| placed.column);
        ParseError { line: self.number, column, found, expected: expected.to_owned() }
    }

    fn word(&mut self, expected: &str) -> Result<String, ParseError> {
        let Some(Token::Word(word)) = self.peek() else { return Err(self.error(expected)) };
        let word = word.clone();
        self.next += 1;
        Ok(word)
    }

    fn keyword(&mut self, keyword: &str) -> Result<(), ParseError> {
        match self.peek() {
            Some(Token::Word(word)) if word == keyword => self.next += 1,
            _ => return Err(self.error(&format!("`{keyword}`"))),
        }
        Ok(())
    }

    fn mark(&mut self, mark: &'static str) -> Result<(), ParseError> {
        self.mark_or(mark, &format!("`{mark}`"))
    }

    fn mark_or(&mut self, mark: &'static str, expected: &str) -> Result<(), ParseError> {
        if self.peek() != Some(&Token::Mark(mark)) {
            return Err(self.error(expected));
        }
        self.next += 1;
        Ok(())
    }

    fn name(&mut self) -> Result<String, ParseError> {
        match self.peek().cloned() {
            Some(Token::Word(name) | Token::Quoted(name)) => {
                self.next += 1;
                Ok(name)
            }
            _ => Err(self.error("a name")),
        }
    }

    /// A number that `T` holds.
    fn number<T: TryFrom<i64>>(&mut self, what: &str) -> Result<T, ParseError> {
        let value = match self.peek() {
            Some(Token::Number(text)) => parse_number(text).and_then(|value| value.try_into().ok()),
            _ => None,
        };
        let bits = 8 * size_of::<T>();
        let value = value.ok_or_else(|| self.error(&format!("{what} in {bits} bits")))?;
        self.next += 1;
        Ok(value)
    }

    fn register(&mut self, letter: char) -> Result<u8, ParseError> {
        let number = match self.peek() {
            Some(Token::Word(word)) => word.strip_prefix(letter),
            _ => None,
        };
        let is_plain = |digits: &&str| {
            digits.bytes().all(|byte| byte.is_ascii_digit())
                && (*digits == "0" || !digits.starts_with('0'))
        };
        let register = number.filter(is_plain).and_then(|digits| digits.parse().ok());
        let expected = || match letter {
            'v' => "a vector register like `v0`",
            's' => "a scalar register like `s0`",
            _ => "a mask register like `m0`",
        };
        let register = register.ok_or_else(|| self.error(expected()))?;
        self.next += 1;
        Ok(register)
    }

    fn end(&self) -> Result<(), ParseError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("the end of the line")),
        }
    }
}

/// A decimal or hexadecimal number of at most 32 bits and a sign.
fn parse_number(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let magnitude = match digits.strip_prefix("0x") {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(sign * i64::from(magnitude))
}
