//! [`Program`]: bundles and what they refer to.

use crate::{Bundle, MemorySpace, memory::GRANULE_BYTES};

/// One loop of a strided transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DmaDimension {
    /// How often.
    pub count: u32,
    /// Granules from one piece to the next in the source.
    pub source_stride: i32,
    /// Granules from one piece to the next in the destination.
    pub target_stride: i32,
}

/// The shape of a transfer: contiguous pieces of `granules`, repeated along at most
/// [`DmaDescriptor::MAX_DIMENSIONS`] strided dimensions, outermost first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DmaDescriptor {
    /// Where from.
    pub source: MemorySpace,
    /// Where to.
    pub target: MemorySpace,
    /// Contiguous granules of a piece.
    pub granules: u32,
    /// The strided dimensions, outermost first.
    pub dimensions: Vec<DmaDimension>,
}

impl DmaDescriptor {
    /// Strided dimensions that the engine walks by itself [M12].
    pub const MAX_DIMENSIONS: usize = 3;

    /// Granules moved in all; at most `u64::MAX`, which no chip holds.
    pub fn total_granules(&self) -> u64 {
        self.dimensions
            .iter()
            .map(|dimension| u64::from(dimension.count))
            .fold(u64::from(self.granules), u64::saturating_mul)
    }

    /// Bytes moved in all: what is added to the sync flag.
    pub fn total_bytes(&self) -> u64 {
        self.total_granules().saturating_mul(GRANULE_BYTES as u64)
    }
}

/// A program for one TensorCore. Both cores of a chip run the same program in a launch and tell
/// themselves apart by the `score` op. Execution starts at bundle 0 with launch argument `i` in
/// SMEM word `i` and ends with `halt`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// The name, as reports show it.
    pub name: String,
    /// The bundles in order.
    pub bundles: Vec<Bundle>,
    /// What `dma_start` refers to.
    pub descriptors: Vec<DmaDescriptor>,
    /// Granules of VMEM that the program uses, from granule 0.
    pub vmem_granules: u32,
    /// How many launch arguments the program takes.
    pub n_arguments: u32,
}

impl Program {
    /// The longest program that the text and binary forms hold, in bundles.
    pub const MAX_BUNDLES: usize = 1 << 20;
}
