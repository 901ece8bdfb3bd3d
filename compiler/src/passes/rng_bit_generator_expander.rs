//! Writes `rng-bit-generator` as operations on words, which kernels compute.
//!
//! Every element computes the words of its counter and takes its own: with two elements for each
//! counter of Threefry and four for each of Philox that is so many times the work, but no element
//! has to move. The evaluator says what the bits are.
//!
//! Left as they are: elements of 64 bits, which the device does not compute with, and arrays of
//! more than 2^32 elements.

use super::site::{Rewritten, Site, rewrite_module};
use super::{Changed, PassContext, PassError};
use crate::hlo::{
    ArrayShape, ComparisonDirection, ElementType, InferError, InstructionId, Literal, Module, Op,
    RandomAlgorithm, Shape, SliceDimension,
};

/// See the module.
///
/// # Errors
/// None of its own.
pub fn rng_bit_generator_expander(
    module: &mut Module,
    _: &PassContext,
) -> Result<Changed, PassError> {
    rewrite_module(module, &mut expand)
}

fn expand(site: &mut Site<'_>) -> Rewritten {
    let Op::RngBitGenerator { algorithm } = *site.instruction().op() else { return Ok(None) };
    let state = site.operand(0);
    let output = site.instruction().shape().leaves()[1].without_layout();
    let elements = output.element_count() as u64;
    if output.element_type().bit_width() > 32 || elements == 0 || elements >> 32 != 0 {
        return Ok(None);
    }
    let mut writer = Writer { site, output };
    let words = writer.words_of(state)?;
    let (bits, used) = match algorithm {
        RandomAlgorithm::ThreeFry => writer.threefry_bits(&words)?,
        RandomAlgorithm::Default | RandomAlgorithm::Philox => writer.philox_bits(&words)?,
    };
    let bits = writer.narrowed(bits)?;
    let next = writer.next_state(state, &words, used)?;
    Ok(Some(writer.site.build().tuple(&[next, bits])))
}

type Word = InstructionId;
type Made = Result<InstructionId, InferError>;

/// Adds operations on `u32` arrays of the size of the output.
struct Writer<'w, 'm> {
    site: &'w mut Site<'m>,
    output: ArrayShape,
}

impl Writer<'_, '_> {
    fn add(&mut self, op: Op, operands: &[Word]) -> Made {
        self.site.build().add(op, operands)
    }

    fn sizes(&self) -> Vec<usize> {
        self.output.dimensions().to_vec()
    }

    fn constant(&mut self, value: u32) -> Made {
        let sizes = self.sizes();
        self.site.splat(Literal::scalar(value), &sizes)
    }

    fn with(&mut self, op: Op, word: Word, value: u32) -> Made {
        let value = self.constant(value)?;
        self.add(op, &[word, value])
    }

    fn everywhere(&mut self, scalar: Word) -> Made {
        let sizes = self.sizes();
        self.site.build().broadcast(scalar, &sizes, Vec::new())
    }

    fn compare(&mut self, direction: ComparisonDirection, a: Word, b: Word) -> Made {
        self.site.build().compare(direction, a, b)
    }

    /// The 32-bit words of the state, the low one of each pair first.
    fn words_of(&mut self, state: InstructionId) -> Result<Vec<Word>, InferError> {
        let pairs = self.site.dimensions(state)[0];
        let pieces = self.pieces(state)?;
        let mut words = Vec::new();
        for (pair, half) in (0..2 * pairs).map(|n| (n / 2, n % 2)) {
            let slice =
                [pair, half].map(|start| SliceDimension { start, limit: start + 1, stride: 1 });
            let slice = self.add(Op::Slice { slice: slice.to_vec() }, &[pieces])?;
            words.push(self.site.build().reshape(slice, &[])?);
        }
        Ok(words)
    }

    /// The state as pairs of `u32`.
    fn pieces(&mut self, state: InstructionId) -> Made {
        let pairs = self.site.dimensions(state)[0];
        let shape = ArrayShape::new(ElementType::U32, vec![pairs, 2]).expect("it is small");
        self.site.shaped(Op::BitcastConvert, &[state], shape.into())
    }

    /// The number of each element of the output along a row-major array, or along another array
    /// with these strides.
    fn numbers(&mut self, strides: &[usize]) -> Made {
        let mut sum = self.constant(0)?;
        for (dimension, &stride) in strides.iter().enumerate() {
            if self.output.dimensions()[dimension] > 1 && stride > 0 {
                let index = self.index(dimension)?;
                let part = self.with(Op::Multiply, index, word(stride as u64))?;
                sum = self.add(Op::Add, &[sum, part])?;
            }
        }
        Ok(sum)
    }

    fn index(&mut self, iota_dimension: usize) -> Made {
        let shape = Shape::Array(self.output.with_element_type(ElementType::U32));
        self.site.shaped(Op::Iota { iota_dimension }, &[], shape)
    }

    /// A counter of several words plus a number for each element.
    fn counters(&mut self, counter: &[Word], numbers: Word) -> Result<Vec<Word>, InferError> {
        let (mut carry, mut sums) = (numbers, Vec::new());
        for (n, &scalar) in counter.iter().enumerate() {
            let word = self.everywhere(scalar)?;
            let sum = self.add(Op::Add, &[word, carry])?;
            if n + 1 < counter.len() {
                let overflows = self.compare(ComparisonDirection::Lt, sum, carry)?;
                carry = self.site.build().convert(overflows, ElementType::U32)?;
            }
            sums.push(sum);
        }
        Ok(sums)
    }

    /// The bits and how many counters they use.
    fn threefry_bits(&mut self, words: &[Word]) -> Result<(Word, u64), InferError> {
        let sizes = self.sizes();
        let Some(split) = RandomAlgorithm::paired_dimension(&sizes) else {
            let block = self.constant(0)?;
            return Ok((self.threefry(words, block)?[0], 1));
        };
        let mut halves = sizes;
        halves[split] = halves[split].div_ceil(2);
        let blocks = ArrayShape::new(ElementType::U32, halves).expect("less than the output");
        let mut strides = blocks.strides();
        let stride = std::mem::take(&mut strides[split]);
        let rest = self.numbers(&strides)?;
        let index = self.index(split)?;
        let half = self.with(Op::ShiftRightLogical, index, 1)?;
        let part = self.with(Op::Multiply, half, word(stride as u64))?;
        let block = self.add(Op::Add, &[rest, part])?;
        let [first, second] = self.threefry(words, block)?;
        let odd = self.with(Op::And, index, 1)?;
        Ok((self.choose(odd, &[first, second])?, blocks.element_count() as u64))
    }

    /// The element of `words` that `place` says.
    fn choose(&mut self, place: Word, words: &[Word]) -> Made {
        let mut chosen = words[0];
        for (n, &other) in (1..).zip(&words[1..]) {
            let n = self.constant(n)?;
            let here = self.compare(ComparisonDirection::Eq, place, n)?;
            chosen = self.add(Op::Select, &[here, other, chosen])?;
        }
        Ok(chosen)
    }

    fn threefry(&mut self, words: &[Word], block: Word) -> Result<[Word; 2], InferError> {
        const ROTATIONS: [[u32; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];
        let counter = self.counters(&words[2..4], block)?;
        let (low, high) = (self.everywhere(words[0])?, self.everywhere(words[1])?);
        let both = self.add(Op::Xor, &[low, high])?;
        let keys = [low, high, self.with(Op::Xor, both, 0x1bd1_1bda)?];
        let mut a = self.add(Op::Add, &[counter[0], keys[0]])?;
        let mut b = self.add(Op::Add, &[counter[1], keys[1]])?;
        for group in 0..5 {
            for rotation in ROTATIONS[group % 2] {
                a = self.add(Op::Add, &[a, b])?;
                let up = self.with(Op::ShiftLeft, b, rotation)?;
                let down = self.with(Op::ShiftRightLogical, b, 32 - rotation)?;
                let rotated = self.add(Op::Or, &[up, down])?;
                b = self.add(Op::Xor, &[rotated, a])?;
            }
            a = self.add(Op::Add, &[a, keys[(group + 1) % 3]])?;
            b = self.add(Op::Add, &[b, keys[(group + 2) % 3]])?;
            b = self.with(Op::Add, b, word(group as u64 + 1))?;
        }
        Ok([a, b])
    }

    /// The bits and how many counters they use.
    fn philox_bits(&mut self, words: &[Word]) -> Result<(Word, u64), InferError> {
        let number = self.numbers(&self.output.strides())?;
        let block = self.with(Op::ShiftRightLogical, number, 2)?;
        let upper = words.get(4..6).unwrap_or(&words[0..2]);
        let counter = self.counters(&[&words[2..4], upper].concat(), block)?;
        let bits = self.philox([words[0], words[1]], counter)?;
        let place = self.with(Op::And, number, 3)?;
        Ok((self.choose(place, &bits)?, (self.output.element_count() as u64).div_ceil(4)))
    }

    fn philox(&mut self, key: [Word; 2], counter: Vec<Word>) -> Result<Vec<Word>, InferError> {
        let mut words = counter;
        let mut key = [self.everywhere(key[0])?, self.everywhere(key[1])?];
        for round in 0..10 {
            if round > 0 {
                key[0] = self.with(Op::Add, key[0], 0x9e37_79b9)?;
                key[1] = self.with(Op::Add, key[1], 0xbb67_ae85)?;
            }
            let first = self.product(words[0], 0xd251_1f53)?;
            let second = self.product(words[2], 0xcd9e_8d57)?;
            let a = self.add(Op::Xor, &[second[1], words[1]])?;
            let b = self.add(Op::Xor, &[first[1], words[3]])?;
            words = vec![
                self.add(Op::Xor, &[a, key[0]])?,
                second[0],
                self.add(Op::Xor, &[b, key[1]])?,
                first[0],
            ];
        }
        Ok(words)
    }

    /// The low and the high word of a product, from products of half words.
    fn product(&mut self, x: Word, factor: u32) -> Result<[Word; 2], InferError> {
        let low = self.with(Op::Multiply, x, factor)?;
        let (x0, x1) = (self.with(Op::And, x, 0xffff)?, self.with(Op::ShiftRightLogical, x, 16)?);
        let (f0, f1) = (factor & 0xffff, factor >> 16);
        let lowest = self.with(Op::Multiply, x0, f0)?;
        let carry = self.with(Op::ShiftRightLogical, lowest, 16)?;
        let middle = self.with(Op::Multiply, x1, f0)?;
        let middle = self.add(Op::Add, &[middle, carry])?;
        let other = self.with(Op::Multiply, x0, f1)?;
        let rest = self.with(Op::And, middle, 0xffff)?;
        let other = self.add(Op::Add, &[other, rest])?;
        let high = self.with(Op::Multiply, x1, f1)?;
        let carry = self.with(Op::ShiftRightLogical, middle, 16)?;
        let high = self.add(Op::Add, &[high, carry])?;
        let carry = self.with(Op::ShiftRightLogical, other, 16)?;
        Ok([low, self.add(Op::Add, &[high, carry])?])
    }

    /// The words as elements of the output.
    fn narrowed(&mut self, bits: Word) -> Made {
        match self.output.element_type() {
            ElementType::U32 => Ok(bits),
            other => self.site.build().convert(bits, other),
        }
    }

    /// The state with its counter `used` further, written so that no element moves.
    fn next_state(&mut self, state: InstructionId, words: &[Word], used: u64) -> Made {
        let pieces = self.pieces(state)?;
        let output = self.site.array(pieces).without_layout();
        let mut small = Writer { site: self.site, output };
        let used = small.constant(word(used))?;
        let counter = small.counters(&words[2..], used)?;
        let (pair, half) = (small.index(0)?, small.index(1)?);
        let pair = small.with(Op::Multiply, pair, 2)?;
        let place = small.add(Op::Add, &[pair, half])?;
        let next = small.choose(place, &[&[pieces; 2], &counter[..]].concat())?;
        let shape = Shape::Array(small.site.array(state).without_layout());
        small.site.shaped(Op::BitcastConvert, &[next], shape)
    }
}

/// A number of counters or elements, of which there are at most 2^32 - 1.
fn word(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}
