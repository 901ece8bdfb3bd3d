//! Proof that an assignment is right, made without looking at how it came about: no two buffers
//! that are alive at the same time share a granule, and all lie in the heap.

use std::collections::BTreeMap;

use thiserror::Error;

use super::{Assignment, BufferRequest};

/// What is wrong with an assignment.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Overlap {
    /// Two buffers meet.
    #[error("buffers {first} and {second} share granules while both are alive at step {step}")]
    Buffers {
        /// One.
        first: usize,
        /// The other.
        second: usize,
        /// When.
        step: usize,
    },
    /// A buffer reaches over the end.
    #[error("buffer {buffer} ends at granule {end}, the heap at {granules}")]
    Outside {
        /// Which.
        buffer: usize,
        /// Its end.
        end: u64,
        /// The heap's.
        granules: u32,
    },
}

/// Checks every step: the buffers alive in it, sorted by offset, must follow one another.
///
/// # Errors
/// The first violation.
pub fn check_assignment(
    requests: &[BufferRequest],
    assignment: &Assignment,
) -> Result<(), Overlap> {
    let mut events: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (buffer, request) in requests.iter().enumerate() {
        let end = u64::from(assignment.offsets[buffer]) + u64::from(request.granules);
        if end > u64::from(assignment.granules) {
            return Err(Overlap::Outside { buffer, end, granules: assignment.granules });
        }
        events.entry(request.live.start).or_default().push(buffer);
    }
    let mut alive: Vec<usize> = Vec::new();
    for (step, born) in events {
        alive.retain(|buffer| requests[*buffer].live.end > step);
        alive.extend(born.iter().filter(|buffer| !requests[**buffer].live.is_empty()));
        alive.sort_by_key(|buffer| assignment.offsets[*buffer]);
        for pair in alive.windows(2) {
            let end =
                u64::from(assignment.offsets[pair[0]]) + u64::from(requests[pair[0]].granules);
            if end > u64::from(assignment.offsets[pair[1]]) {
                return Err(Overlap::Buffers { first: pair[0], second: pair[1], step });
            }
        }
    }
    Ok(())
}

#[test]
fn an_overlap_is_found() {
    let requests =
        [BufferRequest { granules: 8, live: 0..3 }, BufferRequest { granules: 8, live: 2..4 }];
    let assignment = Assignment { offsets: vec![0, 4], granules: 12 };
    let found = check_assignment(&requests, &assignment);
    assert_eq!(found, Err(Overlap::Buffers { first: 0, second: 1, step: 2 }));
}
