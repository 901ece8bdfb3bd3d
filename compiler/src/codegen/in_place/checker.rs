//! Proof that arrays may share memory, made without looking at how it came about.
//!
//! The steps are walked in their order, with the set of arrays whose value each place holds. A
//! write leaves one array there, a copy within a place adds one; what is read must be there. Where
//! paths meet, a place holds what it holds on all of them.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

use super::{Effects, ProgramFacts, effects};
use crate::executable::{AllocationId, AllocationKind, Executable, Step};

/// What is wrong with the places of arrays.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(super) enum Misplaced {
    /// The value is not there.
    #[error("`{instruction}` reads array {array}, whose place holds another value")]
    Overwritten {
        /// The reader.
        instruction: String,
        /// The array.
        array: usize,
    },
    /// A step writes what it reads, or twice to one place, and must not.
    #[error("`{instruction}` cannot have arrays {first} and {second} in one place")]
    Shared {
        /// The step.
        instruction: String,
        /// One array.
        first: usize,
        /// The other.
        second: usize,
    },
    /// An update that is not made where its operand is.
    #[error("`{instruction}` has to have arrays {operand} and {result} in one place")]
    Apart {
        /// The step.
        instruction: String,
        /// What is updated.
        operand: usize,
        /// The updated array.
        result: usize,
    },
}

/// Checks that every step reads the arrays that it is meant to, if each array is in its place.
///
/// # Errors
/// The first step that does not.
pub(super) fn check_places(
    executable: &Executable,
    facts: &[ProgramFacts],
    places: &BTreeMap<AllocationId, AllocationId>,
) -> Result<(), Misplaced> {
    let mut checker = Checker { facts, places, held: Held::new() };
    for (n, allocation) in executable.allocations.iter().enumerate() {
        if matches!(allocation.kind, AllocationKind::Parameter(_) | AllocationKind::Constant { .. })
        {
            checker.write(AllocationId(n));
        }
    }
    checker.steps(&executable.steps)?;
    for view in &executable.results {
        if view.shape.holds_data() {
            checker.read("the result", view.slice.allocation)?;
        }
    }
    Ok(())
}

/// Per place, the arrays whose values are there.
type Held = BTreeMap<AllocationId, BTreeSet<AllocationId>>;

struct Checker<'a> {
    facts: &'a [ProgramFacts],
    places: &'a BTreeMap<AllocationId, AllocationId>,
    held: Held,
}

impl Checker<'_> {
    fn read(&self, instruction: &str, array: AllocationId) -> Result<(), Misplaced> {
        let held = self.held.get(&self.places[&array]);
        if held.is_some_and(|held| held.contains(&array)) {
            return Ok(());
        }
        let instruction = instruction.to_owned();
        Err(Misplaced::Overwritten { instruction, array: array.0 })
    }

    fn write(&mut self, array: AllocationId) {
        self.held.insert(self.places[&array], BTreeSet::from([array]));
    }

    fn steps(&mut self, steps: &[Step]) -> Result<(), Misplaced> {
        steps.iter().try_for_each(|step| self.step(step))
    }

    fn step(&mut self, step: &Step) -> Result<(), Misplaced> {
        match step {
            Step::While { source, condition, predicate, body } => {
                let mut at_start = self.held.clone();
                loop {
                    self.steps(condition)?;
                    self.read(&source.instruction, predicate.slice.allocation)?;
                    let at_end = self.held.clone();
                    self.steps(body)?;
                    let both = common(&at_start, &self.held);
                    if both == at_start {
                        self.held = at_end;
                        return Ok(());
                    }
                    self.held = both.clone();
                    at_start = both;
                }
            }
            Step::Conditional { source, index, branches } => {
                self.read(&source.instruction, index.slice.allocation)?;
                let before = self.held.clone();
                let mut after: Option<Held> = None;
                for branch in branches {
                    self.held = before.clone();
                    self.steps(branch)?;
                    after = Some(match after {
                        Some(after) => common(&after, &self.held),
                        None => self.held.clone(),
                    });
                }
                self.held = after.unwrap_or(before);
                Ok(())
            }
            Step::Launch(launch) => self.plain(&launch.source.instruction, step),
            Step::Modelled(modelled) => self.plain(&modelled.source.instruction, step),
            Step::Send(transfer) | Step::Recv(transfer) => {
                self.plain(&transfer.source.instruction, step)
            }
            Step::Copy { source, .. } | Step::Check { source, .. } => {
                self.plain(&source.instruction, step)
            }
        }
    }

    fn plain(&mut self, instruction: &str, step: &Step) -> Result<(), Misplaced> {
        let Some(effects) = effects(step, self.facts) else { return Ok(()) };
        for &read in &effects.reads {
            self.read(instruction, read)?;
        }
        if let ([read], [write], true) = (&effects.reads[..], &effects.writes[..], effects.is_copy)
            && self.places[read] == self.places[write]
        {
            // The step will not be there.
            self.held.entry(self.places[write]).or_default().insert(*write);
            return Ok(());
        }
        self.check_sharing(instruction, &effects)?;
        if let ([operand, ..], [result, ..], true) =
            (&effects.reads[..], &effects.writes[..], effects.is_update)
            && self.places[operand] != self.places[result]
        {
            let instruction = instruction.to_owned();
            return Err(Misplaced::Apart { instruction, operand: operand.0, result: result.0 });
        }
        effects.writes.iter().for_each(|write| self.write(*write));
        Ok(())
    }

    fn check_sharing(&self, instruction: &str, effects: &Effects<'_>) -> Result<(), Misplaced> {
        for (n, write) in effects.writes.iter().enumerate() {
            let place = self.places[write];
            let twice = effects.writes[..n].iter().find(|other| self.places[other] == place);
            let mut reads = effects.reads.iter().enumerate();
            let read = reads
                .find(|&(read, id)| self.places[id] == place && !effects.may_share(read, n))
                .map(|(_, id)| id);
            if let Some(other) = twice.or(read) {
                let instruction = instruction.to_owned();
                return Err(Misplaced::Shared { instruction, first: other.0, second: write.0 });
            }
        }
        Ok(())
    }
}

/// What is held in both.
fn common(a: &Held, b: &Held) -> Held {
    let mut common = Held::new();
    for (place, arrays) in a {
        if let Some(others) = b.get(place) {
            common.insert(*place, arrays.intersection(others).copied().collect());
        }
    }
    common
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        executable::{Allocation, Launch, Slice, Source, View},
        hlo::{
            ArrayShape, CheckParameters, CustomCallTarget, ElementType, Module, ModuleBuilder,
            Precision,
        },
    };
    use palmetto_isa::{Cycles, TPU_V4};
    use std::sync::Arc;

    fn view(array: usize) -> View {
        let shape = ArrayShape::new(ElementType::F32, vec![8, 128]).expect("it is small");
        let slice = Slice { allocation: AllocationId(array), offset: 0 };
        View { slice, shape: shape.with_default_tpu_layout() }
    }

    fn copy(from: usize, to: usize) -> Step {
        Step::Copy {
            source: Source::default(),
            from: view(from),
            to: view(to),
            cycles: Cycles(1),
            formula: String::new(),
        }
    }

    fn check(array: usize) -> Step {
        Step::Check {
            source: Source::default(),
            target: CustomCallTarget::CheckExpectEq(CheckParameters::default()),
            operands: vec![view(array), view(array)],
        }
    }

    /// Updates an array with another.
    fn update(array: usize, with: usize, result: usize) -> Step {
        let arguments = [array, with, result].map(|array| view(array).slice).to_vec();
        Step::Launch(Launch { source: Source::default(), program: 0, arguments, n_results: 1 })
    }

    fn module_of_nothing() -> Module {
        let mut module = ModuleBuilder::new("m");
        let entry = module.add_computation("entry");
        module.computation(entry).tuple(&[]);
        module.finish(entry).expect("it has a root")
    }

    /// Array 0 is a parameter, 1 and 2 are temporaries in one place.
    fn checked(steps: Vec<Step>) -> Result<(), Misplaced> {
        let kinds =
            [AllocationKind::Parameter(0), AllocationKind::Temporary, AllocationKind::Temporary];
        let allocations = kinds.map(|kind| Allocation { name: "x".to_owned(), granules: 8, kind });
        let executable = Executable {
            name: "m".to_owned(),
            module: Arc::new(module_of_nothing()),
            chip: TPU_V4,
            default_precision: Precision::Default,
            allocations: allocations.to_vec(),
            parameters: vec![view(0)],
            results: Vec::new(),
            donated: Vec::new(),
            overwritten: Vec::new(),
            root_is_tuple: true,
            programs: Vec::new(),
            functions: Vec::new(),
            steps,
        };
        let places = [(0, 0), (1, 1), (2, 1)].map(|(a, b)| (AllocationId(a), AllocationId(b)));
        let facts = ProgramFacts { shareable: vec![(0, 0)], is_copy: false, is_update: true };
        check_places(&executable, &[facts], &BTreeMap::from(places))
    }

    #[test]
    fn a_copy_within_a_place_keeps_both_arrays() {
        assert_eq!(checked(vec![copy(0, 1), copy(1, 2), check(1), check(2)]), Ok(()));
    }

    #[test]
    fn what_is_written_over_is_not_there_any_more() {
        let overwritten = |array| Err(Misplaced::Overwritten { instruction: String::new(), array });
        assert_eq!(checked(vec![copy(0, 1), copy(0, 2), check(1)]), overwritten(1));
        assert_eq!(checked(vec![check(1)]), overwritten(1));
    }

    #[test]
    fn an_update_is_made_where_its_operand_is() {
        assert_eq!(checked(vec![copy(0, 1), update(1, 0, 2), check(2)]), Ok(()));
        let instruction = String::new();
        let apart = Err(Misplaced::Apart { instruction, operand: 0, result: 1 });
        assert_eq!(checked(vec![copy(0, 1), update(0, 0, 1), check(1)]), apart);
    }

    #[test]
    fn the_second_iteration_counts() {
        let looped = |body| Step::While {
            source: Source::default(),
            condition: Vec::new(),
            predicate: view(0),
            body,
        };
        let read_first = vec![copy(0, 1), looped(vec![check(1), copy(0, 2), check(2)])];
        let overwritten = Misplaced::Overwritten { instruction: String::new(), array: 1 };
        assert_eq!(checked(read_first), Err(overwritten));
        let written_first = vec![copy(0, 1), looped(vec![copy(0, 2), check(2)])];
        assert_eq!(checked(written_first), Ok(()));
    }

    #[test]
    fn what_one_branch_writes_over_is_not_there_behind_both() {
        let branches = vec![vec![copy(0, 2)], Vec::new()];
        let conditional = Step::Conditional { source: Source::default(), index: view(0), branches };
        let steps = vec![copy(0, 1), conditional, check(1)];
        let overwritten = Misplaced::Overwritten { instruction: String::new(), array: 1 };
        assert_eq!(checked(steps), Err(overwritten));
    }
}
