//! The plan of a sort: what is sorted with what, in which registers, in which windows.

use palmetto_isa::{
    ChipSpec,
    memory::{GRANULE_BYTES, LANES, SUBLANES, VREG_GRANULES},
};

use super::{Along, Operand, Sort, SortError, order::Order};
use crate::{
    element::Element,
    llo::Builder,
    operand::columns_of,
    pipeline::{Block, Edge, Grid, GridDimension, Padding, Places, TileAxis, TileBlock, Window},
};

/// Registers of a column that are sorted in a step, if series are short: enough to hide what the
/// cross-lane units take.
const REGISTERS: usize = 64;
/// Registers that a loop body works on.
const UNROLLED: usize = 16;
/// Granules of VMEM that are left for other things.
const RESERVED: usize = 1024;

/// Where the bits of a place in a series are: the lowest in the lanes, if any, then in the
/// sublanes, then in the number of the register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bits {
    pub(super) lanes: usize,
    pub(super) sublanes: usize,
    /// All that there are; those of registers are the rest.
    pub(super) all: usize,
}

impl Bits {
    /// Bits within a register.
    pub(super) fn inner(self) -> usize {
        self.lanes + self.sublanes
    }

    /// Registers of a series.
    pub(super) fn registers(self) -> usize {
        1 << self.all.saturating_sub(self.inner())
    }
}

/// The registers of a window: what there is in tile rows and columns, and how they are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    /// Tile rows that are sorted.
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Registers from one tile row to the next, and from one column to the next.
    pub(super) row_stride: usize,
    pub(super) column_stride: usize,
}

/// What of a sort one launch does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// Each core sorts a half of every series: those of the second half descend.
    Halves,
    /// Each core makes a half of every result of the two sorted halves.
    Merge,
}

#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) spec: &'a Sort,
    pub(super) part: Part,
    pub(super) order: Order,
    /// Of the places in a series, or in a half of it.
    pub(super) bits: Bits,
    /// What is sorted, and what of it is stored.
    pub(super) extent: Extent,
    pub(super) kept: Extent,
    /// If only the first `2^n` elements of each series are looked for, `n`.
    pub(super) kept_bits: Option<usize>,
    /// Registers of a column; a multiple of what is unrolled.
    pub(super) n_registers: usize,
    /// Registers that a loop body works on.
    pub(super) unrolled: usize,
    /// Tile rows of a group: the packing of the narrowest operand, or 1 if they are separate.
    pub(super) packing: usize,
    is_separate: bool,
    pub(super) grid: Grid,
    pub(super) inputs: Vec<Window>,
    pub(super) outputs: Vec<Window>,
    arrays: Arrays,
    /// Tile rows and columns of the results.
    results: Arrays,
}

/// Operands or results as matrices of tiles.
#[derive(Clone, Copy, Debug)]
struct Arrays {
    /// Matrices that are walked one by one.
    majors: usize,
    tile_rows: usize,
    columns: usize,
}

pub(super) fn plan<'a>(spec: &'a Sort, part: Part, chip: &ChipSpec) -> Result<Plan<'a>, SortError> {
    if spec.dimensions.contains(&0) {
        return Err(SortError::Empty(spec.name.clone()));
    }
    let roots = [spec.comparator.is_before];
    let nodes = spec.comparator.expression.reachable(&roots);
    let moves = |op: &crate::expression::NodeOp| {
        op.moves_lanes() || matches!(op, crate::expression::NodeOp::RowReduce(..))
    };
    if nodes.iter().any(|id| moves(&spec.comparator.expression.node(*id).op)) {
        return Err(SortError::Comparator(spec.name.clone()));
    }
    let plan = Plan::new(spec, part, chip)?;
    let vmem = usize::try_from(chip.vmem_bytes).expect("VMEM fits an address space");
    let available = vmem / GRANULE_BYTES - RESERVED;
    let windows = plan.inputs.iter().chain(&plan.outputs).map(Window::buffered_granules);
    let columns = plan.order.columns.len() * plan.n_registers * VREG_GRANULES;
    let needed = windows.sum::<usize>() + columns;
    if needed > available {
        return Err(SortError::Vmem { name: spec.name.clone(), needed, available });
    }
    Ok(plan)
}

/// How series lie in tiles.
struct Series {
    bits: Bits,
    arrays: Arrays,
    results: Arrays,
    length: usize,
}

/// The bits of an index into a series of this length.
fn index_bits(length: usize) -> usize {
    length.next_power_of_two().ilog2() as usize
}

impl Series {
    fn of(spec: &Sort) -> Result<Self, SortError> {
        let keep = spec.keep;
        let (bits, arrays, results, length) = match (spec.dimensions.as_slice(), spec.along) {
            (&[n], Along::Lanes) => {
                let bits = Bits { lanes: 7, sublanes: 3, all: index_bits(n) };
                let arrays = |n: usize| {
                    let tile_rows = n.div_ceil(SUBLANES * LANES);
                    Arrays { majors: 1, tile_rows, columns: 1 }
                };
                (bits, arrays(n), arrays(keep), n)
            }
            (&[ref majors @ .., rows, lanes], Along::Lanes) => {
                let bits = Bits { lanes: 7, sublanes: 0, all: index_bits(lanes) };
                let tile_rows = majors.iter().product::<usize>() * rows.div_ceil(SUBLANES);
                let arrays = |lanes| Arrays { majors: 1, tile_rows, columns: columns_of(lanes) };
                (bits, arrays(lanes), arrays(keep), lanes)
            }
            (&[ref majors @ .., rows, lanes], Along::Rows) => {
                let bits = Bits { lanes: 0, sublanes: 3, all: index_bits(rows) };
                let majors = majors.iter().product();
                let arrays = |rows: usize| {
                    let tile_rows = rows.div_ceil(SUBLANES);
                    Arrays { majors, tile_rows, columns: columns_of(lanes) }
                };
                (bits, arrays(rows), arrays(keep), rows)
            }
            _ => return Err(SortError::Dimension(spec.name.clone())),
        };
        if keep == 0 || keep > length {
            return Err(SortError::Dimension(spec.name.clone()));
        }
        Ok(Self { bits, arrays, results, length })
    }
}

impl<'a> Plan<'a> {
    fn new(spec: &'a Sort, part: Part, chip: &ChipSpec) -> Result<Self, SortError> {
        let n_cores = chip.n_cores as usize;
        let packing = spec.operands.iter().map(|operand| operand.element().packing()).max();
        let packing = packing.unwrap_or(1);
        let Series { mut bits, arrays, results, length } = Series::of(spec)?;
        let is_cut = |arrays: Arrays| !arrays.tile_rows.is_multiple_of(packing);
        let is_separate = arrays.majors > 1 && (is_cut(arrays) || is_cut(results));
        let packing = if is_separate { 1 } else { packing };
        let series = REGISTERS.div_ceil(bits.registers());
        let kept_bits = Some(index_bits(spec.keep)).filter(|n| *n <= bits.lanes && *n < bits.all);
        if part != Part::Whole {
            bits.all -= 1;
        }
        if part == Part::Merge && kept_bits.is_some() {
            bits.all = bits.inner();
        }
        let registers = bits.registers();
        // Series lie below each other, or beside each other.
        let are_rows = spec.dimensions.len() > 1 && spec.along == Along::Lanes;
        let (extent, used) = if are_rows {
            let share = arrays.tile_rows.div_ceil(n_cores);
            let rows = series.min(share).next_multiple_of(packing);
            let columns = if part == Part::Whole { arrays.columns } else { registers };
            let extent = Extent { rows, columns, row_stride: registers, column_stride: 1 };
            (extent, registers * rows)
        } else {
            let share =
                if arrays.majors > 1 { arrays.columns } else { arrays.columns.div_ceil(n_cores) };
            let rows = if part == Part::Whole { arrays.tile_rows } else { registers };
            let columns = series.min(share);
            let extent = Extent { rows, columns, row_stride: 1, column_stride: registers };
            (extent, registers * columns)
        };
        let kept = if are_rows {
            Extent { columns: extent.columns.min(results.columns), ..extent }
        } else {
            Extent { rows: extent.rows.min(results.tile_rows), ..extent }
        };
        let unrolled = UNROLLED.min(used.next_power_of_two());
        let is_whole = length.is_power_of_two() && length >= 1 << bits.inner();
        let length = (!is_whole).then_some(length);
        let mut plan = Self {
            order: Order::new(&spec.operands, &spec.comparator, length),
            spec,
            part,
            bits,
            extent,
            kept,
            kept_bits,
            n_registers: used.next_multiple_of(unrolled),
            unrolled,
            packing,
            is_separate,
            grid: Grid::default(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            arrays,
            results,
        };
        plan.set_windows(are_rows);
        Ok(plan)
    }

    /// The dimensions of the grid are matrices, groups of series, and halves of series.
    fn set_windows(&mut self, are_rows: bool) {
        let Arrays { majors, tile_rows, columns } = self.arrays;
        let dimension = |extent, block| GridDimension { extent, block };
        let groups = if are_rows {
            dimension(tile_rows, self.extent.rows)
        } else {
            dimension(columns, self.extent.columns)
        };
        let series = |arrays: Arrays, extent: Extent| {
            if are_rows {
                dimension(arrays.columns, extent.columns)
            } else {
                dimension(arrays.tile_rows, extent.rows)
            }
        };
        let (of_arrays, of_results) =
            (series(self.arrays, self.extent), series(self.results, self.kept));
        let halves = if self.part == Part::Merge { of_results } else { of_arrays };
        let counts = [majors, groups.count(), halves.count()];
        self.grid.dimensions = counts.map(|count| dimension(count, 1)).to_vec();
        let mut argument = 0;
        let mut next = || {
            argument += 1;
            argument - 1
        };
        if self.part == Part::Merge {
            let block = Block::Linear(2 * self.between_granules());
            self.inputs.push(linear("halves", next(), block, 0));
        } else {
            for operand in &self.spec.operands {
                if let Operand::Array(element) = operand {
                    let of = (self.arrays, self.extent);
                    self.inputs.push(self.window(next(), *element, of, are_rows));
                }
            }
        }
        if self.part == Part::Halves {
            let granules = self.between_granules();
            self.outputs.push(linear("half", next(), Block::Linear(granules), granules));
            return;
        }
        for result in &self.spec.results {
            let of = (self.results, self.kept);
            let element = self.spec.operands[*result].element();
            self.outputs.push(self.window(next(), element, of, are_rows));
        }
    }

    /// A kernel without ops: its arguments are the arrays of the windows.
    pub(super) fn builder(&self) -> Builder {
        let n_arguments = self.inputs.len() + self.outputs.len();
        let n_arguments = u32::try_from(n_arguments).expect("a sort has few operands");
        Builder::new(&self.spec.name, n_arguments)
    }

    /// Levels of the network.
    pub(super) fn levels(&self) -> usize {
        let stages = self.kept_bits.unwrap_or(self.bits.all);
        stages * (stages + 1) / 2
    }

    /// Registers of a column of a half that the launch after has to know.
    pub(super) fn n_between(&self) -> usize {
        if self.kept_bits.is_some() { self.n_series() } else { self.n_registers }
    }

    /// Granules of all columns of a half that the launch after has to know.
    pub(super) fn between_granules(&self) -> usize {
        self.n_between() * self.order.columns.len() * VREG_GRANULES
    }

    fn window(
        &self,
        argument: usize,
        element: Element,
        (arrays, extent): (Arrays, Extent),
        are_rows: bool,
    ) -> Window {
        let Arrays { tile_rows, columns: array_columns, .. } = arrays;
        let rows = extent.rows.next_multiple_of(self.packing);
        let columns = extent.columns;
        let tiles = TileBlock { element, rows, columns, array_columns };
        let block = if self.is_separate { Block::Separate(tiles) } else { Block::Tiles(tiles) };
        let tile = element.tile_granules();
        let (below, beside) = (rows * array_columns * tile, columns * tile);
        let (along, half) = if are_rows { (below, beside) } else { (beside, below) };
        let strides = vec![tile_rows * array_columns * tile, along, half];
        let packing = if self.is_separate { 1 } else { element.packing() };
        let all_rows = tile_rows.next_multiple_of(packing);
        let (of_rows, of_columns) = if are_rows { (1, 2) } else { (2, 1) };
        let of_rows = self.edge((of_rows, TileAxis::Rows), all_rows, rows);
        let of_columns = self.edge((of_columns, TileAxis::Columns), array_columns, columns);
        let edges = of_rows.into_iter().chain(of_columns).collect();
        Window {
            name: format!("array{argument}"),
            argument,
            block,
            strides,
            edges,
            places: Places::Strided,
        }
    }

    /// Where the last window along a dimension of the grid ends, if it is not whole.
    fn edge(
        &self,
        (dimension, axis): (usize, TileAxis),
        extent: usize,
        block: usize,
    ) -> Option<Edge> {
        let steps = self.grid.dimensions[dimension].count();
        let count = extent - (steps - 1) * block;
        let dimension = (steps > 1).then_some(dimension);
        (count < block).then_some(Edge { dimension, axis, count })
    }

    /// Series in the registers, and what is sorted besides.
    pub(super) fn n_series(&self) -> usize {
        self.n_registers / self.bits.registers()
    }

    /// What of the results no window covers.
    pub(super) fn paddings(&self) -> Vec<Padding> {
        let rows = self.results.majors * self.results.tile_rows;
        let padding = |window: &Window| {
            let element = window.block.tiles().element;
            let row = self.results.columns * element.tile_granules();
            let missing = rows.next_multiple_of(element.packing()) - rows;
            let granules = if self.is_separate { missing * row } else { 0 };
            Padding { argument: window.argument, first: rows * row, granules }
        };
        self.outputs.iter().map(padding).collect()
    }
}

/// A window of whole registers; `stride` granules of the array from one half to the other.
fn linear(name: &str, argument: usize, block: Block, stride: usize) -> Window {
    let strides = vec![0, 0, stride];
    Window {
        name: name.to_owned(),
        argument,
        block,
        strides,
        edges: Vec::new(),
        places: Places::Strided,
    }
}
