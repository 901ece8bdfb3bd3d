//! Programs from text, and chips to run them on.

use palmetto_emulator::{Chip, ChipTiming, EmulatorOptions, Fault, LaunchReport};
use palmetto_isa::{Program, TPU_V4, asm::parse_program};

/// Words of a vector register.
pub(crate) type Register = Vec<u32>;

/// A program from its bundles and, in front of them, its header.
pub(crate) fn program(text: &str) -> Program {
    parse_program(&format!("program test\n{text}")).unwrap()
}

/// The same for core 0 alone: core 1 halts at once. Uses s31.
pub(crate) fn on_core_0(header: &str, body: &str) -> Program {
    program(&format!("{header}\ns31 = score\nbr_nz s31, END\n{body}\nEND: halt"))
}

/// A chip with 64 MiB of HBM.
pub(crate) fn chip(strict: bool) -> Chip {
    let options = EmulatorOptions { strict, hbm_bytes: 64 << 20, max_bundles: 1_000_000 };
    Chip::new(TPU_V4, &options)
}

/// Runs a program in strict mode under the chip's clock.
pub(crate) fn launch(program: &Program) -> Result<LaunchReport, Fault> {
    let mut chip = chip(true);
    chip.launch(program, &[], &mut ChipTiming::new(&TPU_V4))
}

/// A register of the words that `f` gives for sublane and lane.
pub(crate) fn register(f: impl Fn(usize, usize) -> u32) -> Register {
    (0..1024).map(|index| f(index / 128, index % 128)).collect()
}

/// A register of the numbers that `f` gives for sublane and lane.
pub(crate) fn floats(f: impl Fn(usize, usize) -> f32) -> Register {
    register(|sublane, lane| f(sublane, lane).to_bits())
}

/// Loads `inputs` into v0, v1 and so on (with s0 = 0), runs `body` on core 0, and gives the
/// `n_results` registers that it stored to VMEM from granule 1024 on.
pub(crate) fn evaluate(inputs: &[Register], body: &str, n_results: usize) -> Vec<Register> {
    let mut chip = chip(true);
    for (index, input) in inputs.iter().enumerate() {
        chip.write_hbm(u32::try_from(8 * index).unwrap(), bytemuck::cast_slice(input)).unwrap();
    }
    let program = evaluation(inputs.len(), body, n_results);
    chip.launch(&program, &[], &mut ChipTiming::new(&TPU_V4))
        .unwrap_or_else(|fault| panic!("{fault}"));
    (0..n_results)
        .map(|index| {
            let granule = u32::try_from(4096 + 8 * index).unwrap();
            bytemuck::pod_collect_to_vec(chip.read_hbm(granule, 4096).unwrap())
        })
        .collect()
}

fn evaluation(n_inputs: usize, body: &str, n_results: usize) -> Program {
    let (n_in, n_out) = (8 * n_inputs.max(1), 8 * n_results);
    let loads: String = (0..n_inputs).map(|v| format!("v{v} = vld s0, {}\n", 8 * v)).collect();
    let copy_in = match n_inputs {
        0 => String::new(),
        _ => "s1 = smov_imm IN\ndma_start 0, s0, s0, s0\ndma_wait s0, s1".into(),
    };
    let body = format!(
        "s0 = smov_imm 0\n{copy_in}\n{loads}\nnop 3\n{body}\n\
         s1 = smov_imm 1024 ; s2 = smov_imm 4096\ns3 = smov_imm OUT\n\
         dma_start 1, s1, s2, s0\ndma_wait s0, s3"
    );
    let body =
        body.replace("IN", &(512 * n_in).to_string()).replace("OUT", &(512 * n_out).to_string());
    let header = format!(
        "vmem 2048\ndma 0: hbm -> vmem {n_in} granules\ndma 1: vmem -> hbm {n_out} granules"
    );
    on_core_0(&header, &body)
}
