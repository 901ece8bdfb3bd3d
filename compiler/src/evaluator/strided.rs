//! Copies between windows of arrays: the one loop behind everything that moves elements.

/// How to walk an array: the first element, and how far apart neighbours along each dimension are.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    /// The position of the first element.
    pub(super) offset: isize,
    /// The distance between neighbours, per dimension.
    pub(super) strides: Vec<isize>,
}

impl Walk {
    /// Through all of a row-major array with these strides.
    pub(super) fn all(strides: &[usize]) -> Self {
        Self { offset: 0, strides: strides.iter().map(|stride| stride.cast_signed()).collect() }
    }
}

/// One dimension of a copy: how often, and how far apart in target and source.
#[derive(Clone, Copy)]
struct Loop {
    count: usize,
    to: isize,
    from: isize,
}

/// Copies `sizes` elements that `from_walk` visits to the places that `to_walk` visits.
///
/// # Panics
/// If a walk leaves its slice.
pub(super) fn copy<T: Copy>(
    sizes: &[usize],
    (to, to_walk): (&mut [T], &Walk),
    (from, from_walk): (&[T], &Walk),
) {
    if sizes.contains(&0) {
        return;
    }
    let mut loops = joined_loops(sizes, &to_walk.strides, &from_walk.strides);
    let inner = loops.pop().unwrap_or(Loop { count: 1, to: 1, from: 1 });
    let mut counters = vec![0; loops.len()];
    let (mut to_offset, mut from_offset) = (to_walk.offset, from_walk.offset);
    loop {
        copy_row(inner, (to, to_offset), (from, from_offset));
        // The next row: count up the innermost of the outer loops, carry where it is through.
        let mut carried = true;
        for (counter, each) in counters.iter_mut().zip(&loops).rev() {
            *counter += 1;
            to_offset += each.to;
            from_offset += each.from;
            if *counter < each.count {
                carried = false;
                break;
            }
            *counter = 0;
            to_offset -= each.to * each.count.cast_signed();
            from_offset -= each.from * each.count.cast_signed();
        }
        if carried {
            return;
        }
    }
}

/// The loops of the copy, neighbours joined where they walk like one.
fn joined_loops(sizes: &[usize], to: &[isize], from: &[isize]) -> Vec<Loop> {
    let mut loops: Vec<Loop> = Vec::with_capacity(sizes.len());
    for ((&count, &to), &from) in sizes.iter().zip(to).zip(from) {
        let signed = count.cast_signed();
        match loops.last_mut() {
            _ if count == 1 => {}
            Some(outer) if outer.to == to * signed && outer.from == from * signed => {
                *outer = Loop { count: outer.count * count, to, from };
            }
            _ => loops.push(Loop { count, to, from }),
        }
    }
    loops
}

fn copy_row<T: Copy>(
    Loop { count, to: to_stride, from: from_stride }: Loop,
    (to, to_offset): (&mut [T], isize),
    (from, from_offset): (&[T], isize),
) {
    let place = |offset: isize, n: usize, stride: isize| {
        (offset + n.cast_signed() * stride).cast_unsigned()
    };
    if to_stride == 1 {
        let to = &mut to[to_offset.cast_unsigned()..][..count];
        match from_stride {
            1 => to.copy_from_slice(&from[from_offset.cast_unsigned()..][..count]),
            0 => to.fill(from[from_offset.cast_unsigned()]),
            _ => {
                for (n, to) in to.iter_mut().enumerate() {
                    *to = from[place(from_offset, n, from_stride)];
                }
            }
        }
        return;
    }
    for n in 0..count {
        to[place(to_offset, n, to_stride)] = from[place(from_offset, n, from_stride)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposition_is_a_copy_with_swapped_strides() {
        let from = [1, 2, 3, 4, 5, 6];
        let mut to = [0; 6];
        let columns = Walk { offset: 0, strides: vec![1, 3] };
        copy(&[3, 2], (&mut to, &Walk::all(&[2, 1])), (&from, &columns));
        assert_eq!(to, [1, 4, 2, 5, 3, 6]);
    }

    #[test]
    fn negative_and_zero_strides_turn_around_and_repeat() {
        let mut to = [0; 6];
        let back = Walk { offset: 2, strides: vec![0, -1] };
        copy(&[2, 3], (&mut to, &Walk::all(&[3, 1])), (&[1, 2, 3], &back));
        assert_eq!(to, [3, 2, 1, 3, 2, 1]);
    }

    #[test]
    fn the_target_may_have_gaps() {
        let mut to = [0; 7];
        let gaps = Walk { offset: 1, strides: vec![4, 2] };
        copy(&[2, 1], (&mut to, &gaps), (&[8, 9], &Walk::all(&[1, 1])));
        assert_eq!(to, [0, 8, 0, 0, 0, 9, 0]);
    }

    #[test]
    fn nothing_is_copied_without_elements() {
        let mut to: [u8; 0] = [];
        copy(&[3, 0], (&mut to, &Walk::all(&[1, 1])), (&[], &Walk::all(&[1, 1])));
    }
}
