//! HLO as XLA's protocol buffers, for tools that read those.
//!
//! Promises: XLA loads what is written here and prints the same instructions with the same shapes,
//! layouts, attributes and metadata. Left out: shardings (they are kept as text only), and what
//! Palmetto's own checks add to a custom call.

mod attributes;
mod literal;
mod messages;

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

pub(crate) use attributes::EncodeAttribute;
use messages::{
    FrontendAttributes, HloComputationProto, HloModuleConfigProto, HloModuleProto,
    HloModuleProtoWithConfig, LayoutProto, MapEntry, OpMetadata, ProgramShapeProto, ShapeProto,
    TileProto,
};

pub(crate) use messages::HloInstructionProto;

use super::computation::{Computation, ComputationId};
use super::instruction::{InstructionId, Metadata};
use super::layout::Layout;
use super::module::Module;
use super::opcode::{Op, Opcode};
use super::shape::{ArrayShape, ElementType, Shape};

/// A module as a serialized `xla.HloModuleProto`.
pub fn encode_module(module: &Module) -> Vec<u8> {
    module_proto(module).encode_to_vec()
}

/// A module as a serialized `xla.HloModuleProtoWithConfig`, for one device.
pub fn encode_module_with_config(module: &Module) -> Vec<u8> {
    let hlo_module = module_proto(module);
    let config = HloModuleConfigProto {
        entry_computation_layout: hlo_module.host_program_shape.clone(),
        replica_count: 1,
        num_partitions: 1,
    };
    HloModuleProtoWithConfig { hlo_module: Some(hlo_module), config: Some(config) }.encode_to_vec()
}

fn module_proto(module: &Module) -> HloModuleProto {
    let ids = module.post_order();
    let fused = fused_computations(module, &ids);
    let mut names = Names::default();
    let computations = ids.iter().map(|&id| HloComputationProto {
        is_fusion_computation: fused.contains(&id),
        ..computation_proto(module, id, &mut names)
    });
    let computations = computations.collect();
    let entry = module.entry_computation();
    HloModuleProto {
        name: module.name().to_owned(),
        entry_computation_name: entry.name().to_owned(),
        entry_computation_id: computation_number(module.entry()),
        computations,
        host_program_shape: Some(program_shape(entry)),
        id: 0,
        frontend_attributes: frontend_attributes(module.frontend_attributes()),
    }
}

fn fused_computations(module: &Module, ids: &[ComputationId]) -> Vec<ComputationId> {
    let instructions = ids.iter().flat_map(|&id| module.computation(id).instructions());
    let calls = instructions.filter_map(|(_, instruction)| match instruction.op() {
        Op::Fusion { calls, .. } => Some(*calls),
        _ => None,
    });
    calls.collect()
}

/// The number of a computation in the file; XLA's begin with 1.
pub(crate) fn computation_number(id: ComputationId) -> i64 {
    int(id.index() + 1)
}

/// The instructions that were written. In XLA their numbers and names differ in the whole module.
#[derive(Default)]
struct Names {
    count: usize,
    taken: BTreeSet<String>,
}

impl Names {
    /// The next number, and `name` or something similar.
    fn next(&mut self, name: &str) -> (i64, String) {
        self.count += 1;
        let mut unique = name.to_owned();
        if self.taken.contains(name) {
            unique = format!("{name}.{}", self.count);
        }
        while !self.taken.insert(unique.clone()) {
            unique.push('_');
        }
        (int(self.count), unique)
    }
}

fn computation_proto(module: &Module, id: ComputationId, names: &mut Names) -> HloComputationProto {
    let computation = module.computation(id);
    let mut numbers: BTreeMap<InstructionId, i64> = BTreeMap::new();
    let mut instructions = Vec::new();
    for id in computation.post_order() {
        let (number, name) = names.next(computation.instruction(id).name());
        numbers.insert(id, number);
        instructions
            .push(HloInstructionProto { name, ..instruction_proto(computation, id, &numbers) });
    }
    HloComputationProto {
        name: computation.name().to_owned(),
        instructions,
        program_shape: Some(program_shape(computation)),
        id: computation_number(id),
        root_id: numbers[&computation.root()],
        is_fusion_computation: false,
    }
}

fn instruction_proto(
    computation: &Computation,
    id: InstructionId,
    numbers: &BTreeMap<InstructionId, i64>,
) -> HloInstructionProto {
    let instruction = computation.instruction(id);
    let mut proto = HloInstructionProto {
        opcode: instruction.opcode().text().to_owned(),
        shape: Some(shape_proto(instruction.shape())),
        metadata: metadata_proto(instruction.metadata()),
        id: numbers[&id],
        operand_ids: instruction.operands().iter().map(|operand| numbers[operand]).collect(),
        frontend_attributes: frontend_attributes(instruction.frontend_attributes()),
        ..HloInstructionProto::default()
    };
    instruction.op().encode_attributes(&mut proto);
    if instruction.opcode() == Opcode::While {
        // XLA lists the body first.
        proto.called_computation_ids.reverse();
    }
    proto
}

fn program_shape(computation: &Computation) -> ProgramShapeProto {
    let parameters = computation.parameters().iter().map(|&id| computation.instruction(id));
    ProgramShapeProto {
        parameters: parameters.clone().map(|parameter| shape_proto(parameter.shape())).collect(),
        result: Some(shape_proto(computation.instruction(computation.root()).shape())),
        parameter_names: parameters.map(|parameter| parameter.name().to_owned()).collect(),
    }
}

fn metadata_proto(metadata: &Metadata) -> Option<OpMetadata> {
    let Metadata { op_name, source_file, source_line, source_column } = metadata;
    (metadata != &Metadata::default()).then(|| OpMetadata {
        op_name: op_name.clone().unwrap_or_default(),
        source_file: source_file.clone().unwrap_or_default(),
        source_line: source_line.map_or(0, clamped),
        source_column: source_column.map_or(0, clamped),
        ..OpMetadata::default()
    })
}

fn clamped(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn frontend_attributes(attributes: &BTreeMap<String, String>) -> Option<FrontendAttributes> {
    let entries = attributes.iter();
    let map = entries.map(|(key, value)| MapEntry { key: key.clone(), value: value.clone() });
    (!attributes.is_empty()).then(|| FrontendAttributes { map: map.collect() })
}

/// A shape; without a layout it gets the one that XLA takes for granted.
pub(crate) fn shape_proto(shape: &Shape) -> ShapeProto {
    match shape {
        Shape::Array(array) => array_shape_proto(array),
        Shape::Tuple(elements) => ShapeProto {
            element_type: TUPLE,
            tuple_shapes: elements.iter().map(shape_proto).collect(),
            ..ShapeProto::default()
        },
    }
}

fn array_shape_proto(shape: &ArrayShape) -> ShapeProto {
    let descending = Layout::descending(shape.rank());
    ShapeProto {
        element_type: primitive_type(shape.element_type()),
        dimensions: ints(shape.dimensions()),
        is_dynamic_dimension: vec![false; shape.rank()],
        layout: Some(layout_proto(shape.layout().unwrap_or(&descending))),
        ..ShapeProto::default()
    }
}

fn layout_proto(layout: &Layout) -> LayoutProto {
    LayoutProto {
        minor_to_major: ints(&layout.minor_to_major),
        tiles: layout.tiles.iter().map(|tile| TileProto { dimensions: ints(tile) }).collect(),
        memory_space: int(layout.memory_space.number()),
        tail_padding_alignment_in_elements: 1,
        ..LayoutProto::default()
    }
}

/// `xla.PrimitiveType`.
const PRIMITIVE_TYPES: &[(&str, i32)] = &[
    ("pred", 1),
    ("s2", 26),
    ("s4", 21),
    ("s8", 2),
    ("s16", 3),
    ("s32", 4),
    ("s64", 5),
    ("u2", 27),
    ("u4", 22),
    ("u8", 6),
    ("u16", 7),
    ("u32", 8),
    ("u64", 9),
    ("f16", 10),
    ("f32", 11),
    ("bf16", 16),
    ("f64", 12),
    ("f8e5m2", 19),
    ("f8e4m3", 28),
    ("f8e4m3fn", 20),
    ("f8e4m3b11fnuz", 23),
    ("f8e3m4", 29),
    ("f8e5m2fnuz", 24),
    ("f8e4m3fnuz", 25),
    ("f4e2m1fn", 32),
    ("f8e8m0fnu", 33),
    ("f6e3m2fn", 35),
    ("f6e2m3fn", 36),
    ("c64", 15),
    ("c128", 18),
    ("token", 17),
];
const TUPLE: i32 = 13;

fn primitive_type(element_type: ElementType) -> i32 {
    let text = element_type.text();
    let found = PRIMITIVE_TYPES.iter().find(|(name, _)| *name == text);
    found.expect("the names of our types are XLA's").1
}

fn ints(numbers: &[usize]) -> Vec<i64> {
    numbers.iter().copied().map(int).collect()
}

/// Sizes in modules are far below 2^63.
fn int(number: usize) -> i64 {
    i64::try_from(number).expect("sizes are below 2^46")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::SourceText;
    use crate::hlo::parse_module;

    const EVERY_OPCODE: &str = include_str!("parse/every_opcode.hlo");

    #[test]
    fn every_element_type_has_a_number() {
        let mut numbers: Vec<i32> = ElementType::ALL.iter().copied().map(primitive_type).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), ElementType::ALL.len());
    }

    #[test]
    fn every_opcode_is_encoded_with_its_attributes() {
        let source = SourceText::new("every_opcode.hlo", EVERY_OPCODE);
        let module = parse_module(source).expect("it is HLO");
        let proto = module_proto(&module);
        let bytes = encode_module(&module);
        // Compared as bytes: there are NaNs among the constants.
        let decoded = HloModuleProto::decode(bytes.as_slice()).expect("it is one");
        assert_eq!(decoded.encode_to_vec(), bytes);
        let entry = proto.computations.last().expect("there is one");
        let find = |opcode: &str| {
            let mut found = entry.instructions.iter().filter(|i| i.opcode == opcode);
            found.next().unwrap_or_else(|| panic!("no {opcode}"))
        };
        assert_eq!(find("dynamic-slice").dynamic_slice_sizes, [2]);
        assert_eq!(find("concatenate").dimensions, [1]);
        assert_eq!(find("get-tuple-element").tuple_index, 1);
        let body = module.find_computation("body").expect("there is one");
        let condition = module.find_computation("condition").expect("there is one");
        let called = [computation_number(body), computation_number(condition)];
        assert_eq!(find("while").called_computation_ids, called);
        let fused = proto.computations.iter().filter(|c| c.is_fusion_computation);
        assert_eq!(fused.map(|c| c.name.as_str()).collect::<Vec<_>>(), ["double"]);
    }
}
