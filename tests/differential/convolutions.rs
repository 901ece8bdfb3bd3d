//! Convolutions: those of a residual network and their gradients, then generated ones.

use palmetto_testkit::llo_generator::Random;

use super::{check, inputs_of, modelled_launches, module_of};

/// Generated programs; a failure names its seed.
const PROGRAMS: usize = 120;
/// How many of them may have modelled launches.
const MOST_MODELLED: usize = 21;
/// The most elements of operand, kernel and result, and the most products.
const MOST_ELEMENTS: usize = 40_000;
const MOST_PRODUCTS: usize = 4_000_000;

fn check_convolution(element: &str, [lhs, rhs, result]: [&str; 3], attributes: &str) {
    check(&format!(
        "ENTRY main {{\n x = {element}[{lhs}] parameter(0)\n k = {element}[{rhs}] parameter(1)\n ROOT r = {element}[{result}] convolution(x, k), {attributes}\n}}\n"
    ));
}

#[test]
fn of_a_residual_network() {
    let one = "window={size=1x1}, dim_labels=b01f_01io->b01f";
    check_convolution("bf16", ["2,8,8,64", "1,1,64,128", "2,8,8,128"], one);
    let strided = "window={size=1x1 stride=2x2}, dim_labels=b01f_01io->b01f";
    check_convolution("bf16", ["2,8,8,64", "1,1,64,128", "2,4,4,128"], strided);
    let same = "window={size=3x3 pad=1_1x1_1}, dim_labels=b01f_01io->b01f";
    check_convolution("bf16", ["2,14,14,64", "3,3,64,64", "2,14,14,64"], same);
    check_convolution("f32", ["2,7,7,128", "3,3,128,64", "2,7,7,64"], same);
    let down = "window={size=3x3 stride=2x2 pad=1_1x1_1}, dim_labels=b01f_01io->b01f";
    check_convolution("bf16", ["2,14,14,64", "3,3,64,32", "2,7,7,32"], down);
    let first = "window={size=7x7 stride=2x2 pad=3_3x3_3}, dim_labels=b01f_01io->b01f";
    check_convolution("bf16", ["2,32,32,3", "7,7,3,64", "2,16,16,64"], first);
    let first = "window={size=7x7 stride=2x2 pad=3_3x3_3}, dim_labels=bf01_oi01->bf01";
    check_convolution("f32", ["2,3,32,32", "64,3,7,7", "2,64,16,16"], first);
}

#[test]
fn gradients_of_a_residual_network() {
    // Of the operand: the kernel turned around, with the roles of its features exchanged.
    let same = "window={size=3x3 pad=1_1x1_1 rhs_reversal=1x1}, dim_labels=b01f_01oi->b01f";
    check_convolution("bf16", ["2,14,14,64", "3,3,32,64", "2,14,14,32"], same);
    let down =
        "window={size=3x3 pad=1_2x1_2 lhs_dilate=2x2 rhs_reversal=1x1}, dim_labels=b01f_01oi->b01f";
    check_convolution("bf16", ["2,7,7,32", "3,3,64,32", "2,14,14,64"], down);
    // Of the kernel: the batch is summed over.
    let same = "window={size=14x14 pad=1_1x1_1}, dim_labels=f01b_i01o->01bf";
    check_convolution("bf16", ["2,14,14,64", "2,14,14,32", "3,3,64,32"], same);
    let down = "window={size=7x7 pad=1_0x1_0 rhs_dilate=2x2}, dim_labels=f01b_i01o->01bf";
    check_convolution("f32", ["2,14,14,64", "2,7,7,32", "3,3,64,32"], down);
    let first = "window={size=16x16 pad=3_2x3_2 rhs_dilate=2x2}, dim_labels=f01b_i01o->01bf";
    check_convolution("bf16", ["2,32,32,3", "2,16,16,64", "7,7,3,64"], first);
}

#[test]
fn groups() {
    let groups = "window={size=3x3 pad=1_1x1_1}, dim_labels=b01f_01io->b01f, feature_group_count=4";
    check_convolution("bf16", ["2,8,8,128", "3,3,32,64", "2,8,8,64"], groups);
    let depthwise =
        "window={size=3x3 pad=1_1x1_1}, dim_labels=b01f_01io->b01f, feature_group_count=64";
    check_convolution("bf16", ["2,8,8,64", "3,3,1,64", "2,8,8,64"], depthwise);
    check_convolution("f32", ["2,8,8,64", "3,3,1,64", "2,8,8,64"], depthwise);
    let gradient =
        "window={size=8x8 pad=1_1x1_1}, dim_labels=f01b_i01o->01bf, batch_group_count=64";
    check_convolution("f32", ["2,8,8,64", "2,8,8,64", "3,3,1,64"], gradient);
    let gradient = "window={size=8x8 pad=1_1x1_1}, dim_labels=f01b_i01o->01bf, batch_group_count=4";
    check_convolution("bf16", ["2,8,8,128", "2,8,8,64", "3,3,32,64"], gradient);
}

/// A convolution with everything that one may have.
fn program(seed: u64) -> Option<String> {
    let random = &mut Random::new(seed);
    let spatial = random.below(4);
    let pick = |random: &mut Random, from: &[usize]| from[random.below(from.len())];
    let orders = [(); 3].map(|()| shuffled(random, spatial + 2));
    let (batch, features) =
        (pick(random, &[1, 2, 3, 8, 16]), pick(random, &[1, 2, 3, 4, 8, 20, 130]));
    let groups = [2, 3, 4, batch, features][random.below(5)];
    let (feature_groups, batch_groups) = match random.below(4) {
        0 if features.is_multiple_of(groups) => (groups, 1),
        1 if batch.is_multiple_of(groups) => (1, groups),
        _ => (1, 1),
    };
    let outputs = feature_groups * batch_groups * pick(random, &[1, 1, 2, 5, 40]);
    let (mut lhs, mut rhs, mut result) =
        (vec![batch, features], vec![features / feature_groups, outputs], vec![0, outputs]);
    result[0] = batch / batch_groups;
    let mut window: [Vec<String>; 6] = Default::default();
    for _ in 0..spatial {
        let (size, kernel) =
            (pick(random, &[1, 2, 5, 8, 13, 20]), pick(random, &[1, 1, 2, 3, 3, 5, 9]));
        let [stride, base, dilation] = [(); 3].map(|()| pick(random, &[1, 1, 1, 2, 3]));
        let low = pick(random, &[0, 0, 1, 2, 3]);
        let high = pick(random, &[0, 0, 1, 2]);
        let cut = i64::from(random.below(5) == 0);
        let low = low as i64 - cut;
        let padded = (size as i64 - 1) * base as i64 + 1 + low + high as i64;
        let span = (kernel as i64 - 1) * dilation as i64 + 1;
        let positions = usize::try_from((padded - span).div_euclid(stride as i64) + 1).ok()?;
        lhs.push(size);
        rhs.push(kernel);
        result.push(positions);
        let reversed = u8::from(random.below(3) == 0);
        let parts = [
            kernel.to_string(),
            stride.to_string(),
            format!("{low}_{high}"),
            base.to_string(),
            dilation.to_string(),
            reversed.to_string(),
        ];
        window.iter_mut().zip(parts).for_each(|(list, part)| list.push(part));
    }
    let products = result.iter().product::<usize>() * rhs.iter().product::<usize>() / outputs;
    let arrays = [&lhs, &rhs, &result].map(|sizes| sizes.iter().product::<usize>());
    if products > MOST_PRODUCTS || arrays.iter().any(|n| *n > MOST_ELEMENTS || *n == 0) {
        return None;
    }
    let element = ["f32", "f32", "bf16", "f16"][random.below(4)];
    let [of_lhs, of_rhs, of_result] =
        [(&lhs, &orders[0]), (&rhs, &orders[1]), (&result, &orders[2])]
            .map(|(sizes, order)| listed(order, |role| sizes[role].to_string(), ","));
    let labels = labels(&orders);
    let keys = ["size", "stride", "pad", "lhs_dilate", "rhs_dilate", "rhs_reversal"];
    let window: Vec<String> =
        keys.iter().zip(&window).map(|(key, list)| format!("{key}={}", list.join("x"))).collect();
    let window = match spatial {
        0 => String::new(),
        _ => format!("window={{{}}}, ", window.join(" ")),
    };
    let precision = ["default", "high", "highest"][random.below(3)];
    Some(format!(
        "HloModule m\nENTRY main {{\n x = {element}[{of_lhs}] parameter(0)\n k = {element}[{of_rhs}] parameter(1)\n ROOT r = {element}[{of_result}] convolution(x, k), {window}dim_labels={labels}, feature_group_count={feature_groups}, batch_group_count={batch_groups}, operand_precision={{{precision},{precision}}}\n}}\n"
    ))
}

/// Such as `b0f_0io->b0f`.
fn labels(orders: &[Vec<usize>; 3]) -> String {
    let names = [["b", "f"], ["i", "o"], ["b", "f"]];
    let labels = names.iter().zip(orders).map(|(names, order)| {
        let name = |role: usize| match names.get(role) {
            Some(name) => (*name).to_owned(),
            None => (role - 2).to_string(),
        };
        listed(order, name, "")
    });
    let labels: Vec<String> = labels.collect();
    format!("{}_{}->{}", labels[0], labels[1], labels[2])
}

fn shuffled(random: &mut Random, count: usize) -> Vec<usize> {
    let mut left: Vec<usize> = (0..count).collect();
    (0..count).map(|_| left.remove(random.below(left.len()))).collect()
}

fn listed(order: &[usize], text: impl Fn(usize) -> String, between: &str) -> String {
    order.iter().map(|role| text(*role)).collect::<Vec<_>>().join(between)
}

#[test]
fn generated_convolutions() {
    let programs: Vec<String> = (0..).filter_map(program).take(PROGRAMS).collect();
    let mut modelled = 0;
    for text in &programs {
        let module = module_of(text);
        let launches = modelled_launches(&module, &inputs_of(&module));
        assert!(launches.is_empty() || !text.contains("f32"), "there are kernels for all of f32");
        modelled += usize::from(!launches.is_empty());
    }
    // Of two packed types some small dots have none.
    assert!(modelled <= MOST_MODELLED, "{modelled} of {PROGRAMS} have modelled launches");
}
