//! Malformed programs through the whole path of the tool: an error or a result, never a panic, and
//! in bounded time. All randomness has fixed seeds.

use palmetto_compiler::{
    compile,
    evaluator::{EvaluatorOptions, evaluate},
    hlo::{Literal, Module},
    options::CompileOptions,
};
use palmetto_runtime::{
    LoadedExecutable,
    program::{read_program, read_tests},
    seeded::{UNIT, literal},
};
use palmetto_testkit::llo_generator::Random;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

/// How far a text came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    Refused,
    NotCompiled,
    Compiled,
}

/// Programs with more elements than this are not evaluated, only compiled.
const SMALL: usize = 1 << 16;
/// The longest that one text may take.
const PATIENCE: Duration = Duration::from_secs(10);

#[expect(clippy::disallowed_methods, reason = "a hang is a failure; no result depends on it")]
fn now() -> Instant {
    Instant::now()
}

/// Reads, compiles, loads, and evaluates what is small.
fn whole_path(file: &[u8]) -> Reached {
    // The tests of a file are read by another way; nobody asks what there is in them.
    drop(read_tests("damaged", file));
    let Ok(module) = read_program("damaged", file) else { return Reached::Refused };
    let Ok(executable) = compile(&module, &CompileOptions::v4().checked()) else {
        return Reached::NotCompiled;
    };
    if LoadedExecutable::load(executable).is_ok() && is_small(&module) {
        let limits = EvaluatorOptions::default();
        let options = EvaluatorOptions { loop_limit: 100, memory_limit_bytes: 1 << 26, ..limits };
        drop(evaluate(&module, &inputs(&module), &options));
    }
    Reached::Compiled
}

fn is_small(module: &Module) -> bool {
    let arrays = module.computations().flat_map(|(_, computation)| {
        computation.instructions().filter_map(|(_, i)| i.shape().as_array())
    });
    arrays.map(|shape| shape.element_count()).all(|count| count <= SMALL)
}

fn inputs(module: &Module) -> Vec<Literal> {
    let entry = module.entry_computation();
    let shapes = entry.parameters().iter().map(|&id| entry.instruction(id).shape());
    let arrays = shapes.filter_map(|shape| shape.as_array());
    (0..).zip(arrays).map(|(n, shape)| literal(1, n, shape, UNIT).into()).collect()
}

/// The same, where a panic shows the text, and so does a text that takes long.
#[track_caller]
fn survive(text: &str) -> Reached {
    survive_bytes(text.as_bytes(), &text[..text.floor_char_boundary(6000)])
}

/// The same for a file of any kind, with what shows it.
#[track_caller]
fn survive_bytes(file: &[u8], shown: &str) -> Reached {
    let start = now();
    let Ok(reached) = catch_unwind(AssertUnwindSafe(|| whole_path(file))) else {
        panic!("a panic, of the program\n{shown}");
    };
    let taken = start.elapsed();
    assert!(taken < PATIENCE, "{taken:?} for\n{shown}");
    reached
}

const HLO: &str = "HloModule seed

sum {
  a = f32[] parameter(0)
  b = f32[] parameter(1)
  ROOT s = f32[] add(a, b)
}

condition {
  s = (s32[], f32[8,16]) parameter(0)
  i = s32[] get-tuple-element(s), index=0
  end = s32[] constant(3)
  ROOT r = pred[] compare(i, end), direction=LT
}

body {
  s = (s32[], f32[8,16]) parameter(0)
  i = s32[] get-tuple-element(s), index=0
  x = f32[8,16] get-tuple-element(s), index=1
  one = s32[] constant(1)
  j = s32[] add(i, one)
  y = f32[8,16] add(x, x)
  ROOT r = (s32[], f32[8,16]) tuple(j, y)
}

ENTRY main {
  x = bf16[8,32] parameter(0)
  y = bf16[32,16] parameter(1)
  d = f32[8,16] dot(x, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}
  zero = f32[] constant(0)
  m = f32[8] reduce(d, zero), dimensions={1}, to_apply=sum
  b = f32[8,16] broadcast(m), dimensions={0}
  q = f32[8,16] divide(d, b)
  p = f32[10,16] pad(q, zero), padding=1_1x0_0
  c = f32[8,16] slice(p), slice={[1:9], [0:16]}
  t = f32[16,8] transpose(c), dimensions={1,0}
  g = f32[8,16] reshape(t)
  k = s32[] constant(0)
  state = (s32[], f32[8,16]) tuple(k, g)
  w = (s32[], f32[8,16]) while(state), condition=condition, body=body
  ROOT r = f32[8,16] get-tuple-element(w), index=1
}
";

const STABLEHLO: &str = r#"module @seed {
  func.func public @main(%x: tensor<8x16xf32>, %i: tensor<i32>) -> tensor<8x16xf32> {
    %low = stablehlo.constant dense<0xFF800000> : tensor<f32>
    %m = stablehlo.reduce(%x init: %low) applies stablehlo.maximum across dimensions = [1] : (tensor<8x16xf32>, tensor<f32>) -> tensor<8xf32>
    %b = stablehlo.broadcast_in_dim %m, dims = [0] : (tensor<8xf32>) -> tensor<8x16xf32>
    %s = stablehlo.subtract %x, %b : tensor<8x16xf32>
    %e = stablehlo.exponential %s : tensor<8x16xf32>
    %t = stablehlo.transpose %e, dims = [1, 0] : (tensor<8x16xf32>) -> tensor<16x8xf32>
    %d = stablehlo.dot_general %e, %t, contracting_dims = [1] x [0], precision = [DEFAULT, DEFAULT] : (tensor<8x16xf32>, tensor<16x8xf32>) -> tensor<8x8xf32>
    %c = stablehlo.concatenate %d, %d, dim = 1 : (tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<8x16xf32>
    %zero = stablehlo.constant dense<0> : tensor<i32>
    %one = stablehlo.constant dense<1> : tensor<i32>
    %r:2 = stablehlo.while(%j = %zero, %v = %c) : tensor<i32>, tensor<8x16xf32>
     cond {
      %p = stablehlo.compare LT, %j, %i, SIGNED : (tensor<i32>, tensor<i32>) -> tensor<i1>
      stablehlo.return %p : tensor<i1>
    } do {
      %k = stablehlo.add %j, %one : tensor<i32>
      %u = stablehlo.multiply %v, %v : tensor<8x16xf32>
      stablehlo.return %k, %u : tensor<i32>, tensor<8x16xf32>
    }
    return %r#1 : tensor<8x16xf32>
  }
}
"#;

#[test]
fn the_seeds_are_sound() {
    for text in [HLO, STABLEHLO] {
        if let Err(error) = read_program("seed", text) {
            panic!("{error}");
        }
        assert_eq!(survive(text), Reached::Compiled);
    }
}

#[test]
fn truncated() {
    for text in [HLO, STABLEHLO] {
        for end in (0..text.len()).step_by(7) {
            survive(&text[..end]);
        }
    }
}

/// Words for other words, half of the time everywhere at once: much of what comes out is
/// grammatical, some of it is legal, and the rest is wrong further on.
#[test]
fn words_replaced() {
    const NUMBERS: &[&str] =
        &["0", "1", "2", "7", "128", "300", "4294967295", "9223372036854775807", "1e400"];
    const TYPES: &[&str] =
        &["f32", "bf16", "f16", "f64", "s8", "u8", "s32", "u64", "pred", "i1", "i64", "ui8"];
    let mut reached = [0; 3];
    for (number, text) in [HLO, STABLEHLO].into_iter().enumerate() {
        let words = words(text);
        let is_name = |word: &&str| word.starts_with(|c: char| c.is_ascii_alphanumeric());
        let names: Vec<&str> = words.iter().copied().filter(is_name).collect();
        for round in 0..1500 {
            let mut random = Random::new(u64::try_from(number).expect("two") * 100_000 + round);
            let mut words = words.clone();
            let old = names[random.below(names.len())];
            let is_number = old.bytes().all(|byte| byte.is_ascii_digit());
            let pool = match random.below(4) {
                0 => names.as_slice(),
                _ if is_number => NUMBERS,
                _ if TYPES.contains(&old) => TYPES,
                _ => names.as_slice(),
            };
            let new = pool[random.below(pool.len())];
            let places: Vec<usize> = (0..words.len()).filter(|n| words[*n] == old).collect();
            if random.below(2) == 0 {
                places.iter().for_each(|place| words[*place] = new);
            } else {
                words[places[random.below(places.len())]] = new;
            }
            reached[survive(&words.concat()) as usize] += 1;
        }
    }
    // Not everything is caught by the first check, or the later ones were not tried.
    let [refused, _, compiled] = reached;
    assert!(refused > 500 && compiled > 100, "{reached:?}");
}

/// A text cut where letters and digits meet something else.
fn words(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        words.push(&rest[..length]);
        rest = &rest[length..];
    }
    words
}

/// Programs in bytecode, and artifacts of `jax.export`: a few bytes of each are others.
#[test]
fn bytecode_with_other_bytes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/bytecode");
    let mut reached = [0; 3];
    for (number, name) in
        ["control.1.17.0.mlirbc", "layer.1.22.0.mlirbc", "affine.jax_export"].iter().enumerate()
    {
        let whole = std::fs::read(folder.join(name)).expect("the corpus is there");
        for round in 0..400 {
            let seed = u64::try_from(number).expect("three") * 100_000 + round;
            let mut random = Random::new(seed);
            let mut file = whole.clone();
            for _ in 0..=random.below(3) {
                let place = random.below(file.len());
                // Small numbers are indices of something that exists; others are wrong at once.
                let value = if random.below(4) == 0 { 256 } else { 32 };
                file[place] = u8::try_from(random.below(value)).expect("a byte");
            }
            reached[survive_bytes(&file, &format!("{name}, seed {seed}")) as usize] += 1;
        }
    }
    let [refused, _, compiled] = reached;
    assert!(refused > 200 && compiled > 50, "{reached:?}");
}

/// Sizes that no machine has, and sizes that are legal but no chip holds.
#[test]
fn absurd_sizes() {
    for size in ["99999999999x99999999", "18446744073709551616", "1099511627776", "4294967296x4"] {
        let ty = format!("tensor<{size}xf32>");
        let program = |body: &str| format!("func.func @main(%x: {ty}) -> {ty} {{\n{body}\n}}\n");
        for body in [
            format!("return %x : {ty}"),
            format!("%0 = stablehlo.add %x, %x : {ty}\nreturn %0 : {ty}"),
            format!("%0 = stablehlo.constant dense<1.0> : {ty}\nreturn %0 : {ty}"),
        ] {
            survive(&program(&body));
        }
        let dimensions = size.replace('x', ",");
        for body in [
            format!("ROOT x = f32[{dimensions}] parameter(0)"),
            format!("ROOT x = f32[{dimensions}] constant({{1}})"),
            format!("ROOT x = s32[{dimensions}] iota(), iota_dimension=0"),
            format!(
                "z = f32[] constant(0)\n  b = f32[{dimensions}] broadcast(z), dimensions={{}}\n  \
                 e = f32[{dimensions}] exponential(b)\n  ROOT r = f32[{dimensions}] add(e, b)"
            ),
        ] {
            survive(&format!("HloModule m\nENTRY main {{\n  {body}\n}}\n"));
        }
    }
}

#[test]
fn deep_nesting() {
    const DEPTH: usize = 100_000;
    let (open, close) = ("(".repeat(DEPTH), ")".repeat(DEPTH));
    survive(&format!("HloModule m\nENTRY main {{ ROOT x = {open}f32[]{close} parameter(0) }}\n"));
    let (open, close) = ("{".repeat(DEPTH), "}".repeat(DEPTH));
    survive(&format!("HloModule m\nENTRY main {{ ROOT x = f32[1] constant({open}1{close}) }}\n"));
    let (open, close) = ("tuple<".repeat(DEPTH), ">".repeat(DEPTH));
    survive(&format!("func.func @main(%x: {open}tensor<f32>{close}) {{ return }}\n"));
    survive(&format!(
        "{}func.func @main() {{ return }}{}",
        "module {".repeat(DEPTH),
        "}".repeat(DEPTH)
    ));
    let (open, close) = ("[".repeat(DEPTH), "]".repeat(DEPTH));
    survive(&format!(
        "func.func @main() {{ %0 = stablehlo.constant dense<{open}1{close}> : tensor<1xi32> return }}\n"
    ));
}

/// Long chains: what walks a graph must not recurse along it.
#[test]
fn long_chains() {
    for length in [20_000, 300] {
        let mut text = "HloModule m\nENTRY main {\n  x0 = f32[4] parameter(0)\n".to_owned();
        for n in 1..=length {
            text.push_str(&format!("  x{n} = f32[4] negate(x{})\n", n - 1));
        }
        text.push_str(&format!("  ROOT r = f32[4] add(x{length}, x0)\n}}\n"));
        read_and_compile_if_short(&text, length);
    }
}

/// Calls of calls, as deep as one likes.
#[test]
fn deep_calls() {
    for length in [20_000, 300] {
        let mut text = "HloModule m\nc0 {\n  ROOT x = f32[4] parameter(0)\n}\n".to_owned();
        let call = "f32[4] parameter(0)\n  ROOT r = f32[4] call(x), to_apply=c";
        for n in 1..=length {
            text.push_str(&format!("c{n} {{\n  x = {call}{}\n}}\n", n - 1));
        }
        text.push_str(&format!("ENTRY main {{\n  x = {call}{length}\n}}\n"));
        read_and_compile_if_short(&text, length);
    }
}

/// The compiler takes time that grows with the square of a kernel's size, the reader does not.
#[track_caller]
fn read_and_compile_if_short(text: &str, length: usize) {
    if length < 1000 {
        survive(text);
        return;
    }
    let start = now();
    drop(read_program("long", text));
    assert!(start.elapsed() < PATIENCE, "{:?} for a chain of {length}", start.elapsed());
}
