//! One dot: the operand's slices side by side, times the kernel.

use super::{Convolution, Spatial, reshaped, sliced, transposed};
use crate::{
    hlo::{DotDimensionNumbers, InferError, InstructionId, Op},
    passes::site::Site,
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
    let dot = dot(site, convolution, (&operand, &kernel))?;
    result(site, convolution, dot)
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
            .map(|m| sliced(site, operand.value, &[(d, slice(m))]))
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
    array.value = reshaped(site, array.value, &sizes)?;
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
    let value = transposed(site, kernel.value, order)?;
    kernel = Labelled { value: reshaped(site, value, &sizes)?, roles };
    let groups = convolution.feature_groups * convolution.batch_groups;
    split(site, &mut kernel, (Role::Output, groups))?;
    Ok(kernel)
}

/// The sums of products, in the order of dimensions that a dot gives them.
fn dot(
    site: &mut Site<'_>,
    convolution: &Convolution,
    (operand, kernel): (&Labelled, &Labelled),
) -> Result<Labelled, InferError> {
    let is_summed = |role| match role {
        Role::Feature => true,
        Role::Spatial(n) => !convolution.spatial[n].by_window(),
        Role::Group | Role::Batch | Role::Output => false,
    };
    let lhs_contracting = operand.places(is_summed);
    let rhs_contracting = lhs_contracting.iter().map(|d| kernel.place(operand.roles[*d])).collect();
    let is_group = |role| role == Role::Group;
    let numbers = DotDimensionNumbers {
        lhs_batch_dimensions: operand.places(is_group),
        rhs_batch_dimensions: kernel.places(is_group),
        lhs_contracting_dimensions: lhs_contracting,
        rhs_contracting_dimensions: rhs_contracting,
    };
    let free = |role: &Role| !is_summed(*role) && *role != Role::Group;
    let groups = operand.roles.iter().filter(|role| **role == Role::Group);
    let of_operand = operand.roles.iter().filter(|role| free(role));
    let of_kernel = kernel.roles.iter().filter(|role| free(role));
    let roles = groups.chain(of_operand).chain(of_kernel).copied().collect();
    let element_type = site.element_type(site.id());
    let operands = [operand.value, kernel.value];
    let value = site.build().dot(operands, numbers, convolution.precision, element_type)?;
    Ok(Labelled { value, roles })
}

/// The dimensions of the dot in those of the result.
fn result(
    site: &mut Site<'_>,
    convolution: &Convolution,
    dot: Labelled,
) -> Result<InstructionId, InferError> {
    let of_dot = site.dimensions(dot.value).to_vec();
    let is_position = |spatial: &Spatial| !spatial.by_window();
    let (mut sizes, mut roles) = (Vec::new(), Vec::new());
    for (role, size) in dot.roles.iter().zip(of_dot) {
        let mut rest = size;
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
    let unstacked = Labelled { value: reshaped(site, dot.value, &sizes)?, roles };
    let numbers = &convolution.numbers;
    let named = [(numbers.output_batch, Role::Batch), (numbers.output_feature, Role::Output)];
    let mut order = Vec::new();
    for role in roles_of(named, &numbers.output_spatial) {
        if role == Role::Output {
            order.extend(unstacked.places(|role| role == Role::Group));
        }
        order.push(unstacked.place(role));
    }
    let value = transposed(site, unstacked.value, order)?;
    let sizes = site.dimensions(site.id()).to_vec();
    reshaped(site, value, &sizes)
}
