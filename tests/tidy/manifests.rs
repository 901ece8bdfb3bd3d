//! Manifests: who may know whom.

use super::tree::{files, none, read};
use toml::{Table, Value};

/// Every crate of ours and the crates of ours that its code may name. Tests may name no more,
/// except those of the workspace's own package and what they share, which may name all.
const EDGES: &[(&str, &[&str])] = &[
    ("palmetto-isa", &[]),
    ("palmetto-emulator", &["palmetto-isa"]),
    ("palmetto-kernels", &["palmetto-isa"]),
    ("palmetto-compiler", &["palmetto-isa", "palmetto-kernels"]),
    ("palmetto-runtime", &["palmetto-isa", "palmetto-compiler", "palmetto-emulator"]),
    ("palmetto-pjrt", &["palmetto-runtime"]),
    ("palmetto", &["palmetto-isa", "palmetto-compiler", "palmetto-runtime"]),
    ("palmetto-testkit", TESTED),
    ("palmetto-fuzz", &["palmetto-compiler"]),
];

/// A workspace of its own, for ordinary commands must not build what needs cargo-fuzz.
const FUZZ: &str = "fuzz/Cargo.toml";

/// What the tests of the workspace may name besides the testkit.
const TESTED: &[&str] = &[
    "palmetto-isa",
    "palmetto-emulator",
    "palmetto-kernels",
    "palmetto-compiler",
    "palmetto-runtime",
];

#[test]
fn crates_know_only_those_below_them() {
    let mut findings = Vec::new();
    for path in files("", &["toml"]).iter().filter(|path| path.ends_with("Cargo.toml")) {
        let manifest = parse(path);
        let name = manifest["package"]["name"].as_str().expect("a package has a name");
        let Some((_, allowed)) = EDGES.iter().find(|(crate_name, _)| *crate_name == name) else {
            findings.push(format!("{path}: `{name}` is not in the list of crates"));
            continue;
        };
        for (section, used) in dependencies(&manifest) {
            let of_tests = section == "dev-dependencies" && name == "palmetto";
            // The tests with JAX need the plugin's library.
            let of_tests_only = ["palmetto-testkit", "palmetto-pjrt"];
            let is_known = allowed.contains(&used.as_str())
                || of_tests
                    && (of_tests_only.contains(&used.as_str()) || TESTED.contains(&used.as_str()));
            if used.starts_with("palmetto") && !is_known {
                findings.push(format!("{path}: [{section}] `{name}` may not know `{used}`"));
            }
        }
    }
    none(&findings);
}

/// Every dependency with its section, those for one target included.
fn dependencies(manifest: &Table) -> Vec<(&'static str, String)> {
    let mut tables = vec![manifest];
    if let Some(Value::Table(targets)) = manifest.get("target") {
        tables.extend(targets.values().filter_map(Value::as_table));
    }
    let mut found = Vec::new();
    for table in tables {
        for section in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let Some(Value::Table(dependencies)) = table.get(section) else { continue };
            for (name, specification) in dependencies {
                let package = specification.get("package").and_then(Value::as_str);
                found.push((section, package.unwrap_or(name).to_owned()));
            }
        }
    }
    found
}

#[test]
fn a_plain_command_covers_every_crate() {
    let workspace = &parse("Cargo.toml")["workspace"];
    let list = |key: &str| -> Vec<String> {
        let values = workspace[key].as_array().expect("a list of folders");
        values.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let mut members = list("members");
    members.insert(0, ".".to_owned());
    assert_eq!(list("default-members"), members);
}

#[test]
fn every_crate_is_a_member_with_the_lints_of_the_workspace() {
    let workspace = parse("Cargo.toml");
    let members = workspace["workspace"]["members"].as_array().expect("a list of folders");
    let mut findings = Vec::new();
    for path in files("", &["toml"]) {
        let Some(folder) = path.strip_suffix("/Cargo.toml").filter(|_| path != FUZZ) else {
            continue;
        };
        if !members.iter().any(|member| member.as_str() == Some(folder)) {
            findings.push(format!("{path}: not a member of the workspace"));
        }
        let lints = parse(&path).get("lints").cloned();
        if lints.and_then(|lints| lints.get("workspace")?.as_bool()) != Some(true) {
            findings.push(format!("{path}: without the lints of the workspace"));
        }
    }
    none(&findings);
}

#[test]
fn fuzz_targets_are_a_workspace_of_their_own() {
    let manifest = parse(FUZZ);
    assert!(manifest.contains_key("workspace"), "{FUZZ}: without [workspace]");
    let targets = manifest["bin"].as_array().expect("a list of targets");
    let listed: Vec<String> = targets
        .iter()
        .map(|target| format!("fuzz/{}", target["path"].as_str().expect("a target has a path")))
        .collect();
    assert_eq!(files("fuzz/fuzz_targets", &["rs"]), listed, "{FUZZ}: a target per file, sorted");
}

#[test]
fn versions_are_given_once() {
    let mut findings = Vec::new();
    let manifests = files("", &["toml"]);
    let of_crates = manifests.iter().filter(|path| path.ends_with("/Cargo.toml") && *path != FUZZ);
    for path in of_crates {
        for (section, used) in dependencies(&parse(path)) {
            let entry = &parse(path)[section];
            let inherits = entry.get(&used).and_then(|entry| entry.get("workspace"));
            if inherits.and_then(Value::as_bool) != Some(true) {
                findings.push(format!("{path}: [{section}] `{used}` has to inherit its version"));
            }
        }
    }
    none(&findings);
}

fn parse(path: &str) -> Table {
    read(path).parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}
