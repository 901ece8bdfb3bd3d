//! A cursor over bytes of the file: the primitives that everything else is made of.

use std::ops::Range;

use crate::frontend::source::{SourceError, SourceResult, Span, counted};

/// Reads from a part of the file and knows where in the file it is.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    file: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    /// A reader of the part `range`, which the file has.
    pub(super) fn new(file: &'a [u8], range: Range<usize>) -> Self {
        debug_assert!(range.start <= range.end && range.end <= file.len());
        Self { file, at: range.start, end: range.end }
    }

    /// The position in the file.
    pub(super) fn offset(&self) -> usize {
        self.at
    }

    pub(super) fn remaining(&self) -> usize {
        self.end - self.at
    }

    pub(super) fn is_empty(&self) -> bool {
        self.at == self.end
    }

    /// An error at the position.
    pub(super) fn error(&self, message: impl Into<String>) -> SourceError {
        error_at(self.at, message)
    }

    /// An error unless everything was read.
    pub(super) fn finish(&self, what: &str) -> SourceResult<()> {
        if self.is_empty() {
            return Ok(());
        }
        Err(self.error(format!("{} bytes too many in {what}", self.remaining())))
    }

    pub(super) fn byte(&mut self) -> SourceResult<u8> {
        Ok(self.bytes(1)?[0])
    }

    pub(super) fn bytes(&mut self, count: usize) -> SourceResult<&'a [u8]> {
        let range = self.skip(count)?;
        Ok(&self.file[range])
    }

    /// Moves past `count` bytes and says where they are.
    pub(super) fn skip(&mut self, count: usize) -> SourceResult<Range<usize>> {
        if count > self.remaining() {
            let left = self.remaining();
            return Err(self.error(format!("{} needed here, {left} left", counted(count, "byte"))));
        }
        let start = self.at;
        self.at += count;
        Ok(start..self.at)
    }

    /// Everything that is left.
    pub(super) fn rest(self) -> &'a [u8] {
        &self.file[self.at..self.end]
    }

    /// A byte that is 0 or 1.
    pub(super) fn bool(&mut self) -> SourceResult<bool> {
        Ok(self.byte()? != 0)
    }

    /// A number whose first byte says how many more there are: as many as it has trailing zero
    /// bits. The value is above the lowest set bit.
    pub(super) fn varint(&mut self) -> SourceResult<u64> {
        let first = self.byte()?;
        let extra = first.trailing_zeros() as usize;
        let mut raw = [0; 8];
        if extra == 8 {
            raw.copy_from_slice(self.bytes(8)?);
            return Ok(u64::from_le_bytes(raw));
        }
        raw[0] = first;
        raw[1..=extra].copy_from_slice(self.bytes(extra)?);
        Ok(u64::from_le_bytes(raw) >> (extra + 1))
    }

    /// A number with its sign in the lowest bit.
    pub(super) fn signed(&mut self) -> SourceResult<i64> {
        let raw = self.varint()?;
        Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    /// A number and a flag.
    pub(super) fn flagged(&mut self) -> SourceResult<(u64, bool)> {
        let raw = self.varint()?;
        Ok((raw >> 1, raw & 1 == 1))
    }

    /// How many things follow. Each takes at least a byte, so a count that is larger than what is
    /// left is refused before anything is made of it.
    pub(super) fn count(&mut self, what: &str) -> SourceResult<usize> {
        let at = self.at;
        let count = self.varint()?;
        self.check_count(count, what, at)
    }

    /// The same for a count that is read already.
    pub(super) fn check_count(&self, count: u64, what: &str, at: usize) -> SourceResult<usize> {
        match usize::try_from(count) {
            Ok(count) if count <= self.remaining() => Ok(count),
            _ => {
                let left = self.remaining();
                Err(error_at(at, format!("{count} {what} cannot be in the {left} bytes left")))
            }
        }
    }

    /// The number of one of `len` things.
    pub(super) fn index(&mut self, what: &str, len: usize) -> SourceResult<usize> {
        let at = self.at;
        let index = self.varint()?;
        checked_index(index, what, len, at)
    }

    /// Bytes with their length before them: where they are.
    pub(super) fn blob(&mut self) -> SourceResult<Range<usize>> {
        let count = self.count("bytes")?;
        self.skip(count)
    }

    /// A count, and so many things.
    pub(super) fn list<T>(
        &mut self,
        what: &str,
        mut item: impl FnMut(&mut Self) -> SourceResult<T>,
    ) -> SourceResult<Vec<T>> {
        let count = self.count(what)?;
        (0..count).map(|_| item(self)).collect()
    }

    /// The part `range` of the file.
    pub(super) fn part(&self, range: Range<usize>) -> Self {
        Self::new(self.file, range)
    }

    /// Moves to the next multiple of `alignment`, counted from the start of the file.
    pub(super) fn align(&mut self, alignment: u64) -> SourceResult<()> {
        let alignment = usize::try_from(alignment).ok().filter(|each| each.is_power_of_two());
        let Some(alignment) = alignment else {
            return Err(self.error("an alignment has to be a power of two"));
        };
        let padding = self.at.wrapping_neg() & (alignment - 1);
        self.skip(padding).map(|_| ())
    }
}

/// The number of one of `len` things, or an error at `at`.
pub(super) fn checked_index(index: u64, what: &str, len: usize, at: usize) -> SourceResult<usize> {
    match usize::try_from(index) {
        Ok(index) if index < len => Ok(index),
        _ => Err(error_at(at, format!("there is no {what} {index}; the file has {len}"))),
    }
}

/// An error at a byte of the file.
pub(super) fn error_at(offset: usize, message: impl Into<String>) -> SourceError {
    SourceError::new(Span::new(offset, offset), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(bytes: &[u8]) -> Reader<'_> {
        Reader::new(bytes, 0..bytes.len())
    }

    #[test]
    fn numbers_of_every_length() {
        for (bytes, value) in [
            (&[0x01][..], 0),
            (&[0x0d], 6),
            (&[0xff], 127),
            (&[0x02, 0x02], 128),
            (&[0x04, 0x00, 0x02], 1 << 14),
            (&[0x80, 1, 2, 3, 4, 5, 6, 7], 0x0007_0605_0403_0201),
            (&[0, 1, 2, 3, 4, 5, 6, 7, 0x88], 0x8807_0605_0403_0201),
        ] {
            let mut reader = reader(bytes);
            assert_eq!(reader.varint().unwrap(), value, "{bytes:?}");
            assert!(reader.is_empty());
            let cut = &bytes[..bytes.len() - 1];
            assert!(self::reader(cut).varint().is_err());
        }
    }

    #[test]
    fn signs_and_flags_are_in_the_lowest_bit() {
        let raw = |value: u8| [value << 1 | 1];
        assert_eq!(reader(&raw(3)).signed().unwrap(), -2);
        assert_eq!(reader(&raw(4)).signed().unwrap(), 2);
        assert_eq!(reader(&raw(5)).flagged().unwrap(), (2, true));
        let minimum = [0, 255, 255, 255, 255, 255, 255, 255, 255];
        assert_eq!(reader(&minimum).signed().unwrap(), i64::MIN);
    }

    #[test]
    fn a_count_is_no_larger_than_what_is_left() {
        assert_eq!(reader(&[0x05, 0, 0]).count("things").unwrap(), 2);
        let error = reader(&[0x07, 0, 0]).count("things").unwrap_err();
        assert_eq!(error.message, "3 things cannot be in the 2 bytes left");
    }

    #[test]
    fn alignment_counts_from_the_start_of_the_file() {
        let mut reader = Reader::new(&[0; 16], 3..16);
        reader.align(8).unwrap();
        assert_eq!(reader.offset(), 8);
        reader.align(8).unwrap();
        assert_eq!(reader.offset(), 8);
        assert!(reader.align(6).is_err());
        assert!(reader.align(1 << 40).is_err(), "beyond the end");
    }
}
