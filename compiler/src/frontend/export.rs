//! The artifacts of `jax.export`: flat buffers with a program in bytecode.
//!
//! What JAX needs to call the program again (trees of arguments, shardings, the derivative) is
//! not read. A flat buffer has no signature; whether a file is one shows in whether its module
//! can be found.

use std::ops::Range;

use super::bytecode::is_bytecode;
use crate::diagnostic::Diagnostic;

/// The number of `mlir_module_serialized` among the fields of the root table.
const MODULE_FIELD: usize = 13;

/// Where in an artifact the program is.
pub(super) fn module_of(file: &str, bytes: &[u8]) -> Result<Range<usize>, Diagnostic> {
    let found = find_module(bytes);
    let begins = |range: &Range<usize>| bytes.get(range.start..).is_some_and(is_bytecode);
    match found.filter(begins) {
        Some(range) if range.end <= bytes.len() => Ok(range),
        Some(range) => {
            let message = format!(
                "the program of this artifact of jax.export has {} bytes, but the file ends after \
                 {}",
                range.len(),
                bytes.len() - range.start
            );
            Err(Diagnostic::new(message).at_offset(file, range.start))
        }
        None => {
            let first: Vec<String> = bytes.iter().take(4).map(|b| format!("{b:02X}")).collect();
            let first = first.join(" ");
            let message = format!("{file} is no program: it begins with the bytes {first}");
            Err(Diagnostic::new(message).with_note(
                "a program is text (StableHLO or HLO), MLIR bytecode (4D 4C EF 52), or what \
                 `jax.export` writes",
            ))
        }
    }
}

/// Where the field is, wherever its offsets lead; its end may be beyond that of the file.
fn find_module(bytes: &[u8]) -> Option<Range<usize>> {
    let table = offset(bytes, 0)?;
    // The table begins with the distance back to the list of its fields.
    let distance = isize::try_from(i32::from_le_bytes(array(bytes, table)?)).ok()?;
    let fields = table.checked_add_signed(distance.checked_neg()?)?;
    let size = usize::from(u16::from_le_bytes(array(bytes, fields)?));
    let entry = 4 + 2 * MODULE_FIELD;
    if entry + 2 > size {
        return None;
    }
    let field = usize::from(u16::from_le_bytes(array(bytes, fields.checked_add(entry)?)?));
    if field == 0 {
        return None;
    }
    let reference = table.checked_add(field)?;
    let vector = reference.checked_add(offset(bytes, reference)?)?;
    let start = vector.checked_add(4)?;
    Some(start..start.checked_add(offset(bytes, vector)?)?)
}

fn offset(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(array(bytes, at)?)).ok()
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A buffer whose root table has only the module.
    fn artifact(module: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; 40];
        // The root table, then the sizes and fields before it.
        bytes[0] = 36;
        bytes[4] = 32;
        bytes[6] = 8;
        bytes[4 + 4 + 2 * MODULE_FIELD] = 4;
        bytes[36] = 32;
        let length = u32::try_from(module.len()).unwrap().to_le_bytes();
        bytes.extend([4, 0, 0, 0]);
        bytes.extend(length);
        bytes.extend(module);
        bytes
    }

    #[test]
    fn the_module_is_found_through_the_tables() {
        let bytes = artifact(b"ML\xefRrest");
        assert_eq!(module_of("f", &bytes).unwrap(), 48..bytes.len());
        assert!(module_of("f", &artifact(b"text")).is_err());
        assert!(module_of("f", &[0xff; 64]).is_err());
        for length in 0..bytes.len() {
            let error = module_of("f", &bytes[..length]).unwrap_err().to_string();
            let is_said = error.contains("has 8 bytes, but the file ends after");
            assert_eq!(is_said, length >= 48 + 4, "{length}: {error}");
        }
    }
}
