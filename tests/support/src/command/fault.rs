//! `fault`: assembly -> the fault that running it ends in.
//!
//! Arguments: `hbm=N`, granules of HBM that are written (with zeros) before the launch;
//! `arguments=A,B`, the launch arguments; `max_bundles=N`, when a core is taken to loop for ever.

use crate::arguments::Arguments;
use palmetto_emulator::{Chip, EmulatorOptions, Fault, Ideal};
use palmetto_isa::{Program, TPU_V4, asm::parse_program, memory::GRANULE_BYTES};

/// Host memory behind the HBM of the chip: small, so that it is easy to leave.
const HBM_BYTES: u64 = 1 << 20;

/// Output: the fault. A program that runs to its end is no test of this command.
pub(super) fn run_to_fault(input: &str, mut arguments: Arguments) -> Result<String, String> {
    let hbm_granules = arguments.take("hbm")?.unwrap_or(0);
    let launch_arguments = arguments.take_list("arguments")?;
    let max_bundles = arguments.take("max_bundles")?.unwrap_or(10_000);
    arguments.finish()?;
    let program = parse_program(input).map_err(|error| error.to_string())?;
    let options = EmulatorOptions { strict: true, hbm_bytes: HBM_BYTES, max_bundles };
    match launch(&program, &options, hbm_granules, &launch_arguments) {
        Ok(()) => Err("the program runs to its end without a fault".to_owned()),
        Err(fault) => Ok(fault.to_string()),
    }
}

fn launch(
    program: &Program,
    options: &EmulatorOptions,
    hbm_granules: usize,
    launch_arguments: &[u32],
) -> Result<(), Fault> {
    let mut chip = Chip::new(TPU_V4, options);
    chip.write_hbm(0, &vec![0; hbm_granules * GRANULE_BYTES])?;
    chip.launch(program, launch_arguments, &mut Ideal)?;
    Ok(())
}
