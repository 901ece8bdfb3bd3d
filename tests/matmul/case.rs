//! One product: its operands on the host, its launch, and what should come out.

use crate::host::{Array, Random, rounded};
use palmetto_compiler::{backend::generate_code, options::CompileOptions};
use palmetto_emulator::{Chip, EmulatorOptions, LaunchReport, Timing};
use palmetto_isa::{Program, TPU_V4};
use palmetto_kernels::{
    element::Element,
    expression::{Binary, Expression, NodeId, NodeOp, Unary},
    matmul::{Access, Epilogue, Input, Matmul, MatmulError, Operand, Passes, Strides, matmul},
};

/// What happens to the sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum After {
    /// They are converted to the type of the output.
    #[default]
    Convert,
    /// `sum * scalar + row`, the scalar and the row (of this type) being operands.
    ScaleAndBias(Element),
    /// `maximum(sum, matrix)`, the matrix (of this type) being an operand, and the sum as f32.
    Two(Element),
    /// The sum plus 1000 times the row index plus the lane index.
    Indices,
}

/// A product.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) batch: Vec<usize>,
    pub(crate) m: Vec<usize>,
    pub(crate) n: Vec<usize>,
    pub(crate) k: Vec<usize>,
    pub(crate) lhs: (Element, bool),
    pub(crate) rhs: (Element, bool),
    /// Whether the right operand is the same for the whole batch.
    pub(crate) shares_rhs: bool,
    pub(crate) passes: Passes,
    pub(crate) output: Element,
    pub(crate) after: After,
    /// The largest integer in the operands; fractions if 0.
    pub(crate) most: [u32; 2],
}

impl Default for Case {
    fn default() -> Self {
        Self {
            batch: Vec::new(),
            m: vec![8],
            n: vec![128],
            k: vec![128],
            lhs: (Element::Bf16, false),
            rhs: (Element::Bf16, false),
            shares_rhs: false,
            passes: Passes::One,
            output: Element::F32,
            after: After::Convert,
            most: [4, 4],
        }
    }
}

/// A plain `[m, k] x [k, n]`.
pub(crate) fn plain(m: usize, k: usize, n: usize) -> Case {
    Case { m: vec![m], k: vec![k], n: vec![n], ..Case::default() }
}

fn majors(sizes: &[usize]) -> &[usize] {
    &sizes[..sizes.len() - 1]
}

fn last(sizes: &[usize]) -> usize {
    sizes[sizes.len() - 1]
}

/// Strides of contiguous matrices, by dimension, slowest first.
fn contiguous(sizes: &[usize], matrix: usize) -> Vec<usize> {
    let mut stride = matrix;
    let mut strides: Vec<usize> = Vec::new();
    for size in sizes.iter().rev() {
        strides.insert(0, stride);
        stride *= size;
    }
    strides
}

/// Values of all arrays of a case, and where these are.
pub(crate) struct Data {
    pub(crate) lhs: Vec<f64>,
    pub(crate) rhs: Vec<f64>,
    inputs: Vec<Vec<f64>>,
    arrays: Vec<Array>,
    /// How many of the arrays are inputs.
    n_inputs: usize,
}

impl Case {
    fn array(&self, element: Element, groups: &[&[usize]], tiled: [usize; 2]) -> Array {
        let sizes = groups.iter().flat_map(|sizes| sizes.iter().copied()).chain(tiled).collect();
        Array { element, sizes, start: 0 }
    }

    fn lhs_array(&self) -> Array {
        let (element, transposed) = self.lhs;
        let tiled = [last(&self.m), last(&self.k)];
        let tiled = if transposed { [tiled[1], tiled[0]] } else { tiled };
        self.array(element, &[&self.batch, majors(&self.m), majors(&self.k)], tiled)
    }

    fn rhs_array(&self) -> Array {
        let (element, transposed) = self.rhs;
        let tiled = [last(&self.k), last(&self.n)];
        let tiled = if transposed { [tiled[1], tiled[0]] } else { tiled };
        let batch: &[usize] = if self.shares_rhs { &[] } else { &self.batch };
        self.array(element, &[batch, majors(&self.k), majors(&self.n)], tiled)
    }

    fn output_array(&self, element: Element) -> Array {
        let groups = [&self.batch[..], majors(&self.m), majors(&self.n)];
        self.array(element, &groups, [last(&self.m), last(&self.n)])
    }

    fn lhs_strides(&self) -> Strides {
        let sizes = [&self.batch, majors(&self.m), majors(&self.k)].concat();
        let all = contiguous(&sizes, self.lhs_array().matrix_granules());
        let (batch, rest) = all.split_at(self.batch.len());
        let (m, k) = rest.split_at(self.m.len() - 1);
        Strides { batch: batch.to_vec(), m: m.to_vec(), n: Vec::new(), k: k.to_vec() }
    }

    fn rhs_strides(&self) -> Strides {
        let batch: &[usize] = if self.shares_rhs { &[] } else { &self.batch };
        let sizes = [batch, majors(&self.k), majors(&self.n)].concat();
        let all = contiguous(&sizes, self.rhs_array().matrix_granules());
        let (with_batch, rest) = all.split_at(batch.len());
        let (k, n) = rest.split_at(self.k.len() - 1);
        let batch = if self.shares_rhs { vec![0; self.batch.len()] } else { with_batch.to_vec() };
        Strides { batch, m: Vec::new(), n: n.to_vec(), k: k.to_vec() }
    }

    fn output_strides(&self, element: Element) -> Strides {
        let sizes = [&self.batch, majors(&self.m), majors(&self.n)].concat();
        let all = contiguous(&sizes, self.output_array(element).matrix_granules());
        let (batch, rest) = all.split_at(self.batch.len());
        let (m, n) = rest.split_at(self.m.len() - 1);
        Strides { batch: batch.to_vec(), m: m.to_vec(), n: n.to_vec(), k: Vec::new() }
    }

    pub(crate) fn spec(&self) -> Matmul {
        let operand = |(element, transposed), strides| Operand {
            element,
            transposed,
            strides,
            prologue: None,
        };
        Matmul {
            name: "product".into(),
            batch: self.batch.clone(),
            m: self.m.clone(),
            n: self.n.clone(),
            k: self.k.clone(),
            lhs: operand(self.lhs, self.lhs_strides()),
            rhs: operand(self.rhs, self.rhs_strides()),
            passes: self.passes,
            epilogue: self.epilogue(),
        }
    }

    fn epilogue(&self) -> Epilogue {
        let mut e = Expression::default();
        let f32 = Element::F32;
        let sum = e.add(NodeOp::Input(0), f32);
        let (value, inputs) = match self.after {
            After::Convert => (sum, Vec::new()),
            After::ScaleAndBias(element) => {
                let scale = e.add(NodeOp::Input(1), f32);
                let scaled = e.add(NodeOp::Binary(Binary::Multiply, sum, scale), f32);
                let row = widened(&mut e, 2, element);
                let value = e.add(NodeOp::Binary(Binary::Add, scaled, row), f32);
                let scalar = Input { element: f32, access: Access::Scalar };
                (value, vec![scalar, Input { element, access: Access::Row }])
            }
            After::Two(element) => {
                let other = widened(&mut e, 1, element);
                let value = e.add(NodeOp::Binary(Binary::Maximum, sum, other), f32);
                let access = Access::Matrix(self.output_strides(element));
                (value, vec![Input { element, access }])
            }
            After::Indices => {
                let axes = [
                    palmetto_kernels::expression::Axis::Row,
                    palmetto_kernels::expression::Axis::Lane,
                ];
                let [row, lane] = axes.map(|axis| e.add(NodeOp::Iota(axis), f32));
                let thousand = e.add(NodeOp::Constant(1000f32.to_bits()), f32);
                let row = e.add(NodeOp::Binary(Binary::Multiply, row, thousand), f32);
                let indices = e.add(NodeOp::Binary(Binary::Add, row, lane), f32);
                (e.add(NodeOp::Binary(Binary::Add, sum, indices), f32), Vec::new())
            }
        };
        let value = if self.output == f32 {
            value
        } else {
            e.add(NodeOp::Unary(Unary::Convert, value), self.output)
        };
        let mut outputs = vec![(value, self.output_strides(self.output))];
        if matches!(self.after, After::Two(_)) {
            outputs.push((sum, self.output_strides(f32)));
        }
        Epilogue { expression: e, inputs, outputs }
    }

    /// The values of all arrays.
    pub(crate) fn data(&self) -> Data {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let mut fill = |array: &Array, most: u32| {
            let n = array.sizes.iter().product::<usize>();
            let draw = |_| {
                let value = if most == 0 { random.fraction() } else { random.integer(most) };
                rounded(array.element, value)
            };
            (0..n).map(draw).collect::<Vec<f64>>()
        };
        let (lhs, rhs) = (self.lhs_array(), self.rhs_array());
        let further = match self.after {
            After::Convert | After::Indices => Vec::new(),
            After::ScaleAndBias(element) => {
                let of_rank_1 = |length: usize, element| Array {
                    element,
                    sizes: vec![length.div_ceil(128), 128],
                    start: 0,
                };
                vec![of_rank_1(1, Element::F32), of_rank_1(last(&self.n), element)]
            }
            After::Two(element) => vec![self.output_array(element)],
        };
        let mut outputs = vec![self.output_array(self.output)];
        if matches!(self.after, After::Two(_)) {
            outputs.push(self.output_array(Element::F32));
        }
        let (lhs_values, rhs_values) = (fill(&lhs, self.most[0]), fill(&rhs, self.most[1]));
        let inputs = further.iter().map(|array| fill(array, 3)).collect();
        let n_inputs = 2 + further.len();
        let mut arrays: Vec<Array> = [lhs, rhs].into_iter().chain(further).chain(outputs).collect();
        let mut next = 0;
        for array in &mut arrays {
            array.start = next;
            next += array.granules() as u32;
        }
        Data { lhs: lhs_values, rhs: rhs_values, inputs, arrays, n_inputs }
    }

    pub(crate) fn program(&self) -> Result<Program, MatmulError> {
        let function = matmul(&self.spec(), &TPU_V4)?;
        Ok(generate_code(&function, &CompileOptions::v4().checked())
            .expect("the back end takes every matmul"))
    }

    /// Launches the product; the report and the outputs.
    pub(crate) fn launch(
        &self,
        program: &Program,
        data: &Data,
        (strict, timing): (bool, &mut dyn Timing),
    ) -> (LaunchReport, Vec<Vec<f64>>) {
        let options = EmulatorOptions { strict, ..EmulatorOptions::default() };
        let mut chip = Chip::new(TPU_V4, &options);
        let values = [&data.lhs, &data.rhs].into_iter().chain(&data.inputs);
        for (array, values) in data.arrays.iter().zip(values) {
            chip.write_hbm(array.start, &array.bytes(values)).expect("arrays fit into HBM");
        }
        let arguments: Vec<u32> = data.arrays.iter().map(|array| array.start).collect();
        let report = chip.launch(program, &arguments, timing);
        let report = report.unwrap_or_else(|fault| panic!("{self:?}: {fault}"));
        let outputs = &data.arrays[data.n_inputs..];
        let read = |array: &Array| {
            let n_bytes = array.granules() * palmetto_isa::memory::GRANULE_BYTES;
            array.values(chip.read_hbm(array.start, n_bytes).expect("outputs are written"))
        };
        (report, outputs.iter().map(read).collect())
    }

    /// Per output element, the sum as a large float and the sum of magnitudes.
    fn sums(&self, data: &Data) -> Vec<(f64, f64)> {
        let size = |sizes: &[usize]| sizes.iter().product::<usize>();
        let (m, n, k) = (last(&self.m), last(&self.n), last(&self.k));
        let (mm, nm, km) = (size(majors(&self.m)), size(majors(&self.n)), size(majors(&self.k)));
        let one = self.passes == Passes::One;
        let take = |values: &[f64], index: usize| {
            if one { rounded(Element::Bf16, values[index]) } else { values[index] }
        };
        let lhs_at = |b: usize, i: [usize; 2], j: [usize; 2]| {
            let matrix = (b * mm + i[0]) * km + j[0];
            let within = if self.lhs.1 { j[1] * m + i[1] } else { i[1] * k + j[1] };
            take(&data.lhs, matrix * m * k + within)
        };
        let rhs_at = |b: usize, j: [usize; 2], l: [usize; 2]| {
            let b = if self.shares_rhs { 0 } else { b };
            let matrix = (b * km + j[0]) * nm + l[0];
            let within = if self.rhs.1 { l[1] * k + j[1] } else { j[1] * n + l[1] };
            take(&data.rhs, matrix * k * n + within)
        };
        let mut sums = Vec::new();
        for matrix in 0..size(&self.batch) * mm * nm {
            let (b, i0, l0) = (matrix / (mm * nm), matrix / nm % mm, matrix % nm);
            let mut row = vec![(0.0, 0.0); n];
            for i1 in 0..m {
                row.fill((0.0, 0.0));
                for j0 in 0..km {
                    for j1 in 0..k {
                        let x = lhs_at(b, [i0, i1], [j0, j1]);
                        for (l1, sum) in row.iter_mut().enumerate() {
                            let product = x * rhs_at(b, [j0, j1], [l0, l1]);
                            *sum = (sum.0 + product, sum.1 + product.abs());
                        }
                    }
                }
                sums.extend_from_slice(&row);
            }
        }
        sums
    }

    /// Per output, what each element should be, and how far off it may be.
    pub(crate) fn expected(&self, data: &Data) -> Vec<Vec<(f64, f64)>> {
        let sums = self.sums(data);
        let (m, n) = (last(&self.m), last(&self.n));
        let unit = match (self.most, self.passes) {
            ([0, 0], Passes::One) => 2f64.powi(-20),
            ([0, 0], Passes::Three) => 2f64.powi(-15),
            ([0, 0], Passes::Six) => 2f64.powi(-20),
            // Products and sums of small integers are exact.
            _ => 0.0,
        };
        let value = |(index, (sum, size)): (usize, &(f64, f64))| {
            let (row, lane) = (index / n % m, index % n);
            let value = match self.after {
                After::Convert => *sum,
                After::ScaleAndBias(_) => sum * data.inputs[0][0] + data.inputs[1][lane],
                After::Two(_) => sum.max(data.inputs[0][index]),
                After::Indices => sum + (1000 * row + lane) as f64,
            };
            (rounded(self.output, value), size * unit)
        };
        let first = sums.iter().enumerate().map(value).collect();
        if matches!(self.after, After::Two(_)) {
            return vec![first, sums.iter().map(|(sum, size)| (*sum, size * unit)).collect()];
        }
        vec![first]
    }

    /// Compares what a launch gave with what should have come out.
    #[track_caller]
    pub(crate) fn compare(&self, outputs: &[Vec<f64>], expected: &[Vec<(f64, f64)>]) {
        for (n, (given, wanted)) in outputs.iter().zip(expected).enumerate() {
            for (index, (given, (wanted, off))) in given.iter().zip(wanted).enumerate() {
                let is_close = (given - wanted).abs() <= *off;
                assert!(is_close, "{self:?}: output {n}[{index}] is {given}, not {wanted}");
            }
        }
    }
}

/// Input `index` of the epilogue, converted to f32.
fn widened(e: &mut Expression, index: usize, element: Element) -> NodeId {
    let input = e.add(NodeOp::Input(index), element);
    if element == Element::F32 {
        input
    } else {
        e.add(NodeOp::Unary(Unary::Convert, input), Element::F32)
    }
}
