//! [`Fault`]: the program did something that the machine does not define, or the host asked for
//! something that the chip does not have. A launch that faulted has no results.

use std::fmt;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// A register, a memory granule or the weights were read before anything was written.
    UninitializedRead,
    /// An address, a sync flag or a range outside what the chip has.
    OutOfBounds,
    /// A register was read or overwritten before the latency of its last writer had passed.
    NotReady,
    /// An access overlaps a transfer in flight, or the two cores meet in shared memory.
    Race,
    /// A result FIFO was popped while empty, overfilled, or left non-empty at the end.
    Fifo,
    /// The staging register of an MXU was overfilled, latched incomplete, or left non-empty.
    Staging,
    /// A wait that nothing in flight can end.
    Deadlock,
    /// A sync flag was not zero at the end of the program.
    Sync,
    /// The program is malformed.
    IllegalProgram,
    /// The launch does not fit the program.
    IllegalLaunch,
    /// More bundles were issued than the options allow.
    Timeout,
}

/// A fault and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What went wrong.
    pub kind: FaultKind,
    /// On which core, if on one.
    pub core: Option<u32>,
    /// In which bundle of the program, if in one.
    pub bundle: Option<u32>,
    /// The op as text, if it was one op.
    pub op: Option<String>,
    /// What was given and what is allowed.
    pub detail: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)?;
        if self.core.is_some() || self.bundle.is_some() {
            f.write_str(" at")?;
        }
        if let Some(core) = self.core {
            write!(f, " core {core}")?;
        }
        if let Some(bundle) = self.bundle {
            write!(f, " bundle {bundle}")?;
        }
        if let Some(op) = &self.op {
            write!(f, " `{op}`")?;
        }
        write!(f, ": {}", self.detail)
    }
}

impl std::error::Error for Fault {}

/// A fault that does not know its place yet. Units make it, the core adds the place.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) kind: FaultKind,
    pub(crate) detail: String,
}

/// What a unit's step gives: boxed, so that the good path stays small.
pub(crate) type Outcome<T = ()> = Result<T, Box<Trouble>>;

/// An error of `kind`.
pub(crate) fn trouble<T>(kind: FaultKind, detail: impl Into<String>) -> Outcome<T> {
    Err(Box::new(Trouble { kind, detail: detail.into() }))
}

impl Trouble {
    /// The fault without a place.
    pub(crate) fn nowhere(self) -> Fault {
        Fault { kind: self.kind, core: None, bundle: None, op: None, detail: self.detail }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use palmetto_isa::{Op, SReg, VReg, asm::print_op};

    #[test]
    fn a_fault_says_where() {
        let op = Op::Vld { dst: VReg(3), base: SReg(1), offset: -8 };
        let fault = Fault {
            kind: FaultKind::OutOfBounds,
            core: Some(1),
            bundle: Some(42),
            op: Some(print_op(&op)),
            detail: "granules -8..0 of vmem, which has 64".into(),
        };
        assert_eq!(
            fault.to_string(),
            "OutOfBounds at core 1 bundle 42 `v3 = vld s1, -8`: granules -8..0 of vmem, which has 64",
        );
    }
}
