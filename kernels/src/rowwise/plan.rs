//! The plan of a row kernel: grid, windows, stages, and how much is unrolled.

use super::{
    Access, Input, Rowwise, RowwiseError,
    cut::{self, Footprint},
};
use crate::{
    element::Element,
    exchange::Exchange,
    expression::{Axis, Binary, NodeId, NodeOp, Unary},
    operand::{Whole, columns_of, largest_divisor},
    pipeline::{Block, Edge, Grid, GridDimension, Padding, Places, TileAxis, TileBlock, Window},
};
use palmetto_isa::{
    ChipSpec,
    memory::{GRANULE_BYTES, LANES, SUBLANES, VREG_GRANULES},
};
use std::collections::BTreeSet;

/// Registers that one pass of a loop body works on: enough to hide latencies, few enough to live in
/// registers.
const UNROLLED: usize = 8;
/// The same where lanes move: what goes through the cross-lane units comes back long after.
pub(super) const MOVED: usize = 32;
/// Registers of short rows that are reduced at a time.
const SHORT: usize = 16;
/// Columns from which on a row is worth a step of the pipeline.
const LONG: usize = 32;
/// Columns that may be unrolled where columns are joined or shifted.
const COLUMNS_UNROLLED: usize = 32;
/// Columns that may be looked through in all, for lanes that are gathered.
const COLUMNS_GATHERED: usize = 512;
/// Columns that are looked through in one pass of a loop body.
const GATHERED_AT_ONCE: usize = 64;
/// Steps per core that make the pipeline overlap transfers and computation well.
pub(super) const STEPS_PER_CORE: usize = 8;

/// What one stage does.
#[derive(Debug, Default)]
pub(super) struct Stage {
    /// Row reductions that it accumulates.
    pub(super) reductions: Vec<NodeId>,
    /// Values that it leaves in VMEM for later stages.
    pub(super) saves: Vec<NodeId>,
    /// Values of earlier stages that it loads.
    pub(super) loads: Vec<NodeId>,
    /// Outputs (indices) that it stores.
    pub(super) outputs: Vec<usize>,
}

/// Everything that is decided before ops are emitted.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) spec: &'a Rowwise,
    pub(super) grid: Grid,
    pub(super) inputs: Vec<Window>,
    pub(super) outputs: Vec<Window>,
    pub(super) stages: Vec<Stage>,
    /// Values that stages leave in VMEM, in their order there.
    pub(super) saved: Vec<NodeId>,
    /// Tile rows of a group: the packing of the narrowest operand, or 1 if they are separate.
    pub(super) packing: usize,
    /// Whether every tile row is in registers of its own.
    is_separate: bool,
    /// Groups that the row loop works on at a time.
    pub(super) groups: usize,
    /// Groups of a window.
    pub(super) block: usize,
    /// Columns that the column loop works on at a time.
    pub(super) columns_at_once: usize,
    /// Whether lanes move: columns are unrolled, and results need other columns of operands than
    /// their own.
    pub(super) moves_lanes: bool,
    /// Columns of a row.
    pub(super) columns: usize,
    /// Per operand, what of its rows the parts of results are made of, if lanes move.
    pub(super) footprints: Vec<Option<Footprint>>,
    /// Columns of a window: fewer than those of a row if there are few rows ([`cut`](super::cut)).
    pub(super) block_columns: usize,
}

pub(super) fn plan<'a>(spec: &'a Rowwise, chip: &ChipSpec) -> Result<Plan<'a>, RowwiseError> {
    if spec.rows == 0 || spec.lanes == 0 || spec.majors.contains(&0) {
        return Err(RowwiseError::Empty { name: spec.name.clone() });
    }
    let columns = columns_of(spec.lanes);
    let needed = spec.expression.reachable(&spec.outputs);
    let mut packing = packing(spec);
    let moves_columns = needed.iter().any(|id| spec.expression.node(*id).op.moves_lanes());
    if moves_columns && columns > COLUMNS_UNROLLED {
        let limit = COLUMNS_UNROLLED * LANES;
        return Err(RowwiseError::TooManyColumns { lanes: spec.lanes, limit });
    }
    let gathered = columns * columns_gathered(spec, &needed);
    if gathered > COLUMNS_GATHERED {
        let (columns, limit) = (gathered, COLUMNS_GATHERED);
        return Err(RowwiseError::TooManyGathered { columns, limit });
    }
    let (stages, saved) = stages(spec);
    let tile_rows = spec.rows.div_ceil(SUBLANES);
    let majors = if is_flat(spec, &needed) { Vec::new() } else { spec.majors.clone() };
    let per_matrix = if majors.is_empty() {
        tile_rows * spec.majors.iter().product::<usize>()
    } else {
        tile_rows
    };
    let matrices: usize = majors.iter().product();
    let is_separate = matrices > 1 && !per_matrix.is_multiple_of(packing);
    if is_separate {
        packing = 1;
    }
    let extent = per_matrix.div_ceil(packing);
    let n_columns_kept = stages.iter().map(|stage| stage.reductions.len()).sum::<usize>();
    let groups = if gathered > 0 {
        (GATHERED_AT_ONCE / (packing * gathered)).clamp(1, UNROLLED / 2)
    } else if n_columns_kept == 0 && moves_columns {
        MOVED / (packing * columns)
    } else if n_columns_kept == 0 {
        1
    } else {
        rows_reduced(spec, &needed) / packing / n_columns_kept.div_ceil(2)
    };
    let steps = if columns > LONG { chip.n_cores as usize * 2 } else { chip.n_cores as usize };
    let groups = groups.min(extent).min((matrices * extent).div_ceil(steps)).max(1);
    let columns_at_once = if moves_columns {
        columns
    } else {
        let row_packing = row_packing(spec);
        (UNROLLED / (groups * packing)).max(row_packing).min(columns)
    };
    let mut plan = Plan {
        spec,
        grid: Grid::default(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        stages,
        saved,
        packing,
        is_separate,
        groups,
        block: 1,
        columns_at_once,
        moves_lanes: moves_columns,
        columns,
        footprints: Vec::new(),
        block_columns: columns,
    };
    cut::cut_rows(&mut plan, matrices * extent, chip);
    let block = plan.block(&majors, extent, chip)?;
    plan.fill(&majors, extent, block);
    Ok(plan)
}

/// Columns that gathers look through for a column of results.
fn columns_gathered(spec: &Rowwise, needed: &[NodeId]) -> usize {
    let columns = needed.iter().map(|id| match spec.expression.node(*id).op {
        NodeOp::LaneGather { columns, .. } => columns,
        _ => 0,
    });
    columns.sum()
}

/// Tile rows that are reduced at a time: short rows wait for their reductions as long as long ones.
fn rows_reduced(spec: &Rowwise, needed: &[NodeId]) -> usize {
    let rows = if needs_many_registers(spec, needed) { UNROLLED / 2 } else { UNROLLED };
    rows.max(SHORT / columns_of(spec.lanes))
}

/// Whether there are divisions and exponentials of f32, which keep many values at a time.
fn needs_many_registers(spec: &Rowwise, needed: &[NodeId]) -> bool {
    needed.iter().any(|id| {
        let node = spec.expression.node(*id);
        let op = &node.op;
        let is_long =
            matches!(op, NodeOp::Binary(Binary::Divide, ..) | NodeOp::Unary(Unary::Exponential, _));
        is_long && node.element == Element::F32
    })
}

/// Tile rows that make a full register of every operand.
fn packing(spec: &Rowwise) -> usize {
    let inputs = (spec.inputs.iter())
        .filter(|input| matches!(input.access, Access::Tiles { .. }))
        .map(|input| input.element);
    let outputs = spec.outputs.iter().map(|id| spec.expression.node(*id).element);
    inputs.chain(outputs).map(Element::packing).max().unwrap_or(1)
}

/// Rows of 128 lanes that share a word in the narrowest [`Access::Row`] operand.
fn row_packing(spec: &Rowwise) -> usize {
    let rows = spec.inputs.iter().filter(|input| matches!(input.access, Access::Row { .. }));
    rows.map(|input| input.element.packing()).max().unwrap_or(1)
}

/// Whether the matrices can be treated as one, its tile rows one after the other.
fn is_flat(spec: &Rowwise, needed: &[NodeId]) -> bool {
    let asks_for_rows = needed
        .iter()
        .any(|id| matches!(spec.expression.node(*id).op, NodeOp::Iota(Axis::Row | Axis::Major(_))));
    let has_parts = spec.inputs.iter().any(|input| match &input.access {
        Access::Tiles { majors, .. } => majors.iter().any(|has| !has),
        Access::Column { .. } => true,
        Access::Row { majors, .. } | Access::Scalar { majors } => majors.iter().any(|has| *has),
    });
    spec.majors.is_empty() || !(asks_for_rows || has_parts)
}

/// What of its rows a window of an array has.
enum Cut<'a> {
    /// All.
    Whole,
    /// A part.
    Parts,
    /// What a part of the results needs.
    Footprint(&'a Footprint),
}

impl Plan<'_> {
    /// Tile rows that the row loop works on at a time.
    pub(super) fn rows_at_once(&self) -> usize {
        self.groups * self.packing
    }

    /// The pairs of an input and an output whose windows are the same in every step. Windows of
    /// different steps do not overlap: units are steps, and the last window is cut.
    pub(super) fn shareable(&self) -> Vec<(usize, usize)> {
        if self.grid.dimensions.iter().any(|dimension| dimension.block != 1) {
            return Vec::new();
        }
        let same = |a: &Window, b: &Window| {
            a.block == b.block && a.strides == b.strides && a.edges == b.edges
        };
        let mut pairs = Vec::new();
        for (i, input) in self.inputs.iter().enumerate() {
            for (o, output) in self.outputs.iter().enumerate() {
                if same(input, output) {
                    pairs.push((i, o));
                }
            }
        }
        pairs
    }

    /// Registers that the cores exchange after a stage.
    pub(super) fn exchanged(&self, stage: &Stage) -> usize {
        if self.cuts_rows() { stage.reductions.len() * self.rows_at_once() } else { 0 }
    }

    /// Windows from one end of a row to the other.
    pub(super) fn column_steps(&self) -> usize {
        self.columns.div_ceil(self.block_columns)
    }

    /// Whether windows have parts of rows.
    pub(super) fn cuts_rows(&self) -> bool {
        self.column_steps() > 1
    }

    /// Whether those of operands have.
    pub(super) fn cuts_operands(&self) -> bool {
        self.cuts_rows() && !self.moves_lanes
    }

    /// What stages compute: outputs and the operands of reductions.
    pub(super) fn roots(&self) -> Vec<NodeId> {
        let reductions = self.stages.iter().flat_map(|stage| &stage.reductions);
        let reduced = reductions.flat_map(|id| self.spec.expression.operands(*id));
        self.spec.outputs.iter().copied().chain(reduced).collect()
    }

    /// Granules that hold the saved values.
    pub(super) fn saved_granules(&self) -> usize {
        self.saved.len() * self.rows_at_once() * self.block_columns * VREG_GRANULES
    }

    /// Granules of scratch besides the windows.
    fn scratch_granules(&self) -> usize {
        let exchanged = self.stages.iter().map(|stage| self.exchanged(stage));
        self.saved_granules() + exchanged.map(Exchange::granules).sum::<usize>()
    }

    /// Groups of a window: as many as VMEM holds and as keep the pipeline busy, in multiples of
    /// what the row loop works on.
    fn block(
        &mut self,
        majors: &[usize],
        extent: usize,
        chip: &ChipSpec,
    ) -> Result<usize, RowwiseError> {
        let vmem = usize::try_from(chip.vmem_bytes).expect("VMEM fits an address space");
        let available = vmem / GRANULE_BYTES - 1024;
        let n_cores = chip.n_cores as usize;
        let matrices: usize = majors.iter().product();
        let wanted = (matrices * extent).div_ceil(n_cores * STEPS_PER_CORE);
        let mut block = wanted.next_multiple_of(self.groups).min(extent);
        if block < extent && !block.is_multiple_of(self.groups) {
            block -= block % self.groups;
        }
        loop {
            if !block.is_multiple_of(self.groups) {
                self.groups = largest_divisor(block, self.groups);
            }
            self.fill(majors, extent, block);
            let windows = self.inputs.iter().chain(&self.outputs);
            let needed =
                windows.map(Window::buffered_granules).sum::<usize>() + self.scratch_granules();
            if needed <= available {
                return Ok(block);
            }
            if block == 1 {
                let rows = self.packing * SUBLANES;
                let name = self.spec.name.clone();
                return Err(RowwiseError::Vmem { name, rows, needed, available });
            }
            block = (block / 2).max(1);
        }
    }

    fn fill(&mut self, majors: &[usize], extent: usize, block: usize) {
        let majors_of_grid = majors.iter().map(|size| GridDimension { extent: *size, block: 1 });
        self.block = block;
        let steps = GridDimension { extent: extent.div_ceil(block), block: 1 };
        let of_columns = GridDimension { extent: self.column_steps(), block: 1 };
        let of_columns = (of_columns.extent > 1).then_some(of_columns);
        let dimensions = majors_of_grid.chain([steps]).chain(of_columns).collect();
        self.grid = Grid { dimensions, ..Grid::default() };
        let spec = self.spec;
        self.inputs = (spec.inputs.iter().enumerate())
            .map(|(n, input)| {
                let footprint = self.footprints.get(n).and_then(Option::as_ref);
                let cut = if self.cuts_operands() { Cut::Parts } else { Cut::Whole };
                self.window(n, input, (majors, block), footprint.map_or(cut, Cut::Footprint))
            })
            .collect();
        let all = vec![true; spec.majors.len()];
        self.outputs = (spec.outputs.iter().enumerate())
            .map(|(n, id)| {
                let access = Access::Tiles { majors: all.clone(), lanes: spec.lanes };
                let output = Input { element: spec.expression.node(*id).element, access };
                let n_argument = spec.inputs.len() + n;
                let cut = if self.cuts_rows() { Cut::Parts } else { Cut::Whole };
                let mut window = self.window(n_argument, &output, (majors, block), cut);
                window.name = format!("output{n}");
                window
            })
            .collect();
    }

    fn window(
        &self,
        argument: usize,
        input: &Input,
        (majors, block): (&[usize], usize),
        cut: Cut<'_>,
    ) -> Window {
        let element = input.element;
        let name = format!("input{argument}");
        let mut strides = vec![0; self.grid.dimensions.len()];
        let (mut edges, mut places) = (Vec::new(), Places::Strided);
        let block = match &input.access {
            Access::Tiles { majors: has, lanes } => {
                let array_columns = columns_of(*lanes);
                let row = array_columns * element.tile_granules();
                let columns = match cut {
                    Cut::Whole => array_columns,
                    Cut::Parts => {
                        strides[majors.len() + 1] = self.block_columns * element.tile_granules();
                        edges.extend(self.edge_of_columns(majors));
                        self.block_columns
                    }
                    Cut::Footprint(footprint) => {
                        strides[majors.len() + 1] = element.tile_granules();
                        places = Places::Listed(footprint.starts.clone());
                        footprint.columns
                    }
                };
                strides[majors.len()] = block * self.packing * row;
                edges.extend(self.edge(element, majors, block));
                let mut stride = self.spec.rows.div_ceil(SUBLANES) * row;
                for d in (0..majors.len()).rev() {
                    if has[d] {
                        strides[d] = stride;
                        stride *= majors[d];
                    }
                }
                let rows = block * self.packing;
                let tiles = TileBlock { element, rows, columns, array_columns };
                if self.is_separate { Block::Separate(tiles) } else { Block::Tiles(tiles) }
            }
            Access::Row { .. } | Access::Column { .. } | Access::Scalar { .. } => {
                Whole { space: self.spec.space(), input }.block()
            }
        };
        Window { name, argument, block, strides, edges, places }
    }
}

impl Plan<'_> {
    /// Where the last window of an array is cut.
    fn edge(&self, element: Element, majors: &[usize], block: usize) -> Option<Edge> {
        let steps = self.grid.dimensions[majors.len()].count();
        let matrices: usize = if majors.is_empty() { self.spec.majors.iter().product() } else { 1 };
        let rows = matrices * self.spec.rows.div_ceil(SUBLANES);
        let packing = if self.is_separate { 1 } else { element.packing() };
        let available = rows.next_multiple_of(packing);
        let rows = block * self.packing;
        let count = available - (steps - 1) * rows;
        let dimension = (steps > 1).then_some(majors.len());
        (count < rows).then_some(Edge { dimension, axis: TileAxis::Rows, count })
    }

    /// Where the last window of a row is cut.
    fn edge_of_columns(&self, majors: &[usize]) -> Option<Edge> {
        let steps = self.column_steps();
        let count = self.columns - (steps - 1) * self.block_columns;
        let dimension = Some(majors.len() + 1);
        let is_cut = count < self.block_columns;
        is_cut.then_some(Edge { dimension, axis: TileAxis::Columns, count })
    }

    /// What of the array of an output no window covers.
    pub(super) fn padding(&self, window: &Window) -> Padding {
        let tiles = window.block.tiles();
        let matrices: usize = self.spec.majors.iter().product();
        let rows = matrices * self.spec.rows.div_ceil(SUBLANES);
        let missing = rows.next_multiple_of(tiles.element.packing()) - rows;
        let row = tiles.array_columns * tiles.element.tile_granules();
        let granules = if self.is_separate { missing * row } else { 0 };
        Padding { argument: window.argument, first: rows * row, granules }
    }
}

/// The stages, and the values that are saved between them.
fn stages(spec: &Rowwise) -> (Vec<Stage>, Vec<NodeId>) {
    let expression = &spec.expression;
    let mut stage_of: Vec<usize> = Vec::new();
    for (id, node) in expression.nodes() {
        let operands = expression.operands(id);
        let latest = operands.iter().map(|operand| stage_of[operand.0]).max().unwrap_or(0);
        stage_of.push(latest + usize::from(matches!(node.op, NodeOp::RowReduce(..))));
    }
    let needed = expression.reachable(&spec.outputs);
    let last = spec.outputs.iter().map(|id| stage_of[id.0]).max().unwrap_or(0);
    let mut stages: Vec<Stage> = (0..=last).map(|_| Stage::default()).collect();
    for id in &needed {
        if let NodeOp::RowReduce(_, operand) = expression.node(*id).op {
            stages[stage_of[operand.0]].reductions.push(*id);
        }
    }
    for (n, id) in spec.outputs.iter().enumerate() {
        stages[stage_of[id.0]].outputs.push(n);
    }
    let mut saved = BTreeSet::new();
    for (s, stage) in stages.iter_mut().enumerate() {
        stage.loads = loads_of(spec, &stage_of, (s, stage));
        saved.extend(stage.loads.iter().copied());
    }
    for id in &saved {
        stages[stage_of[id.0]].saves.push(*id);
    }
    (stages, saved.into_iter().collect())
}

/// The expensive values of earlier stages that stage `s` needs.
fn loads_of(spec: &Rowwise, stage_of: &[usize], (s, stage): (usize, &Stage)) -> Vec<NodeId> {
    let expression = &spec.expression;
    let mut open: Vec<NodeId> = stage.outputs.iter().map(|n| spec.outputs[*n]).collect();
    for reduction in &stage.reductions {
        open.extend(expression.operands(*reduction));
    }
    let (mut seen, mut loads) = (BTreeSet::new(), Vec::new());
    while let Some(id) = open.pop() {
        let node = expression.node(id);
        if !seen.insert(id) || matches!(node.op, NodeOp::RowReduce(..)) {
            continue;
        }
        if stage_of[id.0] < s && is_expensive(&node.op) {
            loads.push(id);
        } else {
            open.extend(expression.operands(id));
        }
    }
    loads.sort();
    loads
}

fn is_expensive(op: &NodeOp) -> bool {
    match op {
        NodeOp::Unary(op, _) => matches!(
            op,
            Unary::Cbrt
                | Unary::Cosine
                | Unary::Exponential
                | Unary::ExponentialMinusOne
                | Unary::Log
                | Unary::LogPlusOne
                | Unary::Logistic
                | Unary::Rsqrt
                | Unary::Sine
                | Unary::Sqrt
                | Unary::Tan
                | Unary::Tanh
        ),
        NodeOp::Binary(op, ..) => {
            matches!(op, Binary::Atan2 | Binary::Divide | Binary::Power | Binary::Remainder)
        }
        NodeOp::Input(_)
        | NodeOp::Constant(_)
        | NodeOp::Iota(_)
        | NodeOp::Compare(..)
        | NodeOp::Select { .. }
        | NodeOp::RowReduce(..)
        | NodeOp::Shift { .. }
        | NodeOp::Reverse { .. }
        | NodeOp::LaneGather { .. }
        | NodeOp::Join(_) => false,
    }
}
