//! Arguments of a program: from files, or from a seed.

use std::path::PathBuf;

use palmetto_compiler::hlo::{ArrayLiteral, ArrayShape, Literal, Module, Shape};
use palmetto_runtime::numpy::{self, NumpyArray, NumpyError};
use palmetto_runtime::seeded;

use crate::arguments::InputArguments;
use crate::error::Failure;

/// A parameter of the program and what was found for it.
struct Slot<'a> {
    name: &'a str,
    shape: &'a ArrayShape,
    given: Option<Given>,
}

/// An array and the file that it comes from.
struct Given {
    path: PathBuf,
    /// The array's name in an archive whose names are not those of parameters.
    taken_in_order: Option<String>,
    array: NumpyArray,
}

/// What the arguments of a program may take.
pub(crate) struct Room {
    pub(crate) bytes: u64,
    /// Whose it is.
    pub(crate) of: &'static str,
}

/// One literal per parameter of the module.
///
/// # Errors
/// A file cannot be used, there are too many or too few arrays, or one does not fit its parameter,
/// or all of them are too large.
pub(crate) fn literals(
    module: &Module,
    arguments: &InputArguments,
    room: &Room,
) -> Result<Vec<Literal>, Failure> {
    let mut slots = slots(module)?;
    require_room(&slots, room)?;
    for path in &arguments.files {
        let arrays = numpy::read_file(path).map_err(|source| numpy_failure(path, source))?;
        assign(&mut slots, path, arrays)?;
    }
    let seed = arguments.seed.or_else(|| arguments.files.is_empty().then_some(0));
    let mut literals = Vec::with_capacity(slots.len());
    for (number, slot) in (0..).zip(&slots) {
        let literal = match (&slot.given, seed) {
            (Some(given), _) => convert(slot, given, arguments.cast)?,
            (None, Some(seed)) => seeded::literal(seed, number, slot.shape, seeded::UNIT),
            (None, None) => return Err(missing(&slots)),
        };
        literals.push(Literal::Array(literal));
    }
    Ok(literals)
}

fn slots(module: &Module) -> Result<Vec<Slot<'_>>, Failure> {
    let entry = module.entry_computation();
    let parameters = entry.parameters().iter().map(|&id| entry.instruction(id));
    let slots = parameters.map(|parameter| match parameter.shape() {
        Shape::Array(shape) => {
            // JAX tells the argument's name as the place of the parameter.
            let name = parameter.metadata().op_name.as_deref().unwrap_or(parameter.name());
            Ok(Slot { name, shape, given: None })
        }
        Shape::Tuple(_) => {
            let (name, shape) = (parameter.name(), parameter.shape());
            Err(Failure::Usage(format!(
                "parameter {name} is a tuple, {shape}; only arrays can be given"
            )))
        }
    });
    slots.collect()
}

/// An error if the parameters are too large, before anybody makes arrays for them.
fn require_room(slots: &[Slot<'_>], room: &Room) -> Result<(), Failure> {
    let sizes = slots.iter().map(|slot| u64::try_from(slot.shape.byte_size()).unwrap_or(u64::MAX));
    let needed = sizes.fold(0, u64::saturating_add);
    let Room { bytes, of } = room;
    if needed <= *bytes {
        return Ok(());
    }
    Err(Failure::Usage(format!("the parameters take {needed} bytes, {of} has {bytes}")))
}

/// By name if every name is a parameter's, else to the next parameters without an array.
fn assign(
    slots: &mut [Slot<'_>],
    path: &std::path::Path,
    arrays: Vec<(Option<String>, NumpyArray)>,
) -> Result<(), Failure> {
    let position =
        |name: &Option<String>| slots.iter().position(|slot| name.as_deref() == Some(slot.name));
    let by_name: Option<Vec<usize>> = arrays.iter().map(|(name, _)| position(name)).collect();
    let free = || (0..slots.len()).filter(|&n| slots[n].given.is_none());
    let is_by_name = by_name.is_some();
    let places = by_name.unwrap_or_else(|| free().take(arrays.len()).collect());
    if places.len() < arrays.len() {
        let (given, expected) = (arrays.len(), slots.len());
        let path = path.display();
        let arrays = if given == 1 { "array" } else { "arrays" };
        return Err(Failure::Usage(format!(
            "{path} has {given} {arrays}, more than there are parameters left; the program has {expected}"
        )));
    }
    for (place, (name, array)) in places.into_iter().zip(arrays) {
        let taken_in_order = name.filter(|_| !is_by_name);
        slots[place].given = Some(Given { path: path.to_owned(), taken_in_order, array });
    }
    Ok(())
}

fn convert(slot: &Slot<'_>, given: &Given, cast: bool) -> Result<ArrayLiteral, Failure> {
    let Slot { name, shape, .. } = slot;
    let Given { path, taken_in_order, array } = given;
    let path = path.display();
    let (label, note) = match taken_in_order {
        Some(array) => (
            format!("array {array}"),
            "; arrays go to the parameters in order where not every name is a parameter's",
        ),
        None => ("array".to_owned(), ""),
    };
    if array.dimensions != shape.dimensions() {
        let dimensions = &array.dimensions;
        return Err(Failure::Usage(format!(
            "{path}: parameter {name} is {shape}, the {label} has dimensions {dimensions:?}{note}"
        )));
    }
    let literal = array.to_literal(shape.element_type(), cast);
    literal.map_err(|source| {
        Failure::Usage(format!("{path}: the {label} for parameter {name}: {source}{note}"))
    })
}

fn missing(slots: &[Slot<'_>]) -> Failure {
    let without: Vec<String> = slots
        .iter()
        .filter(|slot| slot.given.is_none())
        .map(|slot| format!("{} {}", slot.name, slot.shape))
        .collect();
    Failure::Usage(format!(
        "no array was given for {} of {} parameters: {}; add --input or --seed",
        without.len(),
        slots.len(),
        without.join(", ")
    ))
}

fn numpy_failure(path: &std::path::Path, source: NumpyError) -> Failure {
    if let NumpyError::Io(source) = source {
        return Failure::read(path, source);
    }
    Failure::Numpy { path: path.to_owned(), source }
}
