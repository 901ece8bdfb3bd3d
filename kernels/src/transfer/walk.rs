//! How the walk of a piece is shared between the DMA engine and loops around it.

use super::{Stride, int};
use palmetto_isa::DmaDescriptor;

/// A part of a piece: loops, in each turn one transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Walk {
    /// From the piece's first granule in the source to the part's.
    pub(super) source: i64,
    /// The same in the result.
    pub(super) target: i64,
    /// The loops, at least one, outermost first.
    pub(super) loops: Vec<Stride>,
    /// What the engine walks, outermost first.
    pub(super) dimensions: Vec<Stride>,
    /// Contiguous granules.
    pub(super) granules: usize,
}

/// The parts of a piece. The largest dimensions go to the engine; if it could walk them all, the
/// largest one is halved, so that two cores have something to do.
pub(super) fn walks(strides: &[Stride]) -> Vec<Walk> {
    let (granules, mut rest) = merged(strides);
    // Short loops around long transfers; among equals the first, for a stable order.
    rest.sort_by_key(|stride| stride.count);
    let n_loops = rest.len().saturating_sub(DmaDescriptor::MAX_DIMENSIONS);
    let (loops, walked) = rest.split_at(n_loops);
    let walk = Walk {
        source: 0,
        target: 0,
        loops: loops.iter().rev().copied().collect(),
        dimensions: walked.to_vec(),
        granules,
    };
    if walk.loops.is_empty() { halves(walk) } else { vec![walk] }
}

/// Two transfers of a half each, and what is left over.
fn halves(walk: Walk) -> Vec<Walk> {
    let whole = walk.dimensions.last().copied();
    let whole = whole.unwrap_or(Stride { count: walk.granules, source: 1, target: 1 });
    let half = whole.count / 2;
    let part = |count: usize| {
        let mut part = walk.clone();
        match part.dimensions.last_mut() {
            Some(largest) => largest.count = count,
            None => part.granules = count,
        }
        part
    };
    let times = |n: usize| {
        let n = i64::from(int(n));
        (whole.source * n, whole.target * n)
    };
    let mut parts = Vec::new();
    if half > 0 {
        let (source, target) = times(half);
        let loops = vec![Stride { count: 2, source, target }];
        parts.push(Walk { loops, ..part(half) });
    }
    if !whole.count.is_multiple_of(2) {
        let (source, target) = times(2 * half);
        let loops = vec![Stride { count: 1, source: 0, target: 0 }];
        parts.push(Walk { source, target, loops, ..part(1) });
    }
    parts
}

/// The contiguous granules of a walk and its other dimensions, those that continue each other
/// joined.
fn merged(strides: &[Stride]) -> (usize, Vec<Stride>) {
    let mut strides: Vec<Stride> =
        strides.iter().copied().filter(|stride| stride.count != 1).collect();
    strides.sort_by_key(|stride| (stride.target.abs(), stride.source.abs()));
    let mut granules = 1_usize;
    let mut rest: Vec<Stride> = Vec::new();
    for stride in strides {
        let whole = i64::from(int(granules));
        if rest.is_empty() && (stride.source, stride.target) == (whole, whole) {
            granules *= stride.count;
            continue;
        }
        let continues = rest.last_mut().filter(|last| {
            let n = i64::from(int(last.count));
            (stride.source, stride.target) == (last.source * n, last.target * n)
        });
        match continues {
            Some(last) => last.count *= stride.count,
            None => rest.push(stride),
        }
    }
    (granules, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn stride(count: usize, source: i64, target: i64) -> Stride {
        Stride { count, source, target }
    }

    /// Where every granule goes, in the order of the targets.
    fn moves(strides: &[Stride]) -> Vec<(i64, i64)> {
        let mut places = vec![(0, 0)];
        for stride in strides {
            let steps = 0..i64::from(int(stride.count));
            places = (places.iter())
                .flat_map(|(t, s)| {
                    steps.clone().map(move |n| (t + n * stride.target, s + n * stride.source))
                })
                .collect();
        }
        places.sort_unstable();
        places
    }

    fn check(strides: &[Stride]) {
        let mut found = Vec::new();
        for walk in walks(strides) {
            let contiguous = stride(walk.granules, 1, 1);
            assert!(walk.dimensions.len() <= DmaDescriptor::MAX_DIMENSIONS, "{walk:?}");
            let all: Vec<Stride> =
                walk.loops.iter().chain(&walk.dimensions).copied().chain([contiguous]).collect();
            found.extend(moves(&all).iter().map(|(t, s)| (t + walk.target, s + walk.source)));
        }
        found.sort_unstable();
        assert_eq!(found, moves(strides));
    }

    #[test]
    fn every_granule_moves_once() {
        check(&[]);
        check(&[stride(7, 1, 1)]);
        check(&[stride(7, 0, 1), stride(3, 5, 7)]);
        check(&[stride(2, 8, 8), stride(8, 1, 1), stride(5, 16, 16)]);
        check(&[stride(5, -3, 1), stride(4, 30, 5), stride(3, 1, 20)]);
        check(&[stride(2, 1, 30), stride(3, 2, 60), stride(5, 6, 1), stride(2, 50, 5)]);
        check(&[
            stride(2, 1, 1000),
            stride(3, 10, 200),
            stride(5, 100, 30),
            stride(2, 5000, 10),
            stride(4, 7, 1),
        ]);
    }

    #[test]
    fn a_contiguous_copy_is_two_transfers() {
        let walks = walks(&[stride(64, 8, 8), stride(8, 1, 1)]);
        let loops = vec![stride(2, 256, 256)];
        let whole = Walk { source: 0, target: 0, loops, dimensions: Vec::new(), granules: 256 };
        assert_eq!(walks, [whole]);
    }
}
