//! Batch normalisation, written as the formulas of the StableHLO specification.

use super::attributes::{index, required};
use super::body::Body;
use super::{error, error_at};
use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::{Attribute, FloatValue, Operation};
use crate::hlo::{ArrayLiteral, ArrayShape, ComputationId, InstructionId, Op, Shape};

type Results = SourceResult<Vec<InstructionId>>;

/// `batch_norm_inference`.
pub(super) fn inference(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand, scale, offset, mean, variance] = body.exactly(operation)?;
    let mut writer = Writer::new(body, operation, operand)?;
    let statistics = (mean, variance);
    let result = writer.normalized(operand, (scale, offset), statistics)?;
    let declared = body.result_shape(operation)?;
    body.check_type(operation, &declared, result)?;
    Ok(vec![result])
}

/// `batch_norm_training`: the result, mean and variance.
pub(super) fn training(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand, scale, offset] = body.exactly(operation)?;
    let mut writer = Writer::new(body, operation, operand)?;
    let mean = writer.mean(operand)?;
    let centered = writer.centered(operand, mean)?;
    let squares = writer.add(Op::Multiply, &[centered, centered])?;
    let variance = writer.mean(squares)?;
    let result = writer.normalized(operand, (scale, offset), (mean, variance))?;
    checked(body, operation, vec![result, mean, variance])
}

/// `batch_norm_grad`: the gradients of operand, scale and offset.
pub(super) fn grad(body: &mut Body<'_, '_>, operation: &Operation) -> Results {
    let [operand, scale, mean, variance, output] = body.exactly(operation)?;
    let mut writer = Writer::new(body, operation, operand)?;
    let centered = writer.centered(operand, mean)?;
    let with_epsilon = writer.with_epsilon(variance)?;
    let deviation = writer.add(Op::Sqrt, &[with_epsilon])?;
    let deviation = writer.repeated(deviation)?;
    let normalized = writer.add(Op::Divide, &[centered, deviation])?;
    let count = writer.count()?;
    let scaled = writer.add(Op::Multiply, &[output, count])?;
    let offset_gradient = writer.sum(output)?;
    let sum = writer.repeated(offset_gradient)?;
    let products = writer.add(Op::Multiply, &[output, centered])?;
    let products = writer.sum(products)?;
    let products = writer.repeated(products)?;
    let products = writer.add(Op::Multiply, &[products, centered])?;
    let with_epsilon = writer.repeated(with_epsilon)?;
    let along = writer.add(Op::Divide, &[products, with_epsilon])?;
    let difference = writer.add(Op::Subtract, &[scaled, sum])?;
    let difference = writer.add(Op::Subtract, &[difference, along])?;
    let scale = writer.repeated(scale)?;
    let factor = writer.add(Op::Divide, &[scale, deviation])?;
    let factor = writer.add(Op::Divide, &[factor, count])?;
    let operand_gradient = writer.add(Op::Multiply, &[factor, difference])?;
    let products = writer.add(Op::Multiply, &[output, normalized])?;
    let scale_gradient = writer.sum(products)?;
    checked(body, operation, vec![operand_gradient, scale_gradient, offset_gradient])
}

/// The values, if they are what is declared.
fn checked(body: &mut Body<'_, '_>, operation: &Operation, values: Vec<InstructionId>) -> Results {
    if values.len() != operation.result_types.len() {
        let (has, given) = (values.len(), operation.result_types.len());
        return error(operation, format!("{} has {has} results, found {given}", operation.name));
    }
    for (value, declared) in values.iter().zip(&operation.result_types) {
        let declared = super::types::shape(declared, operation.span)?;
        body.check_type(operation, &declared, *value)?;
    }
    Ok(values)
}

/// Writes instructions on arrays of the operand's shape, and on arrays of one element per feature.
struct Writer<'w, 'i, 'p, 'o> {
    body: &'w mut Body<'i, 'p>,
    operation: &'o Operation,
    shape: ArrayShape,
    feature: usize,
    epsilon: f64,
    sum: ComputationId,
}

impl<'w, 'i, 'p, 'o> Writer<'w, 'i, 'p, 'o> {
    fn new(
        body: &'w mut Body<'i, 'p>,
        operation: &'o Operation,
        operand: InstructionId,
    ) -> SourceResult<Self> {
        let shape = body.array(operation, operand)?.without_layout();
        let feature = index(operation, "feature_index")?;
        if feature >= shape.rank() {
            let attribute = required(operation, "feature_index")?;
            let message = format!("feature_index is {feature}, of {} dimensions", shape.rank());
            return error_at(attribute.span, message);
        }
        if !shape.element_type().is_float() {
            return error(operation, format!("{} takes floats, found {shape}", operation.name));
        }
        let epsilon = epsilon(operation)?;
        let scalar = Shape::scalar(shape.element_type());
        let mut add = Body::new(body.importer, "add");
        let parameters = ["x", "y"].map(|name| add.builder().parameter(scalar.clone(), name));
        let root = add.add(operation, Op::Add, &parameters)?;
        add.builder().set_root(root);
        let sum = add.id;
        Ok(Self { body, operation, shape, feature, epsilon, sum })
    }

    fn add(&mut self, op: Op, operands: &[InstructionId]) -> SourceResult<InstructionId> {
        self.body.add(self.operation, op, operands)
    }

    fn number(&mut self, value: f64) -> SourceResult<InstructionId> {
        let mut literal = ArrayLiteral::zeros(&ArrayShape::scalar(self.shape.element_type()));
        literal.set_f64(0, value);
        self.add(Op::Constant { literal: literal.into() }, &[])
    }

    /// A scalar in every place of an array.
    fn splat(&mut self, value: f64, shape: ArrayShape) -> SourceResult<InstructionId> {
        let value = self.number(value)?;
        let op = Op::Broadcast { dimensions: Vec::new() };
        self.body.add_shaped(self.operation, op, &[value], Shape::Array(shape))
    }

    /// The shape of one element per feature.
    fn of_features(&self) -> SourceResult<ArrayShape> {
        let sizes = vec![self.shape.dimensions()[self.feature]];
        ArrayShape::new(self.shape.element_type(), sizes)
            .map_err(|error| SourceError::new(self.operation.span, error.to_string()))
    }

    /// What there is for each feature, in every place.
    fn repeated(&mut self, value: InstructionId) -> SourceResult<InstructionId> {
        let op = Op::Broadcast { dimensions: vec![self.feature] };
        self.body.add_shaped(self.operation, op, &[value], Shape::Array(self.shape.clone()))
    }

    /// The elements of a feature, as a number.
    #[expect(clippy::cast_precision_loss, reason = "it becomes a float of the operand's type")]
    fn per_feature(&self) -> f64 {
        let features = self.shape.dimensions()[self.feature].max(1);
        (self.shape.element_count() / features) as f64
    }

    /// The same in every place.
    fn count(&mut self) -> SourceResult<InstructionId> {
        self.splat(self.per_feature(), self.shape.clone())
    }

    fn sum(&mut self, value: InstructionId) -> SourceResult<InstructionId> {
        let zero = self.number(0.0)?;
        let dimensions = (0..self.shape.rank()).filter(|d| *d != self.feature).collect();
        self.add(Op::Reduce { dimensions, to_apply: self.sum }, &[value, zero])
    }

    fn mean(&mut self, value: InstructionId) -> SourceResult<InstructionId> {
        let sum = self.sum(value)?;
        let features = self.of_features()?;
        let count = self.splat(self.per_feature(), features)?;
        self.add(Op::Divide, &[sum, count])
    }

    fn centered(
        &mut self,
        value: InstructionId,
        mean: InstructionId,
    ) -> SourceResult<InstructionId> {
        let mean = self.repeated(mean)?;
        self.add(Op::Subtract, &[value, mean])
    }

    fn with_epsilon(&mut self, variance: InstructionId) -> SourceResult<InstructionId> {
        let features = self.of_features()?;
        let epsilon = self.splat(self.epsilon, features)?;
        self.add(Op::Add, &[variance, epsilon])
    }

    fn normalized(
        &mut self,
        operand: InstructionId,
        (scale, offset): (InstructionId, InstructionId),
        (mean, variance): (InstructionId, InstructionId),
    ) -> SourceResult<InstructionId> {
        let centered = self.centered(operand, mean)?;
        let with_epsilon = self.with_epsilon(variance)?;
        let deviation = self.add(Op::Sqrt, &[with_epsilon])?;
        let deviation = self.repeated(deviation)?;
        let normalized = self.add(Op::Divide, &[centered, deviation])?;
        let (scale, offset) = (self.repeated(scale)?, self.repeated(offset)?);
        let scaled = self.add(Op::Multiply, &[normalized, scale])?;
        self.add(Op::Add, &[scaled, offset])
    }
}

/// The attribute `epsilon`, a number of f32.
fn epsilon(operation: &Operation) -> SourceResult<f64> {
    let attribute = required(operation, "epsilon")?;
    match attribute.value {
        Attribute::Float(FloatValue::Decimal(value), _) => Ok(value),
        Attribute::Float(FloatValue::Bits(bits), _) => {
            let bits = u32::try_from(bits).map_err(|_| {
                SourceError::new(attribute.span, "the attribute 'epsilon' has to be an f32")
            })?;
            Ok(f64::from(f32::from_bits(bits)))
        }
        _ => error_at(attribute.span, "the attribute 'epsilon' has to be a number such as 0.001"),
    }
}
