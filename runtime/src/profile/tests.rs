//! The arithmetic and the text of reports.

use super::*;
use expect_test::expect;
use palmetto_isa::TPU_V4;

fn origin(instruction: &str, op_name: &str) -> Origin {
    Origin {
        instruction: instruction.to_owned(),
        description: "an example".to_owned(),
        op_name: Some(op_name.to_owned()),
        location: Some("models/block.py:12".to_owned()),
    }
}

/// A launch that keeps the given number of cycles busy on each of two cores.
fn launch(cycles: u64, mxu: u64, vpu: u64, hbm: u64) -> LaunchReport {
    let mut core = CoreReport {
        cycles: Cycles(cycles),
        mxu_busy: Cycles(mxu * 4),
        matmuls: mxu * 4 / 16,
        dma_busy: Cycles(hbm / 2),
        ..CoreReport::default()
    };
    core.ops_by_slot[Slot::VectorAlu as usize] = vpu * 2;
    core.dma_bytes_by_direction[MemorySpace::Hbm as usize][MemorySpace::Vmem as usize] =
        Bytes(hbm * 500);
    core.stalls.dma = Cycles(cycles / 4);
    LaunchReport {
        cycles: Cycles(cycles),
        launch_cycles: Cycles(393),
        n_launches: 1,
        cores: vec![core; 2],
    }
}

/// The FLOPs that the whole chip does in `cycles`.
fn peak(cycles: u64) -> u64 {
    cycles * 2 * 2 * 4 * 128 * 128
}

fn example() -> Report {
    let mut profiler = Profiler::new(&TPU_V4);
    let work = |flops| Work { flops, bytes: Bytes(0) };
    profiler.scheduled(&origin("dot.1", "f/dot"), work(peak(8000)), &launch(10_000, 9000, 10, 500));
    let open = profiler.enter_loop(&origin("while.2", "f/scan"));
    for _ in 0..3 {
        profiler.scheduled(&origin("fusion.3", "f/exp"), work(1000), &launch(2000, 0, 1500, 600));
    }
    profiler.leave_loop(open, 3);
    profiler.modelled(&origin("sort.4", "f/sort"), work(0), Cycles(4000), "n log n");
    profiler.finish("f", Bytes(3 << 20))
}

#[test]
fn rows_and_total_add_up() {
    let report = example();
    assert_eq!(report.total.cycles, 20_000);
    assert_eq!(report.total.launches, 5);
    let rows = report.instructions.iter();
    assert_eq!(rows.map(|row| row.measures.cycles).sum::<u64>(), 20_000);
    let [dot, fusion, sort] = &report.instructions[..] else { panic!("three instructions") };
    assert!((dot.measures.mfu - 0.8).abs() < 1e-12);
    assert!((dot.measures.busy.mxu - 0.9).abs() < 1e-12);
    assert!((fusion.measures.busy.vpu - 0.75).abs() < 1e-12);
    assert!((fusion.measures.busy.hbm - 0.3).abs() < 1e-12);
    assert_eq!(fusion.measures.launches, 3);
    assert_eq!(
        [dot, fusion, sort].map(|row| row.measures.bound),
        [Bound::Mxu, Bound::Vpu, Bound::Model]
    );
    assert!((report.modelled_share - 0.2).abs() < 1e-12);
    assert_eq!((report.loops[0].trips, report.loops[0].cycles), (3, 6000));
}

#[test]
fn losses_and_utilisation_are_everything() {
    let report = example();
    let lost: f64 = report.losses.iter().map(|loss| loss.share).sum();
    assert!((lost + report.total.mfu - 1.0).abs() < 1e-12);
    assert!(report.losses.windows(2).all(|pair| pair[0].share >= pair[1].share));
}

#[test]
fn a_short_launch_is_bound_by_its_overhead_and_an_idle_one_by_latency() {
    let mut profiler = Profiler::new(&TPU_V4);
    profiler.scheduled(&origin("tiny", "t"), Work::default(), &launch(500, 10, 10, 10));
    profiler.scheduled(&origin("idle", "i"), Work::default(), &launch(50_000, 9000, 10, 10));
    let report = profiler.finish("f", Bytes(0));
    let bounds: Vec<Bound> = report.instructions.iter().map(|row| row.measures.bound).collect();
    assert_eq!(bounds, [Bound::Launch, Bound::Latency]);
}

#[test]
fn nothing_ran_is_a_report_too() {
    let report = Profiler::new(&TPU_V4).finish("empty", Bytes(0));
    assert!(report.to_string().contains("0 cycles, 0 launches"));
    assert!(report.total.mfu.abs() < f64::EPSILON);
}

#[test]
fn the_table_is_readable() {
    expect![[r#"
        f on one TPU v4 at 1050 MHz
          time         19.0 us (20,000 cycles, 5 launches)
          utilisation  40.0 % of 275 TFLOP/s: 2.10 GFLOP in all
          busy         MXU 45.0 %, VPU 22.6 %, HBM 11.5 %
          cores        at work 80.0 % and 80.0 % of the time
          HBM          2.30 MB moved, 3.15 MB in use at most
          modelled     20.0 % of the time (no device kernel)

             time   share  cycles    FLOP     MFU    roof     MXU     VPU     HBM  bound  instruction  from
          9.52 us  50.0 %  10,000  2.10 G  80.0 %  80.0 %  90.0 %   0.1 %   5.0 %  mxu    dot.1        block.py:12 f/dot
          5.71 us  30.0 %   6,000  3.00 k   0.0 %   0.0 %   0.0 %  75.0 %  30.0 %  vpu    fusion.3 x3  block.py:12 f/exp
          3.81 us  20.0 %   4,000       0   0.0 %   0.0 %       -       -       -  model  sort.4       block.py:12 f/sort

        Loops
          while.2: 3 trips, entered once, 30.0 % of the time  block.py:12

        Largest losses of utilisation
          1. 30.0 % of the peak in fusion.3 (block.py:12 f/exp):
             vector arithmetic fills 75 % of its slots while the MXUs are busy 0 %
          2. 20.0 % of the peak in sort.4 (block.py:12 f/sort):
             no device kernel yet: its time comes from a formula
          3. 10.0 % of the peak in dot.1 (block.py:12 f/dot):
             the MXUs are busy 90 %; 89 % of what they multiply is asked for
    "#]].assert_eq(&example().to_string());
}

#[test]
fn the_json_has_what_the_table_has() {
    let json = serde_json::to_value(example()).expect("plain data");
    assert_eq!(json["total"]["cycles"], 20_000);
    assert_eq!(json["instructions"][2]["how"]["formula"], "n log n");
    assert_eq!(json["instructions"][0]["location"], "models/block.py:12");
    assert_eq!(json["losses"][0]["instruction"], "fusion.3");
}

#[test]
fn numbers_have_three_digits_and_a_prefix() {
    let texts = [0.0, 1.5e-9, 4.53e-5, 0.9999e-3, 999.96, 12_345.0, 2.75e14];
    let texts = texts.map(|value| table::with_unit(value, "s"));
    assert_eq!(texts, ["0 s", "1.50 ns", "45.3 us", "1000 us", "1000 s", "12.3 ks", "275 Ts"]);
    assert_eq!([0, 999, 1000, 1_234_567].map(table::grouped), ["0", "999", "1,000", "1,234,567"]);
}
