//! Random loops and branches on the emulator in strict mode: the evaluator's bits, under every
//! clock.
//!
//! States have swaps, elements that never change, accumulations, updates of parts, inner loops and
//! branches: what decides which arrays share memory, and which are copied when.

use palmetto_compiler::{
    compile,
    diagnostic::SourceText,
    evaluator::{EvaluatorOptions, evaluate},
    executable::{Executable, Step},
    hlo::{Literal, Module, parse_module, verify},
    options::CompileOptions,
};
use palmetto_runtime::{
    Clock, LoadedExecutable, RunOptions,
    seeded::{self, UNIT},
};
use palmetto_testkit::llo_generator::Random;
use std::fmt::Write;

const SEEDS: u64 = 60;
/// Arrays in a state.
const ARRAYS: usize = 3;
const SIZES: [&[usize]; 4] = [&[8, 128], &[24, 200], &[3, 16, 130], &[300]];

/// Writes a module.
struct Writer {
    random: Random,
    computations: String,
    n_computations: usize,
    sizes: &'static [usize],
}

impl Writer {
    fn array(&self) -> String {
        format!("f32{:?}", self.sizes).replace(' ', "")
    }

    fn state(&self) -> String {
        format!("(s32[], {})", vec![self.array(); ARRAYS].join(", "))
    }

    fn add_computation(&mut self, text: &str) -> String {
        let name = format!("c{}", self.n_computations);
        self.n_computations += 1;
        writeln!(self.computations, "{name} {{\n{text}}}\n").expect("a string takes everything");
        name
    }

    /// Lines that take a state `s` apart, and the names of its arrays.
    fn elements(&self) -> (String, Vec<String>) {
        let mut text = format!(" s = {} parameter(0)\n", self.state());
        text += " i = s32[] get-tuple-element(s), index=0\n";
        let names: Vec<String> = (0..ARRAYS).map(|n| format!("x{n}")).collect();
        for (n, name) in names.iter().enumerate() {
            let array = self.array();
            text += &format!(" {name} = {array} get-tuple-element(s), index={}\n", n + 1);
        }
        (text, names)
    }

    /// A line that makes a value of others.
    fn value(&mut self, name: &str, values: &[String], depth: usize) -> String {
        let array = self.array();
        let [a, b] = [0, 1].map(|_| values[self.random.below(values.len())].clone());
        match self.random.below(if depth > 0 { 8 } else { 6 }) {
            0 => self.update(name, [&a, &b]),
            1 => format!(" {name} = {array} maximum({a}, {b})\n"),
            2 => format!(" {name} = {array} subtract({a}, {b})\n"),
            3 => format!(" {name} = {array} negate({a})\n"),
            4 => self.conditional(name, [&a, &b]),
            5 => format!(" {name} = {array} add({a}, {b})\n"),
            _ => self.inner_loop(name, values, depth - 1),
        }
    }

    /// A part of an array in the place that `i` says.
    fn update(&self, name: &str, [a, b]: [&str; 2]) -> String {
        let array = self.array();
        let mut part = self.sizes.to_vec();
        part[0] = part[0].div_ceil(4);
        let slice: Vec<String> = part.iter().map(|size| format!("[0:{size}]")).collect();
        let part = format!("f32{part:?}").replace(' ', "");
        let indices = vec!["i"; self.sizes.len()].join(", ");
        format!(
            " {name}.p = {part} slice({b}), slice={{{}}}\n {name} = {array} dynamic-update-slice({a}, {name}.p, {indices})\n",
            slice.join(", ")
        )
    }

    fn conditional(&mut self, name: &str, [a, b]: [&str; 2]) -> String {
        let array = self.array();
        let pair = format!("({array}, {array})");
        let taken_apart = format!(
            " s = {pair} parameter(0)\n a = {array} get-tuple-element(s), index=0\n b = {array} get-tuple-element(s), index=1\n"
        );
        let branches = ["add(a, b)", "add(b, b)"].map(|op| {
            let other = if self.random.below(2) == 0 { "a" } else { "r" };
            let text =
                format!("{taken_apart} r = {array} {op}\n ROOT t = {pair} tuple({other}, r)\n");
            self.add_computation(&text)
        });
        format!(
            " {name}.o = s32[] constant(1)\n {name}.c = pred[] compare(i, {name}.o), direction=LE\n {name}.t = {pair} tuple({a}, {b})\n {name}.r = {pair} conditional({name}.c, {name}.t, {name}.t), branch_computations={{{}}}\n {name} = {array} get-tuple-element({name}.r), index={}\n",
            branches.join(", "),
            self.random.below(2),
        )
    }

    fn inner_loop(&mut self, name: &str, values: &[String], depth: usize) -> String {
        let (array, state) = (self.array(), self.state());
        let initial: Vec<String> =
            (0..ARRAYS).map(|_| values[self.random.below(values.len())].clone()).collect();
        let (condition, body) = (self.condition(), self.body(depth));
        format!(
            " {name}.z = s32[] constant(0)\n {name}.i = {state} tuple({name}.z, {})\n {name}.w = {state} while({name}.i), condition={condition}, body={body}\n {name} = {array} get-tuple-element({name}.w), index={}\n",
            initial.join(", "),
            1 + self.random.below(ARRAYS),
        )
    }

    fn condition(&mut self) -> String {
        let trips = self.random.below(4);
        let text = format!(
            " s = {} parameter(0)\n i = s32[] get-tuple-element(s), index=0\n n = s32[] constant({trips})\n ROOT r = pred[] compare(i, n), direction=LT\n",
            self.state()
        );
        self.add_computation(&text)
    }

    fn body(&mut self, depth: usize) -> String {
        let (mut text, mut values) = self.elements();
        for n in 0..self.random.below(4) {
            let name = format!("v{n}");
            text += &self.value(&name, &values, depth);
            values.push(name);
        }
        text += " one = s32[] constant(1)\n j = s32[] add(i, one)\n";
        let next: Vec<String> = (0..ARRAYS)
            .map(|n| match self.random.below(3) {
                0 => values[n].clone(),
                1 => values[self.random.below(values.len())].clone(),
                _ => values[values.len() - 1].clone(),
            })
            .collect();
        text += &format!(" ROOT t = {} tuple(j, {})\n", self.state(), next.join(", "));
        self.add_computation(&text)
    }
}

fn random_module(seed: u64) -> String {
    let mut random = Random::new(seed);
    let sizes = SIZES[random.below(SIZES.len())];
    let mut w = Writer { random, computations: String::new(), n_computations: 0, sizes };
    let array = w.array();
    let mut text = String::from(" i = s32[] constant(0)\n");
    let mut values = Vec::new();
    for n in 0..ARRAYS {
        text += &format!(" p{n} = {array} parameter({n})\n");
        values.push(format!("p{n}"));
    }
    for n in 0..2 + w.random.below(3) {
        let name = format!("m{n}");
        text += &w.value(&name, &values, 2);
        values.push(name);
    }
    text += &w.inner_loop("w", &values, 1);
    for index in 1..=ARRAYS {
        text += &format!(" r{index} = {array} get-tuple-element(w.w), index={index}\n");
    }
    let kept = &values[w.random.below(values.len())];
    text += &format!(
        " ROOT r = ({}) tuple(r1, r2, r3, {kept})\n",
        [array.as_str(); ARRAYS + 1].join(", ")
    );
    format!("HloModule m\n\n{}ENTRY main {{\n{text}}}\n", w.computations)
}

fn module_of(text: &str) -> Module {
    let module = parse_module(SourceText::new("test.hlo", text));
    let module = module.unwrap_or_else(|error| panic!("{error}\n{text}"));
    verify(&module).unwrap_or_else(|error| panic!("{error}\n{text}"));
    module
}

fn compiled(module: &Module) -> Executable {
    compile(module, &CompileOptions::v4()).unwrap_or_else(|error| panic!("{error}"))
}

fn leaves(literal: Literal) -> Vec<Literal> {
    match literal {
        Literal::Array(array) => vec![Literal::Array(array)],
        Literal::Tuple(elements) => elements.into_iter().flat_map(leaves).collect(),
    }
}

#[test]
fn random_loops_give_the_evaluator_s_bits() {
    for seed in 0..SEEDS {
        let text = random_module(seed);
        let module = module_of(&text);
        let entry = module.entry_computation();
        let shapes = entry.parameters().iter().map(|&id| entry.instruction(id).array_shape());
        let inputs: Vec<Literal> =
            (0..).zip(shapes).map(|(n, shape)| seeded::literal(7, n, shape, UNIT).into()).collect();
        let expected = evaluate(&module, &inputs, &EvaluatorOptions::default());
        let expected = leaves(expected.unwrap_or_else(|error| panic!("{error}\n{text}")).result);
        let loaded = LoadedExecutable::load(compiled(&module)).unwrap_or_else(|e| panic!("{e}"));
        for clock in [Clock::Chip, Clock::Ideal, Clock::Chaos(seed)] {
            let options = RunOptions { strict: true, clock, max_trips: 1000 };
            let execution = loaded.run(&inputs, &options);
            let execution =
                execution.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
            assert!(execution.outputs == expected, "seed {seed}, {clock:?}\n{text}");
        }
    }
}

/// How many copies there are, in loops and outside of them.
fn copies(executable: &Executable, steps: &[Step]) -> [usize; 2] {
    let mut counts = [0, 0];
    for step in steps {
        let is_copy = match step {
            Step::Launch(launch) => executable.functions[launch.program].name == "copy",
            Step::Copy { .. } => true,
            Step::While { condition, body, .. } => {
                counts[0] += copies(executable, condition).iter().sum::<usize>();
                counts[0] += copies(executable, body).iter().sum::<usize>();
                false
            }
            Step::Conditional { branches, .. } => {
                for branch in branches {
                    let [inside, outside] = copies(executable, branch);
                    counts = [counts[0] + inside, counts[1] + outside];
                }
                false
            }
            Step::Modelled(_) | Step::Send(_) | Step::Recv(_) | Step::Check { .. } => false,
        };
        counts[1] += usize::from(is_copy);
    }
    counts
}

/// Copies of a loop over `(s32[], x, y)` with this body and this initial state.
fn copies_of_loop(initial: &str, body: &str) -> [usize; 2] {
    let state = "(s32[], f32[16,256], f32[16,256])";
    copies_of(&format!(
        "HloModule m\ncondition {{\n s = {state} parameter(0)\n i = s32[] get-tuple-element(s), index=0\n n = s32[] constant(5)\n ROOT r = pred[] compare(i, n), direction=LT\n}}\nbody {{\n s = {state} parameter(0)\n i = s32[] get-tuple-element(s), index=0\n x = f32[16,256] get-tuple-element(s), index=1\n y = f32[16,256] get-tuple-element(s), index=2\n one = s32[] constant(1)\n j = s32[] add(i, one)\n{body}}}\nENTRY main {{\n p = f32[16,256] parameter(0)\n q = f32[16,256] parameter(1)\n zero = s32[] constant(0)\n{initial} i = {state} tuple(zero, a, b)\n w = {state} while(i), condition=condition, body=body\n x = f32[16,256] get-tuple-element(w), index=1\n y = f32[16,256] get-tuple-element(w), index=2\n ROOT r = (f32[16,256], f32[16,256]) tuple(x, y)\n}}\n"
    ))
}

fn copies_of(text: &str) -> [usize; 2] {
    let executable = compiled(&module_of(text));
    copies(&executable, &executable.steps)
}

/// Initial values that live in arrays of their own: two kernels.
const TEMPORARY: &str = " a = f32[16,256] negate(p)\n b.t = f32[16,256] dynamic-update-slice(q, q, zero, zero)\n b = f32[16,256] exponential(b.t)\n";

#[test]
fn copies_are_counted() {
    let state = "(s32[], f32[16,256], f32[16,256])";
    let count = |body: &str| {
        copies_of_loop(TEMPORARY, &format!("{body} ROOT t = {state} tuple(j, u, v)\n"))
    };
    // The counter starts as a constant, which is copied: 1 outside of the loop.
    let in_place = " u = f32[16,256] add(x, y)\n v = f32[16,256] negate(y)\n";
    assert_eq!(count(in_place), [0, 1], "each is computed where the old one was");
    let together = " u = f32[16,256] add(x, y)\n v = f32[16,256] subtract(y, x)\n";
    assert_eq!(count(together), [0, 1], "one kernel reads both and writes both");
    let crossed = " u = f32[16,256] add(x, y)\n v = f32[16,256] reverse(x), dimensions={0}\n";
    assert_eq!(count(crossed), [1, 1], "the second kernel reads what the first would write over");
    let swap = " u = f32[16,256] bitcast(y)\n v = f32[16,256] bitcast(x)\n";
    assert_eq!(count(swap), [3, 1], "a swap takes three");
    let shift = " u = f32[16,256] bitcast(y)\n v = f32[16,256] add(x, y)\n";
    assert_eq!(count(shift), [2, 1]);
    let update = " z = s32[] constant(0)\n p = f32[1,256] slice(y), slice={[3:4], [0:256]}\n u = f32[16,256] dynamic-update-slice(x, p, i, z)\n v = f32[16,256] negate(y)\n";
    assert_eq!(count(update), [0, 1], "a part is written where it belongs");
    let needed = " z = s32[] constant(0)\n p = f32[1,256] slice(y), slice={[3:4], [0:256]}\n u = f32[16,256] dynamic-update-slice(x, p, i, z)\n v = f32[16,256] subtract(u, x)\n";
    assert_eq!(count(needed), [2, 1], "one for the update, one since the old array is read after");
    let invariant = " u = f32[16,256] add(x, y)\n";
    let parameters = " a = f32[16,256] bitcast(p)\n b = f32[16,256] bitcast(q)\n";
    let body = format!("{invariant} ROOT t = {state} tuple(j, u, y)\n");
    assert_eq!(copies_of_loop(parameters, &body), [0, 3], "the counter, a parameter, a result");
}

#[test]
fn a_product_is_not_written_over_its_operand() {
    let state = "(s32[], bf16[256,256])";
    let text = |op: &str| {
        format!(
            "HloModule m\ncondition {{\n s = {state} parameter(0)\n i = s32[] get-tuple-element(s), index=0\n n = s32[] constant(5)\n ROOT r = pred[] compare(i, n), direction=LT\n}}\nbody {{\n s = {state} parameter(0)\n i = s32[] get-tuple-element(s), index=0\n x = bf16[256,256] get-tuple-element(s), index=1\n one = s32[] constant(1)\n j = s32[] add(i, one)\n u = bf16[256,256] {op}\n ROOT t = {state} tuple(j, u)\n}}\nENTRY main {{\n p = bf16[256,256] parameter(0)\n zero = s32[] constant(0)\n i = {state} tuple(zero, p)\n w = {state} while(i), condition=condition, body=body\n ROOT x = bf16[256,256] get-tuple-element(w), index=1\n}}\n"
        )
    };
    let product = "dot(x, x), lhs_contracting_dims={1}, rhs_contracting_dims={0}";
    assert_eq!(copies_of(&text(product)), [1, 2]);
    assert_eq!(copies_of(&text("add(x, x)")), [0, 2]);
}
