//! Executables: compiled programs, for whatever devices.

use std::ffi::c_int;
use std::ops::Deref;
use std::sync::Arc;

use palmetto_runtime as runtime;
use palmetto_runtime::{ArraySpec, encode_module_with_config};

use crate::abi::executable::{
    PJRT_Executable_Destroy_Args, PJRT_Executable_Fingerprint_Args,
    PJRT_Executable_GetCompiledMemoryStats_Args, PJRT_Executable_GetCostAnalysis_Args,
    PJRT_Executable_Name_Args, PJRT_Executable_NumOutputs_Args, PJRT_Executable_NumPartitions_Args,
    PJRT_Executable_NumReplicas_Args, PJRT_Executable_OptimizedProgram_Args,
    PJRT_Executable_OutputDimensions_Args, PJRT_Executable_OutputElementTypes_Args,
    PJRT_Executable_OutputMemoryKinds_Args, PJRT_Executable_ParameterMemoryKinds_Args,
    PJRT_Executable_Serialize_Args, PJRT_Executable_SizeOfGeneratedCodeInBytes_Args,
};
use crate::abi::handle::{self, Handle, Object, Serialized, TextList};
use crate::abi::named_value::{NamedValue, NamedValues};
use crate::abi::{Args, set_list, set_text};
use crate::element_type;
use crate::error::Error;
use crate::layout::MemoryLayout;
use crate::sharding;

/// `PJRT_Executable`.
pub(crate) struct Executable(Arc<Parts>);

impl Object for Executable {}

impl Deref for Executable {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl Executable {
    /// As an object for C, which destroys it.
    pub(crate) fn give(parts: &Arc<Parts>) -> *mut Self {
        handle::give(Self(Arc::clone(parts)))
    }
}

/// An executable with all that C reads of it.
pub(crate) struct Parts {
    /// The executable of the runtime.
    pub(crate) runtime: runtime::Executable,
    /// What it takes.
    pub(crate) parameters: Arrays,
    /// What it gives.
    pub(crate) results: Arrays,
    /// The same for the same program and compiler.
    pub(crate) fingerprint: String,
    cost: NamedValues,
}

/// A list of arrays, each aspect as a list.
pub(crate) struct Arrays {
    types: Vec<c_int>,
    dims: Vec<i64>,
    ranks: Vec<usize>,
    memory_kinds: TextList,
    /// How they lie.
    pub(crate) layouts: Vec<Handle<MemoryLayout>>,
    /// How they lie on several devices.
    pub(crate) shardings: TextList,
}

impl Arrays {
    fn new(arrays: &[ArraySpec]) -> Self {
        let dims = arrays.iter().flat_map(|array| array.shape.dimensions());
        let kind = |array: &ArraySpec| array.memory_kind.name().as_bytes().to_vec();
        let layout = |array: &ArraySpec| Handle::of(MemoryLayout::of_shape(&array.shape));
        let element_type = |array: &ArraySpec| element_type::number(array.shape.element_type());
        Self {
            types: arrays.iter().map(element_type).collect(),
            dims: dims.map(|&dim| i64::try_from(dim).unwrap_or(i64::MAX)).collect(),
            ranks: arrays.iter().map(|array| array.shape.rank()).collect(),
            memory_kinds: TextList::new(arrays.iter().map(kind).collect()),
            layouts: arrays.iter().map(layout).collect(),
            shardings: TextList::new(vec![sharding::REPLICATED.to_vec(); arrays.len()]),
        }
    }
}

impl Parts {
    /// Of an executable.
    pub(crate) fn new(runtime: runtime::Executable) -> Result<Arc<Self>, Error> {
        Ok(Arc::new(Self {
            parameters: Arrays::new(runtime.parameters()),
            results: Arrays::new(runtime.results()),
            fingerprint: runtime.fingerprint()?,
            cost: cost_analysis(&runtime),
            runtime,
        }))
    }
}

/// Named as XLA names them.
fn cost_analysis(runtime: &runtime::Executable) -> NamedValues {
    let cost = runtime.cost_analysis();
    #[expect(clippy::cast_possible_truncation, reason = "the interface has no wider floats")]
    let float = |value: f64| NamedValue::Float(value as f32);
    NamedValues::new([
        ("flops", float(cost.flops)),
        ("bytes accessed", float(cost.bytes_accessed)),
        ("optimal_seconds", float(cost.optimal_seconds)),
    ])
}

pub(crate) fn destroy(args: Args<'_, PJRT_Executable_Destroy_Args>) -> Result<(), Error> {
    drop(args.executable());
    Ok(())
}

pub(crate) fn name(args: Args<'_, PJRT_Executable_Name_Args>) -> Result<(), Error> {
    let name = args.executable()?.runtime.name();
    set_text(args.executable_name(), args.executable_name_size(), name);
    Ok(())
}

pub(crate) fn num_replicas(args: Args<'_, PJRT_Executable_NumReplicas_Args>) -> Result<(), Error> {
    args.num_replicas().set(args.executable()?.runtime.n_replicas());
    Ok(())
}

pub(crate) fn num_partitions(
    args: Args<'_, PJRT_Executable_NumPartitions_Args>,
) -> Result<(), Error> {
    args.num_partitions().set(args.executable()?.runtime.n_partitions());
    Ok(())
}

pub(crate) fn num_outputs(args: Args<'_, PJRT_Executable_NumOutputs_Args>) -> Result<(), Error> {
    args.num_outputs().set(args.executable()?.runtime.results().len());
    Ok(())
}

pub(crate) fn size_of_generated_code_in_bytes(
    args: Args<'_, PJRT_Executable_SizeOfGeneratedCodeInBytes_Args>,
) -> Result<(), Error> {
    let size = args.executable()?.runtime.memory_stats().generated_code;
    args.size_in_bytes().set(signed(size));
    Ok(())
}

pub(crate) fn get_cost_analysis(
    args: Args<'_, PJRT_Executable_GetCostAnalysis_Args>,
) -> Result<(), Error> {
    set_list(args.properties(), args.num_properties(), args.executable()?.cost.c());
    Ok(())
}

pub(crate) fn get_compiled_memory_stats(
    args: Args<'_, PJRT_Executable_GetCompiledMemoryStats_Args>,
) -> Result<(), Error> {
    let stats = args.executable()?.runtime.memory_stats();
    let total = stats.arguments + stats.outputs - stats.alias + stats.temporaries;
    let values = [
        (args.generated_code_size_in_bytes(), stats.generated_code),
        (args.argument_size_in_bytes(), stats.arguments),
        (args.output_size_in_bytes(), stats.outputs),
        (args.alias_size_in_bytes(), stats.alias),
        (args.temp_size_in_bytes(), stats.temporaries),
        (args.host_generated_code_size_in_bytes(), 0),
        (args.host_argument_size_in_bytes(), 0),
        (args.host_output_size_in_bytes(), 0),
        (args.host_alias_size_in_bytes(), 0),
        (args.host_temp_size_in_bytes(), 0),
        (args.peak_memory_in_bytes(), stats.peak),
        (args.total_size_in_bytes(), total),
        (args.total_allocation_bytes(), total),
        (args.indefinite_allocations(), 0),
        (args.peak_unpadded_heap_bytes(), stats.peak),
    ];
    for (field, value) in values {
        field.set(signed(value));
    }
    Ok(())
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(crate) fn fingerprint(args: Args<'_, PJRT_Executable_Fingerprint_Args>) -> Result<(), Error> {
    let fingerprint = &args.executable()?.fingerprint;
    set_text(args.executable_fingerprint(), args.executable_fingerprint_size(), fingerprint);
    Ok(())
}

pub(crate) fn output_element_types(
    args: Args<'_, PJRT_Executable_OutputElementTypes_Args>,
) -> Result<(), Error> {
    let types = &args.executable()?.results.types;
    set_list(args.output_types(), args.num_output_types(), types);
    Ok(())
}

pub(crate) fn output_dimensions(
    args: Args<'_, PJRT_Executable_OutputDimensions_Args>,
) -> Result<(), Error> {
    let results = &args.executable()?.results;
    args.num_outputs().set(results.ranks.len());
    args.dims().set(results.dims.as_ptr());
    args.dim_sizes().set(results.ranks.as_ptr());
    Ok(())
}

pub(crate) fn output_memory_kinds(
    args: Args<'_, PJRT_Executable_OutputMemoryKinds_Args>,
) -> Result<(), Error> {
    let kinds = &args.executable()?.results.memory_kinds;
    set_list(args.memory_kinds(), args.num_outputs(), kinds.pointers());
    args.memory_kind_sizes().set(kinds.sizes().as_ptr());
    Ok(())
}

pub(crate) fn parameter_memory_kinds(
    args: Args<'_, PJRT_Executable_ParameterMemoryKinds_Args>,
) -> Result<(), Error> {
    let kinds = &args.executable()?.parameters.memory_kinds;
    set_list(args.memory_kinds(), args.num_parameters(), kinds.pointers());
    args.memory_kind_sizes().set(kinds.sizes().as_ptr());
    Ok(())
}

pub(crate) fn optimized_program(
    args: Args<'_, PJRT_Executable_OptimizedProgram_Args>,
) -> Result<(), Error> {
    let program = encode_module_with_config(args.executable()?.runtime.optimized_module());
    args.program()?.answer("hlo_with_config", &program);
    Ok(())
}

pub(crate) fn serialize(args: Args<'_, PJRT_Executable_Serialize_Args>) -> Result<(), Error> {
    let bytes = Serialized(args.executable()?.runtime.serialize()?);
    set_list(args.serialized_bytes(), args.serialized_bytes_size(), &bytes.0);
    args.serialized_executable().set(handle::give(bytes));
    args.serialized_executable_deleter().set(Some(handle::delete_bytes));
    Ok(())
}
