//! What makes an executable that somebody else wrote safe to run: every number in it names
//! something that exists, and every array is in its allocation.

use palmetto_compiler::analysis::granules_of;
use palmetto_compiler::executable::{
    AllocationKind, Executable, Launch, Modelled, Slice, Step, View,
};
use palmetto_compiler::hlo::{ArrayShape, ElementType, Shape};

type Checked = Result<(), String>;

/// Checks everything that running relies on. Programs are checked when they are loaded.
pub(super) fn check(executable: &Executable) -> Checked {
    let check = Check { executable };
    check.allocations()?;
    check.interface()?;
    check.steps(&executable.steps)
}

struct Check<'a> {
    executable: &'a Executable,
}

impl Check<'_> {
    fn allocations(&self) -> Checked {
        let Executable { allocations, parameters, .. } = self.executable;
        for allocation in allocations {
            match &allocation.kind {
                AllocationKind::Parameter(number) if *number >= parameters.len() => {
                    return Err(format!("there is no parameter {number}"));
                }
                AllocationKind::Constant { shape, .. }
                    if shape.layout().is_none() || granules_of(shape) > allocation.granules =>
                {
                    return Err(format!("the constant {} does not fit", allocation.name));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn interface(&self) -> Checked {
        let Executable { allocations, parameters, results, donated, overwritten, .. } =
            self.executable;
        for (number, view) in parameters.iter().enumerate() {
            self.view(view)?;
            let kind = &allocations[view.slice.allocation.0].kind;
            let is_own = matches!(kind, AllocationKind::Parameter(n) if *n == number);
            if !is_own || view.slice.offset != 0 {
                return Err(format!("parameter {number} is not in its own allocation"));
            }
        }
        for (number, view) in results.iter().enumerate() {
            self.view(view)?;
            let is_place = match allocations[view.slice.allocation.0].kind {
                AllocationKind::Result => true,
                AllocationKind::Parameter(n) => overwritten.contains(&n),
                AllocationKind::Constant { .. } | AllocationKind::Temporary => false,
            };
            if !is_place || view.slice.offset != 0 {
                return Err(format!("result {number} is not in an allocation for results"));
            }
        }
        let in_order = |numbers: &[usize]| numbers.is_sorted_by(|a, b| a < b);
        let exist = donated.last().is_none_or(|&last| last < parameters.len());
        if !exist || !in_order(donated) || !in_order(overwritten) {
            return Err("the list of donated parameters is malformed".to_owned());
        }
        match overwritten.iter().find(|number| !donated.contains(number)) {
            Some(number) => Err(format!("parameter {number} is overwritten and not donated")),
            None => Ok(()),
        }
    }

    fn slice(&self, slice: Slice, granules: u32) -> Checked {
        let id = slice.allocation.0;
        let allocation = self.executable.allocations.get(id);
        let allocation = allocation.ok_or_else(|| format!("there is no allocation {id}"))?;
        let end = u64::from(slice.offset) + u64::from(granules);
        if end > u64::from(allocation.granules) {
            return Err(format!("an array ends behind its allocation {}", allocation.name));
        }
        Ok(())
    }

    fn view(&self, view: &View) -> Checked {
        if view.shape.layout().is_none() {
            return Err(format!("{} has no layout", view.shape));
        }
        self.slice(view.slice, granules_of(&view.shape))
    }

    fn views(&self, views: &[View]) -> Checked {
        views.iter().try_for_each(|view| self.view(view))
    }

    fn steps(&self, steps: &[Step]) -> Checked {
        steps.iter().try_for_each(|step| self.step(step))
    }

    fn step(&self, step: &Step) -> Checked {
        match step {
            Step::Launch(launch) => self.launch(launch),
            Step::Modelled(modelled) => self.modelled(modelled),
            Step::While { condition, predicate, body, .. } => {
                self.view(predicate)?;
                if predicate.shape.without_layout() != ArrayShape::scalar(ElementType::Pred) {
                    return Err(format!("a loop's predicate is {}", predicate.shape));
                }
                self.steps(condition)?;
                self.steps(body)
            }
            Step::Conditional { index, branches, .. } => {
                self.view(index)?;
                let is_index =
                    matches!(index.shape.element_type(), ElementType::Pred | ElementType::S32);
                if !is_index || !index.shape.is_scalar() {
                    return Err(format!("the index of a conditional is {}", index.shape));
                }
                branches.iter().try_for_each(|branch| self.steps(branch))
            }
            Step::Copy { from, to, .. } => {
                self.view(from)?;
                self.view(to)?;
                same(&from.shape, &to.shape)
            }
            Step::Send(transfer) | Step::Recv(transfer) => self.view(&transfer.view),
            Step::Check { target, operands, .. } => {
                self.views(operands)?;
                match (target, &operands[..]) {
                    (target, _) if target.check_parameters().is_none() => {
                        Err(format!("`{}` is no check", target.name()))
                    }
                    (_, [a, b]) => same(&a.shape, &b.shape),
                    (_, _) => Err("a check has two operands".to_owned()),
                }
            }
        }
    }

    fn launch(&self, launch: &Launch) -> Checked {
        let Launch { program, arguments, n_results, .. } = launch;
        if *program >= self.executable.programs.len() {
            return Err(format!("there is no program {program}"));
        }
        if *n_results > arguments.len() {
            return Err("a launch has more results than arguments".to_owned());
        }
        arguments.iter().try_for_each(|slice| self.slice(*slice, 1))
    }

    fn modelled(&self, modelled: &Modelled) -> Checked {
        let computation = modelled.module.computation(modelled.computation);
        let instruction = computation.instruction(modelled.instruction);
        let operands = instruction.operands().iter().map(|id| computation.instruction(*id).shape());
        let operands: Vec<&ArrayShape> = operands.flat_map(Shape::leaves).collect();
        for (views, shapes) in
            [(&modelled.operands, operands), (&modelled.results, instruction.shape().leaves())]
        {
            self.views(views)?;
            if views.len() != shapes.len() {
                return Err(format!("{} has another number of arrays", instruction.name()));
            }
            views.iter().zip(shapes).try_for_each(|(view, shape)| same(&view.shape, shape))?;
        }
        Ok(())
    }
}

fn same(a: &ArrayShape, b: &ArrayShape) -> Checked {
    if a.same_but_layout(b) { Ok(()) } else { Err(format!("{a} is used as {b}")) }
}
