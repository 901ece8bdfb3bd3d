//! Programs whose speed is watched, in cycles of the emulated chip: one table for the test that
//! keeps them fast and for the bench that shows them.

use palmetto_compiler::{
    diagnostic::SourceText,
    hlo::{Literal, Module, parse_module},
    options::CompileOptions,
};
use palmetto_isa::TPU_V4;
use palmetto_runtime::{
    Clock, LoadedExecutable, RunOptions,
    seeded::{self, UNIT},
};

/// A program, and what would be ideal for it.
#[derive(Clone, Debug)]
pub struct Yardstick {
    /// A name.
    pub name: &'static str,
    /// HLO text.
    pub text: String,
    /// Cycles if only the unit that it needs most were at work, at its peak.
    pub ideal: u64,
    /// How many times the ideal it may take.
    pub limit: f64,
}

/// Cycles that HBM takes at least for so many bytes, at its peak.
fn hbm_cycles(bytes: u64) -> u64 {
    let per_cycle = TPU_V4.hbm_peak_bytes_per_second / (f64::from(TPU_V4.clock_mhz) * 1e6);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "bytes are far below 2^52"
    )]
    let cycles = (bytes as f64 / per_cycle) as u64;
    cycles
}

/// The product of two square matrices of bf16. All MXUs do `2 * 8 * 128^2` FLOPs in a cycle.
fn matmul(name: &'static str, n: u64, limit: f64) -> Yardstick {
    let text = format!(
        "HloModule matmul\nENTRY main {{\n x = bf16[{n},{n}] parameter(0)\n \
         y = bf16[{n},{n}] parameter(1)\n ROOT d = bf16[{n},{n}] dot(x, y), \
         lhs_contracting_dims={{1}}, rhs_contracting_dims={{0}}\n}}\n"
    );
    let products_per_cycle = u64::from(TPU_V4.n_cores * TPU_V4.n_mxus) * 128 * 128;
    Yardstick { name, text, ideal: n.pow(3) / products_per_cycle, limit }
}

/// A softmax over rows, computed in the type of the array.
fn softmax() -> Yardstick {
    let text = "HloModule softmax\n\
        max {\n a = bf16[] parameter(0)\n b = bf16[] parameter(1)\n \
        ROOT m = bf16[] maximum(a, b)\n}\n\
        sum {\n a = bf16[] parameter(0)\n b = bf16[] parameter(1)\n \
        ROOT m = bf16[] add(a, b)\n}\n\
        ENTRY main {\n x = bf16[2048,2048] parameter(0)\n least = bf16[] constant(-inf)\n \
        m = bf16[2048] reduce(x, least), dimensions={1}, to_apply=max\n \
        mb = bf16[2048,2048] broadcast(m), dimensions={0}\n \
        s = bf16[2048,2048] subtract(x, mb)\n e = bf16[2048,2048] exponential(s)\n \
        z = bf16[] constant(0)\n t = bf16[2048] reduce(e, z), dimensions={1}, to_apply=sum\n \
        tb = bf16[2048,2048] broadcast(t), dimensions={0}\n \
        ROOT r = bf16[2048,2048] divide(e, tb)\n}\n";
    let bytes = 2 * 2 * 2048 * 2048;
    let name = "softmax of bf16[2048,2048]";
    Yardstick { name, text: text.to_owned(), ideal: hbm_cycles(bytes), limit: 2.5 }
}

/// The sum of an f32 matrix over some dimensions.
fn sum(name: &'static str, dimensions: &str, result: &str) -> Yardstick {
    let text = format!(
        "HloModule sum\nsum {{ a = f32[] parameter(0)\n b = f32[] parameter(1)\n \
         ROOT s = f32[] add(a, b)\n}}\nENTRY main {{\n x = f32[4096,4096] parameter(0)\n \
         z = f32[] constant(0)\n ROOT s = f32[{result}] reduce(x, z), \
         dimensions={{{dimensions}}}, to_apply=sum\n}}\n"
    );
    Yardstick { name, text, ideal: hbm_cycles(4 * 4096 * 4096), limit: 1.3 }
}

/// A row of an array replaced, of which nothing else moves: the array is computed before, in place.
fn update() -> Yardstick {
    let text = "HloModule update\nENTRY main {\n x = bf16[2048,8192] parameter(0)\n \
        u = bf16[1,8192] parameter(1)\n i = s32[] parameter(2)\n z = s32[] constant(0)\n \
        y = bf16[2048,8192] negate(x)\n \
        ROOT r = bf16[2048,8192] dynamic-update-slice(y, u, i, z)\n}\n";
    let name = "negation of bf16[2048,8192] and update of a row";
    let ideal = hbm_cycles(2 * 2 * 2048 * 8192);
    Yardstick { name, text: text.to_owned(), ideal, limit: 1.25 }
}

/// A transpose whose operand is a result too: it fixes the layouts, and costs a copy.
fn transpose() -> Yardstick {
    let text = "HloModule transpose\nENTRY main {\n x = bf16[4096,4096] parameter(0)\n \
        t = bf16[4096,4096] transpose(x), dimensions={1,0}\n \
        ROOT r = (bf16[4096,4096], bf16[4096,4096]) tuple(t, x)\n}\n";
    let name = "transpose of bf16[4096,4096]";
    let ideal = hbm_cycles(2 * 2 * 2 * 4096 * 4096);
    Yardstick { name, text: text.to_owned(), ideal, limit: 1.3 }
}

/// All of them.
pub fn yardsticks() -> Vec<Yardstick> {
    vec![
        matmul("matmul 4096^3 of bf16", 4096, 1.25),
        matmul("matmul 1024^3 of bf16", 1024, 1.9),
        softmax(),
        sum("sum of f32[4096,4096] over lanes", "1", "4096"),
        sum("sum of f32[4096,4096] over rows", "0", "4096"),
        sum("sum of f32[4096,4096] to a scalar", "0,1", ""),
        update(),
        transpose(),
    ]
}

/// A yardstick, compiled, with inputs.
#[derive(Debug)]
pub struct Ready {
    loaded: LoadedExecutable,
    inputs: Vec<Literal>,
}

impl Yardstick {
    /// Compiles the program and makes its inputs.
    ///
    /// # Errors
    /// If it does not compile.
    pub fn ready(&self) -> Result<Ready, String> {
        let module: Module = parse_module(SourceText::new(self.name, &self.text))
            .map_err(|error| error.to_string())?;
        let loaded = LoadedExecutable::compile(&module, &CompileOptions::v4())
            .map_err(|error| error.to_string())?;
        let entry = module.entry_computation();
        let shapes = entry.parameters().iter().map(|&id| entry.instruction(id).array_shape());
        let inputs = (0..)
            .zip(shapes)
            .map(|(n, shape)| Literal::Array(seeded::literal(1, n, shape, UNIT)))
            .collect();
        Ok(Ready { loaded, inputs })
    }
}

impl Ready {
    /// The cycles of a run, none of them modelled.
    ///
    /// # Errors
    /// If it does not run, or a launch is modelled.
    pub fn cycles(&self) -> Result<u64, String> {
        let options = RunOptions { strict: false, clock: Clock::Chip, max_trips: 1 };
        let execution =
            self.loaded.run(&self.inputs, &options).map_err(|error| error.to_string())?;
        if execution.report.modelled_share > 0.0 {
            return Err("a launch is modelled".to_owned());
        }
        Ok(execution.report.total.cycles)
    }
}
