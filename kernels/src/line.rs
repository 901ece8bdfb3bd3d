//! The line kernel: rows one after the other without gaps, or such a line cut into rows.
//!
//! An array of rank 1 is a line: granules of 128 elements. The rows of a matrix start at any lane
//! of it. Eight rows at a time are rotated, each by its own number of lanes, and merged by masks.
//! All elements have 32 bits. Padding of the results is what was there in the windows.

use crate::{
    element::Element,
    llo::{Address, Builder, Function, M, S, ScratchId, V, Value},
    pipeline::{Block, Edge, Grid, GridDimension, Step, TileAxis, TileBlock, Window, pipeline},
};
use palmetto_isa::{
    ChipSpec, MemorySpace,
    memory::{GRANULE_BYTES, LANES, SUBLANES, VREG_GRANULES},
};
use thiserror::Error;

/// Columns that one pass of a loop works on.
const UNROLLED: usize = 8;
/// Steps per core that make the pipeline overlap transfers and computation well.
const STEPS_PER_CORE: usize = 4;
/// Granules of a window that is large enough for its transfer to be efficient.
const WINDOW_GRANULES: usize = 1024;
/// Elements of a register.
const WORDS: usize = SUBLANES * LANES;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The operand has rows, the result is a line.
    ToLine,
    /// The operand is a line, the result has rows.
    FromLine,
}

/// What a line kernel does. Launch arguments are the operand and the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The name.
    pub name: String,
    /// Which way.
    pub way: Way,
    /// Rows of 32-bit elements, eight to a tile row.
    pub rows: usize,
    /// Lanes of a row.
    pub lanes: usize,
}

/// Why there is no line kernel.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LineError {
    /// There is nothing to move.
    #[error("the arrays of `{name}` have no elements")]
    Empty {
        /// The kernel.
        name: String,
    },
    /// Rows are too long.
    #[error("a window of {rows} rows of `{name}` takes {needed} granules of VMEM, of {available}")]
    Vmem {
        /// The kernel.
        name: String,
        /// Rows of the smallest window: as many as start a register of the line.
        rows: usize,
        /// Granules needed.
        needed: usize,
        /// Granules there are.
        available: usize,
    },
}

impl Line {
    /// Whether there is a kernel, without making it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn check(&self, chip: &ChipSpec) -> Result<(), LineError> {
        Plan::new(self, chip).map(|_| ())
    }
}

/// The kernel.
///
/// # Errors
/// If the shapes do not suit it; see [`LineError`].
pub fn line(spec: &Line, chip: &ChipSpec) -> Result<Function, LineError> {
    let plan = Plan::new(spec, chip)?;
    let mut b = Builder::new(&spec.name, 2);
    let scratch = b.scratch("line", MemorySpace::Vmem, plan.scratch_granules());
    let kernel = Kernel { plan: &plan, scratch };
    kernel.clear(&mut b);
    let windows = plan.windows();
    let (inputs, outputs) = windows.split_at(1);
    pipeline(&mut b, (&plan.grid(), chip.n_cores), (inputs, outputs), |b, step| {
        kernel.window(b, step);
    });
    Ok(b.finish())
}

/// Everything that is decided before ops are emitted.
#[derive(Debug)]
struct Plan<'a> {
    spec: &'a Line,
    columns: usize,
    /// Tile rows of a window of rows.
    tile_rows: usize,
    /// Registers of a window of the line.
    registers: usize,
    steps: usize,
}

impl<'a> Plan<'a> {
    fn new(spec: &'a Line, chip: &ChipSpec) -> Result<Self, LineError> {
        let name = || spec.name.clone();
        if spec.rows == 0 || spec.lanes == 0 {
            return Err(LineError::Empty { name: name() });
        }
        let columns = spec.lanes.div_ceil(LANES);
        let all = spec.rows.div_ceil(SUBLANES);
        // Tile rows of which the first element of a register starts the next.
        let unit = LANES / greatest_power_of_two(spec.lanes, LANES);
        let enough = WINDOW_GRANULES / (unit * columns * VREG_GRANULES);
        let wanted = all.div_ceil(unit * chip.n_cores as usize * STEPS_PER_CORE);
        let tile_rows = (unit * enough.min(wanted).max(1)).min(all);
        let registers = (tile_rows * SUBLANES * spec.lanes).div_ceil(WORDS);
        let plan = Self { spec, columns, tile_rows, registers, steps: all.div_ceil(tile_rows) };
        let windows = 2 * (tile_rows * columns + registers) * VREG_GRANULES;
        let needed = windows + plan.scratch_granules();
        let vmem = usize::try_from(chip.vmem_bytes).expect("VMEM fits an address space");
        let available = vmem / GRANULE_BYTES - 1024;
        if needed > available {
            let rows = tile_rows * SUBLANES;
            return Err(LineError::Vmem { name: name(), rows, needed, available });
        }
        Ok(plan)
    }

    /// Granules of the line before its first in the scratch: eight rows are stored where one of
    /// them belongs.
    fn slack(&self) -> usize {
        SUBLANES
    }

    /// The line of a window, and what is addressed but not used around it.
    fn scratch_granules(&self) -> usize {
        let behind = (self.columns + 2).next_multiple_of(VREG_GRANULES) + 2 * VREG_GRANULES;
        self.slack() + self.registers * VREG_GRANULES + behind
    }

    /// Tile rows that one pass of a loop works on: few columns leave the cross-lane units idle.
    fn at_once(&self) -> usize {
        let most = (UNROLLED / (self.columns + 1)).max(1);
        (1..=most).rev().find(|n| self.tile_rows.is_multiple_of(*n)).unwrap_or(1)
    }

    fn grid(&self) -> Grid {
        let dimensions = vec![GridDimension { extent: self.steps, block: 1 }];
        Grid { dimensions, ..Grid::default() }
    }

    fn windows(&self) -> [Window; 2] {
        let arguments = match self.spec.way {
            Way::ToLine => [0, 1],
            Way::FromLine => [1, 0],
        };
        let elements = self.spec.rows * self.spec.lanes;
        let rows = (self.tile_rows, self.columns, self.spec.rows.div_ceil(SUBLANES));
        let line = (self.registers, 1, elements.div_ceil(WORDS));
        let mut windows =
            [self.array(arguments[0], "rows", rows), self.array(arguments[1], "line", line)];
        windows.sort_by_key(|window| window.argument);
        windows
    }

    /// A window of `rows` of the `all` tile rows of an array.
    fn array(
        &self,
        argument: usize,
        name: &str,
        (rows, columns, all): (usize, usize, usize),
    ) -> Window {
        let tiles = TileBlock { element: Element::U32, rows, columns, array_columns: columns };
        let count = all - (self.steps - 1) * rows;
        let dimension = (self.steps > 1).then_some(0);
        let edge = Edge { dimension, axis: TileAxis::Rows, count };
        Window {
            name: name.to_owned(),
            argument,
            block: Block::Tiles(tiles),
            strides: vec![rows * columns * VREG_GRANULES],
            edges: if count < rows { vec![edge] } else { Vec::new() },
        }
    }
}

/// The largest power of two, up to `at_most`, that divides `of`.
fn greatest_power_of_two(of: usize, at_most: usize) -> usize {
    (1 << of.trailing_zeros().min(at_most.ilog2())).min(at_most)
}

struct Kernel<'a> {
    plan: &'a Plan<'a>,
    scratch: ScratchId,
}

/// Eight rows, and where they are in the line.
struct Rows {
    /// The rows in their window.
    window: Address,
    /// Per row, the granule of the line, in the scratch, that it starts in.
    granules: Vec<S>,
    /// The lane that each row starts at.
    lane: V,
    /// For `xlu_gather`, what turns the rows so that they start at this lane, or at lane 0.
    turn: V,
    /// Per row, its sublane.
    sublanes: Vec<M>,
}

impl Kernel<'_> {
    /// Makes the scratch defined.
    fn clear(&self, b: &mut Builder) {
        let zero = b.i32(0);
        let start = b.start_of(self.scratch);
        let count = b.s(int(self.plan.scratch_granules() / VREG_GRANULES));
        b.for_loop(count, &[], |b, index, _| {
            let at = advance(b, start, index, VREG_GRANULES);
            b.store(at, zero);
            Vec::new()
        });
    }

    fn window(&self, b: &mut Builder, step: &Step) {
        let scratch = b.start_of(self.scratch).plus(self.plan.slack());
        let at_once = self.plan.at_once();
        let trips = b.s(int(self.plan.tile_rows / at_once));
        match self.plan.spec.way {
            Way::ToLine => {
                b.for_loop(trips, &[], |b, index, _| {
                    let first = b.smul_imm(index, int(at_once));
                    for n in 0..at_once {
                        let row = b.sadd_imm(first, int(n));
                        let rows = self.rows(b, step.inputs[0], row);
                        self.join(b, &rows);
                    }
                    Vec::new()
                });
                self.copy(b, scratch, step.outputs[0]);
            }
            Way::FromLine => {
                self.copy(b, step.inputs[0], scratch);
                b.for_loop(trips, &[], |b, index, _| {
                    let first = b.smul_imm(index, int(at_once));
                    for n in 0..at_once {
                        let row = b.sadd_imm(first, int(n));
                        let rows = self.rows(b, step.outputs[0], row);
                        self.cut(b, &rows);
                    }
                    Vec::new()
                });
            }
        }
    }

    /// Copies the line of a window.
    fn copy(&self, b: &mut Builder, from: Address, to: Address) {
        let registers = self.plan.registers;
        let at_once = (1..=UNROLLED).rev().find(|n| registers.is_multiple_of(*n)).unwrap_or(1);
        let count = b.s(int(registers / at_once));
        b.for_loop(count, &[], |b, index, _| {
            let from = advance(b, from, index, at_once * VREG_GRANULES);
            let to = advance(b, to, index, at_once * VREG_GRANULES);
            for register in 0..at_once {
                let value = b.load(from.plus(register * VREG_GRANULES));
                b.store(to.plus(register * VREG_GRANULES), value);
            }
            Vec::new()
        });
    }

    /// The eight rows of tile row `index` of a window.
    fn rows(&self, b: &mut Builder, window: Address, index: S) -> Rows {
        let plan = self.plan;
        let lanes = int(plan.spec.lanes);
        let window = advance(b, window, index, plan.columns * VREG_GRANULES);
        let first = b.smul_imm(index, int(SUBLANES * plan.spec.lanes));
        let seven = b.s(int(LANES.ilog2() as usize));
        let slack = b.base(self.scratch) + int(plan.slack());
        let granules = (0..SUBLANES).map(|row| {
            let position = b.sadd_imm(first, int(row) * lanes);
            let granule = b.sshr(position, seven);
            b.sadd_imm(granule, slack)
        });
        let granules = granules.collect();
        let (sublane, lane) = (b.vsublane(), b.vlane());
        let (per_row, mask) = (b.i32(lanes), b.i32(int(LANES - 1)));
        let before = b.vmul_s32(sublane, per_row);
        let first = b.vsplat(first);
        let position = b.vadd_s32(first, before);
        let start = b.vand(position, mask);
        let turn = match plan.spec.way {
            Way::ToLine => b.vsub_s32(lane, start),
            Way::FromLine => b.vadd_s32(lane, start),
        };
        let sublanes = (0..SUBLANES).map(|row| {
            let row = b.i32(int(row));
            b.vcmp_eq_s32(sublane, row)
        });
        let sublanes = sublanes.collect();
        Rows { window, granules, lane: start, turn, sublanes }
    }

    /// `emit` for `count` columns, some at a time: it gets the first column and how many there are,
    /// and a register from one call to the next.
    fn columns(
        b: &mut Builder,
        count: usize,
        initial: V,
        emit: &dyn Fn(&mut Builder, S, usize, V) -> V,
    ) {
        let chunks = count / UNROLLED;
        let mut value = initial;
        if chunks > 1 {
            let trips = b.s(int(chunks));
            let end = b.for_loop(trips, &[Value::V(value)], |b, index, carried| {
                let first = b.smul_imm(index, int(UNROLLED));
                vec![Value::V(emit(b, first, UNROLLED, vector(carried[0])))]
            });
            value = vector(end[0]);
        }
        let done = if chunks > 1 { chunks * UNROLLED } else { 0 };
        if done < count {
            let first = b.s(int(done));
            emit(b, first, count - done, value);
        }
    }

    /// Stores eight rows into the line, in order.
    fn join(&self, b: &mut Builder, rows: &Rows) {
        let (columns, lanes) = (self.plan.columns, self.plan.spec.lanes);
        let (lane, zero) = (b.vlane(), b.i32(0));
        let is_before = b.vcmp_lt_s32(lane, rows.lane);
        let position = b.vsub_s32(lane, rows.lane);
        let end = b.i32(int(lanes));
        Self::columns(b, columns + 1, zero, &|b, first, count, mut before| {
            let last = b.s(int(columns - 1));
            for n in 0..count {
                let column = b.sadd_imm(first, int(n));
                let source = b.smin(column, last);
                let at = advance(b, rows.window, source, VREG_GRANULES);
                let value = b.load(at);
                let value = turned(b, value, rows.turn, n);
                let merged = b.vsel(is_before, before, value);
                before = value;
                // Below zero, as an unsigned number, is beyond the end.
                let granule = b.smul_imm(column, int(LANES));
                let granule = b.vsplat(granule);
                let position = b.vadd_s32(position, granule);
                let is_row = b.vcmp_lt_u32(position, end);
                for (row, (granule, sublane)) in
                    rows.granules.iter().zip(&rows.sublanes).enumerate()
                {
                    let mask = b.vmand(is_row, *sublane);
                    let base = b.sadd(*granule, column);
                    let base = Address { scratch: self.scratch, base, offset: -int(row) };
                    b.store_masked(base, mask, merged);
                }
            }
            before
        });
    }

    /// Loads eight rows from the line.
    fn cut(&self, b: &mut Builder, rows: &Rows) {
        let (lane, size) = (b.vlane(), b.i32(int(LANES)));
        let behind = b.vsub_s32(size, rows.lane);
        let is_low = b.vcmp_lt_s32(lane, behind);
        let zero = b.s(0);
        let first = self.line_rows(b, rows, zero, 1);
        Self::columns(b, self.plan.columns, first, &|b, first, count, mut low| {
            for n in 0..count {
                let column = b.sadd_imm(first, int(n));
                let next = b.sadd_imm(column, 1);
                let high = self.line_rows(b, rows, next, n);
                let value = b.vsel(is_low, low, high);
                low = high;
                let at = advance(b, rows.window, column, VREG_GRANULES);
                b.store(at, value);
            }
            low
        });
    }

    /// Of each of eight rows the granule of the line that is `column` behind its first, turned.
    fn line_rows(&self, b: &mut Builder, rows: &Rows, column: S, unit: usize) -> V {
        let mut value = b.i32(0);
        for (granule, sublane) in rows.granules.iter().zip(&rows.sublanes) {
            let base = b.sadd(*granule, column);
            let row = b.load_row(Address { scratch: self.scratch, base, offset: 0 });
            value = b.vsel(*sublane, row, value);
        }
        turned(b, value, rows.turn, unit)
    }
}

fn turned(b: &mut Builder, value: V, turn: V, unit: usize) -> V {
    let unit = u8::from(unit % 2 == 1);
    b.xlu_gather(unit, value, turn);
    b.xlu_pop(unit)
}

fn vector(value: Value) -> V {
    match value {
        Value::V(v) => v,
        Value::S(_) | Value::M(_) => panic!("a register is carried"),
    }
}

fn int(value: usize) -> i32 {
    i32::try_from(value).expect("windows are far below 2^31")
}

/// `at` and `index` times `stride` granules.
fn advance(b: &mut Builder, at: Address, index: S, stride: usize) -> Address {
    let offset = b.smul_imm(index, int(stride));
    Address { base: b.sadd(at.base, offset), ..at }
}
