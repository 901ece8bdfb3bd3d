//! Steps as plain data, in a list instead of a tree: reading them needs no deep recursion.

use std::slice::Iter;
use std::sync::Arc;

use palmetto_compiler::executable::{Launch, Modelled, Source, Step, Transfer, View};
use palmetto_compiler::hlo::{CheckParameters, CustomCallTarget, Metadata, Module};
use palmetto_isa::{Bytes, Cycles};
use serde::{Deserialize, Serialize};

use super::image::{SliceImage, ViewImage, index, invalid};
use crate::Error;

/// How deep loops and branches may be nested.
const MAX_DEPTH: u32 = 200;

/// A step. Those inside of it follow it in the list.
#[derive(Serialize, Deserialize)]
pub(super) struct StepImage {
    source: SourceImage,
    kind: StepKind,
}

#[derive(Serialize, Deserialize)]
enum StepKind {
    Launch {
        program: u32,
        arguments: Vec<SliceImage>,
        n_results: u32,
    },
    Modelled {
        computation: String,
        instruction: String,
        operands: Vec<ViewImage>,
        results: Vec<ViewImage>,
        cycles: u64,
        formula: String,
    },
    While {
        n_condition: u32,
        predicate: ViewImage,
        n_body: u32,
    },
    Conditional {
        index: ViewImage,
        n_steps: Vec<u32>,
    },
    Copy {
        from: ViewImage,
        to: ViewImage,
        cycles: u64,
        formula: String,
    },
    Transfer {
        is_send: bool,
        channel_id: i64,
        is_host_transfer: bool,
        view: ViewImage,
        cycles: u64,
        formula: String,
    },
    Check {
        target: String,
        tolerance: Option<f64>,
        max_ulp_difference: Option<u64>,
        min_ulp_difference: Option<u64>,
        operands: Vec<ViewImage>,
    },
}

#[derive(Serialize, Deserialize)]
struct SourceImage {
    instruction: String,
    description: String,
    op_name: Option<String>,
    source_file: Option<String>,
    source_line: Option<u32>,
    source_column: Option<u32>,
    flops: u64,
    bytes: u64,
}

/// Appends steps to the list; how many there are on this level.
pub(super) fn flatten(steps: &[Step], list: &mut Vec<StepImage>) -> u32 {
    for step in steps {
        let at = list.len();
        list.push(StepImage::of(step));
        match step {
            Step::While { condition, predicate, body, .. } => {
                let n_condition = flatten(condition, list);
                let n_body = flatten(body, list);
                let predicate = ViewImage::of(predicate);
                list[at].kind = StepKind::While { n_condition, predicate, n_body };
            }
            Step::Conditional { index, branches, .. } => {
                let n_steps = branches.iter().map(|branch| flatten(branch, list)).collect();
                list[at].kind = StepKind::Conditional { index: ViewImage::of(index), n_steps };
            }
            Step::Launch(_)
            | Step::Modelled(_)
            | Step::Copy { .. }
            | Step::Send(_)
            | Step::Recv(_)
            | Step::Check { .. } => {}
        }
    }
    index(steps.len())
}

impl StepImage {
    fn of(step: &Step) -> Self {
        let views = |views: &[View]| views.iter().map(ViewImage::of).collect();
        let (source, kind) = match step {
            Step::Launch(Launch { source, program, arguments, n_results }) => {
                let arguments = arguments.iter().map(|slice| SliceImage::of(*slice)).collect();
                let (program, n_results) = (index(*program), index(*n_results));
                (source, StepKind::Launch { program, arguments, n_results })
            }
            Step::Modelled(modelled) => {
                let computation = modelled.module.computation(modelled.computation);
                let instruction = computation.instruction(modelled.instruction);
                let kind = StepKind::Modelled {
                    computation: computation.name().to_owned(),
                    instruction: instruction.name().to_owned(),
                    operands: views(&modelled.operands),
                    results: views(&modelled.results),
                    cycles: modelled.cycles.0,
                    formula: modelled.formula.clone(),
                };
                (&modelled.source, kind)
            }
            Step::While { source, predicate, .. } => {
                let predicate = ViewImage::of(predicate);
                (source, StepKind::While { n_condition: 0, predicate, n_body: 0 })
            }
            Step::Conditional { source, index, .. } => {
                let index = ViewImage::of(index);
                (source, StepKind::Conditional { index, n_steps: Vec::new() })
            }
            Step::Copy { source, from, to, cycles, formula } => {
                let (from, to) = (ViewImage::of(from), ViewImage::of(to));
                (source, StepKind::Copy { from, to, cycles: cycles.0, formula: formula.clone() })
            }
            Step::Send(transfer) => (&transfer.source, transfer_image(transfer, true)),
            Step::Recv(transfer) => (&transfer.source, transfer_image(transfer, false)),
            Step::Check { source, target, operands } => {
                (source, check_image(target, views(operands)))
            }
        };
        Self { source: SourceImage::of(source), kind }
    }
}

fn transfer_image(transfer: &Transfer, is_send: bool) -> StepKind {
    StepKind::Transfer {
        is_send,
        channel_id: transfer.channel_id,
        is_host_transfer: transfer.is_host_transfer,
        view: ViewImage::of(&transfer.view),
        cycles: transfer.cycles.0,
        formula: transfer.formula.clone(),
    }
}

fn check_image(target: &CustomCallTarget, operands: Vec<ViewImage>) -> StepKind {
    let parameters = match target {
        CustomCallTarget::CheckExpectEq(parameters)
        | CustomCallTarget::CheckExpectAlmostEq(parameters)
        | CustomCallTarget::CheckExpectClose(parameters)
        | CustomCallTarget::CheckEq(parameters) => *parameters,
        CustomCallTarget::Eigh(_)
        | CustomCallTarget::LuDecomposition
        | CustomCallTarget::ProductOfElementaryHouseholderReflectors
        | CustomCallTarget::Qr
        | CustomCallTarget::Other(_) => CheckParameters::default(),
    };
    let CheckParameters { tolerance, max_ulp_difference, min_ulp_difference, .. } = parameters;
    StepKind::Check {
        target: target.name().to_owned(),
        tolerance,
        max_ulp_difference,
        min_ulp_difference,
        operands,
    }
}

fn transfer(source: Source, kind: &StepKind) -> Result<Step, Error> {
    let StepKind::Transfer { is_send, channel_id, is_host_transfer, view, cycles, formula } = kind
    else {
        unreachable!("the caller has looked")
    };
    let transfer = Transfer {
        source,
        channel_id: *channel_id,
        is_host_transfer: *is_host_transfer,
        view: view.view()?,
        cycles: Cycles(*cycles),
        formula: formula.clone(),
    };
    Ok(if *is_send { Step::Send(transfer) } else { Step::Recv(transfer) })
}

/// The tree of steps: the list has `n` on the outermost level.
pub(super) fn rebuild(
    list: &[StepImage],
    n: u32,
    module: &Arc<Module>,
) -> Result<Vec<Step>, Error> {
    let mut reader = Reader { rest: list.iter(), module, depth: 0 };
    let steps = reader.steps(n)?;
    match reader.rest.len() {
        0 => Ok(steps),
        more => Err(invalid(format!("{more} steps are in nothing"))),
    }
}

struct Reader<'a> {
    rest: Iter<'a, StepImage>,
    module: &'a Arc<Module>,
    depth: u32,
}

impl Reader<'_> {
    fn steps(&mut self, n: u32) -> Result<Vec<Step>, Error> {
        if n as usize > self.rest.len() {
            return Err(invalid("steps are missing"));
        }
        if self.depth == MAX_DEPTH {
            return Err(invalid(format!("steps are nested deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        let steps = (0..n).map(|_| self.step()).collect();
        self.depth -= 1;
        steps
    }

    fn step(&mut self) -> Result<Step, Error> {
        let Some(StepImage { source, kind }) = self.rest.next() else {
            return Err(invalid("steps are missing"));
        };
        let source = source.source();
        Ok(match kind {
            StepKind::Launch { program, arguments, n_results } => Step::Launch(Launch {
                source,
                program: *program as usize,
                arguments: arguments.iter().map(SliceImage::slice).collect(),
                n_results: *n_results as usize,
            }),
            StepKind::Modelled { .. } => self.modelled(source, kind)?,
            StepKind::While { n_condition, predicate, n_body } => Step::While {
                source,
                condition: self.steps(*n_condition)?,
                predicate: predicate.view()?,
                body: self.steps(*n_body)?,
            },
            StepKind::Conditional { index, n_steps } => Step::Conditional {
                source,
                index: index.view()?,
                branches: n_steps.iter().map(|&n| self.steps(n)).collect::<Result<_, _>>()?,
            },
            StepKind::Copy { from, to, cycles, formula } => Step::Copy {
                source,
                from: from.view()?,
                to: to.view()?,
                cycles: Cycles(*cycles),
                formula: formula.clone(),
            },
            StepKind::Transfer { .. } => transfer(source, kind)?,
            StepKind::Check {
                target,
                tolerance,
                max_ulp_difference,
                min_ulp_difference,
                operands,
            } => {
                let parameters = CheckParameters {
                    tolerance: *tolerance,
                    max_ulp_difference: *max_ulp_difference,
                    min_ulp_difference: *min_ulp_difference,
                    ..CheckParameters::default()
                };
                let target = CustomCallTarget::from_name(target, parameters);
                Step::Check { source, target, operands: views(operands)? }
            }
        })
    }

    fn modelled(&self, source: Source, kind: &StepKind) -> Result<Step, Error> {
        let StepKind::Modelled { computation, instruction, operands, results, cycles, formula } =
            kind
        else {
            unreachable!("the caller has looked")
        };
        let unknown = || invalid(format!("the module has no {instruction} in {computation}"));
        let id = self.module.find_computation(computation).ok_or_else(unknown)?;
        let mut instructions = self.module.computation(id).instructions();
        let found = instructions.find(|(_, candidate)| candidate.name() == instruction);
        let (found, _) = found.ok_or_else(unknown)?;
        Ok(Step::Modelled(Modelled {
            source,
            module: Arc::clone(self.module),
            computation: id,
            instruction: found,
            operands: views(operands)?,
            results: views(results)?,
            cycles: Cycles(*cycles),
            formula: formula.clone(),
        }))
    }
}

fn views(images: &[ViewImage]) -> Result<Vec<View>, Error> {
    images.iter().map(ViewImage::view).collect()
}

impl SourceImage {
    fn of(source: &Source) -> Self {
        let Metadata { op_name, source_file, source_line, source_column } = source.metadata.clone();
        Self {
            instruction: source.instruction.clone(),
            description: source.description.clone(),
            op_name,
            source_file,
            source_line,
            source_column,
            flops: source.flops,
            bytes: source.bytes.0,
        }
    }

    fn source(&self) -> Source {
        let metadata = Metadata {
            op_name: self.op_name.clone(),
            source_file: self.source_file.clone(),
            source_line: self.source_line,
            source_column: self.source_column,
        };
        Source {
            instruction: self.instruction.clone(),
            description: self.description.clone(),
            metadata,
            flops: self.flops,
            bytes: Bytes(self.bytes),
        }
    }
}
