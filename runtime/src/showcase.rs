//! The program that `palmetto` shows when it is run without arguments: one parallel Transformer
//! block of PaLM in bf16, exported from JAX by `python/export_palm_block.py`.

use palmetto_compiler::diagnostic::Diagnostic;
use palmetto_compiler::hlo::{ArrayShape, Literal, Module};

use crate::program::read_program;
use crate::seeded::{self, Distribution};

/// The StableHLO text of the block.
const BLOCK: &str = include_str!("../../examples/palm_block.mlir");
/// The same with small dimensions.
const SMALL_BLOCK: &str = include_str!("../../examples/palm_block_small.mlir");
/// The seed of the inputs, as in the Python script.
const SEED: u32 = 540;

/// The block: `d_model` 1024, 4 heads of 256, `d_ff` 4096, a sequence of 512.
///
/// # Errors
/// Never, unless the program that was built in is damaged.
pub fn block() -> Result<Module, Diagnostic> {
    read_program("palm_block.mlir", BLOCK)
}

/// The same block with `d_model` 64, 4 heads of 16, `d_ff` 256, a sequence of 32: for tests.
///
/// # Errors
/// Never, unless the program that was built in is damaged.
pub fn small_block() -> Result<Module, Diagnostic> {
    read_program("palm_block_small.mlir", SMALL_BLOCK)
}

/// Seeded arguments of a block, the same as the Python script makes.
///
/// # Panics
/// If the module is not one of the blocks.
pub fn inputs(block: &Module) -> Vec<Literal> {
    let entry = block.entry_computation();
    let shapes = entry.parameters().iter().map(|&id| entry.instruction(id).array_shape());
    let input = |(number, shape): (u32, &ArrayShape)| {
        let distribution = distribution(number, shape.dimensions());
        Literal::Array(seeded::literal(SEED, number, shape, distribution))
    };
    (0..).zip(shapes).map(input).collect()
}

/// Of argument `number`: x, scale, wq, wk, wv, wo, w_gate, w_up, w_down. Weights spread over
/// twice the square root of how many of them are summed up.
fn distribution(number: u32, dimensions: &[usize]) -> Distribution {
    let fan_in = match (number, dimensions) {
        (0, _) => return Distribution { offset: 0.0, spread: 2.0 },
        (1, _) => return Distribution { offset: 1.0, spread: 0.25 },
        (5, [heads, features, _]) => heads * features,
        (_, [fan_in, ..]) => *fan_in,
        (_, []) => 1,
    };
    #[expect(clippy::cast_precision_loss, reason = "a small power of four")]
    let spread = 2.0 / (fan_in as f32).sqrt();
    Distribution { offset: 0.0, spread }
}
