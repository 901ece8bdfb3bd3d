//! [`Op`]: one operation of one slot, expanded from the table.

use crate::slot::Slot;
use std::fmt;

macro_rules! register {
    ($(#[$doc:meta])* $Name:ident, $letter:literal, $count:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $Name(pub u8);
        impl $Name {
            /// How many there are in a core.
            pub const COUNT: usize = $count;
        }
        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($letter, "{}"), self.0)
            }
        }
    };
}
register!(
    /// A vector register: 8 sublanes x 128 lanes x 32 bits [M8].
    VReg, "v", 32
);
register!(
    /// A scalar register of 32 bits [M9].
    SReg, "s", 32
);
register!(
    /// A mask register: one bit per word of a vector register [M9].
    MReg, "m", 16
);

/// An operand of an op, for code that treats all ops alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand<V = VReg, S = SReg, M = MReg> {
    /// A vector.
    V(V),
    /// A scalar.
    S(S),
    /// A mask.
    M(M),
    /// An immediate, as the bits that an encoder would store.
    Immediate(u32),
}

macro_rules! rename {
    (V, $m:ident, $field:ident) => {
        $m.v($field)
    };
    (S, $m:ident, $field:ident) => {
        $m.s($field)
    };
    (M, $m:ident, $field:ident) => {
        $m.m($field)
    };
    ($immediate:tt, $m:ident, $field:ident) => {
        $field
    };
}
macro_rules! operand {
    (V, $field:ident) => {
        Operand::V(*$field)
    };
    (S, $field:ident) => {
        Operand::S(*$field)
    };
    (M, $field:ident) => {
        Operand::M(*$field)
    };
    (u8, $field:ident) => {
        Operand::Immediate(u32::from(*$field))
    };
    (u32, $field:ident) => {
        Operand::Immediate(*$field)
    };
    (i32, $field:ident) => {
        Operand::Immediate(i32::cast_unsigned(*$field))
    };
}

/// Gives each register operand of an op a new name: what register allocation does to an op.
pub trait Rename<V, S, M> {
    /// The type of the new vector names.
    type V;
    /// The type of the new scalar names.
    type S;
    /// The type of the new mask names.
    type M;
    /// Renames a vector.
    fn v(&mut self, v: V) -> Self::V;
    /// Renames a scalar.
    fn s(&mut self, s: S) -> Self::S;
    /// Renames a mask.
    fn m(&mut self, m: M) -> Self::M;
}

macro_rules! define_op {
    ($($(#[doc = $doc:literal])* $name:ident = $Name:ident
        ($($result:ident: $result_kind:tt),*) { $($field:ident: $kind:tt),* }
        in $Slot:ident, latency $latency:literal;)*) => {
        #[expect(missing_docs, reason = "the sentence of a row names its operands")]
        /// One operation of one slot, over registers (in bundles) or SSA values (in LLO).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Op<V = VReg, S = SReg, M = MReg> {
            $(
                $(#[doc = $doc])*
                $Name { $($result: $result_kind,)* $($field: $kind,)* },
            )*
        }

        impl<V: Copy, S: Copy, M: Copy> Op<V, S, M> {
            /// The name in text forms.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$Name { .. } => stringify!($name),)* }
            }
            /// The issue slot.
            pub fn slot(&self) -> Slot {
                match self { $(Self::$Name { .. } => Slot::$Slot,)* }
            }
            /// Issued bundles until the results may be read.
            pub fn latency(&self) -> u32 {
                match self { $(Self::$Name { .. } => $latency,)* }
            }
            /// The results, in the order of the row.
            pub fn results(&self) -> Vec<Operand<V, S, M>> {
                match self {
                    $(Self::$Name { $($result,)* .. } => {
                        vec![$(operand!($result_kind, $result)),*]
                    })*
                }
            }
            /// The operands that are read, immediates included, in the order of the row.
            pub fn operands(&self) -> Vec<Operand<V, S, M>> {
                match self {
                    $(Self::$Name { $($field,)* .. } => vec![$(operand!($kind, $field)),*],)*
                }
            }
            /// The same op over other names.
            pub fn rename<R: Rename<V, S, M>>(self, r: &mut R) -> Op<R::V, R::S, R::M> {
                match self {
                    $(Self::$Name { $($result,)* $($field,)* } => Op::$Name {
                        $($field: rename!($kind, r, $field),)*
                        $($result: rename!($result_kind, r, $result),)*
                    },)*
                }
            }
        }
    };
}
crate::for_each_op!(define_op);
