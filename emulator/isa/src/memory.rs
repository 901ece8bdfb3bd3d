//! Memory spaces and the granule in which they are addressed.
//!
//! HBM, CMEM and VMEM are addressed in *granules* of 512 bytes: one sublane row of 128 lanes of 32
//! bits, which is also the native access of the DMA engines [M12]. SMEM is addressed by the scalar
//! core in 32-bit words, and by the DMA engines in granules of 128 words.
//!
//! A *tile* is 8 granules, 8 sublanes x 128 lanes x 32 bits: what one vector register holds. An
//! array of `b`-byte elements (`b` < 4) is stored in HBM as tiles of 8 x 128 *elements*, 1024 `b`
//! bytes each, `4 / b` rows packed into each 32-bit word; in VMEM `4 / b` of them, one above the
//! other, make one register's worth.

use std::fmt;

/// Bytes of a granule: the unit of addresses in HBM, CMEM and VMEM.
pub const GRANULE_BYTES: usize = 512;
/// Lanes of a vector register.
pub const LANES: usize = 128;
/// Sublanes of a vector register.
pub const SUBLANES: usize = 8;
/// 32-bit words in a vector register.
pub const VREG_WORDS: usize = SUBLANES * LANES;
/// Granules that one vector register covers.
pub const VREG_GRANULES: usize = SUBLANES;
/// 32-bit words in a granule.
pub const GRANULE_WORDS: usize = GRANULE_BYTES / 4;

/// Where data can live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemorySpace {
    /// High-bandwidth memory, shared by the cores of a chip.
    Hbm,
    /// The large on-chip memory shared by the cores of a chip.
    Cmem,
    /// Vector memory, private to a core.
    Vmem,
    /// Scalar memory, private to a core.
    Smem,
}

impl MemorySpace {
    /// Every memory space, in the order of their codes.
    pub const ALL: [Self; 4] = [Self::Hbm, Self::Cmem, Self::Vmem, Self::Smem];

    /// The name in text forms.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hbm => "hbm",
            Self::Cmem => "cmem",
            Self::Vmem => "vmem",
            Self::Smem => "smem",
        }
    }
}

impl fmt::Display for MemorySpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
