//! When the units are expected to take the next op.

use super::super::dependence::MATMUL_ROWS;
use palmetto_isa::ChipSpec;
use palmetto_kernels::llo::LloOp;
use std::collections::{BTreeMap, VecDeque};

/// What the units are busy with, as far as the ops of this segment are concerned.
#[derive(Debug)]
pub(super) struct Units<'a> {
    chip: &'a ChipSpec,
    /// When the last streamed registers of each MXU start to stream.
    streams: BTreeMap<u8, VecDeque<u64>>,
    /// When each cross-lane unit takes the next push.
    xlus: BTreeMap<u8, u64>,
    eup: u64,
}

/// The cross-lane unit that `op` pushes into.
fn xlu(op: &LloOp) -> Option<u8> {
    match *op {
        LloOp::XluRot { unit, .. }
        | LloOp::XluGather { unit, .. }
        | LloOp::XluSumF32 { unit, .. }
        | LloOp::XluMaxF32 { unit, .. }
        | LloOp::XluMinF32 { unit, .. }
        | LloOp::XluXpose { unit, .. } => Some(unit),
        _ => None,
    }
}

/// The MXU that `op` streams through.
fn mxu(op: &LloOp) -> Option<u8> {
    match *op {
        LloOp::MxuMatmul { mxu, .. } | LloOp::MxuMatmulLatch { mxu, .. } => Some(mxu),
        _ => None,
    }
}

fn is_eup_push(op: &LloOp) -> bool {
    op.slot() == palmetto_isa::Slot::EupPush
}

impl<'a> Units<'a> {
    /// All units idle.
    pub(super) fn new(chip: &'a ChipSpec) -> Self {
        Self { chip, streams: BTreeMap::new(), xlus: BTreeMap::new(), eup: 0 }
    }

    /// When `op` could be taken without a stall.
    pub(super) fn ready_at(&self, op: &LloOp) -> u64 {
        if let Some(mxu) = mxu(op) {
            let waiting = self.chip.mxu_input_entries as usize;
            let starts = self.streams.get(&mxu);
            return starts.filter(|s| s.len() >= waiting).map_or(0, |s| s[s.len() - waiting]);
        }
        if let Some(unit) = xlu(op) {
            return self.xlus.get(&unit).copied().unwrap_or(0);
        }
        if is_eup_push(op) { self.eup } else { 0 }
    }

    /// Takes `op` in cycle `now` and returns how long it waits in front of its unit.
    pub(super) fn take(&mut self, op: &LloOp, now: u64) -> u64 {
        if let Some(mxu) = mxu(op) {
            let starts = self.streams.entry(mxu).or_default();
            let start = starts.back().map_or(now, |last| now.max(last + u64::from(MATMUL_ROWS)));
            starts.push_back(start);
            if starts.len() > self.chip.mxu_input_entries as usize {
                starts.pop_front();
            }
            return start - now;
        }
        if let Some(unit) = xlu(op) {
            self.xlus.insert(unit, now + u64::from(self.chip.xlu_interval_cycles));
        } else if is_eup_push(op) {
            self.eup = now + u64::from(self.chip.eup_interval_cycles);
        }
        0
    }
}
