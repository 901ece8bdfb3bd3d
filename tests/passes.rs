//! Passes on random modules: each alone and all in order keep values, and change nothing in their
//! own result.

use palmetto_compiler::{
    hlo::{Module, Opcode, print_module, verify},
    options::CompileOptions,
    passes::{Changed, PassContext},
    pipeline::{OPTIMIZE, Pass, find_pass, run_passes},
};
use palmetto_testkit::{
    command::is_exact,
    hlo_generator::{count_opcodes, generate},
    preservation::check_values,
};
use std::collections::BTreeMap;

const SEEDS: u64 = 400;
const SIZE: usize = 25;

fn context() -> PassContext {
    PassContext { options: CompileOptions::v4() }
}

/// The passes up to the assignment of layouts.
fn simplifying() -> &'static [Pass] {
    let end = OPTIMIZE.iter().position(|pass| pass.name == "layout_assignment");
    &OPTIMIZE[..end.expect("layouts are assigned")]
}

/// Runs passes and checks what they promise; says whether they changed anything.
#[track_caller]
fn check(seed: u64, before: &Module, passes: &[Pass]) -> bool {
    let mut after = before.clone();
    let mut changed = false;
    let names: Vec<&str> = passes.iter().map(|pass| pass.name).collect();
    let mut fail = |module: &Module, what: String| -> ! {
        let (before, after) = (print_module(before), print_module(module));
        panic!("seed {seed}, {names:?}: {what}\nbefore:\n{before}\nafter:\n{after}");
    };
    if let Err(error) = run_passes(&mut after, &context(), passes, &mut |_, _| changed = true) {
        fail(&after, error.to_string());
    }
    if let Err(difference) = check_values(before, &after) {
        fail(&after, difference);
    }
    changed
}

#[test]
fn generated_modules_are_legal_and_have_every_opcode() {
    let mut counts = BTreeMap::new();
    for seed in 0..SEEDS {
        let module = generate(seed, SIZE);
        verify(&module).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        count_opcodes(&module, &mut counts);
    }
    // What is not made: bits of floats, what only passes make, and rare functions.
    let left_out = [
        Opcode::Bitcast,
        Opcode::BitcastConvert,
        Opcode::Cbrt,
        Opcode::CountLeadingZeros,
        Opcode::ExponentialMinusOne,
        Opcode::Fusion,
        Opcode::IsFinite,
        Opcode::LogPlusOne,
        Opcode::Popcnt,
        Opcode::RoundNearestAfz,
        Opcode::Sine,
        Opcode::Tan,
    ];
    let rare = Opcode::ALL.iter().filter(|opcode| !left_out.contains(opcode));
    let rare: Vec<&Opcode> =
        rare.filter(|opcode| counts.get(opcode).is_none_or(|&count| count < 5)).collect();
    assert!(rare.is_empty(), "hardly ever made: {rare:?}");
}

#[test]
fn each_pass_keeps_values_and_is_idempotent() {
    let mut names: Vec<&str> = simplifying().iter().map(|pass| pass.name).collect();
    names.sort_unstable();
    names.dedup();
    for name in names.into_iter().filter(|name| is_exact(name)) {
        let pass = find_pass(name).expect("it is in the list");
        let mut changed = 0;
        for seed in 0..SEEDS {
            let before = generate(seed, SIZE);
            changed += u32::from(check(seed, &before, &[pass]));
            let mut module = before;
            let ran = |module: &mut Module| (pass.run)(module, &context()).expect("it ran before");
            ran(&mut module);
            let once = print_module(&module);
            if ran(&mut module) == Changed::Yes {
                let twice = print_module(&module);
                panic!("seed {seed}: applied again, {name} changes\n{once}to\n{twice}");
            }
        }
        assert!(changed > 5, "{name} changed only {changed} modules");
    }
}

#[test]
fn all_exact_passes_in_order_keep_values() {
    let exact: Vec<Pass> =
        simplifying().iter().filter(|pass| is_exact(pass.name)).copied().collect();
    for seed in SEEDS..2 * SEEDS {
        check(seed, &generate(seed, 2 * SIZE), &exact);
    }
}
