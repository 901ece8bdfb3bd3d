//! Which field of an instruction's message each attribute fills.

use super::messages::{
    CholeskyOptions, ConvolutionDimensionNumbers as ConvolutionProto,
    DotDimensionNumbers as DotProto, GatherDimensionNumbers as GatherProto, HloInstructionProto,
    PaddingConfig, PaddingConfigDimension, PrecisionConfig,
    ScatterDimensionNumbers as ScatterProto, SliceDimensions,
    TriangularSolveOptions as TriangularSolveProto, Window,
    WindowDimension as WindowDimensionProto,
};
use super::{computation_number, int, ints, literal::literal_proto};
use crate::hlo::attribute::{
    ComparisonDirection, ComparisonType, ConvolutionDimensionNumbers, CustomCallTarget,
    DotDimensionNumbers, FftType, FusionKind, GatherDimensionNumbers, OperandPrecision,
    PaddingDimension, Precision, RandomAlgorithm, ScatterDimensionNumbers, SliceDimension,
    Transpose, TriangularSolveOptions, WindowDimension,
};
use crate::hlo::computation::ComputationId;
use crate::hlo::literal::Literal;

/// What an attribute of the opcode table has to say to be encoded.
pub(crate) trait EncodeAttribute {
    /// Fills the field that belongs to `key`.
    fn encode(&self, key: &'static str, proto: &mut HloInstructionProto);
}

/// The table and this file name the same keys.
fn no_field(key: &str) -> ! {
    unreachable!("no field of HloInstructionProto is known for the attribute `{key}`")
}

fn bits(count: usize) -> i32 {
    i32::try_from(count).expect("floats have at most 64 bits")
}

impl EncodeAttribute for usize {
    fn encode(&self, key: &'static str, proto: &mut HloInstructionProto) {
        match key {
            "dimension" | "iota_dimension" => proto.dimensions = vec![int(*self)],
            "index" => proto.tuple_index = int(*self),
            "number" => proto.parameter_number = int(*self),
            "feature_group_count" => proto.feature_group_count = int(*self),
            "batch_group_count" => proto.batch_group_count = int(*self),
            "channel_id" => proto.channel_id = int(*self),
            "exponent_bits" => proto.exponent_bits = bits(*self),
            "mantissa_bits" => proto.mantissa_bits = bits(*self),
            _ => no_field(key),
        }
    }
}

impl EncodeAttribute for bool {
    fn encode(&self, key: &'static str, proto: &mut HloInstructionProto) {
        match key {
            "custom_call_has_side_effect" => proto.custom_call_has_side_effect = *self,
            "is_stable" => proto.is_stable = *self,
            "lower" => proto.cholesky_options = Some(CholeskyOptions { lower: *self }),
            "is_host_transfer" => proto.is_host_transfer = *self,
            "indices_are_sorted" => proto.indices_are_sorted = *self,
            "unique_indices" => proto.unique_indices = *self,
            _ => no_field(key),
        }
    }
}

impl EncodeAttribute for String {
    fn encode(&self, key: &'static str, proto: &mut HloInstructionProto) {
        match key {
            // The target may have written its own.
            "backend_config" if self.is_empty() => {}
            "backend_config" => proto.backend_config = self.clone().into_bytes(),
            _ => no_field(key),
        }
    }
}

impl EncodeAttribute for Vec<usize> {
    fn encode(&self, key: &'static str, proto: &mut HloInstructionProto) {
        let field = match key {
            "dimensions" => &mut proto.dimensions,
            "dynamic_slice_sizes" => &mut proto.dynamic_slice_sizes,
            "fft_length" => &mut proto.fft_length,
            "slice_sizes" => &mut proto.gather_slice_sizes,
            _ => no_field(key),
        };
        *field = ints(self);
    }
}

impl EncodeAttribute for Literal {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        proto.literal = Some(literal_proto(self));
    }
}

impl EncodeAttribute for ComputationId {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        proto.called_computation_ids.push(computation_number(*self));
    }
}

impl EncodeAttribute for Vec<ComputationId> {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        proto.called_computation_ids.extend(self.iter().copied().map(computation_number));
    }
}

impl EncodeAttribute for ComparisonDirection {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        self.text().clone_into(&mut proto.comparison_direction);
    }
}

impl EncodeAttribute for ComparisonType {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        self.text().clone_into(&mut proto.comparison_type);
    }
}

impl EncodeAttribute for FusionKind {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        self.text().clone_into(&mut proto.fusion_kind);
    }
}

impl EncodeAttribute for OperandPrecision {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        let number = |precision| match precision {
            Precision::Default => 0,
            Precision::High => 1,
            Precision::Highest => 2,
        };
        let operand_precision = vec![number(self.lhs), number(self.rhs)];
        proto.precision_config =
            Some(PrecisionConfig { operand_precision, ..PrecisionConfig::default() });
    }
}

impl EncodeAttribute for DotDimensionNumbers {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        proto.dot_dimension_numbers = Some(DotProto {
            lhs_contracting_dimensions: ints(&self.lhs_contracting_dimensions),
            rhs_contracting_dimensions: ints(&self.rhs_contracting_dimensions),
            lhs_batch_dimensions: ints(&self.lhs_batch_dimensions),
            rhs_batch_dimensions: ints(&self.rhs_batch_dimensions),
        });
    }
}

impl EncodeAttribute for GatherDimensionNumbers {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        proto.gather_dimension_numbers = Some(GatherProto {
            offset_dims: ints(&self.offset_dims),
            collapsed_slice_dims: ints(&self.collapsed_slice_dims),
            start_index_map: ints(&self.start_index_map),
            index_vector_dim: int(self.index_vector_dim),
            operand_batching_dims: ints(&self.operand_batching_dims),
            start_indices_batching_dims: ints(&self.start_indices_batching_dims),
        });
    }
}

impl EncodeAttribute for Box<ScatterDimensionNumbers> {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        proto.scatter_dimension_numbers = Some(ScatterProto {
            update_window_dims: ints(&self.update_window_dims),
            inserted_window_dims: ints(&self.inserted_window_dims),
            scatter_dims_to_operand_dims: ints(&self.scatter_dims_to_operand_dims),
            index_vector_dim: int(self.index_vector_dim),
            input_batching_dims: ints(&self.input_batching_dims),
            scatter_indices_batching_dims: ints(&self.scatter_indices_batching_dims),
        });
    }
}

impl EncodeAttribute for Vec<SliceDimension> {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        let dimensions = self.iter().map(|dimension| SliceDimensions {
            start: int(dimension.start),
            limit: int(dimension.limit),
            stride: int(dimension.stride),
        });
        proto.slice_dimensions = dimensions.collect();
    }
}

impl EncodeAttribute for Vec<PaddingDimension> {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        let dimensions = self.iter().map(|dimension| PaddingConfigDimension {
            edge_padding_low: dimension.low,
            edge_padding_high: dimension.high,
            interior_padding: int(dimension.interior),
        });
        proto.padding_config = Some(PaddingConfig { dimensions: dimensions.collect() });
    }
}

impl EncodeAttribute for CustomCallTarget {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        self.name().clone_into(&mut proto.custom_call_target);
        if let Self::Eigh(parameters) = self {
            proto.backend_config = parameters.text().into_bytes();
        }
    }
}

impl EncodeAttribute for Vec<WindowDimension> {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        let dimensions = self.iter().map(|dimension| WindowDimensionProto {
            size: int(dimension.size),
            stride: int(dimension.stride),
            padding_low: dimension.padding_low,
            padding_high: dimension.padding_high,
            window_dilation: int(dimension.window_dilation),
            base_dilation: int(dimension.base_dilation),
            window_reversal: dimension.reversed,
        });
        proto.window = Some(Window { dimensions: dimensions.collect() });
    }
}

impl EncodeAttribute for Box<ConvolutionDimensionNumbers> {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        proto.convolution_dimension_numbers = Some(ConvolutionProto {
            input_batch_dimension: int(self.input_batch),
            input_feature_dimension: int(self.input_feature),
            input_spatial_dimensions: ints(&self.input_spatial),
            kernel_input_feature_dimension: int(self.kernel_input_feature),
            kernel_output_feature_dimension: int(self.kernel_output_feature),
            kernel_spatial_dimensions: ints(&self.kernel_spatial),
            output_batch_dimension: int(self.output_batch),
            output_feature_dimension: int(self.output_feature),
            output_spatial_dimensions: ints(&self.output_spatial),
        });
    }
}

impl EncodeAttribute for RandomAlgorithm {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        proto.rng_algorithm = match self {
            Self::Default => 0,
            Self::ThreeFry => 1,
            Self::Philox => 2,
        };
    }
}

impl EncodeAttribute for TriangularSolveOptions {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        proto.triangular_solve_options = Some(TriangularSolveProto {
            left_side: self.left_side,
            lower: self.lower,
            unit_diagonal: self.unit_diagonal,
            transpose_a: match self.transpose_a {
                Transpose::NoTranspose => 1,
                Transpose::Transpose => 2,
                Transpose::Adjoint => 3,
            },
        });
    }
}

impl EncodeAttribute for FftType {
    fn encode(&self, _key: &'static str, proto: &mut HloInstructionProto) {
        proto.fft_type = match self {
            Self::Fft => 0,
            Self::Ifft => 1,
            Self::Rfft => 2,
            Self::Irfft => 3,
        };
    }
}
