//! Values.

use super::messages::LiteralProto;
use super::shape_proto;
use crate::hlo::literal::{ArrayLiteral, Literal, NativeType};

pub(super) fn literal_proto(literal: &Literal) -> LiteralProto {
    let shape = Some(shape_proto(&literal.shape()));
    match literal {
        Literal::Array(array) => LiteralProto { shape, ..array_proto(array) },
        Literal::Tuple(elements) => {
            let tuple_literals = elements.iter().map(literal_proto).collect();
            LiteralProto { shape, tuple_literals, ..LiteralProto::default() }
        }
    }
}

/// The elements, in the field of their type: XLA keeps small ones as bytes, others as numbers.
fn array_proto(array: &ArrayLiteral) -> LiteralProto {
    let mut proto = LiteralProto::default();
    let bytes = || array.bytes().to_vec();
    match array.element_type().text() {
        "pred" => proto.preds = array.bytes().iter().map(|&byte| byte != 0).collect(),
        "s2" => proto.s2s = bytes(),
        "s4" => proto.s4s = bytes(),
        "s8" => proto.s8s = bytes(),
        "s16" => proto.s16s = bytes(),
        "s32" => proto.s32s = numbers(array),
        "s64" => proto.s64s = numbers(array),
        "u2" => proto.u2s = bytes(),
        "u4" => proto.u4s = bytes(),
        "u8" => proto.u8s = bytes(),
        "u16" => proto.u16s = bytes(),
        "u32" => proto.u32s = numbers(array),
        "u64" => proto.u64s = numbers(array),
        "f16" => proto.f16s = bytes(),
        "bf16" => proto.bf16s = bytes(),
        "f32" => proto.f32s = numbers(array),
        "f64" => proto.f64s = numbers(array),
        "c64" => proto.c64s = bytemuck::pod_collect_to_vec(array.bytes()),
        "c128" => proto.c128s = bytemuck::pod_collect_to_vec(array.bytes()),
        "f4e2m1fn" => proto.f4e2m1fns = bytes(),
        "f6e2m3fn" => proto.f6e2m3fns = bytes(),
        "f6e3m2fn" => proto.f6e3m2fns = bytes(),
        "f8e3m4" => proto.f8e3m4s = bytes(),
        "f8e4m3" => proto.f8e4m3s = bytes(),
        "f8e4m3b11fnuz" => proto.f8e4m3b11fnuzs = bytes(),
        "f8e4m3fn" => proto.f8e4m3fns = bytes(),
        "f8e4m3fnuz" => proto.f8e4m3fnuzs = bytes(),
        "f8e5m2" => proto.f8e5m2s = bytes(),
        "f8e5m2fnuz" => proto.f8e5m2fnuzs = bytes(),
        "f8e8m0fnu" => proto.f8e8m0fnus = bytes(),
        other => unreachable!("no field of LiteralProto is known for {other}"),
    }
    proto
}

fn numbers<T: NativeType>(array: &ArrayLiteral) -> Vec<T> {
    array.as_slice().expect("the type was looked at").to_vec()
}
