//! [`Element`]: the types that arrays of device memory hold, and how registers hold them.
//!
//! In a register every element is one 32-bit word: floats as f32, integers extended to 32 bits,
//! predicates as masks. Narrow types are packed in memory only, `packing` rows to a word.

use palmetto_isa::memory::SUBLANES;

/// An element type that device kernels handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Element {
    /// 32-bit float.
    F32,
    /// bfloat16.
    Bf16,
    /// IEEE half.
    F16,
    /// Signed 32-bit integer.
    S32,
    /// Unsigned 32-bit integer.
    U32,
    /// Signed 16-bit integer.
    S16,
    /// Unsigned 16-bit integer.
    U16,
    /// Signed 8-bit integer.
    S8,
    /// Unsigned 8-bit integer.
    U8,
    /// Predicate, one byte in memory, 0 or 1.
    Pred,
}

/// How a register holds an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// As f32.
    Float,
    /// As a sign-extended 32-bit integer.
    Signed,
    /// As a zero-extended 32-bit integer.
    Unsigned,
    /// As a mask.
    Mask,
}

impl Element {
    /// Rows of this type that share a 32-bit word in memory: 1, 2 or 4.
    pub fn packing(self) -> usize {
        match self {
            Self::F32 | Self::S32 | Self::U32 => 1,
            Self::Bf16 | Self::F16 | Self::S16 | Self::U16 => 2,
            Self::S8 | Self::U8 | Self::Pred => 4,
        }
    }

    /// Granules of one 8 x 128 tile in HBM.
    pub fn tile_granules(self) -> usize {
        SUBLANES / self.packing()
    }

    /// How a register holds it.
    pub fn class(self) -> Class {
        match self {
            Self::F32 | Self::Bf16 | Self::F16 => Class::Float,
            Self::S32 | Self::S16 | Self::S8 => Class::Signed,
            Self::U32 | Self::U16 | Self::U8 => Class::Unsigned,
            Self::Pred => Class::Mask,
        }
    }
}
