//! How each op that is not elementwise is done without dimensions of size 1.

use super::{Kept, Plan, Remover};
use crate::hlo::{
    ArrayLiteral, ArrayShape, ComputationBuilder, ComputationId, DotDimensionNumbers,
    GatherDimensionNumbers, InferError, InstructionId, Op, OperandPrecision, PaddingDimension,
    SliceDimension,
};

type Planned = Result<Plan, InferError>;

impl Remover<'_> {
    fn operands(&self, id: InstructionId) -> Vec<InstructionId> {
        self.instruction(id).operands().to_vec()
    }

    fn sizes(&self, id: InstructionId) -> Vec<usize> {
        self.dimensions(id).to_vec()
    }

    /// The operand `n` of `id` and its dimensions.
    fn operand(&self, id: InstructionId, n: usize) -> (InstructionId, Vec<usize>) {
        let operand = self.instruction(id).operands()[n];
        (operand, self.sizes(operand))
    }

    pub(super) fn iota(&mut self, id: InstructionId, dimension: usize, kept: &Kept) -> Planned {
        let squeezed = kept.of(self.dimensions(id));
        if kept.contains(dimension) {
            let iota_dimension = kept.new_number(dimension);
            return Ok(Plan::Op(Op::Iota { iota_dimension }, Vec::new(), squeezed));
        }
        // It counts to 0.
        let element_type = self.instruction(id).array_shape().element_type();
        let zero = ArrayLiteral::zeros(&ArrayShape::scalar(element_type));
        if squeezed.is_empty() {
            return Ok(Plan::Op(Op::Constant { literal: zero.into() }, Vec::new(), squeezed));
        }
        let zero = ComputationBuilder::new(self.module, self.computation).constant(zero.into());
        Ok(Plan::Op(Op::Broadcast { dimensions: Vec::new() }, vec![zero], squeezed))
    }

    pub(super) fn reshape(&mut self, id: InstructionId, squeezed: Vec<usize>) -> Planned {
        let (operand, sizes) = self.operand(id, 0);
        if Kept::larger_than_one(&sizes).of(&sizes) == squeezed {
            return Ok(Plan::Operand(0));
        }
        Ok(Plan::Op(Op::Reshape, vec![self.squeezed(operand)?], squeezed))
    }

    pub(super) fn broadcast(
        &mut self,
        id: InstructionId,
        dimensions: &[usize],
        kept: &Kept,
    ) -> Planned {
        let squeezed = kept.of(self.dimensions(id));
        // Where the operand has size 1 so has the result.
        let dimensions = kept.renumber(dimensions);
        let (operand, _) = self.operand(id, 0);
        if dimensions.len() == squeezed.len() && dimensions.is_sorted() {
            return Ok(Plan::Operand(0));
        }
        Ok(Plan::Op(Op::Broadcast { dimensions }, vec![self.squeezed(operand)?], squeezed))
    }

    pub(super) fn transpose(&mut self, id: InstructionId, dimensions: &[usize]) -> Planned {
        let (operand, sizes) = self.operand(id, 0);
        let dimensions = Kept::larger_than_one(&sizes).renumber(dimensions);
        if dimensions.is_sorted() {
            return Ok(Plan::Operand(0));
        }
        let result = self.sizes(id);
        let squeezed = Kept::larger_than_one(&result).of(&result);
        Ok(Plan::Op(Op::Transpose { dimensions }, vec![self.squeezed(operand)?], squeezed))
    }

    pub(super) fn slice(&mut self, id: InstructionId, slice: &[SliceDimension]) -> Planned {
        let ((operand, sizes), result) = (self.operand(id, 0), self.sizes(id));
        let kept = Kept::new(sizes.len(), |d| (sizes[d], result[d]) != (1, 1));
        if kept.count() == 0 {
            return Ok(Plan::Operand(0));
        }
        let operand = self.form(operand, kept.of(&sizes))?;
        Ok(Plan::Op(Op::Slice { slice: kept.of(slice) }, vec![operand], kept.of(&result)))
    }

    pub(super) fn pad(&mut self, id: InstructionId, padding: &[PaddingDimension]) -> Planned {
        let ((operand, sizes), result) = (self.operand(id, 0), self.sizes(id));
        let (value, _) = self.operand(id, 1);
        let kept = Kept::new(sizes.len(), |d| (sizes[d], result[d], padding[d].low) != (1, 1, 0));
        if kept.count() == 0 {
            return Ok(Plan::Operand(0));
        }
        let operand = self.form(operand, kept.of(&sizes))?;
        let operands = vec![operand, self.squeezed(value)?];
        Ok(Plan::Op(Op::Pad { padding: kept.of(padding) }, operands, kept.of(&result)))
    }

    pub(super) fn concatenate(&mut self, id: InstructionId, dimension: usize) -> Planned {
        let result = self.sizes(id);
        let kept = Kept::new(result.len(), |d| d == dimension || result[d] != 1);
        let mut operands = Vec::new();
        for operand in self.operands(id) {
            let sizes = kept.of(self.dimensions(operand));
            operands.push(self.form(operand, sizes)?);
        }
        let dimension = kept.new_number(dimension);
        Ok(Plan::Op(Op::Concatenate { dimension }, operands, kept.of(&result)))
    }

    pub(super) fn reverse(&mut self, id: InstructionId, dimensions: &[usize]) -> Planned {
        let (operand, sizes) = self.operand(id, 0);
        let kept = Kept::larger_than_one(&sizes);
        let dimensions = kept.renumber(dimensions);
        if dimensions.is_empty() {
            return Ok(Plan::Operand(0));
        }
        Ok(Plan::Op(Op::Reverse { dimensions }, vec![self.squeezed(operand)?], kept.of(&sizes)))
    }

    pub(super) fn dynamic_slice(&mut self, id: InstructionId, slice_sizes: &[usize]) -> Planned {
        let (operand, sizes) = self.operand(id, 0);
        let kept = Kept::new(sizes.len(), |d| (sizes[d], slice_sizes[d]) != (1, 1));
        if kept.count() == 0 {
            return Ok(Plan::Operand(0));
        }
        let mut operands = vec![self.form(operand, kept.of(&sizes))?];
        for start in kept.of(&self.operands(id)[1..]) {
            operands.push(self.squeezed(start)?);
        }
        let dynamic_slice_sizes = kept.of(slice_sizes);
        let result = dynamic_slice_sizes.clone();
        Ok(Plan::Op(Op::DynamicSlice { dynamic_slice_sizes }, operands, result))
    }

    pub(super) fn dynamic_update_slice(&mut self, id: InstructionId) -> Planned {
        let ((operand, sizes), (update, update_sizes)) = (self.operand(id, 0), self.operand(id, 1));
        let kept = Kept::new(sizes.len(), |d| (sizes[d], update_sizes[d]) != (1, 1));
        if kept.count() == 0 {
            return Ok(Plan::Operand(1));
        }
        let mut operands =
            vec![self.form(operand, kept.of(&sizes))?, self.form(update, kept.of(&update_sizes))?];
        for start in kept.of(&self.operands(id)[2..]) {
            operands.push(self.squeezed(start)?);
        }
        Ok(Plan::Op(Op::DynamicUpdateSlice, operands, kept.of(&sizes)))
    }

    /// Dimensions of size 1 go from the indices and, by collapsing slices, from the result.
    pub(super) fn gather(
        &mut self,
        id: InstructionId,
        numbers: &GatherDimensionNumbers,
        slice_sizes: Vec<usize>,
        indices_are_sorted: bool,
    ) -> Planned {
        if !numbers.operand_batching_dims.is_empty() {
            return Ok(Plan::AsItIs);
        }
        let (operand, operand_sizes) = self.operand(id, 0);
        let (indices, index_sizes) = self.operand(id, 1);
        let result = self.sizes(id);
        let kept_indices = Kept::larger_than_one(&index_sizes);
        let kept = Kept::larger_than_one(&result);
        let is_collapsed = |d: &usize| numbers.collapsed_slice_dims.contains(d);
        let offsets = (0..operand_sizes.len()).filter(|d| !is_collapsed(d));
        let gone =
            offsets.zip(&numbers.offset_dims).filter(|&(_, &of_result)| result[of_result] == 1);
        let mut collapsed = numbers.collapsed_slice_dims.clone();
        collapsed.extend(gone.map(|(of_operand, _)| of_operand));
        collapsed.sort_unstable();
        let vector = numbers.index_vector_dim;
        let has_vector = vector < index_sizes.len() && kept_indices.contains(vector);
        let index_vector_dim =
            if has_vector { kept_indices.new_number(vector) } else { kept_indices.count() };
        let dimension_numbers = GatherDimensionNumbers {
            offset_dims: kept.renumber(&numbers.offset_dims),
            collapsed_slice_dims: collapsed,
            index_vector_dim,
            ..numbers.clone()
        };
        let operands = vec![self.form(operand, operand_sizes)?, self.squeezed(indices)?];
        let op = Op::Gather { dimension_numbers, slice_sizes, indices_are_sorted };
        Ok(Plan::Op(op, operands, kept.of(&result)))
    }

    pub(super) fn reduce(
        &mut self,
        id: InstructionId,
        dimensions: &[usize],
        to_apply: ComputationId,
    ) -> Planned {
        let operands = self.operands(id);
        let &[operand, init] = operands.as_slice() else { return Ok(Plan::AsItIs) };
        let sizes = self.sizes(operand);
        // One step of the reduction has to be left, since it may change the value.
        let all_single = dimensions.iter().all(|&d| sizes[d] == 1);
        let single = dimensions.iter().copied().min().filter(|_| all_single);
        let kept = Kept::new(sizes.len(), |d| sizes[d] != 1 || single == Some(d));
        let operands = vec![self.form(operand, kept.of(&sizes))?, self.squeezed(init)?];
        let result = Kept::new(sizes.len(), |d| kept.contains(d) && !dimensions.contains(&d));
        let dimensions = kept.renumber(dimensions);
        Ok(Plan::Op(Op::Reduce { dimensions, to_apply }, operands, result.of(&sizes)))
    }

    pub(super) fn dot(
        &mut self,
        id: InstructionId,
        numbers: &DotDimensionNumbers,
        operand_precision: OperandPrecision,
    ) -> Planned {
        let ((lhs, lhs_sizes), (rhs, rhs_sizes)) = (self.operand(id, 0), self.operand(id, 1));
        let kept_lhs = kept_of_factor(
            &lhs_sizes,
            &numbers.lhs_batch_dimensions,
            &numbers.lhs_contracting_dimensions,
        );
        let kept_rhs = kept_of_factor(
            &rhs_sizes,
            &numbers.rhs_batch_dimensions,
            &numbers.rhs_contracting_dimensions,
        );
        let dimension_numbers = DotDimensionNumbers {
            lhs_batch_dimensions: kept_lhs.renumber(&numbers.lhs_batch_dimensions),
            rhs_batch_dimensions: kept_rhs.renumber(&numbers.rhs_batch_dimensions),
            lhs_contracting_dimensions: kept_lhs.renumber(&numbers.lhs_contracting_dimensions),
            rhs_contracting_dimensions: kept_rhs.renumber(&numbers.rhs_contracting_dimensions),
        };
        let operands = vec![
            self.form(lhs, kept_lhs.of(&lhs_sizes))?,
            self.form(rhs, kept_rhs.of(&rhs_sizes))?,
        ];
        let batch = kept_lhs.of(&lhs_sizes);
        let mut result: Vec<usize> =
            dimension_numbers.lhs_batch_dimensions.iter().map(|&d| batch[d]).collect();
        let factors = [
            (
                &kept_lhs,
                &lhs_sizes,
                &numbers.lhs_batch_dimensions,
                &numbers.lhs_contracting_dimensions,
            ),
            (
                &kept_rhs,
                &rhs_sizes,
                &numbers.rhs_batch_dimensions,
                &numbers.rhs_contracting_dimensions,
            ),
        ];
        for (kept, sizes, batch, contracting) in factors {
            let is_free = |d: &usize| !batch.contains(d) && !contracting.contains(d);
            let free = (0..sizes.len()).filter(|d| is_free(d) && kept.contains(*d));
            result.extend(free.map(|d| sizes[d]));
        }
        Ok(Plan::Op(Op::Dot { dimension_numbers, operand_precision }, operands, result))
    }
}

/// The dimensions of a factor that stay: an operand that is a matrix of one row stays one.
fn kept_of_factor(sizes: &[usize], batch: &[usize], contracting: &[usize]) -> Kept {
    let is_free = |d: &usize| !batch.contains(d) && !contracting.contains(d);
    let mut free = (0..sizes.len()).filter(is_free);
    let all_single = free.clone().all(|d| sizes[d] == 1);
    let single = free.next().filter(|_| all_single);
    Kept::new(sizes.len(), |d| sizes[d] != 1 || single == Some(d))
}
