//! The only way to make instructions.
//!
//! [`ModuleBuilder`] makes a module from nothing; [`ComputationBuilder`] adds instructions to one
//! computation, of a module under construction or of a finished one (passes). Every instruction
//! goes through shape inference, so a wrong one cannot be made. Computations are named by id, so
//! several can be under construction at the same time: a loop body while the outer computation is
//! half done.
//!
//! The root: in a module under construction, the instruction that was added last, until one is set.
//! In a finished module (passes), instructions are added beside the root, which stays; a builder of
//! an empty computation takes its last instruction as the root.

use std::collections::BTreeMap;

use super::alias::AliasConfig;
use super::attribute::{
    ComparisonDirection, ComparisonType, DotDimensionNumbers, OperandPrecision,
};
use super::computation::{Computation, ComputationId};
use super::infer::{InferError, infer};
use super::instruction::{Instruction, InstructionId, Metadata, ShardingText};
use super::literal::Literal;
use super::module::Module;
use super::opcode::{Op, Opcode};
use super::shape::{ArrayShape, ElementType, Shape};

/// Makes a module.
#[derive(Clone, Debug)]
pub struct ModuleBuilder {
    module: Module,
}

impl ModuleBuilder {
    /// A module without computations.
    pub fn new(name: &str) -> Self {
        Self { module: Module::new(name) }
    }

    /// Adds an empty computation, called `name` or, if that is taken, something similar.
    pub fn add_computation(&mut self, name: &str) -> ComputationId {
        add_computation(&mut self.module, name)
    }

    /// The same under exactly this name, which nobody else may have.
    pub(super) fn add_computation_exactly(&mut self, name: &str) -> ComputationId {
        self.module.computation_names.reserve(name);
        self.module.computations.push(Computation::new(name.to_owned()))
    }

    /// The builder of a computation.
    pub fn computation(&mut self, id: ComputationId) -> ComputationBuilder<'_> {
        let moves_root = !self.module.computation(id).root_is_set;
        ComputationBuilder { moves_root, ..ComputationBuilder::new(&mut self.module, id) }
    }

    /// The module so far. Its entry is not set.
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Attaches something for later stages to the module.
    pub fn set_frontend_attribute(&mut self, key: &str, value: &str) {
        self.module.frontend_attributes.insert(key.to_owned(), value.to_owned());
    }

    /// Says which entry parameters give their memory to results.
    pub fn set_aliases(&mut self, aliases: AliasConfig) {
        self.module.aliases = aliases;
    }

    /// The module with `entry` as its entry computation.
    ///
    /// # Errors
    /// [`BuildError`] names a computation that is empty.
    pub fn finish(mut self, entry: ComputationId) -> Result<Module, BuildError> {
        for (_, computation) in self.module.computations() {
            let name = || computation.name.clone();
            if computation.root.is_none() {
                return Err(BuildError::Empty { computation: name() });
            }
        }
        let ids: Vec<ComputationId> = self.module.computations().map(|(id, _)| id).collect();
        for id in ids {
            self.computation(id).computation_mut().root_is_set = true;
        }
        self.module.entry = Some(entry);
        Ok(self.module)
    }
}

/// Adds an empty computation to a module; passes use this to outline code.
///
/// The module is not legal until the computation has a root.
pub fn add_computation(module: &mut Module, name: &str) -> ComputationId {
    let name = module.computation_names.unique(name);
    module.computations.push(Computation::new(name))
}

/// A module cannot be finished.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A computation without instructions.
    #[error("computation {computation} has no instructions")]
    Empty {
        /// Its name.
        computation: String,
    },
}

/// Adds instructions to one computation; the module's comment says which one becomes the root.
#[derive(Debug)]
pub struct ComputationBuilder<'m> {
    module: &'m mut Module,
    id: ComputationId,
    metadata: Metadata,
    moves_root: bool,
}

/// What an instruction has besides op and operands; everything may be left out.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// The wanted name; the opcode's text if `None`.
    pub name: Option<String>,
    /// The stated shape: required where [`Opcode::declares_shape`], else it has to agree with the
    /// inferred shape and may add layouts.
    pub shape: Option<Shape>,
    /// Where it comes from; the builder's metadata if `None`.
    pub metadata: Option<Metadata>,
    /// A sharding for later.
    pub sharding: Option<ShardingText>,
    /// Attributes for later stages.
    pub frontend_attributes: BTreeMap<String, String>,
}

impl<'m> ComputationBuilder<'m> {
    /// A builder that adds to computation `id` of `module`.
    pub fn new(module: &'m mut Module, id: ComputationId) -> Self {
        let moves_root = module.computation(id).root.is_none();
        Self { module, id, metadata: Metadata::default(), moves_root }
    }

    /// The same with `metadata` for the instructions that it makes.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// Sets the metadata for the instructions made from now on.
    pub fn set_metadata(&mut self, metadata: Metadata) {
        self.metadata = metadata;
    }

    /// The id of the computation.
    pub fn id(&self) -> ComputationId {
        self.id
    }

    /// The module so far.
    pub fn module(&self) -> &Module {
        self.module
    }

    /// The computation so far.
    pub fn computation(&self) -> &Computation {
        self.module.computation(self.id)
    }

    /// The shape of an instruction.
    pub fn shape(&self, id: InstructionId) -> &Shape {
        self.computation().instruction(id).shape()
    }

    /// Adds an instruction whose shape follows from op and operands.
    ///
    /// # Errors
    /// What [`infer`] finds wrong.
    pub fn add(&mut self, op: Op, operands: &[InstructionId]) -> Result<InstructionId, InferError> {
        self.add_with(op, operands, Extras::default())
    }

    /// Adds an instruction with a stated shape.
    ///
    /// # Errors
    /// What [`infer`] finds wrong.
    pub fn add_shaped(
        &mut self,
        op: Op,
        operands: &[InstructionId],
        shape: Shape,
    ) -> Result<InstructionId, InferError> {
        self.add_with(op, operands, Extras { shape: Some(shape), ..Extras::default() })
    }

    /// Adds an instruction with everything that it may have.
    ///
    /// # Errors
    /// What [`infer`] finds wrong; or a parameter whose number is not the next one.
    pub fn add_with(
        &mut self,
        op: Op,
        operands: &[InstructionId],
        mut extras: Extras,
    ) -> Result<InstructionId, InferError> {
        let shape = self.check(&op, operands, extras.shape.as_ref())?;
        let wanted = extras.name.take().unwrap_or_else(|| op.opcode().text().to_owned());
        let name = self.module.instruction_names.unique(&wanted);
        Ok(self.insert(name, shape, op, operands, extras))
    }

    /// The same under exactly the given name, which has to be unique in this computation only.
    pub(super) fn add_exactly(
        &mut self,
        op: Op,
        operands: &[InstructionId],
        mut extras: Extras,
    ) -> Result<InstructionId, InferError> {
        let shape = self.check(&op, operands, extras.shape.as_ref())?;
        let name = extras.name.take().unwrap_or_else(|| op.opcode().text().to_owned());
        self.module.instruction_names.reserve(&name);
        Ok(self.insert(name, shape, op, operands, extras))
    }

    fn check(
        &self,
        op: &Op,
        operands: &[InstructionId],
        stated: Option<&Shape>,
    ) -> Result<Shape, InferError> {
        let computation = self.computation();
        let shapes: Vec<&Shape> =
            operands.iter().map(|&operand| computation.instruction(operand).shape()).collect();
        let shape = infer(op, &shapes, stated, self.module)?;
        if let Op::Parameter { number } = *op
            && number != computation.parameters.len()
        {
            let next = computation.parameters.len();
            let message = format!("parameter {number} was added, the next one is {next}");
            return Err(InferError::new(Opcode::Parameter, "order", message));
        }
        Ok(shape)
    }

    fn insert(
        &mut self,
        name: String,
        shape: Shape,
        op: Op,
        operands: &[InstructionId],
        extras: Extras,
    ) -> InstructionId {
        let instruction = Instruction {
            name,
            op,
            operands: operands.to_vec(),
            shape,
            metadata: extras.metadata.unwrap_or_else(|| self.metadata.clone()),
            sharding: extras.sharding,
            frontend_attributes: extras.frontend_attributes,
        };
        let moves_root = self.moves_root;
        let computation = self.computation_mut();
        let id = computation.insert(instruction);
        if moves_root || computation.root.is_none() {
            computation.root = Some(id);
        }
        id
    }

    /// Makes `root` the result of the computation.
    ///
    /// # Panics
    /// If it is not an instruction of the computation.
    pub fn set_root(&mut self, root: InstructionId) {
        let computation = self.computation_mut();
        assert!(computation.get(root).is_some(), "{root:?} is not in {}", computation.name);
        computation.root = Some(root);
        computation.root_is_set = true;
        self.moves_root = false;
    }

    /// Sets the root and the listing order, which is a permutation of the instructions.
    pub(super) fn set_root_and_order(&mut self, root: InstructionId, order: Vec<InstructionId>) {
        self.set_root(root);
        self.computation_mut().order = order;
    }

    fn computation_mut(&mut self) -> &mut Computation {
        self.module.computations.get_mut(self.id).expect("the builder's computation exists")
    }
}

impl Computation {
    /// Adds a checked instruction.
    pub(super) fn insert(&mut self, instruction: Instruction) -> InstructionId {
        let operands = instruction.operands.clone();
        let is_parameter = instruction.opcode() == Opcode::Parameter;
        let id = self.instructions.push(instruction);
        self.users.push(std::collections::BTreeSet::new());
        for operand in operands {
            self.users[operand.index()].insert(id);
        }
        self.order.push(id);
        if is_parameter {
            self.parameters.push(id);
        }
        id
    }
}

/// Short forms for the most common instructions.
impl ComputationBuilder<'_> {
    /// The next parameter.
    pub fn parameter(&mut self, shape: Shape, name: &str) -> InstructionId {
        let number = self.computation().parameters.len();
        let extras =
            Extras { name: Some(name.to_owned()), shape: Some(shape), ..Extras::default() };
        let added = self.add_with(Op::Parameter { number }, &[], extras);
        added.expect("the next parameter may have any shape")
    }

    /// A constant.
    pub fn constant(&mut self, literal: Literal) -> InstructionId {
        self.add(Op::Constant { literal }, &[]).expect("a literal has a shape")
    }

    /// An elementwise op of one operand.
    ///
    /// # Errors
    /// What [`infer`] finds wrong.
    pub fn unary(&mut self, op: Op, operand: InstructionId) -> Result<InstructionId, InferError> {
        self.add(op, &[operand])
    }

    /// An elementwise op of two operands.
    ///
    /// # Errors
    /// What [`infer`] finds wrong.
    pub fn binary(
        &mut self,
        op: Op,
        lhs: InstructionId,
        rhs: InstructionId,
    ) -> Result<InstructionId, InferError> {
        self.add(op, &[lhs, rhs])
    }

    /// `compare` in the order that is natural for the operands' type.
    ///
    /// # Errors
    /// What [`infer`] finds wrong.
    pub fn compare(
        &mut self,
        direction: ComparisonDirection,
        lhs: InstructionId,
        rhs: InstructionId,
    ) -> Result<InstructionId, InferError> {
        let element_type = self.shape(lhs).as_array().map(ArrayShape::element_type);
        let comparison_type = element_type.map_or(ComparisonType::Float, ComparisonType::natural);
        self.add(Op::Compare { direction, comparison_type }, &[lhs, rhs])
    }

    /// `convert` to another element type.
    ///
    /// # Errors
    /// The operand is not an array.
    pub fn convert(
        &mut self,
        operand: InstructionId,
        element_type: ElementType,
    ) -> Result<InstructionId, InferError> {
        let shape = self.array(Opcode::Convert, operand)?.with_element_type(element_type);
        self.add_shaped(Op::Convert, &[operand], shape.into())
    }

    /// `broadcast` to `sizes`: operand dimension i becomes result dimension `dimensions[i]`.
    ///
    /// # Errors
    /// What [`infer`] finds wrong.
    pub fn broadcast(
        &mut self,
        operand: InstructionId,
        sizes: &[usize],
        dimensions: Vec<usize>,
    ) -> Result<InstructionId, InferError> {
        let shape = self.resized(Opcode::Broadcast, operand, sizes)?;
        self.add_shaped(Op::Broadcast { dimensions }, &[operand], shape)
    }

    /// `reshape` to `sizes`.
    ///
    /// # Errors
    /// What [`infer`] finds wrong.
    pub fn reshape(
        &mut self,
        operand: InstructionId,
        sizes: &[usize],
    ) -> Result<InstructionId, InferError> {
        let shape = self.resized(Opcode::Reshape, operand, sizes)?;
        self.add_shaped(Op::Reshape, &[operand], shape)
    }

    /// `transpose`: result dimension i is operand dimension `dimensions[i]`.
    ///
    /// # Errors
    /// What [`infer`] finds wrong.
    pub fn transpose(
        &mut self,
        operand: InstructionId,
        dimensions: Vec<usize>,
    ) -> Result<InstructionId, InferError> {
        self.add(Op::Transpose { dimensions }, &[operand])
    }

    /// `dot` whose result has `element_type`.
    ///
    /// # Errors
    /// What [`infer`] finds wrong.
    pub fn dot(
        &mut self,
        operands: [InstructionId; 2],
        dimension_numbers: DotDimensionNumbers,
        operand_precision: OperandPrecision,
        element_type: ElementType,
    ) -> Result<InstructionId, InferError> {
        let op = Op::Dot { dimension_numbers, operand_precision };
        let shapes = operands.map(|operand| self.shape(operand));
        let natural = infer(&op, &shapes, None, self.module)?;
        let natural = natural.as_array().expect("dot produces an array");
        self.add_shaped(op, &operands, natural.with_element_type(element_type).into())
    }

    /// `reduce` of one operand along `dimensions` with the computation `to_apply`.
    ///
    /// # Errors
    /// What [`infer`] finds wrong.
    pub fn reduce(
        &mut self,
        operand: InstructionId,
        init: InstructionId,
        dimensions: Vec<usize>,
        to_apply: ComputationId,
    ) -> Result<InstructionId, InferError> {
        self.add(Op::Reduce { dimensions, to_apply }, &[operand, init])
    }

    /// `get-tuple-element`.
    ///
    /// # Errors
    /// What [`infer`] finds wrong.
    pub fn get_tuple_element(
        &mut self,
        operand: InstructionId,
        index: usize,
    ) -> Result<InstructionId, InferError> {
        self.add(Op::GetTupleElement { index }, &[operand])
    }

    /// `tuple`.
    pub fn tuple(&mut self, operands: &[InstructionId]) -> InstructionId {
        self.add(Op::Tuple, operands).expect("any values make a tuple")
    }

    fn array(&self, opcode: Opcode, operand: InstructionId) -> Result<&ArrayShape, InferError> {
        let shape = self.shape(operand);
        shape.as_array().ok_or_else(|| {
            InferError::new(opcode, "operand", format!("the operand is {shape}, not an array"))
        })
    }

    fn resized(
        &self,
        opcode: Opcode,
        operand: InstructionId,
        sizes: &[usize],
    ) -> Result<Shape, InferError> {
        let element_type = self.array(opcode, operand)?.element_type();
        Shape::array(element_type, sizes.to_vec())
            .map_err(|error| InferError::new(opcode, "size", error.to_string()))
    }
}
