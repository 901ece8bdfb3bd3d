//! The plan of a product: grid, windows, planes and the loop nest, all of it from a [`Tiling`].

use super::{Access, Input, Matmul, MatmulError, Operand, Passes, Strides, nest::Nest};
use crate::{
    element::Element,
    exchange::Link,
    expression::NodeOp,
    pipeline::{Block, Edge, Grid, GridDimension, Places, TileAxis, TileBlock, Window},
};
use palmetto_isa::{
    ChipSpec,
    memory::{LANES, SUBLANES, VREG_GRANULES},
};

/// Tile rows that are as many rows as a column has lanes.
pub(super) const TILE_ROWS_PER_COLUMN: usize = LANES / SUBLANES;

/// Sizes of windows, and the order in which they are walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tiling {
    /// Tile rows (of 8 rows) of an output window.
    pub(super) rows: usize,
    /// Columns (of 128 lanes) of an output window.
    pub(super) columns: usize,
    /// Contracted indices of a step, in units of 128.
    pub(super) depth: usize,
    /// Whether the dimensions of `n` are walked more slowly than those of `m`.
    pub(super) n_is_slower: bool,
}

/// A dimension of the product: its group and its index there. The last of `m`, `n`, `k` is tiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dimension {
    Batch(usize),
    M(usize),
    N(usize),
    K(usize),
}

/// Everything that is decided before ops are emitted.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) spec: &'a Matmul,
    pub(super) chip: ChipSpec,
    pub(super) tiling: Tiling,
    pub(super) grid: Grid,
    /// What the dimensions of the grid are. Dimensions of one step are not in the grid.
    pub(super) dimensions: Vec<Dimension>,
    pub(super) inputs: Vec<Window>,
    pub(super) outputs: Vec<Window>,
    pub(super) nest: Nest,
}

/// One of the last two dimensions of an array.
struct Side {
    dimension: Dimension,
    size: usize,
    /// How much of it a window holds, if it is in rows: tile rows.
    rows: usize,
    /// How much of it a window holds, if it is in lanes: columns.
    columns: usize,
    /// How many windows there are.
    count: usize,
}

fn last(sizes: &[usize]) -> usize {
    *sizes.last().expect("`check` has seen a tiled dimension")
}

impl Matmul {
    fn m_side(&self, tiling: &Tiling) -> Side {
        let (size, rows) = (last(&self.m), tiling.rows);
        let count = size.div_ceil(SUBLANES).div_ceil(rows);
        let columns = rows / TILE_ROWS_PER_COLUMN;
        Side { dimension: Dimension::M(self.m.len() - 1), size, rows, columns, count }
    }

    fn n_side(&self, tiling: &Tiling) -> Side {
        let (size, columns) = (last(&self.n), tiling.columns);
        let count = size.div_ceil(LANES).div_ceil(columns);
        let rows = columns * TILE_ROWS_PER_COLUMN;
        Side { dimension: Dimension::N(self.n.len() - 1), size, rows, columns, count }
    }

    fn k_side(&self, tiling: &Tiling) -> Side {
        let (size, columns) = (last(&self.k), tiling.depth);
        let count = size.div_ceil(LANES).div_ceil(columns);
        let rows = columns * TILE_ROWS_PER_COLUMN;
        Side { dimension: Dimension::K(self.k.len() - 1), size, rows, columns, count }
    }

    /// Tile rows that an output window is a multiple of.
    pub(super) fn row_unit(&self) -> usize {
        if self.lhs.transposed {
            return TILE_ROWS_PER_COLUMN;
        }
        let inputs = self.epilogue.inputs.iter().chain(self.lhs.further());
        let inputs = inputs.filter(|input| is_matrix(input));
        let outputs =
            self.epilogue.outputs.iter().map(|(id, _)| self.epilogue.expression.node(*id));
        let elements = inputs
            .map(|input| input.element)
            .chain(outputs.map(|node| node.element))
            .chain([self.lhs.element]);
        elements.map(Element::packing).fold(2, usize::max)
    }

    /// Whether the sums are the output as they are.
    fn keeps_sums(&self) -> bool {
        let Some((node, _)) = self.epilogue.outputs.first() else { return false };
        let node = self.epilogue.expression.node(*node);
        let is_sum = node.op == NodeOp::Input(0) && node.element == Element::F32;
        is_sum && self.epilogue.outputs.len() == 1
    }
}

fn is_matrix(input: &Input) -> bool {
    match input.access {
        Access::Matrix(_) => true,
        Access::Row | Access::Column | Access::Scalar => false,
    }
}

impl Operand {
    /// bf16 parts that its values are split into.
    pub(super) fn n_parts(&self, passes: Passes) -> usize {
        let most = match passes {
            Passes::One => 1,
            Passes::Three => 2,
            Passes::Six => 3,
        };
        match self.factor() {
            Element::F32 => most,
            // 11 bits of mantissa are two parts.
            Element::F16 => most.min(2),
            Element::Bf16
            | Element::S32
            | Element::U32
            | Element::S16
            | Element::U16
            | Element::S8
            | Element::U8
            | Element::Pred => 1,
        }
    }
}

/// The pairs of parts whose products are added up.
pub(super) fn pairs(passes: Passes, [lhs, rhs]: [usize; 2]) -> Vec<[usize; 2]> {
    let all: &[[usize; 2]] = match passes {
        Passes::One => &[[0, 0]],
        Passes::Three => &[[0, 0], [0, 1], [1, 0]],
        Passes::Six => &[[0, 0], [0, 1], [1, 0], [1, 1], [0, 2], [2, 0]],
    };
    all.iter().copied().filter(|[a, b]| *a < lhs && *b < rhs).collect()
}

impl<'a> Plan<'a> {
    pub(super) fn new(
        spec: &'a Matmul,
        tiling: Tiling,
        chip: &ChipSpec,
    ) -> Result<Self, MatmulError> {
        let (dimensions, grid) = grid(spec, &tiling);
        let mut plan = Self {
            spec,
            chip: *chip,
            tiling,
            grid,
            dimensions,
            inputs: Vec::new(),
            outputs: Vec::new(),
            nest: Nest::default(),
        };
        plan.make_windows()?;
        plan.nest = Nest::best(&plan, chip);
        Ok(plan)
    }

    fn make_windows(&mut self) -> Result<(), MatmulError> {
        let spec = self.spec;
        let (m, n, k) =
            (spec.m_side(&self.tiling), spec.n_side(&self.tiling), spec.k_side(&self.tiling));
        let lhs = if spec.lhs.transposed { (&k, &m) } else { (&m, &k) };
        let rhs = if spec.rhs.transposed { (&n, &k) } else { (&k, &n) };
        let mut inputs = vec![
            self.window("lhs", spec.lhs.element, lhs, &spec.lhs.strides)?,
            self.window("rhs", spec.rhs.element, rhs, &spec.rhs.strides)?,
        ];
        let further = [
            ("lhs input", spec.lhs.further(), lhs),
            ("rhs input", spec.rhs.further(), rhs),
            ("input", spec.epilogue.inputs.as_slice(), (&m, &n)),
        ];
        for (name, arrays, sides) in further {
            for (i, input) in arrays.iter().enumerate() {
                inputs.push(self.input_window(&format!("{name} {i}"), input, sides)?);
            }
        }
        self.inputs = inputs;
        for (i, (node, strides)) in spec.epilogue.outputs.iter().enumerate() {
            let element = spec.epilogue.expression.node(*node).element;
            let window = self.window(&format!("output {i}"), element, (&m, &n), strides)?;
            self.outputs.push(window);
        }
        for (argument, window) in self.inputs.iter_mut().chain(&mut self.outputs).enumerate() {
            window.argument = argument;
        }
        Ok(())
    }

    /// The window of an array over the window of matrices with `rows` and `columns`.
    fn input_window(
        &self,
        name: &str,
        input: &Input,
        (rows, columns): (&Side, &Side),
    ) -> Result<Window, MatmulError> {
        let whole = |length: usize| self.whole(name, input.element, length);
        Ok(match &input.access {
            Access::Matrix(strides) => {
                return self.window(name, input.element, (rows, columns), strides);
            }
            Access::Row => whole(columns.size),
            Access::Column => whole(rows.size),
            Access::Scalar => whole(1),
        })
    }

    /// Where the further inputs of the prologue of operand `n` start.
    pub(super) fn first_operand_input(&self, n: usize) -> usize {
        2 + if n == 0 { 0 } else { self.spec.lhs.further().len() }
    }

    /// Where the further inputs of the epilogue start.
    pub(super) fn first_epilogue_input(&self) -> usize {
        2 + self.spec.lhs.further().len() + self.spec.rhs.further().len()
    }

    /// The window of an array of matrices.
    fn window(
        &self,
        name: &str,
        element: Element,
        (rows, columns): (&Side, &Side),
        strides: &Strides,
    ) -> Result<Window, MatmulError> {
        let packing = element.packing();
        let array_columns = columns.size.div_ceil(LANES);
        let tile_rows = rows.size.div_ceil(SUBLANES);
        if !tile_rows.is_multiple_of(packing) && self.has_majors(strides) {
            let (name, array) = (self.spec.name.clone(), name.to_owned());
            return Err(MatmulError::Unaligned { name, array, rows: tile_rows, packing });
        }
        let tile = element.tile_granules();
        let stride = |dimension: &Dimension| {
            if *dimension == rows.dimension {
                return rows.rows * array_columns * tile;
            }
            if *dimension == columns.dimension {
                return columns.columns * tile;
            }
            major_stride(strides, *dimension)
        };
        let block = TileBlock { element, rows: rows.rows, columns: columns.columns, array_columns };
        Ok(Window {
            name: name.to_owned(),
            argument: 0,
            block: Block::Tiles(block),
            strides: self.dimensions.iter().map(stride).collect(),
            edges: [
                self.edge(rows, TileAxis::Rows, (rows.rows, tile_rows.next_multiple_of(packing))),
                self.edge(columns, TileAxis::Columns, (columns.columns, array_columns)),
            ]
            .into_iter()
            .flatten()
            .collect(),
            places: Places::Strided,
        })
    }

    /// The edge along a side of which a window holds `block` and the array has `available`.
    fn edge(
        &self,
        side: &Side,
        axis: TileAxis,
        (block, available): (usize, usize),
    ) -> Option<Edge> {
        let count = available - (side.count - 1) * block;
        let dimension = self.dimensions.iter().position(|d| *d == side.dimension);
        (count < block).then_some(Edge { dimension, axis, count })
    }

    /// Whether there is more than one matrix in the array.
    fn has_majors(&self, strides: &Strides) -> bool {
        let spec = self.spec;
        let groups = [
            (&spec.batch[..], &strides.batch),
            (&spec.m[..spec.m.len() - 1], &strides.m),
            (&spec.n[..spec.n.len() - 1], &strides.n),
            (&spec.k[..spec.k.len() - 1], &strides.k),
        ];
        let mut dimensions =
            groups.into_iter().flat_map(|(sizes, strides)| sizes.iter().zip(strides));
        dimensions.any(|(size, stride)| *size > 1 && *stride != 0)
    }

    /// The window that is all of an array of rank 1.
    fn whole(&self, name: &str, element: Element, length: usize) -> Window {
        let rows = length.div_ceil(SUBLANES * LANES).next_multiple_of(element.packing());
        let block = Block::Tiles(TileBlock { element, rows, columns: 1, array_columns: 1 });
        let strides = vec![0; self.dimensions.len()];
        Window {
            name: name.to_owned(),
            argument: 0,
            block,
            strides,
            edges: Vec::new(),
            places: Places::Strided,
        }
    }

    /// Whether the left operand is not used where its window lies, but from planes.
    pub(super) fn lhs_is_prepared(&self) -> bool {
        let lhs = &self.spec.lhs;
        lhs.element != Element::Bf16 || lhs.transposed || lhs.prologue.is_some()
    }

    /// Whether the right operand is not used where its window lies, but from planes.
    pub(super) fn rhs_is_prepared(&self) -> bool {
        self.spec.rhs.element != Element::Bf16 || self.spec.rhs.prologue.is_some()
    }

    /// Groups of 16 rows of an output window.
    pub(super) fn row_groups(&self) -> usize {
        self.tiling.rows / 2
    }

    /// Granules of a plane of the left operand, and of the right one.
    pub(super) fn plane_granules(&self) -> [usize; 2] {
        let Tiling { columns, depth, .. } = self.tiling;
        let groups = TILE_ROWS_PER_COLUMN / 2;
        [self.row_groups() * depth * VREG_GRANULES, groups * columns * depth * VREG_GRANULES]
    }

    /// Granules of the planes of both operands and of the sums.
    pub(super) fn scratch_granules(&self) -> [usize; 3] {
        let [lhs, rhs] = self.plane_granules();
        let spec = self.spec;
        let sums = self.sums() * VREG_GRANULES;
        [
            if self.lhs_is_prepared() { lhs * spec.lhs.n_parts(spec.passes) } else { 0 },
            if self.rhs_is_prepared() { rhs * spec.rhs.n_parts(spec.passes) } else { 0 },
            if self.sums_in_output() { 0 } else { sums },
        ]
    }

    /// Whether the sums are accumulated in the window of the only output.
    pub(super) fn sums_in_output(&self) -> bool {
        self.spec.keeps_sums() && !self.grid.is_split
    }

    /// Registers of sums.
    pub(super) fn sums(&self) -> usize {
        self.tiling.rows * self.tiling.columns
    }

    /// Granules of VMEM.
    pub(super) fn vmem_granules(&self) -> usize {
        let windows = self.inputs.iter().chain(&self.outputs);
        let windows = windows.map(|window| {
            let changes = window.strides.iter().any(|stride| *stride != 0);
            window.block.granules() * if changes { 2 } else { 1 }
        });
        // Those of the other core too, if it has a share of the sums.
        let theirs = if self.grid.is_split { self.sums() * VREG_GRANULES } else { 0 };
        windows.sum::<usize>() + self.scratch_granules().iter().sum::<usize>() + theirs
    }

    /// Whether the cores can share the sums of the only output window, one of them adding up.
    pub(super) fn can_split(&self) -> bool {
        let flags = 2 * (self.inputs.len() + self.outputs.len()) + Link::N_FLAGS;
        self.chip.n_cores == 2
            && self.grid.parallel_steps() == 1
            && self.reduced_steps() > 1
            && flags <= self.chip.n_sync_flags as usize
    }

    /// Steps that add to one output window.
    pub(super) fn reduced_steps(&self) -> usize {
        let reduced = &self.grid.dimensions[self.grid.dimensions.len() - self.grid.n_reduced..];
        reduced.iter().map(|dimension| dimension.count()).product()
    }

    /// The dimension of the grid that is `dimension`, if it has more than one step.
    pub(super) fn grid_dimension(&self, dimension: Dimension) -> Option<usize> {
        self.dimensions.iter().position(|other| *other == dimension)
    }
}

fn major_stride(strides: &Strides, dimension: Dimension) -> usize {
    let (of_group, index) = match dimension {
        Dimension::Batch(index) => (&strides.batch, index),
        Dimension::M(index) => (&strides.m, index),
        Dimension::N(index) => (&strides.n, index),
        Dimension::K(index) => (&strides.k, index),
    };
    of_group.get(index).copied().unwrap_or(0)
}

/// The dimensions of more than one step, slowest first, one unit a step.
fn grid(spec: &Matmul, tiling: &Tiling) -> (Vec<Dimension>, Grid) {
    let counts = |sizes: &[usize], side: &Side| {
        let majors = sizes[..sizes.len() - 1].iter().copied();
        majors.chain([side.count]).collect::<Vec<_>>()
    };
    let numbered = |counts: Vec<usize>, make: fn(usize) -> Dimension| {
        counts.into_iter().enumerate().map(move |(i, n)| (make(i), n)).collect::<Vec<_>>()
    };
    let m = numbered(counts(&spec.m, &spec.m_side(tiling)), Dimension::M);
    let n = numbered(counts(&spec.n, &spec.n_side(tiling)), Dimension::N);
    let k = numbered(counts(&spec.k, &spec.k_side(tiling)), Dimension::K);
    let (slower, faster) = if tiling.n_is_slower { (n, m) } else { (m, n) };
    let batch = numbered(spec.batch.clone(), Dimension::Batch);
    let all = batch.into_iter().chain(slower).chain(faster).chain(k);
    let kept: Vec<(Dimension, usize)> = all.filter(|(_, count)| *count > 1).collect();
    let n_reduced = kept.iter().filter(|(d, _)| matches!(d, Dimension::K(_))).count();
    let dimensions =
        kept.iter().map(|(_, count)| GridDimension { extent: *count, block: 1 }).collect();
    (kept.into_iter().map(|(d, _)| d).collect(), Grid { dimensions, n_reduced, ..Grid::default() })
}
