//! Types -> shapes, and back for messages.

use crate::frontend::source::{SourceError, SourceResult, Span};
use crate::frontend::syntax::{FloatKind, Scalar, Signedness, TensorType, Type, narrow_float_name};
use crate::hlo::{ArrayShape, ElementClass, ElementType, Shape};

/// The shape of a value.
pub(super) fn shape(value_type: &Type, span: Span) -> SourceResult<Shape> {
    match value_type {
        Type::Tensor(tensor) => Ok(Shape::Array(array_shape(tensor, span)?)),
        Type::Tuple(elements) => {
            let elements = elements.iter().map(|element| shape(element, span));
            Ok(Shape::Tuple(elements.collect::<SourceResult<_>>()?))
        }
        Type::Other(text) if text == "!stablehlo.token" => Ok(Shape::scalar(ElementType::Token)),
        Type::Scalar(_) | Type::Function(_) | Type::Other(_) => {
            Err(SourceError::unsupported(span, format!("type {value_type}")))
        }
    }
}

/// The shape of a tensor.
pub(super) fn array_shape(tensor: &TensorType, span: Span) -> SourceResult<ArrayShape> {
    let unsupported = |what: &str| SourceError::unsupported(span, format!("type {tensor}: {what}"));
    if tensor.encoding.is_some() {
        return Err(unsupported("encodings such as bounds are not supported"));
    }
    let element_type = element_type(&tensor.element).ok_or_else(|| {
        unsupported(&format!(
            "elements are i1, integers of 2 to 64 bits, floats of 4 to 64 bits, \
            complex<f32> and complex<f64>, not {}",
            tensor.element
        ))
    })?;
    let dimensions = tensor.dimensions.iter().map(|dimension| {
        let size = dimension.ok_or_else(|| unsupported("its dimensions have to be known"))?;
        usize::try_from(size).map_err(|_| unsupported("too large"))
    });
    let dimensions = dimensions.collect::<SourceResult<Vec<usize>>>()?;
    ArrayShape::new(element_type, dimensions)
        .map_err(|error| SourceError::new(span, error.to_string()))
}

/// HLO's element type. Signless integers are signed, `i1` is `pred`.
pub(super) fn element_type(scalar: &Scalar) -> Option<ElementType> {
    match scalar {
        Scalar::Integer { width: 1, signedness: Signedness::Signless } => Some(ElementType::Pred),
        Scalar::Integer { width, signedness: Signedness::Signless | Signedness::Signed } => {
            match width {
                2 => Some(ElementType::S2),
                4 => Some(ElementType::S4),
                8 => Some(ElementType::S8),
                16 => Some(ElementType::S16),
                32 => Some(ElementType::S32),
                64 => Some(ElementType::S64),
                _ => None,
            }
        }
        Scalar::Integer { width, signedness: Signedness::Unsigned } => match width {
            2 => Some(ElementType::U2),
            4 => Some(ElementType::U4),
            8 => Some(ElementType::U8),
            16 => Some(ElementType::U16),
            32 => Some(ElementType::U32),
            64 => Some(ElementType::U64),
            _ => None,
        },
        Scalar::Float(FloatKind::Bf16) => Some(ElementType::BF16),
        Scalar::Float(FloatKind::F16) => Some(ElementType::F16),
        Scalar::Float(FloatKind::F32) => Some(ElementType::F32),
        Scalar::Float(FloatKind::F64) => Some(ElementType::F64),
        Scalar::Float(FloatKind::Narrow(narrow)) => Some(*narrow),
        Scalar::Complex(part) => element_type(part)?.complex(),
        Scalar::Index | Scalar::Other(_) => None,
    }
}

/// `(tensor<f32>, tensor<i1>)`.
pub(super) fn describe_list(shapes: &[Shape]) -> String {
    format!("({})", shapes.iter().map(describe).collect::<Vec<_>>().join(", "))
}

/// A shape as the program would write it.
pub(super) fn describe(shape: &Shape) -> String {
    match shape {
        Shape::Array(array) if array.element_type() == ElementType::Token => {
            "!stablehlo.token".to_owned()
        }
        Shape::Array(array) => {
            let dimensions: String =
                array.dimensions().iter().map(|dimension| format!("{dimension}x")).collect();
            let element_type = array.element_type();
            let element = match element_type.class() {
                ElementClass::Pred => "i1".to_owned(),
                ElementClass::Signed => format!("i{}", element_type.bit_width()),
                ElementClass::Unsigned => format!("ui{}", element_type.bit_width()),
                ElementClass::Float if element_type.is_narrow() => narrow_float_name(element_type),
                ElementClass::Float | ElementClass::Token => element_type.text().to_owned(),
                ElementClass::Complex => format!("complex<{}>", element_type.part()),
            };
            format!("tensor<{dimensions}{element}>")
        }
        Shape::Tuple(elements) => {
            let elements: Vec<String> = elements.iter().map(describe).collect();
            format!("tuple<{}>", elements.join(", "))
        }
    }
}
