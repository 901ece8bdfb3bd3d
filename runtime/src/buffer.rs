//! [`Buffer`]: an array in a memory of a device.
//!
//! In the chip's HBM an array lies in the tiled layout of its shape; in the host's memory it is
//! dense. A buffer is there as soon as it is asked for, its content when its event is ready.
//! Reading, copying and executing wait for that by themselves, and take over its error.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use palmetto_compiler::analysis::granules_of;
use palmetto_compiler::hlo::{ArrayLiteral, ArrayShape, ElementType, Layout};
use palmetto_emulator::Chip;
use palmetto_isa::memory::GRANULE_BYTES;

use crate::allocator::Name;
use crate::device::{Device, HbmRange, MemoryKind, bytes};
use crate::event::{Event, Outcome};
use crate::{Error, SharedError, transfer};

/// An array that a host computation has filled, or will.
pub(crate) type HostCell = Arc<OnceLock<ArrayLiteral>>;

/// A typed array on a device. Clones are the same buffer.
#[derive(Clone)]
pub struct Buffer(Arc<Inner>);

struct Inner {
    shape: ArrayShape,
    device: Device,
    memory_kind: MemoryKind,
    storage: Mutex<Option<Storage>>,
    ready: Event,
}

/// Where the content of a buffer is. Work that is being dispatched holds a clone, so that nobody
/// else gets the memory before.
#[derive(Clone)]
pub(crate) enum Storage {
    Hbm(Arc<HbmRange>),
    Host(HostCell),
}

impl Buffer {
    /// A buffer of `shape`, which has a layout, whose content is there when `ready` is.
    pub(crate) fn new(device: &Device, shape: ArrayShape, storage: Storage, ready: Event) -> Self {
        Self::with_kind(device, (shape, MemoryKind::Device), storage, ready)
    }

    /// The same in any memory.
    pub(crate) fn with_kind(
        device: &Device,
        (shape, memory_kind): (ArrayShape, MemoryKind),
        storage: Storage,
        ready: Event,
    ) -> Self {
        let (device, storage) = (device.clone(), Mutex::new(Some(storage)));
        Self(Arc::new(Inner { shape, device, memory_kind, storage, ready }))
    }

    /// A buffer with the content of `literal`.
    pub(crate) fn from_literal(
        literal: ArrayLiteral,
        device: &Device,
        memory_kind: MemoryKind,
    ) -> Result<Self, Error> {
        let shape = device_shape(literal.shape());
        let cell = Arc::new(OnceLock::from(literal));
        place(cell, Event::ready(), (device, shape, memory_kind))
    }

    /// The same in HBM, in the layout of `shape`.
    pub(crate) fn from_literal_as(
        literal: ArrayLiteral,
        device: &Device,
        shape: ArrayShape,
    ) -> Result<Self, Error> {
        let cell = Arc::new(OnceLock::from(literal));
        place(cell, Event::ready(), (device, shape, MemoryKind::Device))
    }

    /// Its shape, with the layout that it has in HBM.
    pub fn shape(&self) -> &ArrayShape {
        &self.0.shape
    }

    /// The type of its elements.
    pub fn element_type(&self) -> ElementType {
        self.0.shape.element_type()
    }

    /// Its dimensions.
    pub fn dimensions(&self) -> &[usize] {
        self.0.shape.dimensions()
    }

    /// The device that it is on.
    pub fn device(&self) -> &Device {
        &self.0.device
    }

    /// Which of the device's memories it is in.
    pub fn memory_kind(&self) -> MemoryKind {
        self.0.memory_kind
    }

    /// Ready when the content is there.
    pub fn ready(&self) -> &Event {
        &self.0.ready
    }

    /// Bytes that it takes, padding included.
    pub fn size_bytes(&self) -> u64 {
        match self.0.memory_kind {
            MemoryKind::Device => bytes(granules_of(&self.0.shape)).0,
            MemoryKind::PinnedHost | MemoryKind::UnpinnedHost => self.0.shape.byte_size() as u64,
        }
    }

    /// The byte of HBM that it starts at; nothing if it is not there or was deleted.
    pub fn address(&self) -> Option<u64> {
        match self.place() {
            Ok(Storage::Hbm(range)) => Some(bytes(range.range().start).0),
            Ok(Storage::Host(_)) | Err(_) => None,
        }
    }

    /// Gives the memory back. Work that was dispatched before still gets the content.
    pub fn delete(&self) {
        drop(self.take());
    }

    /// Whether it was deleted, or donated to an execution.
    pub fn is_deleted(&self) -> bool {
        self.storage().is_none()
    }

    /// Whether two are the same buffer.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// An address that no other live buffer object has.
    pub(crate) fn identity(&self) -> usize {
        Arc::as_ptr(&self.0).addr()
    }

    /// Takes the storage away: the buffer is deleted.
    pub(crate) fn take(&self) -> Option<Storage> {
        self.storage().take()
    }

    /// Where the content is, or will be.
    pub(crate) fn place(&self) -> Result<Storage, Error> {
        let storage = self.storage().clone();
        storage.ok_or_else(|| Error::Deleted { buffer: name_of(&self.0.shape).to_string() })
    }

    /// Calls `done` with the elements, dense, in the order of dimensions that is asked for
    /// (row-major if none is), when they are there.
    ///
    /// # Errors
    /// The buffer was deleted, or the order is not one of its dimensions.
    pub fn read(
        &self,
        minor_to_major: Option<&[usize]>,
        done: impl FnOnce(Result<Vec<u8>, SharedError>) + Send + 'static,
    ) -> Result<(), Error> {
        let order = minor_to_major.map(|order| self.untiled(order)).transpose()?;
        let (cell, ready) = self.fetch()?;
        ready.on_ready(move |outcome| done(outcome.map(|()| dense(&cell, order.as_ref()))));
        Ok(())
    }

    /// The shape with dimensions in this order, without tiles.
    fn untiled(&self, minor_to_major: &[usize]) -> Result<ArrayShape, Error> {
        let shape = self.0.shape.clone().with_layout(Layout::untiled(minor_to_major.to_vec()));
        shape.map_err(|error| Error::HostArray(error.to_string()))
    }

    /// The content; waits for it.
    ///
    /// # Errors
    /// The buffer was deleted, or the work that makes it has failed.
    pub fn to_literal(&self) -> Result<ArrayLiteral, Error> {
        let (cell, ready) = self.fetch()?;
        ready.wait()?;
        Ok(filled(&cell).clone())
    }

    /// A new buffer with the same content in a memory of this or another device.
    ///
    /// # Errors
    /// The buffer was deleted, or there is not enough memory.
    pub fn copy_to(&self, device: &Device, memory_kind: MemoryKind) -> Result<Self, Error> {
        let is_local = memory_kind == MemoryKind::Device && device == self.device();
        if let (true, Storage::Hbm(source)) = (is_local, self.place()?) {
            return self.copy_in_hbm(&source);
        }
        let (cell, ready) = self.fetch()?;
        place(cell, ready, (device, self.0.shape.clone(), memory_kind))
    }

    /// The same content in another layout: what a program asks for that lays its parameters out
    /// differently.
    pub(crate) fn with_layout_of(&self, shape: &ArrayShape) -> Result<Self, Error> {
        let (cell, ready) = self.fetch()?;
        place(cell, ready, (self.device(), shape.clone(), MemoryKind::Device))
    }

    fn copy_in_hbm(&self, source: &HbmRange) -> Result<Self, Error> {
        let source = source.range();
        let device = self.device();
        let made_from = self.0.ready.clone();
        let (ready, promise) = Event::pending();
        let mut dispatch = device.dispatch();
        let target = device.allocate(&mut dispatch, source.granules, &name_of(&self.0.shape))?;
        let backed = dispatch.allocator.end();
        device.stream().push(move |on_device| {
            let copied = made_from.wait().and_then(|()| {
                let chip = on_device.chip(backed)?;
                let copied = chip.copy_hbm(source.start, target.start, source.granules);
                copied.map_err(|fault| Arc::new(Error::fault("copy", fault)))
            });
            promise.complete(copied);
        });
        drop(dispatch);
        let storage = Storage::Hbm(Arc::new(HbmRange::new(device, target)));
        Ok(Self::new(device, self.0.shape.clone(), storage, ready))
    }

    /// The content on the host's side, when the event is ready.
    fn fetch(&self) -> Result<(HostCell, Event), Error> {
        let range = match self.place()? {
            Storage::Host(cell) => return Ok((cell, self.0.ready.clone())),
            Storage::Hbm(range) => range,
        };
        let start = range.range().start;
        let cell = HostCell::default();
        let (event, promise) = Event::pending();
        let (shape, made, target) = (self.0.shape.clone(), self.0.ready.clone(), cell.clone());
        let backed = self.device().dispatch().allocator.end();
        // What makes the content is in front of this in the same stream, so it has ended.
        self.device().stream().push(move |on_device| {
            let outcome = made.wait().and_then(|()| {
                let literal = read_array(on_device.chip(backed)?, start, &shape, "buffer")?;
                let _ = target.set(literal);
                Ok(())
            });
            promise.complete(outcome);
        });
        Ok((cell, event))
    }

    fn storage(&self) -> MutexGuard<'_, Option<Storage>> {
        self.0.storage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A buffer that gets the content of `cell` when `ready` is.
fn place(
    cell: HostCell,
    ready: Event,
    (device, shape, memory_kind): (&Device, ArrayShape, MemoryKind),
) -> Result<Buffer, Error> {
    match memory_kind {
        MemoryKind::PinnedHost | MemoryKind::UnpinnedHost => {
            Ok(Buffer::with_kind(device, (shape, memory_kind), Storage::Host(cell), ready))
        }
        MemoryKind::Device => {
            let (written, promise) = Event::pending();
            let mut dispatch = device.dispatch();
            let range = device.allocate(&mut dispatch, granules_of(&shape), &name_of(&shape))?;
            let backed = dispatch.allocator.end();
            let (source, target) = (ready.clone(), shape.clone());
            device.stream().push_after(ready, move |on_device| {
                let outcome = source.wait().and_then(|()| {
                    let chip = on_device.chip(backed)?;
                    write_array(chip, range.start, &target, filled(&cell))
                });
                promise.complete(outcome);
            });
            drop(dispatch);
            let storage = Storage::Hbm(Arc::new(HbmRange::new(device, range)));
            Ok(Buffer::new(device, shape, storage, written))
        }
    }
}

/// The content of a cell whose event is ready without an error.
pub(crate) fn filled(cell: &HostCell) -> &ArrayLiteral {
    cell.get().expect("a cell is filled before its event is ready")
}

fn dense(cell: &HostCell, order: Option<&ArrayShape>) -> Vec<u8> {
    let literal = filled(cell);
    match order {
        Some(shape) => transfer::to_device(literal, shape, 0),
        None => literal.bytes().to_vec(),
    }
}

/// The shape with the layout that arrays have in HBM if nothing else is said.
pub fn device_shape(shape: &ArrayShape) -> ArrayShape {
    shape.without_layout().with_default_tpu_layout()
}

/// What messages call a buffer of this shape.
fn name_of(shape: &ArrayShape) -> Name {
    shape.without_layout().to_string().into()
}

/// Padding of arrays in strict runs: NaN in every float type.
const GARBAGE: u8 = 0xFF;

/// Writes an array in its layout from `granule` on.
pub(crate) fn write_array(
    chip: &mut Chip,
    granule: u32,
    shape: &ArrayShape,
    array: &ArrayLiteral,
) -> Outcome {
    let padding = if chip.is_strict() { GARBAGE } else { 0 };
    let mut bytes = transfer::to_device(array, shape, padding);
    // Rows of tiles that only fill up packed registers are padding too.
    bytes.resize(granules_of(shape) as usize * GRANULE_BYTES, padding);
    let written = chip.write_hbm(granule, &bytes);
    written.map_err(|fault| Arc::new(Error::fault("the write of an array", fault)))
}

/// Reads an array that lies in its layout from `granule` on.
pub(crate) fn read_array(
    chip: &Chip,
    granule: u32,
    shape: &ArrayShape,
    what: &str,
) -> Result<ArrayLiteral, SharedError> {
    if shape.is_token() {
        // Nothing is ever written there.
        return Ok(ArrayLiteral::zeros(shape));
    }
    let bytes = chip.read_hbm(granule, shape.physical_byte_size());
    let bytes = bytes.map_err(|fault| Arc::new(Error::fault(what, fault)))?;
    let array = transfer::from_device(bytes, shape);
    array.map_err(|source| Arc::new(Error::Value { what: what.to_owned(), source }))
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { shape, device, memory_kind, ready, .. } = &*self.0;
        let deleted = if self.is_deleted() { ", deleted" } else { "" };
        write!(f, "Buffer({shape} in {} of {device:?}, {ready:?}{deleted})", memory_kind.name())
    }
}
