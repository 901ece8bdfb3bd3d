//! `reduce-window` by slices and elementwise ops.
//!
//! One dimension after the other: windows of twice the size are two windows of half the size, side
//! by side, so that a window of n elements takes about log2 n steps, and a cumulative sum of n
//! elements no more. That uses what the op demands of its computation: that it may be applied in
//! any grouping. Small windows are combined element by element, one single window is a reduction,
//! and cumulative ops have ways of their own (`scan`). Sums and products of `bf16` and `f16` are
//! made in `f32` and rounded at the end.
//!
//! Left as they are: computations that are not elementwise.

mod scan;

use super::{
    Changed, PassContext, PassError,
    lifting::Lifted,
    shaping::{converted, sliced},
    site::{Rewritten, Site, rewrite_module},
};
use crate::{
    evaluator::{EvaluatorOptions, evaluate_computation},
    hlo::{
        ArrayLiteral, ArrayShape, ComputationBuilder, ComputationId, ElementType, InferError,
        InstructionId, Literal, Module, Op, PaddingDimension, Shape, SliceDimension,
        WindowDimension, builder::add_computation,
    },
};
use scan::{Reach, Scanner};

/// Windows of so many elements are combined one by one.
const MOST_ELEMENTS: usize = 4;

/// See the module's comment.
///
/// # Errors
/// What is made would be too large.
pub fn reduce_window_expander(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    rewrite_module(module, &mut expand)
}

fn expand(site: &mut Site<'_>) -> Rewritten {
    let Op::ReduceWindow { window, to_apply } = site.instruction().op() else { return Ok(None) };
    let (window, to_apply) = (window.clone(), *to_apply);
    let results = site.instruction().shape().leaves();
    let types: Vec<ElementType> = results.iter().map(|leaf| leaf.element_type()).collect();
    let sizes = results[0].dimensions().to_vec();
    if sizes.contains(&0) {
        // Another pass knows arrays without elements.
        return Ok(None);
    }
    let operands = site.instruction().operands().to_vec();
    let (inputs, inits) = operands.split_at(operands.len() / 2);
    let Some(combination) = Combination::new(site, to_apply, &types)? else { return Ok(None) };
    let neutral = combination.neutral(site, inits, to_apply);
    let given = site.dimensions(inputs[0]);
    let scans: Vec<Option<Scan>> = (given.iter().zip(&window))
        .map(|(size, window)| neutral.as_ref().and_then(|_| Scan::new(*size, window)))
        .collect();
    let mut around = window.clone();
    for (dimension, _) in around.iter_mut().zip(&scans).filter(|(_, scan)| scan.is_some()) {
        (dimension.padding_low, dimension.padding_high) = (0, 0);
    }
    let mut values = Vec::new();
    for (n, (input, init)) in inputs.iter().zip(inits).enumerate() {
        let computed = combination.computed[n];
        let init = converted(&mut site.build(), *init, computed)?;
        let value = converted(&mut site.build(), *input, computed)?;
        values.push(padded(site, value, init, &around)?);
    }
    for (dimension, window) in window.iter().enumerate() {
        let line = Line { combination: &combination, dimension };
        values = match (scans[dimension], &neutral) {
            (Some(direction), Some(neutral)) => {
                let scanner = Scanner { combination: &combination, direction, neutral };
                scanner.scan(site, values, dimension, Reach::Inclusive)?
            }
            _ => line.reduce(site, values, window)?,
        };
    }
    if scans.iter().all(Option::is_none) {
        // The initial values come first, wherever they are no identities.
        let mut starts = Vec::new();
        for (init, computed) in inits.iter().zip(&combination.computed) {
            let init = converted(&mut site.build(), *init, *computed)?;
            starts.push(repeated(site, init, &sizes)?);
        }
        values = combination.apply(site, &starts, &values)?;
    }
    let mut results = Vec::new();
    for (value, element_type) in values.into_iter().zip(types) {
        results.push(converted(&mut site.build(), value, element_type)?);
    }
    Ok(Some(if site.instruction().shape().as_array().is_some() {
        results[0]
    } else {
        site.build().tuple(&results)
    }))
}

/// A combination that reductions know, with what it leaves as it is.
struct Identity {
    op: Op,
    value: ArrayLiteral,
}

/// A cumulative op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scan {
    /// Each element with those before it.
    FromFirst,
    /// Each element with those after it.
    FromLast,
}

impl Scan {
    /// Whether the windows of a dimension make a cumulative op.
    fn new(size: usize, window: &WindowDimension) -> Option<Self> {
        let others = WindowDimension { padding_low: 0, padding_high: 0, ..*window };
        if others != WindowDimension::of_size(size) || size < 2 {
            return None;
        }
        let rest = i64::try_from(size - 1).ok()?;
        match (window.padding_low, window.padding_high) {
            (low, 0) if low == rest => Some(Self::FromFirst),
            (0, high) if high == rest => Some(Self::FromLast),
            _ => None,
        }
    }
}

/// The value of a scalar that is a constant.
fn constant_of<'s>(site: &'s Site<'_>, mut scalar: InstructionId) -> Option<&'s ArrayLiteral> {
    loop {
        match site.op(scalar) {
            Op::Constant { literal } => return literal.as_array().ok(),
            Op::Broadcast { .. } | Op::Copy | Op::Reshape => scalar = site.operand_of(scalar, 0),
            _ => return None,
        }
    }
}

/// A computation of two scalars with one op.
fn add_reducer(
    site: &mut Site<'_>,
    op: Op,
    element_type: ElementType,
) -> Result<ComputationId, InferError> {
    let module = site.module_mut();
    let id = add_computation(module, "reducer");
    let mut builder = ComputationBuilder::new(module, id);
    let first = builder.parameter(Shape::scalar(element_type), "first");
    let second = builder.parameter(Shape::scalar(element_type), "second");
    builder.add(op, &[first, second])?;
    Ok(id)
}

/// How values are combined.
struct Combination {
    lifted: Lifted,
    /// In which types.
    computed: Vec<ElementType>,
    /// The op in place of the computation, where it is computed in another type than its own.
    widened: Option<Op>,
}

impl Combination {
    fn new(
        site: &Site<'_>,
        to_apply: ComputationId,
        types: &[ElementType],
    ) -> Result<Option<Self>, InferError> {
        let Some(lifted) = Lifted::new(site, to_apply) else { return Ok(None) };
        let is_narrow = matches!(types, [ElementType::BF16 | ElementType::F16]);
        let op = lifted.single_op().cloned();
        let widened = op.filter(|op| is_narrow && matches!(op, Op::Add | Op::Multiply));
        let computed = if widened.is_some() { vec![ElementType::F32] } else { types.to_vec() };
        Ok(Some(Self { lifted, computed, widened }))
    }

    /// Sums, products, the largest or smallest element, with what leaves others as they are.
    fn identity(&self, element_type: ElementType) -> Option<Identity> {
        let op = self.widened.as_ref().or_else(|| self.lifted.single_op())?;
        let mut value = ArrayLiteral::zeros(&ArrayShape::scalar(element_type));
        let (is_float, is_signed) = (element_type.is_float(), element_type.is_signed());
        let bits = element_type.bit_width();
        let (all, top) = (u64::MAX >> (64 - bits), 1_u64 << (bits - 1));
        match op {
            _ if element_type == ElementType::Pred => return None,
            Op::Add => {}
            Op::Multiply => value.set_f64(0, 1.0),
            Op::Maximum if is_float => value.set_f64(0, f64::NEG_INFINITY),
            Op::Minimum if is_float => value.set_f64(0, f64::INFINITY),
            Op::Maximum if is_signed => value.set_bits(0, top),
            Op::Minimum if is_signed => value.set_bits(0, all >> 1),
            Op::Maximum => {}
            Op::Minimum => value.set_bits(0, all),
            _ => return None,
        }
        Some(Identity { op: op.clone(), value })
    }

    /// What padding and initial values may be taken for, any number of times: the identity of a
    /// known op, or constants that stay as they are when they are combined with themselves.
    fn neutral(
        &self,
        site: &Site<'_>,
        inits: &[InstructionId],
        to_apply: ComputationId,
    ) -> Option<Vec<ArrayLiteral>> {
        let given: Option<Vec<&ArrayLiteral>> =
            inits.iter().map(|init| constant_of(site, *init)).collect();
        let given = given?;
        if let [init] = &given[..]
            && self.identity(init.element_type()).is_some_and(|own| own.value == **init)
        {
            return Some(vec![self.identity(self.computed[0])?.value]);
        }
        let is_pred = |init: &&ArrayLiteral| init.element_type() == ElementType::Pred;
        if self.widened.is_some() || given.iter().any(is_pred) {
            return None;
        }
        let given: Vec<ArrayLiteral> = given.into_iter().cloned().collect();
        let arguments: Vec<Literal> =
            given.iter().chain(&given).cloned().map(Literal::from).collect();
        let options = EvaluatorOptions::default();
        let evaluated = evaluate_computation(site.module(), to_apply, &arguments, &options).ok()?;
        let combined = match evaluated.result.as_tuple() {
            Some(elements) => elements.to_vec(),
            None => vec![evaluated.result],
        };
        (combined == arguments[..given.len()]).then_some(given)
    }

    fn apply(
        &self,
        site: &mut Site<'_>,
        first: &[InstructionId],
        second: &[InstructionId],
    ) -> Result<Vec<InstructionId>, InferError> {
        let sizes = site.dimensions(first[0]).to_vec();
        let arguments = [first, second].concat();
        let mut builder = site.build();
        if let Some(op) = &self.widened {
            return Ok(vec![builder.add(op.clone(), &arguments)?]);
        }
        self.lifted.apply(&mut builder, &arguments, &sizes)
    }
}

fn repeated(
    site: &mut Site<'_>,
    scalar: InstructionId,
    sizes: &[usize],
) -> Result<InstructionId, InferError> {
    if sizes.is_empty() { Ok(scalar) } else { site.build().broadcast(scalar, sizes, Vec::new()) }
}

fn padded(
    site: &mut Site<'_>,
    value: InstructionId,
    init: InstructionId,
    window: &[WindowDimension],
) -> Result<InstructionId, InferError> {
    let padding: Vec<PaddingDimension> = window.iter().map(WindowDimension::padding).collect();
    if padding.iter().all(|padding| *padding == PaddingDimension::default()) {
        return Ok(value);
    }
    site.build().add(Op::Pad { padding }, &[value, init])
}

/// The combination along one dimension.
struct Line<'l> {
    combination: &'l Combination,
    dimension: usize,
}

impl Line<'_> {
    fn reduce(
        &self,
        site: &mut Site<'_>,
        values: Vec<InstructionId>,
        window: &WindowDimension,
    ) -> Result<Vec<InstructionId>, InferError> {
        if window.size == 1 && window.stride == 1 {
            return Ok(values);
        }
        let size = site.dimensions(values[0])[self.dimension];
        let span = (window.size - 1) * window.window_dilation + 1;
        // Where windows may begin, if only every stride-th does.
        let positions = size - span + 1;
        if positions <= window.stride
            && window.size > MOST_ELEMENTS
            && let Some(value) = self.only_window(site, &values, window)?
        {
            return Ok(vec![value]);
        }
        let of_last = (positions - 1) / window.stride * window.stride;
        if window.size <= MOST_ELEMENTS.max(2 * window.stride) {
            let mut sum: Option<Vec<InstructionId>> = None;
            for n in 0..window.size {
                let start = n * window.window_dilation;
                let part =
                    self.slices(site, &values, [start, start + of_last + 1, window.stride])?;
                sum = Some(match sum {
                    Some(sum) => self.combination.apply(site, &sum, &part)?,
                    None => part,
                });
            }
            return Ok(sum.unwrap_or(values));
        }
        // `doubled` holds windows of 2^n elements, `sum` those of the lower bits of the size.
        let (mut doubled, mut doubled_size) = (values, size);
        let (mut width, mut rest, mut done) = (1, window.size, 0);
        let mut sum: Option<Vec<InstructionId>> = None;
        loop {
            if rest & 1 == 1 {
                // Only every stride-th position is needed from here on.
                let limit = done + of_last + 1;
                let part = self.slices(site, &doubled, [done, limit, window.stride])?;
                sum = Some(match sum {
                    Some(sum) => self.combination.apply(site, &sum, &part)?,
                    None => part,
                });
                done += width * window.window_dilation;
            }
            rest >>= 1;
            if rest == 0 {
                break;
            }
            let step = width * window.window_dilation;
            let first = self.slices(site, &doubled, [0, doubled_size - step, 1])?;
            let second = self.slices(site, &doubled, [step, doubled_size, 1])?;
            doubled = self.combination.apply(site, &first, &second)?;
            doubled_size -= step;
            width *= 2;
        }
        Ok(sum.unwrap_or(doubled))
    }

    /// The only window, reduced; nothing if that is not a plain reduction of one array.
    fn only_window(
        &self,
        site: &mut Site<'_>,
        values: &[InstructionId],
        window: &WindowDimension,
    ) -> Rewritten {
        let &[value] = values else { return Ok(None) };
        let element_type = self.combination.computed[0];
        let Some(Identity { op, value: identity }) = self.combination.identity(element_type) else {
            return Ok(None);
        };
        let limit = (window.size - 1) * window.window_dilation + 1;
        let value = self.slices(site, &[value], [0, limit, window.window_dilation])?[0];
        let mut sizes = site.dimensions(value).to_vec();
        let reducer = add_reducer(site, op, element_type)?;
        let mut builder = site.build();
        let init = builder.constant(identity.into());
        let reduced = builder.reduce(value, init, vec![self.dimension], reducer)?;
        sizes[self.dimension] = 1;
        builder.reshape(reduced, &sizes).map(Some)
    }

    /// A part of the dimension, or all of it as it is.
    fn slices(
        &self,
        site: &mut Site<'_>,
        values: &[InstructionId],
        [start, limit, stride]: [usize; 3],
    ) -> Result<Vec<InstructionId>, InferError> {
        let stride = if limit - start > stride { stride } else { 1 };
        let part = [(self.dimension, SliceDimension { start, limit, stride })];
        let of = |value: &InstructionId| sliced(&mut site.build(), *value, &part);
        values.iter().map(of).collect()
    }
}
