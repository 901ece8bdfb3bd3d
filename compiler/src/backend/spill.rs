//! Variables that live in memory because there are not enough registers.
//!
//! A spilled variable is stored after every write and loaded before its reads, from a place of its
//! own behind the scratches: 8 granules of VMEM for a vector, a word of SMEM for a scalar. Masks
//! are stored as vectors of 0 and 1. What is only ever a constant is made anew instead of being
//! loaded. Loads are ordinary ops, so the scheduler hides their latency.

use super::{
    address::{Access, Place},
    coalesce::constants,
    flow::{Code, Inst, class, key, mask, scalar, vector},
    liveness::{Liveness, Range, in_program_order, live_ranges},
};
use palmetto_isa::{
    MemorySpace,
    memory::{GRANULE_WORDS, VREG_GRANULES},
};
use palmetto_kernels::llo::{LloOp, S, Scratch, ScratchId, V, Value};
use std::collections::{BTreeMap, BTreeSet};

/// Reads of a spilled variable share a load if they are at most so many ops apart.
const SHARED_LOAD_OPS: usize = 6;
/// What an op in a loop costs, compared to one outside.
const LOOP_COST: f64 = 16.0;
/// What making a constant costs, compared to a load.
const CONSTANT_COST: f64 = 0.4;

/// The spilled variables of a function and where they are.
#[derive(Debug)]
pub(super) struct Spills {
    places: BTreeMap<Value, Option<i32>>,
    /// Variables that exist because others were spilled.
    short_lived: BTreeSet<Value>,
    areas: [Area; 2],
}

/// Memory behind the scratches.
#[derive(Debug)]
struct Area {
    scratch: ScratchId,
    start: u32,
    used: u32,
}

impl Spills {
    /// None yet. Adds the two spill areas, still empty, to the scratches of `code`.
    pub(super) fn new(code: &mut Code) -> Self {
        let areas = [MemorySpace::Vmem, MemorySpace::Smem].map(|space| {
            let all = code.scratches.iter().filter(|scratch| scratch.space == space);
            let base = all.map(|scratch| scratch.base + scratch.granules).max().unwrap_or(0);
            let id = u32::try_from(code.scratches.len()).expect("a function has few scratches");
            code.scratches.push(Scratch { name: "spills".to_owned(), space, base, granules: 0 });
            let words = u32::try_from(GRANULE_WORDS).expect("a granule has 128 words");
            let unit = if space == MemorySpace::Vmem { 1 } else { words };
            Area { scratch: ScratchId(id), start: base * unit, used: 0 }
        });
        Self { places: BTreeMap::new(), short_lived: BTreeSet::new(), areas }
    }

    /// Spills so many variables that the program order needs at most `limits` registers.
    /// Returns whether it spilled any.
    pub(super) fn relieve(&mut self, code: &mut Code, limits: [i32; 3]) -> bool {
        let mut spilled = false;
        for _ in 0..MAX_ROUNDS {
            let mut demand = Demand::of(code, self);
            let chosen = demand.choose(limits);
            if chosen.is_empty() {
                return spilled;
            }
            self.spill(code, &chosen);
            spilled = true;
        }
        spilled
    }

    /// For each variable that found no register: the one whose spilling helps it most.
    pub(super) fn victims(
        &self,
        code: &Code,
        failed: &[Value],
        ranges: &super::regalloc::Ranges,
    ) -> BTreeSet<Value> {
        let demand = Demand::of(code, self);
        let mut victims = BTreeSet::new();
        for value in failed {
            let touching = |other: &Value| {
                class(*other) == class(*value)
                    && super::liveness::overlap(ranges.get(*other), ranges.get(*value))
            };
            if victims.iter().any(touching) {
                continue;
            }
            let all = demand.costs.iter().filter(|(other, _)| touching(other));
            let best = all.min_by(|a, b| {
                let worth = |v: &Value, cost: f64| cost / length(ranges.get(*v));
                worth(a.0, *a.1).total_cmp(&worth(b.0, *b.1))
            });
            victims.extend(best.map(|(value, _)| *value));
        }
        victims
    }

    /// Rewrites `code` so that `chosen` live in memory.
    pub(super) fn spill(&mut self, code: &mut Code, chosen: &BTreeSet<Value>) {
        let constants = constants(code);
        for value in chosen {
            let place = (!constants.contains_key(value)).then(|| self.place(code, *value));
            self.places.insert(*value, place);
        }
        for index in 0..code.segments.len() {
            let segment = std::mem::take(&mut code.segments[index]);
            let mut rewriter = Rewriter {
                code,
                spills: self,
                constants: &constants,
                chosen,
                done: Vec::new(),
                loaded: BTreeMap::new(),
            };
            for inst in &segment {
                rewriter.rewrite(inst);
            }
            rewriter.branch(index);
            let done = rewriter.done;
            code.segments[index] = done;
        }
    }

    fn place(&mut self, code: &mut Code, value: Value) -> i32 {
        let is_scalar = matches!(value, Value::S(_));
        let area = &mut self.areas[usize::from(is_scalar)];
        let size = if is_scalar { 1 } else { VREG_GRANULES };
        let place = area.start + area.used;
        area.used += u32::try_from(size).expect("a register covers 8 granules");
        let words = u32::try_from(GRANULE_WORDS).expect("a granule has 128 words");
        let scratch = &mut code.scratches[area.scratch.0 as usize];
        scratch.granules = if is_scalar { area.used.div_ceil(words) } else { area.used };
        i32::try_from(place).expect("memories have fewer than 2^31 granules")
    }
}

const MAX_ROUNDS: usize = 16;

fn length(ranges: &[Range]) -> f64 {
    ranges.iter().map(|(start, end)| f64::from(end - start)).sum()
}

/// Rewrites one segment.
struct Rewriter<'a> {
    code: &'a mut Code,
    spills: &'a mut Spills,
    constants: &'a BTreeMap<Value, Inst>,
    chosen: &'a BTreeSet<Value>,
    done: Vec<Inst>,
    /// What holds a spilled variable now, and since which op.
    loaded: BTreeMap<Value, (Value, usize)>,
}

impl Rewriter<'_> {
    fn rewrite(&mut self, inst: &Inst) {
        if inst.def.is_some_and(|def| self.is_constant(def)) {
            return;
        }
        let reads: Vec<Value> = inst.reads().filter(|used| self.chosen.contains(used)).collect();
        let mut names = BTreeMap::new();
        for used in reads {
            names.insert(used, self.load(used));
        }
        let stored = inst.def.filter(|def| self.chosen.contains(def));
        if let (true, Some(def), Some(src)) = (inst.is_copy, stored, inst.uses[0]) {
            self.store(def, names.get(&src).copied().unwrap_or(src));
            self.loaded.remove(&def);
            return;
        }
        let new_name = stored.map(|def| self.short_lived(def));
        let renamed = rename_apart(inst, &names, new_name);
        self.done.push(renamed);
        if let (Some(def), Some(name)) = (stored, new_name) {
            self.store(def, name);
            self.loaded.insert(def, (name, self.done.len()));
        }
    }

    /// What the branch of segment `index` reads must be in a register there.
    fn branch(&mut self, index: usize) {
        let Some(condition) = self.code.branch_reads(index).filter(|c| self.chosen.contains(c))
        else {
            return;
        };
        let loaded = scalar(self.load(condition));
        let condition = scalar(condition);
        for l in &mut self.code.loops {
            if l.first == index + 1 && l.unless_zero == Some(condition) {
                l.unless_zero = Some(loaded);
            } else if l.last == index && l.again == Some(condition) {
                l.again = Some(loaded);
            }
        }
    }

    fn is_constant(&self, value: Value) -> bool {
        self.chosen.contains(&value) && self.constants.contains_key(&value)
    }

    fn short_lived(&mut self, like: Value) -> Value {
        let value = self.code.fresh(like);
        self.spills.short_lived.insert(value);
        value
    }

    fn load(&mut self, value: Value) -> Value {
        if let Some((name, since)) = self.loaded.get(&value)
            && self.done.len() - since <= SHARED_LOAD_OPS
        {
            return *name;
        }
        let name = self.short_lived(value);
        if let Some(constant) = self.constants.get(&value) {
            let anew = constant.renamed(|_| name);
            self.done.push(Inst { origin: None, is_copy: false, ..anew });
        } else {
            let place = self.spills.places[&value].expect("only constants have no place");
            let base = self.zero();
            match name {
                Value::V(dst) => self.memory_op(LloOp::Vld { dst, base, offset: place }, 0, place),
                Value::S(dst) => self.memory_op(LloOp::Sld { dst, base, offset: place }, 1, place),
                Value::M(dst) => {
                    let bits = vector(self.short_lived(Value::V(V(0))));
                    self.memory_op(LloOp::Vld { dst: bits, base, offset: place }, 0, place);
                    let zero = self.vector_constant(0);
                    self.done.push(Inst::new(LloOp::VcmpNeS32 { dst, lhs: bits, rhs: zero }));
                }
            }
        }
        self.loaded.insert(value, (name, self.done.len()));
        name
    }

    fn store(&mut self, value: Value, name: Value) {
        let place = self.spills.places[&value].expect("only constants have no place");
        let base = self.zero();
        match name {
            Value::V(src) => self.memory_op(LloOp::Vst { base, offset: place, src }, 0, place),
            Value::S(src) => self.memory_op(LloOp::Sst { base, offset: place, src }, 1, place),
            Value::M(_) => {
                let (on_true, on_false) = (self.vector_constant(1), self.vector_constant(0));
                let src = vector(self.short_lived(Value::V(V(0))));
                let select = LloOp::Vsel { dst: src, mask: mask(name), on_true, on_false };
                self.done.push(Inst::new(select));
                self.memory_op(LloOp::Vst { base, offset: place, src }, 0, place);
            }
        }
    }

    fn zero(&mut self) -> S {
        let dst = scalar(self.short_lived(Value::S(S(0))));
        self.done.push(Inst::new(LloOp::SmovImm { dst, value: 0 }));
        dst
    }

    fn vector_constant(&mut self, bits: u32) -> V {
        let dst = vector(self.short_lived(Value::V(V(0))));
        self.done.push(Inst::new(LloOp::Vconst { dst, bits }));
        dst
    }

    fn memory_op(&mut self, op: LloOp, area: usize, start: i32) {
        let count = if area == 0 { 8 } else { 1 };
        let place = Some(Place { form: 0, start, stride: 1, count });
        let scratch = Some(self.spills.areas[area].scratch);
        let inst = Inst::new(op);
        let access = Some(Access { scratch, writes: inst.def.is_none(), place });
        self.done.push(Inst { access, ..inst });
    }
}

/// Renames what `inst` reads as `names` says, and what it writes to `new_name`: a variable may be
/// read and written by one op.
fn rename_apart(inst: &Inst, names: &BTreeMap<Value, Value>, new_name: Option<Value>) -> Inst {
    let n_reads = inst.reads().count();
    let mut seen = 0;
    // Operands are renamed before results.
    let renamed = inst.renamed(|value| {
        seen += 1;
        if seen > n_reads {
            return new_name.unwrap_or(value);
        }
        names.get(&value).copied().unwrap_or(value)
    });
    Inst { is_copy: inst.is_copy && new_name.is_none(), ..renamed }
}

/// Registers that the program order needs, and what spilling would cost.
struct Demand {
    /// Live variables of each class, by point.
    counts: [Vec<i32>; 3],
    ranges: Vec<Vec<Range>>,
    /// What spilling a variable costs; those that cannot be spilled are not there.
    costs: BTreeMap<Value, f64>,
    /// The points at which a variable is read or written.
    touched: BTreeMap<Value, Vec<u32>>,
}

impl Demand {
    fn of(code: &Code, spills: &Spills) -> Self {
        let placed = in_program_order(code);
        let liveness = Liveness::of(code);
        let ranges = live_ranges(&placed, &liveness, code.n_keys());
        let constants = constants(code);
        let end = placed.last().map_or(0, |segment| segment.end);
        let mut costs = BTreeMap::new();
        let mut touched: BTreeMap<Value, Vec<u32>> = BTreeMap::new();
        for (index, segment) in placed.iter().enumerate() {
            let weight = LOOP_COST.powi(i32::try_from(code.depth(index)).unwrap_or(i32::MAX));
            for (position, inst) in &segment.insts {
                for value in inst.reads().chain(inst.def) {
                    let is_constant = constants.contains_key(&value);
                    let cost = if is_constant { CONSTANT_COST * weight } else { weight };
                    *costs.entry(value).or_insert(0.0) += cost;
                    touched.entry(value).or_default().push(*position);
                }
            }
            if let Some(condition) = code.branch_reads(index) {
                *costs.entry(condition).or_insert(0.0) += weight;
                touched.entry(condition).or_default().push(segment.end - 1);
            }
        }
        costs.retain(|value, _| !spills.short_lived.contains(value));
        let n_points = 2 * end as usize + 16;
        let mut counts = [vec![0; n_points], vec![0; n_points], vec![0; n_points]];
        for (key, ranges) in ranges.iter().enumerate() {
            for (start, upto) in ranges {
                counts[key % 3][*start as usize] += 1;
                counts[key % 3][*upto as usize] -= 1;
            }
        }
        for counts in &mut counts {
            for point in 1..n_points {
                counts[point] += counts[point - 1];
            }
        }
        Self { counts, ranges, costs, touched }
    }

    fn choose(&mut self, limits: [i32; 3]) -> BTreeSet<Value> {
        let mut chosen = BTreeSet::new();
        for (class, limit) in limits.into_iter().enumerate() {
            let mut point = 0;
            while point < self.counts[class].len() {
                if self.counts[class][point] <= limit {
                    point += 1;
                } else if let Some(value) = self.cheapest(class, point, limit) {
                    self.take_out(value);
                    chosen.insert(value);
                } else {
                    point += 1;
                }
            }
        }
        chosen
    }

    /// The variable that is live but not touched at `point`, whose spilling helps most for its
    /// cost.
    fn cheapest(&self, of_class: usize, point: usize, limit: i32) -> Option<Value> {
        let point = u32::try_from(point).ok()?;
        let candidates = self.costs.iter().filter(|(value, _)| {
            let ranges = &self.ranges[key(**value)];
            class(**value) == of_class
                && ranges.iter().any(|(start, end)| (*start..*end).contains(&point))
                && self.touched[*value].binary_search(&(point / 2)).is_err()
        });
        let worth = |value: &Value, cost: f64| {
            let over = self.ranges[key(*value)].iter().flat_map(|(start, end)| *start..*end);
            let over = over.filter(|p| self.counts[of_class][*p as usize] > limit).count();
            #[expect(clippy::cast_precision_loss, reason = "a rough measure of cost")]
            let over = over.max(1) as f64;
            cost / over
        };
        let candidates = candidates.map(|(value, cost)| (*value, worth(value, *cost)));
        candidates.min_by(|a, b| a.1.total_cmp(&b.1)).map(|(value, _)| value)
    }

    /// As if `value` were in memory, but for where it is touched.
    fn take_out(&mut self, value: Value) {
        self.costs.remove(&value);
        let counts = &mut self.counts[class(value)];
        for (start, end) in std::mem::take(&mut self.ranges[key(value)]) {
            for point in start..end {
                let is_touched = self.touched[&value].binary_search(&(point / 2)).is_ok();
                counts[point as usize] -= i32::from(!is_touched);
            }
        }
    }
}
