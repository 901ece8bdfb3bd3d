//! [`HostArray`]: an array in the host's memory, with strides.

use palmetto_compiler::hlo::{ArrayLiteral, ArrayShape, ElementType};

use crate::Error;

/// An array that somebody else owns. Elements are little-endian, of types with fewer than 8 bits
/// one per byte.
#[derive(Clone, Copy, Debug)]
pub struct HostArray<'a> {
    /// The type of its elements.
    pub element_type: ElementType,
    /// Its dimensions.
    pub dimensions: &'a [usize],
    /// The memory that it is in.
    pub bytes: &'a [u8],
    /// Where in `bytes` the element with index 0 in all dimensions starts: not at 0 if a stride is
    /// negative.
    pub first: usize,
    /// Bytes from an element to the next in each dimension; nothing if the array is dense and
    /// row-major.
    pub byte_strides: Option<&'a [i64]>,
}

impl HostArray<'_> {
    /// A dense copy.
    ///
    /// # Errors
    /// An element is not in `bytes`, the strides are not one per dimension, or a `pred` is neither
    /// 0 nor 1.
    pub fn to_literal(&self) -> Result<ArrayLiteral, Error> {
        let shape = ArrayShape::new(self.element_type, self.dimensions.to_vec());
        let shape = shape.map_err(|error| Error::HostArray(error.to_string()))?;
        let value = |bytes: &[u8]| {
            let literal = ArrayLiteral::from_bytes(shape.clone(), bytes);
            literal.map_err(|source| Error::Value { what: "the host's array".into(), source })
        };
        if shape.element_count() == 0 {
            return value(&[]);
        }
        let size = self.element_type.byte_size();
        let row_major: Vec<i64> = shape.strides().iter().map(|&n| signed(n * size)).collect();
        let strides = self.byte_strides.unwrap_or(&row_major);
        if strides.len() != self.dimensions.len() {
            let (given, rank) = (strides.len(), self.dimensions.len());
            return Err(Error::HostArray(format!("{given} strides of {rank} dimensions")));
        }
        self.check_bounds(strides, size)?;
        if is_dense(self.dimensions, strides, &row_major) {
            return value(&self.bytes[self.first..][..shape.byte_size()]);
        }
        let mut dense = Vec::with_capacity(shape.byte_size());
        self.gather(strides, size, &mut dense);
        value(&dense)
    }

    /// The first and the last byte of the elements have to be there.
    fn check_bounds(&self, strides: &[i64], size: usize) -> Result<(), Error> {
        let (mut low, mut high) = (signed(self.first), signed(self.first));
        for (&dimension, &stride) in self.dimensions.iter().zip(strides) {
            let reach = stride.saturating_mul(signed(dimension - 1));
            let end = if reach < 0 { &mut low } else { &mut high };
            *end = end.saturating_add(reach);
        }
        let high = high.saturating_add(signed(size));
        let given = self.bytes.len();
        if low < 0 || high > signed(given) {
            let message =
                format!("its elements take bytes {low}..{high}, there are {given} from byte 0");
            return Err(Error::HostArray(message));
        }
        Ok(())
    }

    /// All elements, row by row.
    fn gather(&self, strides: &[i64], size: usize, dense: &mut Vec<u8>) {
        let (row, majors) = match self.dimensions.split_last() {
            Some((&row, majors)) => (row, majors),
            None => (1, &[][..]),
        };
        let step = strides.last().copied().unwrap_or_default();
        let mut index = vec![0_usize; majors.len()];
        loop {
            let offsets = index.iter().zip(strides).map(|(&n, &stride)| signed(n) * stride);
            let mut at = signed(self.first) + offsets.sum::<i64>();
            for _ in 0..row {
                let start = usize::try_from(at).expect("the bounds were checked");
                dense.extend_from_slice(&self.bytes[start..][..size]);
                at += step;
            }
            if !advance(&mut index, majors) {
                return;
            }
        }
    }
}

/// The next index in row-major order; false if there is none.
fn advance(index: &mut [usize], dimensions: &[usize]) -> bool {
    for (n, &dimension) in index.iter_mut().zip(dimensions).rev() {
        *n += 1;
        if *n < dimension {
            return true;
        }
        *n = 0;
    }
    false
}

/// Strides of dimensions of size 1 do not matter.
fn is_dense(dimensions: &[usize], strides: &[i64], row_major: &[i64]) -> bool {
    let mut strides = dimensions.iter().zip(strides.iter().zip(row_major));
    strides.all(|(&dimension, (given, dense))| dimension == 1 || given == dense)
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array<'a>(
        dimensions: &'a [usize],
        bytes: &'a [u8],
        first: usize,
        strides: Option<&'a [i64]>,
    ) -> HostArray<'a> {
        let element_type = ElementType::U16;
        HostArray { element_type, dimensions, bytes, first, byte_strides: strides }
    }

    #[test]
    fn strides_may_be_anything_that_stays_inside() {
        let bytes: Vec<u8> = (0..12).flat_map(|n| [n, 0]).collect();
        let elements = |dimensions: &[usize], first, strides: Option<&[i64]>| {
            let literal = array(dimensions, &bytes, first, strides).to_literal();
            literal.expect("inside").as_slice::<u16>().expect("u16").to_vec()
        };
        let all: Vec<u16> = (0..12).collect();
        assert_eq!(elements(&[3, 4], 0, None), all);
        assert_eq!(elements(&[3, 4], 0, Some(&[8, 2])), all);
        assert_eq!(elements(&[3, 4], 0, Some(&[2, 6])), [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11]);
        let reversed: Vec<u16> = (0..12).rev().collect();
        assert_eq!(elements(&[12], 22, Some(&[-2])), reversed);
        assert_eq!(elements(&[2, 3], 4, Some(&[0, 2])), [2, 3, 4, 2, 3, 4]);
        assert_eq!(elements(&[1, 2], 4, Some(&[1000, 2])), [2, 3]);
        assert_eq!(elements(&[], 4, Some(&[])), [2]);
        assert!(elements(&[0, 7], 0, Some(&[99, 99])).is_empty());
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        let bytes = [0; 24];
        for (dimensions, first, strides) in [
            (&[13][..], 0, None),
            (&[12], 1, None),
            (&[12], 20, Some(&[-2][..])),
            (&[2], 0, Some(&[i64::MAX])),
            (&[2, 2], 0, Some(&[2])),
            (&[1], 23, None),
        ] {
            let error = array(dimensions, &bytes, first, strides).to_literal();
            assert!(matches!(error, Err(Error::HostArray(_))), "{dimensions:?} {strides:?}");
        }
        let pred = HostArray {
            element_type: ElementType::Pred,
            dimensions: &[1],
            bytes: &[2],
            first: 0,
            byte_strides: None,
        };
        assert!(matches!(pred.to_literal(), Err(Error::Value { .. })));
    }
}
