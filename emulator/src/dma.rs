//! Transfers: strided copies between memories that run while the core goes on.
//!
//! When a transfer is done, its bytes become visible and are added to a sync flag. In strict mode
//! it holds its source and its target until the core has *waited* for it, so that a missing wait is
//! a fault under every clock and not only when the transfer happens to be late.
//!
//! Transfers queue for the memory channels that they use in the order of their starts, over both
//! cores. HBM has one channel for reading and writing, CMEM one for each, and each core one for
//! copies inside the core and for what it sends to the other one.
//!
//! What a core sends into the other's VMEM is read when the transfer starts. It arrives in the
//! time of the receiver, which learns of it when it waits, or when it issues after that time.

use crate::{
    fault::{FaultKind, Outcome, trouble},
    memory::{Memory, shadow::Shadow, words_of},
    timing::TransferTime,
};
use palmetto_isa::{DmaDescriptor, DmaDimension, MemorySpace};
use std::ops::Range;

/// What the cores of a chip share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) hbm: Memory,
    pub(crate) cmem: Memory,
    pub(crate) channels: Channels,
    /// Per core, what the other has sent it and it has not come to yet: cores are emulated one at a
    /// time.
    pub(crate) sent_to: [Vec<InFlight>; 2],
}

/// When each channel is free again.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Channels {
    hbm: u64,
    cmem_read: u64,
    cmem_write: u64,
    inside_core: [u64; 2],
}

impl Channels {
    /// Serves a transfer that starts at `now` on `core`; gives the time when it is done.
    pub(crate) fn serve(
        &mut self,
        descriptor: &DmaDescriptor,
        core: u32,
        now: u64,
        time: TransferTime,
    ) -> u64 {
        use MemorySpace::{Cmem, Hbm};
        let (source, target) = (descriptor.source, descriptor.target);
        let mut used = [None, None, None];
        if source == Hbm || target == Hbm {
            used[0] = Some(&mut self.hbm);
        }
        if source == Cmem {
            used[1] = Some(&mut self.cmem_read);
        }
        if target == Cmem {
            used[2] = Some(&mut self.cmem_write);
        }
        if used.iter().all(Option::is_none) {
            used[0] = Some(&mut self.inside_core[core as usize & 1]);
        }
        let start = used.iter().flatten().fold(now, |start, free| start.max(**free));
        for free in used.into_iter().flatten() {
            *free = start + time.service.0;
        }
        start + time.service.0 + time.latency.0
    }
}

/// All memories that a transfer of a core can reach, in the order of [`MemorySpace::ALL`].
pub(crate) type Memories<'a> = [&'a mut Memory; 4];

/// A transfer from a granule to a granule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Copy<'a> {
    pub(crate) descriptor: &'a DmaDescriptor,
    pub(crate) source: i64,
    pub(crate) target: i64,
}

impl Copy<'_> {
    /// Checks that all of the source and of the target exists.
    pub(crate) fn check_bounds(&self, memories: &Memories<'_>) -> Outcome {
        let ends = [
            (self.descriptor.source, self.source, source_stride as fn(&DmaDimension) -> i32),
            (self.descriptor.target, self.target, target_stride),
        ];
        for (space, base, stride) in ends {
            let (mut first, mut end) = (base, base + i64::from(self.descriptor.granules));
            for dimension in &self.descriptor.dimensions {
                let reach = i64::from(stride(dimension))
                    .saturating_mul((i64::from(dimension.count) - 1).max(0));
                let moved = if reach < 0 { &mut first } else { &mut end };
                *moved = moved.saturating_add(reach);
            }
            let memory = &memories[space as usize];
            if first < 0 || usize::try_from(end).is_ok_and(|end| end > memory.n_granules()) {
                return memory.out_of_bounds(first, end);
            }
        }
        Ok(())
    }

    /// Strict mode: takes hold of the source for `core`.
    pub(crate) fn hold_source(&self, memories: &mut Memories<'_>, core: u32) -> Outcome {
        self.each_source(memories, |shadow, cells| shadow.begin_source(cells, core))
    }

    /// Strict mode: takes hold of the target for `core`.
    pub(crate) fn hold_target(&self, memories: &mut Memories<'_>, core: u32) -> Outcome {
        self.each_target(memories, |shadow, cells| shadow.begin_target(cells, core))
    }

    /// Strict mode: lets go of the source, because the core has waited.
    pub(crate) fn release_source(&self, memories: &mut Memories<'_>) -> Outcome {
        self.each_source(memories, |shadow, cells| {
            shadow.end_source(cells);
            Ok(())
        })
    }

    /// Strict mode: lets go of the target, because the core has waited.
    pub(crate) fn release_target(&self, memories: &mut Memories<'_>) -> Outcome {
        self.each_target(memories, |shadow, cells| {
            shadow.end_target(cells);
            Ok(())
        })
    }

    /// Moves the bytes.
    pub(crate) fn finish(&self, memories: &mut Memories<'_>) -> Outcome {
        let (from, to) = (self.descriptor.source as usize, self.descriptor.target as usize);
        let count = self.descriptor.granules as usize;
        self.try_each_piece(|source, target| {
            let source = words_of(memories[from].granules(source, count)?);
            let target = words_of(memories[to].granules(target, count)?);
            if from == to {
                memories[to].words.copy_within(source, target.start);
            } else if let Ok([from, to]) = memories.get_disjoint_mut([from, to]) {
                to.words[target].copy_from_slice(&from.words[source]);
            }
            Ok(())
        })
    }

    /// The words of the source, piece by piece.
    pub(crate) fn read(&self, memories: &Memories<'_>) -> Outcome<Box<[u32]>> {
        let count = self.descriptor.granules as usize;
        let memory = &memories[self.descriptor.source as usize];
        let mut words = Vec::new();
        self.try_each_piece(|source, _| {
            words.extend_from_slice(&memory.words[words_of(memory.granules(source, count)?)]);
            Ok(())
        })?;
        Ok(words.into_boxed_slice())
    }

    /// Puts what [`Copy::read`] gave into the target.
    pub(crate) fn write(&self, memories: &mut Memories<'_>, mut words: &[u32]) -> Outcome {
        let count = self.descriptor.granules as usize;
        let memory = &mut *memories[self.descriptor.target as usize];
        self.try_each_piece(|_, target| {
            let target = words_of(memory.granules(target, count)?);
            let (piece, rest) = words.split_at(target.len());
            memory.words[target].copy_from_slice(piece);
            words = rest;
            Ok(())
        })
    }

    fn each_source(
        &self,
        memories: &mut Memories<'_>,
        mut hold: impl FnMut(&mut Shadow, Range<usize>) -> Outcome,
    ) -> Outcome {
        let count = self.descriptor.granules as usize;
        let memory = &mut *memories[self.descriptor.source as usize];
        self.try_each_piece(|source, _| {
            let cells = memory.cells(memory.granules(source, count)?);
            memory.shadow.as_mut().map_or(Ok(()), |shadow| hold(shadow, cells))
        })
    }

    fn each_target(
        &self,
        memories: &mut Memories<'_>,
        mut hold: impl FnMut(&mut Shadow, Range<usize>) -> Outcome,
    ) -> Outcome {
        let count = self.descriptor.granules as usize;
        let memory = &mut *memories[self.descriptor.target as usize];
        self.try_each_piece(|_, target| {
            let cells = memory.cells(memory.granules(target, count)?);
            memory.shadow.as_mut().map_or(Ok(()), |shadow| hold(shadow, cells))
        })
    }

    /// Lets go of shared memory without moving anything: the launch has faulted.
    pub(crate) fn abandon(&self, shared: &mut Shared) {
        let count = self.descriptor.granules as usize;
        let mut release = |space: MemorySpace, first: i64| {
            let memory = match space {
                MemorySpace::Hbm => &mut shared.hbm,
                MemorySpace::Cmem => &mut shared.cmem,
                MemorySpace::Vmem | MemorySpace::Smem => return,
            };
            if let (Ok(granules), Some(shadow)) =
                (memory.granules(first, count), &mut memory.shadow)
            {
                shadow.abandon_transfers(granules);
            }
        };
        let released = self.try_each_piece(|source, target| {
            release(self.descriptor.source, source);
            release(self.descriptor.target, target);
            Ok(())
        });
        debug_assert!(released.is_ok(), "releasing a piece cannot fail");
    }

    /// Walks the pieces: where each starts in the source and in the target.
    fn try_each_piece(&self, mut piece: impl FnMut(i64, i64) -> Outcome) -> Outcome {
        const ONCE: DmaDimension = DmaDimension { count: 1, source_stride: 0, target_stride: 0 };
        let mut loops = [ONCE; DmaDescriptor::MAX_DIMENSIONS];
        for (padded, dimension) in loops.iter_mut().zip(&self.descriptor.dimensions) {
            *padded = *dimension;
        }
        let offset = |index: u32, stride: i32| i64::from(index) * i64::from(stride);
        let [outer, middle, inner] = loops;
        for i in 0..outer.count {
            for j in 0..middle.count {
                for k in 0..inner.count {
                    let along = |stride: fn(&DmaDimension) -> i32| {
                        offset(i, stride(&outer))
                            + offset(j, stride(&middle))
                            + offset(k, stride(&inner))
                    };
                    piece(self.source + along(source_stride), self.target + along(target_stride))?;
                }
            }
        }
        Ok(())
    }
}

fn source_stride(dimension: &DmaDimension) -> i32 {
    dimension.source_stride
}

fn target_stride(dimension: &DmaDimension) -> i32 {
    dimension.target_stride
}

/// What of a transfer is in the memories that a core reaches.
#[derive(Debug)]
pub(crate) enum Side {
    /// All of it.
    Both,
    /// The source: the target is another core's.
    Source,
    /// The target: another core has sent these words.
    Target(Box<[u32]>),
}

/// A transfer that is not done.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) side: Side,
    pub(crate) done: u64,
    /// Index into the program's descriptors.
    pub(crate) descriptor: u32,
    pub(crate) source: i64,
    pub(crate) target: i64,
    pub(crate) flag: usize,
    pub(crate) bytes: u64,
}

/// The transfers of a core that are not done, in the order in which they will be, and those that
/// are done and not waited for.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    in_flight: Vec<InFlight>,
    arrived: Vec<InFlight>,
}

impl Queue {
    /// Adds a transfer; of equal times the earlier start is done first.
    pub(crate) fn add(&mut self, transfer: InFlight) {
        let position = self.in_flight.partition_point(|other| other.done <= transfer.done);
        self.in_flight.insert(position, transfer);
    }

    /// Takes the next transfer if it is done at `now`.
    pub(crate) fn take_done(&mut self, now: u64) -> Option<InFlight> {
        let first = self.in_flight.first()?;
        (first.done <= now).then(|| self.in_flight.remove(0))
    }

    /// Keeps a transfer that is done until it is waited for.
    pub(crate) fn keep_arrived(&mut self, transfer: InFlight) {
        self.arrived.push(transfer);
    }

    /// The core has waited for `credit` bytes of `flag` so far that were not taken for a transfer:
    /// takes the first one that arrived there, if they cover it.
    pub(crate) fn take_waited(&mut self, flag: usize, credit: &mut u64) -> Option<InFlight> {
        let position = self.arrived.iter().position(|transfer| transfer.flag == flag)?;
        *credit = credit.checked_sub(self.arrived[position].bytes)?;
        Some(self.arrived.remove(position))
    }

    /// When the next transfer is done.
    pub(crate) fn next_done(&self) -> u64 {
        self.in_flight.first().map_or(u64::MAX, |transfer| transfer.done)
    }

    /// When the last transfer is done.
    pub(crate) fn last_done(&self) -> Option<u64> {
        self.in_flight.last().map(|transfer| transfer.done)
    }

    pub(crate) fn len(&self) -> usize {
        self.in_flight.len()
    }

    /// When `flag`, which is at `value` now, will be at least `bytes`.
    pub(crate) fn arrival(&self, flag: usize, value: u64, bytes: u64) -> Outcome<u64> {
        let mut sum = value;
        for transfer in self.in_flight.iter().filter(|transfer| transfer.flag == flag) {
            sum += transfer.bytes;
            if sum >= bytes {
                return Ok(transfer.done);
            }
        }
        let coming = sum - value;
        trouble(
            FaultKind::Deadlock,
            format!(
                "waits for {bytes} bytes on sync flag {flag}, which is at {value} with {coming} \
                 bytes in flight to it"
            ),
        )
    }

    /// Everything that is in flight or not waited for; afterwards nothing is.
    pub(crate) fn drain(&mut self) -> impl Iterator<Item = InFlight> {
        self.in_flight.drain(..).chain(self.arrived.drain(..))
    }
}
