//! The issue slots of a bundle.

/// Which part of a bundle an op occupies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// Scalar arithmetic and SMEM access.
    Scalar,
    /// Control flow.
    Branch,
    /// Vector arithmetic.
    VectorAlu,
    /// Loads from VMEM into a vector register.
    VectorLoad,
    /// Stores from a vector register to VMEM.
    VectorStore,
    /// Pushes into the transcendental unit.
    EupPush,
    /// Pushes into a cross-lane unit.
    XluPush,
    /// Pushes of weights into an MXU's staging register.
    MxuPush,
    /// Left-hand rows streamed through an MXU.
    Matmul,
    /// Pops from the result FIFOs of MXU, XLU and EUP.
    Pop,
    /// DMA and synchronisation.
    Dma,
}

impl Slot {
    /// Every slot, in the order in which a bundle is printed.
    pub const ALL: [Self; 11] = [
        Self::Scalar,
        Self::Branch,
        Self::VectorAlu,
        Self::VectorLoad,
        Self::VectorStore,
        Self::EupPush,
        Self::XluPush,
        Self::MxuPush,
        Self::Matmul,
        Self::Pop,
        Self::Dma,
    ];

    /// How many ops of this kind one bundle holds [M20].
    pub const fn capacity(self) -> usize {
        match self {
            Self::Scalar | Self::VectorAlu | Self::VectorLoad | Self::Pop => 2,
            Self::Branch
            | Self::VectorStore
            | Self::EupPush
            | Self::XluPush
            | Self::MxuPush
            | Self::Matmul
            | Self::Dma => 1,
        }
    }

    /// The name in text forms and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Branch => "branch",
            Self::VectorAlu => "valu",
            Self::VectorLoad => "vld",
            Self::VectorStore => "vst",
            Self::EupPush => "eup",
            Self::XluPush => "xlu",
            Self::MxuPush => "mxu",
            Self::Matmul => "matmul",
            Self::Pop => "pop",
            Self::Dma => "dma",
        }
    }
}
