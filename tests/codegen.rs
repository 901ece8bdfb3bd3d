//! LLO through the back end onto the emulator, against the LLO interpreter.

use palmetto_compiler::{backend::generate_code, options::CompileOptions};
use palmetto_emulator::{Chaos, Chip, ChipTiming, EmulatorOptions, Ideal, Timing};
use palmetto_isa::{TPU_V4, memory::GRANULE_WORDS};
use palmetto_kernels::llo::{parse_function, print_function};
use palmetto_testkit::{
    llo_generator::{INPUT_GRANULES, OUTPUT_GRANULES, Random, Shape, generate},
    llo_interpreter,
};

const OUTPUT: usize = INPUT_GRANULES;
const END: usize = OUTPUT + 2 * OUTPUT_GRANULES;

fn input(seed: u64) -> Vec<u32> {
    let mut random = Random::new(seed);
    let float = |random: &mut Random| {
        let small = i16::try_from(random.below(2000)).expect("it is below 2000") - 1000;
        (f32::from(small) / 64.0).to_bits()
    };
    (0..INPUT_GRANULES * GRANULE_WORDS).map(|_| float(&mut random)).collect()
}

#[track_caller]
fn check(seed: u64, shape: Shape) {
    let function = generate(seed, shape);
    let text = print_function(&function);
    assert_eq!(parse_function(&text).as_ref(), Ok(&function), "seed {seed}: not a fixed point");
    let arguments = [0, u32::try_from(OUTPUT).expect("it is small")];
    let mut hbm = input(seed);
    hbm.resize(END * GRANULE_WORDS, 0);
    llo_interpreter::run(&function, &arguments, &mut hbm, TPU_V4.n_cores)
        .unwrap_or_else(|problem| panic!("seed {seed}: {problem}\n{text}"));
    let program = generate_code(&function, &CompileOptions::v4().checked())
        .unwrap_or_else(|error| panic!("seed {seed}: {error}\n{text}"));
    let timings: [Box<dyn Timing>; 3] =
        [Box::new(Ideal), Box::new(ChipTiming::new(&TPU_V4)), Box::new(Chaos::new(seed))];
    for (n, mut timing) in timings.into_iter().enumerate() {
        let options = EmulatorOptions { hbm_bytes: 1 << 20, ..EmulatorOptions::default() };
        let mut chip = Chip::new(TPU_V4, &options);
        chip.write_hbm(0, bytemuck::cast_slice(&input(seed))).expect("the input fits");
        if let Err(fault) = chip.launch(&program, &arguments, timing.as_mut()) {
            panic!("seed {seed}, timing {n}: {fault}\n{text}\n{program}");
        }
        let expected = &hbm[OUTPUT * GRANULE_WORDS..];
        let actual = chip.read_hbm(arguments[1], expected.len() * 4).expect("it was written");
        let actual: &[u32] = bytemuck::cast_slice(actual);
        if let Some(word) = (0..expected.len()).find(|word| expected[*word] != actual[*word]) {
            let (core, word) = (word / (OUTPUT_GRANULES * 128), word % (OUTPUT_GRANULES * 128));
            panic!(
                "seed {seed}, timing {n}: core {core}, register {}, word {} differs\n{text}\n{program}",
                word / 1024,
                word % 1024,
            );
        }
    }
}

#[test]
fn small_functions_compute_what_llo_says() {
    for seed in 0..300 {
        check(seed, Shape { size: 30, vectors: 12, scalars: 6, masks: 4 });
    }
}

#[test]
fn functions_that_spill_compute_what_llo_says() {
    for seed in 1000..1060 {
        check(seed, Shape { size: 250, vectors: 60, scalars: 50, masks: 30 });
    }
}
