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

/// From this busy share on HBM is what the time is lost to.
const HBM_IS_THE_REASON: f64 = 0.8;

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
    let unit = |name: &str, busy: f64| format!("the {name} are busy {}", percent(busy));
    let mxus = percent(busy.mxu);
    match measures.bound {
        Bound::Mxu => {
            let useful = ratio(float(flops), float(mxu_flops)).min(1.0);
            let asked = percent(useful);
            format!("the MXUs are busy {mxus}; {asked} of what they multiply is asked for")
        }
        Bound::Vpu => {
            let filled = percent(busy.vpu);
            format!("vector arithmetic fills {filled} of its slots while the MXUs are busy {mxus}")
        }
        Bound::Hbm => {
            let traffic = format!(
                "HBM is busy {}: {:.1} FLOPs per byte, the chip needs {:.0} to be bound by its MXUs",
                percent(busy.hbm),
                ratio(float(flops), float(hbm_bytes)),
                chip.peak_flops() / chip.hbm_peak_bytes_per_second
            );
            // Where HBM often idles, the bytes alone do not explain the loss.
            let waits = stalls(measures, chip).filter(|_| busy.hbm < HBM_IS_THE_REASON);
            waits.map_or(traffic.clone(), |waits| format!("{traffic}; {waits}"))
        }
        Bound::Eup => unit("transcendental units", busy.eup),
        Bound::Xlu => unit("cross-lane units", busy.xlu),
        Bound::Vmem => format!("loads from VMEM or stores to it fill {}", percent(busy.vmem)),
        Bound::Launch => format!(
            "{launches} launches take {} of its time just to start",
            percent(share(launch_cycles, cycles))
        ),
        Bound::Latency => latency(measures, chip),
        Bound::Model => "no device kernel yet: its time comes from a formula".to_owned(),
    }
}

/// No unit is busy: how much of the time nothing is issued, and for what it mostly waits.
fn latency(measures: &Measures, chip: &ChipSpec) -> String {
    let (most, unit) = measures.busy.most();
    let busiest = format!("the busiest unit is {} with {}", unit.name(), percent(most));
    match stalls(measures, chip) {
        Some(waits) => format!("{busiest}; {waits}"),
        None => format!("{busiest}; bundles are issued all the time, with few ops in them"),
    }
}

/// How much of the time nothing is issued, and for what the cores mostly wait then.
fn stalls(measures: &Measures, chip: &ChipSpec) -> Option<String> {
    let core_cycles = measures.cycles * u64::from(chip.n_cores);
    let stalled: u64 = measures.stalls.values().sum();
    let stalled = percent(share(stalled, core_cycles));
    let (cause, longest) = measures.stalls.iter().max_by_key(|(_, stalled)| **stalled)?;
    let longest = percent(share(*longest, core_cycles));
    Some(format!("nothing is issued {stalled} of the time, mostly waiting for {cause} ({longest})"))
}

fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use palmetto_isa::TPU_V4;

    use super::*;
    use crate::profile::Busy;

    fn of_hbm(hbm: f64) -> Measures {
        Measures {
            launches: 1,
            cycles: 1000,
            seconds: 1e-6,
            launch_cycles: 0,
            flops: 20_000,
            mxu_flops: 20_000,
            hbm_bytes: 100,
            mfu: 0.4,
            roofline_seconds: 4e-7,
            busy: Busy { hbm, ..Busy::default() },
            bound: Bound::Hbm,
            cores: Vec::new(),
            stalls: BTreeMap::from([("dma", 600), ("xlu", 200)]),
        }
    }

    #[test]
    fn bytes_are_the_whole_reason_only_where_hbm_is_busy() {
        let busy = reason(&of_hbm(0.95), &TPU_V4);
        assert_eq!(
            busy,
            "HBM is busy 95 %: 200.0 FLOPs per byte, the chip needs 229 to be bound by its MXUs"
        );
        let idle = reason(&of_hbm(0.5), &TPU_V4);
        let waits = "; nothing is issued 40 % of the time, mostly waiting for dma (30 %)";
        assert!(idle.starts_with("HBM is busy 50 %") && idle.ends_with(waits), "{idle}");
    }
}
