//! What strict mode remembers of a memory, one cell per *unit*: a granule, or a word of SMEM.
//!
//! * whether it was ever written;
//! * whether a transfer that was not waited for writes it, and how many pieces of such read it;
//! * in memories that the cores share, which cores have read and written it in this launch.
//!
//! A masked store counts as a write of each granule in which it stores at least one word.

use crate::fault::{FaultKind, Outcome, trouble};
use palmetto_isa::MemorySpace;
use std::ops::Range;

/// The cell was written at some time.
const WRITTEN: u32 = 1 << 31;
/// A transfer that was not waited for writes the cell.
const TARGET: u32 = 1 << 30;
/// How many pieces of transfers that were not waited for read the cell.
const SOURCES: u32 = TARGET - 1;

/// Low bits of a stamp: which cores have read (bits 0-1) and written (bits 2-3); the rest is the
/// number of the launch that they are about.
const STAMP_BITS: u32 = 4;

/// The cells of one memory.
#[derive(Clone, Debug)]
pub(crate) struct Shadow {
    space: MemorySpace,
    cells: Vec<u32>,
    stamps: Vec<u32>,
    epoch: u32,
    /// No cell from here on was ever touched: what a reset can leave alone.
    untouched_from: usize,
}

impl Shadow {
    pub(crate) fn new(space: MemorySpace, n_cells: usize) -> Self {
        let mut shadow =
            Self { space, cells: Vec::new(), stamps: Vec::new(), epoch: 0, untouched_from: 0 };
        shadow.cells = vec![0; n_cells];
        if shadow.is_shared() {
            shadow.stamps = vec![0; n_cells];
        }
        shadow
    }

    /// Whether both cores reach the memory.
    fn is_shared(&self) -> bool {
        match self.space {
            MemorySpace::Hbm | MemorySpace::Cmem => true,
            MemorySpace::Vmem | MemorySpace::Smem => false,
        }
    }

    /// There are `n_cells` from now on; new ones were never written.
    pub(crate) fn extend(&mut self, n_cells: usize) {
        self.cells.resize(n_cells, 0);
        if self.is_shared() {
            self.stamps.resize(n_cells, 0);
        }
    }

    /// Forgets everything: what a launch does to private memories.
    pub(crate) fn reset(&mut self) {
        self.cells[..self.untouched_from].fill(0);
        self.untouched_from = 0;
    }

    /// The cells of a range that is about to change.
    fn touch(&mut self, range: Range<usize>) -> &mut [u32] {
        self.untouched_from = self.untouched_from.max(range.end);
        &mut self.cells[range]
    }

    /// A new launch begins: what the cores did to shared memory before does not matter.
    pub(crate) fn begin_launch(&mut self) {
        self.epoch += 1;
        if self.epoch >> (32 - STAMP_BITS) != 0 {
            self.stamps.fill(0);
            self.epoch = 1;
        }
    }

    /// The host has written these cells.
    pub(crate) fn define(&mut self, range: Range<usize>) {
        for cell in self.touch(range) {
            *cell |= WRITTEN;
        }
    }

    /// The host has given these cells up.
    pub(crate) fn undefine(&mut self, range: Range<usize>) {
        for cell in &mut self.cells[range] {
            *cell &= !WRITTEN;
        }
    }

    /// A core, or the host, reads these cells.
    #[inline]
    pub(crate) fn read(&self, range: Range<usize>) -> Outcome {
        let start = range.start;
        let cells = &self.cells[range];
        if cells.iter().all(|cell| cell & (WRITTEN | TARGET) == WRITTEN) {
            return Ok(());
        }
        self.explain_read(start, cells)
    }

    /// A core writes these cells.
    #[inline]
    pub(crate) fn write(&mut self, range: Range<usize>) -> Outcome {
        let start = range.start;
        let cells = self.touch(range);
        if cells.iter().all(|cell| cell & (TARGET | SOURCES) == 0) {
            cells.iter_mut().for_each(|cell| *cell |= WRITTEN);
            return Ok(());
        }
        let at = start + cells.iter().position(|cell| cell & (TARGET | SOURCES) != 0).unwrap_or(0);
        self.explain_write(at)
    }

    /// A transfer that reads these cells starts on `core`.
    pub(crate) fn begin_source(&mut self, range: Range<usize>, core: u32) -> Outcome {
        self.read(range.clone())?;
        self.touch(range.clone()).iter_mut().for_each(|cell| *cell += 1);
        self.stamp(range, 1 << core, 0b11 << 2)
    }

    /// A transfer that writes these cells starts on `core`.
    pub(crate) fn begin_target(&mut self, range: Range<usize>, core: u32) -> Outcome {
        let busy = self.cells[range.clone()].iter().position(|cell| cell & (TARGET | SOURCES) != 0);
        if let Some(offset) = busy {
            return self.explain_write(range.start + offset);
        }
        self.touch(range.clone()).iter_mut().for_each(|cell| *cell |= TARGET);
        self.stamp(range, 1 << (core + 2), 0b1111)
    }

    /// A transfer that reads these cells was waited for.
    pub(crate) fn end_source(&mut self, range: Range<usize>) {
        self.cells[range].iter_mut().for_each(|cell| *cell -= 1);
    }

    /// A transfer that writes these cells was waited for.
    pub(crate) fn end_target(&mut self, range: Range<usize>) {
        self.cells[range].iter_mut().for_each(|cell| *cell = *cell & !TARGET | WRITTEN);
    }

    /// Forgets transfers: the launch that started them has faulted.
    pub(crate) fn abandon_transfers(&mut self, range: Range<usize>) {
        self.cells[range].iter_mut().for_each(|cell| *cell &= WRITTEN);
    }

    /// Notes what a core does to shared cells and refuses what conflicts with another core's doing.
    fn stamp(&mut self, range: Range<usize>, mine: u32, conflicting: u32) -> Outcome {
        if self.stamps.is_empty() {
            return Ok(());
        }
        let core = mine.trailing_zeros() & 1;
        let own = 0b101 << core;
        let start = range.start;
        for (offset, stamp) in self.stamps[range].iter_mut().enumerate() {
            let mut bits = if *stamp >> STAMP_BITS == self.epoch { *stamp & 0b1111 } else { 0 };
            if bits & conflicting & !own != 0 {
                let theirs = if bits & !own & 0b1100 != 0 { "written" } else { "read" };
                let verb = if mine & 0b1100 != 0 { "writes" } else { "reads" };
                let (space, at, other) = (self.space, start + offset, 1 - core);
                return trouble(
                    FaultKind::Race,
                    format!(
                        "core {core} {verb} {space} granule {at}, which core {other} has {theirs} \
                         in the same launch"
                    ),
                );
            }
            bits |= mine;
            *stamp = self.epoch << STAMP_BITS | bits;
        }
        Ok(())
    }

    #[cold]
    fn explain_read(&self, start: usize, cells: &[u32]) -> Outcome {
        let unit = self.unit();
        let is_bad = |cell: &u32| cell & (WRITTEN | TARGET) != WRITTEN;
        let offset = cells.iter().position(is_bad).unwrap_or(0);
        let at = start + offset;
        if cells[offset] & TARGET != 0 {
            let detail =
                format!("{unit} {at} is read, and a transfer that was not waited for writes it");
            return trouble(FaultKind::Race, detail);
        }
        let detail = format!("{unit} {at} is read but was never written");
        trouble(FaultKind::UninitializedRead, detail)
    }

    #[cold]
    fn explain_write(&self, at: usize) -> Outcome {
        let unit = self.unit();
        let does = if self.cells[at] & TARGET != 0 { "writes" } else { "reads" };
        let detail =
            format!("{unit} {at} is written, and a transfer that was not waited for {does} it");
        trouble(FaultKind::Race, detail)
    }

    fn unit(&self) -> &'static str {
        match self.space {
            MemorySpace::Hbm => "hbm granule",
            MemorySpace::Cmem => "cmem granule",
            MemorySpace::Vmem => "vmem granule",
            MemorySpace::Smem => "smem word",
        }
    }
}
