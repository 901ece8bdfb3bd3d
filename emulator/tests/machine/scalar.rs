//! The scalar unit, control flow, arguments, and that every op has a unit.

use crate::support::{chip, on_core_0, program};
use palmetto_emulator::{ChipTiming, FaultKind, Ideal};
use palmetto_isa::{
    Bundle, DmaDescriptor, MemorySpace, Op, Program, TPU_V4,
    row::{Field, FieldSource, ROWS},
};

/// Runs `body` on core 0 with two arguments and gives SMEM words 128 and following.
fn smem_after(body: &str) -> Vec<u32> {
    let mut chip = chip(true);
    let header = "arguments 2\ndma 0: smem -> hbm 1 granules";
    // SMEM granule 1 is defined as a whole, so that it can be copied.
    let body = format!(
        "s0 = smov_imm 0 ; s1 = smov_imm 128\ns2 = smov_imm 256\n\
         F: sst s1, 0, s0 ; s1 = sadd_imm s1, 1\ns3 = scmp_lt s1, s2\nbr_nz s3, F\n\
         s1 = smov_imm 128\n{body}\n\
         s1 = smov_imm 1 ; s2 = smov_imm 512\ndma_start 0, s1, s0, s0\ndma_wait s0, s2"
    );
    let mut timing = ChipTiming::new(&TPU_V4);
    let program = on_core_0(header, &body);
    chip.launch(&program, &[41, 7], &mut timing).unwrap_or_else(|fault| panic!("{fault}"));
    bytemuck::pod_collect_to_vec(chip.read_hbm(0, 512).unwrap())
}

#[test]
fn arguments_are_the_first_words_of_smem() {
    let words = smem_after("s4 = sld s0, 0\ns5 = sld s0, 1\nnop 3\nsst s1, 0, s4\nsst s1, 1, s5");
    assert_eq!(words[..3], [41, 7, 0]);
}

#[test]
fn scalar_arithmetic_wraps_and_compares_signed() {
    let words = smem_after(
        "s4 = smov_imm -3 ; s5 = smov_imm 2147483647\ns6 = sadd s5, s5 ; s7 = smul s4, s5\n\
         s8 = sshr s4, s1 ; s9 = ssra s4, s1\ns10 = scmp_lt s4, s5 ; s11 = smin s4, s5\n\
         sst s1, 0, s6\nsst s1, 1, s7\nsst s1, 2, s8\nsst s1, 3, s9\nsst s1, 4, s10\nsst s1, 5, s11",
    );
    let product = (-3_i32).wrapping_mul(i32::MAX).cast_unsigned();
    // s1 is 128: a shift by 32 and more.
    assert_eq!(words[..6], [0xffff_fffe, product, 0, u32::MAX, 1, (-3_i32).cast_unsigned()]);
}

#[test]
fn loops_count() {
    let words = smem_after(
        "s4 = smov_imm 0 ; s5 = smov_imm 10\ns6 = smov_imm 0\n\
         L: s4 = sadd s4, s5 ; s6 = sadd_imm s6, 1\ns7 = scmp_lt s6, s5\nbr_nz s7, L\nsst s1, 0, s4",
    );
    assert_eq!(words[0], 100);
}

#[test]
fn both_cores_run_and_know_themselves() {
    let mut chip = chip(true);
    let text = "vmem 8\ndma 0: vmem -> hbm 8 granules\ns0 = smov_imm 0 ; s1 = score\n\
                v0 = vsplat s1 ; s2 = smul_imm s1, 8\ns3 = smov_imm 4096\nvst s0, 0, v0\n\
                dma_start 0, s0, s2, s0\ndma_wait s0, s3\nhalt";
    let report = chip.launch(&program(text), &[], &mut Ideal).unwrap();
    assert_eq!(report.cores.len(), 2);
    let words: Vec<u32> = bytemuck::pod_collect_to_vec(chip.read_hbm(0, 8192).unwrap());
    assert!(words[..1024].iter().all(|word| *word == 0));
    assert!(words[1024..].iter().all(|word| *word == 1));
}

/// The first register or 0 for every field.
struct Zeros;

impl FieldSource for Zeros {
    type Error = std::convert::Infallible;
    fn byte(&mut self, _: &Field) -> Result<u8, Self::Error> {
        Ok(0)
    }
    fn word(&mut self, _: &Field) -> Result<u32, Self::Error> {
        Ok(0)
    }
}

#[test]
fn every_op_of_the_table_has_a_unit() {
    for (opcode, row) in ROWS.iter().enumerate() {
        let op = Op::build(opcode, &mut Zeros).unwrap().unwrap();
        let mut bundles = vec![Bundle::default(), Bundle::default()];
        bundles[0].push(op).unwrap();
        bundles[1].push(Op::Halt {}).unwrap();
        let is_send = row.name == "dma_send";
        let program = Program {
            name: row.name.into(),
            bundles,
            descriptors: vec![DmaDescriptor {
                source: if is_send { MemorySpace::Vmem } else { MemorySpace::Hbm },
                target: MemorySpace::Vmem,
                granules: 1,
                dimensions: vec![],
            }],
            vmem_granules: 8,
            n_arguments: 0,
        };
        let expected = match row.name {
            "br" => Some(FaultKind::IllegalProgram),
            "br_z" => Some(FaultKind::Timeout),
            "mxu_matmul_latch" => Some(FaultKind::Staging),
            // To the core itself.
            "dma_send" => Some(FaultKind::OutOfBounds),
            "eup_pop" | "xlu_pop" | "mxu_pop" => Some(FaultKind::Fifo),
            _ => None,
        };
        let fault = chip(false).launch(&program, &[], &mut Ideal).err();
        assert_eq!(fault.as_ref().map(|fault| fault.kind), expected, "{}: {fault:?}", row.name);
    }
}
