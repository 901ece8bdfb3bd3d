//! Few rows, each cut into parts: for the cores, and for a pipeline of several steps.
//!
//! | what the rows are | windows of operands | windows of results |
//! |---|---|---|
//! | computed element by element | parts of rows | the same, for a pipeline of several steps |
//! | reduced | a part for each core | the same; they exchange what they reduced it to |
//! | shifted, joined, reversed, gathered | what the results are made of | a part for each core |

use super::{
    Access, Input,
    cost::{pays_to_exchange, pays_to_part},
    plan::{Plan, STEPS_PER_CORE},
};
use crate::{
    exchange::Link,
    expression::{NodeId, NodeOp},
    operand::columns_of,
};
use palmetto_isa::ChipSpec;
use std::{collections::BTreeSet, ops::Range};

/// Columns of a window are a multiple of this, unless it has all: so many lanes of any type begin
/// at a granule, and are what rows of them are filled up to.
const COLUMNS_ALIGNED: usize = 32;

/// Makes windows of parts of rows if all `groups` are too few to be dealt to the cores and to keep
/// the pipeline busy, and if that pays.
pub(super) fn cut_rows(plan: &mut Plan<'_>, groups: usize, chip: &ChipSpec) {
    let n_cores = chip.n_cores as usize;
    let reduces = plan.stages.iter().any(|stage| !stage.reductions.is_empty());
    let steps = if reduces || plan.moves_lanes { n_cores } else { n_cores * STEPS_PER_CORE };
    let block = (groups * plan.columns).div_ceil(steps).next_multiple_of(alignment(plan));
    if groups >= steps || block >= plan.columns {
        return;
    }
    if reduces && !(n_cores == 2 && has_flags(plan, chip)) {
        return;
    }
    if plan.moves_lanes {
        let parts: Vec<Range<usize>> = (0..plan.columns)
            .step_by(block)
            .map(|first| first..plan.columns.min(first + block))
            .collect();
        let footprints = Footprint::of_operands(plan, &parts);
        if pays_to_part(plan, (&parts, &footprints), chip) {
            (plan.block_columns, plan.footprints) = (block, footprints);
        }
    } else if !reduces || pays_to_exchange(plan, chip) {
        plan.block_columns = block;
    }
}

/// The columns of an operand that parts of the results are made of: a window of so many for each.
#[derive(Debug)]
pub(super) struct Footprint {
    /// Columns of each window.
    pub(super) columns: usize,
    /// The first column of each.
    pub(super) starts: Vec<usize>,
}

impl Footprint {
    /// Those of all operands.
    fn of_operands(plan: &Plan<'_>, parts: &[Range<usize>]) -> Vec<Option<Self>> {
        let expression = &plan.spec.expression;
        let needed: Vec<Vec<BTreeSet<usize>>> = parts
            .iter()
            .map(|part| expression.needed_columns(&plan.roots(), part.clone()))
            .collect();
        let of_operand = |(n, input): (usize, &Input)| {
            let Access::Tiles { lanes, .. } = input.access else { return None };
            let columns = columns_of(lanes);
            let nodes = expression.nodes().filter(|(_, node)| node.op == NodeOp::Input(n));
            let nodes: Vec<NodeId> = nodes.map(|(id, _)| id).collect();
            let span = |needed: &Vec<BTreeSet<usize>>| {
                let of_nodes = nodes.iter().flat_map(|id| &needed[id.0]);
                let of_nodes = of_nodes.map(|column| *column.min(&(columns - 1)));
                let first = of_nodes.clone().min().unwrap_or(0);
                first..of_nodes.max().map_or(0, |last| last + 1)
            };
            Some(Self::new(&needed.iter().map(span).collect::<Vec<_>>(), columns))
        };
        plan.spec.inputs.iter().enumerate().map(of_operand).collect()
    }

    fn new(spans: &[Range<usize>], columns: usize) -> Self {
        let widest = spans.iter().map(|span| span.len()).fold(1, usize::max);
        let starts = spans.iter().map(|span| span.start.min(columns - widest)).collect();
        Self { columns: widest, starts }
    }
}

/// Whether there are sync flags for an exchange after each stage, besides two for each array and
/// one for padding.
fn has_flags(plan: &Plan<'_>, chip: &ChipSpec) -> bool {
    let arrays = plan.spec.inputs.len() + plan.spec.outputs.len();
    let flags = 2 * arrays + 1 + Link::N_FLAGS * plan.stages.len();
    flags <= chip.n_sync_flags as usize
}

/// Columns that a window which has a part of each row has a multiple of.
fn alignment(plan: &Plan<'_>) -> usize {
    if plan.moves_lanes {
        return 1;
    }
    let is_row = |input: &Input| matches!(input.access, Access::Row { .. });
    let has_rows = plan.spec.inputs.iter().any(is_row);
    if has_rows { COLUMNS_ALIGNED.max(plan.columns_at_once) } else { plan.columns_at_once }
}
