//! `batch_norm_inference`, `batch_norm_training` and `batch_norm_grad`, written as the elementwise
//! ops and sums that the specification defines them by.

use super::attributes::{index, required};
use super::body::Body;
use super::error;
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::{Attribute, FloatValue, Operation};
use crate::hlo::{ArrayLiteral, ArrayShape, InstructionId, Literal, Op, Shape};

type Results = SourceResult<Vec<InstructionId>>;

/// An operand with features, and what is done along them.
struct Norm<'o> {
    operation: &'o Operation,
    operand: InstructionId,
    shape: ArrayShape,
    feature: usize,
    epsilon: f64,
}

impl<'o> Norm<'o> {
    fn new(
        body: &mut Body<'_, '_>,
        operation: &'o Operation,
        operand: InstructionId,
    ) -> SourceResult<Self> {
        let shape = body.array(operation, operand)?.without_layout();
        let feature = index(operation, "feature_index")?;
        let attribute = required(operation, "epsilon")?;
        let Attribute::Float(FloatValue::Decimal(epsilon), _) = attribute.value else {
            let message = "the attribute 'epsilon' has to be a number";
            return Err(SourceError::new(attribute.span, message));
        };
        if feature >= shape.rank() || !shape.element_type().is_float() {
            let what = &operation.name;
            let message =
                format!("{what}: feature_index {feature} of {shape}, which has to be of floats");
            return error(operation, message);
        }
        Ok(Self { operation, operand, shape, feature, epsilon })
    }

    fn add(
        &self,
        body: &mut Body<'_, '_>,
        op: Op,
        operands: &[InstructionId],
    ) -> SourceResult<InstructionId> {
        body.add(self.operation, op, operands)
    }

    /// A value for each feature, repeated over the operand.
    fn spread(&self, body: &mut Body<'_, '_>, value: InstructionId) -> SourceResult<InstructionId> {
        let op = Op::Broadcast { dimensions: vec![self.feature] };
        body.add_shaped(self.operation, op, &[value], Shape::Array(self.shape.clone()))
    }

    /// A number, in every place of an array like another.
    fn number(
        &self,
        body: &mut Body<'_, '_>,
        value: f64,
        like: InstructionId,
    ) -> SourceResult<InstructionId> {
        let shape = body.array(self.operation, like)?;
        let mut literal = ArrayLiteral::zeros(&ArrayShape::scalar(shape.element_type()));
        literal.set_f64(0, value);
        let scalar = self.add(body, Op::Constant { literal: Literal::Array(literal) }, &[])?;
        let op = Op::Broadcast { dimensions: Vec::new() };
        body.add_shaped(self.operation, op, &[scalar], Shape::Array(shape))
    }

    /// The sum over everything but the features.
    fn sum(&self, body: &mut Body<'_, '_>, value: InstructionId) -> SourceResult<InstructionId> {
        let scalar = Shape::scalar(self.shape.element_type());
        let mut region = Body::new(body.importer, "sum");
        let pair = ["a", "b"].map(|name| region.builder().parameter(scalar.clone(), name));
        let root = region.add(self.operation, Op::Add, &pair)?;
        region.builder().set_root(root);
        let to_apply = region.id;
        let literal = ArrayLiteral::zeros(&ArrayShape::scalar(self.shape.element_type()));
        let zero = self.add(body, Op::Constant { literal: Literal::Array(literal) }, &[])?;
        let dimensions = (0..self.shape.rank()).filter(|d| *d != self.feature).collect();
        self.add(body, Op::Reduce { dimensions, to_apply }, &[value, zero])
    }

    /// How many elements each feature has.
    fn count(&self) -> f64 {
        let features = self.shape.dimensions()[self.feature].max(1);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let count = (self.shape.element_count() / features) as f64;
        count
    }

    fn mean(&self, body: &mut Body<'_, '_>, value: InstructionId) -> SourceResult<InstructionId> {
        let sum = self.sum(body, value)?;
        let count = self.number(body, self.count(), sum)?;
        self.add(body, Op::Divide, &[sum, count])
    }

    /// The operand without its mean.
    fn centered(
        &self,
        body: &mut Body<'_, '_>,
        mean: InstructionId,
    ) -> SourceResult<InstructionId> {
        let mean = self.spread(body, mean)?;
        self.add(body, Op::Subtract, &[self.operand, mean])
    }

    /// The variance and a little more, repeated over the operand.
    fn variance(&self, body: &mut Body<'_, '_>, of: InstructionId) -> SourceResult<InstructionId> {
        let variance = self.spread(body, of)?;
        let epsilon = self.number(body, self.epsilon, variance)?;
        self.add(body, Op::Add, &[variance, epsilon])
    }

    fn normalized(
        &self,
        body: &mut Body<'_, '_>,
        [scale, offset, mean, variance]: [InstructionId; 4],
    ) -> SourceResult<InstructionId> {
        let centered = self.centered(body, mean)?;
        let variance = self.variance(body, variance)?;
        let deviation = self.add(body, Op::Sqrt, &[variance])?;
        let normalized = self.add(body, Op::Divide, &[centered, deviation])?;
        let (scale, offset) = (self.spread(body, scale)?, self.spread(body, offset)?);
        let scaled = self.add(body, Op::Multiply, &[normalized, scale])?;
        self.add(body, Op::Add, &[scaled, offset])
    }

    /// The results, if they have the declared shapes.
    fn results(&self, body: &mut Body<'_, '_>, results: Vec<InstructionId>) -> Results {
        let declared = self.operation.result_types.iter();
        for (result, declared) in results.iter().zip(declared) {
            let declared = super::types::shape(declared, self.operation.span)?;
            body.check_type(self.operation, &declared, *result)?;
        }
        Ok(results)
    }
}

/// `batch_norm_inference`.
pub(super) fn inference(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand, scale, offset, mean, variance] = body.exactly(operation)?;
    let norm = Norm::new(body, operation, operand)?;
    let result = norm.normalized(body, [scale, offset, mean, variance])?;
    norm.results(body, vec![result])
}

/// `batch_norm_training`: also gives mean and variance.
pub(super) fn training(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand, scale, offset] = body.exactly(operation)?;
    let norm = Norm::new(body, operation, operand)?;
    let mean = norm.mean(body, operand)?;
    let centered = norm.centered(body, mean)?;
    let squares = norm.add(body, Op::Multiply, &[centered, centered])?;
    let variance = norm.mean(body, squares)?;
    let result = norm.normalized(body, [scale, offset, mean, variance])?;
    norm.results(body, vec![result, mean, variance])
}

/// `batch_norm_grad`: the gradients of operand, scale and offset.
pub(super) fn grad(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand, scale, mean, variance, gradient] = body.exactly(operation)?;
    let norm = Norm::new(body, operation, operand)?;
    let centered = norm.centered(body, mean)?;
    let variance = norm.variance(body, variance)?;
    let deviation = norm.add(body, Op::Sqrt, &[variance])?;
    let normalized = norm.add(body, Op::Divide, &[centered, deviation])?;
    let product = norm.add(body, Op::Multiply, &[gradient, normalized])?;
    let (of_scale, of_offset) = (norm.sum(body, product)?, norm.sum(body, gradient)?);
    let count = norm.number(body, norm.count(), gradient)?;
    let whole = norm.add(body, Op::Multiply, &[count, gradient])?;
    let sums = norm.spread(body, of_offset)?;
    let along = norm.add(body, Op::Multiply, &[gradient, centered])?;
    let along = norm.sum(body, along)?;
    let along = norm.spread(body, along)?;
    let along = norm.add(body, Op::Multiply, &[along, centered])?;
    let along = norm.add(body, Op::Divide, &[along, variance])?;
    let rest = norm.add(body, Op::Subtract, &[whole, sums])?;
    let rest = norm.add(body, Op::Subtract, &[rest, along])?;
    let scale = norm.spread(body, scale)?;
    let factor = norm.add(body, Op::Divide, &[scale, deviation])?;
    let factor = norm.add(body, Op::Divide, &[factor, count])?;
    let of_operand = norm.add(body, Op::Multiply, &[factor, rest])?;
    norm.results(body, vec![of_operand, of_scale, of_offset])
}
