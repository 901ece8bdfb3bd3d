//! Passes on random modules: each alone and all in order keep values, leave legal modules that are
//! printed and parsed back, and change nothing in their own result.

use palmetto_compiler::{
    diagnostic::SourceText,
    hlo::{Module, Opcode, parse_module, print_module, verify},
    options::CompileOptions,
    passes::{Changed, PassContext},
    pipeline::{OPTIMIZE, Pass, find_pass, run_passes},
};
use palmetto_testkit::{
    command::{decides_once, is_exact},
    hlo_generator::{count_opcodes, generate},
    preservation::check_values,
};
use std::collections::BTreeMap;

const SEEDS: u64 = 150;
const SIZE: usize = 25;

fn context() -> PassContext {
    PassContext { options: CompileOptions::v4() }
}

/// What a pass or several did to a module: whether they changed it, or what is wrong.
fn try_passes(before: &Module, passes: &[Pass]) -> Result<bool, String> {
    let mut after = before.clone();
    let mut changed = false;
    let told = |module: &Module, what: &str| {
        let (before, after) = (print_module(before), print_module(module));
        format!("{what}\nbefore:\n{before}\nafter:\n{after}")
    };
    run_passes(&mut after, &context(), passes, &mut |_, _| changed = true)
        .map_err(|error| told(&after, &error.to_string()))?;
    check_values(before, &after).map_err(|difference| told(&after, &difference))?;
    check_text(&after).map_err(|difference| told(&after, &difference))?;
    if let [pass] = passes
        && !decides_once(pass.name)
    {
        let mut again = after.clone();
        let second = (pass.run)(&mut again, &context()).map_err(|error| error.to_string())?;
        let is_same = second == Changed::No && print_module(&again) == print_module(&after);
        is_same.then_some(()).ok_or_else(|| {
            let (once, twice) = (print_module(&after), print_module(&again));
            format!("applied again, it changes\n{once}to\n{twice}")
        })?;
    }
    Ok(changed)
}

/// Is the text of a module the text of that module?
fn check_text(module: &Module) -> Result<(), String> {
    let text = print_module(module);
    let parsed = parse_module(SourceText::new("printed.hlo", &text));
    let parsed = parsed.map_err(|error| format!("printed, but not parsed: {error}"))?;
    verify(&parsed).map_err(|error| format!("legal, but not when parsed: {error}"))?;
    let again = print_module(&parsed);
    if again == text { Ok(()) } else { Err(format!("printed and parsed it is\n{again}")) }
}

#[track_caller]
fn assert_none(failures: &[String]) {
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn has_dot(module: &Module) -> bool {
    let mut counts = BTreeMap::new();
    count_opcodes(module, &mut counts);
    counts.contains_key(&Opcode::Dot)
}

#[test]
fn generated_modules_are_legal_and_have_every_opcode() {
    let mut counts = BTreeMap::new();
    for seed in 0..2 * SEEDS {
        let module = generate(seed, SIZE);
        verify(&module).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        check_text(&module).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
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

/// A module as a pass gets it: from the assignment of layouts on, passes rely on those before them.
fn prepared(pass: &str, mut module: Module) -> Module {
    let place = |name| OPTIMIZE.iter().position(|pass| pass.name == name);
    let (place, late) = (place(pass), place("layout_assignment"));
    if place >= late {
        let before = OPTIMIZE.iter().take(place.expect("it is in the list"));
        let exact: Vec<Pass> = before.filter(|pass| is_exact(pass.name)).copied().collect();
        let ran = run_passes(&mut module, &context(), &exact, &mut |_, _| ());
        ran.unwrap_or_else(|error| panic!("{error}"));
    }
    module
}

/// A pass that only rounds dots in another way is exact where there are none.
#[test]
fn each_pass_keeps_values_and_is_idempotent() {
    let mut names: Vec<&str> = OPTIMIZE.iter().map(|pass| pass.name).collect();
    names.sort_unstable();
    names.dedup();
    let mut failures = Vec::new();
    for name in names {
        let pass = find_pass(name).expect("it is in the list");
        let mut changed = 0;
        for seed in 0..SEEDS {
            let before = prepared(name, generate(seed, SIZE));
            if !is_exact(name) && has_dot(&before) {
                continue;
            }
            match try_passes(&before, &[pass]) {
                Ok(has_changed) => changed += u32::from(has_changed),
                Err(error) => {
                    failures.push(format!("{name}, seed {seed}: {error}"));
                    break;
                }
            }
        }
        if is_exact(name) && changed < 5 {
            failures.push(format!("{name} changed only {changed} modules"));
        }
    }
    assert_none(&failures);
}

#[test]
fn all_passes_in_order_keep_values() {
    let exact: Vec<Pass> = OPTIMIZE.iter().filter(|pass| is_exact(pass.name)).copied().collect();
    let mut failures = Vec::new();
    for seed in SEEDS..2 * SEEDS {
        let before = generate(seed, 2 * SIZE);
        let passes = if has_dot(&before) { &exact } else { OPTIMIZE };
        if let Err(error) = try_passes(&before, passes) {
            failures.push(format!("seed {seed}: {error}"));
        }
        if failures.len() == 3 {
            break;
        }
    }
    assert_none(&failures);
}
