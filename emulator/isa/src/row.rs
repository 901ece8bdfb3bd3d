//! [`ROWS`]: the op table as data, and ops built from and taken apart into their fields.
//!
//! Whatever treats all ops alike (encoder, assembler, verifier, manual, generators of tests) reads
//! the rows and needs no macro of its own. An op's *opcode* is the index of its row.

use crate::{MReg, Op, SReg, Slot, VReg, op::Operand};

/// What a field of an op holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A vector register.
    V,
    /// A scalar register.
    S,
    /// A mask register.
    M,
    /// An unsigned immediate of 8 bits.
    U8,
    /// An unsigned immediate of 32 bits.
    U32,
    /// A signed immediate of 32 bits.
    I32,
}

/// A result or an operand of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name in the table.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

/// One row of the op table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The op's name in text forms.
    pub name: &'static str,
    /// The lines of its doc comment.
    pub doc: &'static [&'static str],
    /// What it writes.
    pub results: &'static [Field],
    /// What it reads, immediates included.
    pub operands: &'static [Field],
    /// The issue slot.
    pub slot: Slot,
    /// Issued bundles until the results may be read.
    pub latency: u32,
}

/// Gives the fields of an op, one after the other, results first.
pub trait FieldSource {
    /// Why a field could not be given.
    type Error;
    /// The number of a register, or an immediate of 8 bits, as `field.kind` says.
    ///
    /// # Errors
    /// If there is none.
    fn byte(&mut self, field: &Field) -> Result<u8, Self::Error>;
    /// The bits of an immediate of 32 bits.
    ///
    /// # Errors
    /// If there is none.
    fn word(&mut self, field: &Field) -> Result<u32, Self::Error>;
}

macro_rules! kind {
    (V) => {
        Kind::V
    };
    (S) => {
        Kind::S
    };
    (M) => {
        Kind::M
    };
    (u8) => {
        Kind::U8
    };
    (u32) => {
        Kind::U32
    };
    (i32) => {
        Kind::I32
    };
}
macro_rules! field {
    ($field:ident, $kind:tt) => {
        Field { name: stringify!($field), kind: kind!($kind) }
    };
}
macro_rules! take {
    ($source:ident, $field:ident, V) => {
        VReg($source.byte(&field!($field, V))?)
    };
    ($source:ident, $field:ident, S) => {
        SReg($source.byte(&field!($field, S))?)
    };
    ($source:ident, $field:ident, M) => {
        MReg($source.byte(&field!($field, M))?)
    };
    ($source:ident, $field:ident, u8) => {
        $source.byte(&field!($field, u8))?
    };
    ($source:ident, $field:ident, u32) => {
        $source.word(&field!($field, u32))?
    };
    ($source:ident, $field:ident, i32) => {
        $source.word(&field!($field, i32))?.cast_signed()
    };
}

macro_rules! define_rows {
    ($($(#[doc = $doc:literal])* $name:ident = $Name:ident
        ($($result:ident: $result_kind:tt),*) { $($field:ident: $kind:tt),* }
        in $Slot:ident, latency $latency:literal;)*) => {
        /// The rows of the table in order. The index of a row is the opcode of its op.
        pub const ROWS: &[Row] = &[$(Row {
            name: stringify!($name),
            doc: &[$($doc),*],
            results: &[$(field!($result, $result_kind)),*],
            operands: &[$(field!($field, $kind)),*],
            slot: Slot::$Slot,
            latency: $latency,
        },)*];

        /// The variants by number.
        #[repr(u16)]
        #[derive(Clone, Copy)]
        enum Number { $($Name,)* }
        const NUMBERS: &[Number] = &[$(Number::$Name),*];

        impl<V, S, M> Op<V, S, M> {
            /// The index of the op's row in [`ROWS`].
            pub fn opcode(&self) -> usize {
                let number = match self { $(Self::$Name { .. } => Number::$Name,)* };
                number as usize
            }
        }

        impl Op {
            /// The op of row `opcode` with the fields that `source` gives; `None` if there is no
            /// such row.
            ///
            /// # Errors
            /// What `source` reports.
            pub fn build<F: FieldSource>(
                opcode: usize,
                source: &mut F,
            ) -> Result<Option<Self>, F::Error> {
                let Some(number) = NUMBERS.get(opcode) else { return Ok(None) };
                Ok(Some(match number {
                    $(Number::$Name => Self::$Name {
                        $($result: take!(source, $result, $result_kind),)*
                        $($field: take!(source, $field, $kind),)*
                    },)*
                }))
            }
        }
    };
}
crate::for_each_op!(define_rows);

impl<V: Copy, S: Copy, M: Copy> Op<V, S, M> {
    /// The op's row.
    pub fn row(&self) -> &'static Row {
        &ROWS[self.opcode()]
    }

    /// The fields that are read, immediates included, each with what it holds in this op.
    pub fn operand_fields(&self) -> impl Iterator<Item = (&'static Field, Operand<V, S, M>)> {
        self.row().operands.iter().zip(self.operands())
    }

    /// The fields that are written, each with what it holds in this op.
    pub fn result_fields(&self) -> impl Iterator<Item = (&'static Field, Operand<V, S, M>)> {
        self.row().results.iter().zip(self.results())
    }
}

/// The opcode of the op that is called `name`.
pub fn opcode_named(name: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.name == name)
}

#[test]
fn an_op_knows_its_row() {
    let op: Op = Op::Vld { dst: VReg(1), base: SReg(2), offset: -3 };
    let row = op.row();
    assert_eq!((row.name, row.slot, row.latency), (op.name(), op.slot(), op.latency()));
    let fields: Vec<_> = op.operand_fields().collect();
    assert_eq!(fields[1], (&Field { name: "offset", kind: Kind::I32 }, Operand::Immediate(!2)));
}

#[test]
fn names_are_unique() {
    for (opcode, row) in ROWS.iter().enumerate() {
        assert_eq!(opcode_named(row.name), Some(opcode));
    }
}
