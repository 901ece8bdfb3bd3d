//! The line kernel: rows one after the other without gaps, or such a line cut into rows.
//!
//! An array of rank 1 is a line: granules of 128 elements. The rows of a matrix start at any lane
//! of it. Columns are turned by as many lanes as the row starts at, and each granule of the line
//! gets the end of one column and the start of the next: in short rows a column of eight rows at a
//! time (`tile_rows`), in long ones eight columns of a row (`pieces`). All elements have 32 bits.
//! Padding of the results is what was there in the windows.
//!
//! Steps are windows of the result: so many registers of the line, or so many tile rows and columns
//! of the matrix. The window of the operand that a step needs starts anywhere: it is larger than
//! what is used of it.

mod emit;
mod pieces;
mod tile_rows;

use crate::{
    element::Element,
    llo::{Builder, Function},
    pipeline::{
        Block, Edge, Grid, GridDimension, Places, Skew, TileAxis, TileBlock, Window, pipeline,
    },
};
use palmetto_isa::{
    ChipSpec,
    memory::{GRANULE_BYTES, LANES, SUBLANES, VREG_GRANULES},
};
use thiserror::Error;

/// Steps per core that make the pipeline overlap transfers and computation well.
const STEPS_PER_CORE: usize = 4;
/// Registers of a window that is large enough for its transfer to be efficient.
const WINDOW_REGISTERS: usize = 128;
/// Elements of a register.
const WORDS: usize = SUBLANES * LANES;
/// Registers that are turned at a time: enough to hide how long that takes.
const TOGETHER: usize = 8;
/// Granules of a piece of a long row.
const PIECE: usize = SUBLANES;
/// Tile rows that a step has at least: its window has a few more than it uses.
const LEAST_TILE_ROWS: usize = 8;

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
        /// Rows of the smallest window.
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

    /// Tile rows of the matrix.
    fn tile_rows(&self) -> usize {
        self.rows.div_ceil(SUBLANES)
    }

    /// Columns of the matrix.
    fn columns(&self) -> usize {
        self.lanes.div_ceil(LANES)
    }

    /// Registers of the line.
    fn registers(&self) -> usize {
        (self.rows * self.lanes).div_ceil(WORDS)
    }

    /// Whether a tile row is turned at a time.
    fn is_short(&self) -> bool {
        self.columns() < PIECE
    }
}

/// The kernel.
///
/// # Errors
/// If the shapes do not suit it; see [`LineError`].
pub fn line(spec: &Line, chip: &ChipSpec) -> Result<Function, LineError> {
    let plan = Plan::new(spec, chip)?;
    let mut b = Builder::new(&spec.name, 2);
    let kernel = emit::Kernel::new(&mut b, &plan);
    let windows = plan.windows();
    let (inputs, outputs) = windows.split_at(1);
    pipeline(&mut b, (&plan.grid, chip.n_cores), (inputs, outputs), |b, step| {
        kernel.window(b, step);
    });
    Ok(b.finish())
}

/// Everything that is decided before ops are emitted.
#[derive(Debug)]
struct Plan<'a> {
    spec: &'a Line,
    grid: Grid,
    /// Tile rows of a window of rows.
    tile_rows: usize,
    /// Columns of a window of rows.
    columns: usize,
    /// Registers of a window of the line.
    registers: usize,
    /// Where the windows of the operand lie, in tile rows or granules of the line.
    skew: Skew,
}

impl<'a> Plan<'a> {
    fn new(spec: &'a Line, chip: &ChipSpec) -> Result<Self, LineError> {
        if spec.rows == 0 || spec.lanes == 0 {
            return Err(LineError::Empty { name: spec.name.clone() });
        }
        let vmem = usize::try_from(chip.vmem_bytes).expect("VMEM fits an address space");
        let available = vmem / GRANULE_BYTES - 1024;
        let mut most = WINDOW_REGISTERS.max(2 * spec.columns());
        if spec.way == Way::ToLine && spec.is_short() {
            // As many as that many registers of rows hold.
            most = (WINDOW_REGISTERS * spec.lanes / (spec.columns() * LANES)).max(1);
        }
        loop {
            let plan = match spec.way {
                Way::ToLine => Self::to_line(spec, most, chip.n_cores as usize),
                Way::FromLine => Self::from_line(spec, most, chip.n_cores as usize),
            };
            let windows = 2 * (plan.tile_rows * plan.columns + plan.registers) * VREG_GRANULES;
            let needed = windows + plan.rows_granules() + plan.line_granules();
            if needed <= available {
                return Ok(plan);
            }
            if most == 1 {
                let (name, rows) = (spec.name.clone(), plan.tile_rows * SUBLANES);
                return Err(LineError::Vmem { name, rows, needed, available });
            }
            most /= 2;
        }
    }

    /// Steps are registers of the line, at most so many, dealt evenly. Of long rows a step has
    /// many: whole tile rows of them are fetched for each.
    fn to_line(spec: &'a Line, most: usize, n_cores: usize) -> Self {
        let (all, all_rows) = (spec.registers(), spec.tile_rows());
        let steps = (all_rows / (n_cores * LEAST_TILE_ROWS)).clamp(1, STEPS_PER_CORE);
        let registers = all.div_ceil(n_cores * steps).clamp(1, most);
        let dimensions = vec![GridDimension { extent: all.div_ceil(registers), block: 1 }];
        let steps = dimensions[0].extent;
        let per_tile_row = SUBLANES * spec.lanes;
        let early = Skew::early(steps);
        let tile_rows = (registers * WORDS).div_ceil(per_tile_row) + early + 1;
        let tile_rows = tile_rows.min(all_rows);
        let skew = Skew::new((registers * WORDS, per_tile_row), steps, all_rows - tile_rows);
        let grid = Grid { dimensions, ..Grid::default() };
        Self { spec, grid, tile_rows, columns: spec.columns(), registers, skew }
    }

    /// Steps are tile rows of at most so many registers, or parts of their columns if there are
    /// few.
    fn from_line(spec: &'a Line, most: usize, n_cores: usize) -> Self {
        let (all, all_columns) = (spec.tile_rows(), spec.columns());
        let enough = (most / all_columns).max(1);
        let tile_rows = all.div_ceil(n_cores * STEPS_PER_CORE).clamp(1, enough);
        let steps = all.div_ceil(tile_rows);
        let columns = if steps < n_cores { all_columns.div_ceil(n_cores) } else { all_columns };
        let of_columns = GridDimension { extent: all_columns.div_ceil(columns), block: 1 };
        let dimensions = vec![GridDimension { extent: steps, block: 1 }, of_columns];
        let granules = tile_rows * SUBLANES * spec.lanes;
        let early = Skew::early(steps);
        let registers = (granules.div_ceil(LANES) + early + 1).div_ceil(VREG_GRANULES);
        let registers = registers.min(spec.registers());
        let last = (spec.registers() - registers) * VREG_GRANULES;
        let skew = Skew::new((granules, LANES), steps, last);
        let grid = Grid { dimensions, ..Grid::default() };
        Self { spec, grid, tile_rows, columns, registers, skew }
    }

    /// Granules of the line that a row of a window may touch: one that does not start at lane 0 is
    /// in one more.
    fn row_granules(&self) -> usize {
        self.columns + 1
    }

    /// Granules of rows before and behind those of a window that are addressed, but not used.
    fn rows_slack(&self) -> usize {
        if self.spec.is_short() { 0 } else { VREG_GRANULES * PIECE * TOGETHER }
    }

    /// Granules of the line before and behind those of a window that are addressed, but not used.
    fn line_slack(&self) -> usize {
        self.row_granules() + (TOGETHER + 2) * PIECE
    }

    /// Scratch for the rows of a window; short ones need none.
    fn rows_granules(&self) -> usize {
        let rows = self.tile_rows * self.columns * VREG_GRANULES;
        if self.spec.is_short() { 0 } else { rows + 2 * self.rows_slack() }
    }

    /// Scratch for the line of a window, whole registers.
    fn line_granules(&self) -> usize {
        let granules = self.registers * VREG_GRANULES + 2 * self.line_slack();
        granules.next_multiple_of(VREG_GRANULES)
    }

    /// The windows of the operand and of the result.
    fn windows(&self) -> [Window; 2] {
        let places = Places::Skewed(self.skew);
        match self.spec.way {
            Way::ToLine => {
                let granules = self.registers * VREG_GRANULES;
                let all = self.spec.registers() * VREG_GRANULES;
                let edges = Vec::from_iter(self.edge(0, TileAxis::Rows, (granules, all)));
                let line = Window { edges, ..self.line(1, granules) };
                [Window { places, ..self.rows(0, (1, None)) }, line]
            }
            Way::FromLine => {
                let line = Window { places, ..self.line(0, 1) };
                [line, self.rows(1, (self.tile_rows, Some(1)))]
            }
        }
    }

    /// A window of rows, of which the next is so many tile rows on, and perhaps beside it along a
    /// dimension of the grid.
    fn rows(&self, argument: usize, (stride, beside): (usize, Option<usize>)) -> Window {
        let (rows, columns, array_columns) = (self.tile_rows, self.columns, self.spec.columns());
        let tiles = TileBlock { element: Element::U32, rows, columns, array_columns };
        let row = array_columns * VREG_GRANULES;
        let mut strides = vec![row * stride];
        let mut edges = Vec::new();
        if let Some(dimension) = beside {
            strides.push(columns * VREG_GRANULES);
            edges.extend(self.edge(0, TileAxis::Rows, (rows, self.spec.tile_rows())));
            edges.extend(self.edge(dimension, TileAxis::Columns, (columns, array_columns)));
        }
        let (name, block) = ("rows".to_owned(), Block::Tiles(tiles));
        Window { name, argument, block, strides, edges, places: Places::Strided }
    }

    /// A window of the line, of which the next is so many granules on.
    fn line(&self, argument: usize, stride: usize) -> Window {
        let granules = self.registers * VREG_GRANULES;
        let mut strides = vec![0; self.grid.dimensions.len()];
        strides[0] = stride;
        let (name, block) = ("line".to_owned(), Block::Linear(granules));
        Window { name, argument, block, strides, edges: Vec::new(), places: Places::Strided }
    }

    /// Where the last of windows of so many units, of `all`, is cut.
    fn edge(&self, dimension: usize, axis: TileAxis, (block, all): (usize, usize)) -> Option<Edge> {
        let count = all - (self.grid.dimensions[dimension].extent - 1) * block;
        let dimension = (self.grid.dimensions[dimension].extent > 1).then_some(dimension);
        (count < block).then_some(Edge { dimension, axis, count })
    }
}
