//! What makes a program legal on a chip.
//!
//! * Registers exist, and a bundle writes each at most once.
//! * Branches lead to bundles; execution cannot run past the last bundle; from the first bundle a
//!   `halt` can be reached.
//! * Units, packed parts and sublanes named by immediates exist; descriptors do.
//! * A descriptor has no more dimensions than the engine walks, moves something, and no more bytes
//!   than `dma_wait` can wait for; what is sent to another core goes from VMEM to VMEM.
//! * VMEM, SMEM and the text forms have room for what the program says it uses.
//!
//! Slot capacities are not checked here: [`Bundle`] cannot hold more. What depends on the path
//! taken (latencies kept, FIFOs filled before they are popped, addresses, uninitialised data) is
//! checked by whoever runs the program.

use crate::{
    Bundle, ChipSpec, DmaDescriptor, MReg, MemorySpace, Op, Program, SReg, VReg,
    memory::{GRANULE_BYTES, SUBLANES},
    op::Operand,
};
use std::{collections::BTreeSet, fmt};
use thiserror::Error;

/// One rule broken at one place.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Violation {
    /// The number of a register is too large.
    #[error("bundle {bundle}: `{op}` uses {register}, there are {count} such registers")]
    NoSuchRegister {
        /// The index of the bundle.
        bundle: usize,
        /// The name of the op.
        op: &'static str,
        /// The register as written.
        register: String,
        /// How many there are.
        count: usize,
    },
    /// Two ops of a bundle write the same register.
    #[error("bundle {bundle}: {register} is written twice, the second time by `{op}`")]
    WrittenTwice {
        /// The index of the bundle.
        bundle: usize,
        /// The name of the second op.
        op: &'static str,
        /// The register as written.
        register: String,
    },
    /// An immediate names something that does not exist.
    #[error("bundle {bundle}: `{op}` has {field} {found}, it has to be below {limit}")]
    Immediate {
        /// The index of the bundle.
        bundle: usize,
        /// The name of the op.
        op: &'static str,
        /// The field of the op.
        field: &'static str,
        /// Its value.
        found: u32,
        /// How many there are.
        limit: u64,
    },
    /// Execution can run past the last bundle.
    #[error("bundle {bundle}: execution runs past the end; the last bundle needs `halt` or `br`")]
    RunsOff {
        /// The index of the last bundle.
        bundle: usize,
    },
    /// The program cannot end.
    #[error("no `halt` can be reached from bundle 0")]
    NoHalt,
    /// A descriptor has a count of 0.
    #[error("descriptor {descriptor} moves nothing")]
    MovesNothing {
        /// The index of the descriptor.
        descriptor: usize,
    },
    /// A send between other memories than VMEM.
    #[error(
        "bundle {bundle}: `dma_send` has descriptor {descriptor}, which is not of vmem to vmem"
    )]
    Send {
        /// The index of the bundle.
        bundle: usize,
        /// The index of the descriptor.
        descriptor: u32,
    },
    /// A descriptor is too large.
    #[error("descriptor {descriptor}: {what} is {found}, {limit} at most")]
    Descriptor {
        /// The index of the descriptor.
        descriptor: usize,
        /// What is too large.
        what: &'static str,
        /// Its value.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// The program needs more than the chip or the text forms hold.
    #[error("the program has {found} {what}, at most {limit} are allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        found: u64,
        /// How many there may be.
        limit: u64,
    },
}

/// Everything that makes a program illegal, in the order of the bundles; never empty.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct Violations(pub Vec<Violation>);

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, violation) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { "\n" })?;
            write!(f, "{violation}")?;
        }
        Ok(())
    }
}

/// Checks that `program` is legal on `chip`.
///
/// # Errors
/// If it is not: every rule that it breaks.
pub fn verify_program(program: &Program, chip: &ChipSpec) -> Result<(), Violations> {
    let mut verifier = Verifier { program, chip, violations: Vec::new() };
    verifier.verify_sizes();
    for (index, descriptor) in program.descriptors.iter().enumerate() {
        verifier.verify_descriptor(index, descriptor);
    }
    for (index, bundle) in program.bundles.iter().enumerate() {
        verifier.verify_bundle(index, bundle);
    }
    verifier.verify_flow();
    if verifier.violations.is_empty() { Ok(()) } else { Err(Violations(verifier.violations)) }
}

/// The fields of the table whose values are not free, with the number that they stay below.
fn immediate_limit(program: &Program, chip: &ChipSpec, op: &Op, field: &str) -> Option<u64> {
    match field {
        "target" => Some(program.bundles.len() as u64),
        "descriptor" => Some(program.descriptors.len() as u64),
        "unit" => Some(u64::from(chip.n_xlus)),
        "mxu" => Some(u64::from(chip.n_mxus)),
        "part" => Some(n_parts(op)),
        "amount" | "index" => Some(SUBLANES as u64),
        _ => None,
    }
}

/// How many registers the rows of one packed register unpack to.
fn n_parts(op: &Op) -> u64 {
    if op.name().ends_with('8') { 4 } else { 2 }
}

struct Verifier<'a> {
    program: &'a Program,
    chip: &'a ChipSpec,
    violations: Vec<Violation>,
}

impl Verifier<'_> {
    fn verify_sizes(&mut self) {
        let vmem_granules = self.chip.vmem_bytes / GRANULE_BYTES as u64;
        let Program { bundles, vmem_granules: granules, n_arguments, .. } = self.program;
        self.at_most("bundles", bundles.len() as u64, Program::MAX_BUNDLES as u64);
        self.at_most("granules of VMEM", u64::from(*granules), vmem_granules);
        self.at_most("launch arguments", u64::from(*n_arguments), self.chip.smem_bytes / 4);
    }

    fn at_most(&mut self, what: &'static str, found: u64, limit: u64) {
        if found > limit {
            self.violations.push(Violation::TooMany { what, found, limit });
        }
    }

    fn verify_descriptor(&mut self, index: usize, descriptor: &DmaDescriptor) {
        if descriptor.total_granules() == 0 {
            self.violations.push(Violation::MovesNothing { descriptor: index });
        }
        let n_dimensions = descriptor.dimensions.len() as u64;
        let max_dimensions = DmaDescriptor::MAX_DIMENSIONS as u64;
        // Sync flags count bytes in a scalar register.
        let max_bytes = u64::from(i32::MAX.cast_unsigned());
        for (what, found, limit) in [
            ("the number of strided dimensions", n_dimensions, max_dimensions),
            ("the number of bytes", descriptor.total_bytes(), max_bytes),
        ] {
            if found > limit {
                let descriptor = index;
                self.violations.push(Violation::Descriptor { descriptor, what, found, limit });
            }
        }
    }

    fn verify_bundle(&mut self, index: usize, bundle: &Bundle) {
        let mut written = BTreeSet::new();
        for op in bundle.ops() {
            let results = op.result_fields().map(|(_, result)| result);
            let operands = op.operand_fields().map(|(_, operand)| operand);
            for (register, count) in results.chain(operands).filter_map(missing_register) {
                let (bundle, op) = (index, op.name());
                self.violations.push(Violation::NoSuchRegister { bundle, op, register, count });
            }
            for (_, result) in op.result_fields() {
                let Some(register) = register_name(result) else { continue };
                if !written.insert(register.clone()) {
                    let (bundle, op) = (index, op.name());
                    self.violations.push(Violation::WrittenTwice { bundle, op, register });
                }
            }
            self.verify_immediates(index, op);
            self.verify_send(index, op);
        }
    }

    fn verify_send(&mut self, bundle: usize, op: &Op) {
        let Op::DmaSend { descriptor, .. } = *op else { return };
        let Some(found) = self.program.descriptors.get(descriptor as usize) else { return };
        if (found.source, found.target) != (MemorySpace::Vmem, MemorySpace::Vmem) {
            self.violations.push(Violation::Send { bundle, descriptor });
        }
    }

    fn verify_immediates(&mut self, bundle: usize, op: &Op) {
        for (field, operand) in op.operand_fields() {
            let Operand::Immediate(found) = operand else { continue };
            match immediate_limit(self.program, self.chip, op, field.name) {
                Some(limit) if u64::from(found) >= limit => {
                    let (op, field) = (op.name(), field.name);
                    self.violations.push(Violation::Immediate { bundle, op, field, found, limit });
                }
                _ => {}
            }
        }
    }

    /// Walks from bundle 0 along every edge.
    fn verify_flow(&mut self) {
        let bundles = &self.program.bundles;
        let mut reached = vec![false; bundles.len()];
        let mut next = vec![0];
        let (mut halts, mut runs_off) = (false, false);
        while let Some(index) = next.pop() {
            let Some(bundle) = bundles.get(index) else { continue };
            if std::mem::replace(&mut reached[index], true) {
                continue;
            }
            let flow = bundle_flow(bundle);
            halts |= flow.halts;
            next.extend(flow.target);
            if flow.falls_through {
                runs_off |= index + 1 == bundles.len();
                next.push(index + 1);
            }
        }
        if runs_off {
            self.violations.push(Violation::RunsOff { bundle: bundles.len() - 1 });
        }
        if !halts {
            self.violations.push(Violation::NoHalt);
        }
    }
}

/// Where execution goes after a bundle.
struct Flow {
    halts: bool,
    target: Option<usize>,
    falls_through: bool,
}

fn bundle_flow(bundle: &Bundle) -> Flow {
    let mut flow = Flow { halts: false, target: None, falls_through: true };
    for op in bundle.ops() {
        #[expect(clippy::wildcard_enum_match_arm, reason = "all other ops are no control flow")]
        match op {
            Op::Br { target } => {
                flow = Flow { halts: false, target: Some(*target as usize), falls_through: false };
            }
            Op::BrNz { target, .. } | Op::BrZ { target, .. } => {
                flow.target = Some(*target as usize);
            }
            Op::Halt {} => flow = Flow { halts: true, target: None, falls_through: false },
            _ => {}
        }
    }
    flow
}

fn register_name(operand: Operand) -> Option<String> {
    match operand {
        Operand::V(register) => Some(register.to_string()),
        Operand::S(register) => Some(register.to_string()),
        Operand::M(register) => Some(register.to_string()),
        Operand::Immediate(_) => None,
    }
}

fn missing_register(operand: Operand) -> Option<(String, usize)> {
    let (number, count) = match operand {
        Operand::V(VReg(number)) => (number, VReg::COUNT),
        Operand::S(SReg(number)) => (number, SReg::COUNT),
        Operand::M(MReg(number)) => (number, MReg::COUNT),
        Operand::Immediate(_) => return None,
    };
    let missing = usize::from(number) >= count;
    missing.then(|| register_name(operand).map(|name| (name, count))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        TPU_V4,
        asm::parse_program,
        row::{Kind, ROWS},
    };
    use expect_test::{Expect, expect};

    fn check(body: &str, violations: Expect) {
        let program = parse_program(&format!("program test\n{body}")).unwrap();
        let text = match verify_program(&program, &TPU_V4) {
            Ok(()) => String::new(),
            Err(violations) => violations.to_string(),
        };
        violations.assert_eq(&text);
    }

    #[test]
    fn every_immediate_is_limited_or_free() {
        let free = ["value", "offset", "stride", "bits"];
        let op = Op::Halt {};
        for row in ROWS {
            let is_register = |kind| matches!(kind, Kind::V | Kind::S | Kind::M);
            for field in row.operands.iter().filter(|field| !is_register(field.kind)) {
                let limit = immediate_limit(&Program::default(), &TPU_V4, &op, field.name);
                assert_ne!(limit.is_some(), free.contains(&field.name), "{}", row.name);
            }
        }
    }

    #[test]
    fn a_legal_program_has_no_violations() {
        check("v0 = vunpack_s8 v1, 3\nL: br_nz s31, L ; m15 = vmnot m0\nhalt", expect![[""]]);
    }

    #[test]
    fn what_is_named_has_to_exist() {
        check(
            "v32 = vmov v1 ; m0 = vmmov m16\n\
             v0 = vunpack_bf16 v1, 2 ; mxu_push 4, v0 ; v1 = xlu_pop 2\n\
             v0 = vrot_sublane v1, 8 ; dma_start 0, s0, s1, s200\n\
             br 4",
            expect![[r#"
                bundle 0: `vmov` uses v32, there are 32 such registers
                bundle 0: `vmmov` uses m16, there are 16 such registers
                bundle 1: `vunpack_bf16` has part 2, it has to be below 2
                bundle 1: `mxu_push` has mxu 4, it has to be below 4
                bundle 1: `xlu_pop` has unit 2, it has to be below 2
                bundle 2: `vrot_sublane` has amount 8, it has to be below 8
                bundle 2: `dma_start` uses s200, there are 32 such registers
                bundle 2: `dma_start` has descriptor 0, it has to be below 0
                bundle 3: `br` has target 4, it has to be below 4
                no `halt` can be reached from bundle 0"#]],
        );
    }

    #[test]
    fn a_register_is_written_once_in_a_bundle() {
        check(
            "v3 = vmov v1 ; v3 = vld s0, 0 ; s3 = smov s1\nhalt",
            expect!["bundle 0: v3 is written twice, the second time by `vld`"],
        );
    }

    #[test]
    fn execution_ends_with_halt() {
        check("", expect!["no `halt` can be reached from bundle 0"]);
        check(
            "nop 3",
            expect![[r#"
            bundle 2: execution runs past the end; the last bundle needs `halt` or `br`
            no `halt` can be reached from bundle 0"#]],
        );
        check("L: br L\nhalt", expect!["no `halt` can be reached from bundle 0"]);
        check(
            "L: br_z s0, L",
            expect![[r#"
            bundle 0: execution runs past the end; the last bundle needs `halt` or `br`
            no `halt` can be reached from bundle 0"#]],
        );
        check("br L\nM: halt\nnop\nL: br M", expect![[""]]);
    }

    #[test]
    fn sizes_are_within_the_chip() {
        check(
            "vmem 32769\narguments 262145\nhalt",
            expect![[r#"
            the program has 32769 granules of VMEM, at most 32768 are allowed
            the program has 262145 launch arguments, at most 262144 are allowed"#]],
        );
        check(
            "dma 0: hbm -> vmem 4294967295 granules x 4294967295 (stride 1 -> 1) \
             x 4294967295 (stride 1 -> 1) x 1 (stride 0 -> 0) x 1 (stride 0 -> 0)\n\
             dma 1: hbm -> vmem 8 granules x 0 (stride 1 -> 1)\nhalt",
            expect![[r#"
                descriptor 0: the number of strided dimensions is 4, 3 at most
                descriptor 0: the number of bytes is 18446744073709551615, 2147483647 at most
                descriptor 1 moves nothing"#]],
        );
    }
}
