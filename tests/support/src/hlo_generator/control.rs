//! Tuples, calls, branches, loops, barriers and checks.

use super::Generator;
use palmetto_compiler::hlo::{
    ArrayShape, CheckParameters, ComparisonDirection, ComputationId, CustomCallTarget, ElementType,
    InstructionId, Literal, Op, Shape,
};

type Made = Option<InstructionId>;

impl Generator<'_> {
    pub(super) fn control(&mut self, values: &[InstructionId]) -> Made {
        match self.below(6) {
            0 => self.through_tuple(values),
            1 => {
                let x = self.value(values);
                self.add(Op::OptBarrier, &[x])
            }
            2 => self.call(values),
            3 => self.conditional(values),
            4 => self.check(values),
            _ => self.counted_loop(values),
        }
    }

    fn through_tuple(&mut self, values: &[InstructionId]) -> Made {
        let (x, y) = (self.value(values), self.value(values));
        let tuple = self.builder().tuple(&[x, y]);
        let tuple = if self.one_in(3) { self.add(Op::OptBarrier, &[tuple])? } else { tuple };
        let index = self.below(2);
        self.add(Op::GetTupleElement { index }, &[tuple])
    }

    /// A computation that makes something of the same shape.
    fn function(&mut self, shape: &ArrayShape) -> ComputationId {
        let id = self.module.add_computation("function");
        let op = self.pick(&[Op::Copy, Op::Negate, Op::Abs, Op::Not]);
        let mut builder = self.module.computation(id);
        let parameter = builder.parameter(shape.clone().into(), "x");
        let made = builder.add(op, &[parameter]).unwrap_or(parameter);
        let both = builder.add(Op::Maximum, &[made, parameter]).unwrap_or(made);
        builder.set_root(both);
        id
    }

    fn call(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value(values);
        let shape = self.array(x);
        let to_apply = self.function(&shape);
        let first = self.add(Op::Call { to_apply }, &[x])?;
        // A second call of the same computation.
        if self.one_in(2) { self.add(Op::Call { to_apply }, &[first]) } else { Some(first) }
    }

    fn conditional(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value(values);
        let shape = self.array(x);
        let selector = self.pick(&[ElementType::Pred, ElementType::S32]);
        let selector = self.like(values, &ArrayShape::scalar(selector))?;
        let (first, second) = (self.branch(&shape)?, self.branch(&shape)?);
        // Often the branches are the same.
        let branch_computations = if self.one_in(3) { vec![first; 2] } else { vec![first, second] };
        let other = if self.one_in(2) { x } else { self.like(values, &shape)? };
        let made = self.add(Op::Conditional { branch_computations }, &[selector, x, other])?;
        let index = self.below(2);
        if self.one_in(3) {
            let (x, y) = (
                self.add(Op::GetTupleElement { index: 0 }, &[made])?,
                self.add(Op::GetTupleElement { index: 1 }, &[made])?,
            );
            return self.add(Op::Maximum, &[x, y]).or(Some(y));
        }
        self.add(Op::GetTupleElement { index }, &[made])
    }

    /// A computation that makes two values of the same shape, perhaps equal to its operand.
    fn branch(&mut self, shape: &ArrayShape) -> Option<ComputationId> {
        let to_apply = self.function(shape);
        let id = self.module.add_computation("branch");
        let unchanged = self.one_in(3);
        let mut builder = self.module.computation(id);
        let x = builder.parameter(shape.clone().into(), "x");
        let made = builder.add(Op::Call { to_apply }, &[x]).ok()?;
        let both = builder.add(Op::Minimum, &[made, x]).ok()?;
        let root = builder.tuple(&[if unchanged { x } else { made }, both]);
        builder.set_root(root);
        Some(id)
    }

    fn check(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value(values);
        let shape = self.array(x);
        let y = self.like(values, &shape)?;
        let target = CustomCallTarget::CheckExpectEq(CheckParameters::default());
        let op = Op::CustomCall {
            target,
            custom_call_has_side_effect: true,
            backend_config: String::new(),
        };
        let shape = Shape::Tuple(Vec::new());
        self.builder().add_shaped(op, &[x, y], shape).ok()?;
        None
    }

    /// A loop that counts up and changes one of two arrays, perhaps by the other.
    fn counted_loop(&mut self, values: &[InstructionId]) -> Made {
        let x = self.value(values);
        let shape = self.array(x);
        let y = self.like(values, &shape)?;
        let trips = i32::try_from(self.below(4)).expect("it is small");
        let state = Shape::Tuple(vec![
            Shape::scalar(ElementType::S32),
            shape.clone().into(),
            shape.clone().into(),
        ]);
        let condition = self.loop_condition(&state, trips);
        let body = self.loop_body(&state)?;
        let zero = self.builder().constant(Literal::scalar(0i32));
        let start = if self.one_in(4) {
            let start = self.like(values, &ArrayShape::scalar(ElementType::S32))?;
            // Whatever it starts with, it ends.
            self.add(Op::Maximum, &[start, zero])?
        } else {
            zero
        };
        let init = self.builder().tuple(&[start, x, y]);
        let looped = self.add(Op::While { condition, body }, &[init])?;
        let index = self.pick(&[1, 1, 2]);
        self.add(Op::GetTupleElement { index }, &[looped])
    }

    fn loop_condition(&mut self, state: &Shape, trips: i32) -> ComputationId {
        let id = self.module.add_computation("condition");
        let mut builder = self.module.computation(id);
        let parameter = builder.parameter(state.clone(), "state");
        let count = builder.get_tuple_element(parameter, 0).expect("there are three");
        let bound = builder.constant(Literal::scalar(trips));
        let root = builder.compare(ComparisonDirection::Lt, count, bound);
        builder.set_root(root.expect("both are s32"));
        id
    }

    fn loop_body(&mut self, state: &Shape) -> Option<ComputationId> {
        let op = self.pick(&[Op::Add, Op::Maximum, Op::Multiply]);
        let kind = self.below(6);
        // A loop in the loop, of the same condition: it runs in the last iterations only.
        let inner = (kind == 5).then(|| self.loop_condition(state, 2));
        let inner = match inner {
            Some(condition) => Some((condition, self.loop_body(state)?)),
            None => None,
        };
        let id = self.module.add_computation("body");
        let mut builder = self.module.computation(id);
        let parameter = builder.parameter(state.clone(), "state");
        let count = builder.get_tuple_element(parameter, 0).ok()?;
        let x = builder.get_tuple_element(parameter, 1).ok()?;
        let y = builder.get_tuple_element(parameter, 2).ok()?;
        let one = builder.constant(Literal::scalar(1i32));
        let next = builder.add(Op::Add, &[count, one]).ok()?;
        let changed = builder.add(op, &[x, y]).ok()?;
        let (first, second) = match (kind, inner) {
            (0, _) => (y, x),
            (1, _) => (y, changed),
            (2, _) => (changed, x),
            (3, _) => {
                let rank = builder.shape(x).as_array()?.rank();
                let mut operands = vec![x, y];
                operands.extend(std::iter::repeat_n(count, rank));
                (builder.add(Op::DynamicUpdateSlice, &operands).ok()?, y)
            }
            (_, Some((condition, body))) => {
                let init = builder.tuple(&[count, changed, y]);
                let looped = builder.add(Op::While { condition, body }, &[init]).ok()?;
                (builder.get_tuple_element(looped, 1).ok()?, changed)
            }
            _ => (changed, y),
        };
        let root = builder.tuple(&[next, first, second]);
        builder.set_root(root);
        Some(id)
    }
}
