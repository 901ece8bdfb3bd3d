//! One run of a loaded executable: the steps, walked in order on one chip.

use palmetto_compiler::analysis::granules_of;
use palmetto_compiler::evaluator::{CheckOutcome, EvaluatorOptions, check, evaluate_instruction};
use palmetto_compiler::executable::{Launch, Modelled, Source, Step, Transfer, View};
use palmetto_compiler::hlo::{ArrayLiteral, ElementType, Literal, Shape};
use palmetto_emulator::{Chaos, Chip, ChipTiming, EmulatorOptions, Fault, Ideal, Timing};
use palmetto_isa::{ChipSpec, memory::GRANULE_BYTES};

use crate::profile::{Origin, Profiler, Report, Work};
use crate::{Error, HostTransfer, LoadedExecutable, transfer};

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

/// Padding of arrays in strict runs: NaN in every float type.
const GARBAGE: u8 = 0xFF;

impl Clock {
    fn timing(self, chip: &ChipSpec) -> Box<dyn Timing> {
        match self {
            Self::Chip => Box::new(ChipTiming::new(chip)),
            Self::Ideal => Box::new(Ideal),
            Self::Chaos(seed) => Box::new(Chaos::new(seed)),
        }
    }
}

/// Runs `loaded` with inputs that were checked to fit.
pub(crate) fn run(
    loaded: &LoadedExecutable,
    inputs: &[Literal],
    options: &RunOptions,
    (watch, host): (&mut dyn FnMut(&str), &mut dyn HostTransfer),
) -> Result<Execution, Error> {
    let chip = loaded.executable.chip;
    let emulator = EmulatorOptions {
        strict: options.strict,
        hbm_bytes: loaded.hbm().0,
        ..EmulatorOptions::default()
    };
    let mut run = Run {
        loaded,
        options: *options,
        chip: Chip::new(chip, &emulator),
        timing: options.clock.timing(&chip),
        profiler: Profiler::new(&chip),
        watch,
        host,
        checks: Vec::new(),
    };
    run.write_inputs(inputs)?;
    run.steps(&loaded.executable.steps)?;
    let outputs = loaded.executable.results.iter().map(|view| run.read("result", view));
    let outputs = outputs.map(|array| array.map(Literal::Array)).collect::<Result<_, _>>()?;
    let report = run.profiler.finish(&loaded.executable.name, loaded.hbm());
    Ok(Execution { outputs, report, checks: run.checks })
}

struct Run<'a> {
    loaded: &'a LoadedExecutable,
    options: RunOptions,
    chip: Chip,
    timing: Box<dyn Timing>,
    profiler: Profiler,
    watch: &'a mut dyn FnMut(&str),
    host: &'a mut dyn HostTransfer,
    checks: Vec<CheckOutcome>,
}

impl Run<'_> {
    fn write_inputs(&mut self, inputs: &[Literal]) -> Result<(), Error> {
        let padding = if self.options.strict { GARBAGE } else { 0 };
        for (start, bytes) in self.loaded.constants(padding) {
            self.chip.write_hbm(start, &bytes).map_err(|fault| fault_of("constant", fault))?;
        }
        for (input, view) in inputs.iter().zip(&self.loaded.executable.parameters) {
            let array = input.as_array().expect("the inputs were checked");
            self.write("parameter", view, array)?;
        }
        Ok(())
    }

    fn steps(&mut self, steps: &[Step]) -> Result<(), Error> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    fn step(&mut self, step: &Step) -> Result<(), Error> {
        match step {
            Step::Launch(launch) => self.launch(launch),
            Step::Modelled(modelled) => self.modelled(modelled),
            Step::While { source, condition, predicate, body } => {
                let open = self.profiler.enter_loop(&origin(source));
                let mut trips = 0;
                while self.holds(source, condition, predicate)? {
                    if trips == self.options.max_trips {
                        let instruction = source.instruction.clone();
                        return Err(Error::TooManyTrips { instruction, limit: trips });
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
                self.write(&source.instruction, to, &array)?;
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

    fn holds(&mut self, source: &Source, steps: &[Step], predicate: &View) -> Result<bool, Error> {
        self.steps(steps)?;
        Ok(self.read(&source.instruction, predicate)?.bits(0) != 0)
    }

    fn launch(&mut self, launch: &Launch) -> Result<(), Error> {
        let source = &launch.source;
        (self.watch)(&source.instruction);
        let program = &self.loaded.programs[launch.program];
        let arguments: Vec<u32> =
            launch.arguments.iter().map(|&slice| self.loaded.granule(slice)).collect();
        let report = self.chip.launch_loaded(program, &arguments, &mut *self.timing);
        let report = report.map_err(|fault| fault_at(source, fault))?;
        self.profiler.scheduled(&origin(source), work(source), &report);
        Ok(())
    }

    fn modelled(&mut self, modelled: &Modelled) -> Result<(), Error> {
        let source = &modelled.source;
        (self.watch)(&source.instruction);
        let operands = modelled.operands.iter().map(|view| self.read(&source.instruction, view));
        let operands: Vec<Literal> =
            operands.map(|array| array.map(Literal::Array)).collect::<Result<_, _>>()?;
        let Modelled { module, computation, instruction, .. } = modelled;
        let options = self.evaluator();
        let evaluation =
            evaluate_instruction(module, *computation, *instruction, &operands, &options)?;
        let result = evaluation.result;
        // `check.eq` has a value, so it runs as a modelled step.
        self.checks.extend(evaluation.checks);
        for (array, view) in leaves(&result).into_iter().zip(&modelled.results) {
            self.write(&source.instruction, view, array)?;
        }
        let Modelled { cycles, formula, .. } = modelled;
        self.profiler.modelled(&origin(source), work(source), *cycles, formula);
        Ok(())
    }

    fn send(&mut self, transfer: &Transfer) -> Result<(), Error> {
        (self.watch)(&transfer.source.instruction);
        require_host(transfer, "send")?;
        let data = self.read(&transfer.source.instruction, &transfer.view)?;
        let sent = self.host.send(transfer.channel_id, &data.into());
        sent.map_err(|message| transfer_error(transfer, "send", message))?;
        let Transfer { source, cycles, formula, .. } = transfer;
        self.profiler.modelled(&origin(source), work(source), *cycles, formula);
        Ok(())
    }

    fn receive(&mut self, transfer: &Transfer) -> Result<(), Error> {
        (self.watch)(&transfer.source.instruction);
        require_host(transfer, "recv")?;
        let shape = Shape::Array(transfer.view.shape.without_layout());
        let received = self.host.receive(transfer.channel_id, &shape);
        let received = received.map_err(|message| transfer_error(transfer, "recv", message))?;
        let given = received.shape();
        let array = received.as_array().ok().filter(|_| given.same_but_layout(&shape));
        let array = array.ok_or_else(|| {
            let message = format!("the host gave {given}, the program waits for {shape}");
            transfer_error(transfer, "recv", message)
        })?;
        self.write(&transfer.source.instruction, &transfer.view, array)?;
        let Transfer { source, cycles, formula, .. } = transfer;
        self.profiler.modelled(&origin(source), work(source), *cycles, formula);
        Ok(())
    }

    fn evaluator(&self) -> EvaluatorOptions {
        EvaluatorOptions {
            loop_limit: self.options.max_trips,
            default_dot_precision: self.loaded.executable.default_precision,
            ..EvaluatorOptions::default()
        }
    }

    fn read(&self, what: &str, view: &View) -> Result<ArrayLiteral, Error> {
        if view.shape.is_token() {
            // Nothing is ever written there.
            return Ok(ArrayLiteral::zeros(&view.shape));
        }
        let granule = self.loaded.granule(view.slice);
        let bytes = self.chip.read_hbm(granule, view.shape.physical_byte_size());
        let bytes = bytes.map_err(|fault| fault_of(what, fault))?;
        let array = transfer::from_device(bytes, &view.shape);
        array.map_err(|source| Error::Value { what: what.to_owned(), source })
    }

    fn write(&mut self, what: &str, view: &View, array: &ArrayLiteral) -> Result<(), Error> {
        let padding = if self.options.strict { GARBAGE } else { 0 };
        let mut bytes = transfer::to_device(array, &view.shape, padding);
        // Rows of tiles that only fill up packed registers are padding too.
        bytes.resize(granules_of(&view.shape) as usize * GRANULE_BYTES, padding);
        let granule = self.loaded.granule(view.slice);
        self.chip.write_hbm(granule, &bytes).map_err(|fault| fault_of(what, fault))
    }
}

/// An error of a transfer with another device.
fn require_host(transfer: &Transfer, kind: &'static str) -> Result<(), Error> {
    if transfer.is_host_transfer {
        return Ok(());
    }
    let message = "transfers between devices are not supported, is_host_transfer=true is";
    Err(transfer_error(transfer, kind, message.to_owned()))
}

fn transfer_error(transfer: &Transfer, kind: &'static str, message: String) -> Error {
    let Transfer { source, channel_id: channel, .. } = transfer;
    let place = location(source).map(|place| format!(" ({place})")).unwrap_or_default();
    let instruction = source.instruction.clone();
    Error::HostTransfer { instruction, place, kind, channel: *channel, message }
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

fn fault_at(source: &Source, fault: Fault) -> Error {
    let place = location(source).map(|place| format!(" ({place})")).unwrap_or_default();
    Error::Fault { instruction: source.instruction.clone(), place, source: fault }
}

fn fault_of(what: &str, fault: Fault) -> Error {
    Error::Fault { instruction: what.to_owned(), place: String::new(), source: fault }
}
