//! The heads kernel: rows of several heads become matrices, one for each head, and back.
//!
//! Attention has `rows x (heads x lanes)` where it multiplies by weights, `heads x rows x lanes`
//! where it multiplies heads. Rows stay rows; a head's lanes come to lane 0 of a matrix of its own.
//! Heads of less than 128 lanes share a column: the cross-lane units rotate it. Elements of less
//! than 32 bits move as the words that hold those of two or four rows.

use crate::{
    element::Element,
    llo::{Address, Builder, Function, V},
    operand::{advance, int, largest_divisor},
    pipeline::{
        Block, Edge, Grid, GridDimension, Places, Step, TileAxis, TileBlock, Window, pipeline,
    },
};
use palmetto_isa::{
    ChipSpec,
    memory::{LANES, SUBLANES, VREG_GRANULES},
};
use thiserror::Error;

/// Registers of a window of rows: a transfer of so many takes about as long as it takes to start.
const REGISTERS: usize = 64;
/// Registers of a window of matrices, at most: 2 MiB.
const MOST_REGISTERS: usize = 512;
/// Steps per core that make the pipeline overlap transfers and computation well.
const STEPS_PER_CORE: usize = 4;
/// Registers of matrices that one pass of a loop body works on.
const UNROLLED: usize = 16;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From rows of all heads to a matrix for each.
    Split,
    /// From matrices to rows.
    Merge,
}

/// What a heads kernel does: `majors x rows x (heads * lanes)` becomes
/// `majors x heads x rows x lanes`, or comes from it. Launch arguments are the operand and the
/// result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heads {
    /// The name.
    pub name: String,
    /// The type of the elements.
    pub element: Element,
    /// Which way.
    pub way: Way,
    /// How many times there are `heads` matrices.
    pub majors: usize,
    /// Rows of a matrix.
    pub rows: usize,
    /// Matrices that share rows.
    pub heads: usize,
    /// Lanes of a matrix.
    pub lanes: usize,
}

/// Why there is no heads kernel.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeadsError {
    /// There is nothing to move.
    #[error("the matrices of `{name}` have no elements")]
    Empty {
        /// The kernel.
        name: String,
    },
    /// Heads do not divide columns, or columns heads.
    #[error("{heads} heads of {lanes} lanes do not fill columns of 128 lanes evenly")]
    Lanes {
        /// How many.
        heads: usize,
        /// Lanes of each.
        lanes: usize,
    },
    /// Tile rows of a matrix do not fill packed registers.
    #[error("{rows} rows of a matrix of `{name}` do not fill registers of {packing} tile rows")]
    Unaligned {
        /// The kernel.
        name: String,
        /// Rows of a matrix.
        rows: usize,
        /// Tile rows of a packed register.
        packing: usize,
    },
}

impl Heads {
    /// Whether there is a kernel, without making it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn check(&self) -> Result<(), HeadsError> {
        let Self { majors, rows, heads, lanes, .. } = *self;
        if [majors, rows, heads, lanes].contains(&0) {
            return Err(HeadsError::Empty { name: self.name.clone() });
        }
        let is_even = LANES.is_multiple_of(lanes) || lanes.is_multiple_of(LANES);
        if !is_even || !heads.is_multiple_of(self.per_column()) {
            return Err(HeadsError::Lanes { heads, lanes });
        }
        let packing = self.element.packing();
        if !self.tile_rows().is_multiple_of(packing) {
            return Err(HeadsError::Unaligned { name: self.name.clone(), rows, packing });
        }
        Ok(())
    }

    /// Heads that share a column.
    fn per_column(&self) -> usize {
        (LANES / self.lanes).max(1)
    }

    /// Columns of a head.
    fn columns(&self) -> usize {
        self.lanes.div_ceil(LANES)
    }

    /// Columns, or runs of columns of one head, of a row.
    fn units(&self) -> usize {
        self.heads / self.per_column()
    }

    fn tile_rows(&self) -> usize {
        self.rows.div_ceil(SUBLANES)
    }
}

/// The kernel.
///
/// # Errors
/// If the shapes do not suit it; see [`HeadsError`].
pub fn heads(spec: &Heads, chip: &ChipSpec) -> Result<Function, HeadsError> {
    spec.check()?;
    let plan = Plan::new(spec, chip);
    let mut b = Builder::new(&spec.name, 2);
    let (rows, matrices) = match spec.way {
        Way::Split => (plan.row_window(0), plan.matrix_window(1)),
        Way::Merge => (plan.row_window(1), plan.matrix_window(0)),
    };
    let [operand, result] = match spec.way {
        Way::Split => [rows, matrices],
        Way::Merge => [matrices, rows],
    };
    pipeline(&mut b, (&plan.grid, chip.n_cores), (&[operand], &[result]), |b, step| {
        plan.window(b, step);
    });
    Ok(b.finish())
}

/// Everything that is decided before ops are emitted.
struct Plan<'a> {
    spec: &'a Heads,
    grid: Grid,
    /// Tile rows of a window.
    rows: usize,
    /// Units of a window.
    units: usize,
}

impl<'a> Plan<'a> {
    fn new(spec: &'a Heads, chip: &ChipSpec) -> Self {
        let packing = spec.element.packing();
        let groups = spec.tile_rows() / packing;
        let wanted = chip.n_cores as usize * STEPS_PER_CORE;
        let most = REGISTERS.min(MOST_REGISTERS / spec.per_column());
        let mut of_window = groups.min(most);
        // Runs of several columns are windows of their own: a transfer has three strides at most.
        let beside = if spec.columns() == 1 { most / of_window } else { 1 };
        let mut units = largest_divisor(spec.units(), beside.max(1));
        let steps = |of_window: usize, units: usize| {
            spec.majors * groups.div_ceil(of_window) * (spec.units() / units)
        };
        while steps(of_window, units) < wanted && of_window * units > 1 {
            if units > 1 {
                units = largest_divisor(units, units / 2);
            } else {
                of_window = of_window.div_ceil(2);
            }
        }
        let counts = [spec.majors, groups.div_ceil(of_window), spec.units() / units];
        let dimensions = counts.map(|extent| GridDimension { extent, block: 1 }).to_vec();
        let grid = Grid { dimensions, ..Grid::default() };
        Self { spec, grid, rows: of_window * packing, units }
    }

    /// Where the last windows of rows are cut.
    fn edges(&self) -> Vec<Edge> {
        let steps = self.grid.dimensions[1].count();
        let count = self.spec.tile_rows() - (steps - 1) * self.rows;
        let edge = Edge { dimension: Some(1), axis: TileAxis::Rows, count };
        if count < self.rows { vec![edge] } else { Vec::new() }
    }

    /// The window of the array that has all heads in a row.
    fn row_window(&self, argument: usize) -> Window {
        let spec = self.spec;
        let (element, array_columns) = (spec.element, spec.units() * spec.columns());
        let columns = self.units * spec.columns();
        let tiles = TileBlock { element, rows: self.rows, columns, array_columns };
        let tile = element.tile_granules();
        let row = array_columns * tile;
        let strides = vec![spec.tile_rows() * row, self.rows * row, columns * tile];
        self.array(("rows", argument), Block::Tiles(tiles), strides)
    }

    /// The window of the array that has a matrix for each head.
    fn matrix_window(&self, argument: usize) -> Window {
        let spec = self.spec;
        let (element, columns) = (spec.element, spec.columns());
        let tiles = TileBlock { element, rows: self.rows, columns, array_columns: columns };
        let row = columns * element.tile_granules();
        let stride = spec.tile_rows() * row;
        let count = self.units * spec.per_column();
        let strides = vec![spec.heads * stride, self.rows * row, count * stride];
        self.array(("matrices", argument), Block::Matrices { tiles, count, stride }, strides)
    }

    fn array(&self, (name, argument): (&str, usize), block: Block, strides: Vec<usize>) -> Window {
        let (name, edges) = (name.to_owned(), self.edges());
        Window { name, argument, block, strides, edges, places: Places::Strided }
    }

    /// The registers of a window, some at a time.
    fn window(&self, b: &mut Builder, step: &Step) {
        let groups = self.rows / self.spec.element.packing();
        let per_column = self.spec.per_column();
        let at_once = largest_divisor(groups, (UNROLLED / per_column).max(1));
        let (units, chunks) = (b.s(int(self.units)), b.s(int(groups / at_once)));
        let (rows, matrices) = match self.spec.way {
            Way::Split => (step.inputs[0], step.outputs[0]),
            Way::Merge => (step.outputs[0], step.inputs[0]),
        };
        let columns = self.spec.columns();
        let matrix = groups * columns * VREG_GRANULES;
        b.for_loop(units, &[], |b, unit, _| {
            let rows = advance(b, rows, unit, columns * VREG_GRANULES);
            let matrices = advance(b, matrices, unit, per_column * matrix);
            b.for_loop(chunks, &[], |b, chunk, _| {
                let row = self.units * columns * VREG_GRANULES;
                let rows = advance(b, rows, chunk, at_once * row);
                let matrices = advance(b, matrices, chunk, at_once * columns * VREG_GRANULES);
                for column in 0..columns {
                    let places: Vec<Place> = (0..at_once)
                        .map(|group| Place {
                            row: rows.plus(group * row + column * VREG_GRANULES),
                            matrices: (0..per_column)
                                .map(|n| n * matrix + (group * columns + column) * VREG_GRANULES)
                                .map(|at| matrices.plus(at))
                                .collect(),
                        })
                        .collect();
                    self.places(b, &places);
                }
                Vec::new()
            });
            Vec::new()
        });
    }

    fn places(&self, b: &mut Builder, places: &[Place]) {
        let lanes = self.spec.lanes;
        match self.spec.way {
            Way::Split => {
                let turned = turned(b, places, |b, place, n| {
                    (n > 0).then(|| (b.load(place.row), LANES - n * lanes))
                });
                for (place, turned) in places.iter().zip(turned) {
                    let first = b.load(place.row);
                    let values = std::iter::once(first).chain(turned);
                    for (at, value) in place.matrices.iter().zip(values) {
                        b.store(*at, value);
                    }
                }
            }
            Way::Merge => {
                let turned = turned(b, places, |b, place, n| {
                    (n > 0).then(|| (b.load(place.matrices[n]), n * lanes))
                });
                for (place, turned) in places.iter().zip(turned) {
                    let mut value = b.load(place.matrices[0]);
                    for (n, turned) in turned.into_iter().enumerate() {
                        let before = b.lanes_below((n + 1) * lanes);
                        value = b.vsel(before, value, turned);
                    }
                    b.store(place.row, value);
                }
            }
        }
    }
}

/// A register of a row, and those of the matrices that share it.
struct Place {
    row: Address,
    matrices: Vec<Address>,
}

/// Per place, registers rotated by so many lanes: those that `of` gives for each of its matrices.
fn turned(
    b: &mut Builder,
    places: &[Place],
    mut of: impl FnMut(&mut Builder, &Place, usize) -> Option<(V, usize)>,
) -> Vec<Vec<V>> {
    let mut units = Vec::new();
    for (group, place) in places.iter().enumerate() {
        let mut of_place = Vec::new();
        for n in 0..place.matrices.len() {
            if let Some((value, amount)) = of(b, place, n) {
                let unit = u8::from((group + n) % 2 == 1);
                let amount = b.s(int(amount));
                b.xlu_rot(unit, value, amount);
                of_place.push(unit);
            }
        }
        units.push(of_place);
    }
    units.into_iter().map(|units| units.into_iter().map(|unit| b.xlu_pop(unit)).collect()).collect()
}
