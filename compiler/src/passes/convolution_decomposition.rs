//! Convolutions by dots, or by products and sums.
//!
//! * In general ([`stacked`]) the windows' elements are laid side by side, one spatial dimension
//!   after the other: slices of the padded operand are joined along its features, so that one dot
//!   with the kernel is left. A dimension along which the kernel is larger than the result (the
//!   gradient of a kernel) is the other way round: slices for each position of the result are
//!   joined along the batch, and the dot sums over the dimension. Feature and batch groups are
//!   batch dimensions of the dot.
//! * Where every feature is its own group ([`depthwise`]) a matrix unit would be idle: products of
//!   slices with the kernel's elements are added up; for the gradient of such a kernel, products
//!   are summed over what the windows share.
//!
//! Strides are those of slices, dilation of the operand is interior padding, a kernel that is
//! turned around meets the slices in reverse order. Sums are made as in dots, in another order.
//!
//! Left as they are: convolutions with more than [`MAX_SLICES`] slices.

mod depthwise;
mod stacked;

use super::{
    Changed, PassContext, PassError,
    site::{Rewritten, Site, rewrite_module},
};
use crate::hlo::{
    ArrayLiteral, ArrayShape, ConvolutionDimensionNumbers, InferError, InstructionId, Module, Op,
    OperandPrecision, PaddingDimension, SliceDimension, WindowDimension,
};

/// The most slices that one convolution may become.
const MAX_SLICES: usize = 512;

/// See the module's comment.
///
/// # Errors
/// What is made would be too large.
pub fn convolution_decomposition(
    module: &mut Module,
    _: &PassContext,
) -> Result<Changed, PassError> {
    rewrite_module(module, &mut decompose)
}

fn decompose(site: &mut Site<'_>) -> Rewritten {
    let Some(convolution) = Convolution::new(site) else { return Ok(None) };
    let result = site.array(site.id()).without_layout();
    let is_empty = |id: &InstructionId| site.array(*id).element_count() == 0;
    if result.element_count() == 0 {
        // Another pass knows arrays without elements.
        return Ok(None);
    }
    if [site.operand(0), site.operand(1)].iter().any(is_empty) {
        let zero = ArrayLiteral::zeros(&ArrayShape::scalar(result.element_type()));
        return site.splat(zero.into(), result.dimensions()).map(Some);
    }
    if let Some(made) = depthwise::decompose(site, &convolution)? {
        return Ok(Some(made));
    }
    if convolution.spatial.iter().map(Spatial::slices).sum::<usize>() > MAX_SLICES {
        return Ok(None);
    }
    stacked::decompose(site, &convolution).map(Some)
}

/// A convolution with its attributes at hand.
struct Convolution {
    numbers: ConvolutionDimensionNumbers,
    feature_groups: usize,
    batch_groups: usize,
    precision: OperandPrecision,
    spatial: Vec<Spatial>,
}

/// One spatial dimension.
#[derive(Clone, Copy)]
struct Spatial {
    window: WindowDimension,
    /// The size of the result.
    positions: usize,
}

impl Spatial {
    /// Is each position of the window a slice? Else each position of the result is.
    fn by_window(&self) -> bool {
        self.window.size <= self.positions
    }

    /// How many slices it takes.
    fn slices(&self) -> usize {
        self.window.size.min(self.positions)
    }

    /// What meets element `n` of the kernel, at all positions of the result.
    fn of_window(&self, n: usize) -> SliceDimension {
        let place = if self.window.reversed { self.window.size - 1 - n } else { n };
        spaced(place * self.window.window_dilation, self.positions, self.window.stride)
    }

    /// The window at position `n` of the result.
    fn of_position(&self, n: usize) -> SliceDimension {
        spaced(n * self.window.stride, self.window.size, self.window.window_dilation)
    }
}

/// `count` elements, at least one, from `start`.
fn spaced(start: usize, count: usize, step: usize) -> SliceDimension {
    let stride = if count > 1 { step } else { 1 };
    SliceDimension { start, limit: start + (count - 1) * stride + 1, stride }
}

impl Convolution {
    fn new(site: &Site<'_>) -> Option<Self> {
        let Op::Convolution {
            window,
            dim_labels,
            feature_group_count,
            batch_group_count,
            operand_precision,
        } = site.instruction().op()
        else {
            return None;
        };
        let sizes = site.dimensions(site.id());
        let positions = dim_labels.output_spatial.iter().map(|d| sizes[*d]);
        let spatial = window.iter().zip(positions);
        Some(Self {
            numbers: (**dim_labels).clone(),
            feature_groups: *feature_group_count,
            batch_groups: *batch_group_count,
            precision: *operand_precision,
            spatial: spatial.map(|(w, positions)| Spatial { window: *w, positions }).collect(),
        })
    }

    /// The operand with zeros around and between its elements.
    fn padded(&self, site: &mut Site<'_>) -> Result<InstructionId, InferError> {
        let operand = site.operand(0);
        let shape = site.array(operand).clone();
        let mut padding = vec![PaddingDimension::default(); shape.rank()];
        for (spatial, d) in self.spatial.iter().zip(&self.numbers.input_spatial) {
            padding[*d] = spatial.window.padding();
        }
        if padding.iter().all(|padding| *padding == PaddingDimension::default()) {
            return Ok(operand);
        }
        let zero = ArrayLiteral::zeros(&ArrayShape::scalar(shape.element_type()));
        let mut builder = site.build();
        let zero = builder.constant(zero.into());
        builder.add(Op::Pad { padding }, &[operand, zero])
    }
}
