//! What a reduction does to partial results: a register for each array.

use palmetto_isa::memory::LANES;

use super::{Computation, Reduce, Region};
use crate::{
    element::Element,
    expression::{Emitter, Place, Register, Values},
    llo::{Builder, V},
    operand::int,
    reducer,
};

/// Registers that the cross-lane units are given at a time, the arrays of a partial result
/// together: as many as their results have room for.
const IN_FLIGHT: usize = 32;

/// A register for each array.
pub(super) type Partial = Vec<V>;

impl Reduce {
    fn only_element(&self) -> Element {
        self.expression.node(self.values[0]).element
    }

    /// `x` and `y` combined, where no element of `x` is behind one of `y` if there are positions.
    pub(super) fn combine(&self, b: &mut Builder, x: &[V], y: &[V]) -> Partial {
        match &self.computation {
            Computation::Op(op) => {
                vec![reducer::combine(b, (*op, self.only_element()), x[0], y[0])]
            }
            Computation::Region(region) => {
                let elements: Vec<Element> = self.elements().collect();
                let words = x.iter().chain(y).zip(elements.iter().cycle());
                let inputs =
                    words.map(|(word, element)| Register::from_word(b, *word, *element)).collect();
                let mut site = Values(inputs);
                let mut emitter = Emitter::new(&region.expression, &site);
                let place = Place { row: 0, column: 0 };
                let results = region.results.iter();
                let results =
                    results.map(|result| emitter.emit(b, &mut site, *result, place)).collect();
                let results: Vec<Register> = results;
                results.into_iter().map(|result| result.word(b)).collect()
            }
        }
    }

    /// The reduction of several values, in pairs.
    pub(super) fn tree(&self, b: &mut Builder, values: &[Partial]) -> Partial {
        match values {
            [] => panic!("a piece has a register"),
            [only] => only.clone(),
            _ => {
                let (first, second) = values.split_at(values.len().div_ceil(2));
                let (x, y) = (self.tree(b, first), self.tree(b, second));
                self.combine(b, &x, &y)
            }
        }
    }

    /// Reduces each value over its lanes; the results are in all lanes.
    pub(super) fn across_lanes(&self, b: &mut Builder, values: &[Partial]) -> Vec<Partial> {
        let region = match &self.computation {
            Computation::Op(op) => {
                let values: Vec<V> = values.iter().map(|value| value[0]).collect();
                let reduced = reducer::across_lanes(b, (*op, self.only_element()), &values);
                return reduced.into_iter().map(|value| vec![value]).collect();
            }
            Computation::Region(region) => region,
        };
        let at_once = (IN_FLIGHT / self.values.len()).max(1);
        let mut values = values.to_vec();
        for values in values.chunks_mut(at_once) {
            let mut distance = LANES / 2;
            while distance > 0 {
                let moved = rotated(b, values, distance);
                for (value, moved) in values.iter_mut().zip(moved) {
                    *value = self.in_order(b, region, value, &moved);
                }
                distance /= 2;
            }
        }
        values
    }

    /// Reduces over the sublanes; the results are in all sublanes.
    pub(super) fn across_sublanes(&self, b: &mut Builder, mut value: Partial) -> Partial {
        for distance in [4, 2, 1] {
            let moved: Partial = value.iter().map(|v| b.vrot_sublane(*v, distance)).collect();
            value = match &self.computation {
                Computation::Op(_) => self.combine(b, &value, &moved),
                Computation::Region(region) => self.in_order(b, region, &value, &moved),
            };
        }
        value
    }

    /// `x` and `y` combined, the one with the lower position first.
    fn in_order(&self, b: &mut Builder, region: &Region, x: &[V], y: &[V]) -> Partial {
        let Some(position) = region.position else { return self.combine(b, x, y) };
        let is_behind = b.vcmp_lt_s32(y[position], x[position]);
        let pairs = || x.iter().zip(y);
        let first: Partial = pairs().map(|(x, y)| b.vsel(is_behind, *y, *x)).collect();
        let second: Partial = pairs().map(|(x, y)| b.vsel(is_behind, *x, *y)).collect();
        self.combine(b, &first, &second)
    }
}

/// All registers of `values`, rotated by so many lanes.
fn rotated(b: &mut Builder, values: &[Partial], distance: usize) -> Vec<Partial> {
    let amount = b.s(int(distance));
    let unit = |n: usize| u8::from(n % 2 == 1);
    let n_arrays = values.first().map_or(0, Vec::len);
    for (n, value) in values.iter().flatten().enumerate() {
        b.xlu_rot(unit(n), *value, amount);
    }
    let moved: Vec<V> = (0..values.len() * n_arrays).map(|n| b.xlu_pop(unit(n))).collect();
    moved.chunks(n_arrays).map(<[V]>::to_vec).collect()
}
