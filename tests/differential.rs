//! The emulator against the evaluator: the same program, two executions that share no arithmetic.

#[path = "differential/convolutions.rs"]
mod convolutions;
#[path = "differential/fusion.rs"]
mod fusion;
#[path = "differential/gathers.rs"]
mod gathers;
#[path = "differential/heads.rs"]
mod heads;
#[path = "differential/integer_dots.rs"]
mod integer_dots;
#[path = "differential/interleaving.rs"]
mod interleaving;
#[path = "differential/lanes.rs"]
mod lanes;
#[path = "differential/lanes_as_rows.rs"]
mod lanes_as_rows;
#[path = "differential/lines.rs"]
mod lines;
#[path = "differential/lookup.rs"]
mod lookup;
#[path = "differential/movement.rs"]
mod movement;
#[path = "differential/random_bits.rs"]
mod random_bits;
#[path = "differential/reductions.rs"]
mod reductions;
#[path = "differential/scatters.rs"]
mod scatters;
#[path = "differential/several.rs"]
mod several;
#[path = "differential/shares.rs"]
mod shares;
#[path = "differential/sorting.rs"]
mod sorting;
#[path = "differential/windows.rs"]
mod windows;

use palmetto_compiler::{
    compile,
    diagnostic::SourceText,
    evaluator::{EvaluatorOptions, evaluate},
    executable::Executable,
    hlo::{Literal, Module, parse_module, verify},
    options::CompileOptions,
};
use palmetto_runtime::{
    Clock, Execution, LoadedExecutable, RunOptions,
    profile::How,
    seeded::{self, UNIT},
    tolerance,
};

fn module_of(text: &str) -> Module {
    let module = parse_module(SourceText::new("test.hlo", text));
    let module = module.unwrap_or_else(|error| panic!("{error}"));
    verify(&module).unwrap_or_else(|error| panic!("{error}"));
    module
}

fn inputs_of(module: &Module) -> Vec<Literal> {
    let entry = module.entry_computation();
    let shapes = entry.parameters().iter().map(|&id| entry.instruction(id).array_shape());
    (0..).zip(shapes).map(|(n, shape)| Literal::Array(seeded::literal(3, n, shape, UNIT))).collect()
}

/// Compiles and runs on the emulator in strict mode.
fn emulate(module: &Module, inputs: &[Literal], clock: Clock) -> Execution {
    let options = CompileOptions::v4().checked();
    emulate_executable(compile(module, &options).unwrap_or_else(|e| panic!("{e}")), inputs, clock)
}

fn emulate_executable(executable: Executable, inputs: &[Literal], clock: Clock) -> Execution {
    let loaded = LoadedExecutable::load(executable).unwrap_or_else(|e| panic!("{e}"));
    let options = RunOptions { strict: true, clock, max_trips: 1000 };
    loaded.run(inputs, &options).unwrap_or_else(|e| panic!("{e}"))
}

/// The emulator's results are within the computed bound of the evaluator's, under every clock the
/// same bits, and no launch is modelled.
fn check(body: &str) {
    let module = module_of(&format!("HloModule m\n{body}"));
    check_with(&module, &inputs_of(&module));
}

fn check_with(module: &Module, inputs: &[Literal]) {
    let modelled = modelled_launches(module, inputs);
    assert!(modelled.is_empty(), "modelled: {modelled:?}");
}

/// The emulator's results are the evaluator's, bit by bit, under every clock, and no launch is
/// modelled.
fn check_bits(body: &str) {
    let module = module_of(&format!("HloModule m\n{body}"));
    let inputs = inputs_of(&module);
    let value = evaluate(&module, &inputs, &EvaluatorOptions::default());
    let value = value.unwrap_or_else(|error| panic!("{error}"));
    let value = value.result;
    let expected = if let Literal::Tuple(values) = value { values } else { vec![value] };
    for clock in [Clock::Chip, Clock::Ideal, Clock::Chaos(1)] {
        let execution = emulate(&module, &inputs, clock);
        for (n, (output, expected)) in execution.outputs.iter().zip(&expected).enumerate() {
            assert!(
                output == expected,
                "result {n} under {clock:?}: {}",
                difference(output, expected)
            );
        }
        let modelled = modelled_of(&execution);
        assert!(modelled.is_empty(), "modelled: {modelled:?}");
    }
}

/// The first element that differs.
fn difference(found: &Literal, expected: &Literal) -> String {
    let (Literal::Array(found), Literal::Array(expected)) = (found, expected) else {
        return "one is a tuple".to_owned();
    };
    let all = 0..expected.shape().element_count();
    let Some(n) = all.into_iter().find(|n| found.bits(*n) != expected.bits(*n)) else {
        return "other shapes".to_owned();
    };
    let (found, expected) = (found.bits(n), expected.bits(n));
    format!("element {n} is {found:#x}, not {expected:#x}")
}

/// The emulator's results are within the computed bound of the evaluator's, under every clock the
/// same bits. Gives the instructions whose launches are modelled.
fn modelled_launches(module: &Module, inputs: &[Literal]) -> Vec<String> {
    modelled_of(&agreed(module, inputs, |clock| emulate(module, inputs, clock)))
}

/// The instructions whose launches are modelled.
fn modelled_of(execution: &Execution) -> Vec<String> {
    let rows = execution.report.instructions.iter();
    let modelled = rows.filter(|row| matches!(row.how, How::Modelled { .. }));
    modelled.map(|row| row.origin.instruction.clone()).collect()
}

/// The execution under the chip's clock, if it agrees with the evaluator and the other clocks.
fn agreed(module: &Module, inputs: &[Literal], emulate: impl Fn(Clock) -> Execution) -> Execution {
    let execution = emulate(Clock::Chip);
    let bounds = tolerance::deviations(module, inputs).unwrap_or_else(|e| panic!("{e}"));
    for (bound, output) in bounds.iter().zip(&execution.outputs) {
        let comparison = bound.compare(output.as_array().expect("an array"));
        assert!(comparison.holds(), "{comparison:?}");
    }
    for clock in [Clock::Ideal, Clock::Chaos(1)] {
        assert_eq!(emulate(clock).outputs, execution.outputs, "{clock:?}");
    }
    execution
}

#[test]
fn elementwise_ops_on_whole_arrays() {
    check(
        "ENTRY main {\n x = f32[16,256] parameter(0)\n y = f32[16,256] parameter(1)\n ROOT r = f32[16,256] add(x, y)\n}\n",
    );
}
#[test]
fn a_row_is_repeated_over_odd_sizes() {
    check(
        "ENTRY main {\n x = bf16[3,13,200] parameter(0)\n y = bf16[200] parameter(1)\n b = bf16[3,13,200] broadcast(y), dimensions={2}\n ROOT r = bf16[3,13,200] multiply(x, b)\n}\n",
    );
}
#[test]
fn a_softmax_is_one_kernel() {
    check(
        "max { a = f32[] parameter(0)\n b = f32[] parameter(1)\n ROOT m = f32[] maximum(a, b)\n}\nsum { a = f32[] parameter(0)\n b = f32[] parameter(1)\n ROOT m = f32[] add(a, b)\n}\nENTRY main {\n x = f32[40,300] parameter(0)\n ninf = f32[] constant(-inf)\n m = f32[40] reduce(x, ninf), dimensions={1}, to_apply=max\n mb = f32[40,300] broadcast(m), dimensions={0}\n s = f32[40,300] subtract(x, mb)\n e = f32[40,300] exponential(s)\n z = f32[] constant(0)\n t = f32[40] reduce(e, z), dimensions={1}, to_apply=sum\n tb = f32[40,300] broadcast(t), dimensions={0}\n ROOT r = f32[40,300] divide(e, tb)\n}\n",
    );
}
#[test]
fn a_dot_of_unaligned_sizes() {
    check(
        "ENTRY main {\n x = bf16[100,200] parameter(0)\n y = bf16[200,300] parameter(1)\n ROOT r = f32[100,300] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}\n}\n",
    );
}

#[test]
fn a_column_of_matrices() {
    for element in ["f32", "bf16"] {
        check(&format!(
            "ENTRY main {{\n x = {element}[3,48,200] parameter(0)\n y = {element}[3,48] parameter(1)\n b = {element}[3,48,200] broadcast(y), dimensions={{0,1}}\n ROOT r = {element}[3,48,200] subtract(x, b)\n}}\n"
        ));
        check(&format!(
            "ENTRY main {{\n x = {element}[300,200] parameter(0)\n y = {element}[300] parameter(1)\n b = {element}[300,200] broadcast(y), dimensions={{0}}\n ROOT r = {element}[300,200] subtract(x, b)\n}}\n"
        ));
    }
}

#[test]
fn operands_without_rows_or_lanes() {
    for element in ["f32", "bf16", "f16", "s8"] {
        for (operand, dimensions) in [
            ("3", "0"),
            ("3,5", "0,1"),
            ("3,200", "0,3"),
            ("5,300,200", "1,2,3"),
            ("3,5,200", "0,1,3"),
        ] {
            check(&format!(
                "ENTRY main {{\n x = {element}[3,5,300,200] parameter(0)\n y = {element}[{operand}] parameter(1)\n b = {element}[3,5,300,200] broadcast(y), dimensions={{{dimensions}}}\n ROOT r = {element}[3,5,300,200] subtract(x, b)\n}}\n"
            ));
        }
        check(&format!(
            "ENTRY main {{\n x = {element}[300,5,130] parameter(0)\n y = {element}[300] parameter(1)\n b = {element}[300,5,130] broadcast(y), dimensions={{0}}\n ROOT r = {element}[300,5,130] subtract(x, b)\n}}\n"
        ));
    }
}

#[test]
fn matrices_that_do_not_fill_registers() {
    for element in ["bf16", "u8"] {
        check(&format!(
            "ENTRY main {{\n x = {element}[5,13,200] parameter(0)\n y = {element}[13,200] parameter(1)\n b = {element}[5,13,200] broadcast(y), dimensions={{1,2}}\n d = {element}[5,13,200] subtract(x, b)\n z = {element}[] constant(0)\n ROOT r = {element}[5,200] reduce(d, z), dimensions={{1}}, to_apply=c\n}}\n"
        ).replace("ENTRY", &format!("c {{\n a = {element}[] parameter(0)\n b = {element}[] parameter(1)\n ROOT r = {element}[] maximum(a, b)\n}}\nENTRY")));
        // The result is read again, with the padding after its last matrix.
        check(&format!(
            "ENTRY main {{\n x = {element}[5,5,200] parameter(0)\n y = {element}[5,200] parameter(1)\n b = {element}[5,5,200] broadcast(y), dimensions={{1,2}}\n d = {element}[5,5,200] subtract(x, b)\n t = {element}[5,5,200] add(d, x)\n ROOT r = ({element}[5,5,200], {element}[5,5,200]) tuple(d, t)\n}}\n"
        ));
    }
}

#[test]
fn the_main_job_has_no_modelled_launch() {
    let module = palmetto_runtime::showcase::block().unwrap();
    let inputs = palmetto_runtime::showcase::inputs(&module);
    let report = emulate(&module, &inputs, Clock::Chip).report;
    assert!(report.modelled_share == 0.0, "{:?}", report.instructions);
    assert!(report.total.mfu > 0.2, "{:?}", report.total);
}
