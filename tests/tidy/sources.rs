//! Source files: how long, how wide, how they are called, how they begin.

use super::tree::{files, none, read};

const MAX_LINES: usize = 600;
const MAX_COLUMNS: usize = 100;

/// Files that are one table: a row is a line, and there are as many as there are.
const TABLES: [&str; 2] = ["emulator/isa/src/table.rs", "compiler/src/hlo/opcode.rs"];

/// Words that say nothing. What would be called so has a noun that is still missing.
const BANNED_WORDS: [&str; 11] = [
    "util", "utils", "helper", "helpers", "common", "misc", "manager", "handler", "handlers",
    "base", "impl",
];

#[test]
fn files_are_short() {
    let mut findings = Vec::new();
    for path in files("", &["rs", "py"]) {
        let n_lines = read(&path).lines().count();
        if n_lines > MAX_LINES && !TABLES.contains(&path.as_str()) {
            findings.push(format!("{path}: {n_lines} lines, at most {MAX_LINES} are allowed"));
        }
    }
    none(&findings);
}

/// Tests full of programs in another language, with its own width, and tables of one row per line.
const WIDE: [&str; 4] = [
    "compiler/tests/frontend/",
    "compiler/src/evaluator/tests/",
    "runtime/tests/client/",
    "tests/jax/",
];

#[test]
fn lines_are_narrow() {
    let mut findings = Vec::new();
    for path in files("", &["rs", "py"]) {
        if TABLES.contains(&path.as_str()) || WIDE.iter().any(|wide| path.starts_with(wide)) {
            continue;
        }
        for (number, line) in own_lines(&read(&path)) {
            let n_columns = line.chars().count();
            if n_columns > MAX_COLUMNS && is_breakable(line) {
                findings.push(format!(
                    "{path}:{number}: {n_columns} columns, at most {MAX_COLUMNS} are allowed"
                ));
            }
        }
    }
    none(&findings);
}

/// A line with a text in quotes or an address is as wide as that.
fn is_breakable(line: &str) -> bool {
    let is_comment = line.trim_start().starts_with("//");
    if is_comment { !line.contains("://") } else { !line.contains('"') }
}

/// The lines with their numbers, without those of raw strings: their line breaks are not ours.
fn own_lines(text: &str) -> Vec<(usize, &str)> {
    let mut lines = Vec::new();
    let mut in_raw_string = false;
    for (index, line) in text.lines().enumerate() {
        let opens = line.rfind("r#\"");
        let closes = line.rfind("\"#");
        let was_in_raw_string = in_raw_string;
        in_raw_string = match (opens, closes) {
            (Some(open), Some(close)) => open + 1 >= close,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => in_raw_string,
        };
        if !was_in_raw_string && !in_raw_string {
            lines.push((index + 1, line));
        }
    }
    lines
}

#[test]
fn raw_strings_are_left_out() {
    let text = "a\nexpect![[r#\"\n  wide\n\"#]]\nb r#\"c\"#\nd r#\"\ne\"#\nf";
    let numbers: Vec<_> = own_lines(text).into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, [1, 5, 8]);
}

#[test]
fn paths_say_something() {
    let mut findings = Vec::new();
    for path in files("", &[]) {
        let words = path.split(['/', '.', '_', '-']);
        for word in words.filter(|word| BANNED_WORDS.contains(word)) {
            findings.push(format!("{path}: `{word}` says nothing"));
        }
    }
    none(&findings);
}

#[test]
fn modules_say_what_they_are() {
    let mut findings = Vec::new();
    for path in files("", &["rs"]) {
        if !read(&path).starts_with("//! ") {
            findings.push(format!("{path}: line 1 has to begin the module comment, `//! ...`"));
        }
    }
    none(&findings);
}

#[test]
fn nothing_is_left_to_do() {
    let marks = [concat!("to", "do!("), concat!("unimple", "mented!("), concat!("FIX", "ME")];
    let mut findings = Vec::new();
    for path in files("", &["rs", "py"]) {
        for (index, line) in read(&path).lines().enumerate() {
            for mark in marks.iter().filter(|mark| line.contains(**mark)) {
                findings.push(format!("{path}:{}: `{mark}`", index + 1));
            }
        }
    }
    none(&findings);
}
