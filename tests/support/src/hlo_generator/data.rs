//! Instructions that move data.

use super::Generator;
use palmetto_compiler::hlo::{
    ArrayShape, ElementType, GatherDimensionNumbers, InstructionId, Op, PaddingDimension,
    ScatterDimensionNumbers, SliceDimension,
};

type Made = Option<InstructionId>;

impl Generator<'_> {
    fn resized(&mut self, id: InstructionId, sizes: Vec<usize>) -> Option<ArrayShape> {
        ArrayShape::new(self.array(id).element_type(), sizes).ok()
    }

    pub(super) fn reshape(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value(values);
        let mut sizes = self.sizes(x);
        match self.below(4) {
            0 => sizes.retain(|&size| size != 1),
            1 => sizes = vec![sizes.iter().product()],
            2 if sizes.len() > 1 => {
                let first = sizes.remove(0);
                sizes[0] *= first;
            }
            _ => {
                let place = self.below(sizes.len() + 1);
                sizes.insert(place, 1);
            }
        }
        let shape = self.resized(x, sizes)?;
        self.add_shaped(Op::Reshape, &[x], shape)
    }

    pub(super) fn transpose(&mut self, values: &[InstructionId]) -> Made {
        // Of two dimensions there is only one transpose.
        let least = if self.one_in(3) { 2 } else { 3 };
        let x = self.value_with(values, |shape| shape.rank() >= least)?;
        let mut left: Vec<usize> = (0..self.sizes(x).len()).collect();
        let mut dimensions = Vec::new();
        while !left.is_empty() {
            let n = self.below(left.len());
            dimensions.push(left.remove(n));
        }
        self.add(Op::Transpose { dimensions }, &[x])
    }

    pub(super) fn broadcast(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value_with(values, |shape| shape.rank() < 3)?;
        let mut sizes = self.sizes(x);
        let mut dimensions: Vec<usize> = (0..sizes.len()).collect();
        for _ in 0..=self.below(2) {
            let place = self.below(sizes.len() + 1);
            let size = self.pick(&super::SIZES);
            sizes.insert(place, size);
            dimensions.iter_mut().filter(|d| **d >= place).for_each(|d| *d += 1);
        }
        let shape = self.resized(x, sizes)?;
        self.add_shaped(Op::Broadcast { dimensions }, &[x], shape)
    }

    pub(super) fn slice(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value_with(values, |shape| shape.rank() > 0)?;
        let mut slice = Vec::new();
        for size in self.sizes(x) {
            if self.one_in(2) {
                slice.push(SliceDimension::whole(size));
                continue;
            }
            let start = self.below(size);
            let limit = (start + 1 + self.below(size)).min(size);
            slice.push(SliceDimension { start, limit, stride: 1 + self.below(3) });
        }
        self.add(Op::Slice { slice }, &[x])
    }

    pub(super) fn pad(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value_with(values, |shape| shape.rank() > 0)?;
        let element_type = self.array(x).element_type();
        let value = self.like(values, &ArrayShape::scalar(element_type))?;
        let mut padding = Vec::new();
        for _ in 0..self.sizes(x).len() {
            let low = self.pick(&[0, 0, 0, 1, 2, -1]);
            let high = self.pick(&[0, 0, 0, 1, 3, -1]);
            padding.push(PaddingDimension { low, high, interior: self.pick(&[0, 0, 0, 0, 1]) });
        }
        self.add(Op::Pad { padding }, &[x, value])
    }

    pub(super) fn concatenate(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value_with(values, |shape| shape.rank() > 0)?;
        let shape = self.array(x);
        let dimension = self.below(shape.rank());
        let others = |of: &[usize]| {
            let others = of.iter().enumerate().filter(|&(d, _)| d != dimension);
            others.map(|(_, &size)| size).collect::<Vec<usize>>()
        };
        let mut operands = vec![x];
        for _ in 0..self.below(3) {
            let piece = self.value_with(values, |other| {
                other.element_type() == shape.element_type()
                    && other.rank() == shape.rank()
                    && others(other.dimensions()) == others(shape.dimensions())
            })?;
            operands.push(piece);
        }
        self.add(Op::Concatenate { dimension }, &operands)
    }

    pub(super) fn reverse(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value_with(values, |shape| shape.rank() > 0)?;
        let rank = self.sizes(x).len();
        let dimensions = (0..rank).filter(|_| self.one_in(2)).collect();
        self.add(Op::Reverse { dimensions }, &[x])
    }

    /// As many indices as there are dimensions.
    fn indices(&mut self, values: &[InstructionId], rank: usize) -> Option<Vec<InstructionId>> {
        let scalar = ArrayShape::scalar(ElementType::S32);
        (0..rank).map(|_| self.like(values, &scalar)).collect()
    }

    fn part(&mut self, sizes: &[usize]) -> Vec<usize> {
        let part = |&size: &usize| {
            if self.one_in(2) { size } else { (1 + self.below(size)).min(size) }
        };
        sizes.iter().map(part).collect()
    }

    pub(super) fn dynamic_slice(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value_with(values, |shape| shape.rank() > 0)?;
        let sizes = self.sizes(x);
        let dynamic_slice_sizes = self.part(&sizes);
        let mut operands = vec![x];
        operands.extend(self.indices(values, sizes.len())?);
        self.add(Op::DynamicSlice { dynamic_slice_sizes }, &operands)
    }

    pub(super) fn dynamic_update_slice(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value_with(values, |shape| shape.rank() > 0)?;
        let sizes = self.sizes(x);
        let part = self.part(&sizes);
        let shape = self.resized(x, part)?;
        let update = self.like(values, &shape)?;
        let mut operands = vec![x, update];
        operands.extend(self.indices(values, sizes.len())?);
        self.add(Op::DynamicUpdateSlice, &operands)
    }

    /// Updates of parts of an array.
    pub(super) fn scatter(&mut self, values: &[InstructionId]) -> Made {
        let x =
            self.value_with(values, |shape| shape.rank() > 0 && !shape.element_type().is_float())?;
        let indices = self.value_with(values, |shape| {
            shape.element_type() == ElementType::S32 && shape.element_count() <= 8
        })?;
        let (sizes, index_sizes) = (self.sizes(x), self.sizes(indices));
        let has_vector = index_sizes.last() == Some(&1);
        let rows = index_sizes.len() - usize::from(has_vector);
        let scattered = self.below(sizes.len());
        let mut part = self.part(&sizes);
        let mut numbers = ScatterDimensionNumbers {
            scatter_dims_to_operand_dims: vec![scattered],
            index_vector_dim: rows,
            ..ScatterDimensionNumbers::default()
        };
        if self.one_in(2) {
            numbers.inserted_window_dims = vec![scattered];
            part.remove(scattered);
        }
        numbers.update_window_dims = (rows..rows + part.len()).collect();
        let updates = [&index_sizes[..rows], &part].concat();
        let updates = self.resized(x, updates)?;
        let updates = self.like(values, &updates)?;
        let op = self.pick(&[Op::Add, Op::Add, Op::Maximum, Op::Minimum]);
        let element_type = self.array(x).element_type();
        let to_apply = self.reducer(op, element_type);
        let op = Op::Scatter {
            dimension_numbers: Box::new(numbers),
            indices_are_sorted: false,
            unique_indices: false,
            to_apply,
        };
        self.add(op, &[x, indices, updates])
    }

    /// Rows of an array, at indices in the last dimension or without one for them.
    pub(super) fn gather(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value_with(values, |shape| shape.rank() > 0)?;
        let indices = self.value_with(values, |shape| shape.element_type() == ElementType::S32)?;
        let (sizes, index_sizes) = (self.sizes(x), self.sizes(indices));
        let has_vector = index_sizes.last() == Some(&1);
        let index_vector_dim = index_sizes.len() - usize::from(has_vector);
        let collapsed = self.below(sizes.len());
        let mut slice_sizes = self.part(&sizes);
        slice_sizes[collapsed] = 1.min(sizes[collapsed]);
        let first = index_vector_dim;
        let dimension_numbers = GatherDimensionNumbers {
            offset_dims: (first..first + sizes.len() - 1).collect(),
            collapsed_slice_dims: vec![collapsed],
            start_index_map: vec![collapsed],
            index_vector_dim,
            ..GatherDimensionNumbers::default()
        };
        let op = Op::Gather { dimension_numbers, slice_sizes, indices_are_sorted: false };
        self.add(op, &[x, indices])
    }
}
