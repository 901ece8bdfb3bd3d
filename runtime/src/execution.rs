//! One run of a loaded executable: the steps, walked in order on one chip.

use std::sync::{Arc, PoisonError};

use palmetto_compiler::evaluator::{CheckOutcome, EvaluatorOptions, check, evaluate_instruction};
use palmetto_compiler::executable::{
    Executable, Launch, Modelled, Slice, Source, Step, Transfer, View,
};
use palmetto_compiler::hlo::{ArrayLiteral, ElementType, Literal, Shape};
use palmetto_emulator::{Chaos, Chip, ChipTiming, Fault, Ideal, LoadedProgram, Timing};
use palmetto_isa::{Bytes, ChipSpec, Cycles};

use crate::allocator::{Name, Range};
use crate::buffer::{HostCell, filled, read_array, write_array};
use crate::device::bytes;
use crate::host_transfer::{Host, NO_HOST};
use crate::profile::{Origin, Profiler, Report, Work};
use crate::record::Record;
use crate::{Error, SharedError};

/// How long things take. No choice changes a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// As long as on the chip that the program was compiled for.
    Chip,
    /// Nothing is waited for.
    Ideal,
    /// Random durations from a seed.
    Chaos(u64),
}

/// How a program is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunOptions {
    /// Whatever the machine leaves undefined is a fault, and padding holds garbage.
    pub strict: bool,
    /// The clock.
    pub clock: Clock,
    /// Trips that a loop may make in one entry.
    pub max_trips: u64,
}

/// What a run gave.
#[derive(Clone, Debug)]
pub struct Execution {
    /// The results, flattened.
    pub outputs: Vec<Literal>,
    /// Where the time went.
    pub report: Report,
    /// The checks of a self-checking program, in the order in which they ran.
    pub checks: Vec<CheckOutcome>,
}

impl Clock {
    fn timing(self, chip: &ChipSpec) -> Box<dyn Timing> {
        match self {
            Self::Chip => Box::new(ChipTiming::new(chip)),
            Self::Ideal => Box::new(Ideal),
            Self::Chaos(seed) => Box::new(Chaos::new(seed)),
        }
    }
}

/// Whom an execution tells which instruction is about to run.
pub type Watch = Arc<dyn Fn(&str) + Send + Sync>;

/// A program with a place for everything.
pub(crate) struct Placed {
    pub(crate) program: Arc<Program>,
    /// The first granule of each allocation.
    pub(crate) starts: Vec<u32>,
    pub(crate) copies: Vec<ArgumentCopy>,
    /// For each result that goes to the host's memory, where it will be.
    pub(crate) leaving: Vec<Option<HostCell>>,
    pub(crate) options: RunOptions,
    pub(crate) watch: Option<Watch>,
    pub(crate) host: Option<Host>,
}

/// Where an argument is that a program gets a copy of. It owns nothing: memory is not given back
/// when work is done, but when it is dispatched.
pub(crate) enum CopySource {
    Hbm(Range),
    Host(HostCell),
}

/// A copy of an argument that the program writes over and the caller keeps, or that is in the
/// host's memory.
pub(crate) struct ArgumentCopy {
    pub(crate) number: usize,
    pub(crate) source: CopySource,
    pub(crate) target: Range,
}

/// A compiled program with its bundles decoded.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) executable: Arc<Executable>,
    pub(crate) bundles: Vec<LoadedProgram>,
    /// What out-of-memory messages call the allocations.
    pub(crate) names: Vec<Name>,
}

impl Placed {
    /// Runs the program on a chip that has the arguments and the constants in their places.
    pub(crate) fn run(&self, chip: &mut Chip) -> Result<Record, SharedError> {
        let executable = &self.program.executable;
        let timing = self.options.clock.timing(chip.spec());
        let profiler = Profiler::new(chip.spec());
        let mut run = Run { placed: self, chip, timing, profiler, checks: Vec::new() };
        self.copies.iter().try_for_each(|copy| run.copy_argument(copy))?;
        run.steps(&executable.steps)?;
        for (view, cell) in executable.results.iter().zip(&self.leaving) {
            if let Some(cell) = cell {
                let _ = cell.set(run.read("result", view)?);
            }
        }
        let Run { profiler, checks, .. } = run;
        Ok(Record { executable: Arc::clone(executable), profiler, checks })
    }

    /// The granule that a slice starts at.
    pub(crate) fn granule(&self, slice: Slice) -> u32 {
        self.starts[slice.allocation.0] + slice.offset
    }
}

struct Run<'a> {
    placed: &'a Placed,
    chip: &'a mut Chip,
    timing: Box<dyn Timing>,
    profiler: Profiler,
    checks: Vec<CheckOutcome>,
}

impl Run<'_> {
    fn copy_argument(&mut self, copy: &ArgumentCopy) -> Result<(), SharedError> {
        let ArgumentCopy { number, source, target } = copy;
        let name = format!("copy of argument {number}");
        let source = match source {
            CopySource::Hbm(range) => range,
            CopySource::Host(cell) => {
                let view = &self.placed.program.executable.parameters[*number];
                return write_array(self.chip, target.start, &view.shape, filled(cell));
            }
        };
        let copied = self.chip.copy_hbm(source.start, target.start, source.granules);
        copied.map_err(|fault| Arc::new(Error::fault(&name, fault)))?;
        let moved = bytes(2 * u64::from(source.granules));
        let origin =
            Origin { instruction: name, description: "copy".to_owned(), ..Origin::default() };
        let work = Work { flops: 0, bytes: moved };
        let cycles = copy_cycles(self.chip.spec(), moved);
        self.profiler.modelled(&origin, work, cycles, "2 x bytes / achieved HBM bandwidth");
        Ok(())
    }

    fn steps(&mut self, steps: &[Step]) -> Result<(), SharedError> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    fn step(&mut self, step: &Step) -> Result<(), SharedError> {
        match step {
            Step::Launch(launch) => self.launch(launch),
            Step::Modelled(modelled) => self.modelled(modelled),
            Step::While { source, condition, predicate, body } => {
                let open = self.profiler.enter_loop(&origin(source));
                let mut trips = 0;
                while self.holds(source, condition, predicate)? {
                    if trips == self.placed.options.max_trips {
                        let instruction = source.instruction.clone();
                        return Err(Arc::new(Error::TooManyTrips { instruction, limit: trips }));
                    }
                    self.steps(body)?;
                    trips += 1;
                }
                self.profiler.leave_loop(open, trips);
                Ok(())
            }
            Step::Conditional { source, index, branches } => {
                let index = self.read(&source.instruction, index)?;
                match branches.get(branch(&index, branches.len())) {
                    Some(steps) => self.steps(steps),
                    None => Ok(()),
                }
            }
            Step::Copy { source, from, to, cycles, formula } => {
                let array = self.read(&source.instruction, from)?;
                self.write(to, &array)?;
                self.profiler.modelled(&origin(source), work(source), *cycles, formula);
                Ok(())
            }
            Step::Send(transfer) => self.send(transfer),
            Step::Recv(transfer) => self.receive(transfer),
            Step::Check { source, target, operands } => {
                let [actual, expected] = &operands[..] else {
                    unreachable!("a check has two operands, the verifier says")
                };
                let actual = self.read(&source.instruction, actual)?.into();
                let expected = self.read(&source.instruction, expected)?.into();
                self.checks.extend(check(target, &actual, &expected));
                Ok(())
            }
        }
    }

    fn holds(
        &mut self,
        source: &Source,
        steps: &[Step],
        predicate: &View,
    ) -> Result<bool, SharedError> {
        self.steps(steps)?;
        Ok(self.read(&source.instruction, predicate)?.bits(0) != 0)
    }

    fn launch(&mut self, launch: &Launch) -> Result<(), SharedError> {
        let source = &launch.source;
        self.tell(source);
        let program = &self.placed.program.bundles[launch.program];
        let arguments: Vec<u32> =
            launch.arguments.iter().map(|&slice| self.placed.granule(slice)).collect();
        let report = self.chip.launch_loaded(program, &arguments, &mut *self.timing);
        let report = report.map_err(|fault| fault_at(source, fault))?;
        self.profiler.scheduled(&origin(source), work(source), &report);
        Ok(())
    }

    fn modelled(&mut self, modelled: &Modelled) -> Result<(), SharedError> {
        let source = &modelled.source;
        self.tell(source);
        let operands = modelled.operands.iter().map(|view| self.read(&source.instruction, view));
        let operands: Vec<Literal> =
            operands.map(|array| array.map(Literal::Array)).collect::<Result<_, _>>()?;
        let Modelled { module, computation, instruction, .. } = modelled;
        let options = self.evaluator();
        let evaluation =
            evaluate_instruction(module, *computation, *instruction, &operands, &options);
        let evaluation = evaluation.map_err(|error| Arc::new(Error::from(error)))?;
        let result = evaluation.result;
        // `check.eq` has a value, so it runs as a modelled step.
        self.checks.extend(evaluation.checks);
        for (array, view) in leaves(&result).into_iter().zip(&modelled.results) {
            self.write(view, array)?;
        }
        let Modelled { cycles, formula, .. } = modelled;
        self.profiler.modelled(&origin(source), work(source), *cycles, formula);
        Ok(())
    }

    fn send(&mut self, transfer: &Transfer) -> Result<(), SharedError> {
        let source = &transfer.source;
        self.tell(source);
        let data = self.read(&source.instruction, &transfer.view)?;
        let failed = |message| Arc::new(transfer_error(transfer, "send", message));
        let host = host_of(self.placed, transfer).map_err(failed)?;
        let mut host = host.lock().unwrap_or_else(PoisonError::into_inner);
        host.send(transfer.channel_id, &data.into()).map_err(failed)?;
        let Transfer { cycles, formula, .. } = transfer;
        self.profiler.modelled(&origin(source), work(source), *cycles, formula);
        Ok(())
    }

    fn receive(&mut self, transfer: &Transfer) -> Result<(), SharedError> {
        let source = &transfer.source;
        self.tell(source);
        let failed = |message| Arc::new(transfer_error(transfer, "recv", message));
        let shape = Shape::Array(transfer.view.shape.without_layout());
        let host = host_of(self.placed, transfer).map_err(failed)?;
        let mut host = host.lock().unwrap_or_else(PoisonError::into_inner);
        let received = host.receive(transfer.channel_id, &shape).map_err(failed)?;
        let given = received.shape();
        let array = received.as_array().ok().filter(|_| given.same_but_layout(&shape));
        let wrong = || failed(format!("the host gave {given}, the program waits for {shape}"));
        self.write(&transfer.view, array.ok_or_else(wrong)?)?;
        let Transfer { cycles, formula, .. } = transfer;
        self.profiler.modelled(&origin(source), work(source), *cycles, formula);
        Ok(())
    }

    fn tell(&self, source: &Source) {
        if let Some(watch) = &self.placed.watch {
            watch(&source.instruction);
        }
    }

    fn evaluator(&self) -> EvaluatorOptions {
        EvaluatorOptions {
            loop_limit: self.placed.options.max_trips,
            default_dot_precision: self.placed.program.executable.default_precision,
            ..EvaluatorOptions::default()
        }
    }

    fn read(&self, what: &str, view: &View) -> Result<ArrayLiteral, SharedError> {
        read_array(self.chip, self.placed.granule(view.slice), &view.shape, what)
    }

    fn write(&mut self, view: &View, array: &ArrayLiteral) -> Result<(), SharedError> {
        write_array(self.chip, self.placed.granule(view.slice), &view.shape, array)
    }
}

/// The host's side of a transfer, if there is one.
fn host_of<'p>(placed: &'p Placed, transfer: &Transfer) -> Result<&'p Host, String> {
    if !transfer.is_host_transfer {
        let message = "transfers between devices are not supported, is_host_transfer=true is";
        return Err(message.to_owned());
    }
    placed.host.as_ref().ok_or_else(|| NO_HOST.to_owned())
}

fn transfer_error(transfer: &Transfer, kind: &'static str, message: String) -> Error {
    let Transfer { source, channel_id: channel, .. } = transfer;
    let place = location(source).map(|place| format!(" ({place})")).unwrap_or_default();
    let instruction = source.instruction.clone();
    Error::HostTransfer { instruction, place, kind, channel: *channel, message }
}

/// The time of a copy in HBM that moves so many bytes in and out.
fn copy_cycles(chip: &ChipSpec, moved: Bytes) -> Cycles {
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let seconds = moved.0 as f64 / chip.hbm_bytes_per_second + chip.dma_latency_ns * 1e-9;
    let cycles = (seconds * f64::from(chip.clock_mhz) * 1e6).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "far below 2^63")]
    Cycles(cycles as u64)
}

fn leaves(literal: &Literal) -> Vec<&ArrayLiteral> {
    match literal {
        Literal::Array(array) => vec![array],
        Literal::Tuple(elements) => elements.iter().flat_map(leaves).collect(),
    }
}

/// Which branch: true is branch 0 of two; an index out of range means the last branch.
fn branch(index: &ArrayLiteral, n_branches: usize) -> usize {
    let last = n_branches.saturating_sub(1);
    if index.element_type() == ElementType::Pred {
        return usize::from(index.bits(0) == 0);
    }
    let index = index.get_i64(0).and_then(|index| usize::try_from(index).ok());
    index.filter(|&index| index < n_branches).unwrap_or(last)
}

fn origin(source: &Source) -> Origin {
    Origin {
        instruction: source.instruction.clone(),
        description: source.description.clone(),
        op_name: source.metadata.op_name.clone(),
        location: location(source),
    }
}

fn location(source: &Source) -> Option<String> {
    let file = source.metadata.source_file.as_ref()?;
    Some(match source.metadata.source_line {
        Some(line) => format!("{file}:{line}"),
        None => file.clone(),
    })
}

fn work(source: &Source) -> Work {
    Work { flops: source.flops, bytes: source.bytes }
}

fn fault_at(source: &Source, fault: Fault) -> SharedError {
    let place = location(source).map(|place| format!(" ({place})")).unwrap_or_default();
    Arc::new(Error::Fault { instruction: source.instruction.clone(), place, source: fault })
}
