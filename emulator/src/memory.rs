//! The byte stores of HBM, CMEM, VMEM and SMEM. Every access is bounds-checked, in every mode.
//!
//! The host memory behind a store is zeroed by the operating system when it is first touched, so a
//! chip costs what its programs use.

pub(crate) mod shadow;

use crate::fault::{FaultKind, Outcome, trouble};
use palmetto_isa::{
    MemorySpace,
    memory::{GRANULE_BYTES, GRANULE_WORDS},
};
use shadow::Shadow;
use std::collections::TryReserveError;
use std::ops::Range;

/// So many zeros that nothing has touched. What cannot be had is tried first, for `vec!` would end
/// the process.
fn zeros(count: usize) -> Result<Vec<u32>, TryReserveError> {
    Vec::<u32>::new().try_reserve_exact(count)?;
    Ok(vec![0; count])
}

/// One memory.
#[derive(Clone, Debug)]
pub(crate) struct Memory {
    space: MemorySpace,
    pub(crate) words: Vec<u32>,
    /// Granules that may be accessed.
    limit: usize,
    /// In strict mode only.
    pub(crate) shadow: Option<Shadow>,
}

impl Memory {
    pub(crate) fn new(space: MemorySpace, bytes: u64, strict: bool) -> Self {
        let limit =
            usize::try_from(bytes).expect("the host can address what it backs") / GRANULE_BYTES;
        let n_cells = limit * cells_per_granule(space);
        let shadow = strict.then(|| Shadow::new(space, n_cells));
        Self { space, words: vec![0; limit * GRANULE_WORDS], limit, shadow }
    }

    pub(crate) fn n_granules(&self) -> usize {
        self.limit
    }

    /// Backs at least the first `granules`; what was there stays, what is new is undefined.
    ///
    /// The host's memory doubles when it has to move, if it can, and its new part is not touched.
    ///
    /// # Errors
    /// The host has not so much memory.
    pub(crate) fn back(&mut self, granules: usize) -> Result<(), TryReserveError> {
        if granules <= self.limit {
            return Ok(());
        }
        let (old, needed) = (self.limit * GRANULE_WORDS, granules * GRANULE_WORDS);
        if needed > self.words.len() {
            let generous = zeros(needed.max(2 * self.words.len()));
            let mut words = generous.or_else(|_| zeros(needed))?;
            words[..old].copy_from_slice(&self.words[..old]);
            self.words = words;
            let n_cells = self.n_cells();
            self.shadow.iter_mut().for_each(|shadow| shadow.extend(n_cells));
        }
        self.limit = granules;
        Ok(())
    }

    /// Cells that a shadow has.
    fn n_cells(&self) -> usize {
        self.words.len() / GRANULE_WORDS * cells_per_granule(self.space)
    }

    /// Remembers, or no longer remembers, what strict mode has to know. What is there counts as
    /// written, for nothing is known about it.
    pub(crate) fn set_strict(&mut self, strict: bool) {
        if strict == self.shadow.is_some() {
            return;
        }
        let (n_cells, accessible) = (self.n_cells(), self.cells(0..self.limit));
        self.shadow = strict.then(|| {
            let mut shadow = Shadow::new(self.space, n_cells);
            shadow.define(accessible);
            shadow
        });
    }

    /// A launch begins that may access the first `limit` granules, whose content is undefined.
    pub(crate) fn begin_private_launch(&mut self, limit: usize) {
        self.limit = limit.min(self.words.len() / GRANULE_WORDS);
        if let Some(shadow) = &mut self.shadow {
            shadow.reset();
        }
    }

    /// The granules `first .. first + count`, if they exist.
    #[inline]
    pub(crate) fn granules(&self, first: i64, count: usize) -> Outcome<Range<usize>> {
        if let Ok(start) = usize::try_from(first)
            && start.checked_add(count).is_some_and(|end| end <= self.limit)
        {
            return Ok(start..start + count);
        }
        self.out_of_bounds(first, first.saturating_add_unsigned(count as u64))
    }

    /// The fault of an access to granules `first .. end`.
    #[cold]
    pub(crate) fn out_of_bounds<T>(&self, first: i64, end: i64) -> Outcome<T> {
        let (space, limit) = (self.space, self.limit);
        let detail = format!("granules {first}..{end} of {space}, which has 0..{limit}");
        trouble(FaultKind::OutOfBounds, detail)
    }

    /// The SMEM word `address`, if it exists.
    pub(crate) fn word(&self, address: i64) -> Outcome<usize> {
        if let Ok(index) = usize::try_from(address)
            && index < self.limit * GRANULE_WORDS
        {
            return Ok(index);
        }
        let (space, n_words) = (self.space, self.limit * GRANULE_WORDS);
        trouble(
            FaultKind::OutOfBounds,
            format!("word {address} of {space}, which has 0..{n_words}"),
        )
    }

    /// The shadow cells of granules.
    pub(crate) fn cells(&self, granules: Range<usize>) -> Range<usize> {
        let per_granule = cells_per_granule(self.space);
        granules.start * per_granule..granules.end * per_granule
    }
}

/// The words of granules.
#[inline]
pub(crate) fn words_of(granules: Range<usize>) -> Range<usize> {
    granules.start * GRANULE_WORDS..granules.end * GRANULE_WORDS
}

fn cells_per_granule(space: MemorySpace) -> usize {
    match space {
        MemorySpace::Hbm | MemorySpace::Cmem | MemorySpace::Vmem => 1,
        MemorySpace::Smem => GRANULE_WORDS,
    }
}
