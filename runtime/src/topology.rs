//! [`Topology`]: the chips of a slice and where they are. A chip is a device.

use std::fmt;
use std::str::FromStr;

/// Names a device of a client: chips are numbered from 0, x fastest, then y, then z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeviceId(pub u32);

/// The bounds of a slice of a torus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Topology {
    bounds: [u32; 3],
}

/// A chip of a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChipDescription {
    /// The device that it is.
    pub id: DeviceId,
    /// Its place in the slice.
    pub coords: [u32; 3],
    /// Which device of the chip: always 0, for both cores are one device.
    pub core_on_chip: u32,
    /// Which slice: always 0, for a client has one.
    pub slice_index: u32,
    /// TensorCores of the device.
    pub num_cores: u32,
}

/// What is no topology.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TopologyError {
    /// Not of the form.
    #[error("`{0}` is no topology; one is written like `2x2x1` or `v4:2x2x1`")]
    Malformed(String),
    /// Of another chip.
    #[error("`{given}` is a topology of `{chip}`; this is a client of v4 chips")]
    Chip {
        /// The whole text.
        given: String,
        /// The chip that it names.
        chip: String,
    },
    /// No chips, or too many.
    #[error("{}x{}x{} chips; a topology has 1 to {}", .0[0], .0[1], .0[2], Topology::MAX_CHIPS)]
    Size([u32; 3]),
}

impl Topology {
    /// Chips of the largest slice.
    pub const MAX_CHIPS: u32 = 512;

    /// A slice with these numbers of chips along x, y and z.
    ///
    /// # Errors
    /// There are no chips, or more than [`Self::MAX_CHIPS`].
    pub fn new(bounds: [u32; 3]) -> Result<Self, TopologyError> {
        let product = bounds.iter().try_fold(1_u32, |n, &bound| n.checked_mul(bound));
        match product {
            Some(1..=Self::MAX_CHIPS) => Ok(Self { bounds }),
            Some(_) | None => Err(TopologyError::Size(bounds)),
        }
    }

    /// Reads `2x2x1`, `v4:2x2x1` or `v4=2x2x1`; bounds that are left out are 1.
    ///
    /// # Errors
    /// The text says something else.
    pub fn parse(text: &str) -> Result<Self, TopologyError> {
        let bounds = match text.split_once([':', '=']) {
            Some(("v4", bounds)) => bounds,
            Some((chip, _)) => {
                let (given, chip) = (text.to_owned(), chip.to_owned());
                return Err(TopologyError::Chip { given, chip });
            }
            None => text,
        };
        let malformed = || TopologyError::Malformed(text.to_owned());
        let mut sizes = [1; 3];
        for (n, bound) in bounds.split('x').enumerate() {
            let is_number = !bound.is_empty() && bound.bytes().all(|byte| byte.is_ascii_digit());
            let size = sizes.get_mut(n).filter(|_| is_number).ok_or_else(malformed)?;
            *size = bound.parse().map_err(|_| malformed())?;
        }
        Self::new(sizes)
    }

    /// Chips along x, y and z.
    pub fn bounds(&self) -> [u32; 3] {
        self.bounds
    }

    /// How many chips there are.
    pub fn n_chips(&self) -> usize {
        self.bounds.iter().product::<u32>() as usize
    }

    /// All chips, in the order of their ids.
    pub fn chips(&self) -> impl ExactSizeIterator<Item = ChipDescription> {
        let [x, y, _] = self.bounds;
        (0..self.bounds.iter().product::<u32>()).map(move |id| ChipDescription {
            id: DeviceId(id),
            coords: [id % x, id / x % y, id / (x * y)],
            core_on_chip: 0,
            slice_index: 0,
            num_cores: 2,
        })
    }
}

impl FromStr for Topology {
    type Err = TopologyError;
    fn from_str(text: &str) -> Result<Self, TopologyError> {
        Self::parse(text)
    }
}

impl fmt::Display for Topology {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [x, y, z] = self.bounds;
        write!(f, "{x}x{y}x{z}")
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "device {}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_topologies() {
        for (text, bounds) in [
            ("2x2x1", [2, 2, 1]),
            ("v4:2x2x2", [2, 2, 2]),
            ("v4=1x1x1", [1, 1, 1]),
            ("8x8x8", [8, 8, 8]),
            ("4", [4, 1, 1]),
        ] {
            assert_eq!(Topology::parse(text).map(|t| t.bounds()), Ok(bounds), "{text}");
        }
        for text in ["", "x", "2x2x2x1", "2x-1x1", "v4:", "+2x2", "99999999999", "2 x 2"] {
            let error = Topology::parse(text).expect_err(text);
            assert_eq!(error, TopologyError::Malformed(text.to_owned()));
        }
        assert!(matches!(Topology::parse("v5:2x2"), Err(TopologyError::Chip { .. })));
        for text in ["0x1x1", "8x8x9", "70000x70000x70000"] {
            assert!(matches!(Topology::parse(text), Err(TopologyError::Size(_))), "{text}");
        }
    }

    #[test]
    fn chips_are_numbered_x_first() {
        let topology = Topology::parse("2x3x4").expect("a topology");
        let chips: Vec<_> = topology.chips().collect();
        assert_eq!((chips.len(), topology.n_chips()), (24, 24));
        assert_eq!(chips[0].coords, [0, 0, 0]);
        assert_eq!(chips[1].coords, [1, 0, 0]);
        assert_eq!(chips[2].coords, [0, 1, 0]);
        assert_eq!((chips[23].id, chips[23].coords), (DeviceId(23), [1, 2, 3]));
        assert_eq!(topology.to_string(), "2x3x4");
    }
}
