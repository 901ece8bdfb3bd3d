//! Which instructions are computed together.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use palmetto_isa::ChipSpec;

use super::{MAX_ARRAYS, MAX_INSTRUCTIONS};
use crate::{
    hlo::{Computation, ComputationId, InstructionId, Module, Opcode},
    lowering::{Choice, Region, choose_kernel, is_generator, is_lane_gather, shown_heads},
};

/// Values that are followed to see whether one depends on another; if that is not enough, it is
/// taken to.
const MAX_FOLLOWED: usize = 256;
/// Groups that a producer with users in several is offered to as a further result.
const MAX_OFFERS: usize = 4;

/// Where each instruction is in an order that has operands before users.
pub(super) type Positions = BTreeMap<InstructionId, usize>;

/// Instructions that one kernel will compute.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// What is needed outside. None if the group was given up.
    pub(super) roots: Vec<InstructionId>,
    pub(super) inside: BTreeSet<InstructionId>,
    /// Those that only the operands of the group's dot are computed from.
    pub(super) prologue: BTreeSet<InstructionId>,
}

/// Plans the groups of a computation.
pub(super) struct Planner<'m> {
    pub(super) module: &'m Module,
    pub(super) chip: &'m ChipSpec,
    id: ComputationId,
    pub(super) computation: &'m Computation,
    pub(super) positions: Positions,
    pub(super) groups: Vec<Group>,
    /// Per instruction, the groups that compute it.
    pub(super) member_of: BTreeMap<InstructionId, BTreeSet<usize>>,
    /// Per value that is needed outside of a group, the group that stores it.
    stored_by: BTreeMap<InstructionId, usize>,
    /// Instructions of all groups that were tried: what planning costs.
    n_tried: Cell<usize>,
}

impl<'m> Planner<'m> {
    /// Plans a computation: the groups of users come before those of producers.
    pub(super) fn plan(module: &'m Module, id: ComputationId, chip: &'m ChipSpec) -> Self {
        let computation = module.computation(id);
        let order = computation.post_order();
        let positions = order.iter().enumerate().map(|(position, id)| (*id, position)).collect();
        let mut planner = Self {
            module,
            chip,
            id,
            computation,
            positions,
            groups: Vec::new(),
            member_of: BTreeMap::new(),
            stored_by: BTreeMap::new(),
            n_tried: Cell::new(0),
        };
        for producer in order.into_iter().rev() {
            planner.place(producer);
        }
        planner.merge_siblings();
        planner
    }

    /// Finds the groups that compute `producer`.
    fn place(&mut self, producer: InstructionId) {
        if !self.is_candidate(producer) || self.member_of.contains_key(&producer) {
            return;
        }
        let computation = self.computation;
        let users = computation.users(producer);
        let mut consumers: BTreeSet<usize> = BTreeSet::new();
        let mut is_needed = producer == computation.root() || users.is_empty();
        for user in users {
            match self.member_of.get(user) {
                Some(groups) => consumers.extend(groups),
                None => is_needed = true,
            }
        }
        let is_cheap = is_cheap(computation.instruction(producer).opcode());
        let all_in_one = !is_needed && consumers.len() == 1;
        let may_join = all_in_one || (!is_needed && is_cheap);
        let mut rest = BTreeSet::new();
        for consumer in consumers {
            let joins = if self.feeds_dot(consumer, producer) {
                (all_in_one || is_cheap) && self.join_as_operand(consumer, producer, all_in_one)
            } else {
                may_join && self.join(consumer, producer)
            };
            if !joins {
                rest.insert(consumer);
            }
        }
        if !is_needed && rest.is_empty() {
            return;
        }
        let is_alone = !self.member_of.contains_key(&producer);
        if !(is_alone && self.join_as_result(&rest, producer)) {
            self.start(producer);
        }
    }

    /// An instruction with the dot that it shows, or with the other that splits or joins heads.
    pub(super) fn members(&self, producer: InstructionId) -> impl Iterator<Item = InstructionId> {
        std::iter::once(producer).chain(self.shown(producer))
    }

    fn shown(&self, id: InstructionId) -> Option<InstructionId> {
        shown_dot(self.computation, id).or_else(|| shown_heads(self.module, self.id, id))
    }

    /// Whether kernels may compute it together with others.
    pub(super) fn is_candidate(&self, id: InstructionId) -> bool {
        let instruction = self.computation.instruction(id);
        let is_known = is_fusible(instruction.opcode())
            || is_lane_gather(instruction)
            || self.shown(id).is_some();
        is_known && !is_generator(self.computation, id)
    }

    fn start(&mut self, producer: InstructionId) {
        let inside: BTreeSet<InstructionId> = self.members(producer).collect();
        for member in &inside {
            self.member_of.entry(*member).or_default().insert(self.groups.len());
        }
        self.stored_by.insert(producer, self.groups.len());
        let roots = vec![producer];
        self.groups.push(Group { roots, inside, prologue: BTreeSet::new() });
    }

    /// Makes `producer` part of a group that has all its users, if there is a kernel.
    fn join(&mut self, group: usize, producer: InstructionId) -> bool {
        let mut larger = self.groups[group].clone();
        larger.inside.extend(self.members(producer));
        let fits = self.kernel(&larger).is_some();
        if fits {
            self.replace(group, larger);
        }
        fits
    }

    /// Makes `producer`, which is needed elsewhere too, a further result of one of the groups that
    /// use it, if that is no slower than a kernel of its own.
    fn join_as_result(&mut self, consumers: &BTreeSet<usize>, producer: InstructionId) -> bool {
        for consumer in consumers.iter().take(MAX_OFFERS) {
            let group = &self.groups[*consumer];
            let mut larger = group.clone();
            larger.inside.extend(self.members(producer));
            larger.roots.push(producer);
            let is_possible = !self.feeds_dot(*consumer, producer)
                && !self.depends_on(group, producer)
                && !self.is_better_with_dot(&larger, producer);
            if !is_possible {
                continue;
            }
            let alone = Group {
                roots: vec![producer],
                inside: self.members(producer).collect(),
                prologue: BTreeSet::new(),
            };
            let apart = self.cycles(group).zip(self.cycles(&alone)).map(|(a, b)| a + b);
            let together = self.cycles(&larger);
            if together.is_some_and(|cycles| apart.is_none_or(|apart| cycles <= apart)) {
                self.replace(*consumer, larger);
                self.stored_by.insert(producer, *consumer);
                return true;
            }
        }
        false
    }

    /// Whether `producer` could come out of the kernel of a dot which could not become part of
    /// `larger`.
    fn is_better_with_dot(&self, larger: &Group, producer: InstructionId) -> bool {
        let mut at = producer;
        let mut larger = larger.clone();
        let is_dot = |id: InstructionId| {
            let dot = self.members(id).last().unwrap_or(id);
            self.computation.instruction(dot).opcode() == Opcode::Dot
        };
        while !is_dot(at) {
            let operands = self.computation.instruction(at).operands().iter().copied();
            let mut inner =
                operands.filter(|o| self.is_candidate(*o) && self.computation.users(*o).len() == 1);
            let Some(next) = inner.next() else { return false };
            larger.inside.extend(self.members(next));
            if larger.inside.len() > MAX_INSTRUCTIONS {
                return false;
            }
            at = next;
        }
        self.kernel(&larger).is_none()
    }

    /// Puts `new` in the place of a group.
    pub(super) fn replace(&mut self, group: usize, new: Group) {
        for member in &new.inside {
            self.member_of.entry(*member).or_default().insert(group);
        }
        self.groups[group] = new;
    }

    /// Makes one group of two; the second is given up.
    pub(super) fn unite(&mut self, [first, second]: [usize; 2], both: Group) {
        for member in &self.groups[second].inside {
            self.member_of.entry(*member).or_default().remove(&second);
        }
        for root in &self.groups[second].roots {
            self.stored_by.insert(*root, first);
        }
        self.groups[second] = Group::default();
        self.replace(first, both);
    }

    /// The kernel of a group, if it has one and is not too large.
    pub(super) fn kernel(&self, group: &Group) -> Option<Choice> {
        if group.inside.len() > MAX_INSTRUCTIONS {
            return None;
        }
        self.n_tried.set(self.n_tried.get() + group.inside.len());
        let (inside, roots) = (group.inside.clone(), group.roots.clone());
        let region = Region::new(self.module, self.id, inside, roots);
        let choice = choose_kernel(&region).ok()?;
        (choice.inputs.len() + group.roots.len() - 1 <= MAX_ARRAYS).then_some(choice)
    }

    /// Modelled cycles of the kernel of a group.
    pub(super) fn cycles(&self, group: &Group) -> Option<f64> {
        self.kernel(group)?.kernel.cycles(self.chip)
    }

    /// What a group reads.
    pub(super) fn operands_of(&self, group: &Group) -> BTreeSet<InstructionId> {
        let all = group.inside.iter();
        let all = all.flat_map(|id| self.computation.instruction(*id).operands()).copied();
        all.filter(|id| !group.inside.contains(id) && !is_generator(self.computation, *id))
            .collect()
    }

    /// Whether a group that is to compute `producer` too reads something that depends on it.
    fn depends_on(&self, group: &Group, producer: InstructionId) -> bool {
        let mut from = self.operands_of(group);
        from.remove(&producer);
        self.reaches(from, &BTreeSet::from([producer]))
    }

    /// Whether one of `from` is, or is computed from, one of `targets`, groups being computed as a
    /// whole.
    pub(super) fn reaches(
        &self,
        from: BTreeSet<InstructionId>,
        targets: &BTreeSet<InstructionId>,
    ) -> bool {
        let lowest = targets.iter().map(|id| self.positions[id]).min().unwrap_or(0);
        let mut seen = from.clone();
        let mut open: Vec<InstructionId> = from.into_iter().collect();
        let mut followed = 0;
        while let Some(id) = open.pop() {
            if targets.contains(&id) {
                return true;
            }
            let operands: BTreeSet<InstructionId> = match self.stored_by.get(&id) {
                Some(group) => self.operands_of(&self.groups[*group]),
                // What comes before the targets is not computed from them.
                None if self.positions[&id] <= lowest => continue,
                None => self.computation.instruction(id).operands().iter().copied().collect(),
            };
            followed += 1;
            if followed > MAX_FOLLOWED {
                return true;
            }
            open.extend(operands.into_iter().filter(|operand| seen.insert(*operand)));
        }
        false
    }
}

/// The dot of which `id` is the bitcast that shows its dimensions in memory order: the two are one.
fn shown_dot(computation: &Computation, id: InstructionId) -> Option<InstructionId> {
    let instruction = computation.instruction(id);
    let dot = *instruction.operands().first()?;
    let is_shown = instruction.opcode() == Opcode::Bitcast
        && computation.instruction(dot).opcode() == Opcode::Dot
        && computation.users(dot).len() == 1;
    is_shown.then_some(dot)
}

fn is_fusible(opcode: Opcode) -> bool {
    let is_known = matches!(
        opcode,
        Opcode::BitcastConvert
            | Opcode::Broadcast
            | Opcode::Clamp
            | Opcode::Concatenate
            | Opcode::Dot
            | Opcode::Pad
            | Opcode::Reduce
            | Opcode::Reverse
            | Opcode::Select
            | Opcode::Slice
    );
    is_known || opcode.is_elementwise()
}

/// Whether it costs next to nothing to compute it several times.
fn is_cheap(opcode: Opcode) -> bool {
    matches!(opcode, Opcode::Broadcast | Opcode::Convert | Opcode::Slice)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use palmetto_isa::TPU_V4;

    use super::{MAX_INSTRUCTIONS, Planner};
    use crate::{
        diagnostic::SourceText,
        hlo::{Module, parse_module},
    };

    fn module(body: &str) -> Module {
        let text = format!("HloModule m\nENTRY main {{\n{body}}}\n");
        parse_module(SourceText::new("test.hlo", &text)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// `n` additions, one after the other.
    fn chain(n: usize) -> Module {
        let mut body = String::from(" y = f32[64,128] parameter(0)\n v0 = f32[64,128] negate(y)\n");
        for i in 0..n {
            writeln!(body, " v{} = f32[64,128] add(v{i}, y)", i + 1).expect("strings take all");
        }
        module(&body)
    }

    /// `n` additions that all read one array and are all results, and the next of which reads the
    /// one before every other time.
    fn fan(n: usize) -> Module {
        let mut body = String::from(" y = f32[64,128] parameter(0)\n");
        for i in 0..n {
            let other = if i % 2 == 0 { "y".to_owned() } else { format!("v{}", i - 1) };
            writeln!(body, " v{i} = f32[64,128] add(y, {other})").expect("strings take all");
        }
        let shapes = vec!["f32[64,128]"; n].join(", ");
        let names = (0..n).map(|i| format!("v{i}")).collect::<Vec<_>>().join(", ");
        writeln!(body, " ROOT r = ({shapes}) tuple({names})").expect("strings take all");
        module(&body)
    }

    fn n_tried(module: &Module) -> usize {
        Planner::plan(module, module.entry(), &TPU_V4).n_tried.get()
    }

    #[test]
    fn a_long_chain_becomes_groups_of_the_largest_size() {
        let module = chain(1000);
        let groups = Planner::plan(&module, module.entry(), &TPU_V4).groups;
        let sizes: Vec<usize> = groups.iter().map(|group| group.inside.len()).collect();
        assert_eq!(sizes.iter().sum::<usize>(), 1001);
        assert_eq!(sizes.len(), 1001_usize.div_ceil(MAX_INSTRUCTIONS), "{sizes:?}");
    }

    #[test]
    fn planning_is_linear() {
        for make in [chain, fan] {
            let (once, twice) = (n_tried(&make(1000)), n_tried(&make(2000)));
            assert!(twice <= 2 * once + once / 10, "{once}, twice as many take {twice}");
        }
    }
}
