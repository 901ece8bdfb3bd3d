//! One row per operation of the portable format: in which versions it exists, which StableHLO
//! operation it is, and its properties in the order in which they are stored, each with what
//! becomes of it.

use super::container::Version;
use super::properties::{Convert, Mapping, Omit, Structure};

use Mapping::{ChannelId, ChannelType};

/// An operation of the portable format.
#[derive(Debug)]
pub(super) struct Row {
    /// Its name there, without the dialect.
    pub(super) vhlo: &'static str,
    /// The first version that has it.
    pub(super) since: Version,
    /// The last version that has it, if newer ones do not.
    pub(super) until: Option<Version>,
    /// The name of the StableHLO operation.
    pub(super) name: &'static str,
    /// Names, and what becomes of each, in stored order.
    pub(super) properties: &'static [(&'static str, Mapping)],
}

/// The oldest version of the portable format.
pub(super) const FIRST: Version = Version(0, 9, 0);
/// The newest version that the table was made from.
pub(super) const NEWEST: Version = Version(1, 22, 0);

const SAME: Mapping = Mapping::Attribute(Convert::Same, Omit::Never);
const UNLESS_EMPTY: Mapping = Mapping::Attribute(Convert::Same, Omit::Empty);
const UNLESS_ZEROS: Mapping = Mapping::Attribute(Convert::Same, Omit::All(0));
const UNIT: Mapping = Mapping::Attribute(Convert::Unit, Omit::Empty);
const INTEGERS: Mapping = Mapping::Attribute(Convert::Integers, Omit::Never);
const INTEGERS_UNLESS_EMPTY: Mapping = Mapping::Attribute(Convert::Integers, Omit::Empty);
const UNLESS_ONES: Mapping = Mapping::Attribute(Convert::Integers, Omit::All(1));
const BOOLS_UNLESS_FALSE: Mapping = Mapping::Attribute(Convert::Bools, Omit::Empty);
const SYMBOL: Mapping = Mapping::Attribute(Convert::Symbol, Omit::Never);
const SYMBOLS: Mapping = Mapping::Attribute(Convert::Symbols, Omit::Empty);
const DICTIONARIES: Mapping = Mapping::Attribute(Convert::Same, Omit::EmptyDictionaries);
const ACCURACY: Mapping = Mapping::Attribute(Convert::Same, Omit::DefaultAccuracy);
const COMPARE_TYPE: Mapping = Mapping::Attribute(Convert::Same, Omit::Word("NOTYPE"));
const PRECISION: Mapping = Mapping::Attribute(Convert::Same, Omit::Word("DEFAULT"));
/// Number 1 is the original interface of custom calls.
const API_VERSION: Mapping = Mapping::Attribute(Convert::Same, Omit::Number(1));
/// Sorts go along the last dimension unless they say otherwise.
const SORT_DIMENSION: Mapping = Mapping::Attribute(Convert::Same, Omit::Number(-1));
const DOT_NUMBERS: Mapping = Mapping::Part(Convert::Integers, Structure::Dot);
const GATHER_NUMBERS: Mapping = Mapping::Part(Convert::Integers, Structure::Gather);
const GATHER_NUMBER: Mapping = Mapping::Part(Convert::Same, Structure::Gather);
const SCATTER_NUMBERS: Mapping = Mapping::Part(Convert::Integers, Structure::Scatter);
const SCATTER_NUMBER: Mapping = Mapping::Part(Convert::Same, Structure::Scatter);
const CONVOLUTION_NUMBER: Mapping = Mapping::Part(Convert::Same, Structure::Convolution);
/// Types; numbers too are the type `none` where there is no algorithm.
const ALGORITHM_PART: Mapping = Mapping::Part(Convert::Word, Structure::Algorithm);

/// What ends a region: the operation's name depends on what it is in.
pub(super) const RETURN: &str = "return";

type Versions = (Version, Option<Version>);

const fn since(first: Version) -> Versions {
    (first, None)
}

const fn between(first: Version, last: Version) -> Versions {
    (first, Some(last))
}

const fn row(
    vhlo: &'static str,
    (since, until): Versions,
    name: &'static str,
    properties: &'static [(&'static str, Mapping)],
) -> Row {
    Row { vhlo, since, until, name, properties }
}

// What several versions of an operation have.

/// The properties of `all_gather`.
#[rustfmt::skip]
const ALL_GATHER: &[(&str, Mapping)] = &[
    ("all_gather_dim", SAME), ("channel_id", ChannelId), ("replica_groups", SAME),
    ("use_global_device_ids", UNIT),
];

/// The properties of `all_reduce`.
#[rustfmt::skip]
const ALL_REDUCE: &[(&str, Mapping)] = &[
    ("channel_id", ChannelId), ("replica_groups", SAME), ("use_global_device_ids", UNIT),
];

/// The properties of `all_to_all`.
#[rustfmt::skip]
const ALL_TO_ALL: &[(&str, Mapping)] = &[
    ("channel_id", ChannelId), ("concat_dimension", SAME), ("replica_groups", SAME),
    ("split_count", SAME), ("split_dimension", SAME),
];

/// The properties of `composite`.
#[rustfmt::skip]
const COMPOSITE: &[(&str, Mapping)] = &[
    ("composite_attributes", UNLESS_EMPTY), ("decomposition", SYMBOL), ("name", SAME),
    ("version", UNLESS_EMPTY),
];

/// The properties of `convolution`, and of `dynamic_conv` when it had them all.
#[rustfmt::skip]
const CONVOLUTION: &[(&str, Mapping)] = &[
    ("batch_group_count", SAME), ("feature_group_count", SAME),
    ("input_batch_dimension", CONVOLUTION_NUMBER),
    ("input_feature_dimension", CONVOLUTION_NUMBER),
    ("input_spatial_dimensions", CONVOLUTION_NUMBER),
    ("kernel_input_feature_dimension", CONVOLUTION_NUMBER),
    ("kernel_output_feature_dimension", CONVOLUTION_NUMBER),
    ("kernel_spatial_dimensions", CONVOLUTION_NUMBER), ("lhs_dilation", UNLESS_ONES),
    ("output_batch_dimension", CONVOLUTION_NUMBER),
    ("output_feature_dimension", CONVOLUTION_NUMBER),
    ("output_spatial_dimensions", CONVOLUTION_NUMBER), ("padding", UNLESS_ZEROS),
    ("precision_config", PRECISION), ("rhs_dilation", UNLESS_ONES),
    ("window_reversal", BOOLS_UNLESS_FALSE), ("window_strides", UNLESS_ONES),
];

/// Every operation, sorted by name.
#[rustfmt::skip]
const ROWS: &[Row] = &[
    row("abs_v1", since(FIRST), "stablehlo.abs", &[]),
    row("add_v1", since(FIRST), "stablehlo.add", &[]),
    row("after_all_v1", since(FIRST), "stablehlo.after_all", &[]),
    row("all_gather_v1", between(FIRST, Version(1, 4, 0)), "stablehlo.all_gather", ALL_GATHER),
    row("all_gather_v2", since(Version(1, 5, 0)), "stablehlo.all_gather", ALL_GATHER),
    row("all_reduce_v1", between(FIRST, Version(1, 4, 0)), "stablehlo.all_reduce", ALL_REDUCE),
    row("all_reduce_v2", since(Version(1, 5, 0)), "stablehlo.all_reduce", ALL_REDUCE),
    row("all_to_all_v1", between(FIRST, Version(1, 4, 0)), "stablehlo.all_to_all", ALL_TO_ALL),
    row("all_to_all_v2", since(Version(1, 5, 0)), "stablehlo.all_to_all", ALL_TO_ALL),
    row("and_v1", since(FIRST), "stablehlo.and", &[]),
    row("async_done_v1", since(Version(1, 15, 0)), "stablehlo.async_done", &[]),
    row("async_start_v1", since(Version(1, 15, 0)), "stablehlo.async_start", &[]),
    row("atan2_v1", since(FIRST), "stablehlo.atan2", &[]),
    row("batch_norm_grad_v1", since(FIRST), "stablehlo.batch_norm_grad", &[
        ("epsilon", SAME), ("feature_index", SAME),
    ]),
    row("batch_norm_inference_v1", since(FIRST), "stablehlo.batch_norm_inference", &[
        ("epsilon", SAME), ("feature_index", SAME),
    ]),
    row("batch_norm_training_v1", since(FIRST), "stablehlo.batch_norm_training", &[
        ("epsilon", SAME), ("feature_index", SAME),
    ]),
    row("bitcast_convert_v1", since(FIRST), "stablehlo.bitcast_convert", &[]),
    row("broadcast_in_dim_v1", since(FIRST), "stablehlo.broadcast_in_dim", &[
        ("broadcast_dimensions", INTEGERS),
    ]),
    row("broadcast_v1", since(FIRST), "stablehlo.broadcast", &[("broadcast_sizes", INTEGERS)]),
    row("call_v1", since(FIRST), "func.call", &[("callee", SYMBOL)]),
    row("case_v1", since(FIRST), "stablehlo.case", &[]),
    row("cbrt_v1", between(FIRST, Version(1, 9, 0)), "stablehlo.cbrt", &[]),
    row("cbrt_v2", since(Version(1, 10, 0)), "stablehlo.cbrt", &[("result_accuracy", ACCURACY)]),
    row("ceil_v1", since(FIRST), "stablehlo.ceil", &[]),
    row("cholesky_v1", since(FIRST), "stablehlo.cholesky", &[("lower", UNLESS_EMPTY)]),
    row("clamp_v1", since(FIRST), "stablehlo.clamp", &[]),
    row("collective_broadcast_v1", between(Version(0, 16, 0), Version(1, 19, 0)), "stablehlo.collective_broadcast", &[
        ("channel_id", ChannelId), ("replica_groups", SAME),
    ]),
    row("collective_broadcast_v2", since(Version(1, 20, 0)), "stablehlo.collective_broadcast", &[
        ("channel_id", ChannelId), ("has_dynamic_root", UNIT), ("replica_groups", SAME),
    ]),
    row("collective_permute_v1", since(FIRST), "stablehlo.collective_permute", &[
        ("channel_id", ChannelId), ("source_target_pairs", SAME),
    ]),
    row("collective_reduce_v1", since(Version(1, 19, 0)), "stablehlo.collective_reduce", &[
        ("channel_id", ChannelId), ("has_dynamic_root", UNIT), ("replica_groups", SAME),
        ("use_global_device_ids", UNIT),
    ]),
    row("compare_v1", since(FIRST), "stablehlo.compare", &[
        ("compare_type", COMPARE_TYPE), ("comparison_direction", SAME),
    ]),
    row("complex_v1", since(FIRST), "stablehlo.complex", &[]),
    row("composite_v1", between(Version(0, 19, 0), Version(1, 13, 0)), "stablehlo.composite", COMPOSITE),
    row("composite_v2", since(Version(1, 14, 0)), "stablehlo.composite", COMPOSITE),
    row("concatenate_v1", since(FIRST), "stablehlo.concatenate", &[("dimension", SAME)]),
    row("constant_v1", since(FIRST), "stablehlo.constant", &[("value", SAME)]),
    row("convert_v1", since(FIRST), "stablehlo.convert", &[]),
    row("convolution_v1", since(FIRST), "stablehlo.convolution", CONVOLUTION),
    row("cosine_v1", between(FIRST, Version(1, 9, 0)), "stablehlo.cosine", &[]),
    row("cosine_v2", since(Version(1, 10, 0)), "stablehlo.cosine", &[
        ("result_accuracy", ACCURACY),
    ]),
    row("count_leading_zeros_v1", since(FIRST), "stablehlo.count_leading_zeros", &[]),
    row("create_token_v1", since(FIRST), "stablehlo.create_token", &[]),
    row("cross-replica-sum_v1", since(FIRST), "stablehlo.cross-replica-sum", &[
        ("replica_groups", SAME),
    ]),
    row("custom_call_v1", between(FIRST, Version(1, 17, 0)), "stablehlo.custom_call", &[
        ("api_version", API_VERSION), ("backend_config", UNLESS_EMPTY), ("call_target_name", SAME),
        ("called_computations", SYMBOLS), ("has_side_effect", UNLESS_EMPTY),
        ("operand_layouts", UNLESS_EMPTY), ("output_operand_aliases", UNLESS_EMPTY),
        ("result_layouts", UNLESS_EMPTY),
    ]),
    row("custom_call_v2", since(Version(1, 18, 0)), "stablehlo.custom_call", &[
        ("api_version", API_VERSION), ("backend_config", UNLESS_EMPTY), ("call_target_name", SAME),
        ("called_computations", SYMBOLS), ("has_side_effect", UNLESS_EMPTY),
        ("operand_layouts", UNLESS_EMPTY), ("output_operand_aliases", UNLESS_EMPTY),
        ("result_layouts", UNLESS_EMPTY), ("result_tilings", UNLESS_EMPTY),
    ]),
    row("divide_v1", since(FIRST), "stablehlo.divide", &[]),
    row("dot_general_v1", between(FIRST, Version(1, 5, 0)), "stablehlo.dot_general", &[
        ("lhs_batching_dimensions", DOT_NUMBERS), ("lhs_contracting_dimensions", DOT_NUMBERS),
        ("precision_config", PRECISION), ("rhs_batching_dimensions", DOT_NUMBERS),
        ("rhs_contracting_dimensions", DOT_NUMBERS),
    ]),
    row("dot_general_v2", since(Version(1, 6, 0)), "stablehlo.dot_general", &[
        ("accumulation_type", ALGORITHM_PART), ("allow_imprecise_accumulation", ALGORITHM_PART),
        ("lhs_batching_dimensions", DOT_NUMBERS), ("lhs_component_count", ALGORITHM_PART),
        ("lhs_contracting_dimensions", DOT_NUMBERS), ("lhs_precision_type", ALGORITHM_PART),
        ("num_primitive_operations", ALGORITHM_PART), ("precision_config", PRECISION),
        ("rhs_batching_dimensions", DOT_NUMBERS), ("rhs_component_count", ALGORITHM_PART),
        ("rhs_contracting_dimensions", DOT_NUMBERS), ("rhs_precision_type", ALGORITHM_PART),
    ]),
    row("dot_v1", since(FIRST), "stablehlo.dot", &[("precision_config", PRECISION)]),
    row("dynamic_broadcast_in_dim_v1", since(FIRST), "stablehlo.dynamic_broadcast_in_dim", &[
        ("broadcast_dimensions", INTEGERS), ("known_expanding_dimensions", INTEGERS_UNLESS_EMPTY),
        ("known_nonexpanding_dimensions", INTEGERS_UNLESS_EMPTY),
    ]),
    row("dynamic_conv_v1", between(FIRST, Version(0, 19, 0)), "stablehlo.dynamic_conv", CONVOLUTION),
    row("dynamic_conv_v2", since(Version(0, 20, 0)), "stablehlo.dynamic_conv", &[
        ("batch_group_count", SAME), ("feature_group_count", SAME),
        ("input_batch_dimension", CONVOLUTION_NUMBER),
        ("input_feature_dimension", CONVOLUTION_NUMBER),
        ("input_spatial_dimensions", CONVOLUTION_NUMBER),
        ("kernel_input_feature_dimension", CONVOLUTION_NUMBER),
        ("kernel_output_feature_dimension", CONVOLUTION_NUMBER),
        ("kernel_spatial_dimensions", CONVOLUTION_NUMBER), ("lhs_dilation", UNLESS_ONES),
        ("output_batch_dimension", CONVOLUTION_NUMBER),
        ("output_feature_dimension", CONVOLUTION_NUMBER),
        ("output_spatial_dimensions", CONVOLUTION_NUMBER), ("precision_config", PRECISION),
        ("rhs_dilation", UNLESS_ONES), ("window_reversal", BOOLS_UNLESS_FALSE),
        ("window_strides", UNLESS_ONES),
    ]),
    row("dynamic_gather_v1", between(FIRST, Version(1, 0, 0)), "stablehlo.dynamic_gather", &[
        ("collapsed_slice_dims", GATHER_NUMBERS), ("index_vector_dim", GATHER_NUMBER),
        ("indices_are_sorted", UNLESS_EMPTY), ("offset_dims", GATHER_NUMBERS),
        ("start_index_map", GATHER_NUMBERS),
    ]),
    row("dynamic_gather_v2", since(Version(1, 1, 0)), "stablehlo.dynamic_gather", &[
        ("collapsed_slice_dims", GATHER_NUMBERS), ("index_vector_dim", GATHER_NUMBER),
        ("indices_are_sorted", UNLESS_EMPTY), ("offset_dims", GATHER_NUMBERS),
        ("operand_batching_dims", GATHER_NUMBERS), ("start_index_map", GATHER_NUMBERS),
        ("start_indices_batching_dims", GATHER_NUMBERS),
    ]),
    row("dynamic_iota_v1", since(FIRST), "stablehlo.dynamic_iota", &[("iota_dimension", SAME)]),
    row("dynamic_pad_v1", since(FIRST), "stablehlo.dynamic_pad", &[]),
    row("dynamic_reshape_v1", since(FIRST), "stablehlo.dynamic_reshape", &[]),
    row("dynamic_slice_v1", since(FIRST), "stablehlo.dynamic_slice", &[("slice_sizes", INTEGERS)]),
    row("dynamic_update_slice_v1", since(FIRST), "stablehlo.dynamic_update_slice", &[]),
    row("einsum_v1", since(FIRST), "stablehlo.einsum", &[("einsum_config", SAME)]),
    row("exponential_minus_one_v1", between(FIRST, Version(1, 9, 0)), "stablehlo.exponential_minus_one",
        &[]),
    row("exponential_minus_one_v2", since(Version(1, 10, 0)), "stablehlo.exponential_minus_one", &[
        ("result_accuracy", ACCURACY),
    ]),
    row("exponential_v1", between(FIRST, Version(1, 8, 0)), "stablehlo.exponential", &[]),
    row("exponential_v2", since(Version(1, 9, 0)), "stablehlo.exponential", &[
        ("result_accuracy", ACCURACY),
    ]),
    row("fft_v1", since(FIRST), "stablehlo.fft", &[("fft_length", INTEGERS), ("fft_type", SAME)]),
    row("floor_v1", since(FIRST), "stablehlo.floor", &[]),
    row("func_v1", since(FIRST), "func.func", &[
        ("arg_attrs", DICTIONARIES), ("function_type", SAME), ("res_attrs", DICTIONARIES),
        ("sym_name", SAME), ("sym_visibility", UNLESS_EMPTY),
    ]),
    row("gather_v1", between(FIRST, Version(1, 0, 0)), "stablehlo.gather", &[
        ("collapsed_slice_dims", GATHER_NUMBERS), ("index_vector_dim", GATHER_NUMBER),
        ("indices_are_sorted", UNLESS_EMPTY), ("offset_dims", GATHER_NUMBERS),
        ("slice_sizes", INTEGERS), ("start_index_map", GATHER_NUMBERS),
    ]),
    row("gather_v2", since(Version(1, 1, 0)), "stablehlo.gather", &[
        ("collapsed_slice_dims", GATHER_NUMBERS), ("index_vector_dim", GATHER_NUMBER),
        ("indices_are_sorted", UNLESS_EMPTY), ("offset_dims", GATHER_NUMBERS),
        ("operand_batching_dims", GATHER_NUMBERS), ("slice_sizes", INTEGERS),
        ("start_index_map", GATHER_NUMBERS), ("start_indices_batching_dims", GATHER_NUMBERS),
    ]),
    row("get_dimension_size_v1", since(FIRST), "stablehlo.get_dimension_size", &[
        ("dimension", SAME),
    ]),
    row("get_tuple_element_v1", since(FIRST), "stablehlo.get_tuple_element", &[("index", SAME)]),
    row("if_v1", since(FIRST), "stablehlo.if", &[]),
    row("imag_v1", since(FIRST), "stablehlo.imag", &[]),
    row("infeed_v1", since(FIRST), "stablehlo.infeed", &[
        ("infeed_config", SAME), ("layout", UNLESS_EMPTY),
    ]),
    row("iota_v1", since(FIRST), "stablehlo.iota", &[("iota_dimension", SAME)]),
    row("is_finite_v1", since(FIRST), "stablehlo.is_finite", &[]),
    row("log_plus_one_v1", between(FIRST, Version(1, 9, 0)), "stablehlo.log_plus_one", &[]),
    row("log_plus_one_v2", since(Version(1, 10, 0)), "stablehlo.log_plus_one", &[
        ("result_accuracy", ACCURACY),
    ]),
    row("log_v1", between(FIRST, Version(1, 9, 0)), "stablehlo.log", &[]),
    row("log_v2", since(Version(1, 10, 0)), "stablehlo.log", &[("result_accuracy", ACCURACY)]),
    row("logistic_v1", between(FIRST, Version(1, 9, 0)), "stablehlo.logistic", &[]),
    row("logistic_v2", since(Version(1, 10, 0)), "stablehlo.logistic", &[
        ("result_accuracy", ACCURACY),
    ]),
    row("map_v1", since(FIRST), "stablehlo.map", &[("dimensions", INTEGERS)]),
    row("maximum_v1", since(FIRST), "stablehlo.maximum", &[]),
    row("minimum_v1", since(FIRST), "stablehlo.minimum", &[]),
    row("multiply_v1", since(FIRST), "stablehlo.multiply", &[]),
    row("negate_v1", since(FIRST), "stablehlo.negate", &[]),
    row("not_v1", since(FIRST), "stablehlo.not", &[]),
    row("optimization_barrier_v1", since(FIRST), "stablehlo.optimization_barrier", &[]),
    row("or_v1", since(FIRST), "stablehlo.or", &[]),
    row("outfeed_v1", since(FIRST), "stablehlo.outfeed", &[("outfeed_config", SAME)]),
    row("pad_v1", since(FIRST), "stablehlo.pad", &[
        ("edge_padding_high", INTEGERS), ("edge_padding_low", INTEGERS),
        ("interior_padding", INTEGERS),
    ]),
    row("partition_id_v1", since(FIRST), "stablehlo.partition_id", &[]),
    row("popcnt_v1", since(FIRST), "stablehlo.popcnt", &[]),
    row("power_v1", since(FIRST), "stablehlo.power", &[]),
    row("real_dynamic_slice_v1", since(FIRST), "stablehlo.real_dynamic_slice", &[]),
    row("real_v1", since(FIRST), "stablehlo.real", &[]),
    row("recv_v1", between(FIRST, Version(1, 11, 0)), "stablehlo.recv", &[
        ("channel_id", ChannelId), ("channel_type", ChannelType),
        ("is_host_transfer", UNLESS_EMPTY),
    ]),
    row("recv_v2", since(Version(1, 12, 0)), "stablehlo.recv", &[
        ("channel_id", ChannelId), ("channel_type", ChannelType),
        ("is_host_transfer", UNLESS_EMPTY), ("source_target_pairs", UNLESS_EMPTY),
    ]),
    row("reduce_precision_v1", since(FIRST), "stablehlo.reduce_precision", &[
        ("exponent_bits", SAME), ("mantissa_bits", SAME),
    ]),
    row("reduce_scatter_v1", since(FIRST), "stablehlo.reduce_scatter", &[
        ("channel_id", ChannelId), ("replica_groups", SAME), ("scatter_dimension", SAME),
        ("use_global_device_ids", UNIT),
    ]),
    row("reduce_v1", since(FIRST), "stablehlo.reduce", &[("dimensions", INTEGERS)]),
    row("reduce_window_v1", since(FIRST), "stablehlo.reduce_window", &[
        ("base_dilations", UNLESS_ONES), ("padding", UNLESS_ZEROS),
        ("window_dilations", UNLESS_ONES), ("window_dimensions", INTEGERS),
        ("window_strides", UNLESS_ONES),
    ]),
    row("remainder_v1", since(FIRST), "stablehlo.remainder", &[]),
    row("replica_id_v1", since(FIRST), "stablehlo.replica_id", &[]),
    row("reshape_v1", since(FIRST), "stablehlo.reshape", &[]),
    row("return_v1", since(FIRST), RETURN, &[]),
    row("reverse_v1", since(FIRST), "stablehlo.reverse", &[("dimensions", INTEGERS)]),
    row("rng_bit_generator_v1", since(FIRST), "stablehlo.rng_bit_generator", &[
        ("rng_algorithm", SAME),
    ]),
    row("rng_v1", since(FIRST), "stablehlo.rng", &[("rng_distribution", SAME)]),
    row("round_nearest_afz_v1", since(FIRST), "stablehlo.round_nearest_afz", &[]),
    row("round_nearest_even_v1", since(FIRST), "stablehlo.round_nearest_even", &[]),
    row("rsqrt_v1", between(FIRST, Version(1, 9, 0)), "stablehlo.rsqrt", &[]),
    row("rsqrt_v2", since(Version(1, 10, 0)), "stablehlo.rsqrt", &[("result_accuracy", ACCURACY)]),
    row("scatter_v1", between(FIRST, Version(1, 0, 0)), "stablehlo.scatter", &[
        ("index_vector_dim", SCATTER_NUMBER), ("indices_are_sorted", UNLESS_EMPTY),
        ("inserted_window_dims", SCATTER_NUMBERS),
        ("scatter_dims_to_operand_dims", SCATTER_NUMBERS), ("unique_indices", UNLESS_EMPTY),
        ("update_window_dims", SCATTER_NUMBERS),
    ]),
    row("scatter_v2", since(Version(1, 1, 0)), "stablehlo.scatter", &[
        ("index_vector_dim", SCATTER_NUMBER), ("indices_are_sorted", UNLESS_EMPTY),
        ("input_batching_dims", SCATTER_NUMBERS), ("inserted_window_dims", SCATTER_NUMBERS),
        ("scatter_dims_to_operand_dims", SCATTER_NUMBERS),
        ("scatter_indices_batching_dims", SCATTER_NUMBERS), ("unique_indices", UNLESS_EMPTY),
        ("update_window_dims", SCATTER_NUMBERS),
    ]),
    row("select_and_scatter_v1", since(FIRST), "stablehlo.select_and_scatter", &[
        ("padding", UNLESS_ZEROS), ("window_dimensions", INTEGERS), ("window_strides", UNLESS_ONES),
    ]),
    row("select_v1", since(FIRST), "stablehlo.select", &[]),
    row("send_v1", between(FIRST, Version(1, 11, 0)), "stablehlo.send", &[
        ("channel_id", ChannelId), ("channel_type", ChannelType),
        ("is_host_transfer", UNLESS_EMPTY),
    ]),
    row("send_v2", since(Version(1, 12, 0)), "stablehlo.send", &[
        ("channel_id", ChannelId), ("channel_type", ChannelType),
        ("is_host_transfer", UNLESS_EMPTY), ("source_target_pairs", UNLESS_EMPTY),
    ]),
    row("set_dimension_size_v1", since(FIRST), "stablehlo.set_dimension_size", &[
        ("dimension", SAME),
    ]),
    row("shift_left_v1", since(FIRST), "stablehlo.shift_left", &[]),
    row("shift_right_arithmetic_v1", since(FIRST), "stablehlo.shift_right_arithmetic", &[]),
    row("shift_right_logical_v1", since(FIRST), "stablehlo.shift_right_logical", &[]),
    row("sign_v1", since(FIRST), "stablehlo.sign", &[]),
    row("sine_v1", between(FIRST, Version(1, 9, 0)), "stablehlo.sine", &[]),
    row("sine_v2", since(Version(1, 10, 0)), "stablehlo.sine", &[("result_accuracy", ACCURACY)]),
    row("slice_v1", since(FIRST), "stablehlo.slice", &[
        ("limit_indices", INTEGERS), ("start_indices", INTEGERS), ("strides", INTEGERS),
    ]),
    row("sort_v1", since(FIRST), "stablehlo.sort", &[
        ("dimension", SORT_DIMENSION), ("is_stable", UNLESS_EMPTY),
    ]),
    row("sqrt_v1", between(FIRST, Version(1, 9, 0)), "stablehlo.sqrt", &[]),
    row("sqrt_v2", since(Version(1, 10, 0)), "stablehlo.sqrt", &[("result_accuracy", ACCURACY)]),
    row("subtract_v1", since(FIRST), "stablehlo.subtract", &[]),
    row("tan_v1", between(Version(1, 4, 0), Version(1, 9, 0)), "stablehlo.tan", &[]),
    row("tan_v2", since(Version(1, 10, 0)), "stablehlo.tan", &[("result_accuracy", ACCURACY)]),
    row("tanh_v1", between(FIRST, Version(1, 9, 0)), "stablehlo.tanh", &[]),
    row("tanh_v2", since(Version(1, 10, 0)), "stablehlo.tanh", &[("result_accuracy", ACCURACY)]),
    row("torch_index_select_v1", since(FIRST), "stablehlo.torch_index_select", &[
        ("batch_dims", SAME), ("dim", SAME),
    ]),
    row("transpose_v1", since(FIRST), "stablehlo.transpose", &[("permutation", INTEGERS)]),
    row("triangular_solve_v1", since(FIRST), "stablehlo.triangular_solve", &[
        ("left_side", SAME), ("lower", SAME), ("transpose_a", SAME), ("unit_diagonal", SAME),
    ]),
    row("tuple_v1", since(FIRST), "stablehlo.tuple", &[]),
    row("unary_einsum_v1", since(FIRST), "stablehlo.unary_einsum", &[("einsum_config", SAME)]),
    row("uniform_dequantize_v1", since(FIRST), "stablehlo.uniform_dequantize", &[]),
    row("uniform_quantize_v1", since(FIRST), "stablehlo.uniform_quantize", &[]),
    row("while_v1", since(FIRST), "stablehlo.while", &[]),
    row("xor_v1", since(FIRST), "stablehlo.xor", &[]),
];

/// The row of an operation.
pub(super) fn find(vhlo: &str) -> Option<&'static Row> {
    let index = ROWS.binary_search_by(|row| row.vhlo.cmp(vhlo)).ok()?;
    Some(&ROWS[index])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_are_sorted_and_so_are_their_properties() {
        assert!(ROWS.is_sorted_by(|a, b| a.vhlo < b.vhlo));
        for row in ROWS {
            assert!(row.properties.is_sorted_by(|a, b| a.0 < b.0), "{}", row.vhlo);
        }
    }

    #[test]
    fn versions_of_an_operation_follow_each_other() {
        for row in ROWS {
            assert!(row.until.is_none_or(|until| row.since <= until), "{}", row.vhlo);
            let Some((base, "v2")) = row.vhlo.rsplit_once('_') else { continue };
            let first = find(&format!("{base}_v1")).unwrap();
            assert!(first.until.unwrap() < row.since, "{}", row.vhlo);
        }
    }
}
