//! What the fusion pass puts into one kernel: dots with computed operands, several results.

use super::{Clock, check, emulate, inputs_of, module_of};
use std::fmt::Write as _;

/// Like [`check`], and the whole program is `n` launches.
#[track_caller]
fn check_launches(body: &str, n: usize) {
    check(body);
    let module = module_of(&format!("HloModule m\n{body}"));
    let execution = emulate(&module, &inputs_of(&module), Clock::Ideal);
    let names: Vec<&str> =
        execution.report.instructions.iter().map(|row| row.origin.instruction.as_str()).collect();
    assert_eq!(names.len(), n, "{names:?} of {body}");
}

/// How an operand of a dot is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Factor {
    /// A parameter.
    Plain,
    /// Integers of 8 bits, less 4, times one value per lane.
    Quantised,
    /// f32 values times one value per row, converted.
    RowsScaled,
    /// Where an array of predicates says so, e to it.
    Masked,
    /// On one side of the diagonal, e to it, whatever lies beyond the end.
    Triangular,
    /// f32 values and a scalar, as they are.
    Exact,
    /// f16 values and others that are the same for the whole batch.
    Shared,
}

const FACTORS: [Factor; 7] = [
    Factor::Plain,
    Factor::Quantised,
    Factor::RowsScaled,
    Factor::Masked,
    Factor::Triangular,
    Factor::Exact,
    Factor::Shared,
];

struct Program {
    text: String,
    n_parameters: usize,
}

impl Program {
    fn parameter(&mut self, name: &str, shape: &str) {
        writeln!(self.text, " {name} = {shape} parameter({})", self.n_parameters)
            .expect("text takes what is written");
        self.n_parameters += 1;
    }

    fn line(&mut self, line: &str) {
        writeln!(self.text, " {line}").expect("text takes what is written");
    }

    /// Adds operand `o` with `dims`, of the type that the factor has.
    fn factor(&mut self, o: &str, factor: Factor, dims: &[usize]) {
        let list =
            |dims: &[usize]| dims.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let d = list(dims);
        let (row, lane) = (dims.len() - 2, dims.len() - 1);
        let (rows, lanes) = (dims[row], dims[lane]);
        match factor {
            Factor::Plain => self.parameter(o, &format!("bf16[{d}]")),
            Factor::Quantised => {
                self.parameter(&format!("{o}q"), &format!("s8[{d}]"));
                self.parameter(&format!("{o}s"), &format!("bf16[{lanes}]"));
                self.line(&format!("{o}c = bf16[{d}] convert({o}q)"));
                self.line(&format!("{o}four = bf16[] constant(4)"));
                self.line(&format!("{o}fb = bf16[{d}] broadcast({o}four), dimensions={{}}"));
                self.line(&format!("{o}l = bf16[{d}] subtract({o}c, {o}fb)"));
                self.line(&format!("{o}sb = bf16[{d}] broadcast({o}s), dimensions={{{lane}}}"));
                self.line(&format!("{o} = bf16[{d}] multiply({o}l, {o}sb)"));
            }
            Factor::RowsScaled => {
                self.parameter(&format!("{o}x"), &format!("f32[{d}]"));
                self.parameter(&format!("{o}s"), &format!("bf16[{rows}]"));
                self.line(&format!("{o}w = f32[{rows}] convert({o}s)"));
                self.line(&format!("{o}sb = f32[{d}] broadcast({o}w), dimensions={{{row}}}"));
                self.line(&format!("{o}m = f32[{d}] multiply({o}x, {o}sb)"));
                self.line(&format!("{o} = bf16[{d}] convert({o}m)"));
            }
            Factor::Masked => {
                self.parameter(&format!("{o}p"), &format!("pred[{d}]"));
                self.parameter(&format!("{o}x"), &format!("bf16[{d}]"));
                self.line(&format!("{o}e = bf16[{d}] exponential({o}x)"));
                self.line(&format!("{o} = bf16[{d}] select({o}p, {o}e, {o}x)"));
            }
            Factor::Triangular => {
                self.parameter(&format!("{o}x"), &format!("bf16[{d}]"));
                self.line(&format!("{o}e = bf16[{d}] exponential({o}x)"));
                self.line(&format!("{o}i = s32[{d}] iota(), iota_dimension={row}"));
                self.line(&format!("{o}j = s32[{d}] iota(), iota_dimension={lane}"));
                self.line(&format!("{o}p = pred[{d}] compare({o}i, {o}j), direction=GE"));
                self.line(&format!("{o} = bf16[{d}] select({o}p, {o}e, {o}x)"));
            }
            Factor::Exact => {
                self.parameter(&format!("{o}x"), &format!("f32[{d}]"));
                self.parameter(&format!("{o}s"), "f32[]");
                self.line(&format!("{o}sb = f32[{d}] broadcast({o}s), dimensions={{}}"));
                self.line(&format!("{o} = f32[{d}] add({o}x, {o}sb)"));
            }
            Factor::Shared => {
                let shared = list(&dims[row..]);
                self.parameter(&format!("{o}x"), &format!("f16[{d}]"));
                self.parameter(&format!("{o}y"), &format!("f32[{shared}]"));
                self.line(&format!("{o}w = f32[{d}] convert({o}x)"));
                let kept = list(&[row, lane]);
                self.line(&format!("{o}b = f32[{d}] broadcast({o}y), dimensions={{{kept}}}"));
                self.line(&format!("{o}m = f32[{d}] maximum({o}w, {o}b)"));
                self.line(&format!("{o} = bf16[{d}] convert({o}m)"));
            }
        }
    }
}

/// A product of two operands with what each is made from.
struct Product {
    factors: [Factor; 2],
    transposed: [bool; 2],
    batch: Vec<usize>,
    /// Rows, contracted, columns.
    sizes: [usize; 3],
}

impl Product {
    fn text(&self) -> String {
        let [m, k, n] = self.sizes;
        let batch = self.batch.len();
        let mut program = Program { text: String::new(), n_parameters: 0 };
        let lhs = if self.transposed[0] { [k, m] } else { [m, k] };
        let rhs = if self.transposed[1] { [n, k] } else { [k, n] };
        let are_exact = self.factors.contains(&Factor::Exact);
        let mut names = [String::new(), String::new()];
        for (n, (name, sizes)) in [("a", lhs), ("b", rhs)].into_iter().enumerate() {
            let dims = [&self.batch[..], &sizes].concat();
            program.factor(name, self.factors[n], &dims);
            names[n] = name.to_owned();
            if are_exact && self.factors[n] != Factor::Exact {
                let dims = dims.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
                names[n] = format!("{name}wide");
                program.line(&format!("{name}wide = f32[{dims}] convert({name})"));
            }
        }
        let [a, b] = names;
        let result = [&self.batch[..], &[m, n]].concat();
        let result = result.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let batches = (0..batch).map(|d| d.to_string()).collect::<Vec<_>>().join(",");
        let batches = if batch == 0 {
            String::new()
        } else {
            format!("lhs_batch_dims={{{batches}}}, rhs_batch_dims={{{batches}}}, ")
        };
        let lhs_k = batch + usize::from(!self.transposed[0]);
        let rhs_k = batch + usize::from(self.transposed[1]);
        program.line(&format!(
            "ROOT r = f32[{result}] dot({a}, {b}), {batches}lhs_contracting_dims={{{lhs_k}}}, rhs_contracting_dims={{{rhs_k}}}, operand_precision={{highest,highest}}"
        ));
        format!("ENTRY main {{\n{}}}\n", program.text)
    }
}

#[test]
fn computed_operands_of_dots() {
    let sizes = [[40, 200, 130], [136, 72, 300], [16, 256, 128]];
    for (i, lhs) in FACTORS.into_iter().enumerate() {
        for way in 0..4 {
            let rhs = FACTORS[(i + way + 2) % FACTORS.len()];
            let transposed = [way & 1 == 1, way & 2 == 2];
            // One value per row of a transposed left operand would be moved across lanes.
            if lhs == Factor::RowsScaled && transposed[0] {
                continue;
            }
            let sizes = sizes[(i + way) % sizes.len()];
            let product = Product { factors: [lhs, rhs], transposed, batch: Vec::new(), sizes };
            check_launches(&product.text(), 1);
        }
    }
}

#[test]
fn computed_operands_of_batches() {
    for lhs in [Factor::Shared, Factor::Masked, Factor::Exact] {
        for transposed in [[false, false], [true, true]] {
            let factors = [lhs, Factor::Shared];
            let product = Product { factors, transposed, batch: vec![3], sizes: [64, 160, 144] };
            check_launches(&product.text(), 1);
        }
    }
}

#[test]
fn a_dot_with_computed_operands_and_an_epilogue_of_several_results() {
    check_launches(
        "ENTRY main {\n x = f32[72,200] parameter(0)\n q = s8[200,300] parameter(1)\n s = f32[72] parameter(2)\n e = f32[72,200] exponential(x)\n c = bf16[72,200] convert(e)\n w = bf16[200,300] convert(q)\n d = f32[72,300] dot(c, w), lhs_contracting_dims={1}, rhs_contracting_dims={0}\n sb = f32[72,300] broadcast(s), dimensions={0}\n a = f32[72,300] multiply(d, sb)\n t = f32[72,300] tanh(a)\n h = bf16[72,300] convert(t)\n ROOT r = (f32[72,300], bf16[72,300], f32[72,300]) tuple(a, h, d)\n}\n",
        1,
    );
}

#[test]
fn an_operand_that_is_needed_elsewhere_too() {
    check(
        "ENTRY main {\n x = f32[128,128] parameter(0)\n y = bf16[128,128] parameter(1)\n e = f32[128,128] exponential(x)\n c = bf16[128,128] convert(e)\n d = f32[128,128] dot(c, y), lhs_contracting_dims={1}, rhs_contracting_dims={0}\n f = f32[128,128] convert(c)\n s = f32[128,128] add(d, f)\n ROOT r = (f32[128,128], bf16[128,128]) tuple(s, c)\n}\n",
    );
}

#[test]
fn several_results() {
    for element in ["f32", "bf16"] {
        check_launches(
            &format!(
                "ENTRY main {{\n x = {element}[3,40,200] parameter(0)\n y = {element}[3,40,200] parameter(1)\n e = {element}[3,40,200] exponential(x)\n s = {element}[3,40,200] add(e, y)\n m = {element}[3,40,200] maximum(x, y)\n c = f32[3,40,200] convert(s)\n ROOT r = ({element}[3,40,200], f32[3,40,200], {element}[3,40,200]) tuple(e, c, m)\n}}\n"
            ),
            1,
        );
    }
}

#[test]
fn a_normalisation_and_what_it_is_of() {
    check_launches(
        "sum { a = f32[] parameter(0)\n b = f32[] parameter(1)\n ROOT m = f32[] add(a, b)\n}\nENTRY main {\n x = f32[40,256] parameter(0)\n y = f32[40,256] parameter(1)\n z = f32[] constant(0)\n r = f32[40,256] add(x, y)\n q = f32[40,256] multiply(r, r)\n t = f32[40] reduce(q, z), dimensions={1}, to_apply=sum\n tb = f32[40,256] broadcast(t), dimensions={0}\n n = f32[40,256] divide(r, tb)\n c = bf16[40,256] convert(n)\n ROOT o = (f32[40,256], bf16[40,256]) tuple(r, c)\n}\n",
        1,
    );
}

/// The sum needs the second product, which needs the first, which needs what the sum adds: storing
/// that from the kernel of the sum would be a cycle.
#[test]
fn a_result_that_the_other_operand_depends_on() {
    check_launches(
        "ENTRY main {\n x = bf16[128,128] parameter(0)\n w = bf16[128,128] parameter(1)\n e = bf16[128,128] exponential(x)\n d = bf16[128,128] dot(e, w), lhs_contracting_dims={1}, rhs_contracting_dims={0}\n g = bf16[128,128] dot(d, w), lhs_contracting_dims={1}, rhs_contracting_dims={0}\n ROOT a = bf16[128,128] add(e, g)\n}\n",
        3,
    );
}
