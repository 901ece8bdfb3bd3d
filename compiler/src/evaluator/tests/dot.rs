//! Sums of products.

use super::{Case, EvaluatorOptions, case_text, check_cases, evaluate, literal, module};
use crate::hlo::{Literal, Precision};

pub(super) const CASES: &[Case] = &[
    (
        "f32[2,2] dot(a, b), lhs_contracting_dims={1}, rhs_contracting_dims={0}",
        &["f32[2,3]={{1, 2, 3}, {4, 5, 6}}", "f32[3,2]={{1, 2}, {3, 4}, {5, 6}}"],
        "f32[2,2]={{22, 28}, {49, 64}}",
    ),
    (
        "s32[2,2] dot(a, b), lhs_contracting_dims={0}, rhs_contracting_dims={1}",
        &["s32[3,2]={{1, 4}, {2, 5}, {3, 6}}", "s32[2,3]={{1, 3, 5}, {2, 4, 6}}"],
        "s32[2,2]={{22, 28}, {49, 64}}",
    ),
    // A batch dimension in the middle, two contracted dimensions.
    (
        "s32[2,1,1] dot(a, b), lhs_batch_dims={1}, rhs_batch_dims={0}, lhs_contracting_dims={2,3}, rhs_contracting_dims={1,2}",
        &[
            "s32[1,2,2,2]={{{{1, 2}, {3, 4}}, {{5, 6}, {7, 8}}}}",
            "s32[2,2,2,1]={{{{1}, {10}}, {{100}, {1000}}}, {{{1}, {1}}, {{1}, {2}}}}",
        ],
        "s32[2,1,1]={{{4321}}, {{34}}}",
    ),
    (
        "s8[] dot(a, b), lhs_contracting_dims={0}, rhs_contracting_dims={0}",
        &["s8[2]={100, 100}", "s8[2]={1, 1}"],
        "s8[]=-56",
    ),
    (
        "s32[] dot(a, b), lhs_contracting_dims={0}, rhs_contracting_dims={0}",
        &["s8[2]={100, 100}", "s8[2]={100, -1}"],
        "s32[]=9900",
    ),
    // The outer product; nothing is contracted.
    ("u8[2,2] dot(a, b)", &["u8[2]={1, 2}", "u8[2]={3, 200}"], "u8[2,2]={{3, 200}, {6, 144}}"),
    (
        "pred[] dot(a, b), lhs_contracting_dims={0}, rhs_contracting_dims={0}",
        &["pred[2]={true, false}", "pred[2]={true, true}"],
        "pred[]=true",
    ),
    // A sum of nothing is 0; no rows give no results.
    (
        "f32[1,1] dot(a, b), lhs_contracting_dims={1}, rhs_contracting_dims={0}",
        &["f32[1,0]={{}}", "f32[0,1]={}"],
        "f32[1,1]={{0}}",
    ),
    (
        "f32[0,1] dot(a, b), lhs_contracting_dims={1}, rhs_contracting_dims={0}",
        &["f32[0,2]={}", "f32[2,1]={{1}, {2}}"],
        "f32[0,1]={}",
    ),
    // Rounded once, at the end: 256 + 1 + 1 is a bf16, 256 + 1 is none.
    (
        "bf16[] dot(a, b), lhs_contracting_dims={0}, rhs_contracting_dims={0}",
        &["bf16[3]={256, 1, 1}", "bf16[3]={1, 1, 1}"],
        "bf16[]=258",
    ),
    (
        "f32[] dot(a, b), lhs_contracting_dims={0}, rhs_contracting_dims={0}",
        &["bf16[3]={1e30, 1, -1e30}", "bf16[3]={1, 1, 1}"],
        "f32[]=0",
    ),
    (
        "f32[] dot(a, b), lhs_contracting_dims={0}, rhs_contracting_dims={0}",
        &["f32[2]={inf, 1}", "f32[2]={0, 1}"],
        "f32[]=nan",
    ),
];

#[test]
fn products_are_summed_as_the_table_says() {
    check_cases(CASES);
}

#[test]
fn the_precision_says_what_is_seen_of_f32() {
    // 1 + 2^-7 + 2^-9 + 2^-23: bf16 sees the first two terms, two parts of it all but the last.
    let arguments = [literal("f32[1]={1.0097657442092896}"), literal("f32[1]={1}")];
    let dot = |precision: &str, default: Precision| {
        let dims = "lhs_contracting_dims={0}, rhs_contracting_dims={0}";
        let text = case_text("", &format!("f32[] dot(a, b), {dims}{precision}"), &arguments);
        let options = EvaluatorOptions { default_dot_precision: default, ..Default::default() };
        evaluate(&module(&text), &arguments, &options).unwrap().result
    };
    let one = Literal::scalar(1.0078125f32);
    let two = Literal::scalar(1.009_765_6_f32);
    let all = Literal::scalar(1.009_765_7_f32);
    assert_eq!(dot("", Precision::Default), one);
    assert_eq!(dot(", operand_precision={default,default}", Precision::Default), one);
    assert_eq!(dot(", operand_precision={high,high}", Precision::Default), two);
    assert_eq!(dot(", operand_precision={highest,highest}", Precision::Default), all);
    assert_eq!(dot("", Precision::High), two);
    assert_eq!(dot("", Precision::Highest), all);
    assert_eq!(dot(", operand_precision={high,default}", Precision::Highest), two);
}

#[test]
fn large_products_agree_with_three_loops() {
    // Sizes that are no multiples of anything, several tasks and several pieces of the depth.
    let (rows, depth, columns) = (67, 301, 35);
    let number = |n: usize, factor: usize| i32::try_from(n * factor % 17).unwrap() - 8;
    let lhs: Vec<i32> = (0..rows * depth).map(|n| number(n, 7)).collect();
    let rhs: Vec<i32> = (0..columns * depth).map(|n| number(n, 5)).collect();
    let mut expected = Vec::new();
    for row in 0..rows {
        for column in 0..columns {
            let products = (0..depth).map(|k| lhs[row * depth + k] * rhs[column * depth + k]);
            expected.push(products.sum::<i32>());
        }
    }
    let dims = "lhs_contracting_dims={1}, rhs_contracting_dims={1}";
    let arguments = [
        Literal::from_slice(&[rows, depth], &lhs).unwrap(),
        Literal::from_slice(&[columns, depth], &rhs).unwrap(),
    ];
    let text = case_text("", &format!("s32[67,35] dot(a, b), {dims}"), &arguments);
    let result = evaluate(&module(&text), &arguments, &EvaluatorOptions::default()).unwrap();
    assert_eq!(result.result.as_array().unwrap().as_slice::<i32>().unwrap(), expected);
    let floats = |data: &[i32]| data.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
    let arguments = [
        Literal::from_slice(&[rows, depth], &floats(&lhs)).unwrap(),
        Literal::from_slice(&[columns, depth], &floats(&rhs)).unwrap(),
    ];
    let text = case_text("", &format!("f64[67,35] dot(a, b), {dims}"), &arguments);
    let result = evaluate(&module(&text), &arguments, &EvaluatorOptions::default()).unwrap();
    assert_eq!(result.result.as_array().unwrap().as_slice::<f64>().unwrap(), floats(&expected));
}
