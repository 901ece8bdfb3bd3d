//! Steps that compute: a kernel where there is one, else a modelled launch.

use std::sync::Arc;

use palmetto_isa::{
    Bytes,
    memory::{LANES, SUBLANES},
};
use palmetto_kernels::{
    expression::{Expression, NodeOp},
    llo::Function,
    rowwise::{Access, Input, Rowwise},
};

use super::{CodegenError, Generator, Value, Values, in_place::ProgramFacts, source_of};
use crate::{
    analysis::physical_dimensions,
    backend::generate_code,
    executable::{Launch, Source, Step, View},
    hlo::{ArrayShape, ComputationId, ElementType, InstructionId, Shape},
    lowering::{Choice, Kernel, Region, Split, choose_kernel, copy_element},
};

impl Generator<'_> {
    /// The steps that compute an instruction, and its value.
    pub(super) fn compute(
        &mut self,
        computation: ComputationId,
        id: InstructionId,
        (values, steps): (&mut Values, &mut Vec<Step>),
    ) -> Result<Value, CodegenError> {
        let module = Arc::clone(&self.module);
        let region = Region::of_instruction(&module, computation, id);
        let Ok(Choice { kernel, inputs }) = choose_kernel(&region) else {
            return self.modelled(computation, id, (values, steps));
        };
        let instruction = module.instruction(computation, id);
        let mut operands = Vec::new();
        for input in inputs {
            let operand = region.operand(instruction, input);
            operands.push(self.value(computation, operand, (values, steps))?.view().clone());
        }
        let result = self.temporary(instruction.shape(), instruction.name());
        let results = result.views();
        let mut source = source_of(&module, module.computation(computation), id);
        if kernel.is_update() {
            // `in_place` removes the copy where nobody needs the operand as it was.
            self.copy(&operands[0], &results[0], steps)?;
            operands[0] = results[0].clone();
            source.bytes = bytes_of_update(&operands);
        }
        if let Some(split) = kernel.split(&self.options.chip) {
            self.split(split, (&operands, &results), source, steps)?;
        } else {
            steps.push(self.launch(&kernel, (&operands, &results), source)?);
        }
        Ok(result)
    }

    /// The two launches of a kernel that is split.
    fn split(
        &mut self,
        Split { first, registers, second }: Split,
        (operands, results): (&[View], &[View]),
        source: Source,
        steps: &mut Vec<Step>,
    ) -> Result<(), CodegenError> {
        let words = ArrayShape::new(ElementType::U32, vec![registers * SUBLANES, LANES]);
        let words = words.expect("it fits VMEM");
        let between = self.temporary(&Shape::Array(words), &source.instruction).views();
        let of_second = Source { flops: 0, bytes: bytes_of(&between, results), ..source.clone() };
        let of_first = Source { bytes: bytes_of(operands, &between), ..source };
        steps.push(self.launch(&first, (operands, &between), of_first)?);
        steps.push(self.launch(&second, (&between, results), of_second)?);
        Ok(())
    }

    /// The launch of a kernel.
    fn launch(
        &mut self,
        kernel: &Kernel,
        (operands, results): (&[View], &[View]),
        source: Source,
    ) -> Result<Step, CodegenError> {
        let program = self.program(kernel, &source.instruction)?;
        let arguments = operands.iter().chain(results).map(|view| view.slice).collect();
        let n_results = results.len();
        Ok(Step::Launch(Launch { source, program, arguments, n_results }))
    }

    /// The index of the program of a kernel.
    fn program(&mut self, kernel: &Kernel, instruction: &str) -> Result<usize, CodegenError> {
        let function = kernel.emit(&self.options.chip).map_err(|cause| {
            let instruction = instruction.to_owned();
            CodegenError::Kernel { instruction, cause }
        })?;
        let key = key_of(&function);
        if let Some(program) = self.kernels.get(&key) {
            return Ok(*program);
        }
        let program = generate_code(&function, self.options).map_err(|cause| {
            let instruction = instruction.to_owned();
            CodegenError::Backend { instruction, cause }
        })?;
        self.programs.push(program);
        self.functions.push(function);
        let chip = &self.options.chip;
        self.facts.push(ProgramFacts {
            shareable: kernel.shareable(chip),
            is_copy: kernel.is_copy(chip),
            is_update: kernel.is_update(),
        });
        self.kernels.insert(key, self.programs.len() - 1);
        Ok(self.programs.len() - 1)
    }

    /// The step that copies an array to another of the same shape; none if there are no elements,
    /// or if it is a token.
    pub(super) fn copy(
        &mut self,
        from: &View,
        to: &View,
        steps: &mut Vec<Step>,
    ) -> Result<(), CodegenError> {
        if !from.shape.holds_data() {
            return Ok(());
        }
        let bytes = Bytes(2 * from.shape.byte_size() as u64);
        let source = Source {
            instruction: "copy".to_owned(),
            description: "copy".to_owned(),
            bytes,
            ..Source::default()
        };
        let Some(spec) = copy_kernel(from) else {
            steps.push(self.modelled_copy(source, from, to));
            return Ok(());
        };
        let program = self.program(&Kernel::Rowwise(spec), "copy")?;
        let arguments = vec![from.slice, to.slice];
        steps.push(Step::Launch(Launch { source, program, arguments, n_results: 1 }));
        Ok(())
    }
}

/// What a launch reads and writes.
fn bytes_of(operands: &[View], results: &[View]) -> Bytes {
    let sizes = operands.iter().chain(results).map(|view| view.shape.byte_size());
    Bytes(sizes.sum::<usize>() as u64)
}

/// What an update reads and writes: the rest of the array stays as it is.
fn bytes_of_update(operands: &[View]) -> Bytes {
    let sizes = operands[1..].iter().map(|view| view.shape.byte_size());
    Bytes((sizes.sum::<usize>() + operands[1].shape.byte_size()) as u64)
}

/// The row kernel that copies an array.
fn copy_kernel(view: &View) -> Option<Rowwise> {
    let element = copy_element(view.shape.element_type())?;
    let dimensions = physical_dimensions(&view.shape);
    let (majors, rows, lanes) = match dimensions.as_slice() {
        [] => (Vec::new(), 1, 1),
        [n] => (Vec::new(), n.div_ceil(128), 128),
        [majors @ .., rows, lanes] => (majors.to_vec(), *rows, *lanes),
    };
    let mut expression = Expression::default();
    let outputs = vec![expression.add(NodeOp::Input(0), element)];
    let access = Access::Tiles { majors: vec![true; majors.len()], lanes };
    let inputs = vec![Input { element, access }];
    let name = "copy".to_owned();
    let spec = Rowwise { name, majors, rows, lanes, expression, inputs, outputs };
    spec.check(&palmetto_isa::TPU_V4).is_ok().then_some(spec)
}

/// What makes two kernels the same program.
fn key_of(function: &Function) -> String {
    format!("{:?}", Function { name: String::new(), ..function.clone() })
}
