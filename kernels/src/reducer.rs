//! What reductions do to registers.
//!
//! Predicates are reduced as the words 0 and 1.

use palmetto_isa::memory::LANES;

use crate::{
    element::{Class, Element},
    expression::Reducer,
    llo::{Builder, V},
    operand::int,
};

/// The value that changes nothing.
pub(crate) fn identity(b: &mut Builder, (reducer, element): (Reducer, Element)) -> V {
    match (reducer, element.class()) {
        (Reducer::Add | Reducer::Or | Reducer::Xor, _) => b.i32(0),
        (Reducer::Multiply, Class::Float) => b.f32(1.0),
        (Reducer::Multiply, _) => b.i32(1),
        (Reducer::And, _) => b.i32(-1),
        (Reducer::Max, Class::Float) => b.f32(f32::NEG_INFINITY),
        (Reducer::Max, Class::Signed) => b.i32(i32::MIN),
        (Reducer::Max, _) => b.i32(0),
        (Reducer::Min, Class::Float) => b.f32(f32::INFINITY),
        (Reducer::Min, Class::Signed) => b.i32(i32::MAX),
        (Reducer::Min, _) => b.i32(-1),
    }
}

/// One step of a reduction.
pub(crate) fn combine(b: &mut Builder, (reducer, element): (Reducer, Element), x: V, y: V) -> V {
    match (reducer, element.class()) {
        (Reducer::Add, Class::Float) => b.vadd_f32(x, y),
        (Reducer::Add, _) => b.vadd_s32(x, y),
        (Reducer::Multiply, Class::Float) => b.vmul_f32(x, y),
        (Reducer::Multiply, _) => b.vmul_s32(x, y),
        (Reducer::And, _) => b.vand(x, y),
        (Reducer::Or, _) => b.vor(x, y),
        (Reducer::Xor, _) => b.vxor(x, y),
        (Reducer::Max, Class::Float) => b.vmax_f32(x, y),
        (Reducer::Max, Class::Signed) => b.vmax_s32(x, y),
        (Reducer::Max, _) => b.vmax_u32(x, y),
        (Reducer::Min, Class::Float) => b.vmin_f32(x, y),
        (Reducer::Min, Class::Signed) => b.vmin_s32(x, y),
        (Reducer::Min, _) => b.vmin_u32(x, y),
    }
}

/// Reduces each value over its lanes; the results are in all lanes.
pub(crate) fn across_lanes(
    b: &mut Builder,
    (reducer, element): (Reducer, Element),
    values: &[V],
) -> Vec<V> {
    let units = || (0..values.len()).map(|n| u8::from(n % 2 == 1));
    let op = match (reducer, element.class()) {
        (Reducer::Add, Class::Float) => Builder::xlu_sum_f32,
        (Reducer::Max, Class::Float) => Builder::xlu_max_f32,
        (Reducer::Min, Class::Float) => Builder::xlu_min_f32,
        _ => return by_halves(b, (reducer, element), values),
    };
    for (value, unit) in values.iter().zip(units()) {
        op(b, unit, *value);
    }
    units().map(|unit| b.xlu_pop(unit)).collect()
}

fn by_halves(b: &mut Builder, reducer: (Reducer, Element), values: &[V]) -> Vec<V> {
    let units = || (0..values.len()).map(|n| u8::from(n % 2 == 1));
    let mut values = values.to_vec();
    let mut distance = LANES / 2;
    while distance > 0 {
        let amount = b.s(int(distance));
        for (value, unit) in values.iter().zip(units()) {
            b.xlu_rot(unit, *value, amount);
        }
        let moved: Vec<V> = units().map(|unit| b.xlu_pop(unit)).collect();
        values = (values.iter().zip(moved))
            .map(|(value, moved)| combine(b, reducer, *value, moved))
            .collect();
        distance /= 2;
    }
    values
}
