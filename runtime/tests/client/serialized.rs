//! Executables that are written and read back.

use crate::support::{client, module, twice_plus};
use palmetto_compiler::executable::Step;
use palmetto_isa::{ChipSpec, TPU_V4};
use palmetto_runtime::{
    ArrayLiteral, CompileOptions, DeviceAssignment, DeviceId, Error, Executable, LoadedExecutable,
    seeded,
};

/// A program with everything in it: loop, branches, constants, a modelled op, donation.
const EVERYTHING: &str = "cond {\n  s = (f32[40,130], s32[]) parameter(0)\n  \
     i = s32[] get-tuple-element(s), index=1\n  n = s32[] constant(3)\n  \
     ROOT c = pred[] compare(i, n), direction=LT\n}\n\n\
     body {\n  s = (f32[40,130], s32[]) parameter(0)\n  x = f32[40,130] get-tuple-element(s), index=0\n  \
     i = s32[] get-tuple-element(s), index=1\n  one = s32[] constant(1)\n  j = s32[] add(i, one)\n  \
     y = f32[40,130] add(x, x)\n  ROOT t = (f32[40,130], s32[]) tuple(y, j)\n}\n\n\
     yes {\n  p = f32[40,130] parameter(0)\n  ROOT n = f32[40,130] negate(p)\n}\n\n\
     no {\n  q = f32[40,130] parameter(0)\n  ROOT e = f32[40,130] exponential(q)\n}\n\n\
     ENTRY e {\n  x = f32[40,130] parameter(0), metadata={op_name=\"f/x\" source_file=\"a.py\" source_line=3}\n  \
     p = pred[] parameter(1)\n  v = f64[3] parameter(2)\n  c = f64[3] constant({1, -0, 1e300})\n  \
     m = f64[3] multiply(v, c)\n  i = s32[] constant(0)\n  t = (f32[40,130], s32[]) tuple(x, i)\n  \
     w = (f32[40,130], s32[]) while(t), condition=cond, body=body\n  \
     a = f32[40,130] get-tuple-element(w), index=0\n  \
     b = f32[40,130] conditional(p, a, a), true_computation=yes, false_computation=no\n  \
     ROOT r = (f32[40,130], f64[3]) tuple(b, m)\n}\n";

const ALIAS: &str = ", input_output_alias={ {0}: (0, {}, may-alias) }";

fn compile() -> Executable {
    let module = module(ALIAS, EVERYTHING);
    Executable::compile(&module, &CompileOptions::v4().checked(), 1, 1).unwrap()
}

fn run(executable: Executable) -> palmetto_runtime::Execution {
    let client = client("1x1x1");
    let loaded: LoadedExecutable =
        client.load(executable, DeviceAssignment::one(DeviceId(0))).unwrap();
    let parameters = (0..).zip(loaded.executable().parameters());
    let inputs: Vec<_> = parameters
        .map(|(n, spec)| seeded::literal(1, n, &spec.shape.without_layout(), seeded::UNIT))
        .map(|literal: ArrayLiteral| literal.into())
        .collect();
    loaded.run(&inputs, &client.run_options()).unwrap()
}

#[test]
fn what_is_read_back_runs_the_same() {
    let compiled = compile();
    let steps = &compiled.program().steps;
    assert!(steps.iter().any(|step| matches!(step, Step::Modelled(_))), "f64 is modelled");
    assert!(steps.iter().any(|step| matches!(step, Step::While { .. })), "a loop is left");
    let bytes = compiled.serialize().unwrap();
    let read = Executable::deserialize(&bytes, &TPU_V4).unwrap();
    assert_eq!(read.serialize().unwrap(), bytes);
    assert_eq!(read.fingerprint().unwrap(), compiled.fingerprint().unwrap());
    assert_eq!((read.parameters(), read.results()), (compiled.parameters(), compiled.results()));
    assert_eq!(read.donated(), [0]);
    assert_eq!(read.cost_analysis(), compiled.cost_analysis());
    assert_eq!(read.memory_stats(), compiled.memory_stats());
    let (expected, given) = (run(compiled), run(read));
    assert!(expected.outputs == given.outputs, "other results");
    assert_eq!(expected.report, given.report);
}

#[test]
fn equal_programs_have_equal_names_and_others_do_not() {
    let one = compile().fingerprint().unwrap();
    assert_eq!(one, compile().fingerprint().unwrap());
    let other = Executable::compile(&twice_plus(8), &CompileOptions::v4(), 1, 1).unwrap();
    assert_ne!(one, other.fingerprint().unwrap());
}

#[test]
fn damaged_and_foreign_data_is_refused() {
    let bytes = compile().serialize().unwrap();
    let refused = |bytes: &[u8]| {
        let error = Executable::deserialize(bytes, &TPU_V4).unwrap_err();
        assert!(matches!(error, Error::Serialized(_)), "{error}");
    };
    refused(b"");
    refused(b"HloModule m");
    refused(&bytes[..bytes.len() - 1]);
    for at in (0..bytes.len()).step_by(bytes.len() / 300 + 1) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        refused(&damaged);
    }
    let other = ChipSpec { clock_mhz: 1, ..TPU_V4 };
    let error = Executable::deserialize(&bytes, &other).unwrap_err();
    assert!(matches!(error, Error::OtherChip { .. }), "{error}");
}

/// With a right hash, too: whatever the content is, reading it ends with a program or an error.
#[test]
fn content_that_was_changed_with_its_hash_never_panics() {
    let good = compile().serialize().unwrap();
    let (mut accepted, mut refused) = (0, 0);
    for at in (28..good.len()).step_by(good.len() / 2000 + 1) {
        let mut bytes = good.clone();
        bytes[at] = bytes[at].wrapping_add(u8::try_from(at % 255).unwrap() + 1);
        let hash = bytes[28..].iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, &byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        bytes[20..28].copy_from_slice(&hash.to_le_bytes());
        match Executable::deserialize(&bytes, &TPU_V4) {
            Ok(_) => accepted += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 200, "{accepted} accepted, {refused} refused");
}
