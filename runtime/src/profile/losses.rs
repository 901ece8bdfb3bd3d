//! Where utilisation is lost.
//!
//! Every cycle of the chip is worth its peak FLOPs. What an instruction uses of its cycles is its
//! FLOPs; the rest is its loss, as a share of the whole program's time. Losses and utilisation add
//! up to 1.

use palmetto_isa::ChipSpec;
use serde::Serialize;

use super::{Bound, InstructionReport, Measures, Origin, float, ratio, share};

/// Utilisation that one instruction loses.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Loss {
    /// Which instruction.
    #[serde(flatten)]
    pub origin: Origin,
    /// The part of the whole program's peak FLOPs that was lost here.
    pub share: f64,
    /// Why, in words.
    pub reason: String,
}

/// The losses, largest first.
pub(super) fn find(instructions: &[InstructionReport], chip: &ChipSpec) -> Vec<Loss> {
    let total: u64 = instructions.iter().map(|row| row.measures.cycles).sum();
    let mut losses: Vec<Loss> = instructions
        .iter()
        .map(|row| {
            let Measures { cycles, mfu, .. } = row.measures;
            Loss {
                origin: row.origin.clone(),
                share: share(cycles, total) * (1.0 - mfu),
                reason: reason(&row.measures, chip),
            }
        })
        .collect();
    losses.sort_by(|a, b| b.share.total_cmp(&a.share));
    losses
}

fn reason(measures: &Measures, chip: &ChipSpec) -> String {
    let Measures { cycles, launches, flops, mxu_flops, hbm_bytes, launch_cycles, busy, .. } =
        *measures;
    match measures.bound {
        Bound::Mxu => {
            let useful = ratio(float(flops), float(mxu_flops)).min(1.0);
            format!(
                "the MXUs are busy {}; {} of what they multiply is asked for",
                percent(busy.mxu),
                percent(useful)
            )
        }
        Bound::Vpu => format!(
            "vector arithmetic fills {} of its slots while the MXUs are busy {}",
            percent(busy.vpu),
            percent(busy.mxu)
        ),
        Bound::Hbm => format!(
            "HBM is busy {}: {:.1} FLOPs per byte, the chip needs {:.0} to be bound by its MXUs",
            percent(busy.hbm),
            ratio(float(flops), float(hbm_bytes)),
            chip.peak_flops() / chip.hbm_peak_bytes_per_second
        ),
        Bound::Launch => format!(
            "{launches} launches take {} of its time just to start",
            percent(share(launch_cycles, cycles))
        ),
        Bound::Latency => match measures.stalls.iter().max_by_key(|(_, stalled)| **stalled) {
            Some((cause, stalled)) => format!(
                "no unit is busy half the time; the longest wait is for {cause} ({} of the cycles)",
                percent(share(*stalled, cycles * u64::from(chip.n_cores)))
            ),
            None => "no unit is busy half the time: the bundles carry few ops".to_owned(),
        },
        Bound::Model => "no device kernel yet: its time comes from a formula".to_owned(),
    }
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
