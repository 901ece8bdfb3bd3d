//! [`Image`]: an executable as plain data.

use std::sync::Arc;

use palmetto_compiler::diagnostic::SourceText;
use palmetto_compiler::executable::{
    Allocation, AllocationId, AllocationKind, Executable, Slice, View,
};
use palmetto_compiler::hlo::{
    ArrayLiteral, ArrayShape, Literal, Module, Precision, Shape, parse_module, parse_shape, verify,
};
use palmetto_isa::{ChipSpec, decode::decode, encode::encode};
use serde::{Deserialize, Serialize};

use super::steps::{self, StepImage};
use super::{Stored, hash64};
use crate::Error;

/// An executable and how many devices it is for.
#[derive(Serialize, Deserialize)]
pub(super) struct Image {
    name: String,
    n_replicas: u32,
    n_partitions: u32,
    chip: String,
    /// A hash of all numbers of the chip.
    chip_numbers: u64,
    default_precision: String,
    module: String,
    allocations: Vec<AllocationImage>,
    parameters: Vec<ViewImage>,
    results: Vec<ViewImage>,
    donated: Vec<u32>,
    overwritten: Vec<u32>,
    root_is_tuple: bool,
    programs: Vec<Vec<u8>>,
    /// All steps, an inner one after the one that it is in.
    steps: Vec<StepImage>,
    /// How many of them are not in another one.
    n_steps: u32,
}

#[derive(Serialize, Deserialize)]
struct AllocationImage {
    name: String,
    granules: u32,
    kind: KindImage,
}

#[derive(Serialize, Deserialize)]
enum KindImage {
    Parameter(u32),
    Constant { shape: String, bytes: Vec<u8> },
    Result,
    Temporary,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct SliceImage {
    allocation: u32,
    offset: u32,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct ViewImage {
    slice: SliceImage,
    shape: String,
}

/// An index of something that there are fewer than 2^32 of.
pub(super) fn index(n: usize) -> u32 {
    u32::try_from(n).expect("an executable has fewer than 2^32 of anything")
}

pub(super) fn invalid(what: impl Into<String>) -> Error {
    Error::Serialized(what.into())
}

impl Image {
    pub(super) fn of(program: &Executable, n_replicas: usize, n_partitions: usize) -> Self {
        let indices = |numbers: &[usize]| numbers.iter().map(|&n| index(n)).collect();
        let mut all_steps = Vec::new();
        let n_steps = steps::flatten(&program.steps, &mut all_steps);
        Self {
            name: program.name.clone(),
            n_replicas: index(n_replicas),
            n_partitions: index(n_partitions),
            chip: program.chip.name.to_owned(),
            chip_numbers: numbers_of(&program.chip),
            default_precision: program.default_precision.text().to_owned(),
            module: program.module.to_string(),
            allocations: program.allocations.iter().map(AllocationImage::of).collect(),
            parameters: program.parameters.iter().map(ViewImage::of).collect(),
            results: program.results.iter().map(ViewImage::of).collect(),
            donated: indices(&program.donated),
            overwritten: indices(&program.overwritten),
            root_is_tuple: program.root_is_tuple,
            programs: program.programs.iter().map(encode).collect(),
            steps: all_steps,
            n_steps,
        }
    }

    pub(super) fn to_stored(&self, chip: &ChipSpec) -> Result<Stored, Error> {
        if self.chip != chip.name || self.chip_numbers != numbers_of(chip) {
            let (program, client) = (self.chip.clone(), chip.name.to_owned());
            return Err(Error::OtherChip { program, client });
        }
        let module = Arc::new(self.module()?);
        let precision = Precision::ALL.iter().find(|p| p.text() == self.default_precision);
        let precision = precision.ok_or_else(|| invalid("its precision has no known name"))?;
        let views = |images: &[ViewImage]| -> Result<Vec<View>, Error> {
            images.iter().map(ViewImage::view).collect()
        };
        let programs = self.programs.iter().map(|program| {
            decode(program).map_err(|error| invalid(format!("a program is malformed: {error}")))
        });
        let program = Executable {
            name: self.name.clone(),
            chip: *chip,
            default_precision: *precision,
            allocations: self
                .allocations
                .iter()
                .map(AllocationImage::allocation)
                .collect::<Result<_, _>>()?,
            parameters: views(&self.parameters)?,
            results: views(&self.results)?,
            donated: self.donated.iter().map(|&n| n as usize).collect(),
            overwritten: self.overwritten.iter().map(|&n| n as usize).collect(),
            root_is_tuple: self.root_is_tuple,
            programs: programs.collect::<Result<_, _>>()?,
            functions: Vec::new(),
            steps: steps::rebuild(&self.steps, self.n_steps, &module)?,
            module,
        };
        let (n_replicas, n_partitions) = (self.n_replicas as usize, self.n_partitions as usize);
        Ok(Stored { program, n_replicas, n_partitions })
    }

    fn module(&self) -> Result<Module, Error> {
        let module = parse_module(SourceText::new("the serialized module", &self.module))?;
        verify(&module)?;
        Ok(module)
    }
}

/// Two chips of one name may differ in their numbers.
fn numbers_of(chip: &ChipSpec) -> u64 {
    hash64(format!("{chip:?}").as_bytes())
}

impl AllocationImage {
    fn of(allocation: &Allocation) -> Self {
        let kind = match &allocation.kind {
            AllocationKind::Parameter(number) => KindImage::Parameter(index(*number)),
            AllocationKind::Constant { literal, shape } => {
                let array = literal.as_array().expect("a constant in HBM is an array");
                KindImage::Constant { shape: shape.to_string(), bytes: array.bytes().to_vec() }
            }
            AllocationKind::Result => KindImage::Result,
            AllocationKind::Temporary => KindImage::Temporary,
        };
        Self { name: allocation.name.clone(), granules: allocation.granules, kind }
    }

    fn allocation(&self) -> Result<Allocation, Error> {
        let kind = match &self.kind {
            KindImage::Parameter(number) => AllocationKind::Parameter(*number as usize),
            KindImage::Constant { shape, bytes } => {
                let shape = array_shape(shape)?;
                let array = ArrayLiteral::from_bytes(shape.without_layout(), bytes);
                let array = array.map_err(|error| invalid(error.to_string()))?;
                AllocationKind::Constant { literal: Literal::Array(array), shape }
            }
            KindImage::Result => AllocationKind::Result,
            KindImage::Temporary => AllocationKind::Temporary,
        };
        Ok(Allocation { name: self.name.clone(), granules: self.granules, kind })
    }
}

impl SliceImage {
    pub(super) fn of(slice: Slice) -> Self {
        Self { allocation: index(slice.allocation.0), offset: slice.offset }
    }

    pub(super) fn slice(&self) -> Slice {
        Slice { allocation: AllocationId(self.allocation as usize), offset: self.offset }
    }
}

impl ViewImage {
    pub(super) fn of(view: &View) -> Self {
        Self { slice: SliceImage::of(view.slice), shape: view.shape.to_string() }
    }

    pub(super) fn view(&self) -> Result<View, Error> {
        Ok(View { slice: self.slice.slice(), shape: array_shape(&self.shape)? })
    }
}

fn array_shape(text: &str) -> Result<ArrayShape, Error> {
    match parse_shape(SourceText::new("a serialized shape", text))? {
        Shape::Array(shape) => Ok(shape),
        Shape::Tuple(_) => Err(invalid(format!("{text} is a tuple, an array is expected"))),
    }
}
