//! Programs that JAX printed; `data/jax/make.py` makes them.

use super::{import, parse};
use std::fs;
use std::path::Path;

const PROGRAMS: [&str; 7] = ["attention", "cond", "embedding", "fori", "mlp", "reductions", "scan"];

fn read(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/jax");
    fs::read_to_string(folder.join(file)).unwrap()
}

/// A text without its locations: JAX gives the generic form none.
fn without_locations(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.starts_with("#loc"));
    lines.map(|line| without_locations_in(line) + "\n").collect()
}

fn without_locations_in(line: &str) -> String {
    let mut line = line.to_owned();
    while let Some(start) = line.find(" loc(") {
        // The brackets in an operation's name do not count.
        let (mut depth, mut in_string) = (0, false);
        let length = line[start..].find(|c| {
            in_string ^= c == '"';
            let step = if in_string { 0 } else { i32::from(c == '(') - i32::from(c == ')') };
            depth += step;
            step < 0 && depth == 0
        });
        line.replace_range(start..=start + length.unwrap(), "");
    }
    line
}

#[test]
fn pretty_and_generic_form_give_the_same_tree() {
    for program in PROGRAMS {
        let pretty = without_locations(&read(&format!("{program}.mlir")));
        let generic = read(&format!("{program}.generic.mlir"));
        assert_eq!(parse(&pretty).unwrap().to_string(), parse(&generic).unwrap().to_string());
    }
}

#[test]
fn every_program_is_imported() {
    for program in PROGRAMS {
        let pretty = import(&without_locations(&read(&format!("{program}.mlir"))));
        let pretty = pretty.unwrap_or_else(|error| panic!("{error}"));
        let generic = import(&read(&format!("{program}.generic.mlir"))).unwrap();
        assert_eq!(pretty.to_string(), generic.to_string());
        let counts = pretty.computations().map(|(_, each)| each.instruction_count());
        assert!(counts.sum::<usize>() > 8, "{pretty}");
    }
}

#[test]
fn operations_keep_their_names_and_places() {
    let module = import(&read("cond.mlir")).unwrap();
    let text = module.to_string();
    assert!(text.contains(r#"op_name="jit(cond)/cond/branch_0_fun/sin" source_file="make.py""#));
    let entry = module.entry_computation();
    let parameter = entry.instruction(entry.parameters()[1]);
    assert_eq!(parameter.metadata().op_name.as_deref(), Some("x"));
    let names = entry.instructions().filter_map(|(_, each)| each.metadata().op_name.clone());
    assert!(names.into_iter().any(|name| name == "jit(cond)/convert_element_type"));
}
