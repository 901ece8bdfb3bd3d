//! The transpose kernel: rows and lanes of matrices change places.
//!
//! The cross-lane units transpose blocks of 128 x 128 words. Windows are squares of such blocks;
//! what reaches over the end of an array is cut off its window. Elements of less than 32 bits are
//! unpacked on the way, as integers: all bits stay as they are. Padding of the results is whatever
//! was in the padding of the operand, or in the window before.

use crate::{
    element::Element,
    expression::Register,
    llo::{Address, Builder, Function},
    operand::{advance, int, largest_divisor},
    packing,
    pipeline::{
        Block, Edge, Grid, GridDimension, Places, Step, TileAxis, TileBlock, Window, pipeline,
    },
};
use palmetto_isa::{
    ChipSpec,
    memory::{LANES, SUBLANES, VREG_GRANULES},
};
use thiserror::Error;

/// Tile rows of a block of 128 rows.
const TILE_ROWS: usize = LANES / SUBLANES;
/// Blocks along the longest side of a window.
const MAX_SIDE: usize = 4;
/// Steps per core that make the pipeline overlap transfers and computation well.
const STEPS_PER_CORE: usize = 8;
/// Blocks in flight per cross-lane unit: as many as its results have room for.
const BLOCKS_PER_UNIT: usize = 2;

/// What a transpose kernel does: `majors` matrices of `rows x lanes` become `lanes x rows`. Launch
/// arguments are the operand and the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transpose {
    /// The name.
    pub name: String,
    /// The type of the elements.
    pub element: Element,
    /// How many matrices.
    pub majors: usize,
    /// Rows of a matrix of the operand.
    pub rows: usize,
    /// Lanes of a matrix of the operand.
    pub lanes: usize,
}

/// Why there is no transpose kernel.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TransposeError {
    /// There is nothing to transpose.
    #[error("the matrices of `{name}` have no elements")]
    Empty {
        /// The kernel.
        name: String,
    },
    /// Tile rows of a matrix do not fill packed registers, and there are several matrices.
    #[error("{rows} rows of a matrix of `{name}` do not fill registers of {packing} tile rows")]
    Unaligned {
        /// The kernel.
        name: String,
        /// Rows of a matrix of the operand or of the result.
        rows: usize,
        /// Tile rows of a packed register.
        packing: usize,
    },
}

impl Transpose {
    /// Whether there is a kernel, without making it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn check(&self) -> Result<(), TransposeError> {
        if self.majors == 0 || self.rows == 0 || self.lanes == 0 {
            return Err(TransposeError::Empty { name: self.name.clone() });
        }
        let packing = self.element.packing();
        let is_cut = |rows: &usize| !rows.div_ceil(SUBLANES).is_multiple_of(packing);
        match [self.rows, self.lanes].into_iter().find(is_cut) {
            Some(rows) if self.majors > 1 => {
                Err(TransposeError::Unaligned { name: self.name.clone(), rows, packing })
            }
            _ => Ok(()),
        }
    }

    /// The type whose bits are moved.
    fn word(&self) -> Element {
        match self.element.packing() {
            1 => Element::U32,
            2 => Element::U16,
            _ => Element::U8,
        }
    }
}

/// The kernel.
///
/// # Errors
/// If the shapes do not suit it; see [`TransposeError`].
pub fn transpose(spec: &Transpose, chip: &ChipSpec) -> Result<Function, TransposeError> {
    spec.check()?;
    let plan = Plan::new(spec, chip);
    let mut b = Builder::new(&spec.name, 2);
    let windows = plan.windows();
    let (inputs, outputs) = windows.split_at(1);
    pipeline(&mut b, (&plan.grid, chip.n_cores), (inputs, outputs), |b, step| {
        plan.window(b, step, chip.n_xlus as usize);
    });
    Ok(b.finish())
}

/// A side of the matrices, in blocks of 128.
#[derive(Clone, Copy, Debug)]
struct Side {
    /// Elements.
    size: usize,
    /// Blocks of a window.
    blocks: usize,
    /// The dimension of the grid.
    dimension: usize,
}

impl Side {
    fn steps(self) -> usize {
        self.size.div_ceil(LANES).div_ceil(self.blocks)
    }

    /// Tile rows of all matrices, if this is the side of the rows.
    fn tile_rows(self, packing: usize) -> usize {
        self.size.div_ceil(SUBLANES).next_multiple_of(packing)
    }

    /// Where the last window is cut: `whole` units are there, in windows of `block`.
    fn edge(self, axis: TileAxis, whole: usize, block: usize) -> Option<Edge> {
        let steps = self.steps();
        let count = whole - (steps - 1) * block;
        let dimension = (steps > 1).then_some(self.dimension);
        (count < block).then_some(Edge { dimension, axis, count })
    }
}

/// Everything that is decided before ops are emitted.
#[derive(Debug)]
struct Plan<'a> {
    spec: &'a Transpose,
    rows: Side,
    lanes: Side,
    grid: Grid,
}

impl<'a> Plan<'a> {
    fn new(spec: &'a Transpose, chip: &ChipSpec) -> Self {
        let side = |size: usize, dimension| {
            let blocks = size.div_ceil(LANES).min(MAX_SIDE);
            Side { size, blocks, dimension }
        };
        let (mut rows, mut lanes) = (side(spec.rows, 1), side(spec.lanes, 2));
        let wanted = chip.n_cores as usize * STEPS_PER_CORE;
        while spec.majors * rows.steps() * lanes.steps() < wanted && rows.blocks * lanes.blocks > 1
        {
            let longer = if rows.blocks > lanes.blocks { &mut rows } else { &mut lanes };
            longer.blocks /= 2;
        }
        let counts = [spec.majors, rows.steps(), lanes.steps()];
        let dimensions = counts.map(|extent| GridDimension { extent, block: 1 }).to_vec();
        Self { spec, rows, lanes, grid: Grid { dimensions, ..Grid::default() } }
    }

    fn windows(&self) -> [Window; 2] {
        [
            self.array(0, "operand", [self.rows, self.lanes]),
            self.array(1, "result", [self.lanes, self.rows]),
        ]
    }

    /// The window of an array with these rows and lanes.
    fn array(&self, argument: usize, name: &str, [rows, lanes]: [Side; 2]) -> Window {
        let element = self.spec.word();
        let array_columns = lanes.size.div_ceil(LANES);
        let tiles = TileBlock {
            element,
            rows: rows.blocks * TILE_ROWS,
            columns: lanes.blocks,
            array_columns,
        };
        let tile_row = array_columns * element.tile_granules();
        let mut strides = vec![0; 3];
        strides[0] = rows.size.div_ceil(SUBLANES) * tile_row;
        strides[rows.dimension] = tiles.rows * tile_row;
        strides[lanes.dimension] = tiles.columns * element.tile_granules();
        let whole = rows.tile_rows(element.packing());
        let edges = [
            rows.edge(TileAxis::Rows, whole, tiles.rows),
            lanes.edge(TileAxis::Columns, array_columns, tiles.columns),
        ];
        let edges = edges.into_iter().flatten().collect();
        Window {
            name: name.to_owned(),
            argument,
            block: Block::Tiles(tiles),
            strides,
            edges,
            places: Places::Strided,
        }
    }

    /// Transposes the blocks of a window, some at a time.
    fn window(&self, b: &mut Builder, step: &Step, n_units: usize) {
        let (rows, lanes) = (self.rows.blocks, self.lanes.blocks);
        let at_once = largest_divisor(rows, BLOCKS_PER_UNIT * n_units);
        let block = Registers { element: self.spec.word(), source: lanes, target: rows };
        let (columns, chunks) = (b.s(int(lanes)), b.s(int(rows / at_once)));
        b.for_loop(columns, &[], |b, column, _| {
            let from = advance(b, step.inputs[0], column, VREG_GRANULES);
            let to = advance(b, step.outputs[0], column, block.target_stride());
            b.for_loop(chunks, &[], |b, chunk, _| {
                let from = advance(b, from, chunk, at_once * block.source_stride());
                let to = advance(b, to, chunk, at_once * VREG_GRANULES);
                block.transpose(b, (from, to), (at_once, n_units));
                Vec::new()
            });
            Vec::new()
        });
    }
}

/// How blocks lie in the windows of operand and result.
#[derive(Clone, Copy)]
struct Registers {
    element: Element,
    /// Columns of the operand's window.
    source: usize,
    /// Columns of the result's window.
    target: usize,
}

impl Registers {
    /// Registers of a column of a block.
    fn groups(self) -> usize {
        TILE_ROWS / self.element.packing()
    }

    fn source_stride(self) -> usize {
        self.groups() * self.source * VREG_GRANULES
    }

    fn target_stride(self) -> usize {
        self.groups() * self.target * VREG_GRANULES
    }

    /// Transposes `n` blocks that lie below each other, to blocks beside each other.
    fn transpose(
        self,
        b: &mut Builder,
        (from, to): (Address, Address),
        (n, n_units): (usize, usize),
    ) {
        let packing = self.element.packing();
        // A unit takes one block after the other, the units work side by side.
        for first in (0..n).step_by(n_units) {
            for group in 0..self.groups() {
                for block in first..n.min(first + n_units) {
                    let at = (block * self.groups() + group) * self.source * VREG_GRANULES;
                    let packed = b.load(from.plus(at));
                    for part in 0..packing {
                        let row = packing::unpack(b, packed, self.element, part).vector();
                        b.xlu_xpose(unit(block, n_units), row);
                    }
                }
            }
        }
        for block in 0..n {
            for group in 0..self.groups() {
                let unit = unit(block, n_units);
                let parts: Vec<Register> =
                    (0..packing).map(|_| Register::Vector(b.xlu_pop(unit))).collect();
                let packed = packing::pack(b, self.element, &parts);
                b.store(to.plus((group * self.target + block) * VREG_GRANULES), packed);
            }
        }
    }
}

fn unit(block: usize, n_units: usize) -> u8 {
    u8::try_from(block % n_units).expect("a core has few cross-lane units")
}
