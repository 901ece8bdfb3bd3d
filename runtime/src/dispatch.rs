//! The dispatch of an execution on one device: memory for what it makes, and the work itself.
//!
//! Results and temporaries get their memory now. Temporaries give it back at once, and so do donated
//! arguments that no result lies in: what is dispatched next may have it, for that runs later.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock, PoisonError};

use palmetto_compiler::executable::AllocationKind;
use palmetto_compiler::hlo::{ArrayShape, Shape};

use crate::Error;
use crate::allocator::Range;
use crate::buffer::{Buffer, Storage};
use crate::device::{Device, Dispatch, HbmRange, failure_of};
use crate::event::Event;
use crate::executable::{Argument, Executable, Launched, Resident};
use crate::execution::{Placed, Program, RunOptions, Watch};
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
    /// The buffer that is deleted.
    donated: Option<Buffer>,
}

/// Where everything is.
struct Places {
    starts: Vec<u32>,
    /// Results by allocation.
    results: BTreeMap<usize, Range>,
    temporaries: Vec<Range>,
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
                    return Ok(Prepared { range, ready: buffer.ready().clone(), donated });
                }
                let copy = buffer.with_layout_of(shape)?;
                match copy.place()? {
                    Storage::Hbm(range) => {
                        Ok(Prepared { range, ready: copy.ready().clone(), donated })
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
        let Places { starts, results, temporaries } = places;
        let needed = self.needed();
        let placed = Placed {
            program: Arc::clone(&self.program),
            starts,
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
        let outputs = self.outputs(&results, &done);
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
            results: BTreeMap::new(),
            temporaries: Vec::new(),
        };
        for (constant, range) in &self.residents[self.index].constants {
            places.starts[*constant] = range.start;
        }
        for (index, allocation) in allocations.iter().enumerate() {
            let range = match allocation.kind {
                AllocationKind::Constant { .. } => continue,
                AllocationKind::Parameter(number) => {
                    places.starts[index] = self.arguments[number].range.range().start;
                    continue;
                }
                AllocationKind::Result | AllocationKind::Temporary => {
                    let name = &self.program.names[index];
                    self.device.allocate(dispatch, allocation.granules, name)
                }
            };
            match range {
                Ok(range) => places.add(index, range, &allocation.kind),
                Err(error) => {
                    let taken = places.results.into_values().chain(places.temporaries);
                    taken.for_each(|range| self.device.release(dispatch, range));
                    return Err(error);
                }
            }
        }
        Ok(places)
    }

    fn outputs(&self, results: &BTreeMap<usize, Range>, done: &Event) -> Vec<Buffer> {
        let views = &self.program.executable.results;
        let outputs = views.iter().zip(self.executable.results()).map(|(view, spec)| {
            let range = results[&view.slice.allocation.0];
            let storage = Storage::Hbm(Arc::new(HbmRange::new(&self.device, range)));
            Buffer::new(&self.device, spec.shape.clone(), storage, done.clone())
        });
        outputs.collect()
    }
}

impl Places {
    fn add(&mut self, index: usize, range: Range, kind: &AllocationKind) {
        self.starts[index] = range.start;
        if matches!(kind, AllocationKind::Result) {
            self.results.insert(index, range);
        } else {
            self.temporaries.push(range);
        }
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
