//! The few messages of XLA that cross the interface, as far as we read or write them.

use std::collections::BTreeMap;

use prost::Message;

/// `xla.CompileOptionsProto`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct CompileOptions {
    #[prost(message, optional, tag = "3")]
    pub(crate) executable_build_options: Option<ExecutableBuildOptions>,
    #[prost(bool, tag = "4")]
    pub(crate) compile_portable_executable: bool,
    #[prost(btree_map = "string, message", tag = "7")]
    pub(crate) env_option_overrides: BTreeMap<String, OptionOverride>,
}

/// `xla.OptionOverrideProto`: one of these.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct OptionOverride {
    #[prost(string, optional, tag = "1")]
    pub(crate) string_field: Option<String>,
    #[prost(bool, optional, tag = "2")]
    pub(crate) bool_field: Option<bool>,
    #[prost(int64, optional, tag = "3")]
    pub(crate) int_field: Option<i64>,
    #[prost(double, optional, tag = "4")]
    pub(crate) double_field: Option<f64>,
}

/// `xla.ExecutableBuildOptionsProto`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ExecutableBuildOptions {
    #[prost(int64, tag = "1")]
    pub(crate) device_ordinal: i64,
    #[prost(int64, tag = "4")]
    pub(crate) num_replicas: i64,
    #[prost(int64, tag = "5")]
    pub(crate) num_partitions: i64,
    #[prost(message, optional, tag = "9")]
    pub(crate) device_assignment: Option<DeviceAssignment>,
}

/// `xla.DeviceAssignmentProto`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct DeviceAssignment {
    #[prost(int32, tag = "1")]
    pub(crate) replica_count: i32,
    #[prost(int32, tag = "2")]
    pub(crate) computation_count: i32,
    #[prost(message, repeated, tag = "3")]
    pub(crate) computation_devices: Vec<ComputationDevice>,
}

/// `xla.DeviceAssignmentProto.ComputationDevice`: the devices of one partition.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ComputationDevice {
    #[prost(int64, repeated, tag = "1")]
    pub(crate) replica_device_ids: Vec<i64>,
}
