//! Emits how slots become a block of the result.

use palmetto_isa::memory::{SUBLANES, VREG_GRANULES};

use super::{
    accumulate::{Count, Kernel, repeat},
    site::WindowSite,
    tiling::Finish,
};
use crate::{
    element::Class,
    expression::{Emitter, Place, Register, narrow},
    llo::{Address, Builder, S, V},
    operand::int,
    packing,
    pipeline::Step,
    reducer::{across_lanes, across_sublanes, combine},
};

/// Registers that a loop works on at a time.
const UNROLLED: usize = 4;
/// Registers to reduce over the lanes that a loop works on at a time: that unit takes long, but
/// many.
const LANES_UNROLLED: usize = 16;

impl Kernel<'_> {
    /// Stores the window of the result.
    pub(super) fn finish(&self, b: &mut Builder, step: &Step) {
        let initial = self.initial(b, step);
        let part = &self.plan.part;
        let packing = self.plan.spec.element().packing();
        match (self.plan.shape.finish, self.plan.row_major) {
            (Finish::Tiles, _) => {
                self.registers(b, step, self.plan.n_slots(), |b, index| {
                    let at = self.slot(b, index);
                    let value = b.load(at);
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
                let registers = part.lines.div_ceil(SUBLANES * packing);
                self.registers(b, step, registers, |b, index| {
                    let parts = (0..packing).map(|n| self.tile_of_lines(b, (index, n), initial));
                    parts.collect()
                });
            }
        }
    }

    /// Stores registers of the window of the result.
    fn registers(
        &self,
        b: &mut Builder,
        step: &Step,
        count: usize,
        value: impl Fn(&mut Builder, S) -> Vec<Register>,
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

    fn store(&self, b: &mut Builder, step: &Step, index: S, parts: &[Register]) {
        let packed = packing::pack(b, self.plan.spec.element(), parts);
        let at = step.outputs[0];
        let offset = b.smul_imm(index, int(VREG_GRANULES));
        let base = b.sadd(at.base, offset);
        b.store(Address { base, ..at }, packed);
    }

    /// 8 lines of a result of one dimension: part `n` of register `index`.
    fn tile_of_lines(
        &self,
        b: &mut Builder,
        (index, n): (S, usize),
        initial: Option<V>,
    ) -> Register {
        let packing = self.plan.spec.element().packing();
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

    /// The register with `line(s)`, which is the same in all sublanes, in sublane `s`.
    fn stack(&self, b: &mut Builder, count: Count, line: impl Fn(&mut Builder, S) -> V) -> V {
        let zero = b.i32(0);
        let put = |b: &mut Builder, sublane: S, before: V| {
            let value = line(b, sublane);
            let (here, wanted) = (b.vsublane(), b.vsplat(sublane));
            let mask = b.vcmp_eq_s32(here, wanted);
            b.vsel(mask, value, before)
        };
        match count {
            Count::Known(n) if self.plan.shape.finish != Finish::Elements => {
                (0..n).fold(zero, |before, sublane| {
                    let sublane = b.s(int(sublane));
                    put(b, sublane, before)
                })
            }
            _ => {
                repeat(b, count, vec![zero], |b, sublane, before| vec![put(b, sublane, before[0])])
                    [0]
            }
        }
    }

    /// A line of the result, in every sublane.
    fn line(&self, b: &mut Builder, row: S, line: S) -> V {
        let part = &self.plan.part;
        let row = b.smul_imm(row, int(part.per_row));
        let within = b.smul_imm(line, int(part.per_line * part.per_tile));
        let first = b.sadd(row, within);
        if self.plan.shape.finish == Finish::Sublanes {
            let at = self.slot(b, first);
            let value = b.load(at);
            return across_sublanes(b, self.reducer, value);
        }
        // Tiles of 8 lanes each: lane `8 tile + s` of the line is in all lanes of sublane `s`.
        let is_lanes = self.plan.shape.finish == Finish::Lanes;
        let unrolled = if is_lanes { LANES_UNROLLED } else { UNROLLED };
        let at_once = if part.per_line.is_multiple_of(unrolled) { unrolled } else { 1 };
        let zero = b.i32(0);
        let value =
            repeat(b, Count::Known(part.per_line / at_once), vec![zero], |b, index, before| {
                let tile = b.smul_imm(index, int(at_once));
                let tiles: Vec<V> = (0..at_once)
                    .map(|n| {
                        let tile = b.sadd_imm(tile, int(n));
                        self.tile_of_lanes(b, first, tile)
                    })
                    .collect();
                let values = across_lanes(b, self.reducer, &tiles);
                let (lane, three) = (b.vlane(), b.i32(3));
                let here = b.vshr(lane, three);
                let value = values.into_iter().enumerate().fold(before[0], |before, (n, value)| {
                    let tile = b.sadd_imm(tile, int(n));
                    let wanted = b.vsplat(tile);
                    let mask = b.vcmp_eq_s32(here, wanted);
                    b.vsel(mask, value, before)
                });
                vec![value]
            })[0];
        self.diagonal(b, value)
    }

    /// What is reduced over the lanes to 8 lanes of the line that starts at slot `first`.
    fn tile_of_lanes(&self, b: &mut Builder, first: S, tile: S) -> V {
        let per_tile = self.plan.part.per_tile;
        let index = b.smul_imm(tile, int(per_tile));
        let index = b.sadd(first, index);
        let start = self.slot(b, index);
        if self.plan.shape.finish == Finish::Lanes {
            return b.load(start);
        }
        let mut tile = b.i32(0);
        for n in 0..per_tile {
            let value = b.load(start.plus(n * VREG_GRANULES));
            let value = across_sublanes(b, self.reducer, value);
            let (here, wanted) = (b.vsublane(), b.i32(int(n)));
            let mask = b.vcmp_eq_s32(here, wanted);
            tile = b.vsel(mask, value, tile);
        }
        tile
    }

    /// Lane `l` from sublane `l % 8`, in every sublane.
    fn diagonal(&self, b: &mut Builder, value: V) -> V {
        let (lane, seven, sublane) = (b.vlane(), b.i32(int(SUBLANES - 1)), b.vsublane());
        let wanted = b.vand(lane, seven);
        let mask = b.vcmp_eq_s32(sublane, wanted);
        let zero = b.i32(0);
        let mut value = b.vsel(mask, value, zero);
        for distance in [4, 2, 1] {
            let moved = b.vrot_sublane(value, distance);
            value = b.vor(value, moved);
        }
        value
    }

    /// What the reduction starts from, as a word.
    pub(super) fn initial(&self, b: &mut Builder, step: &Step) -> Option<V> {
        let initial = self.plan.spec.initial?;
        let mut site = WindowSite::new(b, self.plan, step);
        let mut emitter = Emitter::new(&self.plan.spec.expression, &site);
        let place = Place { row: 0, column: 0 };
        let value = emitter.emit(b, &mut site, initial, place);
        Some(match value {
            Register::Vector(value) => value,
            Register::Mask(mask) => {
                let (one, zero) = (b.i32(1), b.i32(0));
                b.vsel(mask, one, zero)
            }
        })
    }

    /// What is stored for a reduced value.
    fn result(&self, b: &mut Builder, mut value: V, initial: Option<V>) -> Register {
        let element = self.reducer.1;
        if let Some(initial) = initial {
            value = combine(b, self.reducer, value, initial);
        }
        if element.class() == Class::Mask {
            let zero = b.i32(0);
            return Register::Mask(b.vcmp_ne_s32(value, zero));
        }
        Register::Vector(narrow(b, value, element))
    }
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
