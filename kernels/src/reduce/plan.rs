//! The plan of a reduction: grid, windows, and where partial results are kept.

use palmetto_isa::{
    ChipSpec,
    memory::{GRANULE_BYTES, LANES, SUBLANES, VREG_GRANULES},
};

use super::{
    Access, Reduce, ReduceError,
    accumulate::CLEARED,
    tiling::{Finish, Shape, Tiling, line_unit},
};
use crate::{
    element::Element,
    expression::{Axis, NodeOp},
    operand::{Whole, columns_of},
    pipeline::{
        Block, Edge, Grid, GridDimension, InnerDimension, Padding, Places, TileAxis, TileBlock,
        Window,
    },
};

/// What a dimension of the grid walks over: an axis of the operand, so many units at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Role {
    /// The axis: rows count in tile rows, lanes in columns.
    pub(super) axis: Axis,
    /// Units of the axis per unit of the grid.
    pub(super) unit: usize,
}

/// A block of the result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// Rows; 1 if the result has only lanes.
    pub(super) rows: usize,
    /// Lines of 128 lanes of a row.
    pub(super) lines: usize,
    /// Slots of a row.
    pub(super) per_row: usize,
    /// Slots of a line: registers of 8 lanes or, for elements, sets of 8 registers.
    pub(super) per_line: usize,
    /// Slots that become 8 lanes.
    pub(super) per_tile: usize,
}

/// A result.
#[derive(Clone, Debug)]
pub(super) struct Output {
    pub(super) element: Element,
    pub(super) window: Window,
    pub(super) padding: Padding,
}

#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) spec: &'a Reduce,
    pub(super) shape: Shape,
    pub(super) grid: Grid,
    /// Per dimension of the grid.
    pub(super) roles: Vec<Role>,
    pub(super) inputs: Vec<Window>,
    /// Per result.
    pub(super) outputs: Vec<Output>,
    pub(super) part: Part,
    /// The major dimensions that the rows and the lanes of the result are, if they are.
    pub(super) row_major: Option<usize>,
    pub(super) lane_major: Option<usize>,
    pub(super) tiling: Tiling,
}

/// The plan of a reduction, with steps small enough for the cores to share them if it is split.
pub(super) fn plan<'a>(
    spec: &'a Reduce,
    chip: &ChipSpec,
    is_split: bool,
) -> Result<Plan<'a>, ReduceError> {
    if spec.dimensions.iter().any(|dimension| dimension.size == 0) {
        return Err(ReduceError::Empty(spec.name.clone()));
    }
    let roots: Vec<_> = spec.initials.iter().chain(&spec.values).copied().collect();
    let is_elementwise = spec.expression.reachable(&roots).into_iter().all(|id| {
        let op = &spec.expression.node(id).op;
        !op.moves_lanes() && !matches!(op, NodeOp::RowReduce(..))
    });
    if !is_elementwise {
        return Err(ReduceError::Operand(spec.name.clone()));
    }
    let shape = Shape::new(spec);
    let tiling = Tiling::new(spec, &shape, chip, is_split);
    let plan = Plan::new(spec, shape, tiling);
    let available = available_granules(chip);
    let outputs = plan.windows();
    let windows = plan.inputs.iter().chain(&outputs);
    let needed = windows.map(Window::buffered_granules).sum::<usize>() + plan.slots_granules();
    if needed > available {
        let name = spec.name.clone();
        return Err(ReduceError::Vmem { name, needed, available });
    }
    Ok(plan)
}

/// Granules of VMEM for windows and slots.
pub(super) fn available_granules(chip: &ChipSpec) -> usize {
    let vmem = usize::try_from(chip.vmem_bytes).expect("VMEM fits an address space");
    vmem / GRANULE_BYTES - 1024
}

impl<'a> Plan<'a> {
    fn new(spec: &'a Reduce, shape: Shape, tiling: Tiling) -> Self {
        let (row_major, lane_major) = shape.result_majors();
        let mut walk = Walk::default();
        let outer = walk.blocks(&shape, &tiling, line_unit(&shape, spec.packing()));
        walk.inside(&shape, &tiling, outer);
        let Walk { grid, roles } = walk;
        let mut plan = Self {
            spec,
            inputs: Vec::new(),
            outputs: Vec::new(),
            part: Part { rows: 1, lines: 1, per_row: 1, per_line: 1, per_tile: 1 },
            shape,
            grid,
            roles,
            row_major,
            lane_major,
            tiling,
        };
        plan.inputs = (0..spec.inputs.len()).map(|n| plan.input(n)).collect();
        plan.part = plan.part();
        plan.outputs = spec.elements().enumerate().map(|(n, of)| plan.output(n, of)).collect();
        plan
    }

    /// Registers of partial results of one array.
    pub(super) fn n_slots(&self) -> usize {
        self.part.rows * self.part.per_row
    }

    /// Registers from the partial results of one array to those of the next.
    pub(super) fn slots_stride(&self) -> usize {
        if self.spec.values.len() == 1 {
            return self.n_slots();
        }
        self.n_slots().next_multiple_of(CLEARED)
    }

    /// Registers of partial results of all arrays.
    pub(super) fn all_slots(&self) -> usize {
        self.spec.values.len() * self.slots_stride()
    }

    /// Granules of the partial results, whole groups of which are cleared at a time.
    pub(super) fn slots_granules(&self) -> usize {
        self.all_slots().next_multiple_of(CLEARED) * VREG_GRANULES
    }

    /// The windows of the results.
    pub(super) fn windows(&self) -> Vec<Window> {
        self.outputs.iter().map(|output| output.window.clone()).collect()
    }

    /// The dimension of the grid that walks `axis`, if one does; for major dimensions of the
    /// result, the one that walks what windows are blocks of.
    pub(super) fn dimension(&self, axis: Axis) -> Option<usize> {
        self.roles.iter().position(|role| role.axis == axis)
    }

    /// The dimension of the grid that walks the inside of blocks of `axis`.
    pub(super) fn inner_dimension(&self, axis: Axis) -> Option<usize> {
        let inner = self.grid.inner.iter().map(|inner| inner.dimension);
        inner.into_iter().find(|d| self.roles[*d].axis == axis)
    }

    /// Windows along an axis.
    pub(super) fn count(&self, axis: Axis) -> usize {
        self.dimension(axis).map_or(1, |d| self.grid.dimensions[d].count())
    }

    /// Units of the result, along a dimension of the grid, that are one block.
    fn unit(&self, axis: Axis) -> usize {
        self.dimension(axis).map_or(1, |d| self.roles[d].unit)
    }

    fn input(&self, n: usize) -> Window {
        let input = &self.spec.inputs[n];
        let (argument, name) = (n, format!("input{n}"));
        let strides = vec![0; self.roles.len()];
        let Access::Tiles { majors: has, .. } = &input.access else {
            let block = Whole { space: self.shape.space(), input }.block();
            return Window {
                name,
                argument,
                block,
                strides,
                edges: Vec::new(),
                places: Places::Strided,
            };
        };
        let (tiling, element) = (&self.tiling, input.element);
        let last = self.shape.majors.len().wrapping_sub(1);
        let has_last = has.last() == Some(&true);
        let matrix = tiling.groups * tiling.packing;
        let rows = if has_last { tiling.matrices * matrix } else { matrix };
        let tiles =
            TileBlock { element, rows, columns: tiling.columns, array_columns: self.shape.columns };
        let block = if tiling.is_separate { Block::Separate(tiles) } else { Block::Tiles(tiles) };
        let mut window =
            Window { name, argument, block, strides, edges: Vec::new(), places: Places::Strided };
        self.set_tile_strides(&mut window, has);
        self.cut(&mut window, (Axis::Row, TileAxis::Rows), self.shape.tile_rows);
        self.cut(&mut window, (Axis::Lane, TileAxis::Columns), self.shape.columns);
        if has_last && tiling.matrices > 1 {
            let rows = self.shape.majors[last] * matrix;
            self.cut(&mut window, (Axis::Major(last), TileAxis::Rows), rows);
        }
        window
    }

    /// The strides of an array in tiles that has the major dimensions `has`.
    fn set_tile_strides(&self, window: &mut Window, has: &[bool]) {
        let tiles = window.block.tiles();
        let tile = tiles.element.tile_granules();
        let row = tiles.array_columns * tile;
        for (stride, role) in window.strides.iter_mut().zip(&self.roles) {
            *stride = match role.axis {
                Axis::Major(d) if !has[d] => 0,
                Axis::Major(d) => {
                    let inner = (d + 1..has.len()).filter(|other| has[*other]);
                    let inner: usize = inner.map(|other| self.shape.majors[other]).product();
                    role.unit * inner * self.shape.tile_rows * row
                }
                Axis::Row => role.unit * row,
                Axis::Lane => role.unit * tile,
            };
        }
    }

    /// Cuts the last window along an axis of `all` rows or columns.
    fn cut(&self, window: &mut Window, (axis, of): (Axis, TileAxis), all: usize) {
        let block = &window.block;
        let (all, size) = match of {
            TileAxis::Rows => (all.next_multiple_of(block.packing()), block.tiles().rows),
            TileAxis::Columns => (all, block.tiles().columns),
        };
        let count = self.count(axis);
        let is_whole = axis == Axis::Row && self.tiling.matrices > 1;
        let rest = all - (count - 1) * size.min(all);
        if rest < size && !is_whole {
            let dimension = if count > 1 { self.dimension(axis) } else { None };
            window.edges.push(Edge { dimension, axis: of, count: rest });
        }
    }

    /// What a block of the result is made of.
    fn part(&self) -> Part {
        let tiling = &self.tiling;
        let matrix_rows = tiling.groups * tiling.packing;
        let rows = self.row_major.map_or(1, |d| self.unit(Axis::Major(d)));
        match self.shape.finish {
            Finish::Tiles => {
                let matrices =
                    if self.shape.kept.last() == Some(&true) { tiling.matrices } else { 1 };
                let (rows, lines) = (matrices * matrix_rows, tiling.columns);
                Part { rows, lines, per_row: lines, per_line: 1, per_tile: 1 }
            }
            Finish::Sublanes => {
                let lines = tiling.columns;
                Part { rows, lines, per_row: lines, per_line: 1, per_tile: 1 }
            }
            Finish::Lanes => {
                let per_line = matrix_rows.min(LANES / SUBLANES);
                let lines = matrix_rows.div_ceil(per_line);
                Part { rows, lines, per_row: lines * per_line, per_line, per_tile: 1 }
            }
            Finish::Elements => {
                let elements = self.lane_major.map_or(1, |d| self.unit(Axis::Major(d)));
                let per_tile = elements.min(SUBLANES);
                let per_line = elements.div_ceil(per_tile).min(LANES / SUBLANES);
                let lines = elements.div_ceil(per_line * per_tile);
                Part { rows, lines, per_row: lines * per_line * per_tile, per_line, per_tile }
            }
        }
    }

    /// Result `n`, of elements of this type.
    fn output(&self, n: usize, element: Element) -> Output {
        let argument = self.spec.inputs.len() + n;
        let window = Window {
            name: "output".to_owned(),
            argument,
            block: Block::Linear(VREG_GRANULES),
            strides: vec![0; self.roles.len()],
            edges: Vec::new(),
            places: Places::Strided,
        };
        let padding = Padding { argument, first: 0, granules: 0 };
        let mut output = Output { element, window, padding };
        match (self.shape.finish, self.row_major) {
            (Finish::Tiles, _) => self.set_tiles(&mut output),
            (_, Some(row)) => self.set_rows(&mut output, row),
            (_, None) => self.set_lines(&mut output),
        }
        output
    }

    /// The result has the rows and lanes of the operand.
    fn set_tiles(&self, output: &mut Output) {
        let Output { element, window, .. } = output;
        let element = *element;
        let Part { rows, lines: columns, .. } = self.part;
        let tiles = TileBlock { element, rows, columns, array_columns: self.shape.columns };
        window.block = Block::Separate(tiles);
        self.set_tile_strides(window, &self.shape.kept);
        self.cut(window, (Axis::Row, TileAxis::Rows), self.shape.tile_rows);
        self.cut(window, (Axis::Lane, TileAxis::Columns), self.shape.columns);
        if self.shape.kept.last() == Some(&true) && self.tiling.matrices > 1 {
            let last = self.shape.majors.len() - 1;
            let rows = self.shape.majors[last] * self.shape.tile_rows;
            self.cut(window, (Axis::Major(last), TileAxis::Rows), rows);
        }
        let matrices: usize =
            self.shape.kept_majors().iter().map(|d| self.shape.majors[*d]).product();
        output.set_padding(matrices * self.shape.tile_rows, self.shape.columns);
    }

    /// The result has other rows and lanes: `row` is the major dimension that its rows are.
    fn set_rows(&self, output: &mut Output, row: usize) {
        let Output { element, window, .. } = output;
        let element = *element;
        let (lane_axis, lanes) = self.result_lanes();
        let array_columns = columns_of(lanes);
        let rows = self.part.rows.div_ceil(SUBLANES);
        let columns = self.part.lines;
        window.block = Block::Separate(TileBlock { element, rows, columns, array_columns });
        let array_rows = self.shape.majors[row].div_ceil(SUBLANES);
        let tile = element.tile_granules();
        let mut matrices = 1;
        for d in self.shape.kept_majors().into_iter().rev() {
            if Some(d) == self.row_major || Some(d) == self.lane_major {
                continue;
            }
            let place = self.dimension(Axis::Major(d)).expect("the grid walks all majors");
            window.strides[place] =
                self.roles[place].unit * matrices * array_rows * array_columns * tile;
            matrices *= self.shape.majors[d];
        }
        let place = self.dimension(Axis::Major(row)).expect("the grid walks all majors");
        window.strides[place] = rows * array_columns * tile;
        self.cut(window, (Axis::Major(row), TileAxis::Rows), array_rows);
        if let Some(place) = self.dimension(lane_axis) {
            window.strides[place] = columns * tile;
        }
        self.cut(window, (lane_axis, TileAxis::Columns), array_columns);
        output.set_padding(matrices * array_rows, array_columns);
    }

    /// The result has one dimension or none.
    fn set_lines(&self, output: &mut Output) {
        let Output { element, window, padding } = output;
        let packing = element.packing();
        if self.shape.result_rank() == 0 {
            return;
        }
        let (lane_axis, lanes) = self.result_lanes();
        let lines = self.part.lines;
        let registers = self.registers_of_lines(packing);
        window.block = Block::Linear(registers * VREG_GRANULES);
        let (moved, all) = (lines.div_ceil(packing), columns_of(lanes).div_ceil(packing));
        let cut = |dimension, count| Edge { dimension, axis: TileAxis::Rows, count };
        if moved < registers * VREG_GRANULES {
            window.edges.push(cut(None, moved));
        }
        let place = self.dimension(lane_axis).expect("the grid walks the lanes of the result");
        let count = self.count(lane_axis);
        if count > 1 {
            window.strides[place] = moved;
            let rest = all - (count - 1) * moved;
            if rest < moved {
                window.edges.push(cut(Some(place), rest));
            }
        }
        let allocated = lanes.div_ceil(SUBLANES * LANES).next_multiple_of(packing);
        let allocated = allocated * element.tile_granules();
        padding.first = all;
        padding.granules = allocated - all;
    }

    /// Registers of a window of a result of one dimension: what is finished at a time fills
    /// registers of the narrowest result.
    pub(super) fn registers_of_lines(&self, packing: usize) -> usize {
        let lines = self.part.lines;
        let (narrowest, registers) = (self.spec.packing(), lines.div_ceil(SUBLANES * packing));
        let sets = lines.div_ceil(SUBLANES * narrowest);
        if sets == 1 { registers } else { sets * (narrowest / packing) }
    }

    /// The axis of the operand that the lanes of the result are, and their number.
    fn result_lanes(&self) -> (Axis, usize) {
        match (self.shape.finish, self.lane_major) {
            (Finish::Tiles | Finish::Sublanes, _) => (Axis::Lane, self.shape.lanes.size),
            (Finish::Lanes, _) => (Axis::Row, self.shape.rows.size),
            (Finish::Elements, Some(d)) => (Axis::Major(d), self.shape.majors[d]),
            (Finish::Elements, None) => panic!("a scalar has no lanes"),
        }
    }
}

impl Output {
    /// What is beyond `rows` tile rows in a result in tiles.
    fn set_padding(&mut self, rows: usize, columns: usize) {
        let row = columns * self.element.tile_granules();
        self.padding.first = rows * row;
        self.padding.granules = (rows.next_multiple_of(self.element.packing()) - rows) * row;
    }
}

/// The grid as it is put together.
#[derive(Default)]
struct Walk {
    grid: Grid,
    roles: Vec<Role>,
}

impl Walk {
    fn push(&mut self, axis: Axis, (all, unit): (usize, usize)) -> usize {
        self.roles.push(Role { axis, unit });
        self.grid.dimensions.push(GridDimension { extent: all.div_ceil(unit), block: 1 });
        self.roles.len() - 1
    }

    /// The blocks of the result; the dimensions of those whose inside has to be walked.
    fn blocks(&mut self, shape: &Shape, tiling: &Tiling, line: usize) -> Vec<(usize, usize)> {
        let last = shape.majors.len().wrapping_sub(1);
        let (row_major, lane_major) = shape.result_majors();
        let mut outer = Vec::new();
        for d in shape.kept_majors() {
            let size = shape.majors[d];
            let block = match Some(d) {
                _ if d == last && tiling.matrices > 1 => tiling.matrices,
                d if d == row_major => SUBLANES.min(size),
                d if d == lane_major => (LANES * line).min(size),
                _ => 1,
            };
            let place = self.push(Axis::Major(d), (size, block));
            if block > 1 && !(d == last && tiling.matrices > 1) {
                outer.push((d, place));
            }
        }
        if !shape.rows.is_reduced {
            let matrix = shape.tile_rows.next_multiple_of(tiling.packing);
            self.push(Axis::Row, (matrix, tiling.groups * tiling.packing));
        }
        if !shape.lanes.is_reduced {
            self.push(Axis::Lane, (shape.columns, tiling.columns));
        }
        outer
    }

    /// What is walked for a block of the result.
    fn inside(&mut self, shape: &Shape, tiling: &Tiling, outer: Vec<(usize, usize)>) {
        let n_blocks = self.roles.len();
        for (d, of) in outer {
            let dimension = self.push(Axis::Major(d), (self.roles[of].unit, 1));
            self.grid.inner.push(InnerDimension { dimension, of, extent: shape.majors[d] });
        }
        for d in (0..shape.majors.len()).filter(|d| !shape.kept[*d]) {
            let is_last = d + 1 == shape.majors.len();
            self.push(Axis::Major(d), (shape.majors[d], if is_last { tiling.matrices } else { 1 }));
        }
        if shape.rows.is_reduced {
            let matrix = shape.tile_rows.next_multiple_of(tiling.packing);
            self.push(Axis::Row, (matrix, tiling.groups * tiling.packing));
        }
        if shape.lanes.is_reduced {
            self.push(Axis::Lane, (shape.columns, tiling.columns));
        }
        self.grid.n_reduced = self.roles.len() - n_blocks;
    }
}
