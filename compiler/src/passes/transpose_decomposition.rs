//! Transpose decomposition: lanes change places with rows and with nothing else.
//!
//! There are kernels that permute dimensions where lanes stay lanes, and one that swaps the last
//! two dimensions. A transpose that is neither becomes up to three: the dimension that will be the
//! lanes becomes the rows, rows and lanes are swapped, and what was the lanes goes where it
//! belongs.

use super::{
    Changed, PassContext, PassError,
    layout_assignment::with_order,
    site::{Rewritten, Site, rewrite_computation},
};
use crate::{
    analysis::sequential_computations,
    hlo::{ArrayShape, Module, Op},
};

/// See the module. Expects normalised layouts.
///
/// # Errors
/// None but for a bug: a permuted array is as large as before.
pub fn transpose_decomposition(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    let mut changed = Changed::No;
    for computation in sequential_computations(module) {
        changed |= rewrite_computation(module, computation, &mut decompose)?;
    }
    Ok(changed)
}

fn decompose(site: &mut Site<'_>) -> Rewritten {
    let Op::Transpose { dimensions } = site.instruction().op() else { return Ok(None) };
    let permutation = dimensions.clone();
    let steps = steps_of(&permutation);
    if steps.len() < 2 {
        return Ok(None);
    }
    let mut value = site.operand(0);
    for step in steps {
        let from = site.array(value);
        let sizes: Vec<usize> = step.iter().map(|d| from.dimensions()[*d]).collect();
        let shape = ArrayShape::new(from.element_type(), sizes);
        let shape = shape.expect("a permuted shape is as large as before");
        let order: Vec<usize> = (0..step.len()).collect();
        let shape = with_order(&shape, &order);
        value = site.shaped(Op::Transpose { dimensions: step }, &[value], shape.into())?;
    }
    Ok(Some(value))
}

/// The permutations that make `permutation`, one after the other; each of them keeps the lanes or
/// swaps the last two dimensions.
fn steps_of(permutation: &[usize]) -> Vec<Vec<usize>> {
    let rank = permutation.len();
    let Some((&new_lanes, before)) = permutation.split_last() else { return Vec::new() };
    let old_lanes = rank - 1;
    if new_lanes == old_lanes {
        return vec![permutation.to_vec()];
    }
    // The order of the others is made first, if there is anything to do first.
    let others = before.iter().copied().filter(|d| *d != old_lanes);
    let others: Vec<usize> =
        if new_lanes + 1 == old_lanes { (0..new_lanes).collect() } else { others.collect() };
    let rows_first: Vec<usize> = others.iter().copied().chain([new_lanes, old_lanes]).collect();
    let swap: Vec<usize> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
    let swapped: Vec<usize> = others.into_iter().chain([old_lanes, new_lanes]).collect();
    let place = |d: &usize| swapped.iter().position(|other| other == d).expect("a permutation");
    let last: Vec<usize> = permutation.iter().map(place).collect();
    let is_something = |step: &Vec<usize>| !step.is_sorted();
    [rows_first, swap, last].into_iter().filter(is_something).collect()
}

#[cfg(test)]
mod tests {
    use super::steps_of;

    fn permutations(rank: usize) -> Vec<Vec<usize>> {
        let Some(less) = rank.checked_sub(1) else { return vec![Vec::new()] };
        let smaller = permutations(less);
        let insert = |p: &Vec<usize>, at: usize| {
            let mut p = p.clone();
            p.insert(at, less);
            p
        };
        smaller.iter().flat_map(|p| (0..rank).map(move |at| insert(p, at))).collect()
    }

    #[test]
    fn steps_make_the_permutation_and_have_kernels() {
        for permutation in (2..6).flat_map(permutations) {
            let mut made: Vec<usize> = (0..permutation.len()).collect();
            for step in steps_of(&permutation) {
                let rank = step.len();
                let swap: Vec<usize> = (0..rank - 2).chain([rank - 1, rank - 2]).collect();
                assert!(step[rank - 1] == rank - 1 || step == swap, "{permutation:?}: {step:?}");
                made = step.iter().map(|d| made[*d]).collect();
            }
            assert_eq!(made, permutation);
        }
    }

    #[test]
    fn two_steps_where_two_do() {
        assert_eq!(steps_of(&[0, 2, 1]).len(), 1);
        assert_eq!(steps_of(&[2, 1, 0]).len(), 3);
        assert_eq!(steps_of(&[1, 2, 0]).len(), 2);
        assert_eq!(steps_of(&[2, 0, 1]).len(), 2);
        assert_eq!(steps_of(&[0, 2, 3, 1]).len(), 2);
    }
}
