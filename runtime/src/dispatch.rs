//! The dispatch of an execution on one device: memory for what it makes, and the work itself.
//!
//! Results and temporaries get their memory now. Temporaries give it back at once, and so do
//! donated arguments that no result lies in: what is dispatched next may have it, for that runs
//! later.
//!
//! A program may write over parameters that it asks for as donations. If the caller does not donate
//! such an argument, the program gets a copy.
//!
//! Programs work on HBM only. What they take from the host's memory, or leave there, is carried
//! over for the time of the execution.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use palmetto_compiler::executable::AllocationKind;
use palmetto_compiler::hlo::Shape;

use crate::Error;
use crate::allocator::Range;
use crate::buffer::{Buffer, HostCell, Storage};
use crate::device::{Device, Dispatch, HbmRange, MemoryKind, failure_of};
use crate::event::Event;
use crate::executable::{ArraySpec, Executable};
use crate::execution::{ArgumentCopy, CopySource, Placed, Program, RunOptions, Watch};
use crate::host_transfer::Host;
use crate::loaded::{Argument, Launch, Resident};
use crate::record::{PendingReport, RecordCell};

/// An execution that is about to be dispatched to a device.
pub(crate) struct Dispatcher {
    pub(crate) device: Device,
    pub(crate) program: Arc<Program>,
    pub(crate) executable: Executable,
    pub(crate) residents: Arc<Vec<Resident>>,
    /// Which device of the assignment it is.
    pub(crate) index: usize,
    pub(crate) options: RunOptions,
    pub(crate) watch: Option<Watch>,
    pub(crate) host: Option<Host>,
    pub(crate) arguments: Vec<Prepared>,
}

/// An argument that fits.
pub(crate) struct Prepared {
    storage: Storage,
    /// The content is there when this is ready.
    ready: Event,
    /// Nobody else needs the content.
    is_free: bool,
    /// The buffer that is deleted.
    donated: Option<Buffer>,
}

/// Where everything is.
struct Places {
    starts: Vec<u32>,
    /// New memory by allocation, that a result may lie in.
    new: BTreeMap<usize, Range>,
    temporaries: Vec<Range>,
    copies: Vec<ArgumentCopy>,
}

impl Dispatcher {
    /// Checks the arguments, and gives those another layout that need one.
    pub(crate) fn with_arguments(mut self, arguments: &[Argument]) -> Result<Self, Error> {
        let specs = self.executable.parameters();
        let (given, expected) = (arguments.len(), specs.len());
        if given != expected {
            return Err(Error::ArgumentCount { given, expected });
        }
        check_donations(arguments)?;
        for (number, (argument, spec)) in arguments.iter().zip(specs).enumerate() {
            let prepared = self.prepare(number, argument, spec)?;
            self.arguments.push(prepared);
        }
        Ok(self)
    }

    fn prepare(
        &self,
        number: usize,
        argument: &Argument,
        ArraySpec { shape, memory_kind }: &ArraySpec,
    ) -> Result<Prepared, Error> {
        let buffer = &argument.buffer;
        if !buffer.shape().same_but_layout(shape) {
            let given = Box::new(Shape::Array(buffer.shape().without_layout()));
            let expected = Box::new(shape.without_layout());
            return Err(Error::ArgumentShape { number, given, expected });
        }
        if buffer.memory_kind() != *memory_kind || buffer.device() != &self.device {
            return Err(Error::ArgumentMemory {
                number,
                given: buffer.memory_kind().name(),
                given_device: buffer.device().id(),
                expected: memory_kind.name(),
                device: self.device.id(),
            });
        }
        let is_elsewhere = *memory_kind == MemoryKind::Device && buffer.shape() != shape;
        let copy = is_elsewhere.then(|| buffer.with_layout_of(shape)).transpose()?;
        let used = copy.as_ref().unwrap_or(buffer);
        Ok(Prepared {
            storage: used.place()?,
            ready: used.ready().clone(),
            is_free: argument.donate || copy.is_some(),
            donated: argument.donate.then(|| buffer.clone()),
        })
    }

    /// Dispatches.
    ///
    /// # Errors
    /// There is not enough memory; then nothing has changed.
    pub(crate) fn dispatch(mut self) -> Result<(Launch, RecordCell), Error> {
        let (done, promise) = Event::pending();
        let record = RecordCell::default();
        let device = self.device.clone();
        let mut dispatch = device.dispatch();
        let places = self.places(&mut dispatch)?;
        let Places { starts, new, temporaries, copies } = places;
        let needed = self.needed();
        let leaving = self.leaving();
        let placed = Placed {
            program: Arc::clone(&self.program),
            starts,
            copies,
            leaving: leaving.clone(),
            options: self.options,
            watch: self.watch.take(),
            host: self.host.take(),
        };
        let backed = dispatch.allocator.end();
        let (last, cell) = (device.last(), Arc::clone(&record));
        // What is on the device comes before this in its stream; arrays of the host may not.
        let carried = self.arguments.iter().filter(|a| matches!(a.storage, Storage::Host(_)));
        let carried: Vec<Event> = carried.map(|argument| argument.ready.clone()).collect();
        let after = if carried.is_empty() { Event::ready() } else { Event::all(carried) };
        device.stream().push_after(after, move |on_device| {
            let ran = match failure_of(&needed) {
                Some(error) => Err(error),
                None => on_device.chip(backed).and_then(|chip| placed.run(chip)),
            };
            promise.complete(ran.map(|ended| {
                let ended = Arc::new(ended);
                *last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&ended));
                let _ = cell.set(ended);
            }));
        });
        temporaries.into_iter().for_each(|range| device.release(&mut dispatch, range));
        drop(dispatch);
        for buffer in self.arguments.iter().filter_map(|argument| argument.donated.as_ref()) {
            drop(buffer.take());
        }
        let outputs = self.outputs((new, &leaving), &done);
        let report = PendingReport { done: done.clone(), record: Arc::clone(&record) };
        Ok((Launch { outputs, done, report }, record))
    }

    /// Everything that has to be there before the program runs.
    fn needed(&self) -> Vec<Event> {
        let arguments = self.arguments.iter().map(|argument| argument.ready.clone());
        arguments.chain([self.residents[self.index].written.clone()]).collect()
    }

    /// Memory for everything.
    fn places(&self, dispatch: &mut Dispatch) -> Result<Places, Error> {
        let allocations = &self.program.executable.allocations;
        let mut places = Places {
            starts: vec![0; allocations.len()],
            new: BTreeMap::new(),
            temporaries: Vec::new(),
            copies: Vec::new(),
        };
        for (constant, range) in &self.residents[self.index].constants {
            places.starts[*constant] = range.start;
        }
        for (index, allocation) in allocations.iter().enumerate() {
            if let AllocationKind::Parameter(number) = allocation.kind
                && let Some(range) = self.usable(number)
            {
                places.starts[index] = range.range().start;
                continue;
            }
            if matches!(allocation.kind, AllocationKind::Constant { .. }) {
                continue;
            }
            let name = &self.program.names[index];
            match self.device.allocate(dispatch, allocation.granules, name) {
                Ok(range) => self.add(&mut places, index, range),
                Err(error) => {
                    let taken = places.new.into_values().chain(places.temporaries);
                    taken.for_each(|range| self.device.release(dispatch, range));
                    return Err(error);
                }
            }
        }
        Ok(places)
    }

    /// The memory of an argument, if the program may use it as it is: the argument is on the
    /// device, and not needed later if the program writes over it.
    fn usable(&self, number: usize) -> Option<&Arc<HbmRange>> {
        let argument = &self.arguments[number];
        let is_kept = self.program.executable.overwritten.binary_search(&number).is_err();
        match &argument.storage {
            Storage::Hbm(range) if is_kept || argument.is_free => Some(range),
            Storage::Hbm(_) | Storage::Host(_) => None,
        }
    }

    fn add(&self, places: &mut Places, index: usize, range: Range) {
        places.starts[index] = range.start;
        let executable = &self.program.executable;
        if let AllocationKind::Parameter(number) = executable.allocations[index].kind {
            let source = match &self.arguments[number].storage {
                Storage::Hbm(range) => CopySource::Hbm(range.range()),
                Storage::Host(cell) => CopySource::Host(Arc::clone(cell)),
            };
            places.copies.push(ArgumentCopy { number, source, target: range });
        }
        // Memory that nothing of the caller's lies in is needed for this execution only.
        let mut results = executable.results.iter().zip(self.executable.results());
        let stays = results.any(|(view, spec)| {
            view.slice.allocation.0 == index && spec.memory_kind == MemoryKind::Device
        });
        if stays {
            places.new.insert(index, range);
        } else {
            places.temporaries.push(range);
        }
    }

    /// For each result that goes to the host's memory, where it will be.
    fn leaving(&self) -> Vec<Option<HostCell>> {
        let specs = self.executable.results().iter();
        let is_leaving = |spec: &ArraySpec| spec.memory_kind != MemoryKind::Device;
        specs.map(|spec| is_leaving(spec).then(HostCell::default)).collect()
    }

    /// The results: in new memory, where a donated argument was, or on the host.
    fn outputs(
        &self,
        (new, leaving): (BTreeMap<usize, Range>, &[Option<HostCell>]),
        done: &Event,
    ) -> Vec<Buffer> {
        let new: BTreeMap<usize, Arc<HbmRange>> = (new.into_iter())
            .map(|(index, range)| (index, Arc::new(HbmRange::new(&self.device, range))))
            .collect();
        let views = self.program.executable.results.iter();
        let outputs = views.zip(self.executable.results()).zip(leaving);
        let outputs = outputs.map(|((view, ArraySpec { shape, memory_kind }), cell)| {
            let index = view.slice.allocation.0;
            let storage = match (cell, new.get(&index)) {
                (Some(cell), _) => Storage::Host(Arc::clone(cell)),
                (None, Some(range)) => Storage::Hbm(Arc::clone(range)),
                (None, None) => Storage::Hbm(self.taken_over(index)),
            };
            let kind = (shape.clone(), *memory_kind);
            Buffer::with_kind(&self.device, kind, storage, done.clone())
        });
        outputs.collect()
    }

    /// The memory of the donated argument that is that of a result now.
    fn taken_over(&self, index: usize) -> Arc<HbmRange> {
        let AllocationKind::Parameter(number) = self.program.executable.allocations[index].kind
        else {
            unreachable!("every result has memory")
        };
        let range = self.usable(number).expect("the argument was not copied");
        let mut dispatch = self.device.dispatch();
        dispatch.allocator.rename(range.range(), &self.program.names[index]);
        Arc::clone(range)
    }
}

/// A buffer that is donated must not be another argument too.
fn check_donations(arguments: &[Argument]) -> Result<(), Error> {
    if !arguments.iter().any(|argument| argument.donate) {
        return Ok(());
    }
    let mut first: BTreeMap<usize, (usize, bool)> = BTreeMap::new();
    for (number, Argument { buffer, donate }) in arguments.iter().enumerate() {
        if let Some((other, donated)) = first.insert(buffer.identity(), (number, *donate))
            && (*donate || donated)
        {
            let (number, other) = if *donate { (number, other) } else { (other, number) };
            return Err(Error::DonatedTwice { number, other });
        }
    }
    Ok(())
}
