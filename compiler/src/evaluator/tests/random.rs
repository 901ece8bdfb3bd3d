//! Random small modules: whatever inference accepts is evaluated, to values of the stated shapes,
//! with the same bits on any number of threads.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::evaluator::interpreter::has_shape;
use crate::evaluator::{EvaluatorOptions, evaluate, evaluate_instruction};
use crate::hlo::{
    ArrayLiteral, ArrayShape, ComparisonDirection, ComparisonType, ComputationBuilder,
    ComputationId, DotDimensionNumbers, ElementType, Extras, FftType, GatherDimensionNumbers,
    InstructionId, Literal, Module, ModuleBuilder, Op, Opcode, OperandPrecision, PaddingDimension,
    Precision, RandomAlgorithm, Shape, SliceDimension, Transpose, TriangularSolveOptions, verify,
};

/// The attempts to add an instruction; inference refuses most of them.
const ATTEMPTS: usize = 400;

/// Numbers from a seed.
struct Numbers(u64);

impl Numbers {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.bits() % (limit.max(1) as u64)).expect("it is below a usize")
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// Distinct numbers below `limit` in any order.
    fn distinct(&mut self, length: usize, limit: usize) -> Vec<usize> {
        let mut left: Vec<usize> = (0..limit).collect();
        (0..length.min(limit)).map(|_| left.swap_remove(self.below(left.len()))).collect()
    }
}

/// Builds one computation of random instructions.
struct Generator<'n, 'm> {
    numbers: &'n mut Numbers,
    builder: ComputationBuilder<'m>,
    values: Vec<InstructionId>,
    regions: &'n [ComputationId],
}

impl Generator<'_, '_> {
    fn shape_of(&self, id: InstructionId) -> Shape {
        self.builder.shape(id).clone()
    }

    fn array_of(&self, id: InstructionId) -> ArrayShape {
        self.shape_of(id).as_array().cloned().unwrap_or(ArrayShape::scalar(ElementType::Pred))
    }

    fn random_shape(&mut self, element_type: ElementType) -> Shape {
        if element_type == ElementType::Token {
            return Shape::scalar(element_type);
        }
        let rank = self.numbers.below(4);
        let dimensions = (0..rank).map(|_| self.numbers.pick(&[0, 1, 2, 2, 3, 4])).collect();
        Shape::array(element_type, dimensions).expect("it is small")
    }

    /// A value; of the shape of `like` if there is one and the coin says so.
    fn operand(&mut self, like: Option<InstructionId>) -> InstructionId {
        let shape = like.map(|like| self.shape_of(like));
        let alike = self.values.iter().copied();
        let alike: Vec<InstructionId> =
            alike.filter(|&id| shape.as_ref().is_none_or(|s| self.shape_of(id) == *s)).collect();
        if self.numbers.below(4) > 0 { self.numbers.pick(&alike) } else { self.any_operand() }
    }

    fn any_operand(&mut self) -> InstructionId {
        self.numbers.pick(&self.values)
    }

    fn scalar_operand(&mut self, element_type: ElementType) -> InstructionId {
        let shape = Shape::scalar(element_type);
        let scalars = self.values.iter().copied().filter(|&id| self.shape_of(id) == shape);
        let scalars: Vec<InstructionId> = scalars.collect();
        if scalars.is_empty() { self.any_operand() } else { self.numbers.pick(&scalars) }
    }

    /// An op with random attributes that have a chance to fit `first`.
    fn op(&mut self, opcode: Opcode, first: &ArrayShape) -> Option<Op> {
        let (numbers, rank) = (&mut *self.numbers, first.rank());
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others have no attributes")]
        Some(match opcode {
            Opcode::Broadcast => Op::Broadcast { dimensions: numbers.distinct(rank, 4) },
            Opcode::Compare => Op::Compare {
                direction: numbers.pick(ComparisonDirection::ALL),
                comparison_type: numbers.pick(ComparisonType::ALL),
            },
            Opcode::Concatenate => Op::Concatenate { dimension: numbers.below(rank) },
            Opcode::Dot => self.dot(rank),
            Opcode::DynamicSlice => {
                let sizes = first.dimensions().iter().map(|&size| numbers.below(size + 1));
                Op::DynamicSlice { dynamic_slice_sizes: sizes.collect() }
            }
            Opcode::Fft => {
                let (count, fft_type) = (numbers.below(rank + 1), numbers.pick(FftType::ALL));
                Op::Fft { fft_type, fft_length: first.dimensions()[count..].to_vec() }
            }
            Opcode::Gather => self.gather(first),
            Opcode::Iota => Op::Iota { iota_dimension: numbers.below(3) },
            Opcode::Pad => {
                let side = |numbers: &mut Numbers| numbers.pick(&[-2, -1, 0, 0, 1, 2]);
                let padding = (0..rank).map(|_| PaddingDimension {
                    low: side(numbers),
                    high: side(numbers),
                    interior: numbers.below(3),
                });
                Op::Pad { padding: padding.collect() }
            }
            Opcode::Reduce => {
                let dimensions = numbers.below(rank + 1);
                let dimensions = numbers.distinct(dimensions, rank);
                Op::Reduce { dimensions, to_apply: numbers.pick(self.regions) }
            }
            Opcode::ReducePrecision => Op::ReducePrecision {
                exponent_bits: 1 + numbers.below(12),
                mantissa_bits: numbers.below(54),
            },
            Opcode::Reverse => {
                let count = numbers.below(rank + 1);
                Op::Reverse { dimensions: numbers.distinct(count, rank) }
            }
            Opcode::Cholesky => Op::Cholesky { lower: numbers.below(2) == 0 },
            Opcode::TriangularSolve => {
                let options = TriangularSolveOptions {
                    left_side: numbers.below(2) == 0,
                    lower: numbers.below(2) == 0,
                    unit_diagonal: numbers.below(2) == 0,
                    transpose_a: numbers.pick(Transpose::ALL),
                };
                Op::TriangularSolve { options }
            }
            Opcode::RngBitGenerator => {
                Op::RngBitGenerator { algorithm: numbers.pick(RandomAlgorithm::ALL) }
            }
            Opcode::Sort => {
                let dimension = numbers.below(rank);
                Op::Sort { dimension, is_stable: true, to_apply: numbers.pick(self.regions) }
            }
            Opcode::Slice => {
                let slice = first.dimensions().iter().map(|&size| {
                    let limit = numbers.below(size + 1);
                    let start = numbers.below(limit + 1);
                    SliceDimension { start, limit, stride: 1 + numbers.below(3) }
                });
                Op::Slice { slice: slice.collect() }
            }
            Opcode::Transpose => Op::Transpose { dimensions: numbers.distinct(rank, rank) },
            opcode => return plain(opcode),
        })
    }

    fn dot(&mut self, rank: usize) -> Op {
        let numbers = &mut *self.numbers;
        let contracted = numbers.below(2 + usize::from(rank > 1)).min(rank);
        let batch = numbers.below(rank - contracted + 1).min(1);
        let (lhs, rhs) = (
            numbers.distinct(contracted + batch, rank),
            numbers.distinct(contracted + batch, rank),
        );
        let precision = |numbers: &mut Numbers| numbers.pick(Precision::ALL);
        let operand_precision =
            OperandPrecision { lhs: precision(numbers), rhs: precision(numbers) };
        let split = |dimensions: Vec<usize>| {
            let (batch, contracting) = dimensions.split_at(batch.min(dimensions.len()));
            (batch.to_vec(), contracting.to_vec())
        };
        let ((lhs_batch, lhs_contracting), (rhs_batch, rhs_contracting)) = (split(lhs), split(rhs));
        let dimension_numbers = DotDimensionNumbers {
            lhs_batch_dimensions: lhs_batch,
            rhs_batch_dimensions: rhs_batch,
            lhs_contracting_dimensions: lhs_contracting,
            rhs_contracting_dimensions: rhs_contracting,
        };
        Op::Dot { dimension_numbers, operand_precision }
    }

    fn gather(&mut self, operand: &ArrayShape) -> Op {
        let (numbers, rank) = (&mut *self.numbers, operand.rank());
        let collapsed = numbers.below(rank + 1);
        let mut collapsed = numbers.distinct(collapsed, rank);
        collapsed.sort_unstable();
        let sizes = operand.dimensions().iter().enumerate().map(|(dimension, &size)| {
            if collapsed.contains(&dimension) { size.min(1) } else { numbers.below(size + 1) }
        });
        let slice_sizes = sizes.collect();
        let mut offset_dims = numbers.distinct(rank - collapsed.len(), 4);
        offset_dims.sort_unstable();
        let components = numbers.below(rank + 1);
        let dimension_numbers = GatherDimensionNumbers {
            offset_dims,
            collapsed_slice_dims: collapsed,
            start_index_map: numbers.distinct(components, rank),
            operand_batching_dims: Vec::new(),
            start_indices_batching_dims: Vec::new(),
            index_vector_dim: numbers.below(3),
        };
        Op::Gather { dimension_numbers, slice_sizes, indices_are_sorted: false }
    }

    fn operands(&mut self, opcode: Opcode) -> Vec<InstructionId> {
        let first = self.any_operand();
        let shape = self.array_of(first);
        let index = self.numbers.pick(&[ElementType::S32, ElementType::S8, ElementType::U64]);
        let index = self.scalar_operand(index);
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others take alike operands")]
        match opcode {
            Opcode::Iota | Opcode::Constant => Vec::new(),
            Opcode::Pad | Opcode::Reduce => vec![first, self.scalar_operand(shape.element_type())],
            Opcode::DynamicSlice => [vec![first], vec![index; shape.rank()]].concat(),
            Opcode::DynamicUpdateSlice => {
                [vec![first, self.operand(Some(first))], vec![index; shape.rank()]].concat()
            }
            Opcode::Select => {
                let alike = self.operand(Some(first));
                vec![self.scalar_operand(ElementType::Pred), first, alike]
            }
            Opcode::Gather => vec![first, self.any_operand()],
            opcode => {
                let arity = opcode.arity();
                let more = arity.least + self.numbers.below(2) * usize::from(arity.most.is_none());
                let rest = (1..more).map(|_| self.operand(Some(first)));
                std::iter::once(first).chain(rest.collect::<Vec<_>>()).collect()
            }
        }
    }

    /// Tries to add an instruction.
    fn attempt(&mut self) {
        let opcode = self.numbers.pick(Opcode::ALL);
        let operands = self.operands(opcode);
        let first = operands.first().map(|&first| self.array_of(first));
        let first = first.unwrap_or(ArrayShape::scalar(ElementType::F32));
        let Some(op) = self.op(opcode, &first) else { return };
        let element_type = match self.numbers.below(2) {
            0 => self.numbers.pick(ElementType::ALL),
            _ => first.element_type(),
        };
        let stated = match opcode {
            Opcode::RngBitGenerator => {
                Some(Shape::Tuple(vec![first.into(), self.random_shape(element_type)]))
            }
            Opcode::Convert => Some(Shape::Array(first.with_element_type(element_type))),
            opcode if opcode.declares_shape() => Some(self.random_shape(element_type)),
            _ => None,
        };
        let extras = Extras { shape: stated, ..Extras::default() };
        if let Ok(id) = self.builder.add_with(op, &operands, extras) {
            self.values.push(id);
        }
    }
}

/// The op of an opcode without attributes; `None` for those that other tests cover.
fn plain(opcode: Opcode) -> Option<Op> {
    let ops = [
        Op::Abs,
        Op::Add,
        Op::AfterAll,
        Op::And,
        Op::Atan2,
        Op::Bitcast,
        Op::BitcastConvert,
        Op::Cbrt,
        Op::Ceil,
        Op::Clamp,
        Op::Complex,
        Op::Convert,
        Op::Copy,
        Op::Cosine,
        Op::CountLeadingZeros,
        Op::Divide,
        Op::DynamicUpdateSlice,
        Op::Exponential,
        Op::ExponentialMinusOne,
        Op::Floor,
        Op::Imag,
        Op::IsFinite,
        Op::Log,
        Op::LogPlusOne,
        Op::Logistic,
        Op::Maximum,
        Op::Minimum,
        Op::Multiply,
        Op::Negate,
        Op::Not,
        Op::OptBarrier,
        Op::Or,
        Op::Popcnt,
        Op::Power,
        Op::Real,
        Op::Remainder,
        Op::Reshape,
        Op::RoundNearestAfz,
        Op::RoundNearestEven,
        Op::Rsqrt,
        Op::Select,
        Op::ShiftLeft,
        Op::ShiftRightArithmetic,
        Op::ShiftRightLogical,
        Op::Sign,
        Op::Sine,
        Op::Sqrt,
        Op::Subtract,
        Op::Tan,
        Op::Tanh,
        Op::Xor,
    ];
    ops.into_iter().find(|op| op.opcode() == opcode)
}

/// A computation that combines two scalars with one of some ops.
fn region(builder: &mut ModuleBuilder, element_type: ElementType, op: Op) -> ComputationId {
    let id = builder.add_computation("region");
    let mut region = builder.computation(id);
    let x = region.parameter(Shape::scalar(element_type), "x");
    let y = region.parameter(Shape::scalar(element_type), "y");
    // Where the op does not fit, the last parameter is the root.
    let _ = region.add(op, &[x, y]);
    id
}

/// A module whose entry computation gives all its values, and arguments for it.
fn random_module(seed: u64) -> (Module, Vec<Literal>) {
    let mut numbers = Numbers(seed);
    let mut builder = ModuleBuilder::new("random");
    let types: Vec<ElementType> = (0..3).map(|_| numbers.pick(ElementType::ALL)).collect();
    let ops = [Op::Add, Op::Multiply, Op::Maximum, Op::Xor, Op::Subtract, Op::Power];
    let mut regions = Vec::new();
    for &element_type in &types {
        let op = ops[numbers.below(ops.len())].clone();
        regions.push(region(&mut builder, element_type, op));
        let (direction, comparison_type) =
            (numbers.pick(ComparisonDirection::ALL), ComparisonType::natural(element_type));
        let op = Op::Compare { direction, comparison_type };
        regions.push(region(&mut builder, element_type, op));
    }
    let entry = builder.add_computation("main");
    let mut generator = Generator {
        numbers: &mut numbers,
        builder: builder.computation(entry),
        values: Vec::new(),
        regions: &regions,
    };
    let scalars = [ElementType::Pred, ElementType::S32, ElementType::U64].map(Shape::scalar);
    let mut shapes = Vec::from(scalars);
    for element_type in types {
        shapes.push(Shape::scalar(element_type));
        let shape = generator.random_shape(element_type);
        shapes.extend([shape.clone(), shape, generator.random_shape(element_type)]);
    }
    let state = Shape::array(ElementType::U64, vec![2]);
    shapes.push(state.expect("it is small"));
    for shape in &shapes {
        let id = generator.builder.parameter(shape.clone(), "parameter");
        generator.values.push(id);
    }
    for _ in 0..ATTEMPTS {
        generator.attempt();
    }
    let values = generator.values.clone();
    generator.builder.tuple(&values);
    let arguments = shapes.iter().map(|shape| random_literal(&mut numbers, shape)).collect();
    (builder.finish(entry).expect("no computation is empty"), arguments)
}

/// Any bits, small values half of the time.
fn random_literal(numbers: &mut Numbers, shape: &Shape) -> Literal {
    let mut array = ArrayLiteral::zeros(shape.as_array().expect("parameters are arrays"));
    for element in 0..array.element_count() {
        if numbers.below(2) == 0 {
            array.set_bits(element, numbers.bits());
        } else {
            array.set_i64(element, numbers.pick(&[-3, -1, 0, 1, 2, 7]));
        }
    }
    array.into()
}

/// The bits of a module's result on a number of threads.
fn run_on(threads: usize, module: &Module, arguments: &[Literal]) -> Literal {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("few threads");
    let options = EvaluatorOptions::default();
    pool.install(|| evaluate(module, arguments, &options)).expect("it is small").result
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn what_inference_accepts_is_evaluated(seed: u64) {
        let (module, arguments) = random_module(seed);
        prop_assert_eq!(verify(&module), Ok(()));
        let result = run_on(1, &module, &arguments);
        let entry = module.entry_computation();
        let root = entry.instruction(entry.root());
        prop_assert!(has_shape(&result, root.shape()), "{}", root.shape());
        prop_assert_eq!(&run_on(3, &module, &arguments), &result);
        // One instruction at a time gives the same.
        let values = result.as_tuple().expect("the root is a tuple");
        let value_of = |id| {
            let position = root.operands().iter().position(|&operand| operand == id);
            values[position.expect("the root has every value")].clone()
        };
        for (&id, value) in root.operands().iter().zip(values) {
            let instruction = entry.instruction(id);
            if instruction.opcode() == Opcode::Parameter {
                continue;
            }
            let operands = instruction.operands().iter().copied();
            let operands: Vec<Literal> = operands.map(value_of).collect();
            let options = EvaluatorOptions::default();
            let alone = evaluate_instruction(&module, module.entry(), id, &operands, &options);
            prop_assert_eq!(&alone.expect("it worked before").result, value);
        }
    }
}

#[test]
fn random_modules_have_all_kinds_of_instructions() {
    let mut seen = BTreeSet::new();
    for seed in 0..300 {
        let (module, _) = random_module(seed);
        let instructions = module.entry_computation().instructions();
        seen.extend(instructions.map(|(_, instruction)| instruction.opcode()));
    }
    let others = [
        Opcode::Call,
        Opcode::Conditional,
        Opcode::Constant,
        Opcode::Convolution,
        Opcode::CustomCall,
        Opcode::Fusion,
        Opcode::GetTupleElement,
        Opcode::Recv,
        Opcode::RecvDone,
        Opcode::ReduceWindow,
        Opcode::Scatter,
        Opcode::SelectAndScatter,
        Opcode::Send,
        Opcode::SendDone,
        Opcode::While,
    ];
    let missing: Vec<Opcode> =
        Opcode::ALL.iter().copied().filter(|o| !seen.contains(o) && !others.contains(o)).collect();
    assert!(missing.is_empty(), "never generated: {missing:?}");
}

#[test]
fn large_arrays_have_the_same_bits_on_any_number_of_threads() {
    let text = "HloModule m
        sum { x = f32[] parameter(0) y = f32[] parameter(1) ROOT z = f32[] add(x, y) }
        ENTRY main {
          i = f32[300,300] iota(), iota_dimension=0
          j = f32[300,300] iota(), iota_dimension=1
          p = f32[300,300] multiply(i, j)
          s = f32[300,300] sine(p)
          d = f32[300,300] dot(s, s), lhs_contracting_dims={1}, rhs_contracting_dims={0}
          zero = f32[] constant(0)
          r = f32[300] reduce(d, zero), dimensions={0}, to_apply=sum
          ROOT t = (f32[300,300], f32[300]) tuple(d, r)
        }";
    let module = super::module(text);
    let alone = run_on(1, &module, &[]);
    for threads in [2, 5] {
        assert_eq!(run_on(threads, &module, &[]), alone);
    }
}
