//! Emits how slots become a block of the result.

use palmetto_isa::memory::{SUBLANES, VREG_GRANULES};

use super::{
    Computation,
    accumulate::{Count, Kernel, repeat},
    combine::Partial,
    site::WindowSite,
    tiling::Finish,
};
use crate::{
    element::Class,
    expression::{Emitter, Place, Register, narrow},
    llo::{Address, Builder, M, S, V},
    operand::int,
    packing,
    pipeline::Step,
};

/// Registers that a loop works on at a time.
const UNROLLED: usize = 4;
/// Registers to reduce over the lanes that a loop works on at a time: that unit takes long, but
/// many.
const LANES_UNROLLED: usize = 16;

impl Kernel<'_> {
    /// Stores the windows of the results.
    pub(super) fn finish(&self, b: &mut Builder, step: &Step) {
        let initial = match &self.plan.spec.computation {
            Computation::Op(_) => self.initials(b, step).pop(),
            // It is in the slots already.
            Computation::Region(_) => None,
        };
        let part = &self.plan.part;
        match (self.plan.shape.finish, self.plan.row_major) {
            (Finish::Tiles, _) => {
                self.registers(b, step, self.plan.n_slots(), |b, index| {
                    let at = self.slot(b, index);
                    let value = self.load_partial(b, at);
                    vec![self.result(b, value, initial)]
                });
            }
            (_, Some(_)) => {
                let rows = b.s(int(part.rows.div_ceil(SUBLANES)));
                let lines = b.s(int(part.lines));
                b.for_loop(rows, &[], |b, tile_row, _| {
                    let first_row = b.smul_imm(tile_row, int(SUBLANES));
                    b.for_loop(lines, &[], |b, line, _| {
                        let count = rows_left(b, part.rows, (SUBLANES, first_row));
                        let value = self.stack(b, count, |b, n| {
                            let row = b.sadd(first_row, n);
                            self.line(b, row, line)
                        });
                        let parts = [self.result(b, value, initial)];
                        let index = b.smul_imm(tile_row, int(part.lines));
                        let index = b.sadd(index, line);
                        self.store(b, step, index, &parts);
                        Vec::new()
                    });
                    Vec::new()
                });
            }
            (_, None) => {
                let packing = self.plan.spec.packing();
                let sets = part.lines.div_ceil(SUBLANES * packing);
                self.registers(b, step, sets, |b, index| {
                    let parts = (0..packing).map(|n| self.tile_of_lines(b, (index, n), initial));
                    parts.collect()
                });
            }
        }
    }

    /// Stores sets of registers of the windows of the results.
    fn registers(
        &self,
        b: &mut Builder,
        step: &Step,
        count: usize,
        value: impl Fn(&mut Builder, S) -> Vec<Vec<Register>>,
    ) {
        let at_once = if self.plan.shape.finish == Finish::Tiles { UNROLLED } else { 1 };
        let at_once = if count.is_multiple_of(at_once) { at_once } else { 1 };
        repeat(b, Count::Known(count / at_once), Vec::new(), |b, index, _| {
            let first = b.smul_imm(index, int(at_once));
            for n in 0..at_once {
                let index = b.sadd_imm(first, int(n));
                let parts = value(b, index);
                self.store(b, step, index, &parts);
            }
            Vec::new()
        });
    }

    /// Stores set `index`: of each part the registers of all results. Of results of wider elements
    /// a set is several registers.
    fn store(&self, b: &mut Builder, step: &Step, index: S, parts: &[Vec<Register>]) {
        for (n, output) in self.plan.outputs.iter().enumerate() {
            let of_result: Vec<Register> = parts.iter().map(|part| part[n]).collect();
            let packing = output.element.packing().min(parts.len());
            let at = step.outputs[n];
            let stride = parts.len().div_ceil(packing) * VREG_GRANULES;
            let offset = b.smul_imm(index, int(stride));
            let at = Address { base: b.sadd(at.base, offset), ..at };
            for (k, parts) in of_result.chunks(packing).enumerate() {
                let is_there = (k + 1) * VREG_GRANULES <= output.window.block.granules();
                if is_there {
                    let packed = packing::pack(b, output.element, parts);
                    b.store(at.plus(k * VREG_GRANULES), packed);
                }
            }
        }
    }

    /// 8 lines of results of one dimension: part `n` of set `index`.
    fn tile_of_lines(
        &self,
        b: &mut Builder,
        (index, n): (S, usize),
        initial: Option<V>,
    ) -> Vec<Register> {
        let packing = self.plan.spec.packing();
        let first = b.smul_imm(index, int(SUBLANES * packing));
        let first = b.sadd_imm(first, int(SUBLANES * n));
        let count = rows_left(b, self.plan.part.lines, (SUBLANES * packing, first));
        let value = self.stack(b, count, |b, sublane| {
            let line = b.sadd(first, sublane);
            let zero = b.s(0);
            self.line(b, zero, line)
        });
        self.result(b, value, initial)
    }

    fn zeros(&self, b: &mut Builder) -> Partial {
        let zero = b.i32(0);
        vec![zero; self.plan.spec.values.len()]
    }

    /// The register with `line(s)`, which is the same in all sublanes, in sublane `s`.
    fn stack(
        &self,
        b: &mut Builder,
        count: Count,
        line: impl Fn(&mut Builder, S) -> Partial,
    ) -> Partial {
        let zeros = self.zeros(b);
        let put = |b: &mut Builder, sublane: S, before: &[V]| {
            let value = line(b, sublane);
            let (here, wanted) = (b.vsublane(), b.vsplat(sublane));
            let mask = b.vcmp_eq_s32(here, wanted);
            put_in(b, mask, &value, before)
        };
        match count {
            Count::Known(n) if self.plan.shape.finish != Finish::Elements => {
                (0..n).fold(zeros, |before, sublane| {
                    let sublane = b.s(int(sublane));
                    put(b, sublane, &before)
                })
            }
            _ => repeat(b, count, zeros, |b, sublane, before| put(b, sublane, &before)),
        }
    }

    /// A line of the results, in every sublane.
    fn line(&self, b: &mut Builder, row: S, line: S) -> Partial {
        let part = &self.plan.part;
        let row = b.smul_imm(row, int(part.per_row));
        let within = b.smul_imm(line, int(part.per_line * part.per_tile));
        let first = b.sadd(row, within);
        if self.plan.shape.finish == Finish::Sublanes {
            let at = self.slot(b, first);
            let value = self.load_partial(b, at);
            return self.plan.spec.across_sublanes(b, value);
        }
        // Tiles of 8 lanes each: lane `8 tile + s` of the line is in all lanes of sublane `s`.
        let is_lanes = self.plan.shape.finish == Finish::Lanes;
        let unrolled = if is_lanes { LANES_UNROLLED } else { UNROLLED };
        let at_once = if part.per_line.is_multiple_of(unrolled) { unrolled } else { 1 };
        let zeros = self.zeros(b);
        let value =
            repeat(b, Count::Known(part.per_line / at_once), zeros, |b, index, mut before| {
                let tile = b.smul_imm(index, int(at_once));
                let tiles: Vec<Partial> = (0..at_once)
                    .map(|n| {
                        let tile = b.sadd_imm(tile, int(n));
                        self.tile_of_lanes(b, first, tile)
                    })
                    .collect();
                let values = self.plan.spec.across_lanes(b, &tiles);
                let (lane, three) = (b.vlane(), b.i32(3));
                let here = b.vshr(lane, three);
                for (n, value) in values.iter().enumerate() {
                    let tile = b.sadd_imm(tile, int(n));
                    let wanted = b.vsplat(tile);
                    let mask = b.vcmp_eq_s32(here, wanted);
                    before = put_in(b, mask, value, &before);
                }
                before
            });
        self.diagonal(b, &value)
    }

    /// What is reduced over the lanes to 8 lanes of the line that starts at slot `first`.
    fn tile_of_lanes(&self, b: &mut Builder, first: S, tile: S) -> Partial {
        let per_tile = self.plan.part.per_tile;
        let index = b.smul_imm(tile, int(per_tile));
        let index = b.sadd(first, index);
        let start = self.slot(b, index);
        if self.plan.shape.finish == Finish::Lanes {
            return self.load_partial(b, start);
        }
        let mut tile = self.zeros(b);
        for n in 0..per_tile {
            let value = self.load_partial(b, start.plus(n * VREG_GRANULES));
            let value = self.plan.spec.across_sublanes(b, value);
            let (here, wanted) = (b.vsublane(), b.i32(int(n)));
            let mask = b.vcmp_eq_s32(here, wanted);
            tile = put_in(b, mask, &value, &tile);
        }
        tile
    }

    /// Lane `l` from sublane `l % 8`, in every sublane.
    fn diagonal(&self, b: &mut Builder, values: &[V]) -> Partial {
        let (lane, seven, sublane) = (b.vlane(), b.i32(int(SUBLANES - 1)), b.vsublane());
        let wanted = b.vand(lane, seven);
        let mask = b.vcmp_eq_s32(sublane, wanted);
        let zero = b.i32(0);
        let spread = |value: &V| {
            let mut value = b.vsel(mask, *value, zero);
            for distance in [4, 2, 1] {
                let moved = b.vrot_sublane(value, distance);
                value = b.vor(value, moved);
            }
            value
        };
        values.iter().map(spread).collect()
    }

    /// What the reduction starts from, as words.
    pub(super) fn initials(&self, b: &mut Builder, step: &Step) -> Partial {
        let initials = &self.plan.spec.initials;
        if initials.is_empty() {
            return Partial::new();
        }
        let mut site = WindowSite::new(b, self.plan, step);
        let mut emitter = Emitter::new(&self.plan.spec.expression, &site);
        let place = Place { row: 0, column: 0 };
        let mut words = Partial::new();
        for initial in initials {
            let value = emitter.emit(b, &mut site, *initial, place);
            words.push(value.word(b));
        }
        words
    }

    /// What is stored for reduced values.
    fn result(&self, b: &mut Builder, mut value: Partial, initial: Option<V>) -> Vec<Register> {
        if let Some(initial) = initial {
            value = self.plan.spec.combine(b, &value, &[initial]);
        }
        let values = value.into_iter().zip(&self.plan.outputs).map(|(value, output)| {
            let element = output.element;
            if element.class() == Class::Mask {
                return Register::from_word(b, value, element);
            }
            Register::Vector(narrow(b, value, element))
        });
        values.collect()
    }
}

/// `value` where the mask is set, else what was there before.
fn put_in(b: &mut Builder, mask: M, value: &[V], before: &[V]) -> Partial {
    value.iter().zip(before).map(|(value, before)| b.vsel(mask, *value, *before)).collect()
}

/// How many of `all` rows there are from `first` on, 8 at most; `unit` of them are always there if
/// they divide all.
fn rows_left(b: &mut Builder, all: usize, (unit, first): (usize, S)) -> Count {
    if all.is_multiple_of(unit) {
        return Count::Known(SUBLANES);
    }
    let (all, eight, zero) = (b.s(int(all)), b.s(int(SUBLANES)), b.s(0));
    let left = b.ssub(all, first);
    let left = b.smin(left, eight);
    Count::Dynamic(b.smax(left, zero))
}
