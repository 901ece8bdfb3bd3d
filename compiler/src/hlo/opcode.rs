//! The opcodes: one table, from which everything that enumerates them is derived.
//!
//! A row is documentation, the Rust name with the typed attributes, the HLO text name, the number
//! of operands and flags. [`Opcode`] is the bare name, [`Op`] the name with its attributes. Field
//! names are XLA's attribute keys, so that printer and parser need no second list.
//!
//! Flags: `elementwise` (each result element depends on the operand elements at the same place, and
//! all operands have the result's dimensions), `commutative` (the two operands may be swapped),
//! `side_effect` (must not be removed or duplicated), `declared` (operands and attributes do not
//! determine the result shape; it has to be stated).

use std::fmt;

use super::attribute::{
    Attribute, AttributeSource, ComparisonDirection, ComparisonType, ConvolutionDimensionNumbers,
    CustomCallTarget, DotDimensionNumbers, FftType, FusionKind, GatherDimensionNumbers,
    OperandPrecision, PaddingDimension, RandomAlgorithm, ScatterDimensionNumbers, SliceDimension,
    TriangularSolveOptions, WindowDimension,
};
use super::computation::ComputationId;
use super::literal::Literal;
use super::print::AttributePrinter;
use super::proto::{EncodeAttribute, HloInstructionProto};
use crate::diagnostic::Diagnostic;

/// Calls a macro with every row of the opcode table.
macro_rules! for_each_opcode { ($then:path) => { $then! {
    /// Absolute value.
    Abs = "abs", (1), [elementwise];
    /// Sum; on `pred` logical or.
    Add = "add", (2), [elementwise commutative];
    /// A token for what comes after all operands, which are tokens.
    AfterAll = "after-all", (..), [];
    /// Bitwise and logical and.
    And = "and", (2), [elementwise commutative];
    /// Angle of the point (second operand, first operand).
    Atan2 = "atan2", (2), [elementwise];
    /// The same bytes under another shape and layout.
    Bitcast = "bitcast", (1), [declared];
    /// The same bits as another element type; a trailing dimension appears or disappears.
    BitcastConvert = "bitcast-convert", (1), [declared];
    /// Repeats the operand: operand dimension i becomes result dimension `dimensions[i]`.
    Broadcast { dimensions: Vec<usize> } = "broadcast", (1), [declared];
    /// The result of the computation for the operands.
    Call { to_apply: ComputationId } = "call", (..), [];
    /// Cube root.
    Cbrt = "cbrt", (1), [elementwise];
    /// The nearest integral value above or equal.
    Ceil = "ceil", (1), [elementwise];
    /// The triangular factor of symmetric positive definite matrices.
    Cholesky { lower: bool } = "cholesky", (1), [];
    /// The second operand, limited by the first and the third; these may be scalars.
    Clamp = "clamp", (3), [];
    /// A truth value per element.
    Compare { direction: ComparisonDirection, comparison_type: ComparisonType }
        = "compare", (2), [elementwise];
    /// Complex numbers of these real and imaginary parts.
    Complex = "complex", (2), [elementwise];
    /// The operands, one after the other along a dimension.
    Concatenate { dimension: usize } = "concatenate", (1..), [];
    /// Runs one of the branches with the operand that belongs to it. The first operand selects: an
    /// s32 index (out of range means the last branch), or a `pred`, where true is branch 0.
    Conditional { branch_computations: Vec<ComputationId> } = "conditional", (2..), [];
    /// A value known at compile time.
    Constant { literal: Literal } = "constant", (0), [];
    /// The value of the operand as another element type.
    Convert = "convert", (1), [elementwise declared];
    /// Sums of products of a kernel, the second operand, with windows of the first; padding is 0.
    Convolution {
        window: Vec<WindowDimension>, dim_labels: Box<ConvolutionDimensionNumbers>,
        feature_group_count: usize, batch_group_count: usize, operand_precision: OperandPrecision,
    } = "convolution", (2), [];
    /// The same value, possibly in another layout.
    Copy = "copy", (1), [elementwise];
    /// Cosine.
    Cosine = "cosine", (1), [elementwise];
    /// Leading zero bits.
    CountLeadingZeros = "count-leading-zeros", (1), [elementwise];
    /// Calls something that HLO does not define.
    CustomCall { target: CustomCallTarget, custom_call_has_side_effect: bool, backend_config: String }
        = "custom-call", (..), [declared];
    /// Quotient; integers round towards zero.
    Divide = "divide", (2), [elementwise];
    /// Sums of products over the contracted dimensions.
    Dot { dimension_numbers: DotDimensionNumbers, operand_precision: OperandPrecision }
        = "dot", (2), [];
    /// A window of the first operand; the others are its scalar start indices, clamped.
    DynamicSlice { dynamic_slice_sizes: Vec<usize> } = "dynamic-slice", (1..), [];
    /// The first operand with a window replaced by the second; the rest are its start indices.
    DynamicUpdateSlice = "dynamic-update-slice", (2..), [];
    /// e to the power of the operand.
    Exponential = "exponential", (1), [elementwise];
    /// e to the power of the operand, minus one.
    ExponentialMinusOne = "exponential-minus-one", (1), [elementwise];
    /// Fourier transform along the last dimensions, which have these lengths; the inverse one
    /// divides by their product. With real numbers on one side, the other has half of the last one,
    /// and 1.
    Fft { fft_type: FftType, fft_length: Vec<usize> } = "fft", (1), [];
    /// The nearest integral value below or equal.
    Floor = "floor", (1), [elementwise];
    /// A computation that is emitted as one.
    Fusion { kind: FusionKind, calls: ComputationId } = "fusion", (..), [];
    /// Slices of the first operand at start indices from the second.
    Gather {
        dimension_numbers: GatherDimensionNumbers, slice_sizes: Vec<usize>, indices_are_sorted: bool
    } = "gather", (2), [];
    /// One element of a tuple.
    GetTupleElement { index: usize } = "get-tuple-element", (1), [];
    /// The imaginary part; 0 for real numbers.
    Imag = "imag", (1), [elementwise];
    /// Counts up from 0 along a dimension.
    Iota { iota_dimension: usize } = "iota", (0), [declared];
    /// Neither infinite nor NaN?
    IsFinite = "is-finite", (1), [elementwise];
    /// Natural logarithm.
    Log = "log", (1), [elementwise];
    /// Natural logarithm of the operand plus one.
    LogPlusOne = "log-plus-one", (1), [elementwise];
    /// 1 / (1 + e^-x).
    Logistic = "logistic", (1), [elementwise];
    /// The larger one; NaN if one is NaN.
    Maximum = "maximum", (2), [elementwise commutative];
    /// The smaller one; NaN if one is NaN.
    Minimum = "minimum", (2), [elementwise commutative];
    /// Product; on `pred` logical and.
    Multiply = "multiply", (2), [elementwise commutative];
    /// Negation; integers wrap.
    Negate = "negate", (1), [elementwise];
    /// Bitwise and logical complement.
    Not = "not", (1), [elementwise];
    /// The operands; nothing moves across it.
    OptBarrier = "opt-barrier", (1), [];
    /// Bitwise and logical or.
    Or = "or", (2), [elementwise commutative];
    /// The first operand with copies of the second around and between its elements.
    Pad { padding: Vec<PaddingDimension> } = "pad", (2), [];
    /// What the caller passes.
    Parameter { number: usize } = "parameter", (0), [declared];
    /// Number of one bits.
    Popcnt = "popcnt", (1), [elementwise];
    /// The first operand to the power of the second.
    Power = "power", (2), [elementwise];
    /// The real part; real numbers as they are.
    Real = "real", (1), [elementwise];
    /// Begins to receive an array after the operand, a token: the array, what only the
    /// implementation knows, and a token.
    Recv { channel_id: usize, is_host_transfer: bool } = "recv", (1), [side_effect declared];
    /// What a recv received, and the token for what comes after it.
    RecvDone { channel_id: usize, is_host_transfer: bool } = "recv-done", (1), [side_effect];
    /// Combines elements along dimensions: n operands, then n scalars to start from.
    Reduce { dimensions: Vec<usize>, to_apply: ComputationId } = "reduce", (2..), [];
    /// The nearest number with so many bits of exponent and mantissa, in the same type; what is
    /// below the normal numbers becomes 0.
    ReducePrecision { exponent_bits: usize, mantissa_bits: usize }
        = "reduce-precision", (1), [elementwise];
    /// Combines the elements of each window: n operands, then n scalars to start and pad with.
    ReduceWindow { window: Vec<WindowDimension>, to_apply: ComputationId }
        = "reduce-window", (2..), [];
    /// Remainder with the sign of the dividend.
    Remainder = "remainder", (2), [elementwise];
    /// The same elements in row-major order under other dimensions.
    Reshape = "reshape", (1), [declared];
    /// The order along dimensions turned around.
    Reverse { dimensions: Vec<usize> } = "reverse", (1), [];
    /// Random bits from a counter: the operand, `u64[2]` or `u64[3]`, is key and counter. Gives the
    /// counter after it and an array of bits.
    RngBitGenerator { algorithm: RandomAlgorithm } = "rng-bit-generator", (1), [declared];
    /// The nearest integral value, halves away from zero.
    RoundNearestAfz = "round-nearest-afz", (1), [elementwise];
    /// The nearest integral value, halves to even.
    RoundNearestEven = "round-nearest-even", (1), [elementwise];
    /// One divided by the square root.
    Rsqrt = "rsqrt", (1), [elementwise];
    /// Combines slices of n operands, at start indices from the next one, with n arrays of updates.
    Scatter {
        dimension_numbers: Box<ScatterDimensionNumbers>, indices_are_sorted: bool,
        unique_indices: bool, to_apply: ComputationId,
    } = "scatter", (3..), [];
    /// The second operand where the first is true, else the third; a scalar `pred` may select all.
    Select = "select", (3), [];
    /// In each window of the first operand `select` chooses an element; to its place `scatter` adds
    /// the second operand's element for the window. The third is what every place starts from.
    SelectAndScatter { window: Vec<WindowDimension>, select: ComputationId, scatter: ComputationId }
        = "select-and-scatter", (3), [];
    /// Begins to send the first operand, an array, after the second, a token: the array, what only
    /// the implementation knows, and a token.
    Send { channel_id: usize, is_host_transfer: bool } = "send", (2), [side_effect];
    /// The token for what comes after a send.
    SendDone { channel_id: usize, is_host_transfer: bool } = "send-done", (1), [side_effect];
    /// Shift to the left; too far gives 0.
    ShiftLeft = "shift-left", (2), [elementwise];
    /// Shift to the right that copies the sign bit.
    ShiftRightArithmetic = "shift-right-arithmetic", (2), [elementwise];
    /// Shift to the right that fills with zeros.
    ShiftRightLogical = "shift-right-logical", (2), [elementwise];
    /// -1, 0 or 1; NaN and zeros stay.
    Sign = "sign", (1), [elementwise];
    /// Sine.
    Sine = "sine", (1), [elementwise];
    /// A strided window.
    Slice { slice: Vec<SliceDimension> } = "slice", (1), [];
    /// The operands, each permuted along a dimension alike, in the order of `to_apply`: a truth
    /// value of the elements of all operands at two places, that of the first place and that of
    /// the second side by side.
    Sort { dimension: usize, is_stable: bool, to_apply: ComputationId } = "sort", (1..), [];
    /// Square root.
    Sqrt = "sqrt", (1), [elementwise];
    /// Difference.
    Subtract = "subtract", (2), [elementwise];
    /// Tangent.
    Tan = "tan", (1), [elementwise];
    /// Hyperbolic tangent.
    Tanh = "tanh", (1), [elementwise];
    /// Result dimension i is operand dimension `dimensions[i]`.
    Transpose { dimensions: Vec<usize> } = "transpose", (1), [];
    /// Solves triangular systems: the first operand's matrices times the result, or the result
    /// times them, is the second operand.
    TriangularSolve { options: TriangularSolveOptions } = "triangular-solve", (2), [];
    /// The operands as one value.
    Tuple = "tuple", (..), [];
    /// Applies `body` to the value as long as `condition` of it is true.
    While { condition: ComputationId, body: ComputationId } = "while", (1), [];
    /// Bitwise and logical exclusive or.
    Xor = "xor", (2), [elementwise commutative];
} } }

/// How many operands an opcode takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arity {
    /// The fewest.
    pub least: usize,
    /// The most, if there is a limit.
    pub most: Option<usize>,
}

impl Arity {
    /// Is `count` allowed?
    pub fn allows(self, count: usize) -> bool {
        count >= self.least && self.most.is_none_or(|most| count <= most)
    }
}

impl fmt::Display for Arity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self { least, most: Some(most) } if least == most => write!(f, "{least}"),
            Self { least, most: Some(most) } => write!(f, "{least} to {most}"),
            Self { least: 0, most: None } => f.write_str("any number"),
            Self { least, most: None } => write!(f, "{least} or more"),
        }
    }
}

/// The flags of a row; see the module's comment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flags {
    elementwise: bool,
    commutative: bool,
    side_effect: bool,
    declared: bool,
}

macro_rules! arity {
    ((..)) => {
        Arity { least: 0, most: None }
    };
    (($least:literal ..)) => {
        Arity { least: $least, most: None }
    };
    (($count:literal)) => {
        Arity { least: $count, most: Some($count) }
    };
}

macro_rules! define_opcodes {
    ($($(#[doc = $doc:literal])* $Name:ident $({ $($field:ident: $type:ty),* $(,)? })?
        = $text:literal, $arity:tt, [$($flag:ident)*];)*) => {
        /// The name of what an instruction does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Opcode { $($(#[doc = $doc])* $Name),* }

        /// What an instruction does, with its attributes.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Op { $($(#[doc = $doc])* $Name $({ $(
            #[doc = concat!("The attribute `", stringify!($field), "`.")]
            $field: $type
        ),* })?),* }

        impl Opcode {
            /// Every opcode, by name.
            pub const ALL: &[Self] = &[$(Self::$Name),*];

            /// The HLO text, such as `get-tuple-element`.
            pub fn text(self) -> &'static str {
                match self { $(Self::$Name => $text),* }
            }

            /// The opcode with this text.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$Name),)* _ => None }
            }

            /// What it means, in a line.
            pub fn documentation(self) -> &'static str {
                match self { $(Self::$Name => concat!($($doc),*).trim_ascii()),* }
            }

            /// How many operands it takes.
            pub fn arity(self) -> Arity {
                match self { $(Self::$Name => arity!($arity)),* }
            }

            /// The keys of its attributes.
            pub fn attribute_keys(self) -> &'static [&'static str] {
                match self { $(Self::$Name => &[$($(stringify!($field)),*)?]),* }
            }

            fn flags(self) -> Flags {
                match self { $(Self::$Name => Flags { $($flag: true,)* ..Flags::default() }),* }
            }
        }

        impl Op {
            /// The name without the attributes.
            pub fn opcode(&self) -> Opcode {
                match self { $(Self::$Name { .. } => Opcode::$Name),* }
            }

            /// The computations that the attributes name, in order.
            pub fn called_computations(&self) -> Vec<ComputationId> {
                let mut found = Vec::new();
                match self { $(Self::$Name $({ $($field),* })? => {
                    $($($field.add_computations(&mut found);)*)?
                })* }
                found
            }

            /// Writes the attributes.
            pub(crate) fn print_attributes(&self, printer: &mut AttributePrinter<'_>) {
                let _ = &printer;
                match self { $(Self::$Name $({ $($field),* })? => {
                    $($($field.print(stringify!($field), printer);)*)?
                })* }
            }

            /// Puts the attributes into their fields of XLA's message.
            pub(crate) fn encode_attributes(&self, proto: &mut HloInstructionProto) {
                let _ = &proto;
                match self { $(Self::$Name $({ $($field),* })? => {
                    $($(EncodeAttribute::encode($field, stringify!($field), proto);)*)?
                })* }
            }

            /// Reads the attributes of `opcode`.
            pub(crate) fn parse_attributes(
                opcode: Opcode,
                source: &mut AttributeSource<'_, '_>,
            ) -> Result<Self, Diagnostic> {
                Ok(match opcode { $(Opcode::$Name => Self::$Name $({ $(
                    $field: Attribute::parse(stringify!($field), source)?
                ),* })?),* })
            }

            /// Replaces the computations that the attributes name.
            pub(crate) fn map_computations(
                &mut self,
                map: &mut dyn FnMut(ComputationId) -> ComputationId,
            ) {
                let _ = &map;
                match self { $(Self::$Name $({ $($field),* })? => {
                    $($($field.map_computations(map);)*)?
                })* }
            }
        }
    };
}
for_each_opcode!(define_opcodes);

impl Opcode {
    /// Does each result element depend on the operand elements at the same place only?
    pub fn is_elementwise(self) -> bool {
        self.flags().elementwise
    }

    /// May the two operands be swapped?
    pub fn is_commutative(self) -> bool {
        self.flags().commutative
    }

    /// The flags of its row, in words.
    pub fn flag_names(self) -> Vec<&'static str> {
        let Flags { elementwise, commutative, side_effect, declared } = self.flags();
        let flags = [
            (elementwise, "elementwise"),
            (commutative, "commutative"),
            (side_effect, "side effect"),
            (declared, "declared shape"),
        ];
        flags.into_iter().filter_map(|(is_set, name)| is_set.then_some(name)).collect()
    }

    /// Does the result shape have to be stated, since operands and attributes do not determine it?
    pub fn declares_shape(self) -> bool {
        self.flags().declared
    }
}

impl Op {
    /// Must the instruction stay even if nobody uses it?
    ///
    /// Says nothing about computations that it calls.
    pub fn has_side_effect(&self) -> bool {
        if let Self::CustomCall { target, custom_call_has_side_effect, .. } = self {
            return *custom_call_has_side_effect || target.check_parameters().is_some();
        }
        self.opcode().flags().side_effect
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}
