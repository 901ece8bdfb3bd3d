//! Windows that move over an array, and which dimensions of a convolution are what.
//!
//! The text is XLA's: `window={size=3x3 stride=2x2 pad=1_1x1_1}` leaves out what is as usual, and
//! `dim_labels=b01f_01io->b01f` names the dimensions of operand, kernel and result by letters and
//! the spatial ones by their numbers.

use super::{Attribute, AttributeSource, PaddingDimension};
use crate::diagnostic::Diagnostic;
use crate::hlo::parse::scanner::Scanner;
use crate::hlo::print::AttributePrinter;

/// The most spatial dimensions of a convolution: each has a digit in the text.
pub const MAX_SPATIAL_DIMENSIONS: usize = 10;

/// One dimension of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowDimension {
    /// The elements that a window takes.
    pub size: usize,
    /// From one window to the next.
    pub stride: usize,
    /// Elements before the first one of the array; negative padding removes elements.
    pub padding_low: i64,
    /// Elements after the last one of the array.
    pub padding_high: i64,
    /// From one element of the array to the next, once it is spread out.
    pub base_dilation: usize,
    /// From one element of a window to the next.
    pub window_dilation: usize,
    /// Whether the kernel's elements meet the window's in reverse order.
    pub reversed: bool,
}

impl WindowDimension {
    /// A window of `size` neighbours that moves by one.
    pub fn of_size(size: usize) -> Self {
        Self {
            size,
            stride: 1,
            padding_low: 0,
            padding_high: 0,
            base_dilation: 1,
            window_dilation: 1,
            reversed: false,
        }
    }

    /// What `pad` has to do to the array, so that windows lie wholly inside of it.
    pub fn padding(&self) -> PaddingDimension {
        let (low, high) = (self.padding_low, self.padding_high);
        PaddingDimension { low, high, interior: self.base_dilation - 1 }
    }

    /// From the first to the last element of a window, both included; `None` if it is huge.
    pub fn span(&self) -> Option<usize> {
        spread(self.size, self.window_dilation)
    }

    /// The elements of an array of `size`, spread out and padded; none if padding removes all.
    /// `None` if these are too many to count.
    pub fn padded(&self, size: usize) -> Option<usize> {
        let base = i128::try_from(spread(size, self.base_dilation)?).ok()?;
        let padded = base + i128::from(self.padding_low) + i128::from(self.padding_high);
        usize::try_from(padded.max(0)).ok()
    }

    /// How many windows there are in an array of `size`; `None` if these are too many to count.
    pub fn positions(&self, size: usize) -> Option<usize> {
        let (padded, span) = (self.padded(size)?, self.span()?);
        if padded == 0 || span > padded || self.stride == 0 {
            return Some(0);
        }
        Some((padded - span) / self.stride + 1)
    }
}

fn spread(size: usize, dilation: usize) -> Option<usize> {
    let Some(gaps) = size.checked_sub(1) else { return Some(0) };
    gaps.checked_mul(dilation)?.checked_add(1)
}

/// Which dimensions of operand, kernel and result of a convolution are what.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConvolutionDimensionNumbers {
    /// The batch dimension of the operand.
    pub input_batch: usize,
    /// The feature dimension of the operand.
    pub input_feature: usize,
    /// The spatial dimensions of the operand.
    pub input_spatial: Vec<usize>,
    /// The dimension of the kernel that meets the operand's features.
    pub kernel_input_feature: usize,
    /// The dimension of the kernel that gives the result's features.
    pub kernel_output_feature: usize,
    /// The spatial dimensions of the kernel.
    pub kernel_spatial: Vec<usize>,
    /// The batch dimension of the result.
    pub output_batch: usize,
    /// The feature dimension of the result.
    pub output_feature: usize,
    /// The spatial dimensions of the result.
    pub output_spatial: Vec<usize>,
}

impl Attribute for Vec<WindowDimension> {
    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>) {
        if self.is_empty() {
            return;
        }
        let usual = WindowDimension::of_size(0);
        let mut parts = Vec::new();
        let mut add = |name: &str, is_usual: bool, text: &dyn Fn(&WindowDimension) -> String| {
            if !is_usual {
                let items: Vec<String> = self.iter().map(text).collect();
                parts.push(format!("{name}={}", items.join("x")));
            }
        };
        let all = |has: &dyn Fn(&WindowDimension) -> bool| self.iter().all(has);
        let is_padded = |d: &WindowDimension| (d.padding_low, d.padding_high) != (0, 0);
        add("size", false, &|d| d.size.to_string());
        add("stride", all(&|d| d.stride == usual.stride), &|d| d.stride.to_string());
        add("pad", !self.iter().any(is_padded), &|d| {
            format!("{}_{}", d.padding_low, d.padding_high)
        });
        add("lhs_dilate", all(&|d| d.base_dilation == 1), &|d| d.base_dilation.to_string());
        add("rhs_dilate", all(&|d| d.window_dilation == 1), &|d| d.window_dilation.to_string());
        add("rhs_reversal", all(&|d| !d.reversed), &|d| u8::from(d.reversed).to_string());
        printer.write(key, format_args!("{{{}}}", parts.join(" ")));
    }

    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        Ok(source.optional(key, window)?.unwrap_or_default())
    }
}

/// `{size=3x3 stride=2x2 ...}`, size first.
fn window(scanner: &mut Scanner<'_>) -> Result<Vec<WindowDimension>, Diagnostic> {
    scanner.expect("{")?;
    scanner.expect("size")?;
    scanner.expect("=")?;
    let sizes = by_dimension(scanner, |scanner| scanner.integer("size"))?;
    let mut window: Vec<_> = sizes.into_iter().map(WindowDimension::of_size).collect();
    while !scanner.eat("}")? {
        let (word, span) = scanner.word("a part of a window, or `}`")?;
        scanner.expect("=")?;
        let start = scanner.position();
        let mut read = |set: &dyn Fn(&mut WindowDimension, [i64; 2])| {
            let values = by_dimension(scanner, |scanner| {
                let first = scanner.integer("number")?;
                let second = if word == "pad" {
                    scanner.expect("_")?;
                    scanner.integer("padding")?
                } else if first < 0 {
                    return Err(scanner.expected("a number that is not negative"));
                } else {
                    first
                };
                Ok([first, second])
            })?;
            if values.len() != window.len() {
                let message = format!("{} values for {} dimensions", values.len(), window.len());
                return Err(scanner.error_at(start..scanner.position(), message));
            }
            window.iter_mut().zip(values).for_each(|(dimension, values)| set(dimension, values));
            Ok(())
        };
        let number = |value: i64| usize::try_from(value).unwrap_or(usize::MAX);
        match word {
            "stride" => read(&|d, [value, _]| d.stride = number(value))?,
            "pad" => read(&|d, [low, high]| (d.padding_low, d.padding_high) = (low, high))?,
            "lhs_dilate" => read(&|d, [value, _]| d.base_dilation = number(value))?,
            "rhs_dilate" => read(&|d, [value, _]| d.window_dilation = number(value))?,
            "rhs_reversal" => read(&|d, [value, _]| d.reversed = value != 0)?,
            _ => {
                let message = format!(
                    "`{word}` is no part of a window; stride, pad, lhs_dilate, rhs_dilate and \
                     rhs_reversal are"
                );
                return Err(scanner.error_at(span, message));
            }
        }
    }
    Ok(window)
}

/// Items with `x` between them.
fn by_dimension<'a, T>(
    scanner: &mut Scanner<'a>,
    mut item: impl FnMut(&mut Scanner<'a>) -> Result<T, Diagnostic>,
) -> Result<Vec<T>, Diagnostic> {
    let mut items = vec![item(scanner)?];
    while scanner.eat_here("x") {
        items.push(item(scanner)?);
    }
    Ok(items)
}

impl Attribute for ConvolutionDimensionNumbers {
    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>) {
        let input = [('b', self.input_batch), ('f', self.input_feature)];
        let kernel = [('i', self.kernel_input_feature), ('o', self.kernel_output_feature)];
        let output = [('b', self.output_batch), ('f', self.output_feature)];
        let input = labels(input, &self.input_spatial);
        let kernel = labels(kernel, &self.kernel_spatial);
        let output = labels(output, &self.output_spatial);
        printer.write(key, format_args!("{input}_{kernel}->{output}"));
    }

    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        source.required(key, |scanner| {
            let span = scanner.skip_value()?;
            let text = &scanner.source().text()[span.clone()];
            numbers(text).ok_or_else(|| {
                let message = format!("`{text}` has to be labels such as b01f_01io->b01f");
                scanner.error_at(span, message)
            })
        })
    }
}

/// The letters at their dimensions and the numbers of the spatial dimensions at theirs.
fn labels(letters: [(char, usize); 2], spatial: &[usize]) -> String {
    let rank = spatial.len() + 2;
    let label = |dimension: usize| {
        let letter = letters.iter().find(|(_, of)| *of == dimension).map(|(c, _)| c.to_string());
        let number = || spatial.iter().position(|of| *of == dimension).map(|n| n.to_string());
        letter.or_else(number).unwrap_or_else(|| "?".to_owned())
    };
    (0..rank).map(label).collect()
}

/// The numbers that `b01f_01io->b01f` means.
pub(crate) fn numbers(text: &str) -> Option<ConvolutionDimensionNumbers> {
    let (operands, output) = text.split_once("->")?;
    let (input, kernel) = operands.split_once('_')?;
    let ([input_batch, input_feature], input_spatial) = places(input, ['b', 'f'])?;
    let ([kernel_input_feature, kernel_output_feature], kernel_spatial) =
        places(kernel, ['i', 'o'])?;
    let ([output_batch, output_feature], output_spatial) = places(output, ['b', 'f'])?;
    Some(ConvolutionDimensionNumbers {
        input_batch,
        input_feature,
        input_spatial,
        kernel_input_feature,
        kernel_output_feature,
        kernel_spatial,
        output_batch,
        output_feature,
        output_spatial,
    })
}

/// Where the letters are, and where the digits 0, 1, ..
fn places(text: &str, letters: [char; 2]) -> Option<([usize; 2], Vec<usize>)> {
    let place = |c: char| text.chars().position(|other| other == c);
    let spatial = text.chars().count().checked_sub(2)?;
    let digits = (0..spatial).map(|n| place(char::from_digit(u32::try_from(n).ok()?, 10)?));
    Some(([place(letters[0])?, place(letters[1])?], digits.collect::<Option<_>>()?))
}
