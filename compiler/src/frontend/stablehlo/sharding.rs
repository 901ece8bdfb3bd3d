//! What the program says for later stages: shardings, donation, layouts.
//!
//! Nothing is interpreted here. Shardings in XLA's notation become the instruction's sharding;
//! everything else is kept as text in frontend attributes, under the name it has in the program,
//! with XLA's names for what Shardy says.

use super::body::Body;
use super::{Importer, unsupported};
use crate::frontend::source::SourceResult;
use crate::frontend::syntax::{Attribute, NamedAttribute, Operation};
use crate::hlo::{Extras, InstructionId, Op, ShardingText};

/// Where Shardy's shardings are kept, as they are written.
const SDY_SHARDING: &str = "xla.sdy.sharding";
/// Where Shardy's meshes are kept: `{name = #sdy.mesh<…>, …}`.
const SDY_MESHES: &str = "xla.sdy.meshes";

/// What an operation says about its result.
pub(super) fn extras(operation: &Operation) -> Extras {
    extras_of(&operation.attributes)
}

/// What discardable attributes say about a value. Properties, whose names have no dialect, are
/// the importer's business.
pub(super) fn extras_of(attributes: &[NamedAttribute]) -> Extras {
    let mut extras = Extras::default();
    for attribute in attributes.iter().filter(|attribute| attribute.name.contains('.')) {
        match (attribute.name.as_str(), &attribute.value) {
            ("mhlo.sharding", Attribute::String(text)) => {
                let inner = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
                extras.sharding = Some(ShardingText(inner.unwrap_or(text).to_owned()));
            }
            ("mhlo.frontend_attributes", Attribute::Dictionary(entries)) => {
                let entries = entries.iter().map(|entry| (entry.name.clone(), text(&entry.value)));
                extras.frontend_attributes.extend(entries);
            }
            (name, value) => {
                let name = if name == "sdy.sharding" { SDY_SHARDING } else { name };
                extras.frontend_attributes.insert(name.to_owned(), text(value));
            }
        }
    }
    extras
}

/// An attribute as a frontend attribute's value.
fn text(attribute: &Attribute) -> String {
    if let Attribute::String(text) = attribute {
        return text.clone();
    }
    if let Some(value) = attribute.as_integer() {
        return value.to_string();
    }
    // The mere presence of a unit attribute says yes.
    if matches!(attribute, Attribute::Unit) { "true".to_owned() } else { attribute.to_string() }
}

/// Keeps the attributes and meshes of the module.
pub(super) fn import_module_attributes(importer: &mut Importer<'_>) -> SourceResult<()> {
    let module = &importer.program.module;
    for attribute in module.attributes.iter().filter(|attribute| attribute.name.contains('.')) {
        importer.builder.set_frontend_attribute(&attribute.name, &text(&attribute.value));
    }
    let mut meshes = Vec::new();
    for block in module.regions.iter().flat_map(|region| &region.blocks) {
        for operation in &block.operations {
            match operation.name.as_str() {
                "func.func" => {}
                "sdy.mesh" => {
                    let name = super::attributes::string(operation, "sym_name")?;
                    let mesh = super::attributes::required(operation, "mesh")?;
                    meshes.push(format!("{name} = {}", text(&mesh.value)));
                }
                other => return unsupported(operation, format!("op {other} in a module")),
            }
        }
    }
    if !meshes.is_empty() {
        let meshes = format!("{{{}}}", meshes.join(", "));
        importer.builder.set_frontend_attribute(SDY_MESHES, &meshes);
    }
    Ok(())
}

/// Keeps the attributes of the entry's results at the module, as `result.N.name`.
pub(super) fn import_result_attributes(
    importer: &mut Importer<'_>,
    results: Vec<&[NamedAttribute]>,
) {
    for (index, attributes) in results.into_iter().enumerate() {
        for attribute in attributes {
            let key = format!("result.{index}.{}", attribute.name);
            importer.builder.set_frontend_attribute(&key, &text(&attribute.value));
        }
    }
}

/// `sdy.sharding_constraint` and `sdy.reshard`: a copy that carries the sharding.
pub(super) fn constraint(
    body: &mut Body<'_, '_>,
    operation: &Operation,
) -> SourceResult<Vec<InstructionId>> {
    let [operand] = body.exactly(operation)?;
    let sharding = super::attributes::required(operation, "sharding")?;
    let declared = body.result_shape(operation)?;
    let mut extras = extras(operation);
    extras.frontend_attributes.insert(SDY_SHARDING.to_owned(), text(&sharding.value));
    let id = body.add_with(operation, Op::Copy, &[operand], extras)?;
    body.check_type(operation, &declared, id)?;
    Ok(vec![id])
}
