//! [`Device`]: a chip as programs see it, with its memories.
//!
//! What happens to a device's HBM is decided when work is *dispatched*: then ranges are taken and
//! given back. The work itself is done later, in the order of the dispatches. So a range may be
//! given back while work that uses it is still to be done: whoever gets it next comes after that.
//! Addresses and out-of-memory errors depend on the order of calls only.
//!
//! A device that nothing was dispatched to costs next to nothing; its chip is made when it is
//! needed, and backs as much HBM as was ever in use at once.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use palmetto_emulator::{Chip, EmulatorOptions};
use palmetto_isa::{Bytes, ChipSpec, memory::GRANULE_BYTES};

use crate::allocator::{Allocator, Name, Range};
use crate::event::Event;
use crate::profile::Report;
use crate::record::Record;
use crate::topology::{ChipDescription, DeviceId};
use crate::workers::{Stream, Workers};
use crate::{Error, SharedError};

/// Live buffers that an out-of-memory message names.
const NAMED_BUFFERS: usize = 5;

/// A memory that a device can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemoryKind {
    /// The chip's HBM.
    Device,
    /// The host's memory, locked in place.
    PinnedHost,
    /// The host's memory.
    UnpinnedHost,
}

impl MemoryKind {
    /// All kinds; the first one is where arrays are if nothing else is said.
    pub const ALL: [Self; 3] = [Self::Device, Self::PinnedHost, Self::UnpinnedHost];

    /// The name that frameworks use.
    pub fn name(self) -> &'static str {
        match self {
            Self::Device => "device",
            Self::PinnedHost => "pinned_host",
            Self::UnpinnedHost => "unpinned_host",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// The use of a device's HBM, in bytes, as of the last dispatch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryStats {
    /// Taken by live buffers, constants of loaded executables, and padding of these.
    pub bytes_in_use: u64,
    /// The most that was taken at one time, temporaries of executions included.
    pub peak_bytes_in_use: u64,
    /// What there is.
    pub bytes_limit: u64,
    /// The largest range that was ever taken.
    pub largest_alloc_size: u64,
    /// The largest range that could be taken now.
    pub largest_free_block_bytes: u64,
    /// Ranges taken so far.
    pub num_allocs: u64,
    /// Ranges that are taken now.
    pub num_live_allocs: u64,
}

/// A device of a client.
#[derive(Clone)]
pub struct Device(Arc<Inner>);

struct Inner {
    description: ChipDescription,
    dispatch: Mutex<Dispatch>,
    stream: Stream<OnDevice>,
    last: Last,
}

/// The last execution that has ended.
pub(crate) type Last = Arc<Mutex<Option<Arc<Record>>>>;

/// What is known when work is dispatched.
#[derive(Debug)]
pub(crate) struct Dispatch {
    pub(crate) allocator: Allocator,
    strict: bool,
}

/// What work on a device can touch.
pub(crate) struct OnDevice {
    spec: ChipSpec,
    strict: bool,
    chip: Option<Box<Chip>>,
}

impl OnDevice {
    /// The chip, with at least the first `granules` of HBM backed.
    ///
    /// # Errors
    /// The host has too little memory for them.
    pub(crate) fn chip(&mut self, granules: u32) -> Result<&mut Chip, SharedError> {
        let chip = self.chip.get_or_insert_with(|| {
            let options =
                EmulatorOptions { strict: self.strict, hbm_bytes: 0, ..EmulatorOptions::default() };
            Box::new(Chip::new(self.spec, &options))
        });
        let needed = bytes(granules);
        chip.back_hbm(granules)
            .map_err(|source| SharedError::new(Error::HostMemory { needed, source }))?;
        Ok(chip)
    }

    /// The content of a range is undefined from here on. What is not backed is so already.
    fn discard(&mut self, range: Range) {
        let Some(chip) = &mut self.chip else { return };
        let backed = u32::try_from(chip.backed_granules()).unwrap_or(u32::MAX);
        if range.start < backed {
            let discarded = chip.discard_hbm(range.start, range.end().min(backed) - range.start);
            debug_assert!(discarded.is_ok(), "what is backed is part of HBM");
        }
    }

    fn set_strict(&mut self, strict: bool, free: &[Range]) {
        self.strict = strict;
        let Some(chip) = &mut self.chip else { return };
        chip.set_strict(strict);
        free.iter().for_each(|range| self.discard(*range));
    }
}

impl Device {
    pub(crate) fn new(
        description: ChipDescription,
        spec: &ChipSpec,
        strict: bool,
        workers: &Arc<Workers>,
    ) -> Self {
        let capacity = u32::try_from(spec.hbm_bytes / GRANULE_BYTES as u64).unwrap_or(u32::MAX);
        let on_device = OnDevice { spec: *spec, strict, chip: None };
        Self(Arc::new(Inner {
            description,
            dispatch: Mutex::new(Dispatch { allocator: Allocator::new(capacity), strict }),
            stream: Stream::new(on_device, workers),
            last: Arc::default(),
        }))
    }

    /// Its name in the client.
    pub fn id(&self) -> DeviceId {
        self.0.description.id
    }

    /// Where it is.
    pub fn description(&self) -> ChipDescription {
        self.0.description
    }

    /// How its HBM is used.
    pub fn memory_stats(&self) -> MemoryStats {
        let dispatch = self.dispatch();
        let allocator = &dispatch.allocator;
        MemoryStats {
            bytes_in_use: bytes(allocator.in_use()).0,
            peak_bytes_in_use: bytes(allocator.peak()).0,
            bytes_limit: bytes(allocator.capacity()).0,
            largest_alloc_size: bytes(allocator.largest()).0,
            largest_free_block_bytes: bytes(allocator.largest_free()).0,
            num_allocs: allocator.n_allocations(),
            num_live_allocs: allocator.n_live() as u64,
        }
    }

    /// From now on the peak is that of what comes.
    pub fn reset_peak(&self) {
        self.dispatch().allocator.reset_peak();
    }

    /// The profile of the last execution that has ended.
    pub fn last_report(&self) -> Option<Report> {
        let last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().map(|record| record.report())
    }

    /// Done when everything is that was dispatched so far.
    pub fn done(&self) -> Event {
        let (event, promise) = Event::pending();
        self.0.stream.push(move |_| promise.complete(Ok(())));
        event
    }

    /// Whether whatever the machine leaves undefined is a fault, and padding holds garbage.
    pub fn is_strict(&self) -> bool {
        self.dispatch().strict
    }

    /// Makes what is dispatched from now on strict, or no longer strict.
    pub(crate) fn set_strict(&self, strict: bool) {
        let mut dispatch = self.dispatch();
        if std::mem::replace(&mut dispatch.strict, strict) == strict {
            return;
        }
        let free: Vec<Range> = dispatch.allocator.free_ranges().collect();
        self.0.stream.push_idle(move |device| device.set_strict(strict, &free));
    }

    pub(crate) fn stream(&self) -> &Stream<OnDevice> {
        &self.0.stream
    }

    pub(crate) fn last(&self) -> Last {
        Arc::clone(&self.0.last)
    }

    /// While this is held nobody else dispatches to the device. Dropping an [`HbmRange`] meanwhile
    /// would wait for ever.
    pub(crate) fn dispatch(&self) -> MutexGuard<'_, Dispatch> {
        self.0.dispatch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a range.
    pub(crate) fn allocate(
        &self,
        dispatch: &mut Dispatch,
        granules: u32,
        name: &Name,
    ) -> Result<Range, Error> {
        let range = dispatch.allocator.allocate(granules, name);
        range.ok_or_else(|| self.out_of_memory(&dispatch.allocator, granules, name))
    }

    /// Gives a range back; what was dispatched before may still use it.
    pub(crate) fn release(&self, dispatch: &mut Dispatch, range: Range) {
        dispatch.allocator.free(range);
        if dispatch.strict {
            self.0.stream.push_idle(move |device| device.discard(range));
        }
    }

    fn out_of_memory(&self, allocator: &Allocator, granules: u32, name: &Name) -> Error {
        let largest = allocator.largest_live(NAMED_BUFFERS).into_iter();
        let largest = largest.map(|(granules, count, name)| match count {
            1 => format!("{name} ({})", bytes(granules)),
            _ => format!("{count} x {name} ({} each)", bytes(granules)),
        });
        Error::DeviceOutOfMemory {
            device: self.id(),
            what: name.to_string(),
            needed: bytes(granules),
            in_use: bytes(allocator.in_use()),
            limit: bytes(allocator.capacity()),
            largest_free: bytes(allocator.largest_free()),
            largest: largest.collect(),
        }
    }
}

impl PartialEq for Device {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Device {}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ChipDescription { id, coords, .. } = self.0.description;
        write!(f, "{id} at {coords:?}")
    }
}

/// A range of a device's HBM that is given back when this is dropped.
pub(crate) struct HbmRange {
    device: Device,
    range: Range,
}

impl HbmRange {
    /// Owns `range`, which was allocated on `device`.
    pub(crate) fn new(device: &Device, range: Range) -> Self {
        Self { device: device.clone(), range }
    }

    pub(crate) fn range(&self) -> Range {
        self.range
    }
}

impl Drop for HbmRange {
    fn drop(&mut self) {
        self.device.release(&mut self.device.dispatch(), self.range);
    }
}

/// The bytes of granules.
pub(crate) fn bytes(granules: impl Into<u64>) -> Bytes {
    Bytes(granules.into().saturating_mul(GRANULE_BYTES as u64))
}

/// Why something that work depends on is missing.
pub(crate) fn failure_of<'e>(events: impl IntoIterator<Item = &'e Event>) -> Option<SharedError> {
    events.into_iter().find_map(Event::error)
}
