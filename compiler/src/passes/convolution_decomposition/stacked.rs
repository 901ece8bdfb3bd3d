//! One dot: the operand's slices side by side, times the kernel.

use super::{Convolution, Spatial};
use crate::{
    hlo::{DotDimensionNumbers, InferError, InstructionId, Op},
    passes::{
        shaping::{reshaped, sliced, transposed},
        site::Site,
    },
};

/// What a dimension is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Group,
    Batch,
    /// The features that are summed over.
    Feature,
    /// The features of the result, within a group.
    Output,
    Spatial(usize),
}

/// An array with the roles of its dimensions.
struct Labelled {
    value: InstructionId,
    roles: Vec<Role>,
}

impl Labelled {
    fn place(&self, role: Role) -> usize {
        let place = self.roles.iter().position(|other| *other == role);
        place.expect("every array of a convolution has this dimension")
    }

    fn places(&self, has: impl Fn(Role) -> bool) -> Vec<usize> {
        (0..self.roles.len()).filter(|d| has(self.roles[*d])).collect()
    }
}

/// The convolution as one dot.
pub(super) fn decompose(
    site: &mut Site<'_>,
    convolution: &Convolution,
) -> Result<InstructionId, InferError> {
    let operand = operand(site, convolution)?;
    let kernel = kernel(site, convolution)?;
    let sums = dot(site, convolution, (&operand, &kernel))?;
    result(site, convolution, &sums)
}

fn roles_of(named: [(usize, Role); 2], spatial: &[usize]) -> Vec<Role> {
    let mut roles = vec![Role::Group; spatial.len() + 2];
    for (place, role) in named {
        roles[place] = role;
    }
    for (n, place) in spatial.iter().enumerate() {
        roles[*place] = Role::Spatial(n);
    }
    roles
}

/// The operand: padded, in groups, its windows stacked.
fn operand(site: &mut Site<'_>, convolution: &Convolution) -> Result<Labelled, InferError> {
    let numbers = &convolution.numbers;
    let named = [(numbers.input_batch, Role::Batch), (numbers.input_feature, Role::Feature)];
    let mut operand = Labelled {
        value: convolution.padded(site)?,
        roles: roles_of(named, &numbers.input_spatial),
    };
    split(site, &mut operand, (Role::Batch, convolution.batch_groups))?;
    split(site, &mut operand, (Role::Feature, convolution.feature_groups))?;
    // The last dimension first: what comes later is more major in the stack.
    for (n, spatial) in convolution.spatial.iter().enumerate().rev() {
        let d = operand.place(Role::Spatial(n));
        let into = if spatial.by_window() { Role::Feature } else { Role::Batch };
        let dimension = operand.place(into);
        let slice =
            |m| if spatial.by_window() { spatial.of_window(m) } else { spatial.of_position(m) };
        let slices: Vec<InstructionId> = (0..spatial.slices())
            .map(|m| sliced(&mut site.build(), operand.value, &[(d, slice(m))]))
            .collect::<Result<_, _>>()?;
        operand.value = match slices.as_slice() {
            [only] => *only,
            several => site.build().add(Op::Concatenate { dimension }, several)?,
        };
    }
    Ok(operand)
}

/// Splits a dimension into groups and what is in a group.
fn split(
    site: &mut Site<'_>,
    array: &mut Labelled,
    (role, groups): (Role, usize),
) -> Result<(), InferError> {
    if groups == 1 {
        return Ok(());
    }
    let d = array.place(role);
    let mut sizes = site.dimensions(array.value).to_vec();
    sizes[d] /= groups;
    sizes.insert(d, groups);
    array.roles.insert(d, Role::Group);
    array.value = reshaped(&mut site.build(), array.value, &sizes)?;
    Ok(())
}

/// The kernel: in groups, its dimensions that are stacked in the operand before its features and
/// one with them.
fn kernel(site: &mut Site<'_>, convolution: &Convolution) -> Result<Labelled, InferError> {
    let numbers = &convolution.numbers;
    let named = [
        (numbers.kernel_input_feature, Role::Feature),
        (numbers.kernel_output_feature, Role::Output),
    ];
    let mut kernel =
        Labelled { value: site.operand(1), roles: roles_of(named, &numbers.kernel_spatial) };
    let is_stacked = |role| match role {
        Role::Spatial(n) => convolution.spatial[n].by_window(),
        Role::Group | Role::Batch | Role::Feature | Role::Output => false,
    };
    let turned = kernel.places(|role| match role {
        Role::Spatial(n) => !is_stacked(role) && convolution.spatial[n].window.reversed,
        Role::Group | Role::Batch | Role::Feature | Role::Output => false,
    });
    if !turned.is_empty() {
        let op = Op::Reverse { dimensions: turned };
        kernel.value = site.build().add(op, &[kernel.value])?;
    }
    let mut stacked = kernel.places(is_stacked);
    stacked.sort_by_key(|d| match kernel.roles[*d] {
        Role::Spatial(n) => n,
        Role::Group | Role::Batch | Role::Feature | Role::Output => 0,
    });
    let mut order = Vec::new();
    for (d, role) in kernel.roles.iter().enumerate().filter(|(_, role)| !is_stacked(**role)) {
        if *role == Role::Feature {
            order.extend(&stacked);
        }
        order.push(d);
    }
    let (mut sizes, mut roles) = (Vec::new(), Vec::new());
    let of = |d: usize| site.dimensions(kernel.value)[d];
    for d in (0..kernel.roles.len()).filter(|d| !stacked.contains(d)) {
        let role = kernel.roles[d];
        let of_stack = if role == Role::Feature { &stacked[..] } else { &[] };
        sizes.push(of(d) * of_stack.iter().map(|d| of(*d)).product::<usize>());
        roles.push(role);
    }
    let value = transposed(&mut site.build(), kernel.value, order)?;
    kernel = Labelled { value: reshaped(&mut site.build(), value, &sizes)?, roles };
    let groups = convolution.feature_groups * convolution.batch_groups;
    split(site, &mut kernel, (Role::Output, groups))?;
    Ok(kernel)
}

/// The sums of products.
struct Sums {
    value: InstructionId,
    /// Its dimensions, of which neighbours may be one; those of the batch still stacked.
    dimensions: Vec<(Role, usize)>,
}

/// The dot. Neighbours that are free together or summed together are one dimension of it: a matrix
/// unit wants few and long ones.
fn dot(
    site: &mut Site<'_>,
    convolution: &Convolution,
    (operand, kernel): (&Labelled, &Labelled),
) -> Result<Sums, InferError> {
    let is_summed = |role| match role {
        Role::Feature => true,
        Role::Spatial(n) => !convolution.spatial[n].by_window(),
        Role::Group | Role::Batch | Role::Output => false,
    };
    let is_one = |a: Role, b: Role| match (is_summed(a), is_summed(b)) {
        (true, true) => kernel.place(a) + 1 == kernel.place(b),
        (false, false) => a != Role::Group && b != Role::Group,
        (true, false) | (false, true) => false,
    };
    let runs = runs(&operand.roles, is_one);
    let is_kept = |a: Role, b: Role| {
        let together = |run: &Vec<Role>| run.windows(2).any(|pair| pair == [a, b]);
        is_summed(a) && is_summed(b) && runs.iter().any(together)
    };
    let of_kernel = self::runs(&kernel.roles, is_kept);
    let place = |runs: &[Vec<Role>], role: Role| {
        let place = runs.iter().position(|run| run[0] == role);
        place.expect("both operands have the dimension")
    };
    let summed: Vec<Role> = runs.iter().map(|run| run[0]).filter(|role| is_summed(*role)).collect();
    let groups: Vec<Role> = runs.iter().map(|run| run[0]).filter(|r| *r == Role::Group).collect();
    let places = |runs: &[Vec<Role>], roles: &[Role]| -> Vec<usize> {
        roles.iter().map(|role| place(runs, *role)).collect()
    };
    let numbers = DotDimensionNumbers {
        lhs_batch_dimensions: places(&runs, &groups),
        rhs_batch_dimensions: places(&of_kernel, &groups),
        lhs_contracting_dimensions: places(&runs, &summed),
        rhs_contracting_dimensions: places(&of_kernel, &summed),
    };
    let free = |array: &Labelled| {
        let roles = array.roles.iter().zip(site.dimensions(array.value));
        let roles = roles.filter(|(role, _)| !is_summed(**role) && **role != Role::Group);
        roles.map(|(role, size)| (*role, *size)).collect::<Vec<_>>()
    };
    let groups =
        groups.iter().map(|_| (Role::Group, convolution.feature_groups * convolution.batch_groups));
    let dimensions = groups.chain(free(operand)).chain(free(kernel)).collect();
    let operands = [merged(site, operand, &runs)?, merged(site, kernel, &of_kernel)?];
    let element_type = site.element_type(site.id());
    let value = site.build().dot(operands, numbers, convolution.precision, element_type)?;
    Ok(Sums { value, dimensions })
}

/// Cuts the roles where neighbours are not one.
fn runs(roles: &[Role], is_one: impl Fn(Role, Role) -> bool) -> Vec<Vec<Role>> {
    roles.chunk_by(|a, b| is_one(*a, *b)).map(<[Role]>::to_vec).collect()
}

/// The array with each run of dimensions as one.
fn merged(
    site: &mut Site<'_>,
    array: &Labelled,
    runs: &[Vec<Role>],
) -> Result<InstructionId, InferError> {
    let mut sizes = site.dimensions(array.value).iter();
    let merged: Vec<usize> =
        runs.iter().map(|run| sizes.by_ref().take(run.len()).product()).collect();
    reshaped(&mut site.build(), array.value, &merged)
}

/// The dimensions of the dot in those of the result.
fn result(
    site: &mut Site<'_>,
    convolution: &Convolution,
    sums: &Sums,
) -> Result<InstructionId, InferError> {
    let is_position = |spatial: &Spatial| !spatial.by_window();
    let (mut sizes, mut roles) = (Vec::new(), Vec::new());
    for (role, size) in &sums.dimensions {
        let mut rest = *size;
        if *role == Role::Batch {
            for (n, spatial) in convolution.spatial.iter().enumerate() {
                if is_position(spatial) {
                    sizes.push(spatial.positions);
                    roles.push(Role::Spatial(n));
                    rest /= spatial.positions;
                }
            }
        }
        sizes.push(rest);
        roles.push(*role);
    }
    let unstacked = Labelled { value: reshaped(&mut site.build(), sums.value, &sizes)?, roles };
    let numbers = &convolution.numbers;
    let named = [(numbers.output_batch, Role::Batch), (numbers.output_feature, Role::Output)];
    let mut order = Vec::new();
    for role in roles_of(named, &numbers.output_spatial) {
        if role == Role::Output {
            order.extend(unstacked.places(|role| role == Role::Group));
        }
        order.push(unstacked.place(role));
    }
    let value = transposed(&mut site.build(), unstacked.value, order)?;
    let sizes = site.dimensions(site.id()).to_vec();
    reshaped(&mut site.build(), value, &sizes)
}
