//! Programs in bytecode: `tests/corpus/bytecode/make.py` makes them, of several versions of the
//! format, and writes down how another reader understands them.

use super::{import, parse};
use palmetto_compiler::diagnostic::Diagnostic;
use palmetto_compiler::frontend::{
    EntryPoint, Program, exported_module, import_module, is_bytecode, list_functions,
    parse_bytecode,
};
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus/bytecode")
}

/// Numbers that order versions.
fn version(text: &str) -> Vec<u32> {
    text.split('.').map(|part| part.parse().unwrap()).collect()
}

/// The artifacts: file, name of the program, version.
fn artifacts() -> Vec<(PathBuf, String, Vec<u32>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        if let Some((name, rest)) = file.strip_suffix(".mlirbc").and_then(|f| f.split_once('.')) {
            found.push((path, name.to_owned(), version(rest)));
        }
    }
    found.sort();
    assert!(found.len() > 50, "the corpus is there");
    found
}

/// The text of a program of some version: that of the next version which has its own.
fn text(name: &str, wanted: &[u32]) -> String {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_str().unwrap();
        let middle = file.strip_prefix(name).and_then(|rest| rest.strip_suffix("mlir"));
        match middle {
            Some(".") => texts.push((vec![u32::MAX], path)),
            Some(".in.") | None => {}
            Some(middle) => texts.push((version(middle.trim_matches('.')), path)),
        }
    }
    texts.sort();
    let (_, path) = texts.into_iter().find(|(version, _)| version.as_slice() >= wanted).unwrap();
    fs::read_to_string(path).unwrap()
}

fn read(path: &Path) -> Result<Program, Diagnostic> {
    let bytes = fs::read(path).unwrap();
    assert!(is_bytecode(&bytes));
    parse_bytecode(path.file_name().unwrap().to_str().unwrap(), bytes)
}

/// A tree without the data of constants that the text reader does not decode.
fn comparable(tree: &str) -> String {
    let mut result = String::new();
    for part in tree.split_inclusive("dense<") {
        let is_narrow = part.split_once("> : tensor<").is_some_and(|(data, rest)| {
            let (tensor, _) = rest.split_once('>').unwrap_or((rest, ""));
            let is_literal = data.starts_with('"') || data == "0";
            is_literal && ["complex", "f8E", "f6E", "f4E"].iter().any(|each| tensor.contains(each))
        });
        match part.split_once('>') {
            Some((_, rest)) if is_narrow => result += &format!("…>{rest}"),
            _ => result += part,
        }
    }
    result
}

#[test]
fn every_version_gives_the_tree_of_the_text() {
    for (path, name, version) in artifacts() {
        let program = read(&path).unwrap_or_else(|error| panic!("{error}"));
        let expected = parse(&text(&name, &version)).unwrap_or_else(|error| panic!("{error}"));
        let (found, expected) = (program.to_string(), expected.to_string());
        let pairs = comparable(&found).lines().map(str::to_owned).collect::<Vec<_>>();
        let expected = comparable(&expected);
        for (line, expected) in pairs.iter().zip(expected.lines()) {
            assert_eq!(line, expected, "{}", path.display());
        }
        assert_eq!(pairs.len(), expected.lines().count(), "{}", path.display());
    }
}

#[test]
fn what_can_be_imported_is_the_same_hlo() {
    let mut n_imported = 0;
    for (path, name, version) in artifacts() {
        let module = import_module(&read(&path).unwrap(), &EntryPoint::Main);
        match (module, import(&text(&name, &version))) {
            (Ok(module), Ok(expected)) => {
                assert_eq!(module.to_string(), expected.to_string(), "{}", path.display());
                n_imported += 1;
            }
            (Err(error), Err(expected)) => assert_eq!(error.message(), expected.message()),
            (Ok(_), Err(error)) | (Err(error), Ok(_)) => panic!("{}: {error}", path.display()),
        }
    }
    assert!(n_imported >= 20, "{n_imported}");
}

#[test]
fn old_and_new_artifacts_of_a_program_are_the_same_hlo() {
    // Others have operations that old versions write with more of them.
    for name in ["regression", "control"] {
        let module = |version: &str| {
            let program = read(&folder().join(format!("{name}.{version}.mlirbc"))).unwrap();
            import_module(&program, &EntryPoint::Main).unwrap().to_string()
        };
        for version in ["1.15.0", "1.13.0", "1.9.0", "1.0.0", "0.14.0", "0.9.0"] {
            assert_eq!(module(version), module("1.17.0"), "{name} {version}");
        }
    }
}

#[test]
fn constants_keep_their_bits() {
    let tree = read(&folder().join("zoo.1.17.0.mlirbc")).unwrap().to_string();
    for literal in [
        r#"dense<"0x3840"> : tensor<2xf8E4M3FN>"#,
        r#"dense<"0x01FE"> : tensor<2xi4>"#,
        r#"dense<"0x0000803F000000400000404000008040"> : tensor<2xcomplex<f32>>"#,
    ] {
        assert!(tree.contains(literal), "{literal}");
    }
}

#[test]
fn attributes_for_later_stages_survive() {
    let path = folder().join("zoo.1.17.0.mlirbc");
    let tree = read(&path).unwrap().to_string();
    for attribute in [
        r#""jax.buffer_donor" = true"#,
        r#""mhlo.layout_mode" = "{0,1}""#,
        r#""mhlo.memory_kind" = "pinned_host""#,
        r#""mhlo.sharding" = "{replicated}""#,
        r#""mhlo.frontend_attributes" = {"x" = "y"}"#,
        r#""mhlo.num_partitions" = 1 : i32"#,
    ] {
        assert!(tree.contains(attribute), "{attribute}");
    }
    let dialects = read(&folder().join("dialects.1.17.0.mlirbc")).unwrap().to_string();
    assert!(!dialects.contains("unrealized_conversion_cast"));
    assert!(dialects.contains(r#""tf.aliasing_output" = 0 : i32"#), "{dialects}");
    assert!(dialects.contains(r#"#sdy.sharding<@mesh, [{"x", ?}p1, {?}]>"#), "{dialects}");
}

#[test]
fn errors_say_where_in_the_file_and_in_the_users_program() {
    let zoo = read(&folder().join("zoo.1.17.0.mlirbc")).unwrap();
    let error = import_module(&zoo, &EntryPoint::Main).unwrap_err().to_string();
    assert!(error.starts_with("zoo.1.17.0.mlirbc: offset 0x"), "{error}");
    let kernel = read(&folder().join("kernel.1.17.0.mlirbc")).unwrap();
    let error = import_module(&kernel, &EntryPoint::Main).unwrap_err().to_string();
    assert!(error.contains("(from pallas_call at make.py:"), "{error}");
}

#[test]
fn artifacts_of_jax_export_have_a_program() {
    let read = |name: &str| {
        let bytes = fs::read(folder().join(name)).unwrap();
        assert!(!is_bytecode(&bytes));
        parse_bytecode(name, exported_module(name, &bytes).unwrap()).unwrap()
    };
    for (name, n_arguments) in [("affine.jax_export", 2), ("derivative.jax_export", 1)] {
        let program = read(name);
        let functions = list_functions(&program);
        assert_eq!((functions[0].name.as_str(), functions[0].n_arguments), ("main", n_arguments));
        let module = import_module(&program, &EntryPoint::Main);
        assert!(module.is_ok(), "{}", module.unwrap_err());
    }
    let error = import_module(&read("dynamic.jax_export"), &EntryPoint::Main).unwrap_err();
    assert!(error.message().contains("tensor<?x3xf32>"), "{error}");
    assert!(error.message().contains("dimensions have to be known"), "{error}");
    assert!(exported_module("x", b"\xff\xfe\xfd").is_err());
}

/// Reads and imports whatever there is.
pub(crate) fn digest(bytes: &[u8]) {
    let bytes = match is_bytecode(bytes) {
        true => bytes,
        false => exported_module("damaged", bytes).unwrap_or_default(),
    };
    let Ok(program) = parse_bytecode("damaged", bytes) else { return };
    drop(program.to_string());
    for function in list_functions(&program) {
        drop(import_module(&program, &EntryPoint::Function(function.name)));
    }
}

#[test]
fn damaged_files_are_errors_or_programs() {
    for (number, (path, ..)) in artifacts().into_iter().enumerate() {
        let bytes = fs::read(path).unwrap();
        for round in 0..60 {
            let seed = (u64::try_from(number).unwrap() + 1) * 7_368_787 + round;
            digest(&super::robustness::damaged(&bytes, seed));
        }
    }
}

#[test]
fn cut_files_are_errors() {
    for (path, ..) in artifacts() {
        let bytes = fs::read(&path).unwrap();
        let step = (bytes.len() / 40).max(1);
        for cut in (0..bytes.len()).step_by(step) {
            assert!(parse_bytecode("cut", &bytes[..cut]).is_err(), "{} {cut}", path.display());
        }
    }
}
