//! How each attribute type is written and read.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{
    Attribute, CheckParameters, ComparisonDirection, ComparisonType, CustomCallTarget,
    DotDimensionNumbers, EighParameters, FftType, FusionKind, GatherDimensionNumbers,
    OperandPrecision, PaddingDimension, Precision, RandomAlgorithm, ScatterDimensionNumbers,
    SliceDimension, Transpose, TriangularSolveOptions,
};
use crate::diagnostic::Diagnostic;
use crate::hlo::computation::ComputationId;
use crate::hlo::literal::Literal;
use crate::hlo::parse::literal::literal;
use crate::hlo::parse::scanner::Scanner;
use crate::hlo::print::{AttributePrinter, quoted};
use crate::hlo::shape::{ElementType, Shape};

/// The attributes of one instruction in the text, taken one by one.
pub(crate) struct AttributeSource<'p, 'a> {
    pub(crate) scanner: &'p Scanner<'a>,
    /// The text of each value, by key, and where the key is.
    pub(crate) values: BTreeMap<&'a str, (Range<usize>, Range<usize>)>,
    /// What is between the parentheses, for `constant` and `parameter`.
    pub(crate) argument: Range<usize>,
    /// The opcode in the text.
    pub(crate) place: Range<usize>,
    pub(crate) shape: &'p Shape,
    /// The type of the first operand's elements.
    pub(crate) operand_type: Option<ElementType>,
    pub(crate) computations: &'p BTreeMap<&'a str, ComputationId>,
}

impl<'a> AttributeSource<'_, 'a> {
    /// A scanner of the value of `key`, if it is given.
    pub(crate) fn take(&mut self, key: &str) -> Option<Scanner<'a>> {
        let (_, value) = self.values.remove(key)?;
        Some(self.scanner.within(value))
    }

    fn require(&mut self, key: &str) -> Result<Scanner<'a>, Diagnostic> {
        self.take(key).ok_or_else(|| {
            self.scanner.error_at(self.place.clone(), format!("the attribute `{key}` is missing"))
        })
    }

    /// Reads the value of `key` with `read`, if it is given.
    pub(crate) fn optional<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Scanner<'a>) -> Result<T, Diagnostic>,
    ) -> Result<Option<T>, Diagnostic> {
        let Some(mut scanner) = self.take(key) else { return Ok(None) };
        let value = read(&mut scanner)?;
        scanner.expect_end()?;
        Ok(Some(value))
    }

    pub(crate) fn required<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Scanner<'a>) -> Result<T, Diagnostic>,
    ) -> Result<T, Diagnostic> {
        let mut scanner = self.require(key)?;
        let value = read(&mut scanner)?;
        scanner.expect_end()?;
        Ok(value)
    }

    fn dimensions(&mut self, key: &str) -> Result<Vec<usize>, Diagnostic> {
        Ok(self.optional(key, Scanner::dimension_list)?.unwrap_or_default())
    }

    fn computation(&self, scanner: &mut Scanner<'a>) -> Result<ComputationId, Diagnostic> {
        let (name, span) = scanner.name("the name of a computation")?;
        self.computations
            .get(name)
            .copied()
            .ok_or_else(|| scanner.error_at(span, format!("there is no computation `{name}`")))
    }
}

/// One of a fixed set of words.
pub(super) fn word<T: Copy>(
    scanner: &mut Scanner<'_>,
    all: &[T],
    text: impl Fn(T) -> &'static str,
) -> Result<T, Diagnostic> {
    let (word, span) = scanner.word("a word")?;
    all.iter().copied().find(|&value| text(value) == word).ok_or_else(|| {
        let allowed: Vec<&str> = all.iter().map(|&value| text(value)).collect();
        let message = format!("`{word}` is not allowed here; {} are", allowed.join(", "));
        scanner.error_at(span, message)
    })
}

/// The key `dimension` is spelled as XLA does: as a list of one.
const SINGLE_DIMENSION: &str = "dimension";
/// The key of what is written between the parentheses.
const ARGUMENT: &str = "number";
/// The keys that are left out where the number is 1.
const GROUP_COUNTS: [&str; 2] = ["feature_group_count", "batch_group_count"];

impl Attribute for usize {
    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>) {
        match key {
            ARGUMENT => {}
            key if GROUP_COUNTS.contains(&key) && *self == 1 => {}
            SINGLE_DIMENSION => printer.write_list("dimensions", &[*self]),
            _ => printer.write(key, self),
        }
    }

    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        match key {
            ARGUMENT => {
                let mut scanner = source.scanner.within(source.argument.clone());
                let number = scanner.integer("parameter number")?;
                scanner.expect_end()?;
                Ok(number)
            }
            SINGLE_DIMENSION => source.required("dimensions", |scanner| {
                scanner.expect("{")?;
                let dimension = scanner.integer("dimension")?;
                scanner.expect("}")?;
                Ok(dimension)
            }),
            key if GROUP_COUNTS.contains(&key) => {
                let given = source.optional(key, |scanner| scanner.integer("number"))?;
                Ok(given.unwrap_or(1))
            }
            _ => source.required(key, |scanner| scanner.integer("number")),
        }
    }
}

impl Attribute for bool {
    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>) {
        if *self {
            printer.write(key, true);
        }
    }

    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        let text = |value: bool| if value { "true" } else { "false" };
        let value = source.optional(key, |scanner| word(scanner, &[false, true], text))?;
        Ok(value.unwrap_or(false))
    }
}

impl Attribute for String {
    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>) {
        if !self.is_empty() {
            printer.write(key, quoted(self));
        }
    }

    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        let value = source.optional(key, |scanner| {
            if scanner.peek()? == Some('"') {
                return scanner.string();
            }
            // XLA writes JSON without quotes.
            let text = scanner.rest().trim().to_owned();
            scanner.skip_value()?;
            Ok(text)
        })?;
        Ok(value.unwrap_or_default())
    }
}

impl Attribute for Vec<usize> {
    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>) {
        printer.write_list(key, self);
    }

    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        source.required(key, Scanner::dimension_list)
    }
}

impl Attribute for Literal {
    fn print(&self, _key: &'static str, _printer: &mut AttributePrinter<'_>) {}

    fn parse(_key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        let mut scanner = source.scanner.within(source.argument.clone());
        let value = literal(source.shape, &mut scanner)?;
        scanner.expect_end()?;
        Ok(value)
    }
}

impl Attribute for ComputationId {
    fn add_computations(&self, found: &mut Vec<ComputationId>) {
        found.push(*self);
    }

    fn map_computations(&mut self, map: &mut dyn FnMut(ComputationId) -> ComputationId) {
        *self = map(*self);
    }

    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>) {
        printer.write(key, printer.computation_name(*self));
    }

    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        let mut scanner = source.require(key)?;
        let id = source.computation(&mut scanner)?;
        scanner.expect_end()?;
        Ok(id)
    }
}

impl Attribute for Vec<ComputationId> {
    fn add_computations(&self, found: &mut Vec<ComputationId>) {
        found.extend(self);
    }

    fn map_computations(&mut self, map: &mut dyn FnMut(ComputationId) -> ComputationId) {
        self.iter_mut().for_each(|id| *id = map(*id));
    }

    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>) {
        let names: Vec<String> = self.iter().map(|&id| printer.computation_name(id)).collect();
        printer.write(key, format_args!("{{{}}}", names.join(", ")));
    }

    /// XLA also writes the branches of a `pred` as `true_computation` and `false_computation`.
    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        if source.values.contains_key("true_computation") {
            let on_true = ComputationId::parse("true_computation", source)?;
            return Ok(vec![on_true, ComputationId::parse("false_computation", source)?]);
        }
        let mut scanner = source.require(key)?;
        let ids = scanner.list(["{", "}"], |scanner| source.computation(scanner))?;
        scanner.expect_end()?;
        Ok(ids)
    }
}

impl Attribute for ComparisonDirection {
    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>) {
        printer.write(key, self.text());
    }

    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        source.required(key, |scanner| word(scanner, Self::ALL, Self::text))
    }
}

impl Attribute for ComparisonType {
    fn print(&self, _key: &'static str, printer: &mut AttributePrinter<'_>) {
        printer.write("type", self.text());
    }

    fn parse(_key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        let given = source.optional("type", |scanner| word(scanner, Self::ALL, Self::text))?;
        let natural = source.operand_type.map_or(Self::Float, Self::natural);
        Ok(given.unwrap_or(natural))
    }
}

impl Attribute for TriangularSolveOptions {
    fn print(&self, _key: &'static str, printer: &mut AttributePrinter<'_>) {
        let Self { left_side, lower, unit_diagonal, transpose_a } = self;
        left_side.print("left_side", printer);
        lower.print("lower", printer);
        unit_diagonal.print("unit_diagonal", printer);
        printer.write("transpose_a", transpose_a.text());
    }

    fn parse(_key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        let transpose_a = source
            .optional("transpose_a", |scanner| word(scanner, Transpose::ALL, Transpose::text))?;
        Ok(Self {
            left_side: bool::parse("left_side", source)?,
            lower: bool::parse("lower", source)?,
            unit_diagonal: bool::parse("unit_diagonal", source)?,
            transpose_a: transpose_a.unwrap_or_default(),
        })
    }
}

impl Attribute for RandomAlgorithm {
    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>) {
        printer.write(key, self.text());
    }

    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        source.required(key, |scanner| word(scanner, Self::ALL, Self::text))
    }
}

impl Attribute for FftType {
    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>) {
        printer.write(key, self.text());
    }

    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        source.required(key, |scanner| word(scanner, Self::ALL, Self::text))
    }
}

impl Attribute for FusionKind {
    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>) {
        printer.write(key, self.text());
    }

    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        source.required(key, |scanner| word(scanner, Self::ALL, Self::text))
    }
}

impl Attribute for OperandPrecision {
    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>) {
        if *self != Self::default() {
            printer.write_list(key, &[self.lhs.text(), self.rhs.text()]);
        }
    }

    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        let given = source.optional(key, |scanner| {
            scanner.expect("{")?;
            let lhs = word(scanner, Precision::ALL, Precision::text)?;
            scanner.expect(",")?;
            let rhs = word(scanner, Precision::ALL, Precision::text)?;
            scanner.expect("}")?;
            Ok(Self { lhs, rhs })
        })?;
        Ok(given.unwrap_or_default())
    }
}

impl Attribute for DotDimensionNumbers {
    fn print(&self, _key: &'static str, printer: &mut AttributePrinter<'_>) {
        if !self.lhs_batch_dimensions.is_empty() || !self.rhs_batch_dimensions.is_empty() {
            printer.write_list("lhs_batch_dims", &self.lhs_batch_dimensions);
        }
        printer.write_list("lhs_contracting_dims", &self.lhs_contracting_dimensions);
        if !self.lhs_batch_dimensions.is_empty() || !self.rhs_batch_dimensions.is_empty() {
            printer.write_list("rhs_batch_dims", &self.rhs_batch_dimensions);
        }
        printer.write_list("rhs_contracting_dims", &self.rhs_contracting_dimensions);
    }

    fn parse(_key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        Ok(Self {
            lhs_batch_dimensions: source.dimensions("lhs_batch_dims")?,
            rhs_batch_dimensions: source.dimensions("rhs_batch_dims")?,
            lhs_contracting_dimensions: source.dimensions("lhs_contracting_dims")?,
            rhs_contracting_dimensions: source.dimensions("rhs_contracting_dims")?,
        })
    }
}

impl Attribute for Vec<SliceDimension> {
    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>) {
        let items: Vec<String> = self
            .iter()
            .map(|&SliceDimension { start, limit, stride }| match stride {
                1 => format!("[{start}:{limit}]"),
                _ => format!("[{start}:{limit}:{stride}]"),
            })
            .collect();
        printer.write(key, format_args!("{{{}}}", items.join(", ")));
    }

    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        source.required(key, |scanner| {
            scanner.list(["{", "}"], |scanner| {
                scanner.expect("[")?;
                let start = scanner.integer("start")?;
                scanner.expect(":")?;
                let limit = scanner.integer("limit")?;
                let stride = if scanner.eat(":")? { scanner.integer("stride")? } else { 1 };
                scanner.expect("]")?;
                Ok(SliceDimension { start, limit, stride })
            })
        })
    }
}

impl Attribute for Vec<PaddingDimension> {
    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>) {
        let items: Vec<String> = self
            .iter()
            .map(|&PaddingDimension { low, high, interior }| match interior {
                0 => format!("{low}_{high}"),
                _ => format!("{low}_{high}_{interior}"),
            })
            .collect();
        // A scalar has no dimensions to pad, and an attribute needs some text.
        if !items.is_empty() {
            printer.write(key, items.join("x"));
        }
    }

    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        let given = source.optional(key, |scanner| {
            let mut result = Vec::new();
            loop {
                let low = scanner.integer("padding")?;
                scanner.expect("_")?;
                let high = scanner.integer("padding")?;
                let interior = if scanner.eat("_")? { scanner.integer("padding")? } else { 0 };
                result.push(PaddingDimension { low, high, interior });
                if !scanner.eat("x")? {
                    return Ok(result);
                }
            }
        })?;
        Ok(given.unwrap_or_default())
    }
}

impl Attribute for GatherDimensionNumbers {
    fn print(&self, _key: &'static str, printer: &mut AttributePrinter<'_>) {
        printer.write_list("offset_dims", &self.offset_dims);
        printer.write_list("collapsed_slice_dims", &self.collapsed_slice_dims);
        printer.write_list("start_index_map", &self.start_index_map);
        if !self.operand_batching_dims.is_empty() || !self.start_indices_batching_dims.is_empty() {
            printer.write_list("operand_batching_dims", &self.operand_batching_dims);
            printer.write_list("start_indices_batching_dims", &self.start_indices_batching_dims);
        }
        printer.write("index_vector_dim", self.index_vector_dim);
    }

    fn parse(_key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        Ok(Self {
            offset_dims: source.dimensions("offset_dims")?,
            collapsed_slice_dims: source.dimensions("collapsed_slice_dims")?,
            start_index_map: source.dimensions("start_index_map")?,
            operand_batching_dims: source.dimensions("operand_batching_dims")?,
            start_indices_batching_dims: source.dimensions("start_indices_batching_dims")?,
            index_vector_dim: usize::parse("index_vector_dim", source)?,
        })
    }
}

impl Attribute for ScatterDimensionNumbers {
    fn print(&self, _key: &'static str, printer: &mut AttributePrinter<'_>) {
        printer.write_list("update_window_dims", &self.update_window_dims);
        printer.write_list("inserted_window_dims", &self.inserted_window_dims);
        printer.write_list("scatter_dims_to_operand_dims", &self.scatter_dims_to_operand_dims);
        if !self.input_batching_dims.is_empty() || !self.scatter_indices_batching_dims.is_empty() {
            printer.write_list("input_batching_dims", &self.input_batching_dims);
            let of_indices = &self.scatter_indices_batching_dims;
            printer.write_list("scatter_indices_batching_dims", of_indices);
        }
        printer.write("index_vector_dim", self.index_vector_dim);
    }

    fn parse(_key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        Ok(Self {
            update_window_dims: source.dimensions("update_window_dims")?,
            inserted_window_dims: source.dimensions("inserted_window_dims")?,
            scatter_dims_to_operand_dims: source.dimensions("scatter_dims_to_operand_dims")?,
            input_batching_dims: source.dimensions("input_batching_dims")?,
            scatter_indices_batching_dims: source.dimensions("scatter_indices_batching_dims")?,
            index_vector_dim: usize::parse("index_vector_dim", source)?,
        })
    }
}

impl Attribute for CustomCallTarget {
    fn print(&self, _key: &'static str, printer: &mut AttributePrinter<'_>) {
        printer.write("custom_call_target", quoted(self.name()));
        if let Self::Eigh(parameters) = self {
            printer.write("backend_config", quoted(&parameters.text()));
        }
        let Some(parameters) = self.check_parameters() else { return };
        let CheckParameters { tolerance, max_ulp_difference, min_ulp_difference, .. } = parameters;
        if let Some(tolerance) = tolerance {
            printer.write("tolerance", format_args!("{tolerance:?}"));
        }
        if let Some(most) = max_ulp_difference {
            printer.write("max_ulp_difference", most);
        }
        if let Some(least) = min_ulp_difference {
            printer.write("min_ulp_difference", least);
        }
    }

    fn parse(_key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        let name = source.required("custom_call_target", Scanner::string)?;
        if name == "Eigh" {
            return source.required("backend_config", eigh_parameters).map(Self::Eigh);
        }
        let target = Self::from_name(&name, CheckParameters::default());
        if target.check_parameters().is_none() {
            return Ok(target);
        }
        let parameters = CheckParameters {
            tolerance: source.optional("tolerance", tolerance)?,
            max_ulp_difference: source
                .optional("max_ulp_difference", |s| s.integer("ULP count"))?,
            min_ulp_difference: source
                .optional("min_ulp_difference", |s| s.integer("ULP count"))?,
            ..CheckParameters::default()
        };
        Ok(Self::from_name(&name, parameters))
    }
}

fn eigh_parameters(scanner: &mut Scanner<'_>) -> Result<EighParameters, Diagnostic> {
    let span = scanner.skip_value()?;
    let text = &scanner.source().text()[span.clone()];
    let parameters = EighParameters::from_text(text.trim().trim_matches('"'));
    parameters.ok_or_else(|| {
        let message = format!("{text} has to be \"lower,sort,sweeps,tolerance\" of Eigh");
        scanner.error_at(span, message)
    })
}

fn tolerance(scanner: &mut Scanner<'_>) -> Result<f64, Diagnostic> {
    let span = scanner.skip_value()?;
    let text = &scanner.source().text()[span.clone()];
    let value = text.parse().ok().filter(|value: &f64| value.is_finite() && *value >= 0.0);
    value.ok_or_else(|| scanner.error_at(span, format!("`{text}` is no tolerance")))
}
