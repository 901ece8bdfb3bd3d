//! Random HLO modules, reproduced by their seeds.
//!
//! They are made by the builder, so they are legal; instructions that it refuses are not there. All
//! arrays are small, with many dimensions of size 1 and some of size 0, and constants are the ones
//! that rules know: 0, -0, 1, powers of two, the ends of ranges. Loops end. Bits of floats are not
//! looked at, since those of NaN may change.

mod control;
mod data;
mod numeric;

use crate::llo_generator::Random;
use palmetto_compiler::hlo::{
    ArrayLiteral, ArrayShape, ComputationBuilder, ComputationId, ElementType, InstructionId,
    Module, ModuleBuilder, Op, Opcode, Shape,
};
use std::collections::BTreeMap;

/// How many values a module has as results.
const RESULTS: usize = 4;
/// Larger arrays have no users: each dot of them would be about the square of their size.
const MOST_ELEMENTS: usize = 1024;
const SIZES: [usize; 8] = [1, 1, 1, 2, 3, 4, 5, 8];
const TYPES: [ElementType; 7] = [
    ElementType::F32,
    ElementType::F32,
    ElementType::BF16,
    ElementType::S32,
    ElementType::S8,
    ElementType::U16,
    ElementType::Pred,
];

/// A module of about `size` instructions.
///
/// # Panics
/// If the builder is wrong about what it allows.
pub fn generate(seed: u64, size: usize) -> Module {
    let mut module = ModuleBuilder::new("random");
    let entry = module.add_computation("main");
    let mut random = Random::new(seed);
    let mut generator = Generator { module: &mut module, entry, random: &mut random };
    let mut values = Vec::new();
    for n in 0..3 {
        let shape = generator.shape();
        let mut builder = generator.module.computation(entry);
        values.push(builder.parameter(shape.into(), &format!("p{n}")));
    }
    for _ in 0..size {
        if let Some(value) = generator.instruction(&values)
            && generator.array(value).element_count() <= MOST_ELEMENTS
        {
            values.push(value);
        }
    }
    // The last ones need most of the others.
    let results = values.split_off(values.len().saturating_sub(RESULTS));
    let mut builder = module.computation(entry);
    let root = builder.tuple(&results);
    builder.set_root(root);
    module.finish(entry).expect("every computation has a root")
}

/// How often each opcode occurs in a module.
pub fn count_opcodes(module: &Module, counts: &mut BTreeMap<Opcode, usize>) {
    for (_, computation) in module.computations() {
        for (_, instruction) in computation.instructions() {
            *counts.entry(instruction.opcode()).or_default() += 1;
        }
    }
}

/// Adds instructions to a module.
struct Generator<'m> {
    module: &'m mut ModuleBuilder,
    entry: ComputationId,
    random: &'m mut Random,
}

impl Generator<'_> {
    fn below(&mut self, limit: usize) -> usize {
        self.random.below(limit)
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let n = self.below(from.len());
        from[n].clone()
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn builder(&mut self) -> ComputationBuilder<'_> {
        self.module.computation(self.entry)
    }

    /// Adds an instruction, unless it cannot be.
    fn add(&mut self, op: Op, operands: &[InstructionId]) -> Option<InstructionId> {
        self.builder().add(op, operands).ok()
    }

    fn add_shaped(
        &mut self,
        op: Op,
        operands: &[InstructionId],
        shape: ArrayShape,
    ) -> Option<InstructionId> {
        self.builder().add_shaped(op, operands, shape.into()).ok()
    }

    /// The shape of an array.
    fn array(&mut self, id: InstructionId) -> ArrayShape {
        let builder = self.builder();
        builder.shape(id).as_array().expect("values are arrays").clone()
    }

    fn sizes(&mut self, id: InstructionId) -> Vec<usize> {
        self.array(id).dimensions().to_vec()
    }

    fn shape(&mut self) -> ArrayShape {
        let element_type = self.pick(&TYPES);
        let rank = self.below(4);
        let mut size = || if self.one_in(40) { 0 } else { self.pick(&SIZES) };
        let sizes = (0..rank).map(|_| size()).collect();
        ArrayShape::new(element_type, sizes).expect("it is small")
    }

    /// One of the values, a late one rather than an early one.
    fn value(&mut self, values: &[InstructionId]) -> InstructionId {
        let first = if self.one_in(3) { 0 } else { values.len() / 2 };
        self.pick(&values[first..])
    }

    /// One of the values that have this property.
    fn value_with(
        &mut self,
        values: &[InstructionId],
        mut has: impl FnMut(&ArrayShape) -> bool,
    ) -> Option<InstructionId> {
        let mut fitting = Vec::new();
        for &value in values {
            if has(&self.array(value)) {
                fitting.push(value);
            }
        }
        if fitting.is_empty() { None } else { Some(self.value(&fitting)) }
    }

    /// A value of this shape: one that is there, or a constant.
    fn like(&mut self, values: &[InstructionId], shape: &ArrayShape) -> Option<InstructionId> {
        if !self.one_in(3)
            && let Some(value) = self.value_with(values, |other| other == shape)
        {
            return Some(value);
        }
        self.constant(shape)
    }

    /// A constant with one value everywhere, or an iota.
    fn constant(&mut self, shape: &ArrayShape) -> Option<InstructionId> {
        if shape.rank() > 0 && shape.element_type() != ElementType::Pred && self.one_in(4) {
            let iota_dimension = self.below(shape.rank());
            return self.add_shaped(Op::Iota { iota_dimension }, &[], shape.clone());
        }
        let mut scalar = ArrayLiteral::zeros(&ArrayShape::scalar(shape.element_type()));
        if shape.element_type().is_float() {
            let values = [0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 3.0, f64::INFINITY, f64::NEG_INFINITY];
            scalar.set_f64(0, self.pick(&values));
        } else {
            scalar.set_i64(0, self.pick(&[0, 1, 2, 3, -1, 127, -128]));
        }
        if self.one_in(4) {
            let literal = ArrayLiteral::splat(shape, &scalar).expect("it is a scalar");
            return self.add(Op::Constant { literal: literal.into() }, &[]);
        }
        let scalar = self.builder().constant(scalar.into());
        if shape.is_scalar() {
            return Some(scalar);
        }
        self.add_shaped(Op::Broadcast { dimensions: Vec::new() }, &[scalar], shape.clone())
    }

    /// One more value, made of others.
    fn instruction(&mut self, values: &[InstructionId]) -> Option<InstructionId> {
        match self.below(34) {
            0..=1 => self.unary(values),
            2..=6 => self.binary(values),
            7 => self.convert(values),
            8 => self.compare(values),
            9 => self.select(values),
            10 => self.clamp(values),
            11..=12 => self.reduce(values),
            13..=14 => self.dot(values),
            15 => self.reshape(values),
            16..=17 => self.transpose(values),
            18..=19 => self.broadcast(values),
            20 => self.slice(values),
            21 => self.pad(values),
            22 => self.concatenate(values),
            23 => self.reverse(values),
            24 => self.dynamic_slice(values),
            25 => self.dynamic_update_slice(values),
            26 => self.gather(values),
            27 => self.convolution(values),
            28 => self.reduce_window(values),
            29 => self.select_and_scatter(values),
            30 => self.scatter(values),
            _ => self.control(values),
        }
    }

    /// A scalar shape.
    fn scalar(element_type: ElementType) -> Shape {
        Shape::scalar(element_type)
    }
}
