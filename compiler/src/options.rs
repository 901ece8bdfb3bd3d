//! [`CompileOptions`]: everything that a compilation depends on besides the module.

use palmetto_isa::{ChipSpec, TPU_V4};

use crate::hlo::Precision;

/// Who chooses the order of dimensions of entry parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryLayout {
    /// The compiler: what suits the first user.
    Auto,
    /// Row-major.
    RowMajor,
}

/// How to compile. Nothing is taken from the environment.
#[derive(Clone, Debug, PartialEq)]
pub struct CompileOptions {
    /// The chip to compile for.
    pub chip: ChipSpec,
    /// What `default` means as the precision of a dot's operands.
    pub default_precision: Precision,
    /// Who chooses the layouts of entry parameters.
    pub entry_layout: EntryLayout,
    /// The most elements that a folded constant may have; with 0 nothing is folded.
    pub folding_limit_elements: usize,
    /// Whether the independent checkers of the back end prove each program.
    pub check: bool,
}

impl CompileOptions {
    /// What a user of a TPU v4 gets who says nothing else.
    pub fn v4() -> Self {
        Self {
            chip: TPU_V4,
            default_precision: Precision::Default,
            entry_layout: EntryLayout::Auto,
            folding_limit_elements: 1 << 20,
            check: cfg!(debug_assertions),
        }
    }

    /// The same with the checkers on: what tests compile with.
    #[must_use]
    pub fn checked(self) -> Self {
        Self { check: true, ..self }
    }
}
