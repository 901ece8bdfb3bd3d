//! The dispatch of an execution on one device: memory for what it makes, and the work itself.
//!
//! Results and temporaries get their memory now. Temporaries give it back at once, and so do donated
//! arguments that no result lies in: what is dispatched next may have it, for that runs later.
//!
//! A program may write over parameters that it asks for as donations. If the caller does not donate
//! such an argument, the program gets a copy.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError};

use palmetto_compiler::executable::{AllocationKind, View};
use palmetto_compiler::hlo::{ArrayShape, Shape};

use crate::Error;
use crate::allocator::Range;
use crate::buffer::{Buffer, Storage};
use crate::device::{Device, Dispatch, HbmRange, failure_of};
use crate::event::Event;
use crate::executable::{Argument, Executable, Launched, Resident};
use crate::execution::{ArgumentCopy, Placed, Program, RunOptions, Watch};
use crate::record::Record;

/// Filled if the execution went well, before its event is ready.
pub(crate) type RecordCell = Arc<OnceLock<Arc<Record>>>;

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
    pub(crate) arguments: Vec<Prepared>,
}

/// An argument that fits.
pub(crate) struct Prepared {
    range: Arc<HbmRange>,
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
            let prepared = self.prepare(number, argument, &spec.shape)?;
            self.arguments.push(prepared);
        }
        Ok(self)
    }

    fn prepare(
        &self,
        number: usize,
        argument: &Argument,
        shape: &ArrayShape,
    ) -> Result<Prepared, Error> {
        let buffer = &argument.buffer;
        if !buffer.shape().same_but_layout(shape) {
            let given = Box::new(Shape::Array(buffer.shape().without_layout()));
            let expected = Box::new(shape.without_layout());
            return Err(Error::ArgumentShape { number, given, expected });
        }
        let donated = argument.donate.then(|| buffer.clone());
        match buffer.place()? {
            Storage::Hbm(range) if buffer.device() == &self.device => {
                if buffer.shape() == shape {
                    let (ready, is_free) = (buffer.ready().clone(), argument.donate);
                    return Ok(Prepared { range, ready, is_free, donated });
                }
                let copy = buffer.with_layout_of(shape)?;
                match copy.place()? {
                    Storage::Hbm(range) => {
                        let ready = copy.ready().clone();
                        Ok(Prepared { range, ready, is_free: true, donated })
                    }
                    Storage::Host(_) => unreachable!("the copy is in HBM"),
                }
            }
            Storage::Hbm(_) | Storage::Host(_) => Err(Error::ArgumentMemory {
                number,
                given: buffer.memory_kind().name(),
                given_device: buffer.device().id(),
                expected: "device",
                device: self.device.id(),
            }),
        }
    }

    /// Dispatches.
    ///
    /// # Errors
    /// There is not enough memory; then nothing has changed.
    pub(crate) fn dispatch(mut self) -> Result<(Launched, RecordCell), Error> {
        let (done, promise) = Event::pending();
        let record = RecordCell::default();
        let device = self.device.clone();
        let mut dispatch = device.dispatch();
        let places = self.places(&mut dispatch)?;
        let Places { starts, new, temporaries, copies } = places;
        let needed = self.needed();
        let placed = Placed {
            program: Arc::clone(&self.program),
            starts,
            copies,
            options: self.options,
            watch: self.watch.take(),
        };
        let backed = dispatch.allocator.high_water();
        let (last, cell) = (device.last(), Arc::clone(&record));
        device.stream().push(move |on_device| {
            let ran = match failure_of(&needed) {
                Some(error) => Err(error),
                None => placed.run(on_device.chip(backed)),
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
        let outputs = self.outputs(new, &done);
        Ok((Launched { outputs, done }, record))
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
                && !self.needs_copy(number)
            {
                places.starts[index] = self.arguments[number].range.range().start;
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

    /// Whether the program writes over a parameter whose argument is needed later.
    fn needs_copy(&self, number: usize) -> bool {
        !self.arguments[number].is_free
            && self.program.executable.overwritten.binary_search(&number).is_ok()
    }

    fn add(&self, places: &mut Places, index: usize, range: Range) {
        places.starts[index] = range.start;
        let executable = &self.program.executable;
        match executable.allocations[index].kind {
            AllocationKind::Parameter(number) => {
                let source = self.arguments[number].range.range();
                places.copies.push(ArgumentCopy { number, source, target: range });
                let is_result = |view: &View| view.slice.allocation.0 == index;
                if executable.results.iter().any(is_result) {
                    places.new.insert(index, range);
                } else {
                    places.temporaries.push(range);
                }
            }
            AllocationKind::Result => _ = places.new.insert(index, range),
            AllocationKind::Temporary => places.temporaries.push(range),
            AllocationKind::Constant { .. } => {}
        }
    }

    /// The results: in new memory, or where a donated argument was.
    fn outputs(&self, new: BTreeMap<usize, Range>, done: &Event) -> Vec<Buffer> {
        let executable = &self.program.executable;
        let new: BTreeMap<usize, Arc<HbmRange>> = (new.into_iter())
            .map(|(index, range)| (index, Arc::new(HbmRange::new(&self.device, range))))
            .collect();
        let outputs =
            executable.results.iter().zip(self.executable.results()).map(|(view, spec)| {
                let index = view.slice.allocation.0;
                let range = match (new.get(&index), &executable.allocations[index].kind) {
                    (Some(range), _) => range,
                    (None, AllocationKind::Parameter(number)) => {
                        let range = &self.arguments[*number].range;
                        let mut dispatch = self.device.dispatch();
                        dispatch.allocator.rename(range.range(), &self.program.names[index]);
                        range
                    }
                    (None, _) => unreachable!("every result has memory"),
                };
                let storage = Storage::Hbm(Arc::clone(range));
                Buffer::new(&self.device, spec.shape.clone(), storage, done.clone())
            });
        outputs.collect()
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
