//! The registers of a core and when they may be used.
//!
//! A latency is counted in issued bundles and is architectural: before it has passed, the register
//! may be neither read nor written again. Results become the registers' content after the bundle.

use super::fifo::Spare;
use crate::{
    fault::{FaultKind, Outcome, trouble},
    host::Words,
    loaded::{FIRST_MASK, FIRST_SCALAR, N_REGISTERS, RegisterSet, Write},
};
use palmetto_isa::SReg;

/// The register files and their scoreboard.
#[derive(Debug)]
pub(crate) struct Registers {
    /// Vectors, then masks.
    words: Vec<Box<Words>>,
    scalars: [u32; SReg::COUNT],
    /// The bundle from which on each register may be used.
    ready: [u64; N_REGISTERS],
    /// Registers that may not be ready.
    pending: RegisterSet,
    written: RegisterSet,
    word_results: Vec<(u8, Box<Words>)>,
    scalar_results: Vec<(SReg, u32)>,
}

impl Registers {
    pub(crate) fn new() -> Self {
        Self {
            words: (0..FIRST_SCALAR).map(|_| Words::boxed()).collect(),
            scalars: [0; SReg::COUNT],
            ready: [0; N_REGISTERS],
            pending: 0,
            written: 0,
            word_results: Vec::with_capacity(8),
            scalar_results: Vec::with_capacity(4),
        }
    }

    /// All registers are zero, and undefined.
    pub(crate) fn reset(&mut self, spare: &mut Spare) {
        for (index, words) in self.words.iter_mut().enumerate() {
            if self.written >> index & 1 != 0 {
                words.0.fill(0);
            }
        }
        self.word_results.drain(..).for_each(|(_, register)| spare.give(register));
        self.scalar_results.clear();
        self.scalars = [0; SReg::COUNT];
        self.ready = [0; N_REGISTERS];
        self.pending = 0;
        self.written = 0;
    }

    pub(crate) fn scalar(&self, register: SReg) -> u32 {
        self.scalars[usize::from(register.0)]
    }

    /// A scalar as an address.
    pub(crate) fn address(&self, base: SReg, offset: i32) -> i64 {
        i64::from(self.scalar(base).cast_signed()) + i64::from(offset)
    }

    pub(crate) fn words(&self, register: u8) -> &Words {
        &self.words[usize::from(register)]
    }

    /// Notes a result of the bundle in flight.
    pub(crate) fn set_words(&mut self, register: u8, words: Box<Words>) {
        self.word_results.push((register, words));
    }

    /// Notes a result of the bundle in flight.
    pub(crate) fn set_scalar(&mut self, register: SReg, value: u32) {
        self.scalar_results.push((register, value));
    }

    /// The bundle was executed as number `issued`: its results become content.
    pub(crate) fn commit(&mut self, writes: &[Write], issued: u64, spare: &mut Spare) {
        for (register, words) in self.word_results.drain(..) {
            spare.give(std::mem::replace(&mut self.words[usize::from(register)], words));
        }
        for (register, value) in self.scalar_results.drain(..) {
            self.scalars[usize::from(register.0)] = value;
        }
        for write in writes {
            self.written |= 1 << write.register;
            // What has a latency of 1 is always ready for the next bundle.
            if write.latency > 1 {
                self.pending |= 1 << write.register;
                self.ready[usize::from(write.register)] = issued + u64::from(write.latency);
            }
        }
    }

    /// Strict mode: every register of `reads` must have been written.
    pub(crate) fn check_written(&self, reads: RegisterSet) -> Outcome {
        let unwritten = reads & !self.written;
        if unwritten == 0 {
            return Ok(());
        }
        let name = register_name(unwritten.trailing_zeros() as usize);
        let detail = format!("{name} is read but was never written");
        trouble(FaultKind::UninitializedRead, detail)
    }

    /// The bundle from which on all registers of `used` may be used, and the last of them to be
    /// ready, if that is after bundle `issued`.
    pub(crate) fn not_ready(&mut self, used: RegisterSet, issued: u64) -> Option<(u64, usize)> {
        let mut candidates = used & self.pending;
        let mut latest = None;
        while candidates != 0 {
            let register = candidates.trailing_zeros() as usize;
            candidates &= candidates - 1;
            let ready = self.ready[register];
            if ready <= issued {
                self.pending &= !(1 << register);
            } else if latest.is_none_or(|(latest, _)| latest < ready) {
                latest = Some((ready, register));
            }
        }
        latest
    }
}

/// The name of a register by its number among all registers.
pub(crate) fn register_name(number: usize) -> String {
    match number {
        0..FIRST_MASK => format!("v{number}"),
        FIRST_MASK..FIRST_SCALAR => format!("m{}", number - FIRST_MASK),
        _ => format!("s{}", number - FIRST_SCALAR),
    }
}
