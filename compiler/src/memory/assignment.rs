//! Buffer assignment by heap simulation: best fit in the order of decreasing size.
//!
//! Each buffer is a rectangle of time x space. The largest are placed first, each into the smallest
//! gap between those that are alive at the same time. The orders by size and by size x duration are
//! both tried; the smaller heap is kept.

use std::ops::Range;

/// A buffer that needs a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferRequest {
    /// Granules, at least 1.
    pub granules: u32,
    /// The steps in which it is alive.
    pub live: Range<usize>,
}

/// Where buffers are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assignment {
    /// Per request, its first granule.
    pub offsets: Vec<u32>,
    /// Granules of the whole heap.
    pub granules: u32,
}

/// Places all buffers in one heap; `None` if it has more than 2^32 granules.
pub fn assign(requests: &[BufferRequest]) -> Option<Assignment> {
    let size = |request: &BufferRequest| u64::from(request.granules);
    let area = |request: &BufferRequest| size(request) * request.live.len() as u64;
    let by_size = place(requests, &size);
    let by_area = place(requests, &area);
    match (by_size, by_area) {
        (Some(a), Some(b)) => Some(if b.granules < a.granules { b } else { a }),
        (a, b) => a.or(b),
    }
}

fn place(requests: &[BufferRequest], weight: &dyn Fn(&BufferRequest) -> u64) -> Option<Assignment> {
    let mut order: Vec<usize> = (0..requests.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(weight(&requests[*index])));
    let mut offsets = vec![0; requests.len()];
    let mut granules = 0;
    for (n, index) in order.iter().enumerate() {
        let request = &requests[*index];
        let overlaps = |other: &&usize| {
            let live = &requests[**other].live;
            live.start < request.live.end && request.live.start < live.end
        };
        let mut taken: Vec<(u64, u64)> = order[..n]
            .iter()
            .filter(overlaps)
            .map(|other| {
                let start = u64::from(offsets[*other]);
                (start, start + u64::from(requests[*other].granules))
            })
            .collect();
        taken.sort_unstable();
        let offset = smallest_gap(&taken, u64::from(request.granules));
        offsets[*index] = u32::try_from(offset).ok()?;
        granules = granules.max(offset + u64::from(request.granules));
    }
    Some(Assignment { offsets, granules: u32::try_from(granules).ok()? })
}

/// The start of the smallest gap between sorted `taken` ranges that holds `granules`.
fn smallest_gap(taken: &[(u64, u64)], granules: u64) -> u64 {
    let (mut end, mut best) = (0, None);
    for (start, other_end) in taken {
        let gap = start.saturating_sub(end);
        if gap >= granules && best.is_none_or(|(size, _)| gap < size) {
            best = Some((gap, end));
        }
        end = end.max(*other_end);
    }
    best.map_or(end, |(_, start)| start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::check_assignment;

    fn request(granules: u32, live: Range<usize>) -> BufferRequest {
        BufferRequest { granules, live }
    }

    #[test]
    fn buffers_that_never_meet_share_a_place() {
        let requests = [request(8, 0..2), request(8, 2..4), request(16, 1..3)];
        let assignment = assign(&requests).expect("small");
        assert_eq!(assignment.granules, 24);
        assert_eq!(check_assignment(&requests, &assignment), Ok(()));
    }

    #[test]
    fn random_requests_never_overlap() {
        let mut state = 1u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) % below
        };
        for _ in 0..50 {
            let requests: Vec<BufferRequest> = (0..40)
                .map(|_| {
                    let start = usize::try_from(next(30)).expect("small");
                    let length = 1 + usize::try_from(next(10)).expect("small");
                    request(1 + u32::try_from(next(100)).expect("small"), start..start + length)
                })
                .collect();
            let assignment = assign(&requests).expect("small");
            assert_eq!(check_assignment(&requests, &assignment), Ok(()));
        }
    }
}
