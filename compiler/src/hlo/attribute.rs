//! Attributes: the payloads of the opcodes that need more than operands.
//!
//! Every type here can be printed and parsed in XLA's spelling, and says which computations it
//! names, so that a row of the opcode table is all that a new op needs.

mod text;
mod window;

use super::computation::ComputationId;
use super::print::AttributePrinter;
use super::shape::{ElementClass, ElementType};
use crate::diagnostic::Diagnostic;

pub(crate) use text::AttributeSource;
pub(crate) use window::numbers as convolution_dimension_numbers;
pub use window::{ConvolutionDimensionNumbers, MAX_SPATIAL_DIMENSIONS, WindowDimension};

/// What every payload field of an op can do.
pub(crate) trait Attribute: Sized {
    /// Adds the computations that the attribute names.
    fn add_computations(&self, _found: &mut Vec<ComputationId>) {}

    /// Replaces the computations that the attribute names.
    fn map_computations(&mut self, _map: &mut dyn FnMut(ComputationId) -> ComputationId) {}

    /// Writes the attribute; `key` is the name of the op's field.
    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>);

    /// Reads the attribute; `key` is the name of the op's field.
    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic>;
}

impl<T: Attribute> Attribute for Box<T> {
    fn add_computations(&self, found: &mut Vec<ComputationId>) {
        self.as_ref().add_computations(found);
    }

    fn map_computations(&mut self, map: &mut dyn FnMut(ComputationId) -> ComputationId) {
        self.as_mut().map_computations(map);
    }

    fn print(&self, key: &'static str, printer: &mut AttributePrinter<'_>) {
        self.as_ref().print(key, printer);
    }

    fn parse(key: &'static str, source: &mut AttributeSource<'_, '_>) -> Result<Self, Diagnostic> {
        T::parse(key, source).map(Self::new)
    }
}

/// An enum of words that HLO text spells in a fixed way.
macro_rules! word_enum {
    ($(#[doc = $doc:literal])* $Name:ident {
        $($(#[$meta:meta])* $Variant:ident = $text:literal,)*
    }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $Name { $($(#[$meta])* $Variant),* }

        impl $Name {
            /// Every value.
            pub const ALL: &[Self] = &[$(Self::$Variant),*];

            /// The HLO text.
            pub fn text(self) -> &'static str {
                match self { $(Self::$Variant => $text),* }
            }

            /// The value with this text.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$Variant),)* _ => None }
            }
        }
    };
}

word_enum! {
    /// What is done to the matrices of `triangular-solve` first.
    Transpose {
        /// Nothing.
        #[default]
        NoTranspose = "NO_TRANSPOSE",
        /// They are transposed.
        Transpose = "TRANSPOSE",
        /// They are transposed and conjugated.
        Adjoint = "ADJOINT",
    }
}

word_enum! {
    /// How random bits are computed.
    RandomAlgorithm {
        /// The implementation's choice, here Philox.
        #[default]
        Default = "rng_default",
        /// Threefry-2x32 with 20 rounds.
        ThreeFry = "rng_three_fry",
        /// Philox-4x32 with 10 rounds.
        Philox = "rng_philox",
    }
}

word_enum! {
    /// What `compare` asks.
    ComparisonDirection {
        /// Equal.
        #[default]
        Eq = "EQ",
        /// Not equal.
        Ne = "NE",
        /// Greater or equal.
        Ge = "GE",
        /// Greater.
        Gt = "GT",
        /// Less or equal.
        Le = "LE",
        /// Less.
        Lt = "LT",
    }
}
word_enum! {
    /// The order in which `compare` compares.
    ComparisonType {
        /// IEEE comparison: NaN is unordered.
        #[default]
        Float = "FLOAT",
        /// The total order of IEEE 754: -NaN < -inf < -0 < +0 < inf < NaN.
        TotalOrder = "TOTALORDER",
        /// As signed integers.
        Signed = "SIGNED",
        /// As unsigned integers, or `pred` with false < true.
        Unsigned = "UNSIGNED",
    }
}
word_enum! {
    /// How exact the products of a `dot` operand have to be.
    Precision {
        /// The fastest: one bf16 pass for f32 operands.
        #[default]
        Default = "default",
        /// Three bf16 passes.
        High = "high",
        /// Six bf16 passes: about f32.
        Highest = "highest",
    }
}
word_enum! {
    /// Which Fourier transform.
    FftType {
        /// Complex to complex.
        #[default]
        Fft = "FFT",
        /// Its inverse.
        Ifft = "IFFT",
        /// Real to complex: half of the spectrum.
        Rfft = "RFFT",
        /// Its inverse.
        Irfft = "IRFFT",
    }
}
word_enum! {
    /// How a fusion is emitted.
    FusionKind {
        /// One loop over the elements of the result.
        #[default]
        Loop = "kLoop",
        /// The loop is over the operand of a reduction.
        Input = "kInput",
        /// Elementwise consumers of a dot, applied to its output tiles.
        Output = "kOutput",
        /// Emitted by a back end in its own way.
        Custom = "kCustom",
    }
}

impl ComparisonType {
    /// The usual order of an element type.
    pub fn natural(element_type: ElementType) -> Self {
        match element_type.class() {
            ElementClass::Float | ElementClass::Complex => Self::Float,
            ElementClass::Signed => Self::Signed,
            ElementClass::Pred | ElementClass::Unsigned | ElementClass::Token => Self::Unsigned,
        }
    }
}

/// Which dimensions of the operands of `dot` are batch and which are contracted.
///
/// The result has the batch dimensions, then the other left ones, then the other right ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DotDimensionNumbers {
    /// Batch dimensions of the left operand.
    pub lhs_batch_dimensions: Vec<usize>,
    /// Batch dimensions of the right operand, pairwise equal to the left ones.
    pub rhs_batch_dimensions: Vec<usize>,
    /// Contracted dimensions of the left operand.
    pub lhs_contracting_dimensions: Vec<usize>,
    /// Contracted dimensions of the right operand, pairwise equal to the left ones.
    pub rhs_contracting_dimensions: Vec<usize>,
}

/// The requested precision of both operands of `dot`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperandPrecision {
    /// Of the left operand.
    pub lhs: Precision,
    /// Of the right operand.
    pub rhs: Precision,
}

/// One dimension of `slice`: elements `start, start + stride, ..` below `limit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SliceDimension {
    /// The first element.
    pub start: usize,
    /// One past the last possible element.
    pub limit: usize,
    /// The step, at least 1.
    pub stride: usize,
}

impl SliceDimension {
    /// All of a dimension.
    pub fn whole(size: usize) -> Self {
        Self { start: 0, limit: size, stride: 1 }
    }
}

/// One dimension of `pad`, in elements; negative padding removes elements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PaddingDimension {
    /// Before the first element.
    pub low: i64,
    /// After the last element.
    pub high: i64,
    /// Between neighbours.
    pub interior: usize,
}

/// How the dimensions of `gather`'s operand, start indices and result belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GatherDimensionNumbers {
    /// Dimensions of the result that come from the slices.
    pub offset_dims: Vec<usize>,
    /// Dimensions of the slices (of size 1) that the result leaves out.
    pub collapsed_slice_dims: Vec<usize>,
    /// For each component of a start index, the operand dimension it belongs to.
    pub start_index_map: Vec<usize>,
    /// Batch dimensions of the operand.
    pub operand_batching_dims: Vec<usize>,
    /// The dimensions of the start indices that correspond to them.
    pub start_indices_batching_dims: Vec<usize>,
    /// The dimension of the start indices that holds the components of one index.
    pub index_vector_dim: usize,
}

/// How the dimensions of `scatter`'s operands, indices and updates belong together.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScatterDimensionNumbers {
    /// Dimensions of the updates that are a window's.
    pub update_window_dims: Vec<usize>,
    /// Dimensions of the operand along which windows have size 1 and the updates nothing.
    pub inserted_window_dims: Vec<usize>,
    /// For each component of an index, the operand dimension it belongs to.
    pub scatter_dims_to_operand_dims: Vec<usize>,
    /// Batch dimensions of the operand.
    pub input_batching_dims: Vec<usize>,
    /// The dimensions of the indices that correspond to them.
    pub scatter_indices_batching_dims: Vec<usize>,
    /// The dimension of the indices that holds the components of one index.
    pub index_vector_dim: usize,
}

impl ScatterDimensionNumbers {
    /// The operand's dimensions that `update_window_dims` are, in order.
    pub fn window_dims(&self, operand_rank: usize) -> Vec<usize> {
        let is_taken = |d: &usize| {
            self.inserted_window_dims.contains(d) || self.input_batching_dims.contains(d)
        };
        (0..operand_rank).filter(|d| !is_taken(d)).collect()
    }
}

/// Which equation `triangular-solve` solves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TriangularSolveOptions {
    /// The matrix is on the left of the unknown.
    pub left_side: bool,
    /// The lower triangle is read, else the upper one.
    pub lower: bool,
    /// The diagonal is taken for ones.
    pub unit_diagonal: bool,
    /// What is done to the matrix first.
    pub transpose_a: Transpose,
}

/// How `Eigh` goes about it: what JAX writes as `lower,sort,sweeps,tolerance`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EighParameters {
    /// The lower triangle is read, else the upper one.
    pub lower: bool,
    /// The eigenvalues ascend.
    pub sort: bool,
    /// The most sweeps over the matrix.
    pub max_sweeps: u32,
    /// The largest relative error that is asked for.
    pub tolerance: f64,
}

impl EighParameters {
    /// The parameters from their text.
    pub fn from_text(text: &str) -> Option<Self> {
        let flag = |text: &str| match text {
            "0" => Some(false),
            "1" => Some(true),
            _ => None,
        };
        let fields: Vec<&str> = text.split(',').map(str::trim).collect();
        let &[lower, sort, max_sweeps, tolerance] = &fields[..] else { return None };
        Some(Self {
            lower: flag(lower)?,
            sort: flag(sort)?,
            max_sweeps: max_sweeps.parse().ok()?,
            tolerance: tolerance.parse().ok().filter(|value: &f64| value.is_finite())?,
        })
    }

    /// The text.
    pub fn text(&self) -> String {
        let Self { lower, sort, max_sweeps, tolerance } = self;
        format!("{},{},{max_sweeps},{tolerance:?}", u8::from(*lower), u8::from(*sort))
    }
}

/// Whom `custom-call` calls.
#[derive(Clone, Debug, PartialEq)]
pub enum CustomCallTarget {
    /// `check.expect_eq`: the operands have to be equal.
    CheckExpectEq(CheckParameters),
    /// `check.expect_almost_eq`: the operands have to be nearly equal.
    CheckExpectAlmostEq(CheckParameters),
    /// `check.expect_close`: the operands may differ by a few units in the last place.
    CheckExpectClose(CheckParameters),
    /// `check.eq`: the operands have to be equal.
    CheckEq(CheckParameters),
    /// Eigenvectors and eigenvalues of Hermitian matrices.
    Eigh(EighParameters),
    /// LU factors, row exchanges and permutation.
    LuDecomposition,
    /// The matrix that Householder reflectors make: from their vectors and factors.
    ProductOfElementaryHouseholderReflectors,
    /// R with the vectors of Householder reflectors, and their factors.
    Qr,
    /// Any other target, by name.
    Other(String),
}

/// How exact a check is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct CheckParameters {
    /// The largest absolute difference.
    pub tolerance: Option<f64>,
    /// The largest difference in units in the last place.
    pub max_ulp_difference: Option<u64>,
    /// The smallest such difference.
    pub min_ulp_difference: Option<u64>,
    /// Whether the expected value was an attribute: part of the name, and of no other meaning.
    pub against_constant: bool,
}

impl CustomCallTarget {
    /// The target's name in the text.
    pub fn name(&self) -> &str {
        match self {
            Self::CheckExpectEq(parameters) if parameters.against_constant => {
                "check.expect_eq_const"
            }
            Self::CheckExpectEq(_) => "check.expect_eq",
            Self::CheckExpectAlmostEq(parameters) if parameters.against_constant => {
                "check.expect_almost_eq_const"
            }
            Self::CheckExpectAlmostEq(_) => "check.expect_almost_eq",
            Self::CheckExpectClose(_) => "check.expect_close",
            Self::CheckEq(_) => "check.eq",
            Self::Eigh(_) => "Eigh",
            Self::LuDecomposition => "LuDecomposition",
            Self::ProductOfElementaryHouseholderReflectors => {
                "ProductOfElementaryHouseholderReflectors"
            }
            Self::Qr => "Qr",
            Self::Other(name) => name,
        }
    }

    /// The target with this name; only checks use the parameters. `Eigh` has other ones.
    pub fn from_name(name: &str, parameters: CheckParameters) -> Self {
        let against_constant = CheckParameters { against_constant: true, ..parameters };
        match name {
            "check.expect_eq" => Self::CheckExpectEq(parameters),
            "check.expect_eq_const" => Self::CheckExpectEq(against_constant),
            "check.expect_almost_eq" => Self::CheckExpectAlmostEq(parameters),
            "check.expect_almost_eq_const" => Self::CheckExpectAlmostEq(against_constant),
            "check.expect_close" => Self::CheckExpectClose(parameters),
            "check.eq" => Self::CheckEq(parameters),
            "LuDecomposition" => Self::LuDecomposition,
            "ProductOfElementaryHouseholderReflectors" => {
                Self::ProductOfElementaryHouseholderReflectors
            }
            "Qr" => Self::Qr,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The parameters, if it is a check.
    pub fn check_parameters(&self) -> Option<CheckParameters> {
        match self {
            Self::CheckExpectEq(parameters)
            | Self::CheckExpectAlmostEq(parameters)
            | Self::CheckExpectClose(parameters)
            | Self::CheckEq(parameters) => Some(*parameters),
            Self::Eigh(_)
            | Self::LuDecomposition
            | Self::ProductOfElementaryHouseholderReflectors
            | Self::Qr
            | Self::Other(_) => None,
        }
    }
}

impl RandomAlgorithm {
    /// The dimension along which the two words that Threefry makes of a counter are neighbours: the
    /// first of even size, else the first of the largest ones; none of a scalar.
    pub fn paired_dimension(dimensions: &[usize]) -> Option<usize> {
        let even = dimensions.iter().position(|size| size.is_multiple_of(2));
        even.or_else(|| {
            let largest = dimensions.iter().max()?;
            dimensions.iter().position(|size| size == largest)
        })
    }
}

impl ComparisonDirection {
    /// The direction that says the same with the operands swapped.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Eq | Self::Ne => self,
            Self::Ge => Self::Le,
            Self::Gt => Self::Lt,
            Self::Le => Self::Ge,
            Self::Lt => Self::Gt,
        }
    }
}
