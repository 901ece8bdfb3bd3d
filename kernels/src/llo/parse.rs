//! Text -> LLO. [`print`](super::print) has the form.
//!
//! The text need not be legal LLO: [`verify_function`](super::verify_function) says whether it is.
//! Loops are nested at most [`MAX_DEPTH`](super::verify::MAX_DEPTH) deep.

mod lexer;

use super::{
    Block, Carried, Function, LloOp, Loop, M, S, Scratch, ScratchId, Statement, V, Value,
    verify::MAX_DEPTH,
};
use lexer::Line;
use palmetto_isa::{
    DmaDescriptor, DmaDimension, MReg, MemorySpace, Op, SReg, VReg,
    op::Rename,
    row::{Field, FieldSource, Kind, ROWS, Row, opcode_named},
};
use thiserror::Error;

/// The text is no function.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line} column {column}: found {found}, expected {expected}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is there.
    pub found: String,
    /// What is allowed there.
    pub expected: String,
}

/// Parses a whole function.
///
/// # Errors
/// If the text is no function: the first place where it is not.
pub fn parse_function(text: &str) -> Result<Function, ParseError> {
    let mut lines = Vec::new();
    for (index, text) in text.lines().enumerate() {
        let line = Line::lex(index + 1, text)?;
        if !line.is_empty() {
            lines.push(line);
        }
    }
    let end = Line::lex(text.lines().count().max(1), text.lines().last().unwrap_or(""))?;
    let mut parser = Parser { lines: lines.into_iter(), end };
    let mut function = parser.header()?;
    function.body = parser.body(&function.scratches)?;
    match parser.lines.next() {
        Some(line) => Err(line.error("the end of the text")),
        None => Ok(function),
    }
}

struct Parser {
    lines: std::vec::IntoIter<Line>,
    /// The last line again, for errors at the end of the text.
    end: Line,
}

/// A loop whose body is being read.
struct Open {
    trip_count: S,
    index: S,
    carried: Vec<Carried>,
    /// The block that the loop stands in, up to it.
    around: Block,
}

impl Parser {
    fn line(&mut self, expected: &str) -> Result<Line, ParseError> {
        if let Some(line) = self.lines.next() {
            return Ok(line);
        }
        while self.end.peek().is_some() {
            self.end.next += 1;
        }
        Err(ParseError { found: "the end of the text".to_owned(), ..self.end.error(expected) })
    }

    fn header(&mut self) -> Result<Function, ParseError> {
        let mut line = self.line("`function` and a name")?;
        line.keyword("function")?;
        let name = line.name()?;
        line.end()?;
        let mut line = self.line("`arguments`")?;
        line.keyword("arguments")?;
        let n_arguments = line.number("a number of launch arguments")?;
        line.end()?;
        let mut line = self.line("`values`")?;
        line.keyword("values")?;
        let n_vectors = line.number("a number of vectors")?;
        let n_scalars = line.number("a number of scalars")?;
        let n_masks = line.number("a number of masks")?;
        line.end()?;
        let mut function = Function {
            name,
            n_arguments,
            scratches: Vec::new(),
            descriptors: Vec::new(),
            body: Block::new(),
            n_values: (n_vectors, n_scalars, n_masks),
        };
        loop {
            let expected = "`scratch`, `dma` or `body`";
            let mut line = self.line(expected)?;
            match line.word(expected)?.as_str() {
                "scratch" => function.scratches.push(scratch(&mut line)?),
                "dma" => {
                    let descriptor = descriptor(&mut line, function.descriptors.len())?;
                    function.descriptors.push(descriptor);
                }
                "body" => {
                    line.mark("{")?;
                    line.end()?;
                    return Ok(function);
                }
                _ => return Err(line.error_before(expected)),
            }
            line.end()?;
        }
    }

    /// The statements up to the brace that closes the body.
    fn body(&mut self, scratches: &[Scratch]) -> Result<Block, ParseError> {
        let mut block = Block::new();
        let mut open: Vec<Open> = Vec::new();
        loop {
            let mut line = self.line("a statement or `}`")?;
            if line.accept("}") {
                line.end()?;
                let Some(Open { trip_count, index, carried, around }) = open.pop() else {
                    return Ok(block);
                };
                let body = std::mem::replace(&mut block, around);
                block.push(Statement::Loop(Box::new(Loop { trip_count, index, carried, body })));
            } else if line.accept_word("loop") {
                if open.len() == MAX_DEPTH {
                    return Err(line.error_before(format!("loops at most {MAX_DEPTH} deep")));
                }
                open.push(loop_head(&mut line, std::mem::take(&mut block))?);
            } else {
                block.push(op_statement(&mut line, scratches)?);
            }
        }
    }
}

/// `acc: vmem 8 + 64`
fn scratch(line: &mut Line) -> Result<Scratch, ParseError> {
    let name = line.name()?;
    line.mark(":")?;
    let space = space(line)?;
    let base = line.number("the first granule")?;
    line.mark("+")?;
    let granules = line.number("a number of granules")?;
    Ok(Scratch { name, space, base, granules })
}

fn space(line: &mut Line) -> Result<MemorySpace, ParseError> {
    let expected = "one of `hbm`, `cmem`, `vmem`, `smem`";
    let word = line.word(expected)?;
    let space = MemorySpace::ALL.into_iter().find(|space| space.name() == word);
    space.ok_or_else(|| line.error_before(expected))
}

/// `0: hbm -> vmem 8 granules x 4 (stride 8 -> 16)`
fn descriptor(line: &mut Line, index: usize) -> Result<DmaDescriptor, ParseError> {
    let expected = format!("descriptor number {index}");
    let number: u32 = line.number(&expected)?;
    if number as usize != index {
        return Err(line.error_before(expected));
    }
    line.mark(":")?;
    let source = space(line)?;
    line.mark("->")?;
    let target = space(line)?;
    let granules = line.number("a number of granules")?;
    line.keyword("granules")?;
    let mut dimensions = Vec::new();
    while line.accept_word("x") {
        let count = line.number("a count")?;
        line.mark("(")?;
        line.keyword("stride")?;
        let source_stride = line.number("a stride in granules")?;
        line.mark("->")?;
        let target_stride = line.number("a stride in granules")?;
        line.mark(")")?;
        dimensions.push(DmaDimension { count, source_stride, target_stride });
    }
    Ok(DmaDescriptor { source, target, granules, dimensions })
}

/// `%s4 in 0..%s3 carry(%v9 = %v1 -> %v12) -> %v13 {`
fn loop_head(line: &mut Line, around: Block) -> Result<Open, ParseError> {
    let index = line.scalar()?;
    line.keyword("in")?;
    let from: u32 = line.number("0")?;
    if from != 0 {
        return Err(line.error_before("`0`: loops count from 0"));
    }
    line.mark("..")?;
    let trip_count = line.scalar()?;
    let mut carried = Vec::new();
    if line.accept_word("carry") {
        line.mark("(")?;
        loop {
            let parameter = line.value("a parameter")?;
            line.mark("=")?;
            let initial = line.value("an initial value")?;
            line.mark("->")?;
            let next = line.value("a next value")?;
            carried.push(Carried { initial, parameter, next, result: parameter });
            if !line.accept(",") {
                break;
            }
        }
        line.mark(")")?;
        line.mark("->")?;
        for (position, carried) in carried.iter_mut().enumerate() {
            if position > 0 {
                line.mark(",")?;
            }
            carried.result = line.value("a result for each carried value")?;
        }
    }
    line.mark("{")?;
    line.end()?;
    Ok(Open { trip_count, index, carried, around })
}

/// `results = name operands touching scratch`, the first and last part only if there are any.
fn op_statement(line: &mut Line, scratches: &[Scratch]) -> Result<Statement, ParseError> {
    let mut results = Vec::new();
    if line.has_mark("=") {
        results.push(line.value("a result")?);
        while line.accept(",") {
            results.push(line.value("a result")?);
        }
        line.mark("=")?;
    }
    let expected = "the name of an op, or `loop`";
    let name = line.word(expected)?;
    let Some(opcode) = opcode_named(&name) else { return Err(line.error_before(expected)) };
    let row = &ROWS[opcode];
    if row.results.len() != results.len() {
        let (wanted, found) = (row.results.len(), results.len());
        return Err(line.error_before(format!("an op with {found} results; `{name}` has {wanted}")));
    }
    let mut fields = Fields { line, row, values: results, n_read: 0 };
    let Some(op) = Op::build(opcode, &mut fields)? else {
        unreachable!("`opcode_named` gives opcodes of rows")
    };
    let op: LloOp = op.rename(&mut Named(&fields.values));
    let touches = line.accept_word("touching").then(|| touched(line, scratches)).transpose()?;
    line.end()?;
    Ok(Statement::Op { op, touches })
}

fn touched(line: &mut Line, scratches: &[Scratch]) -> Result<ScratchId, ParseError> {
    if line.accept("#") {
        return line.number("the number of a scratch").map(ScratchId);
    }
    let name = line.name()?;
    let mut called = scratches.iter().enumerate().filter(|(_, scratch)| scratch.name == name);
    match (called.next(), called.next()) {
        (Some((index, _)), None) => {
            Ok(ScratchId(u32::try_from(index).expect("a text has fewer than 2^32 lines")))
        }
        (Some(_), Some(_)) => {
            Err(line.error_before("the number of a scratch, like `#1`: several have this name"))
        }
        (None, _) => Err(line.error_before("the name of a scratch of this function")),
    }
}

/// Reads the operands of one op. Values are kept aside; registers in the op number them.
struct Fields<'a> {
    line: &'a mut Line,
    row: &'static Row,
    values: Vec<Value>,
    n_read: usize,
}

impl Fields<'_> {
    fn before_field(&mut self) -> Result<(), ParseError> {
        self.n_read += 1;
        if self.n_read > self.row.results.len() + 1 { self.line.mark(",") } else { Ok(()) }
    }
}

impl FieldSource for Fields<'_> {
    type Error = ParseError;

    fn byte(&mut self, field: &Field) -> Result<u8, ParseError> {
        let expected = match field.kind {
            Kind::V => "a vector like `%v0`",
            Kind::S => "a scalar like `%s0`",
            Kind::M => "a mask like `%m0`",
            Kind::U8 | Kind::U32 | Kind::I32 => {
                self.before_field()?;
                return self.line.number(field.name);
            }
        };
        self.before_field()?;
        let position = self.n_read - 1;
        let is_result = position < self.row.results.len();
        if !is_result {
            let value = self.line.value(expected)?;
            self.values.push(value);
        }
        let place = if is_result { position } else { self.values.len() - 1 };
        let fits = match self.values[place] {
            Value::V(_) => field.kind == Kind::V,
            Value::S(_) => field.kind == Kind::S,
            Value::M(_) => field.kind == Kind::M,
        };
        if !fits {
            let what = if is_result {
                format!("an op that makes {}", self.values[place])
            } else {
                expected.to_owned()
            };
            return Err(self.line.error_before(what));
        }
        Ok(u8::try_from(place).expect("an op has few operands"))
    }

    fn word(&mut self, field: &Field) -> Result<u32, ParseError> {
        self.before_field()?;
        match field.kind {
            Kind::I32 => self.line.number(field.name).map(i32::cast_unsigned),
            Kind::U8 | Kind::U32 | Kind::V | Kind::S | Kind::M => self.line.number(field.name),
        }
    }
}

/// Gives registers the values that they number.
struct Named<'a>(&'a [Value]);

impl Rename<VReg, SReg, MReg> for Named<'_> {
    type V = V;
    type S = S;
    type M = M;
    fn v(&mut self, VReg(place): VReg) -> V {
        let Value::V(v) = self.0[usize::from(place)] else { unreachable!("its class was checked") };
        v
    }
    fn s(&mut self, SReg(place): SReg) -> S {
        let Value::S(s) = self.0[usize::from(place)] else { unreachable!("its class was checked") };
        s
    }
    fn m(&mut self, MReg(place): MReg) -> M {
        let Value::M(m) = self.0[usize::from(place)] else { unreachable!("its class was checked") };
        m
    }
}
