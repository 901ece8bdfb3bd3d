//! `select-and-scatter` by slices, selections and padding.
//!
//! The windows' elements are compared one position after the other, with the position that is
//! selected so far beside its value: for all windows at once. Then each position gets its share of
//! the source, put back where the windows' elements are, and shares are added up.
//!
//! Left as they are: scatters that are no sums, selections that are not elementwise, windows of
//! more than [`MOST_POSITIONS`] elements.

use super::{
    Changed, PassContext, PassError,
    lifting::Lifted,
    shaping::indices,
    site::{Rewritten, Site, rewrite_module},
};
use crate::hlo::{
    ArrayLiteral, ArrayShape, ComparisonDirection, ElementType, InferError, InstructionId, Literal,
    Module, Op, PaddingDimension, Shape, SliceDimension, WindowDimension,
};

/// The most elements of a window.
const MOST_POSITIONS: usize = 256;

/// See the module's comment.
///
/// # Errors
/// What is made would be too large.
pub fn select_and_scatter_expander(
    module: &mut Module,
    _: &PassContext,
) -> Result<Changed, PassError> {
    rewrite_module(module, &mut expand)
}

fn expand(site: &mut Site<'_>) -> Rewritten {
    let Op::SelectAndScatter { window, select, scatter } = site.instruction().op() else {
        return Ok(None);
    };
    let (window, select, scatter) = (window.clone(), *select, *scatter);
    let positions = window.iter().try_fold(1_usize, |product, d| product.checked_mul(d.size));
    let (Some(select), Some(scatter)) = (Lifted::new(site, select), Lifted::new(site, scatter))
    else {
        return Ok(None);
    };
    let source = site.operand(1);
    let element_type = site.element_type(source);
    let is_sum = scatter.single_op() == Some(&Op::Add) && element_type != ElementType::Pred;
    let is_small = positions.is_some_and(|positions| positions <= MOST_POSITIONS);
    let (of_source, of_result) = (site.array(source), site.array(site.id()));
    if !is_sum || !is_small || of_source.element_count() == 0 || of_result.element_count() == 0 {
        return Ok(None);
    }
    let sizes = of_source.dimensions().to_vec();
    let windows = Windows { window, sizes };
    let selected = windows.selected(site, &select)?;
    windows.scattered(site, selected).map(Some)
}

/// All windows at once.
struct Windows {
    window: Vec<WindowDimension>,
    /// How many there are along each dimension.
    sizes: Vec<usize>,
}

impl Windows {
    /// The positions in a window, row-major.
    fn positions(&self) -> Vec<Vec<usize>> {
        let sizes: Vec<usize> = self.window.iter().map(|dimension| dimension.size).collect();
        indices(&sizes)
    }

    /// Along one dimension, the first and last window whose element at `n` is in an array of
    /// `size`; windows may be none.
    fn inside(&self, d: usize, n: usize, size: usize) -> [i64; 2] {
        let signed = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let (stride, low) = (signed(self.window[d].stride), self.window[d].padding_low);
        let first = (low - signed(n) + stride - 1).div_euclid(stride);
        let last = (signed(size) - 1 + low - signed(n)).div_euclid(stride);
        [first, last]
    }

    /// Whether the element at a position is in the array, where that is not so for all windows.
    fn is_inside(
        &self,
        site: &mut Site<'_>,
        position: &[usize],
    ) -> Result<Option<InstructionId>, InferError> {
        let of_operand = site.dimensions(site.operand(0)).to_vec();
        let mut all: Option<InstructionId> = None;
        for (d, n) in position.iter().enumerate() {
            let [first, last] = self.inside(d, *n, of_operand[d]);
            let count = i64::try_from(self.sizes[d]).unwrap_or(i64::MAX);
            let limits = [
                (first > 0, ComparisonDirection::Ge, first),
                (last < count - 1, ComparisonDirection::Le, last),
            ];
            for (_, direction, limit) in limits.into_iter().filter(|(matters, ..)| *matters) {
                let limit = self.number(site, limit)?;
                let shape = self.shape(ElementType::S32)?;
                let mut builder = site.build();
                let index = builder.add_shaped(Op::Iota { iota_dimension: d }, &[], shape)?;
                let holds = builder.compare(direction, index, limit)?;
                all = Some(match all {
                    Some(all) => builder.add(Op::And, &[all, holds])?,
                    None => holds,
                });
            }
        }
        Ok(all)
    }

    fn shape(&self, element_type: ElementType) -> Result<Shape, InferError> {
        let opcode = crate::hlo::Opcode::SelectAndScatter;
        Shape::array(element_type, self.sizes.clone())
            .map_err(|error| InferError::new(opcode, "size", error.to_string()))
    }

    /// An `s32` for each window.
    fn number(&self, site: &mut Site<'_>, value: i64) -> Result<InstructionId, InferError> {
        let mut literal = ArrayLiteral::zeros(&ArrayShape::scalar(ElementType::S32));
        literal.set_i64(0, value);
        site.splat(literal.into(), &self.sizes)
    }

    /// For each window the number of the position that is selected, -1 if all is padding.
    fn selected(&self, site: &mut Site<'_>, select: &Lifted) -> Result<InstructionId, InferError> {
        let operand = self.padded(site)?;
        let mut chosen: Option<(InstructionId, InstructionId)> = None;
        let mut may_be_none = false;
        for (n, position) in self.positions().iter().enumerate() {
            let next = self.part(site, operand, position)?;
            let inside = self.is_inside(site, position)?;
            let number = self.number(site, i64::try_from(n).unwrap_or(i64::MAX))?;
            let none = self.number(site, -1)?;
            let Some((value, index)) = chosen else {
                may_be_none = inside.is_some();
                let index = match inside {
                    Some(inside) => site.build().add(Op::Select, &[inside, number, none])?,
                    None => number,
                };
                chosen = Some((next, index));
                continue;
            };
            let mut builder = site.build();
            let stays = select.apply(&mut builder, &[value, next], &self.sizes)?[0];
            let mut takes = builder.add(Op::Not, &[stays])?;
            if may_be_none {
                let is_none = builder.compare(ComparisonDirection::Eq, index, none)?;
                takes = builder.add(Op::Or, &[takes, is_none])?;
            }
            if let Some(inside) = inside {
                takes = builder.add(Op::And, &[takes, inside])?;
            }
            let value = builder.add(Op::Select, &[takes, next, value])?;
            chosen = Some((value, builder.add(Op::Select, &[takes, number, index])?));
        }
        let (_, index) = chosen.expect("a window has an element");
        Ok(index)
    }

    fn padding(&self) -> Vec<PaddingDimension> {
        self.window.iter().map(WindowDimension::padding).collect()
    }

    fn padded(&self, site: &mut Site<'_>) -> Result<InstructionId, InferError> {
        let padding = self.padding();
        let operand = site.operand(0);
        if padding.iter().all(|padding| *padding == PaddingDimension::default()) {
            return Ok(operand);
        }
        let zero = zero(site, site.element_type(operand));
        site.build().add(Op::Pad { padding }, &[operand, zero])
    }

    /// What is at a position of all windows.
    fn part(
        &self,
        site: &mut Site<'_>,
        padded: InstructionId,
        position: &[usize],
    ) -> Result<InstructionId, InferError> {
        let each = self.window.iter().zip(position).zip(&self.sizes);
        let slice = each.map(|((window, &start), &count)| SliceDimension {
            start,
            limit: start + (count - 1) * window.stride + 1,
            stride: if count > 1 { window.stride } else { 1 },
        });
        let slice: Vec<SliceDimension> = slice.collect();
        site.build().add(Op::Slice { slice }, &[padded])
    }

    /// The sums of what the positions get of the source.
    fn scattered(
        &self,
        site: &mut Site<'_>,
        selected: InstructionId,
    ) -> Result<InstructionId, InferError> {
        let (source, init) = (site.operand(1), site.operand(2));
        let result = site.array(site.id()).without_layout();
        let element_type = result.element_type();
        let is_narrow = matches!(element_type, ElementType::BF16 | ElementType::F16);
        let computed = if is_narrow { ElementType::F32 } else { element_type };
        let [source, init] = [source, init].map(|value| match is_narrow {
            true => site.build().convert(value, computed),
            false => Ok(value),
        });
        let (source, init) = (source?, init?);
        let padded: Vec<i64> = (self.padding().iter().zip(result.dimensions()))
            .map(|(p, &size)| p.low + p.high + i64::try_from(size).unwrap_or(i64::MAX))
            .collect();
        let zero = zero(site, computed);
        let zeros = site.build().broadcast(zero, &self.sizes, Vec::new())?;
        let mut sum: Option<InstructionId> = None;
        for (n, position) in self.positions().iter().enumerate() {
            let number = self.number(site, i64::try_from(n).unwrap_or(i64::MAX))?;
            let padding = self.spread(position, &padded);
            let mut builder = site.build();
            let is_here = builder.compare(ComparisonDirection::Eq, selected, number)?;
            let share = builder.add(Op::Select, &[is_here, source, zeros])?;
            let share = builder.add(Op::Pad { padding }, &[share, zero])?;
            sum = Some(match sum {
                Some(sum) => builder.add(Op::Add, &[sum, share])?,
                None => share,
            });
        }
        let mut sum = sum.expect("a window has an element");
        let back = |p: PaddingDimension| PaddingDimension { low: -p.low, high: -p.high, ..p };
        let padding: Vec<PaddingDimension> = self.padding().into_iter().map(back).collect();
        if padding.iter().any(|padding| *padding != PaddingDimension::default()) {
            sum = site.build().add(Op::Pad { padding }, &[sum, zero])?;
        }
        let mut builder = site.build();
        let init = match result.dimensions() {
            [] => init,
            sizes => builder.broadcast(init, sizes, Vec::new())?,
        };
        let sum = builder.add(Op::Add, &[init, sum])?;
        if is_narrow { builder.convert(sum, element_type) } else { Ok(sum) }
    }

    /// The padding that puts an element for each window where it is in the padded operand.
    fn spread(&self, position: &[usize], padded: &[i64]) -> Vec<PaddingDimension> {
        let signed = |value: usize| i64::try_from(value).unwrap_or(i64::MAX);
        let mut all = Vec::new();
        for (d, window) in self.window.iter().enumerate() {
            let interior = if self.sizes[d] > 1 { window.stride - 1 } else { 0 };
            let end = position[d] + (self.sizes[d] - 1) * (interior + 1) + 1;
            let (low, high) = (signed(position[d]), padded[d] - signed(end));
            all.push(PaddingDimension { low, high, interior });
        }
        all
    }
}

fn zero(site: &mut Site<'_>, element_type: ElementType) -> InstructionId {
    let literal: Literal = ArrayLiteral::zeros(&ArrayShape::scalar(element_type)).into();
    site.build().constant(literal)
}
