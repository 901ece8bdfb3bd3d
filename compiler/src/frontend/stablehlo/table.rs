//! One row per operation.

use super::body::Body;
use super::{
    algorithm, attributes, batch_norm, check, chlo, collectives, composite, constant, contraction,
    control, convolution, custom_call, data, elementwise, function, indexing, legacy, random,
    scatter, shape_operands, sharding, transfer, unsupported, window,
};
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::Operation;
use crate::hlo::{InstructionId, Op};

/// Adds the instructions of an operation and gives one for each of its results.
type Rule = for<'i, 'p> fn(&mut Body<'i, 'p>, &'p Operation) -> SourceResult<Vec<InstructionId>>;

/// The same for an operation that has nothing of the program in it.
pub(super) type LeafRule =
    for<'i, 'p, 'o> fn(&mut Body<'i, 'p>, &'o Operation) -> SourceResult<Vec<InstructionId>>;

enum Import {
    /// One instruction with the operation's operands, of which there have to be so many.
    Direct(usize, Op),
    /// Whatever the rule adds.
    By(Rule),
    /// The same for an operation without regions, which may also be a composite by its name.
    Leaf(LeafRule),
}

use Import::{By, Direct, Leaf};

/// The operation's name, its properties, and how it is imported.
const ROWS: &[(&str, &str, Import)] = &[
    ("check.expect_almost_eq", "tolerance", By(check::expect_almost_eq)),
    ("check.expect_almost_eq_const", "tolerance value", By(check::expect_almost_eq)),
    ("check.expect_close", "max_ulp_difference min_ulp_difference", By(check::expect_close)),
    ("check.expect_eq", "", By(check::expect_eq)),
    ("check.expect_eq_const", "value", By(check::expect_eq)),
    ("chlo.acos", "", Leaf(chlo::function)),
    ("chlo.acosh", "", Leaf(chlo::function)),
    ("chlo.asin", "", Leaf(chlo::function)),
    ("chlo.asinh", "", Leaf(chlo::function)),
    ("chlo.atan", "", Leaf(chlo::function)),
    ("chlo.atanh", "", Leaf(chlo::function)),
    ("chlo.cosh", "", Leaf(chlo::function)),
    ("chlo.digamma", "", Leaf(chlo::function)),
    ("chlo.erf", "", Leaf(chlo::function)),
    ("chlo.erf_inv", "", Leaf(chlo::function)),
    ("chlo.erfc", "", Leaf(chlo::function)),
    ("chlo.lgamma", "", Leaf(chlo::function)),
    ("chlo.sinh", "", Leaf(chlo::function)),
    ("chlo.square", "", Leaf(elementwise::square)),
    ("chlo.top_k", "k", By(chlo::top_k)),
    ("func.call", "callee no_inline", By(function::call)),
    ("sdy.reshard", "sharding", By(sharding::constraint)),
    ("sdy.sharding_constraint", "sharding", By(sharding::constraint)),
    ("stablehlo.abs", "", Direct(1, Op::Abs)),
    ("stablehlo.add", "", Direct(2, Op::Add)),
    ("stablehlo.after_all", "", By(transfer::after_all)),
    (
        "stablehlo.all_gather",
        "all_gather_dim replica_groups channel_handle use_global_device_ids",
        By(collectives::all_gather),
    ),
    (
        "stablehlo.all_reduce",
        "replica_groups channel_handle use_global_device_ids",
        By(collectives::all_reduce),
    ),
    (
        "stablehlo.all_to_all",
        "split_dimension concat_dimension split_count replica_groups channel_handle",
        By(collectives::all_to_all),
    ),
    ("stablehlo.and", "", Direct(2, Op::And)),
    ("stablehlo.atan2", "", Direct(2, Op::Atan2)),
    ("stablehlo.batch_norm_grad", "epsilon feature_index", By(batch_norm::grad)),
    ("stablehlo.batch_norm_inference", "epsilon feature_index", By(batch_norm::inference)),
    ("stablehlo.batch_norm_training", "epsilon feature_index", By(batch_norm::training)),
    ("stablehlo.bitcast_convert", "", Direct(1, Op::BitcastConvert)),
    ("stablehlo.broadcast", "broadcast_sizes", By(legacy::broadcast)),
    ("stablehlo.broadcast_in_dim", "broadcast_dimensions", By(data::broadcast_in_dim)),
    ("stablehlo.case", "", By(control::case)),
    ("stablehlo.cbrt", "result_accuracy", Direct(1, Op::Cbrt)),
    ("stablehlo.ceil", "", Direct(1, Op::Ceil)),
    ("stablehlo.cholesky", "lower", By(algorithm::cholesky)),
    ("stablehlo.clamp", "", By(elementwise::clamp)),
    (
        "stablehlo.collective_broadcast",
        "replica_groups channel_handle",
        By(collectives::collective_broadcast),
    ),
    (
        "stablehlo.collective_permute",
        "source_target_pairs channel_handle",
        By(collectives::collective_permute),
    ),
    ("stablehlo.compare", "comparison_direction compare_type", By(elementwise::compare)),
    ("stablehlo.complex", "", Direct(2, Op::Complex)),
    (
        "stablehlo.composite",
        "name composite_attributes decomposition version",
        By(composite::composite),
    ),
    ("stablehlo.concatenate", "dimension", By(data::concatenate)),
    ("stablehlo.constant", "value", By(constant::constant)),
    ("stablehlo.convert", "", Direct(1, Op::Convert)),
    (
        "stablehlo.convolution",
        "dimension_numbers window_strides padding lhs_dilation rhs_dilation window_reversal \
         feature_group_count batch_group_count precision_config",
        By(convolution::convolution),
    ),
    ("stablehlo.cosine", "result_accuracy", Direct(1, Op::Cosine)),
    ("stablehlo.count_leading_zeros", "", Direct(1, Op::CountLeadingZeros)),
    ("stablehlo.create_token", "", By(transfer::after_all)),
    ("stablehlo.cross-replica-sum", "replica_groups", By(collectives::all_reduce)),
    (
        "stablehlo.custom_call",
        "call_target_name has_side_effect backend_config api_version called_computations \
         operand_layouts result_layouts result_tilings output_operand_aliases tolerance \
         max_ulp_difference min_ulp_difference",
        By(custom_call::custom_call),
    ),
    ("stablehlo.divide", "", Direct(2, Op::Divide)),
    ("stablehlo.dot", "precision_config", By(contraction::dot)),
    (
        "stablehlo.dot_general",
        "dot_dimension_numbers precision_config algorithm",
        By(contraction::dot_general),
    ),
    (
        "stablehlo.dynamic_broadcast_in_dim",
        "broadcast_dimensions known_expanding_dimensions known_nonexpanding_dimensions",
        By(shape_operands::broadcast_in_dim),
    ),
    (
        "stablehlo.dynamic_conv",
        "dimension_numbers window_strides padding lhs_dilation rhs_dilation window_reversal \
         feature_group_count batch_group_count precision_config",
        By(shape_operands::convolution),
    ),
    (
        "stablehlo.dynamic_gather",
        "dimension_numbers indices_are_sorted",
        By(shape_operands::gather),
    ),
    ("stablehlo.dynamic_iota", "iota_dimension", By(shape_operands::iota)),
    ("stablehlo.dynamic_pad", "", By(shape_operands::pad)),
    ("stablehlo.dynamic_reshape", "", By(shape_operands::reshape)),
    ("stablehlo.dynamic_slice", "slice_sizes", By(indexing::dynamic_slice)),
    ("stablehlo.dynamic_update_slice", "", By(indexing::dynamic_update_slice)),
    ("stablehlo.einsum", "einsum_config precision_config", By(legacy::einsum)),
    ("stablehlo.exponential", "result_accuracy", Direct(1, Op::Exponential)),
    ("stablehlo.exponential_minus_one", "result_accuracy", Direct(1, Op::ExponentialMinusOne)),
    ("stablehlo.fft", "fft_type fft_length", By(data::fft)),
    ("stablehlo.floor", "", Direct(1, Op::Floor)),
    ("stablehlo.gather", "dimension_numbers slice_sizes indices_are_sorted", By(indexing::gather)),
    ("stablehlo.get_dimension_size", "dimension", By(shape_operands::get_dimension_size)),
    ("stablehlo.get_tuple_element", "index", By(data::get_tuple_element)),
    ("stablehlo.if", "", By(control::if_else)),
    ("stablehlo.imag", "", Direct(1, Op::Imag)),
    ("stablehlo.iota", "iota_dimension", By(data::iota)),
    ("stablehlo.is_finite", "", Direct(1, Op::IsFinite)),
    ("stablehlo.log", "result_accuracy", Direct(1, Op::Log)),
    ("stablehlo.log_plus_one", "result_accuracy", Direct(1, Op::LogPlusOne)),
    ("stablehlo.logistic", "result_accuracy", Direct(1, Op::Logistic)),
    ("stablehlo.map", "dimensions", By(legacy::map)),
    ("stablehlo.maximum", "", Direct(2, Op::Maximum)),
    ("stablehlo.minimum", "", Direct(2, Op::Minimum)),
    ("stablehlo.multiply", "", Direct(2, Op::Multiply)),
    ("stablehlo.negate", "", Direct(1, Op::Negate)),
    ("stablehlo.not", "", Direct(1, Op::Not)),
    ("stablehlo.optimization_barrier", "", By(control::optimization_barrier)),
    ("stablehlo.or", "", Direct(2, Op::Or)),
    ("stablehlo.pad", "edge_padding_low edge_padding_high interior_padding", By(data::pad)),
    ("stablehlo.partition_id", "", By(collectives::device_id)),
    ("stablehlo.popcnt", "", Direct(1, Op::Popcnt)),
    ("stablehlo.power", "", Direct(2, Op::Power)),
    ("stablehlo.real", "", Direct(1, Op::Real)),
    ("stablehlo.real_dynamic_slice", "", By(shape_operands::slice)),
    ("stablehlo.recv", "channel_handle is_host_transfer source_target_pairs", By(transfer::recv)),
    ("stablehlo.reduce", "dimensions", By(contraction::reduce)),
    (
        "stablehlo.reduce_precision",
        "exponent_bits mantissa_bits",
        By(elementwise::reduce_precision),
    ),
    (
        "stablehlo.reduce_scatter",
        "scatter_dimension replica_groups channel_handle use_global_device_ids",
        By(collectives::reduce_scatter),
    ),
    (
        "stablehlo.reduce_window",
        "window_dimensions window_strides base_dilations window_dilations padding",
        By(window::reduce_window),
    ),
    ("stablehlo.remainder", "", Direct(2, Op::Remainder)),
    ("stablehlo.replica_id", "", By(collectives::device_id)),
    ("stablehlo.reshape", "", Direct(1, Op::Reshape)),
    ("stablehlo.reverse", "dimensions", By(data::reverse)),
    ("stablehlo.rng", "rng_distribution", By(random::rng)),
    ("stablehlo.rng_bit_generator", "rng_algorithm", By(random::rng_bit_generator)),
    ("stablehlo.round_nearest_afz", "", Direct(1, Op::RoundNearestAfz)),
    ("stablehlo.round_nearest_even", "", Direct(1, Op::RoundNearestEven)),
    ("stablehlo.rsqrt", "result_accuracy", Direct(1, Op::Rsqrt)),
    (
        "stablehlo.scatter",
        "scatter_dimension_numbers indices_are_sorted unique_indices",
        By(scatter::scatter),
    ),
    ("stablehlo.select", "", By(elementwise::select)),
    (
        "stablehlo.select_and_scatter",
        "window_dimensions window_strides padding",
        By(window::select_and_scatter),
    ),
    ("stablehlo.send", "channel_handle is_host_transfer source_target_pairs", By(transfer::send)),
    ("stablehlo.set_dimension_size", "dimension", By(shape_operands::set_dimension_size)),
    ("stablehlo.shift_left", "", Direct(2, Op::ShiftLeft)),
    ("stablehlo.shift_right_arithmetic", "", Direct(2, Op::ShiftRightArithmetic)),
    ("stablehlo.shift_right_logical", "", Direct(2, Op::ShiftRightLogical)),
    ("stablehlo.sign", "", Direct(1, Op::Sign)),
    ("stablehlo.sine", "result_accuracy", Direct(1, Op::Sine)),
    ("stablehlo.slice", "start_indices limit_indices strides", By(data::slice)),
    ("stablehlo.sort", "dimension is_stable", By(algorithm::sort)),
    ("stablehlo.sqrt", "result_accuracy", Direct(1, Op::Sqrt)),
    ("stablehlo.subtract", "", Direct(2, Op::Subtract)),
    ("stablehlo.tan", "result_accuracy", Direct(1, Op::Tan)),
    ("stablehlo.tanh", "result_accuracy", Direct(1, Op::Tanh)),
    ("stablehlo.torch_index_select", "dim batch_dims", By(legacy::torch_index_select)),
    ("stablehlo.transpose", "permutation", By(data::transpose)),
    (
        "stablehlo.triangular_solve",
        "left_side lower unit_diagonal transpose_a",
        By(algorithm::triangular_solve),
    ),
    ("stablehlo.tuple", "", By(data::tuple)),
    ("stablehlo.unary_einsum", "einsum_config", By(legacy::unary_einsum)),
    ("stablehlo.while", "", By(control::while_loop)),
    ("stablehlo.xor", "", Direct(2, Op::Xor)),
];

/// The names of the operations that are imported, sorted.
pub fn importable_operations() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|(name, _, _)| *name)
}

/// Imports one operation.
pub(super) fn import<'p>(
    body: &mut Body<'_, 'p>,
    operation: &'p Operation,
) -> SourceResult<Vec<InstructionId>> {
    let found = ROWS.binary_search_by(|(name, _, _)| name.cmp(&operation.name.as_str()));
    let Ok(row) = found else {
        return unsupported(operation, collectives::described(&operation.name));
    };
    let (_, allowed, import) = &ROWS[row];
    attributes::check_names(operation, allowed)?;
    match import {
        Direct(count, op) => {
            attributes::check_result_accuracy(operation)?;
            elementwise::direct(body, operation, *count, op).map(|id| vec![id])
        }
        By(rule) => rule(body, operation),
        Leaf(rule) => rule(body, operation),
    }
}

/// The properties and the rule of an operation that a composite may stand for.
pub(super) fn leaf(name: &str) -> Option<(&'static str, LeafRule)> {
    let row = ROWS.binary_search_by(|(each, _, _)| (*each).cmp(name)).ok()?;
    match &ROWS[row] {
        (_, properties, Leaf(rule)) => Some((properties, *rule)),
        (_, _, Direct(..) | By(_)) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::ROWS;

    #[test]
    fn the_rows_are_sorted() {
        assert!(ROWS.is_sorted_by(|a, b| a.0 < b.0));
    }
}
