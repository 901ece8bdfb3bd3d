//! What can be said about `while` loops whose state is a tuple.

use crate::hlo::{
    ComparisonDirection, ComparisonType, Computation, ComputationId, ElementType, InstructionId,
    Literal, Module, Op,
};

/// The number of the state's element that an instruction of a loop's computation takes.
pub fn state_element(computation: &Computation, id: InstructionId) -> Option<usize> {
    let instruction = computation.instruction(id);
    let Op::GetTupleElement { index } = *instruction.op() else { return None };
    let &[parameter] = computation.parameters() else { return None };
    (instruction.operands()[0] == parameter).then_some(index)
}

/// Element `index` of the value `tuple`, if it is put together by a `tuple`.
pub fn tuple_element(
    computation: &Computation,
    tuple: InstructionId,
    index: usize,
) -> Option<InstructionId> {
    let instruction = computation.instruction(tuple);
    (*instruction.op() == Op::Tuple).then(|| instruction.operands()[index])
}

/// Does every iteration hand element `n` on as it is?
pub fn is_invariant(body: &Computation, n: usize) -> bool {
    let next = tuple_element(body, body.root(), n);
    next.is_some_and(|next| state_element(body, next) == Some(n))
}

/// How often the body of a `while` runs, if its condition compares an element of the state, which
/// starts at a constant and changes by a constant in every iteration, with a constant.
///
/// `None` also if the element would wrap before the loop ends.
pub fn trip_count(module: &Module, computation: ComputationId, id: InstructionId) -> Option<u64> {
    let owner = module.computation(computation);
    let instruction = owner.instruction(id);
    let Op::While { condition, body } = *instruction.op() else { return None };
    let (condition, body) = (module.computation(condition), module.computation(body));
    let root = condition.instruction(condition.root());
    if let Op::Constant { literal } = root.op() {
        let is_false = literal.as_array().ok()?.get_i64(0)? == 0;
        return is_false.then_some(0);
    }
    let Op::Compare { direction, comparison_type } = *root.op() else { return None };
    if !matches!(comparison_type, ComparisonType::Signed | ComparisonType::Unsigned) {
        return None;
    }
    let [lhs, rhs] = [root.operands()[0], root.operands()[1]];
    let (element, bound, direction) = match (state_element(condition, lhs), integer(condition, rhs))
    {
        (Some(element), Some(bound)) => (element, bound, direction),
        _ => (state_element(condition, rhs)?, integer(condition, lhs)?, direction.mirrored()),
    };
    let start = integer(owner, tuple_element(owner, instruction.operands()[0], element)?)?;
    let step = step(body, element)?;
    let element_type = condition.instruction(lhs).array_shape().element_type();
    count(i128::from(start), i128::from(bound), i128::from(step), (direction, element_type))
}

/// The integer that a scalar constant is.
fn integer(computation: &Computation, id: InstructionId) -> Option<i64> {
    let Op::Constant { literal: Literal::Array(array) } = computation.instruction(id).op() else {
        return None;
    };
    (array.shape().is_scalar() && array.element_type().is_integer())
        .then(|| array.get_i64(0))
        .flatten()
}

/// By how much an element of the state changes in every iteration.
fn step(body: &Computation, element: usize) -> Option<i64> {
    let next = body.instruction(tuple_element(body, body.root(), element)?);
    let &[lhs, rhs] = next.operands() else { return None };
    let is_element = |id| state_element(body, id) == Some(element);
    match next.op() {
        Op::Add if is_element(lhs) => integer(body, rhs),
        Op::Add if is_element(rhs) => integer(body, lhs),
        Op::Subtract if is_element(lhs) => integer(body, rhs)?.checked_neg(),
        _ => None,
    }
}

/// How many of `start`, `start + step`, … come before the first that does not compare with `bound`.
fn count(
    start: i128,
    bound: i128,
    step: i128,
    (direction, element_type): (ComparisonDirection, ElementType),
) -> Option<u64> {
    // To count up to below a bound is the only form that is left.
    let (start, bound, step) = match direction {
        ComparisonDirection::Lt => (start, bound, step),
        ComparisonDirection::Le => (start, bound + 1, step),
        ComparisonDirection::Gt => (-start, -bound, -step),
        ComparisonDirection::Ge => (-start, -bound + 1, -step),
        ComparisonDirection::Ne if step < 0 => (-start, -bound, -step),
        ComparisonDirection::Ne => (start, bound, step),
        ComparisonDirection::Eq => {
            return if start != bound { Some(0) } else { (step != 0).then_some(1) };
        }
    };
    if direction == ComparisonDirection::Ne && start == bound || start >= bound {
        let ends = direction != ComparisonDirection::Ne || start == bound;
        return ends.then_some(0);
    }
    if step <= 0 {
        return None;
    }
    let distance = bound - start;
    if direction == ComparisonDirection::Ne && distance % step != 0 {
        return None;
    }
    let trips = (distance + step - 1) / step;
    let last = start + trips * step;
    let is_mirrored = matches!(direction, ComparisonDirection::Gt | ComparisonDirection::Ge);
    fits(element_type, last, is_mirrored)?;
    u64::try_from(trips).ok()
}

/// Nothing, if a value (negated if `is_mirrored`) is not one of the type.
fn fits(element_type: ElementType, value: i128, is_mirrored: bool) -> Option<()> {
    let value = if is_mirrored { -value } else { value };
    let width = element_type.bit_width();
    let (least, most) = if element_type.is_signed() {
        (-(1i128 << (width - 1)), (1i128 << (width - 1)) - 1)
    } else {
        (0, (1i128 << width) - 1)
    };
    (least <= value && value <= most).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ComparisonDirection::{Eq, Ge, Gt, Le, Lt, Ne};

    /// The same by running the loop, up to a limit.
    fn by_running(start: i8, bound: i8, step: i8, direction: ComparisonDirection) -> Option<u64> {
        let mut value = start;
        for trip in 0..1000 {
            let goes_on = match direction {
                Eq => value == bound,
                Ne => value != bound,
                Ge => value >= bound,
                Gt => value > bound,
                Le => value <= bound,
                Lt => value < bound,
            };
            if !goes_on {
                return Some(trip);
            }
            value = value.wrapping_add(step);
        }
        None
    }

    #[test]
    fn counts_are_what_running_gives() {
        let mut known = 0;
        for direction in [Eq, Ge, Gt, Le, Lt, Ne] {
            for start in [-128, -7, 0, 3, 100, 127] {
                for bound in [-128, -6, 0, 1, 10, 126, 127] {
                    for step in [-128, -3, -1, 0, 1, 2, 50, 127] {
                        let [a, b, c] = [start, bound, step].map(i128::from);
                        let counted = count(a, b, c, (direction, ElementType::S8));
                        let run = by_running(start, bound, step, direction);
                        if counted.is_some() {
                            known += 1;
                            assert_eq!(counted, run, "{start} {direction:?} {bound} by {step}");
                        }
                    }
                }
            }
        }
        assert!(known > 1000, "{known} counts were known");
    }
}
