//! What JAX says about a compilation besides the program.

use prost::Message;

use palmetto_runtime::{DeviceAssignment, DeviceId};

use crate::error::Error;
use crate::proto;

/// How many devices a program is for, and which.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CompileOptions {
    /// Copies of the program.
    pub(crate) n_replicas: usize,
    /// Devices of each copy.
    pub(crate) n_partitions: usize,
    /// Where it runs; `None` for whatever device comes first.
    pub(crate) assignment: Option<DeviceAssignment>,
}

/// Options of XLA whose values have to be truth values or integers. What they tune, Palmetto does
/// not have.
const TYPED: [(&str, Type); 3] = [
    ("xla_embed_ir_in_executable", Type::Bool),
    ("xla_dump_max_hlo_modules", Type::Integer),
    ("xla_allow_excess_precision", Type::Bool),
];

/// The options of XLA begin so.
const PREFIX: &str = "xla_";

#[derive(Clone, Copy)]
enum Type {
    Bool,
    Integer,
}

impl CompileOptions {
    /// Reads a serialized `xla.CompileOptionsProto`. An empty one is for one device.
    ///
    /// # Errors
    /// It is none, or has numbers that do not fit, or an option that does not exist.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let options = proto::CompileOptions::decode(bytes)
            .map_err(|error| Error::invalid(format!("compile options: {error}")))?;
        for (name, value) in &options.env_option_overrides {
            check_option(name, value)?;
        }
        let build = options.executable_build_options.unwrap_or_default();
        let n_replicas = count("num_replicas", build.num_replicas)?;
        let n_partitions = count("num_partitions", build.num_partitions)?;
        let assignment = build.device_assignment.filter(|_| !options.compile_portable_executable);
        let assignment = assignment.map(|proto| read_assignment(&proto)).transpose()?;
        if let Some(assignment) = &assignment {
            let (rows, columns) = (assignment.n_replicas(), assignment.n_partitions());
            if (rows, columns) != (n_replicas, n_partitions) {
                return Err(Error::invalid(format!(
                    "a device assignment for {rows} replicas of {columns} partitions; the program \
                     has {n_replicas} replicas of {n_partitions} partitions"
                )));
            }
        }
        Ok(Self { n_replicas, n_partitions, assignment })
    }
}

fn check_option(name: &str, value: &proto::OptionOverride) -> Result<(), Error> {
    if !name.starts_with(PREFIX) {
        return Err(Error::invalid(format!("No such compile option: '{name}'")));
    }
    let Some((_, expected)) = TYPED.iter().find(|(known, _)| *known == name) else {
        return Ok(());
    };
    let text = value.string_field.as_deref();
    let (is_valid, expected) = match expected {
        Type::Bool => {
            let is_text =
                text.is_none_or(|text| matches!(text, "true" | "false" | "True" | "False"));
            (is_text && value.int_field.is_none() && value.double_field.is_none(), "bool")
        }
        Type::Integer => {
            let is_text = text.is_none_or(|text| text.parse::<i64>().is_ok());
            (is_text && value.bool_field.is_none() && value.double_field.is_none(), "int")
        }
    };
    if is_valid {
        return Ok(());
    }
    let given = match value {
        proto::OptionOverride { string_field: Some(text), .. } => text.clone(),
        proto::OptionOverride { bool_field: Some(value), .. } => value.to_string(),
        proto::OptionOverride { int_field: Some(value), .. } => value.to_string(),
        proto::OptionOverride { double_field: Some(value), .. } => value.to_string(),
        _ => String::new(),
    };
    Err(Error::invalid(format!(
        "While setting option {name}, '{given}' is not a valid {expected} value."
    )))
}

/// A number of devices; 0 is what a message says that does not say.
fn count(name: &str, value: i64) -> Result<usize, Error> {
    let value = usize::try_from(value);
    value.map(|value| value.max(1)).map_err(|_| Error::invalid(format!("{name} is negative")))
}

fn read_assignment(proto: &proto::DeviceAssignment) -> Result<DeviceAssignment, Error> {
    let n_replicas = count("replica_count", proto.replica_count.into())?;
    let n_partitions = count("computation_count", proto.computation_count.into())?;
    let rows = &proto.computation_devices;
    let is_whole = rows.len() == n_partitions
        && rows.iter().all(|row| row.replica_device_ids.len() == n_replicas);
    if !is_whole {
        return Err(Error::invalid(format!(
            "a device assignment for {n_replicas} replicas of {n_partitions} partitions does not \
             have a device for each"
        )));
    }
    let id = |replica: usize, partition: usize| {
        let id = rows[partition].replica_device_ids[replica];
        let id = u32::try_from(id).map_err(|_| Error::invalid(format!("device id {id}")));
        id.map(DeviceId)
    };
    let places = (0..n_replicas).flat_map(|r| (0..n_partitions).map(move |p| (r, p)));
    let devices = places.map(|(replica, partition)| id(replica, partition));
    let devices = devices.collect::<Result<_, _>>()?;
    Ok(DeviceAssignment::new(n_replicas, n_partitions, devices)?)
}

/// Writes a serialized `xla.DeviceAssignmentProto`.
pub(crate) fn write_assignment(assignment: &DeviceAssignment) -> Vec<u8> {
    let (n_replicas, n_partitions) = (assignment.n_replicas(), assignment.n_partitions());
    let partition = |partition: usize| {
        let ids = assignment.devices().iter().skip(partition).step_by(n_partitions.max(1));
        let replica_device_ids = ids.map(|id| i64::from(id.0)).collect();
        proto::ComputationDevice { replica_device_ids }
    };
    let number = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let proto = proto::DeviceAssignment {
        replica_count: number(n_replicas),
        computation_count: number(n_partitions),
        computation_devices: (0..n_partitions).map(partition).collect(),
    };
    proto.encode_to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(build: proto::ExecutableBuildOptions) -> Result<CompileOptions, Error> {
        let executable_build_options = Some(build);
        let proto = proto::CompileOptions { executable_build_options, ..Default::default() };
        CompileOptions::parse(&proto.encode_to_vec())
    }

    fn assignment(n_replicas: usize, n_partitions: usize, ids: &[u32]) -> DeviceAssignment {
        let devices = ids.iter().map(|&id| DeviceId(id)).collect();
        DeviceAssignment::new(n_replicas, n_partitions, devices).expect("it fits")
    }

    #[test]
    fn assignments_are_replica_major() {
        let assignment = assignment(2, 3, &[0, 2, 1, 3, 5, 4]);
        let bytes = write_assignment(&assignment);
        let proto = proto::DeviceAssignment::decode(&*bytes).expect("it was just written");
        assert_eq!(proto.computation_devices[1].replica_device_ids, [2, 5]);
        let read = options(proto::ExecutableBuildOptions {
            num_replicas: 2,
            num_partitions: 3,
            device_assignment: Some(proto),
            ..Default::default()
        });
        assert_eq!(read.expect("it fits").assignment, Some(assignment));
    }

    #[test]
    fn an_assignment_has_to_fit() {
        let bytes = write_assignment(&assignment(1, 2, &[0, 1]));
        let proto = proto::DeviceAssignment::decode(&*bytes).expect("it was just written");
        let error = options(proto::ExecutableBuildOptions {
            device_assignment: Some(proto),
            ..Default::default()
        });
        let error = error.expect_err("the program is for one device");
        assert!(error.message().contains("for 1 replicas of 2 partitions"), "{error}");
    }

    #[test]
    fn options_that_do_not_exist_are_refused() {
        let parse = |name: &str, text: &str| {
            let string_field = Some(text.to_owned());
            let value = proto::OptionOverride { string_field, ..Default::default() };
            let env_option_overrides = [(name.to_owned(), value)].into();
            let proto = proto::CompileOptions { env_option_overrides, ..Default::default() };
            CompileOptions::parse(&proto.encode_to_vec()).map_err(|error| error.to_string())
        };
        assert!(parse("xla_tpu_scoped_vmem_limit_kib", "65536").is_ok());
        assert_eq!(
            parse("invalid_key", "x").expect_err("no such option"),
            "No such compile option: 'invalid_key'"
        );
        assert_eq!(
            parse("xla_embed_ir_in_executable", "invalid_value").expect_err("no bool"),
            "While setting option xla_embed_ir_in_executable, 'invalid_value' is not a valid bool \
             value."
        );
    }

    #[test]
    fn what_is_no_message_is_refused() {
        assert!(CompileOptions::parse(&[0xFF, 0xFF]).is_err());
        assert_eq!(CompileOptions::parse(&[]).map(|options| options.n_replicas), Ok(1));
    }
}
