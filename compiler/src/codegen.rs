//! From scheduled HLO to an [`Executable`]: a step per instruction, an array in HBM per value.
//!
//! Every array gets an allocation of its own while steps are made; afterwards [`buffers`] packs
//! those of intermediate values. The state of a `while` lives in arrays of its own, copied in
//! before the loop and at the end of each iteration; then [`in_place`] lets arrays share memory
//! where that makes copies superfluous. Instructions for which there is no kernel become modelled
//! launches, never silently: their cost is a stated formula, and the executable says which they
//! are.

mod buffers;
mod in_place;
mod kernel;
mod modelled;
mod steps;

use std::{collections::BTreeMap, sync::Arc};

use palmetto_isa::Program;
use palmetto_kernels::llo::Function;
use thiserror::Error;

use crate::{
    analysis::granules_of,
    backend::BackendError,
    executable::{Allocation, AllocationId, AllocationKind, Executable, Slice, Source, Step, View},
    hlo::{ArrayShape, Computation, ComputationId, InstructionId, Module, Op, Shape},
    lowering::Refusal,
    memory::HbmExceeded,
    options::CompileOptions,
};

/// Why a module cannot become an executable.
#[derive(Debug, Error)]
pub enum CodegenError {
    /// The back end refused the code of a kernel.
    #[error("the kernel of `{instruction}`: {cause}")]
    Backend {
        /// The instruction.
        instruction: String,
        /// Why.
        cause: BackendError,
    },
    /// A kernel that was chosen cannot be emitted.
    #[error("the kernel of `{instruction}`: {cause}")]
    Kernel {
        /// The instruction.
        instruction: String,
        /// Why.
        cause: Refusal,
    },
    /// The arrays do not fit into HBM.
    #[error(transparent)]
    Hbm(#[from] HbmExceeded),
}

/// The executable of an optimized module.
///
/// # Errors
/// See [`CodegenError`].
pub fn generate(module: &Module, options: &CompileOptions) -> Result<Executable, CodegenError> {
    let mut generator = Generator {
        module: Arc::new(module.clone()),
        options,
        allocations: Vec::new(),
        programs: Vec::new(),
        functions: Vec::new(),
        facts: Vec::new(),
        kernels: BTreeMap::new(),
    };
    let entry = module.entry();
    let parameters = generator.parameters(entry);
    let mut values: Values = BTreeMap::new();
    for (id, view) in module.computation(entry).parameters().iter().zip(&parameters) {
        values.insert(*id, view.clone());
    }
    let mut steps = Vec::new();
    let root = generator.computation(entry, values, &mut steps)?;
    let root_is_tuple = matches!(root, Value::Tuple(_));
    let results = generator.results(root, &mut steps)?;
    let parameters = parameters.iter().flat_map(Value::views).collect();
    let facts = generator.facts;
    let mut executable = Executable {
        name: module.name().to_owned(),
        module: generator.module,
        chip: options.chip,
        default_precision: options.default_precision,
        allocations: generator.allocations,
        parameters,
        results,
        donated: module.aliases().parameters().into_iter().collect(),
        overwritten: Vec::new(),
        root_is_tuple,
        programs: generator.programs,
        functions: generator.functions,
        steps,
    };
    in_place::share_arrays(&mut executable, &facts, module.aliases());
    Ok(buffers::pack(executable)?)
}

/// Where the value of an instruction is.
#[derive(Clone, Debug)]
enum Value {
    /// An array.
    Array(View),
    /// The elements of a tuple.
    Tuple(Vec<Value>),
}

impl Value {
    fn view(&self) -> &View {
        match self {
            Self::Array(view) => view,
            Self::Tuple(_) => panic!("a tuple where an array is needed: the module is verified"),
        }
    }

    fn elements(&self) -> &[Self] {
        match self {
            Self::Tuple(elements) => elements,
            Self::Array(_) => panic!("an array where a tuple is needed: the module is verified"),
        }
    }

    /// All arrays in it.
    fn views(&self) -> Vec<View> {
        match self {
            Self::Array(view) => vec![view.clone()],
            Self::Tuple(elements) => elements.iter().flat_map(Self::views).collect(),
        }
    }
}

/// The values of a computation so far.
type Values = BTreeMap<InstructionId, Value>;

struct Generator<'o> {
    module: Arc<Module>,
    options: &'o CompileOptions,
    allocations: Vec<Allocation>,
    programs: Vec<Program>,
    functions: Vec<Function>,
    /// Per program.
    facts: Vec<in_place::ProgramFacts>,
    /// Programs by the text of their LLO: equal kernels are compiled once.
    kernels: BTreeMap<String, usize>,
}

impl Generator<'_> {
    fn parameters(&mut self, entry: ComputationId) -> Vec<Value> {
        let module = Arc::clone(&self.module);
        let computation = module.computation(entry);
        let mut number = 0;
        let mut values = Vec::new();
        for id in computation.parameters() {
            let instruction = computation.instruction(*id);
            values.push(self.allocate(instruction.shape(), instruction.name(), &mut || {
                number += 1;
                AllocationKind::Parameter(number - 1)
            }));
        }
        values
    }

    /// New arrays for a shape.
    fn allocate(
        &mut self,
        shape: &Shape,
        name: &str,
        kind: &mut dyn FnMut() -> AllocationKind,
    ) -> Value {
        match shape {
            Shape::Array(shape) => {
                let shape = with_layout(shape);
                let allocation = Allocation {
                    name: name.to_owned(),
                    granules: granules_of(&shape),
                    kind: kind(),
                };
                self.allocations.push(allocation);
                let allocation = AllocationId(self.allocations.len() - 1);
                Value::Array(View { slice: Slice { allocation, offset: 0 }, shape })
            }
            Shape::Tuple(elements) => {
                let elements = elements.iter().map(|element| self.allocate(element, name, kind));
                Value::Tuple(elements.collect())
            }
        }
    }

    fn temporary(&mut self, shape: &Shape, name: &str) -> Value {
        self.allocate(shape, name, &mut || AllocationKind::Temporary)
    }

    /// The results of the program: arrays of their own, each written once.
    fn results(&mut self, root: Value, steps: &mut Vec<Step>) -> Result<Vec<View>, CodegenError> {
        let mut results = Vec::new();
        let mut taken: Vec<AllocationId> = Vec::new();
        for view in root.views() {
            let id = view.slice.allocation;
            let is_own = matches!(self.allocations[id.0].kind, AllocationKind::Temporary);
            if is_own && !taken.contains(&id) {
                self.allocations[id.0].kind = AllocationKind::Result;
                taken.push(id);
                results.push(view);
                continue;
            }
            let shape = Shape::Array(view.shape.clone());
            let copy = self.allocate(&shape, "result", &mut || AllocationKind::Result);
            self.copy(&view, copy.view(), steps)?;
            results.push(copy.view().clone());
        }
        Ok(results)
    }
}

/// The shape with a device layout: its own or, if it has none, row-major.
fn with_layout(shape: &ArrayShape) -> ArrayShape {
    match shape.layout() {
        Some(_) => shape.clone(),
        None => shape.clone().with_default_tpu_layout(),
    }
}

/// What reports say of an instruction.
fn source_of(module: &Module, computation: &Computation, id: InstructionId) -> Source {
    let instruction = computation.instruction(id);
    let operands = instruction.operands().iter().map(|o| computation.instruction(*o).shape());
    let shapes = operands.chain([instruction.shape()]);
    let bytes: usize = shapes.flat_map(Shape::leaves).map(ArrayShape::byte_size).sum();
    let description = match instruction.op() {
        Op::Fusion { calls, .. } => description_of(module.computation(*calls)),
        op => op.opcode().text().to_owned(),
    };
    Source {
        instruction: instruction.name().to_owned(),
        description,
        metadata: instruction.metadata().clone(),
        flops: crate::analysis::flops_of(module, computation, id),
        bytes: palmetto_isa::Bytes(bytes as u64),
    }
}

/// The opcodes in a fused computation, each once.
fn description_of(body: &Computation) -> String {
    let mut names: Vec<&str> = Vec::new();
    for id in body.post_order() {
        let name = body.instruction(id).opcode().text();
        if !matches!(name, "parameter" | "constant") && !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}
