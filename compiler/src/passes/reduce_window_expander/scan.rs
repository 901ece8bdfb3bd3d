//! Cumulative ops: each element combined with those before it, or with those after it.
//!
//! What is fast on the machine depends on where the elements lie, so there are several ways, and a
//! model of their cycles, measured, chooses:
//!
//! | way | what is made | where |
//! |---|---|---|
//! | `Steps` | the array with itself, shifted by 1, 2, 4, .. elements | rows of few tiles |
//! | `Masked` | each result is a reduction of all elements, those that do not belong masked | few |
//! | `Rows` | a matrix with rows of 128 elements | long lines and rows |
//! | `Slices` | element k of each block of 8, all blocks at once | other dimensions than lanes |
//! | `Turned` | the dimension becomes the last one | several matrices; few lanes |
//!
//! `Rows` and `Slices` are trees: they scan within blocks, and the totals of the blocks without the
//! block's own, which is a shorter scan and may be made in any way. Each adds a constant number of
//! passes over the array, where `Steps` makes log2 n, and both cores have blocks to work on.

use super::{Combination, Identity, Scan, add_reducer, repeated};
use crate::{
    hlo::{
        ArrayLiteral, ArrayShape, ComparisonDirection, ElementType, InferError, InstructionId, Op,
        PaddingDimension, Shape, SliceDimension,
    },
    passes::{
        shaping::{reshaped, sliced, transposed},
        site::Site,
    },
};

type Values = Result<Vec<InstructionId>, InferError>;

/// Elements of a row of one tile.
const LANES: usize = 128;
/// Rows of a tile.
const SUBLANES: usize = 8;
/// Rows of more elements are not shifted within one kernel.
const LONGEST_ROW: usize = 4096;
/// The most elements of one line that are masked.
const LONGEST_MASKED: usize = 512;
/// The elements of a block of slices, and the most that make a block alone.
const BLOCK: usize = 8;
const ONLY_BLOCK: usize = 16;
/// Computations of several ops: shifts of up to so many elements are made in rows, and of others.
const LONGEST_COMPUTED_ROW: usize = 2048;
const LONGEST_COMPUTED: usize = 64;

/// Whether an element counts towards its own result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    Inclusive,
    Exclusive,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Steps,
    Masked,
    Rows,
    Slices,
    Turned,
}

/// See the module's comment.
pub(super) struct Scanner<'c> {
    pub(super) combination: &'c Combination,
    pub(super) direction: Scan,
    /// What leaves other values as they are, for each operand.
    pub(super) neutral: &'c [ArrayLiteral],
}

impl Scanner<'_> {
    /// The cumulative op along a dimension. All results are combined with the neutral element as if
    /// it came before the first: 0 and a sum of -0 are 0.
    pub(super) fn scan(
        &self,
        site: &mut Site<'_>,
        values: Vec<InstructionId>,
        dimension: usize,
        reach: Reach,
    ) -> Values {
        let sizes = site.dimensions(values[0]).to_vec();
        match self.way(&sizes, dimension) {
            Way::Steps => {
                let inclusive = self.steps(site, values, dimension)?;
                let start = self.starts(site, &sizes)?;
                let inclusive = self.join(site, &start, &inclusive)?;
                self.reaching(site, inclusive, dimension, reach)
            }
            Way::Masked => self.masked(site, values, dimension, reach),
            Way::Rows => self.rows(site, values, dimension, reach),
            Way::Slices => self.slices(site, values, dimension, reach),
            Way::Turned => self.turned(site, values, dimension, reach),
        }
    }

    /// The op that combines single elements, if reductions know it.
    fn op(&self) -> Option<(Op, ElementType)> {
        let &[element_type] = &self.combination.computed[..] else { return None };
        let Identity { op, .. } = self.combination.identity(element_type)?;
        Some((op, element_type))
    }

    fn way(&self, sizes: &[usize], dimension: usize) -> Way {
        if self.combination.computed.iter().any(|computed| computed.byte_size() > 4) {
            return Way::Steps;
        }
        let is_known = self.op().is_some();
        let n = sizes[dimension];
        let [before, after] = [&sizes[..dimension], &sizes[dimension + 1..]];
        let [before, after]: [usize; 2] = [before.iter().product(), after.iter().product()];
        if after == 1 {
            return match (is_known, before) {
                (true, 1) if n <= LONGEST_MASKED => Way::Masked,
                (true, 1) => Way::Rows,
                (false, 1) if n > LANES => Way::Rows,
                (false, _) if n > LONGEST_COMPUTED_ROW => Way::Rows,
                _ if n > LONGEST_ROW => Way::Rows,
                _ => Way::Steps,
            };
        }
        let (tiles, is_sublane) = tiles(sizes, dimension);
        // Every result reads all tiles; majors are read one by one. Slices take about 20 launches.
        let masked = if is_sublane { 3 } else { 13 } * n * tiles;
        if is_known && masked <= 14_000 + 60 * tiles {
            return Way::Masked;
        }
        // Of one matrix the transposes would meet and cancel each other.
        let are_rows = is_sublane && before > 1 && n <= LONGEST_ROW;
        let few_lanes = n > LANES && after < LANES && (before > 1 || n > LONGEST_ROW);
        if (is_known && are_rows) || few_lanes {
            return Way::Turned;
        }
        if is_known || n > LONGEST_COMPUTED { Way::Slices } else { Way::Steps }
    }

    /// The array combined with itself, shifted by 1, 2, 4, .. elements.
    fn steps(
        &self,
        site: &mut Site<'_>,
        mut values: Vec<InstructionId>,
        dimension: usize,
    ) -> Values {
        let size = site.dimensions(values[0])[dimension];
        let mut step = 1;
        while step < size {
            let shifted = self.shifted(site, &values, dimension, step)?;
            values = self.join(site, &shifted, &values)?;
            step *= 2;
        }
        Ok(values)
    }

    /// Inclusive results, or the exclusive ones that belong to them.
    fn reaching(
        &self,
        site: &mut Site<'_>,
        values: Vec<InstructionId>,
        dimension: usize,
        reach: Reach,
    ) -> Values {
        match reach {
            Reach::Inclusive => Ok(values),
            Reach::Exclusive => self.shifted(site, &values, dimension, 1),
        }
    }

    /// What comes earlier in the direction of the scan, combined with what comes later.
    fn join(
        &self,
        site: &mut Site<'_>,
        earlier: &[InstructionId],
        later: &[InstructionId],
    ) -> Values {
        match self.direction {
            Scan::FromFirst => self.combination.apply(site, earlier, later),
            Scan::FromLast => self.combination.apply(site, later, earlier),
        }
    }

    fn neutral(&self, site: &mut Site<'_>) -> Vec<InstructionId> {
        self.neutral.iter().map(|value| site.build().constant(value.clone().into())).collect()
    }

    /// Neutral elements only.
    fn starts(&self, site: &mut Site<'_>, sizes: &[usize]) -> Values {
        let neutral = self.neutral(site);
        neutral.into_iter().map(|neutral| repeated(site, neutral, sizes)).collect()
    }

    /// The elements `step` places on; neutral ones come in.
    fn shifted(
        &self,
        site: &mut Site<'_>,
        values: &[InstructionId],
        dimension: usize,
        step: usize,
    ) -> Values {
        let size = site.dimensions(values[0])[dimension];
        let (start, limit) = match self.direction {
            Scan::FromFirst => (0, size - step),
            Scan::FromLast => (step, size),
        };
        let parts = part(site, values, dimension, SliceDimension { start, limit, stride: 1 })?;
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let (low, high) = match self.direction {
            Scan::FromFirst => (step, 0),
            Scan::FromLast => (0, step),
        };
        self.padded(site, parts, dimension, [low, high])
    }

    fn padded(
        &self,
        site: &mut Site<'_>,
        mut values: Vec<InstructionId>,
        dimension: usize,
        [low, high]: [i64; 2],
    ) -> Values {
        if [low, high] == [0, 0] {
            return Ok(values);
        }
        let rank = site.dimensions(values[0]).len();
        let mut padding = vec![PaddingDimension::default(); rank];
        (padding[dimension].low, padding[dimension].high) = (low, high);
        for (value, neutral) in values.iter_mut().zip(self.neutral(site)) {
            *value = site.build().add(Op::Pad { padding: padding.clone() }, &[*value, neutral])?;
        }
        Ok(values)
    }

    /// All elements for each result, reduced, those that do not belong to it replaced.
    fn masked(
        &self,
        site: &mut Site<'_>,
        values: Vec<InstructionId>,
        dimension: usize,
        reach: Reach,
    ) -> Values {
        let Some((op, element_type)) = self.op() else { return Ok(values) };
        let mut sizes = site.dimensions(values[0]).to_vec();
        let places = (0..sizes.len()).map(|d| d + usize::from(d >= dimension)).collect();
        // Results along `dimension`, elements along the next.
        sizes.insert(dimension, sizes[dimension]);
        let direction = match (self.direction, reach) {
            (Scan::FromFirst, Reach::Inclusive) => ComparisonDirection::Le,
            (Scan::FromFirst, Reach::Exclusive) => ComparisonDirection::Lt,
            (Scan::FromLast, Reach::Inclusive) => ComparisonDirection::Ge,
            (Scan::FromLast, Reach::Exclusive) => ComparisonDirection::Gt,
        };
        let neutral = self.neutral(site)[0];
        let others = repeated(site, neutral, &sizes)?;
        let mut builder = site.build();
        let shape = ArrayShape::new(ElementType::S32, sizes.clone())
            .map_err(|error| InferError::new(op.opcode(), "size", error.to_string()))?;
        let mut iota = |iota_dimension| {
            builder.add_shaped(Op::Iota { iota_dimension }, &[], Shape::from(shape.clone()))
        };
        let (result, element) = (iota(dimension)?, iota(dimension + 1)?);
        let belongs = builder.compare(direction, element, result)?;
        let all = builder.broadcast(values[0], &sizes, places)?;
        let all = builder.add(Op::Select, &[belongs, all, others])?;
        self.reduced(site, all, dimension + 1, (op, element_type))
    }

    /// Rows of 128 elements, and their totals.
    fn rows(
        &self,
        site: &mut Site<'_>,
        mut values: Vec<InstructionId>,
        dimension: usize,
        reach: Reach,
    ) -> Values {
        let sizes = site.dimensions(values[0]).to_vec();
        let (lines, n) = (sizes[..dimension].iter().product::<usize>(), sizes[dimension]);
        let count = n.div_ceil(LANES);
        let line: &[usize] = if lines == 1 { &[n] } else { &[lines, n] };
        let totals: &[usize] = if lines == 1 { &[count] } else { &[lines, count] };
        let along = line.len() - 1;
        values = shaped(site, values, line)?;
        values = self.filled(site, values, along)?;
        values = shaped(site, values, &[lines * count, LANES])?;
        let (inclusive, of_rows) = self.scanned_rows(site, values)?;
        let of_rows = shaped(site, of_rows, totals)?;
        let earlier = self.scan(site, of_rows, along, Reach::Exclusive)?;
        let mut repeated = shaped(site, earlier, &[lines * count])?;
        for value in &mut repeated {
            *value = site.build().broadcast(*value, &[lines * count, LANES], vec![0])?;
        }
        let within = self.reaching(site, inclusive, 1, reach)?;
        values = self.join(site, &repeated, &within)?;
        let padded: &[usize] = if lines == 1 { &[count * LANES] } else { &[lines, count * LANES] };
        values = shaped(site, values, padded)?;
        values = part(site, &values, along, SliceDimension::whole(n))?;
        shaped(site, values, &sizes)
    }

    /// The scans of the rows, and their totals.
    fn scanned_rows(
        &self,
        site: &mut Site<'_>,
        rows: Vec<InstructionId>,
    ) -> Result<(Vec<InstructionId>, Vec<InstructionId>), InferError> {
        let inclusive = self.steps(site, rows.clone(), 1)?;
        let totals = if let Some((op, element_type)) = self.op() {
            // Known without waiting for the scans, and in a line: a column would be moved.
            self.reduced(site, rows[0], 1, (op, element_type))?
        } else {
            let start = if self.direction == Scan::FromFirst { LANES - 1 } else { 0 };
            let last = SliceDimension { start, limit: start + 1, stride: 1 };
            let totals = part(site, &inclusive, 1, last)?;
            let count = site.dimensions(totals[0])[0];
            shaped(site, totals, &[count])?
        };
        Ok((inclusive, totals))
    }

    /// Neutral elements at the end, up to whole tiles. Only the last tile is moved.
    fn filled(&self, site: &mut Site<'_>, values: Vec<InstructionId>, dimension: usize) -> Values {
        let size = site.dimensions(values[0])[dimension];
        let rest = size % LANES;
        if rest == 0 {
            return Ok(values);
        }
        let missing = i64::try_from(LANES - rest).unwrap_or(0);
        if size < LANES {
            return self.padded(site, values, dimension, [0, missing]);
        }
        let whole = part(site, &values, dimension, SliceDimension::whole(size - rest))?;
        let tail = SliceDimension { start: size - rest, limit: size, stride: 1 };
        let tail = part(site, &values, dimension, tail)?;
        let tail = self.padded(site, tail, dimension, [0, missing])?;
        joined(site, &[whole, tail], dimension)
    }

    /// Blocks of eight elements: all first ones, all second ones, and so on.
    fn slices(
        &self,
        site: &mut Site<'_>,
        values: Vec<InstructionId>,
        dimension: usize,
        reach: Reach,
    ) -> Values {
        let sizes = site.dimensions(values[0]).to_vec();
        let n = sizes[dimension];
        let block = if n <= ONLY_BLOCK { n } else { BLOCK };
        let count = n.div_ceil(block);
        let missing = i64::try_from(count * block - n).unwrap_or(0);
        let values = self.padded(site, values, dimension, [0, missing])?;
        let mut slices = Vec::new();
        for k in 0..block {
            let slice =
                SliceDimension { start: k, limit: (count - 1) * block + k + 1, stride: block };
            slices.push(part(site, &values, dimension, slice)?);
        }
        if self.direction == Scan::FromLast {
            slices.reverse();
        }
        let mut sum = if count > 1 {
            let totals = self.totals(site, &values, &slices, dimension)?;
            self.scan(site, totals, dimension, Reach::Exclusive)?
        } else {
            let of_one = site.dimensions(slices[0][0]).to_vec();
            self.starts(site, &of_one)?
        };
        let mut results = Vec::new();
        for slice in &slices {
            let next = self.join(site, &sum, slice)?;
            let exclusive = std::mem::replace(&mut sum, next);
            results.push(if reach == Reach::Exclusive { exclusive } else { sum.clone() });
        }
        if self.direction == Scan::FromLast {
            results.reverse();
        }
        let results = interleaved(site, &results, dimension)?;
        part(site, &results, dimension, SliceDimension::whole(n))
    }

    /// The totals of the blocks.
    fn totals(
        &self,
        site: &mut Site<'_>,
        values: &[InstructionId],
        slices: &[Vec<InstructionId>],
        dimension: usize,
    ) -> Values {
        let of_slice = site.dimensions(slices[0][0]).to_vec();
        if let Some((op, element_type)) = self.op()
            && self.way(&of_slice, dimension) == Way::Masked
        {
            // Masked reductions read totals often, and would compute them each time.
            let mut blocks = of_slice;
            blocks.insert(dimension + 1, slices.len());
            let blocks = shaped(site, values.to_vec(), &blocks)?;
            return self.reduced(site, blocks[0], dimension + 1, (op, element_type));
        }
        let mut total = slices[0].clone();
        for slice in &slices[1..] {
            total = self.join(site, &total, slice)?;
        }
        Ok(total)
    }

    fn reduced(
        &self,
        site: &mut Site<'_>,
        value: InstructionId,
        dimension: usize,
        (op, element_type): (Op, ElementType),
    ) -> Values {
        let reducer = add_reducer(site, op, element_type)?;
        let neutral = self.neutral(site)[0];
        Ok(vec![site.build().reduce(value, neutral, vec![dimension], reducer)?])
    }

    /// The dimension as the last one of a matrix.
    fn turned(
        &self,
        site: &mut Site<'_>,
        values: Vec<InstructionId>,
        dimension: usize,
        reach: Reach,
    ) -> Values {
        let sizes = site.dimensions(values[0]).to_vec();
        let others = (0..sizes.len()).filter(|d| *d != dimension);
        let order: Vec<usize> = others.chain([dimension]).collect();
        let turned: Vec<usize> = order.iter().map(|d| sizes[*d]).collect();
        let back = (0..sizes.len()).map(|d| order.iter().position(|o| *o == d).unwrap_or(d));
        let back: Vec<usize> = back.collect();
        let n = sizes[dimension];
        let lines = turned[..turned.len() - 1].iter().product();
        let mut rows = Vec::new();
        for value in values {
            rows.push(transposed(&mut site.build(), value, order.clone())?);
        }
        let rows = shaped(site, rows, &[lines, n])?;
        let rows = self.scan(site, rows, 1, reach)?;
        let rows = shaped(site, rows, &turned)?;
        rows.into_iter().map(|row| transposed(&mut site.build(), row, back.clone())).collect()
    }
}

/// The tiles of an array, and whether the dimension is the one of their rows.
fn tiles(sizes: &[usize], dimension: usize) -> (usize, bool) {
    let kept = |(d, size): &(usize, &usize)| **size != 1 || *d == dimension;
    let kept: Vec<(usize, &usize)> = sizes.iter().enumerate().filter(kept).collect();
    let of = |back: usize, unit: usize| {
        let size = kept.len().checked_sub(back).map_or(1, |at| *kept[at].1);
        size.div_ceil(unit)
    };
    let majors = kept.iter().rev().skip(2).map(|(_, size)| **size).product::<usize>();
    let is_sublane = kept.len() >= 2 && kept[kept.len() - 2].0 == dimension;
    (majors * of(2, SUBLANES) * of(1, LANES), is_sublane)
}

fn shaped(site: &mut Site<'_>, values: Vec<InstructionId>, sizes: &[usize]) -> Values {
    values.into_iter().map(|value| reshaped(&mut site.build(), value, sizes)).collect()
}

fn part(
    site: &mut Site<'_>,
    values: &[InstructionId],
    dimension: usize,
    slice: SliceDimension,
) -> Values {
    let of = |value: &InstructionId| sliced(&mut site.build(), *value, &[(dimension, slice)]);
    values.iter().map(of).collect()
}

/// Each operand's parts in a row.
fn joined(site: &mut Site<'_>, parts: &[Vec<InstructionId>], dimension: usize) -> Values {
    let join = |n: usize| {
        let parts: Vec<InstructionId> = parts.iter().map(|part| part[n]).collect();
        site.build().add(Op::Concatenate { dimension }, &parts)
    };
    (0..parts[0].len()).map(join).collect()
}

/// Element 0 of each part, element 1 of each, and so on.
fn interleaved(site: &mut Site<'_>, parts: &[Vec<InstructionId>], dimension: usize) -> Values {
    let mut sizes = site.dimensions(parts[0][0]).to_vec();
    let rank = sizes.len();
    let count = sizes[dimension];
    sizes[dimension] *= parts.len();
    if count == 1 {
        return joined(site, parts, dimension);
    }
    if dimension + 2 == rank {
        // Beside each other, which is one after the other once rows are cut.
        let beside = joined(site, parts, dimension + 1)?;
        return shaped(site, beside, &sizes);
    }
    let mut with = site.dimensions(parts[0][0]).to_vec();
    with.insert(dimension + 1, 1);
    let mut wide = Vec::new();
    for part in parts {
        wide.push(shaped(site, part.clone(), &with)?);
    }
    let stacked = joined(site, &wide, dimension + 1)?;
    shaped(site, stacked, &sizes)
}
