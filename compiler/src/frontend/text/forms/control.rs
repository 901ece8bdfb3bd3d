//! Forms with regions: `while` and `reduce`.

use super::operands::{add, finish, parse_attributes};
use crate::frontend::source::{SourceError, SourceResult, Span, counted};
use crate::frontend::syntax::{
    Attribute, Block, BlockArgument, Operand, Operation, Region, TensorType, Type,
};
use crate::frontend::text::lexer::TokenKind;
use crate::frontend::text::operations::{Argument, Draft};
use crate::frontend::text::parser::Parser;

/// `(%arg = %init, …) : T, … [attributes {…}] cond { … } do { … }`.
pub(super) fn while_loop<'a>(parser: &mut Parser<'a>, draft: &mut Draft) -> SourceResult<()> {
    parser.expect(b'(')?;
    let mut names: Vec<(&'a str, Span)> = Vec::new();
    draft.operands = parser.list_until(b')', |parser| {
        let span = parser.token.span;
        names.push((parser.expect_kind(TokenKind::Value, "an argument such as %iterArg")?, span));
        parser.expect(b'=')?;
        parser.parse_operand()
    })?;
    if parser.eat(b':')? {
        draft.operand_types = parser.parse_type_list()?;
    }
    if draft.operand_types.len() != names.len() {
        let (given, typed) = (names.len(), draft.operand_types.len());
        let (given, typed) = (counted(given, "value"), counted(typed, "type"));
        let message = format!("this loop has {given}, but {typed}");
        return Err(SourceError::new(draft.span, message));
    }
    draft.result_types = draft.operand_types.clone();
    if parser.eat_word("attributes")? {
        parse_attributes(parser, draft)?;
    }
    for word in ["cond", "do"] {
        parser.expect_word(word)?;
        let arguments = names.iter().zip(&draft.operand_types);
        let arguments = arguments
            .map(|(&(name, span), value_type)| Argument {
                name,
                span,
                value_type: value_type.clone(),
                location: None,
            })
            .collect();
        draft.regions.push(parser.parse_region(false, arguments)?);
    }
    Ok(())
}

/// `(%x init: %i), … [applies op] across dimensions = [..] {…} : types [reducer …]`.
pub(super) fn reduce(parser: &mut Parser<'_>, draft: &mut Draft) -> SourceResult<()> {
    let mut inits: Vec<Operand> = Vec::new();
    loop {
        parser.expect(b'(')?;
        draft.operands.push(parser.parse_operand()?);
        parser.expect_word("init")?;
        parser.expect(b':')?;
        inits.push(parser.parse_operand()?);
        parser.expect(b')')?;
        if !parser.eat(b',')? {
            break;
        }
    }
    draft.operands.extend(&inits);
    let applied = if parser.eat_word("applies")? {
        let span = parser.token.span;
        Some((parser.expect_name("an operation such as stablehlo.add")?, span))
    } else {
        None
    };
    parser.expect_word("across")?;
    parser.expect_word("dimensions")?;
    parser.expect(b'=')?;
    let span = parser.token.span;
    let dimensions = Attribute::IntegerArray(parser.parse_integers()?);
    add(parser, draft, "dimensions", dimensions, span)?;
    finish(parser, draft)?;
    let region = match applied {
        Some((name, span)) => applied_region(parser, draft, name, span)?,
        None => parse_reducer(parser, inits.len())?,
    };
    draft.regions.push(region);
    Ok(())
}

/// `reducer(%a: T, %b: T) (%c: T, %d: T) { … }`: one pair per operand; the region takes all
/// first members, then all second ones.
fn parse_reducer(parser: &mut Parser<'_>, count: usize) -> SourceResult<Region> {
    parser.expect_word("reducer")?;
    let (mut firsts, mut seconds) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let start = parser.expect(b'(')?;
        let pair = <[Argument<'_>; 2]>::try_from(parser.parse_arguments()?).map_err(|pair| {
            let found = counted(pair.len(), "argument");
            let message = format!("found {found}, expected a pair");
            SourceError::new(parser.span_from(start), message)
        })?;
        let [first, second] = pair;
        firsts.push(first);
        seconds.push(second);
    }
    firsts.extend(seconds);
    parser.parse_region(false, firsts)
}

/// The region that `applies op` stands for.
fn applied_region(
    parser: &mut Parser<'_>,
    draft: &Draft,
    name: &str,
    span: Span,
) -> SourceResult<Region> {
    let [_, Type::Tensor(init)] = draft.operand_types.as_slice() else {
        let message = "'applies' needs one tensor and its initial value; write a 'reducer'";
        return Err(SourceError::new(span, message));
    };
    let scalar = Type::Tensor(TensorType { dimensions: Vec::new(), ..init.clone() });
    let types = [scalar.clone(), scalar.clone()];
    let arguments = parser.define_unnamed(&types);
    let result = parser.define_unnamed(&types[..1]);
    let use_of = |values: &[_]| values.iter().map(|&value| Operand { value, span }).collect();
    let operation = |name: String, operands: Vec<Operand>, results: Vec<_>| Operation {
        name,
        span,
        operand_types: vec![scalar.clone(); operands.len()],
        operands,
        result_types: vec![scalar.clone(); results.len()],
        results,
        attributes: Vec::new(),
        regions: Vec::new(),
        location: None,
    };
    let applied = Draft::new(name, span).name;
    let operations = vec![
        operation(applied, use_of(&arguments), result.clone()),
        operation("stablehlo.return".to_owned(), use_of(&result), Vec::new()),
    ];
    let arguments = arguments
        .into_iter()
        .map(|value| BlockArgument {
            value,
            name: None,
            value_type: scalar.clone(),
            span,
            location: None,
        })
        .collect();
    Ok(Region { blocks: vec![Block { arguments, operations }], span })
}
