//! Instructions that compute.

use super::Generator;
use palmetto_compiler::hlo::{
    ArrayShape, ComparisonDirection, ComparisonType, ComputationId, ConvolutionDimensionNumbers,
    DotDimensionNumbers, ElementType, InstructionId, Op, OperandPrecision, Precision,
    WindowDimension,
};

type Made = Option<InstructionId>;

impl Generator<'_> {
    pub(super) fn unary(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value(values);
        let element_type = self.array(x).element_type();
        let mut ops = vec![Op::Copy];
        if element_type.is_float() {
            ops.extend([Op::Exponential, Op::Sqrt, Op::Rsqrt, Op::Logistic, Op::Tanh, Op::Floor]);
            ops.extend([Op::Ceil, Op::RoundNearestEven, Op::Log, Op::Cosine]);
        } else {
            ops.extend([Op::Not, Op::Not]);
        }
        if element_type != ElementType::Pred {
            ops.extend([Op::Negate, Op::Negate, Op::Negate]);
        }
        if element_type.is_float() || element_type.is_signed() {
            ops.extend([Op::Abs, Op::Abs, Op::Sign]);
        }
        let op = self.pick(&ops);
        self.add(op, &[x])
    }

    pub(super) fn binary(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value(values);
        let shape = self.array(x);
        let y = if self.one_in(5) { x } else { self.like(values, &shape)? };
        let mut ops = vec![Op::Add, Op::Add, Op::Multiply, Op::Multiply, Op::Maximum, Op::Minimum];
        if shape.element_type() != ElementType::Pred {
            ops.extend([Op::Subtract, Op::Subtract, Op::Divide, Op::Divide, Op::Remainder]);
        }
        if shape.element_type().is_float() {
            ops.extend([Op::Power, Op::Power, Op::Atan2]);
        } else {
            ops.extend([Op::And, Op::Or, Op::Xor]);
        }
        if shape.element_type().is_integer() {
            ops.extend([Op::ShiftLeft, Op::ShiftRightArithmetic, Op::ShiftRightLogical]);
        }
        let op = self.pick(&ops);
        let operands = if self.one_in(3) { [y, x] } else { [x, y] };
        self.add(op, &operands)
    }

    pub(super) fn convert(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value(values);
        let element_type = self.pick(&super::TYPES);
        let shape = self.array(x).with_element_type(element_type);
        self.add_shaped(Op::Convert, &[x], shape)
    }

    pub(super) fn compare(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value(values);
        let shape = self.array(x);
        let y = if self.one_in(5) { x } else { self.like(values, &shape)? };
        let direction = self.pick(ComparisonDirection::ALL);
        let comparison_type = ComparisonType::natural(shape.element_type());
        let operands = if self.one_in(3) { [y, x] } else { [x, y] };
        self.add(Op::Compare { direction, comparison_type }, &operands)
    }

    pub(super) fn select(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value(values);
        let shape = self.array(x);
        let y = if self.one_in(6) { x } else { self.like(values, &shape)? };
        let of_predicate = if self.one_in(4) {
            ArrayShape::scalar(ElementType::Pred)
        } else {
            shape.with_element_type(ElementType::Pred)
        };
        let predicate = self.like(values, &of_predicate)?;
        self.add(Op::Select, &[predicate, x, y])
    }

    pub(super) fn clamp(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value(values);
        let shape = self.array(x);
        let is_scalar = self.one_in(2);
        let of_limit =
            if is_scalar { ArrayShape::scalar(shape.element_type()) } else { shape.clone() };
        let low = self.like(values, &of_limit)?;
        let high = self.like(values, &of_limit)?;
        self.add(Op::Clamp, &[low, x, high])
    }

    /// A computation that combines two scalars.
    pub(super) fn reducer(&mut self, op: Op, element_type: ElementType) -> ComputationId {
        let id = self.module.add_computation("combine");
        let mut builder = self.module.computation(id);
        let a = builder.parameter(Self::scalar(element_type), "a");
        let b = builder.parameter(Self::scalar(element_type), "b");
        let root = builder.add(op, &[a, b]).expect("scalars of one type");
        builder.set_root(root);
        id
    }

    pub(super) fn reduce(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value(values);
        let shape = self.array(x);
        let element_type = shape.element_type();
        let mut ops = vec![Op::Add, Op::Maximum, Op::Minimum];
        if !element_type.is_float() {
            ops.extend([Op::And, Op::Or, Op::Multiply]);
        }
        let op = self.pick(&ops);
        let to_apply = self.reducer(op, element_type);
        let init = self.constant(&ArrayShape::scalar(element_type))?;
        let dimensions = (0..shape.rank()).filter(|_| self.one_in(2)).collect();
        self.add(Op::Reduce { dimensions, to_apply }, &[x, init])
    }

    /// A small window for an array.
    fn window(&mut self, rank: usize) -> Vec<WindowDimension> {
        (0..rank)
            .map(|_| WindowDimension {
                size: self.pick(&[1, 1, 2, 3, 5]),
                stride: self.pick(&[1, 1, 2, 3]),
                padding_low: self.pick(&[0, 0, 1, 4, -1]),
                padding_high: self.pick(&[0, 0, 1, 3, -1]),
                base_dilation: self.pick(&[1, 1, 1, 2]),
                window_dilation: self.pick(&[1, 1, 1, 2]),
                reversed: false,
            })
            .collect()
    }

    pub(super) fn reduce_window(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value(values);
        let shape = self.array(x);
        let element_type = shape.element_type();
        let mut ops = vec![Op::Maximum, Op::Minimum];
        if !element_type.is_float() {
            ops.extend([Op::And, Op::Or, Op::Multiply, Op::Add]);
        }
        let op = self.pick(&ops);
        let to_apply = self.reducer(op, element_type);
        let init = self.constant(&ArrayShape::scalar(element_type))?;
        let window = self.window(shape.rank());
        self.add(Op::ReduceWindow { window, to_apply }, &[x, init])
    }

    pub(super) fn select_and_scatter(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value_with(values, |shape| !shape.element_type().is_float())?;
        let shape = self.array(x);
        let element_type = shape.element_type();
        let mut window = self.window(shape.rank());
        for dimension in &mut window {
            (dimension.base_dilation, dimension.window_dilation) = (1, 1);
        }
        let sizes = window.iter().zip(shape.dimensions()).map(|(w, &size)| w.positions(size));
        let source = ArrayShape::new(element_type, sizes.collect::<Option<_>>()?).ok()?;
        let source = self.like(values, &source)?;
        let init = self.constant(&ArrayShape::scalar(element_type))?;
        let select = self.module.add_computation("select");
        let mut builder = self.module.computation(select);
        let a = builder.parameter(Self::scalar(element_type), "a");
        let b = builder.parameter(Self::scalar(element_type), "b");
        let direction = ComparisonDirection::ALL[self.random.below(6)];
        let root = self.module.computation(select).compare(direction, a, b).ok()?;
        self.module.computation(select).set_root(root);
        let op = if self.one_in(4) { Op::Maximum } else { Op::Add };
        let scatter = self.reducer(op, element_type);
        self.add(Op::SelectAndScatter { window, select, scatter }, &[x, source, init])
    }

    /// A dot of a value with a value that has a dimension of the same size.
    pub(super) fn dot(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value_with(values, |shape| shape.rank() > 0)?;
        let shape = self.array(x);
        let contracted = self.below(shape.rank());
        let size = shape.dimensions()[contracted];
        let element_type = shape.element_type();
        let y = self.value_with(values, |other| {
            other.element_type() == element_type && other.dimensions().contains(&size)
        })?;
        let place = self.sizes(y).iter().position(|&other| other == size)?;
        let numbers = DotDimensionNumbers {
            lhs_contracting_dimensions: vec![contracted],
            rhs_contracting_dimensions: vec![place],
            ..DotDimensionNumbers::default()
        };
        let lhs = self.pick(Precision::ALL);
        let operand_precision = OperandPrecision { lhs, rhs: Precision::Highest };
        let op = Op::Dot { dimension_numbers: numbers, operand_precision };
        self.add(op, &[x, y])
    }

    /// The numbers below `count` in any order.
    fn shuffled(&mut self, count: usize) -> Vec<usize> {
        let mut left: Vec<usize> = (0..count).collect();
        let mut order = Vec::new();
        while !left.is_empty() {
            let n = self.below(left.len());
            order.push(left.remove(n));
        }
        order
    }

    /// A convolution of a value with a small kernel; dimensions in any order.
    pub(super) fn convolution(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value_with(values, |shape| shape.rank() > 1)?;
        let (shape, sizes) = (self.array(x), self.sizes(x));
        let orders = [(); 3].map(|()| self.shuffled(sizes.len()));
        let [input, kernel, output] = orders.map(|order| (order[0], order[1], order[2..].to_vec()));
        let dim_labels = ConvolutionDimensionNumbers {
            input_batch: input.0,
            input_feature: input.1,
            input_spatial: input.2,
            kernel_input_feature: kernel.0,
            kernel_output_feature: kernel.1,
            kernel_spatial: kernel.2,
            output_batch: output.0,
            output_feature: output.1,
            output_spatial: output.2,
        };
        let (batch, features) = (sizes[dim_labels.input_batch], sizes[dim_labels.input_feature]);
        let (feature_group_count, batch_group_count) = match self.below(4) {
            0 => (features.max(1), 1),
            1 => (1, batch.max(1)),
            _ => (1, 1),
        };
        let mut of_kernel = vec![0; sizes.len()];
        of_kernel[dim_labels.kernel_input_feature] = features / feature_group_count;
        of_kernel[dim_labels.kernel_output_feature] =
            feature_group_count * batch_group_count * (1 + self.below(2));
        let mut window = Vec::new();
        for d in &dim_labels.kernel_spatial {
            let dimension = WindowDimension {
                size: self.pick(&[1, 2, 3, 5]),
                stride: self.pick(&[1, 1, 2, 3]),
                padding_low: self.pick(&[0, 0, 1, 2, -1]),
                padding_high: self.pick(&[0, 0, 1, 3, -1]),
                base_dilation: self.pick(&[1, 1, 2]),
                window_dilation: self.pick(&[1, 1, 2]),
                reversed: self.one_in(3),
            };
            of_kernel[*d] = dimension.size;
            window.push(dimension);
        }
        let kernel = ArrayShape::new(shape.element_type(), of_kernel).ok()?;
        let kernel = self.like(values, &kernel)?;
        let lhs = self.pick(Precision::ALL);
        let operand_precision = OperandPrecision { lhs, rhs: Precision::Highest };
        let op = Op::Convolution {
            window,
            dim_labels: Box::new(dim_labels),
            feature_group_count,
            batch_group_count,
            operand_precision,
        };
        self.add(op, &[x, kernel])
    }
}
