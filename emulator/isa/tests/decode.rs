//! Binary programs by example: how compact they are, and what is said of other bytes.

use expect_test::{Expect, expect};
use palmetto_isa::{
    asm::parse_program,
    decode::decode,
    encode::{encode, table_fingerprint},
};

/// Header bytes: magic, version, fingerprint.
const HEADER_BYTES: usize = 9;

/// An encoded program after its header: name `p`, nothing else, then `bundles`.
fn encoded(bundles: &[u8]) -> Vec<u8> {
    let mut bytes = encode(&parse_program("program p").expect("a program"));
    assert_eq!(bytes[HEADER_BYTES..], [1, b'p', 0, 0, 0, 0]);
    bytes.pop();
    bytes.extend(bundles);
    bytes
}

fn check(bytes: &[u8], message: Expect) {
    let error = decode(bytes).expect_err("the bytes are no program").to_string();
    // Two lines, so that the expectations fit into theirs.
    message.assert_eq(&error.replacen(": ", ":\n", 1));
}

#[test]
fn empty_bundles_cost_nothing() {
    let program = parse_program("program p\nnop 1000000\nhalt").unwrap();
    assert!(encode(&program).len() < 32);
    assert_eq!(decode(&encode(&program)), Ok(program));
}

#[test]
fn headers_are_checked() {
    let bytes = encoded(&[0]);
    check(
        &[],
        expect![[r#"
        byte 0:
        the bytes end within the magic"#]],
    );
    check(
        b"PLMTX",
        expect![[r#"
        byte 4:
        format version 88, expected 1"#]],
    );
    check(
        b"ELF\x7f\x02",
        expect![[r#"
        byte 0:
        found [45, 4c, 46, 7f], expected the magic [50, 4c, 4d, 54]"#]],
    );
    let mut other_table = bytes.clone();
    other_table[5..9].copy_from_slice(&(!table_fingerprint()).to_le_bytes());
    let message = decode(&other_table).unwrap_err().to_string();
    assert!(message.starts_with("byte 5: encoded with op table "), "{message}");
    let mut bad_name = bytes.clone();
    bad_name[HEADER_BYTES + 1] = 0xff;
    check(
        &bad_name,
        expect![[r#"
        byte 10:
        the name of the program is not UTF-8"#]],
    );
}

#[test]
fn bundles_are_checked() {
    check(
        &encoded(&[]),
        expect![[r#"
        byte 14:
        the bytes end within the number of bundles"#]],
    );
    check(
        &encoded(&[0, 0]),
        expect![[r#"
        byte 15:
        1 bytes after the end of the program"#]],
    );
    check(
        &encoded(&[1, 0, 0]),
        expect![[r#"
        byte 16:
        a run of 0 empty bundles"#]],
    );
    check(
        &encoded(&[1, 0, 2]),
        expect![[r#"
        byte 16:
        the length of a run of empty bundles is 2, at most 1 is allowed"#]],
    );
    check(
        &encoded(&[1, 1, 0xff, 0x7f]),
        expect![[r#"
            byte 16:
            the opcode is 16383, at most 115 is allowed"#]],
    );
    check(
        &encoded(&[1, 1, 0]),
        expect![[r#"
        byte 17:
        the bytes end within dst"#]],
    );
    check(
        &encoded(&[1, 3, 0, 1, 0, 0, 1, 0, 0, 1, 0]),
        expect![[r#"
        byte 22:
        `smov_imm` does not fit: the bundle already holds 2 ops in slot scalar, its capacity"#]],
    );
    check(
        &encoded(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
        expect![[r#"
        byte 14:
        the number of bundles is 18446744073709551615, at most 1048576 is allowed"#]],
    );
    check(
        &encoded(&[0xff, 0xff, 0xff, 0xff, 0x0f]),
        expect![[r#"
        byte 14:
        the number of bundles is 4294967295, at most 1048576 is allowed"#]],
    );
}
