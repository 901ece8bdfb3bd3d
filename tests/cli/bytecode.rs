//! Files that are no text and no program either: every command says what is wrong and where, and
//! ends with the exit code of an error.

use std::path::{Path, PathBuf};

use crate::{Folder, outcome};

fn corpus(name: &str) -> Vec<u8> {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/bytecode");
    std::fs::read(path.join(name)).expect("the corpus is there")
}

/// Every command that reads programs, on these bytes: the first line of the error is `expected`,
/// where `FILE` is the name of the file, up to the place in the user's source.
#[track_caller]
fn refused(name: &str, bytes: &[u8], expected: &str) {
    let folder = Folder::new("bytecode");
    let path = folder.path(name);
    std::fs::write(&path, bytes).expect("the test's folder can be written");
    for command in ["run", "compile", "interpret", "opt", "test"] {
        let (code, out, err) = outcome(&[command, &path]);
        assert_eq!(code, 2, "{command}: {err}");
        let first = err.lines().next().unwrap_or_default();
        let first = first.replace(&path, "FILE");
        let message = first.split_once(" (from ").map_or(first.as_str(), |(message, _)| message);
        assert_eq!(message, expected, "{command}");
        let counted = if command == "test" { "0 passed, 1 failed\n" } else { "" };
        assert!(out.ends_with(counted), "{command}: {out}");
    }
}

/// The bytes with a part of them replaced by as many others.
#[track_caller]
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    assert_eq!(old.len(), new.len());
    let mut places = bytes.windows(old.len()).enumerate().filter(|(_, window)| *window == old);
    let (at, _) = places.next().expect("the file has this part");
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}

#[test]
fn files_that_end_early() {
    let whole = corpus("regression.1.17.0.mlirbc");
    refused(
        "cut.mlirbc",
        &whole[..500],
        "FILE: offset 0xd0: error: 508 bytes cannot be in the 289 bytes left",
    );
    refused("head.mlirbc", &whole[..7], "FILE: offset 0x7: error: 1 byte needed here, 0 left");
    let artifact = corpus("affine.jax_export");
    refused(
        "cut.jax_export",
        &artifact[..700],
        "FILE: offset 0xfc: error: the program of this artifact of jax.export has 564 bytes, but \
         the file ends after 448",
    );
    refused(
        "head.jax_export",
        &artifact[..60],
        "error: FILE is no program: it begins with the bytes 3C 00 00 00",
    );
}

#[test]
fn files_of_another_kind() {
    let whole = corpus("regression.1.17.0.mlirbc");
    refused(
        "magic.mlirbc",
        &replaced(&whole, b"ML\xEFR", b"ML\xEER"),
        "error: FILE is no program: it begins with the bytes 4D 4C EE 52",
    );
    refused("one.mlirbc", &[0xEF], "error: FILE is no program: it begins with the bytes EF");
    refused("empty.mlirbc", &[], "error: FILE has no program");
}

#[test]
fn versions_and_operations_that_are_not_known() {
    let whole = corpus("regression.1.17.0.mlirbc");
    // The version of the container: 6 is written as 0D.
    refused(
        "container.mlirbc",
        &replaced(&whole, b"ML\xEFR\x0D", b"ML\xEFR\x0F"),
        "FILE: offset 0x4: error: version 7 of MLIR bytecode is not supported; known are 0 to 6",
    );
    refused(
        "producer.mlirbc",
        &replaced(&whole, b"StableHLO_v1", b"StableHLO-v1"),
        "FILE: offset 0x5: error: this bytecode was written by \"StableHLO-v1.17.0\"; supported \
         are portable artifacts, which name a version such as \"StableHLO_v1.15.0\"",
    );
    refused(
        "older.mlirbc",
        &replaced(&whole, b"StableHLO_v1.17.0", b"StableHLO_v0.17.0"),
        "FILE: offset 0x310: error: vhlo.dot_general_v2 is of version 1.6.0 and newer ones, but the \
         program has version 0.17.0",
    );
    refused(
        "operation.mlirbc",
        &replaced(&whole, b"\0dot_general_v2\0", b"\0dot_gxneral_v9\0"),
        "FILE: offset 0x310: error: unsupported op vhlo.dot_gxneral_v9",
    );
    refused(
        "dialect.mlirbc",
        &replaced(&whole, b"\0vhlo\0", b"\0tosa\0"),
        "FILE: offset 0x2df: error: unsupported op tosa.func_v1",
    );
    let newer = replaced(&whole, b"StableHLO_v1.17.0", b"StableHLO_v1.99.0");
    refused(
        "newer.mlirbc",
        &replaced(&newer, b"\0dot_general_v2\0", b"\0dot_general_v3\0"),
        "FILE: offset 0x310: error: unsupported op vhlo.dot_general_v3; the program has version \
         1.99.0 of the portable format, known is 1.22.0",
    );
}
