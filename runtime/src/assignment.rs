//! [`DeviceAssignment`]: which device runs what.

use std::collections::BTreeSet;

use crate::Error;
use crate::topology::DeviceId;

/// Which device runs which replica and partition of a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAssignment {
    n_replicas: usize,
    n_partitions: usize,
    devices: Vec<DeviceId>,
}

impl DeviceAssignment {
    /// Device `replica * n_partitions + partition` of `devices` runs that partition of that
    /// replica.
    ///
    /// # Errors
    /// There are too many or too few devices, none, or one twice.
    pub fn new(
        n_replicas: usize,
        n_partitions: usize,
        devices: Vec<DeviceId>,
    ) -> Result<Self, Error> {
        let given = devices.len();
        if given == 0 || n_replicas.checked_mul(n_partitions) != Some(given) {
            return Err(Error::Assignment(format!(
                "{given} devices are assigned to {n_replicas} replicas of {n_partitions} partitions"
            )));
        }
        if devices.iter().collect::<BTreeSet<_>>().len() < given {
            return Err(Error::Assignment("a device is assigned twice".to_owned()));
        }
        Ok(Self { n_replicas, n_partitions, devices })
    }

    /// One device.
    pub fn one(device: DeviceId) -> Self {
        Self { n_replicas: 1, n_partitions: 1, devices: vec![device] }
    }

    /// How many times the program runs.
    pub fn n_replicas(&self) -> usize {
        self.n_replicas
    }

    /// Into how many parts each run is cut.
    pub fn n_partitions(&self) -> usize {
        self.n_partitions
    }

    /// All partitions of replica 0, then those of replica 1, and so on.
    pub fn devices(&self) -> &[DeviceId] {
        &self.devices
    }
}
