//! Launches of which both cores of the chip have a share: updates of parts of arrays, few long
//! rows, reductions to one block, and sorts of one series, which are two launches.

use palmetto_compiler::{
    compile,
    executable::Executable,
    hlo::{Literal, Module},
    options::CompileOptions,
};
use palmetto_isa::{ChipSpec, Op, TPU_V4};
use palmetto_runtime::{Execution, profile::Measures};

use super::{agreed, check, emulate_executable, inputs_of, module_of, reductions};

/// A chip on which launches and transfers cost nothing, so that small reductions are split too.
const EAGER: ChipSpec =
    ChipSpec { launch_ns: 0.0, dma_latency_ns: 0.0, hbm_bytes_per_second: 1e15, ..TPU_V4 };

/// Generated programs of which many are split.
const PROGRAMS: u64 = 500;

fn executable(module: &Module, chip: ChipSpec) -> Executable {
    let options = CompileOptions { chip, ..CompileOptions::v4() };
    compile(module, &options.checked()).unwrap_or_else(|e| panic!("{e}"))
}

/// Checks a program on a chip; what a run took.
fn checked(module: &Module, inputs: &[Literal], chip: ChipSpec) -> Execution {
    let executable = executable(module, chip);
    let execution =
        agreed(module, inputs, |clock| emulate_executable(executable.clone(), inputs, clock));
    assert!(execution.report.modelled_share == 0.0, "{:?}", execution.report.instructions);
    execution
}

/// Whether cores send to each other in one of the programs.
fn exchanges(module: &Module, chip: ChipSpec) -> bool {
    let executable = executable(module, chip);
    let mut bundles = executable.programs.iter().flat_map(|program| &program.bundles);
    bundles.any(|bundle| bundle.ops().iter().any(|op| matches!(op, Op::DmaSend { .. })))
}

#[test]
fn generated_reductions_that_are_split() {
    let mut n_split = 0;
    for seed in 0..PROGRAMS {
        let text = reductions::program(seed);
        let module = module_of(&format!("HloModule m\n{text}"));
        if !exchanges(&module, EAGER) {
            continue;
        }
        n_split += 1;
        let inputs = inputs_of(&module);
        let run = std::panic::catch_unwind(|| checked(&module, &inputs, EAGER));
        assert!(run.is_ok(), "seed {seed}:\n{text}");
    }
    assert!(n_split > 50, "only {n_split} reductions were split");
}

/// Softmax-like rows: two reductions one after the other, a third beside them, and all of a row,
/// a column and a scalar in what is computed.
#[test]
fn few_rows_that_are_reduced_are_shared() {
    for (element, sizes) in [
        ("f32", "8,50257"),
        ("f32", "1,4096"),
        ("f32", "3,1000"),
        ("bf16", "16,32768"),
        ("bf16", "5,9999"),
        ("f32", "1,1,8,700"),
        ("bf16", "2,8,2100"),
    ] {
        let rank = sizes.split(',').count();
        let (lanes, rows) = (rank - 1, rank - 2);
        let sized: Vec<&str> = sizes.split(',').collect();
        let (row, column) = (sized[lanes], sized[rows]);
        let kept = sized[..lanes].join(",");
        let majors: Vec<String> = (0..lanes).map(|d| d.to_string()).collect();
        let majors = majors.join(",");
        let module = module_of(&format!(
            "HloModule m\nmax {{\n a = f32[] parameter(0)\n b = f32[] parameter(1)\n ROOT r = f32[] maximum(a, b)\n}}\nsum {{\n a = f32[] parameter(0)\n b = f32[] parameter(1)\n ROOT r = f32[] add(a, b)\n}}\nENTRY main {{\n x = {element}[{sizes}] parameter(0)\n r = f32[{row}] parameter(1)\n c = f32[{column}] parameter(2)\n f = f32[{sizes}] convert(x)\n rb = f32[{sizes}] broadcast(r), dimensions={{{lanes}}}\n cb = f32[{sizes}] broadcast(c), dimensions={{{rows}}}\n y = f32[{sizes}] add(f, rb)\n low = f32[] constant(-inf)\n z = f32[] constant(0)\n m = f32[{kept}] reduce(y, low), dimensions={{{lanes}}}, to_apply=max\n mb = f32[{sizes}] broadcast(m), dimensions={{{majors}}}\n d = f32[{sizes}] subtract(y, mb)\n e = f32[{sizes}] exponential(d)\n s = f32[{kept}] reduce(e, z), dimensions={{{lanes}}}, to_apply=sum\n sb = f32[{sizes}] broadcast(s), dimensions={{{majors}}}\n q = f32[{sizes}] divide(e, sb)\n p = f32[{sizes}] multiply(q, cb)\n ROOT o = {element}[{sizes}] convert(p)\n}}\n"
        ));
        let inputs = inputs_of(&module);
        checked(&module, &inputs, EAGER);
        let execution = checked(&module, &inputs, TPU_V4);
        if sized[lanes].parse::<usize>().unwrap() > 30_000 {
            assert!(exchanges(&module, TPU_V4), "{element}[{sizes}]");
            assert_shared(&execution.report.total, &format!("{element}[{sizes}]"));
        }
    }
}

/// Lanes that move in too few rows to deal: each core has a part of the results, and of operands
/// what they are made of.
#[test]
fn movement_of_lanes_in_few_rows_is_shared() {
    for (element, rows, lanes) in [("f32", "8", 3000), ("f32", "1,3", 4096), ("bf16", "16", 1111)] {
        let of = |element: &str, lanes: usize| format!("{element}[{rows},{lanes}]");
        let last = rows.split(',').count();
        let whole: String = rows.split(',').map(|n| format!("[0:{n}], ")).collect();
        let slice = |from: usize, to: usize| {
            let shape = of(element, to - from);
            format!("{shape} slice(x), slice={{{whole}[{from}:{to}]}}")
        };
        let (x, f, half) = (of(element, lanes), of("f32", lanes), lanes / 2);
        let (low, high) = (slice(0, half), slice(half, lanes));
        let swap = format!(
            " a = {low}\n b = {high}\n n = {} negate(b)\n s = {x} concatenate(n, a), dimensions={{{last}}}\n",
            of(element, lanes - half)
        );
        let reduced = format!(
            " f = {f} convert(s)\n e = {f} exponential(f)\n z = f32[] constant(0)\n t = f32[{rows}] reduce(e, z), dimensions={{{last}}}, to_apply=sum\n tb = {f} broadcast(t), dimensions={{{}}}\n ROOT r = {f} divide(e, tb)\n",
            ["0", "0,1"][last - 1]
        );
        let (ones, none) = ("1x".repeat(last), "0_0x".repeat(last));
        for (what, body) in [
            ("slice", format!(" ROOT r = {}\n", slice(3, half + 3))),
            ("reverse", format!(" ROOT r = {x} reverse(x), dimensions={{{last}}}\n")),
            ("swap", format!("{swap} ROOT r = {x} add(s, x)\n")),
            (
                "pad",
                format!(
                    " c = {}\n z = {element}[] constant(7)\n ROOT r = {} pad(c, z), padding={none}5_2\n",
                    slice(50, lanes - 50),
                    of(element, lanes - 93)
                ),
            ),
            (
                "sums",
                format!(
                    " f = {f} convert(x)\n z = f32[] constant(0)\n ROOT r = {f} reduce-window(f, z), window={{size={ones}{lanes} pad={none}{}_0}}, to_apply=sum\n",
                    lanes - 1
                ),
            ),
            ("swap and reduce", format!("{swap}{reduced}")),
        ] {
            let module = module_of(&format!(
                "HloModule m\nsum {{\n a = f32[] parameter(0)\n b = f32[] parameter(1)\n ROOT r = f32[] add(a, b)\n}}\nENTRY main {{\n x = {x} parameter(0)\n{body}}}\n"
            ));
            let inputs = inputs_of(&module);
            let total = checked(&module, &inputs, EAGER).report.total;
            assert_shared(&total, &format!("{what} of {x}"));
            let total = checked(&module, &inputs, TPU_V4).report.total;
            if what == "sums" {
                assert_shared(&total, &format!("{what} of {x}"));
            }
        }
    }
}

/// Every reducer, of every type that kernels compute with, on rows that end within a column.
#[test]
fn every_reducer_of_shared_rows() {
    let mut n_shared = 0;
    for (element, reducers) in [
        ("f32", "add multiply maximum minimum"),
        ("s32", "add multiply maximum minimum and or xor"),
        ("u32", "maximum minimum"),
        ("pred", "and or"),
    ] {
        for reducer in reducers.split(' ') {
            let start = match (reducer, element) {
                ("add" | "or" | "xor", "pred") | ("or", _) if element == "pred" => "false",
                ("and", "pred") => "true",
                ("multiply", _) => "1",
                ("and", _) => "-1",
                _ => "0",
            };
            let combined = match element {
                "pred" => "xor",
                _ => "subtract",
            };
            let module = module_of(&format!(
                "HloModule m\nc {{\n a = {element}[] parameter(0)\n b = {element}[] parameter(1)\n ROOT r = {element}[] {reducer}(a, b)\n}}\nENTRY main {{\n x = {element}[7,9001] parameter(0)\n z = {element}[] constant({start})\n m = {element}[7] reduce(x, z), dimensions={{1}}, to_apply=c\n mb = {element}[7,9001] broadcast(m), dimensions={{0}}\n ROOT o = {element}[7,9001] {combined}(x, mb)\n}}\n"
            ));
            n_shared += usize::from(exchanges(&module, EAGER));
            checked(&module, &inputs_of(&module), EAGER);
        }
    }
    assert!(n_shared >= 12, "only {n_shared} were shared");
}

/// Asserts that no core moved more than twice what another did, nor was at work for twice as long.
fn assert_shared(measures: &Measures, what: &str) {
    let cores = &measures.cores;
    assert_eq!(cores.len(), 2, "{what}");
    for (a, b) in [(&cores[0], &cores[1]), (&cores[1], &cores[0])] {
        assert!(a.hbm_bytes <= 2 * b.hbm_bytes, "{what}: {cores:?}");
        assert!(a.cycles <= 2 * b.cycles, "{what}: {cores:?}");
    }
}

/// Products of which the result is one block of tiles: each core multiplies a half of what is
/// contracted.
#[test]
fn products_of_one_block_are_shared() {
    for (element, m, k, n, before, after) in [
        ("f32", 8, 8192, 128, "copy", "copy"),
        ("bf16", 16, 9000, 100, "copy", "copy"),
        ("f32", 3, 5000, 128, "abs", "copy"),
        ("bf16", 5, 4096, 64, "copy", "tanh"),
        ("f32", 1, 12_345, 7, "copy", "negate"),
    ] {
        let (x, y) = (format!("{element}[{m},{k}]"), format!("{element}[{k},{n}]"));
        let result = format!("{element}[{m},{n}]");
        let module = module_of(&format!(
            "HloModule m\nENTRY main {{\n x = {x} parameter(0)\n y = {y} parameter(1)\n a = {x} {before}(x)\n d = {result} dot(a, y), lhs_contracting_dims={{1}}, rhs_contracting_dims={{0}}\n ROOT r = {result} {after}(d)\n}}\n"
        ));
        let inputs = inputs_of(&module);
        assert!(exchanges(&module, EAGER), "{x}");
        checked(&module, &inputs, EAGER);
        let total = checked(&module, &inputs, TPU_V4).report.total;
        if k * n > 1_000_000 {
            assert_shared(&total, &x);
        }
    }
}

#[test]
fn reductions_to_one_block_are_shared() {
    for (element, from, dimensions, to) in [
        ("f32", "2048,2048", "0,1", ""),
        ("bf16", "1024,1024", "0,1", ""),
        ("f32", "8192,256", "0", "256"),
        ("f32", "1024,8,128", "0", "8,128"),
        ("bf16", "4194304", "0", ""),
        ("s32", "40,256,256", "1,2", "40"),
        ("f32", "8,56,56,256", "1,2", "8,256"),
        ("f32", "8,3136,256", "1", "8,256"),
    ] {
        let module = module_of(&format!(
            "HloModule m\nc {{\n a = {element}[] parameter(0)\n b = {element}[] parameter(1)\n ROOT r = {element}[] maximum(a, b)\n}}\nENTRY main {{\n x = {element}[{from}] parameter(0)\n i = {element}[] parameter(1)\n ROOT r = {element}[{to}] reduce(x, i), dimensions={{{dimensions}}}, to_apply=c\n}}\n"
        ));
        let inputs = inputs_of(&module);
        let measures = checked(&module, &inputs, TPU_V4).report.total;
        assert_eq!(measures.launches, 1, "{element}[{from}]");
        assert_shared(&measures, &format!("{element}[{from}]"));
    }
}

#[test]
fn small_reductions_are_done_by_one_core() {
    let text = |sizes: &str| {
        format!(
            "c {{\n a = f32[] parameter(0)\n b = f32[] parameter(1)\n ROOT r = f32[] add(a, b)\n}}\nENTRY main {{\n x = f32[{sizes}] parameter(0)\n z = f32[] constant(0)\n ROOT r = f32[] reduce(x, z), dimensions={{0,1}}, to_apply=c\n}}\n"
        )
    };
    for sizes in ["2,3", "16,128", "64,128"] {
        let module = module_of(&format!("HloModule m\n{}", text(sizes)));
        assert!(!exchanges(&module, TPU_V4), "{sizes}");
        check(&text(sizes));
    }
}

#[test]
fn updates_are_shared() {
    for (element, whole, part, starts) in [
        ("f32", "512,1024", "1,1024", "i, z"),
        ("bf16", "512,1024", "1,1024", "i, z"),
        ("s8", "4,64,1024", "4,1,1024", "z, i, z"),
        ("bf16", "5,48,128", "5,1,128", "z, i, z"),
        ("f32", "6,40,256", "6,11,256", "z, i, z"),
        ("bf16", "12,40,256", "3,40,256", "i, z, z"),
    ] {
        let module = module_of(&format!(
            "HloModule m\nENTRY main {{\n p = {element}[{whole}] parameter(0)\n x = {element}[{whole}] maximum(p, p)\n u = {element}[{part}] parameter(1)\n i = s32[] parameter(2)\n z = s32[] constant(0)\n n = s32[] constant(3)\n j = s32[] and(i, n)\n y = {element}[{whole}] dynamic-update-slice(x, u, {})\n ROOT t = {element}[{whole}] add(y, y)\n}}\n",
            starts.replace('i', "j")
        ));
        let inputs = inputs_of(&module);
        let execution = checked(&module, &inputs, TPU_V4);
        let mut rows = execution.report.instructions.iter();
        let update = rows.find(|row| row.origin.description == "dynamic-update-slice");
        let update = update.expect("an update is a launch");
        assert_eq!(update.measures.launches, 1, "{element}[{part}] is not made in place");
        assert_shared(&update.measures, &format!("{element}[{part}]"));
        assert!(rows.all(|row| row.origin.description != "copy"), "{:?}", execution.report);
    }
}

/// Rows are cut where there are few of them, whatever of a row or a column they are computed with.
#[test]
fn few_long_rows_are_shared() {
    for (element, sizes, rows_at, row, columns_at, column) in [
        ("f32", "8,20000", "1", "20000", "0", "8"),
        ("bf16", "5,19999", "1", "19999", "0", "5"),
        ("s8", "3,12345", "1", "12345", "0", "3"),
        ("f32", "3,5,7001", "0,2", "3,7001", "0,1", "3,5"),
        ("bf16", "2,20,9000", "2", "9000", "1", "20"),
        ("f32", "40,8200", "1", "8200", "0", "40"),
    ] {
        let rank = sizes.split(',').count();
        let (lanes, rows) = (rank - 1, rank - 2);
        let module = module_of(&format!(
            "HloModule m\nENTRY main {{\n x = {element}[{sizes}] parameter(0)\n r = {element}[{row}] parameter(1)\n c = {element}[{column}] parameter(2)\n s = {element}[] parameter(3)\n rb = {element}[{sizes}] broadcast(r), dimensions={{{rows_at}}}\n cb = {element}[{sizes}] broadcast(c), dimensions={{{columns_at}}}\n sb = {element}[{sizes}] broadcast(s), dimensions={{}}\n i = s32[{sizes}] iota(), iota_dimension={lanes}\n j = s32[{sizes}] iota(), iota_dimension={rows}\n t = s32[{sizes}] add(i, j)\n few = s32[] constant(63)\n fb = s32[{sizes}] broadcast(few), dimensions={{}}\n a = s32[{sizes}] and(t, fb)\n n = {element}[{sizes}] convert(a)\n d = {element}[{sizes}] subtract(x, rb)\n e = {element}[{sizes}] maximum(d, cb)\n f = {element}[{sizes}] minimum(e, sb)\n ROOT o = {element}[{sizes}] maximum(f, n)\n}}\n"
        ));
        let inputs = inputs_of(&module);
        let execution = checked(&module, &inputs, TPU_V4);
        assert_shared(&execution.report.total, &format!("{element}[{sizes}]"));
    }
}

#[test]
fn sorts_of_one_series_are_shared() {
    for (sizes, dimension) in [("20000", 0), ("8,4000", 1), ("1000,100", 0)] {
        let module = module_of(&format!(
            "HloModule m\nc {{\n a = f32[] parameter(0)\n b = f32[] parameter(1)\n ROOT r = pred[] compare(a, b), direction=LT, type=TOTALORDER\n}}\nENTRY main {{\n x = f32[{sizes}] parameter(0)\n ROOT r = f32[{sizes}] sort(x), dimensions={{{dimension}}}, is_stable=true, to_apply=c\n}}\n"
        ));
        let inputs = inputs_of(&module);
        let measures = checked(&module, &inputs, TPU_V4).report.total;
        assert_eq!(measures.launches, 2, "{sizes}");
        assert_shared(&measures, sizes);
    }
}

/// Rows become a line and come from one, wherever in it they start.
#[test]
fn rows_to_lines_and_back_are_shared() {
    for (rows, lanes) in [
        (300, 333),
        (8, 30_000),
        (1, 40_001),
        (21, 5000),
        (130, 129),
        (4000, 7),
        (1000, 1),
        (3, 50),
    ] {
        let line = rows * lanes;
        for (from, to) in [
            (format!("{rows},{lanes}"), line.to_string()),
            (line.to_string(), format!("{rows},{lanes}")),
        ] {
            let module = module_of(&format!(
                "HloModule m\nENTRY main {{\n x = s32[{from}] parameter(0)\n ROOT r = s32[{to}] reshape(x)\n}}\n"
            ));
            let inputs = inputs_of(&module);
            let total = checked(&module, &inputs, TPU_V4).report.total;
            if line > 20_000 {
                assert_shared(&total, &format!("[{from}] to [{to}]"));
            }
        }
    }
}
