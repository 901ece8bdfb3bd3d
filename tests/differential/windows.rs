//! Pooling, its gradients, and cumulative ops; then generated windows.

use palmetto_testkit::llo_generator::Random;

use super::{check, check_bits, inputs_of, modelled_launches, module_of};

fn combination(name: &str, element: &str, op: &str) -> String {
    format!(
        "{name} {{\n a = {element}[] parameter(0)\n b = {element}[] parameter(1)\n ROOT r = {element}[] {op}(a, b)\n}}\n"
    )
}

fn reduce_window(
    element: &str,
    op: &str,
    init: &str,
    [from, to]: [&str; 2],
    window: &str,
) -> String {
    let combine = combination("c", element, op);
    format!(
        "{combine}ENTRY main {{\n x = {element}[{from}] parameter(0)\n z = {element}[] constant({init})\n ROOT r = {element}[{to}] reduce-window(x, z), window={{{window}}}, to_apply=c\n}}\n"
    )
}

fn select_and_scatter(element: &str, [of, source]: [&str; 2], window: &str) -> String {
    let sum = combination("c", element, "add");
    format!(
        "{sum}s {{\n a = {element}[] parameter(0)\n b = {element}[] parameter(1)\n ROOT r = pred[] compare(a, b), direction=GE\n}}\nENTRY main {{\n x = {element}[{of}] parameter(0)\n y = {element}[{source}] parameter(1)\n z = {element}[] constant(0)\n ROOT r = {element}[{of}] select-and-scatter(x, y, z), window={{{window}}}, select=s, scatter=c\n}}\n"
    )
}

#[test]
fn pooling() {
    let three = "size=1x3x3x1 stride=1x2x2x1 pad=0_0x1_1x1_1x0_0";
    let two = "size=1x2x2x1 stride=1x2x2x1";
    for element in ["f32", "bf16"] {
        check(&reduce_window(element, "maximum", "-inf", ["2,16,16,64", "2,8,8,64"], three));
        check(&reduce_window(element, "maximum", "-inf", ["2,14,14,24", "2,7,7,24"], two));
        check(&reduce_window(element, "add", "0", ["2,14,14,24", "2,7,7,24"], two));
        check(&reduce_window(element, "add", "0", ["2,7,7,64", "2,1,1,64"], "size=1x7x7x1"));
    }
    let of_channels_first = "size=1x1x3x3 stride=1x1x2x2 pad=0_0x0_0x0_1x0_1";
    check(&reduce_window("f32", "maximum", "-inf", ["2,8,16,16", "2,8,8,8"], of_channels_first));
}

#[test]
fn gradients_of_pooling() {
    let three = "size=1x3x3x1 stride=1x2x2x1 pad=0_0x1_1x1_1x0_0";
    let two = "size=1x2x2x1 stride=1x2x2x1";
    for element in ["f32", "bf16"] {
        check(&select_and_scatter(element, ["2,16,16,64", "2,8,8,64"], three));
        check(&select_and_scatter(element, ["2,14,14,24", "2,7,7,24"], two));
    }
}

#[test]
fn cumulative() {
    for (op, init) in [("add", "0"), ("maximum", "-inf"), ("minimum", "inf")] {
        check(&reduce_window("f32", op, init, ["40,300", "40,300"], "size=1x300 pad=0_0x299_0"));
    }
    check(&reduce_window("bf16", "add", "0", ["300,40", "300,40"], "size=300x1 pad=299_0x0_0"));
    check(&reduce_window("s32", "add", "0", ["1000", "1000"], "size=1000 pad=999_0"));
    check(&reduce_window("u32", "multiply", "1", ["1000", "1000"], "size=1000 pad=999_0"));
    // The same from the end.
    check(&reduce_window("s32", "add", "0", ["1000", "1000"], "size=1000 pad=0_999"));
}

/// A cumulative op along a dimension, from the first or from the last element.
fn cumulative_op(
    element: &str,
    [op, init]: [&str; 2],
    (sizes, dimension): (&[usize], usize),
    from_first: bool,
) -> String {
    let list = |each: &dyn Fn(usize) -> String, by: &str| {
        (0..sizes.len()).map(each).collect::<Vec<_>>().join(by)
    };
    let shape = list(&|d| sizes[d].to_string(), ",");
    let size = list(&|d| if d == dimension { sizes[d] } else { 1 }.to_string(), "x");
    let padding = |d: usize| match (d == dimension, from_first) {
        (false, _) => "0_0".to_owned(),
        (true, true) => format!("{}_0", sizes[d] - 1),
        (true, false) => format!("0_{}", sizes[d] - 1),
    };
    let window = format!("size={size} pad={}", list(&padding, "x"));
    reduce_window(element, op, init, [&shape, &shape], &window)
}

#[test]
fn cumulative_along_lanes() {
    let lines: [&[usize]; 6] = [&[10], &[128], &[1000], &[1, 700], &[2, 3600], &[9, 600]];
    for (sizes, from_first) in lines.into_iter().flat_map(|sizes| [(sizes, true), (sizes, false)]) {
        let along = (sizes, sizes.len() - 1);
        check(&cumulative_op("f32", ["add", "0"], along, from_first));
        check_bits(&cumulative_op("s32", ["add", "0"], along, from_first));
        check_bits(&cumulative_op("bf16", ["maximum", "-inf"], along, from_first));
        check_bits(&cumulative_op("s32", ["or", "0"], along, from_first));
    }
    check(&cumulative_op("bf16", ["add", "0"], (&[8, 4096], 1), true));
    check_bits(&cumulative_op("f32", ["minimum", "0.25"], (&[3, 2, 4200], 2), true));
    check_bits(&cumulative_op("s8", ["add", "0"], (&[600], 0), true));
}

#[test]
fn cumulative_along_other_dimensions() {
    let arrays: [(&[usize], usize); 8] = [
        (&[8, 128], 0),
        (&[100, 300], 0),
        (&[520, 130], 0),
        (&[1003, 16], 0),
        (&[3, 150, 5], 1),
        (&[14, 64, 400], 0),
        (&[300, 4, 8], 0),
        (&[2, 90, 40, 3], 1),
    ];
    for (along, from_first) in arrays.into_iter().flat_map(|along| [(along, true), (along, false)])
    {
        check(&cumulative_op("f32", ["add", "0"], along, from_first));
        check_bits(&cumulative_op("bf16", ["minimum", "inf"], along, from_first));
        check_bits(&cumulative_op("s32", ["or", "0"], along, from_first));
    }
    check_bits(&cumulative_op("s32", ["add", "0"], (&[4200, 2], 0), true));
}

/// The largest element so far and where it is: two operands.
#[test]
fn cumulative_of_two_operands() {
    for (sizes, window) in [
        ("700", "size=700 pad=699_0"),
        ("5,640", "size=1x640 pad=0_0x0_639"),
        ("140,6", "size=140x1 pad=0_139x0_0"),
    ] {
        check_bits(&format!(
            "larger {{\n a = f32[] parameter(0)\n i = s32[] parameter(1)\n b = f32[] parameter(2)\n j = s32[] parameter(3)\n p = pred[] compare(a, b), direction=GE\n v = f32[] select(p, a, b)\n k = s32[] select(p, i, j)\n ROOT t = (f32[], s32[]) tuple(v, k)\n}}\nENTRY main {{\n x = f32[{sizes}] parameter(0)\n i = s32[{sizes}] iota(), iota_dimension=0\n y = f32[] constant(-inf)\n z = s32[] constant(0)\n ROOT r = (f32[{sizes}], s32[{sizes}]) reduce-window(x, i, y, z), window={{{window}}}, to_apply=larger\n}}\n"
        ));
    }
}

/// The last number that is not 0: a combination of several ops, whose operands have an order.
#[test]
fn cumulative_in_order() {
    for (sizes, dimension, window) in [
        ("1300", 0, "size=1300 pad=1299_0"),
        ("1300", 0, "size=1300 pad=0_1299"),
        ("3,700", 1, "size=1x700 pad=0_0x699_0"),
        ("3,70", 1, "size=1x70 pad=0_0x0_69"),
        ("90,12", 0, "size=90x1 pad=89_0x0_0"),
        ("90,12", 0, "size=90x1 pad=0_89x0_0"),
        ("2,140,6", 1, "size=1x140x1 pad=0_0x139_0x0_0"),
        ("16,8,128", 0, "size=16x1x1 pad=0_15x0_0x0_0"),
    ] {
        check_bits(&format!(
            "last {{\n a = s32[] parameter(0)\n b = s32[] parameter(1)\n z = s32[] constant(0)\n p = pred[] compare(b, z), direction=NE\n ROOT r = s32[] select(p, b, a)\n}}\nENTRY main {{\n y = f32[{sizes}] parameter(0)\n i = s32[{sizes}] iota(), iota_dimension={dimension}\n z = s32[] constant(0)\n w = s32[{sizes}] broadcast(z), dimensions={{}}\n o = f32[] constant(0)\n m = f32[{sizes}] broadcast(o), dimensions={{}}\n q = pred[{sizes}] compare(y, m), direction=GT\n x = s32[{sizes}] select(q, i, w)\n ROOT r = s32[{sizes}] reduce-window(x, z), window={{{window}}}, to_apply=last\n}}\n"
        ));
    }
}

/// One dimension is scanned, others are pooled.
#[test]
fn cumulative_beside_pooling() {
    let window = "size=1x130x2 stride=1x1x2 pad=0_0x129_0x0_0";
    check(&reduce_window("f32", "add", "0", ["3,130,6", "3,130,3"], window));
    let window = "size=3x1x600 stride=3x1x1 pad=0_0x0_0x0_599";
    check_bits(&reduce_window("s32", "maximum", "-7", ["6,2,600", "2,2,600"], window));
}

/// A window over an array of `rank` dimensions: its text, the sizes of array and result.
fn window(random: &mut Random, rank: usize, dilated: bool) -> Option<(String, [String; 2])> {
    let pick = |random: &mut Random, from: &[usize]| from[random.below(from.len())];
    let (mut from, mut to) = (Vec::new(), Vec::new());
    let mut parts: [Vec<String>; 5] = Default::default();
    for _ in 0..rank {
        let size = pick(random, &[1, 2, 5, 8, 13, 20, 40, 130]);
        let of_window = pick(random, &[1, 1, 2, 3, 3, 5, 9]);
        let stride = pick(random, &[1, 1, 1, 2, 3]);
        let most = if dilated { 3 } else { 1 };
        let [base, dilation] = [(); 2].map(|()| if random.below(3) == 0 { most } else { 1 });
        let low = pick(random, &[0, 0, 1, 2]) as i64 - i64::from(random.below(5) == 0);
        let high = pick(random, &[0, 0, 1, 2]) as i64;
        let padded = (size as i64 - 1) * base as i64 + 1 + low + high;
        let span = (of_window as i64 - 1) * dilation as i64 + 1;
        let positions = usize::try_from((padded - span).div_euclid(stride as i64) + 1).ok()?;
        from.push(size);
        to.push(positions);
        let texts = [of_window, stride, base, dilation].map(|n| n.to_string());
        let [of_window, stride, base, dilation] = texts;
        let texts = [of_window, stride, format!("{low}_{high}"), base, dilation];
        parts.iter_mut().zip(texts).for_each(|(list, text)| list.push(text));
    }
    let count = |sizes: &[usize]| sizes.iter().product::<usize>();
    if count(&from) > 30_000 || count(&to) > 30_000 || count(&to) == 0 {
        return None;
    }
    let keys = ["size", "stride", "pad", "lhs_dilate", "rhs_dilate"];
    let all = keys.iter().zip(&parts).map(|(key, list)| format!("{key}={}", list.join("x")));
    let text = all.collect::<Vec<_>>().join(" ");
    let list =
        |sizes: &[usize]| sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    Some((text, [list(&from), list(&to)]))
}

fn generated_reduction(seed: u64) -> Option<String> {
    let random = &mut Random::new(seed);
    let rank = 1 + random.below(4);
    let (window, [from, to]) = window(random, rank, true)?;
    let element = ["f32", "f32", "bf16", "s32"][random.below(4)];
    let (op, init) = if element == "s32" {
        [("add", "3"), ("maximum", "-7"), ("and", "-1"), ("multiply", "1")][random.below(4)]
    } else {
        [("add", "0"), ("add", "0.5"), ("maximum", "-inf"), ("minimum", "0.25")][random.below(4)]
    };
    Some(reduce_window(element, op, init, [&from, &to], &window))
}

fn generated_scatter(seed: u64) -> Option<String> {
    let random = &mut Random::new(seed);
    let rank = 1 + random.below(4);
    let (window, [of, source]) = window(random, rank, false)?;
    let element = ["f32", "f32", "bf16", "s32"][random.below(4)];
    Some(select_and_scatter(element, [&of, &source], &window))
}

#[track_caller]
fn check_generated(generate: fn(u64) -> Option<String>, programs: usize) {
    let programs = (0..).filter_map(generate).take(programs);
    for program in programs {
        let module = module_of(&format!("HloModule m\n{program}"));
        let launches = modelled_launches(&module, &inputs_of(&module));
        assert!(launches.is_empty(), "modelled: {launches:?}, in\n{program}");
    }
}

#[test]
fn generated_windows() {
    check_generated(generated_reduction, 60);
}

#[test]
fn generated_selections() {
    check_generated(generated_scatter, 25);
}
