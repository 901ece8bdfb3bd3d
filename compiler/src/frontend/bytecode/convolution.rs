//! The dimension numbers of a convolution: `#stablehlo.conv<[b, 0, f]x[0, i, o]->[b, 0, f]>`.

use crate::frontend::source::{SourceError, SourceResult};
use crate::frontend::syntax::NamedAttribute;

/// More dimensions than any array has.
const RANK_LIMIT: usize = 64;

/// The text of the attribute, from its parts.
pub(super) fn dimension_numbers(parts: &[NamedAttribute]) -> SourceResult<String> {
    let input = layout(
        parts,
        "input_spatial_dimensions",
        [("input_batch_dimension", "b"), ("input_feature_dimension", "f")],
    )?;
    let kernel = layout(
        parts,
        "kernel_spatial_dimensions",
        [("kernel_input_feature_dimension", "i"), ("kernel_output_feature_dimension", "o")],
    )?;
    let output = layout(
        parts,
        "output_spatial_dimensions",
        [("output_batch_dimension", "b"), ("output_feature_dimension", "f")],
    )?;
    Ok(format!("#stablehlo.conv<[{input}]x[{kernel}]->[{output}]>"))
}

/// `b, 0, 1, f`: what each dimension is.
fn layout(
    parts: &[NamedAttribute],
    spatial: &str,
    others: [(&str, &str); 2],
) -> SourceResult<String> {
    let spatial = part(parts, spatial)?;
    let wrong = |part: &NamedAttribute| {
        SourceError::new(part.span, format!("'{}' does not number dimensions", part.name))
    };
    let positions = spatial.value.as_integers().ok_or_else(|| wrong(spatial))?;
    let mut words: Vec<Option<String>> = vec![None; positions.len() + 2];
    if words.len() > RANK_LIMIT {
        return Err(wrong(spatial));
    }
    let mut place = |part: &NamedAttribute, position: i128, word: String| {
        let slot = usize::try_from(position).ok().and_then(|position| words.get_mut(position));
        match slot {
            Some(slot) if slot.is_none() => {
                *slot = Some(word);
                Ok(())
            }
            _ => Err(wrong(part)),
        }
    };
    for (number, &position) in positions.iter().enumerate() {
        place(spatial, i128::from(position), number.to_string())?;
    }
    for (name, letter) in others {
        let other = part(parts, name)?;
        let position = other.value.as_integer().ok_or_else(|| wrong(other))?;
        place(other, position, letter.to_owned())?;
    }
    // As many places as words, and no place twice: all are taken.
    Ok(words.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn part<'p>(parts: &'p [NamedAttribute], name: &str) -> SourceResult<&'p NamedAttribute> {
    parts.iter().find(|part| part.name == name).ok_or_else(|| {
        let span = parts.first().map(|part| part.span).unwrap_or_default();
        SourceError::new(span, format!("a convolution needs the property '{name}'"))
    })
}
