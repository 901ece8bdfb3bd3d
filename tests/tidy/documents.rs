//! Documents and test files: generated ones are current, tags have rows, tests expect something.

use super::tree::{files, none, read, root};
use expect_test::expect_file;
use palmetto_isa::{TPU_V4, manual::print_manual};
use palmetto_testkit::{command::COMMANDS, filetest::parse_filetest};
use std::collections::BTreeSet;

#[test]
fn the_manual_is_that_of_the_table() {
    expect_file!["../../docs/isa.md"].assert_eq(&print_manual(&TPU_V4));
}

#[test]
fn every_number_of_the_machine_has_its_row() {
    let document = read("docs/machine.md");
    let rows: BTreeSet<String> = document.lines().filter_map(row_tag).collect();
    let mut tags = BTreeSet::new();
    let mut findings = Vec::new();
    for path in files("emulator", &["rs"]) {
        for tag in tags_in(&read(&path)) {
            if !rows.contains(&tag) {
                findings.push(format!("{path}: [{tag}] has no row in docs/machine.md"));
            }
            tags.insert(tag);
        }
    }
    for tag in rows.difference(&tags) {
        findings.push(format!("docs/machine.md: nothing in emulator/ is tagged [{tag}]"));
    }
    none(&findings);
}

/// The tag of a table row, `| M1 | ...`.
fn row_tag(line: &str) -> Option<String> {
    let cell = line.strip_prefix('|')?.split('|').next()?.trim();
    let tag = cell.trim_matches(['[', ']', '`', '*']);
    is_tag(tag).then(|| tag.to_owned())
}

/// Every `[M1]` in `text`; `[M1, M2]` are two.
fn tags_in(text: &str) -> Vec<String> {
    let brackets = text.split('[').skip(1).filter_map(|rest| rest.split(']').next());
    brackets
        .flat_map(|list| list.split(", "))
        .filter(|tag| is_tag(tag))
        .map(str::to_owned)
        .collect()
}

fn is_tag(text: &str) -> bool {
    let digits = text.strip_prefix('M').unwrap_or_default();
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Links in documents lead to files.
#[test]
fn links_lead_somewhere() {
    let mut findings = Vec::new();
    for path in files("", &["md"]) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for target in links(&read(&path)) {
            if !root().join(folder).join(&target).exists() {
                findings.push(format!("{path}: `{target}` does not exist"));
            }
        }
    }
    none(&findings);
}

/// The targets of `[text](target)` that are files, without `#section`.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let files = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    files.filter_map(|target| target.split('#').next()).map(str::to_owned).collect()
}

#[test]
fn tags_are_found() {
    assert_eq!(tags_in("1050, // [M1]\n// a[M], [M2, M3] and [x]"), ["M1", "M2", "M3"]);
    assert_eq!(row_tag("| `M4` | 128 | [M5] |").as_deref(), Some("M4"));
    assert_eq!(row_tag("|---|---|"), None);
}

#[test]
fn filetests_are_where_they_belong() {
    let mut findings = Vec::new();
    for path in files("tests/filetests", &[]) {
        let folder = path.split('/').nth(2).unwrap_or_default();
        let Some(command) = COMMANDS.iter().find(|command| command.name == folder) else {
            findings.push(format!("{path}: no command is called `{folder}`"));
            continue;
        };
        if !path.ends_with(&format!(".{}", command.extension)) {
            findings.push(format!("{path}: files of `{folder}` end in .{}", command.extension));
        }
        match parse_filetest(&read(&path)) {
            Ok(test) if test.command != folder => {
                findings.push(format!("{path}: line 1 says `{}`", test.command));
            }
            Ok(test) if test.expected.is_none() => {
                findings.push(format!("{path}: expects nothing; UPDATE_EXPECT=1 fills it in"));
            }
            Ok(_) => {}
            Err(error) => findings.push(format!("{path}: {error}")),
        }
    }
    none(&findings);
}

#[test]
fn every_command_is_used() {
    let paths = files("tests/filetests", &[]);
    for command in COMMANDS {
        let folder = format!("tests/filetests/{}/", command.name);
        assert!(paths.iter().any(|path| path.starts_with(&folder)), "{folder} has no file");
    }
}
