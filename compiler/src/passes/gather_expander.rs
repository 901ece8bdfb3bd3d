//! General gathers by look-ups of whole rows or of single elements of a table.
//!
//! Kernels look up rows, by one index each. The operand's dimensions that the indices choose from
//! become one, the first, and what a slice takes whole the other; the components of an index,
//! clamped, become one number. A slice of several elements along a chosen dimension is as many
//! indices, a batch dimension one more component that counts. So x[i, :, j], `take` along any axis,
//! `take_along_axis` and dynamic slices under `vmap` are what an embedding is.
//!
//! Left as they are: gathers that kernels do anyway, those by 64-bit indices, and those whose table
//! or indices would be too large.

use super::{
    Changed, PassContext, PassError,
    site::{Rewritten, Site, rewrite_module},
};
use crate::hlo::{
    ArrayLiteral, ArrayShape, ElementType, GatherDimensionNumbers, InferError, InstructionId,
    Module, Op, Opcode, Shape, SliceDimension,
};

/// The most rows of a table of single elements, each of which takes a row of lanes.
const MOST_ELEMENTS: usize = 1 << 20;
/// The most rows that are looked up.
const MOST_ROWS: usize = 1 << 22;

/// See the module's comment.
///
/// # Errors
/// What is made would be too large.
pub fn gather_expander(module: &mut Module, _: &PassContext) -> Result<Changed, PassError> {
    rewrite_module(module, &mut expand)
}

fn expand(site: &mut Site<'_>) -> Rewritten {
    let Op::Gather { dimension_numbers, slice_sizes, .. } = site.instruction().op() else {
        return Ok(None);
    };
    let (numbers, slice_sizes) = (dimension_numbers.clone(), slice_sizes.clone());
    let gather = Gather::new(site, numbers, slice_sizes);
    let is_empty = |id: InstructionId| site.array(id).element_count() == 0;
    if is_empty(site.id()) || is_empty(site.operand(0)) || gather.is_simple() {
        return Ok(None);
    }
    if site.element_type(site.operand(1)).byte_size() > 4 || !gather.fits() {
        return Ok(None);
    }
    let table = gather.table(site)?;
    let indices = gather.indices(site)?;
    let found = gather.look_up(site, table, indices)?;
    gather.result(site, found).map(Some)
}

/// A gather with what its dimensions are.
struct Gather {
    numbers: GatherDimensionNumbers,
    slice_sizes: Vec<usize>,
    /// Sizes of the operand and of the indices.
    sizes: Vec<usize>,
    places: Vec<usize>,
    /// The component of an index, for each dimension of the operand that is chosen from.
    chosen: Vec<(usize, usize)>,
    /// Dimensions of the operand that slices take from the start on; without dropped ones.
    rest: Vec<usize>,
}

impl Gather {
    fn new(site: &Site<'_>, numbers: GatherDimensionNumbers, slice_sizes: Vec<usize>) -> Self {
        let sizes = site.dimensions(site.operand(0)).to_vec();
        let places = site.dimensions(site.operand(1)).to_vec();
        // Of a whole dimension the start is always 0.
        let chosen: Vec<(usize, usize)> = (numbers.start_index_map.iter().copied().enumerate())
            .filter(|(_, d)| slice_sizes[*d] < sizes[*d])
            .map(|(component, d)| (d, component))
            .collect();
        let is_rest = |d: &usize| {
            !numbers.operand_batching_dims.contains(d)
                && !numbers.collapsed_slice_dims.contains(d)
                && !chosen.iter().any(|(other, _)| other == d)
        };
        let rest = (0..sizes.len()).filter(is_rest).collect();
        Self { numbers, slice_sizes, sizes, places, chosen, rest }
    }

    /// Do kernels look it up as it is?
    fn is_simple(&self) -> bool {
        let numbers = &self.numbers;
        let rank = self.places.len();
        let is_last = numbers.index_vector_dim + 1 == rank || numbers.index_vector_dim == rank;
        let rows = rank - usize::from(numbers.index_vector_dim < rank);
        let is_trailing =
            numbers.offset_dims.iter().copied().eq(rows..rows + numbers.offset_dims.len());
        let is_element = self.slice_sizes.iter().all(|size| *size == 1);
        if !is_last || !is_trailing {
            return false;
        }
        if !numbers.operand_batching_dims.is_empty() {
            return self.has_index_per_row();
        }
        let is_whole = |d: usize| self.slice_sizes[d] == self.sizes[d];
        let by_rows = numbers.start_index_map == [0]
            && numbers.collapsed_slice_dims == [0]
            && (1..self.sizes.len()).all(is_whole);
        by_rows || is_element && numbers.offset_dims.is_empty() && self.sizes.len() <= 2
    }

    /// Whether each row of the operand has one index of its own, in the same order.
    fn has_index_per_row(&self) -> bool {
        let rows = self.sizes.len() - 1;
        let in_order = |dimensions: &[usize]| dimensions.iter().copied().eq(0..rows);
        let indices: usize = self.places.iter().product();
        in_order(&self.numbers.operand_batching_dims)
            && in_order(&self.numbers.start_indices_batching_dims)
            && self.sizes[..rows].iter().product::<usize>() == indices
            && self.numbers.offset_dims.is_empty()
    }

    fn rest_sizes(&self) -> Vec<usize> {
        self.rest.iter().map(|d| self.slice_sizes[*d]).collect()
    }

    /// The dimensions that make the rows of the table, and how many rows one index along each is.
    fn strides(&self) -> Vec<(usize, usize)> {
        let batch = self.numbers.operand_batching_dims.iter().copied();
        let all: Vec<usize> = batch.chain(self.chosen.iter().map(|(d, _)| *d)).collect();
        let mut strides = Vec::new();
        let mut stride = 1;
        for d in all.into_iter().rev() {
            strides.push((d, stride));
            stride *= self.sizes[d];
        }
        strides.reverse();
        strides
    }

    /// Sizes of the indices without their components.
    fn row_sizes(&self) -> Vec<usize> {
        let vector = self.numbers.index_vector_dim;
        let rows = self.places.iter().enumerate().filter(|(d, _)| *d != vector);
        rows.map(|(_, size)| *size).collect()
    }

    /// The chosen dimensions of which a slice has several elements.
    fn windows(&self) -> Vec<usize> {
        let mut windows: Vec<usize> = self.chosen.iter().map(|(d, _)| *d).collect();
        windows.retain(|d| self.slice_sizes[*d] > 1);
        windows.sort_unstable();
        windows
    }

    /// Sizes of the indices of rows: those of the indices, then of the windows.
    fn index_sizes(&self) -> Vec<usize> {
        let windows = self.windows().into_iter().map(|d| self.slice_sizes[d]);
        self.row_sizes().into_iter().chain(windows).collect()
    }

    fn fits(&self) -> bool {
        let product = |sizes: &mut dyn Iterator<Item = usize>| {
            sizes.try_fold(1_usize, |product, size| product.checked_mul(size))
        };
        let rows = product(&mut self.strides().iter().map(|(d, _)| self.sizes[*d]));
        let found = product(&mut self.index_sizes().into_iter());
        let width: usize = self.rest_sizes().iter().product();
        let most = if width == 1 { MOST_ELEMENTS } else { MOST_ROWS };
        rows.is_some_and(|rows| rows <= most) && found.is_some_and(|found| found <= MOST_ROWS)
    }

    /// The operand as rows, or as a line of single elements.
    fn table(&self, site: &mut Site<'_>) -> Result<InstructionId, InferError> {
        let operand = site.operand(0);
        let strides = self.strides();
        let is_row = |d: usize| strides.iter().any(|(other, _)| *other == d);
        let slice: Vec<SliceDimension> = (0..self.sizes.len())
            .map(|d| {
                let limit = if is_row(d) { self.sizes[d] } else { self.slice_sizes[d] };
                SliceDimension { start: 0, limit, stride: 1 }
            })
            .collect();
        let is_part = slice.iter().zip(&self.sizes).any(|(slice, size)| slice.limit != *size);
        let mut builder = site.build();
        let value = if is_part { builder.add(Op::Slice { slice }, &[operand])? } else { operand };
        let rows = strides.iter().map(|(d, _)| *d);
        let dropped = (0..self.sizes.len()).filter(|d| !is_row(*d) && !self.rest.contains(d));
        let order: Vec<usize> = rows.chain(dropped).chain(self.rest.iter().copied()).collect();
        let value = if order.is_sorted() { value } else { builder.transpose(value, order)? };
        let count = strides.iter().map(|(d, _)| self.sizes[*d]).product();
        let width: usize = self.rest_sizes().iter().product();
        let sizes: &[usize] = if width == 1 { &[count] } else { &[count, width] };
        builder.reshape(value, sizes)
    }

    /// The row of the table for each index and element of the windows, as a line.
    fn indices(&self, site: &mut Site<'_>) -> Result<InstructionId, InferError> {
        let sizes = self.index_sizes();
        let mut sum = self.constant(site, 0, &sizes)?;
        for (d, stride) in self.strides() {
            let position = self.chosen.iter().find(|(other, _)| *other == d);
            let along = match position {
                Some((_, component)) => self.component(site, *component, d)?,
                None => {
                    let place = self.numbers.operand_batching_dims.iter().position(|b| *b == d);
                    let of_indices = self.numbers.start_indices_batching_dims[place.unwrap_or(0)];
                    let vector = self.numbers.index_vector_dim;
                    self.iota(site, of_indices - usize::from(of_indices > vector))?
                }
            };
            let stride = self.constant(site, stride, &sizes)?;
            let mut builder = site.build();
            let rows = builder.add(Op::Multiply, &[along, stride])?;
            sum = builder.add(Op::Add, &[sum, rows])?;
        }
        site.build().reshape(sum, &[sizes.iter().product()])
    }

    /// One component of all indices, clamped, plus the place in the window.
    fn component(
        &self,
        site: &mut Site<'_>,
        component: usize,
        d: usize,
    ) -> Result<InstructionId, InferError> {
        let vector = self.numbers.index_vector_dim;
        let mut slice: Vec<SliceDimension> = self
            .places
            .iter()
            .map(|&limit| SliceDimension { start: 0, limit, stride: 1 })
            .collect();
        if let Some(of_vector) = slice.get_mut(vector) {
            *of_vector = SliceDimension { start: component, limit: component + 1, stride: 1 };
        }
        let rows = self.row_sizes();
        let indices = site.operand(1);
        let element_type = site.element_type(indices);
        let mut builder = site.build();
        let value = builder.add(Op::Slice { slice }, &[indices])?;
        let mut value = builder.reshape(value, &rows)?;
        // Narrow integers could not say how large the operand is.
        let is_narrow = element_type.bit_width() < 32;
        if is_narrow {
            value = builder.convert(value, ElementType::S32)?;
        }
        let clamped = if is_narrow { ElementType::S32 } else { element_type };
        let number = |value: usize| {
            let mut literal = ArrayLiteral::zeros(&ArrayShape::scalar(clamped));
            literal.set_i64(0, i64::try_from(value).unwrap_or(i64::MAX));
            literal
        };
        let first = builder.constant(number(0).into());
        let last = builder.constant(number(self.sizes[d] - self.slice_sizes[d]).into());
        value = builder.add(Op::Clamp, &[first, value, last])?;
        if clamped != ElementType::S32 {
            value = builder.convert(value, ElementType::S32)?;
        }
        let sizes = self.index_sizes();
        if sizes.len() > rows.len() {
            value = builder.broadcast(value, &sizes, (0..rows.len()).collect())?;
        }
        let Some(place) = self.windows().iter().position(|window| *window == d) else {
            return Ok(value);
        };
        let along = self.iota(site, rows.len() + place)?;
        site.build().add(Op::Add, &[value, along])
    }

    fn iota(
        &self,
        site: &mut Site<'_>,
        iota_dimension: usize,
    ) -> Result<InstructionId, InferError> {
        let shape = Shape::array(ElementType::S32, self.index_sizes())
            .map_err(|error| InferError::new(Opcode::Gather, "size", error.to_string()))?;
        site.build().add_shaped(Op::Iota { iota_dimension }, &[], shape)
    }

    fn constant(
        &self,
        site: &mut Site<'_>,
        value: usize,
        sizes: &[usize],
    ) -> Result<InstructionId, InferError> {
        let mut literal = ArrayLiteral::zeros(&ArrayShape::scalar(ElementType::S32));
        literal.set_i64(0, i64::try_from(value).unwrap_or(i64::MAX));
        site.splat(literal.into(), sizes)
    }

    fn look_up(
        &self,
        site: &mut Site<'_>,
        table: InstructionId,
        indices: InstructionId,
    ) -> Result<InstructionId, InferError> {
        let width: usize = self.rest_sizes().iter().product();
        let (offset_dims, slice_sizes) =
            if width == 1 { (Vec::new(), vec![1]) } else { (vec![1], vec![1, width]) };
        let dimension_numbers = GatherDimensionNumbers {
            offset_dims,
            collapsed_slice_dims: vec![0],
            start_index_map: vec![0],
            index_vector_dim: 1,
            ..GatherDimensionNumbers::default()
        };
        let op = Op::Gather { dimension_numbers, slice_sizes, indices_are_sorted: false };
        site.build().add(op, &[table, indices])
    }

    /// What was found, in the dimensions of the result.
    fn result(
        &self,
        site: &mut Site<'_>,
        found: InstructionId,
    ) -> Result<InstructionId, InferError> {
        let sizes = [self.index_sizes(), self.rest_sizes()].concat();
        let found = site.build().reshape(found, &sizes)?;
        let result = site.dimensions(site.id()).to_vec();
        let (rows, windows) = (self.row_sizes().len(), self.windows());
        let numbers = &self.numbers;
        let is_offset = |d: &usize| {
            !numbers.collapsed_slice_dims.contains(d) && !numbers.operand_batching_dims.contains(d)
        };
        let mut of_slice = (0..self.sizes.len()).filter(is_offset);
        let mut next_row = 0;
        let mut order = Vec::new();
        for d in 0..result.len() {
            if !numbers.offset_dims.contains(&d) {
                order.push(next_row);
                next_row += 1;
                continue;
            }
            // A chosen dimension of which one element is taken is none of those that were found.
            let Some(of_operand) = of_slice.next() else { continue };
            let window = windows.iter().position(|other| *other == of_operand);
            let rest = self.rest.iter().position(|other| *other == of_operand);
            let rest = rest.map(|place| rows + windows.len() + place);
            order.extend(window.map(|place| rows + place).or(rest));
        }
        let mut builder = site.build();
        let found = if order.is_sorted() { found } else { builder.transpose(found, order)? };
        builder.reshape(found, &result)
    }
}
