//! The binary form of a program.
//!
//! ```text
//! magic "PLMT", version (1 byte), fingerprint of the op table (4 bytes, little-endian)
//! name: length, UTF-8 bytes
//! n_arguments, vmem_granules
//! number of descriptors, then each: source, target (1 byte each), granules, number of dimensions,
//!     then each: count, source stride, target stride
//! number of bundles, then until so many are read:
//!     number of ops (1 byte), then each op: opcode, fields
//!     or 0 and the number of empty bundles in a row
//! ```
//!
//! Numbers without a width are LEB128, signed ones zigzag before that. Registers and 8-bit
//! immediates take a byte. Opcodes are row indices of the op table, so a program is bound to the
//! table that it was encoded with; the fingerprint in the header says which that was.

use crate::{
    Bundle, DmaDescriptor, MemorySpace, Op, Program,
    op::Operand,
    row::{Field, Kind, ROWS},
};

/// The first bytes of an encoded program.
pub const MAGIC: [u8; 4] = *b"PLMT";
/// The version of the format described here.
pub const VERSION: u8 = 1;

/// A hash (FNV-1a) of the names and fields of the op table in order.
pub fn table_fingerprint() -> u32 {
    let mut hash: u32 = 0x811c_9dc5;
    let mut add = |byte: u8| hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
    for row in ROWS {
        row.name.bytes().for_each(&mut add);
        for Field { kind, .. } in row.results.iter().chain(row.operands) {
            add(match kind {
                Kind::V => 1,
                Kind::S => 2,
                Kind::M => 3,
                Kind::U8 => 4,
                Kind::U32 => 5,
                Kind::I32 => 6,
            });
        }
        add(0);
    }
    hash
}

/// Encodes a whole program.
pub fn encode(program: &Program) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    out.push(VERSION);
    out.extend(table_fingerprint().to_le_bytes());
    encode_length(&mut out, program.name.len());
    out.extend(program.name.bytes());
    encode_number(&mut out, u64::from(program.n_arguments));
    encode_number(&mut out, u64::from(program.vmem_granules));
    encode_length(&mut out, program.descriptors.len());
    for descriptor in &program.descriptors {
        encode_descriptor(&mut out, descriptor);
    }
    encode_length(&mut out, program.bundles.len());
    let same = |a: &Bundle, b: &Bundle| a.ops().is_empty() && b.ops().is_empty();
    for run in program.bundles.chunk_by(same) {
        if run[0].ops().is_empty() {
            out.push(0);
            encode_length(&mut out, run.len());
        } else {
            out.extend(encode_bundle(&run[0]));
        }
    }
    out
}

/// Encodes a bundle that is not empty: the number of its ops and each of them.
pub fn encode_bundle(bundle: &Bundle) -> Vec<u8> {
    let mut out = Vec::new();
    encode_length(&mut out, bundle.ops().len());
    for op in bundle.ops() {
        encode_op(&mut out, op);
    }
    out
}

fn encode_op(out: &mut Vec<u8>, op: &Op) {
    encode_length(out, op.opcode());
    for (field, operand) in op.result_fields().chain(op.operand_fields()) {
        match operand {
            Operand::V(register) => out.push(register.0),
            Operand::S(register) => out.push(register.0),
            Operand::M(register) => out.push(register.0),
            Operand::Immediate(bits) => encode_immediate(out, field.kind, bits),
        }
    }
}

fn encode_immediate(out: &mut Vec<u8>, kind: Kind, bits: u32) {
    match kind {
        Kind::U32 => encode_number(out, u64::from(bits)),
        Kind::I32 => encode_signed(out, bits.cast_signed()),
        Kind::U8 | Kind::V | Kind::S | Kind::M => out.push(bits.to_le_bytes()[0]),
    }
}

fn encode_descriptor(out: &mut Vec<u8>, descriptor: &DmaDescriptor) {
    out.push(space_code(descriptor.source));
    out.push(space_code(descriptor.target));
    encode_number(out, u64::from(descriptor.granules));
    encode_length(out, descriptor.dimensions.len());
    for dimension in &descriptor.dimensions {
        encode_number(out, u64::from(dimension.count));
        encode_signed(out, dimension.source_stride);
        encode_signed(out, dimension.target_stride);
    }
}

/// The position of the space in [`MemorySpace::ALL`].
fn space_code(space: MemorySpace) -> u8 {
    match space {
        MemorySpace::Hbm => 0,
        MemorySpace::Cmem => 1,
        MemorySpace::Vmem => 2,
        MemorySpace::Smem => 3,
    }
}

fn encode_signed(out: &mut Vec<u8>, value: i32) {
    let zigzag = (value << 1) ^ (value >> 31);
    encode_number(out, u64::from(zigzag.cast_unsigned()));
}

fn encode_length(out: &mut Vec<u8>, length: usize) {
    encode_number(out, length as u64);
}

/// LEB128: 7 bits a byte, low ones first, the top bit set on all but the last.
fn encode_number(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = value.to_le_bytes()[0] & 0x7f;
        value >>= 7;
        if value == 0 {
            return out.push(low);
        }
        out.push(low | 0x80);
    }
}

#[test]
fn space_codes_are_positions() {
    for (position, space) in MemorySpace::ALL.into_iter().enumerate() {
        assert_eq!(usize::from(space_code(space)), position);
    }
}
