//! The pretty forms: one row per operation that has one.
//!
//! Most forms are a list of operands, some keywords, an attribute dictionary and types; such a
//! row lists its keywords and the attribute that each stands for in the generic form. The others
//! name the function that reads them.

mod calls;
mod check;
mod control;
mod convolution;
mod dialects;
mod operands;
mod shapes;

use super::operations::Draft;
use super::parser::Parser;
use crate::frontend::source::{SourceError, SourceResult};
use operands::{Keyword, KeywordKind};

/// How an operation is written after its name.
enum Form {
    /// `%a, %b, keyword = value {…} : types`.
    Operands(&'static [Keyword]),
    /// The same for operations without results, `: T` being the type of every operand.
    Effect(&'static [Keyword]),
    /// A form of its own.
    Own(for<'a, 'b> fn(&'b mut Parser<'a>, &mut Draft) -> SourceResult<()>),
}

/// Names written differently in the pretty form.
const SHORT_NAMES: [(&str, &str); 5] = [
    ("module", "builtin.module"),
    ("func", "func.func"),
    ("call", "func.call"),
    ("return", "func.return"),
    ("constant", "stablehlo.constant"),
];

/// StableHLO operations whose form is operands and types, without keywords.
const PLAIN: &str = "abs add after_all and atan2 bitcast_convert cbrt ceil clamp convert cosine \
    count_leading_zeros create_token divide dynamic_pad dynamic_reshape dynamic_update_slice \
    exponential exponential_minus_one floor imag is_finite log log_plus_one logistic maximum \
    minimum multiply negate not or partition_id popcnt power real real_dynamic_slice remainder \
    replica_id reshape round_nearest_afz round_nearest_even rsqrt shift_left \
    shift_right_arithmetic shift_right_logical sign sine sqrt subtract tan tanh \
    uniform_dequantize uniform_quantize xor";

const fn keyword(word: &'static str, attribute: &'static str, kind: KeywordKind) -> Keyword {
    Keyword { word, attribute, kind }
}

const BROADCAST: &[Keyword] = &[keyword("dims", "broadcast_dimensions", KeywordKind::Integers)];
const BROADCAST_SIZES: &[Keyword] = &[keyword("sizes", "broadcast_sizes", KeywordKind::Integers)];
const PAD: &[Keyword] = &[
    keyword("low", "edge_padding_low", KeywordKind::Integers),
    keyword("high", "edge_padding_high", KeywordKind::Integers),
    keyword("interior", "interior_padding", KeywordKind::Integers),
];
const DIMENSION: &[Keyword] = &[keyword("dim", "dimension", KeywordKind::Integer)];
const FFT: &[Keyword] = &[
    keyword("type", "fft_type", KeywordKind::Enum),
    keyword("length", "fft_length", KeywordKind::Integers),
];
const CLOSE: &[Keyword] = &[
    keyword("max_ulp_difference", "max_ulp_difference", KeywordKind::Integer),
    keyword("min_ulp_difference", "min_ulp_difference", KeywordKind::Integer),
];

/// The rows that are not [`PLAIN`].
const FORMS: &[(&str, Form)] = &[
    ("builtin.module", Form::Own(|parser, draft| parser.parse_module(draft))),
    ("check.expect_almost_eq", Form::Effect(check::TOLERANCE)),
    ("check.expect_almost_eq_const", Form::Own(check::against_constant)),
    ("check.expect_close", Form::Effect(CLOSE)),
    ("check.expect_eq", Form::Effect(&[])),
    ("check.expect_eq_const", Form::Own(check::against_constant)),
    ("func.call", Form::Own(calls::call)),
    ("func.func", Form::Own(|parser, draft| parser.parse_function(draft))),
    ("func.return", Form::Own(calls::terminator)),
    ("sdy.manual_computation", Form::Own(dialects::manual_computation)),
    ("sdy.mesh", Form::Own(dialects::mesh)),
    ("sdy.reshard", Form::Own(dialects::sharding_constraint)),
    ("sdy.return", Form::Own(calls::terminator)),
    ("sdy.sharding_constraint", Form::Own(dialects::sharding_constraint)),
    ("stablehlo.broadcast", Form::Operands(BROADCAST_SIZES)),
    ("stablehlo.broadcast_in_dim", Form::Operands(BROADCAST)),
    ("stablehlo.cholesky", Form::Operands(&[keyword("lower", "lower", KeywordKind::Bool)])),
    ("stablehlo.compare", Form::Own(operands::compare)),
    ("stablehlo.complex", Form::Own(operands::complex)),
    ("stablehlo.composite", Form::Own(calls::composite)),
    ("stablehlo.concatenate", Form::Operands(DIMENSION)),
    ("stablehlo.constant", Form::Own(shapes::constant)),
    ("stablehlo.convolution", Form::Own(convolution::convolution)),
    ("stablehlo.custom_call", Form::Own(calls::custom_call)),
    (
        "stablehlo.dot",
        Form::Operands(&[keyword("precision", "precision_config", KeywordKind::Precision)]),
    ),
    ("stablehlo.dot_general", Form::Own(shapes::dot_general)),
    ("stablehlo.dynamic_broadcast_in_dim", Form::Operands(BROADCAST)),
    (
        "stablehlo.dynamic_iota",
        Form::Operands(&[keyword("dim", "iota_dimension", KeywordKind::Integer)]),
    ),
    (
        "stablehlo.dynamic_slice",
        Form::Operands(&[keyword("sizes", "slice_sizes", KeywordKind::Integers)]),
    ),
    ("stablehlo.fft", Form::Operands(FFT)),
    ("stablehlo.get_dimension_size", Form::Operands(DIMENSION)),
    ("stablehlo.get_tuple_element", Form::Own(shapes::get_tuple_element)),
    ("stablehlo.iota", Form::Own(shapes::iota)),
    ("stablehlo.optimization_barrier", Form::Own(operands::barrier)),
    ("stablehlo.pad", Form::Operands(PAD)),
    ("stablehlo.reduce", Form::Own(control::reduce)),
    ("stablehlo.reduce_precision", Form::Own(operands::reduce_precision)),
    ("stablehlo.return", Form::Own(calls::terminator)),
    ("stablehlo.reverse", Form::Operands(&[keyword("dims", "dimensions", KeywordKind::Integers)])),
    (
        "stablehlo.rng",
        Form::Operands(&[keyword("distribution", "rng_distribution", KeywordKind::Enum)]),
    ),
    (
        "stablehlo.rng_bit_generator",
        Form::Operands(&[keyword("algorithm", "rng_algorithm", KeywordKind::Enum)]),
    ),
    ("stablehlo.select", Form::Own(operands::select)),
    ("stablehlo.set_dimension_size", Form::Operands(DIMENSION)),
    ("stablehlo.slice", Form::Own(shapes::slice)),
    (
        "stablehlo.transpose",
        Form::Operands(&[keyword("dims", "permutation", KeywordKind::Integers)]),
    ),
    ("stablehlo.tuple", Form::Own(shapes::tuple)),
    ("stablehlo.while", Form::Own(control::while_loop)),
];

/// An operation in pretty form: its name and what follows.
pub(super) fn parse_pretty(parser: &mut Parser<'_>) -> SourceResult<Draft> {
    let span = parser.token.span;
    let written = parser.expect_name("an operation")?;
    let full = SHORT_NAMES.iter().find(|(short, _)| *short == written);
    let mut draft = Draft::new(full.map_or(written, |(_, full)| full), span);
    if let Some((_, form)) = FORMS.iter().find(|(name, _)| *name == draft.name) {
        match form {
            Form::Operands(keywords) => operands::operands(parser, &mut draft, keywords)?,
            Form::Effect(keywords) => operands::effect(parser, &mut draft, keywords)?,
            Form::Own(rule) => rule(parser, &mut draft)?,
        }
    } else if is_plain(&draft.name) {
        operands::operands(parser, &mut draft, &[])?;
    } else if draft.name.starts_with("chlo.") {
        dialects::chlo(parser, &mut draft)?;
    } else {
        return Err(SourceError::new(span, unknown(written)));
    }
    Ok(draft)
}

fn is_plain(name: &str) -> bool {
    name.strip_prefix("stablehlo.")
        .is_some_and(|name| PLAIN.split_whitespace().any(|plain| plain == name))
}

fn unknown(written: &str) -> String {
    if written.contains('.') {
        format!(
            "unknown operation {written}, or one that has no short form; the generic form is \
             \"{written}\"(…) {{…}} : (…) -> …"
        )
    } else {
        format!("found '{written}', expected an operation such as stablehlo.add")
    }
}
