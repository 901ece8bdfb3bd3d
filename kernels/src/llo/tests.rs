//! Text and verification of LLO functions.

use super::{Address, Builder, Function, Value, parse_function, print_function, verify_function};
use expect_test::{Expect, expect};
use palmetto_isa::{DmaDescriptor, DmaDimension, MemorySpace, TPU_V4};

fn sum_of_squares() -> Function {
    let mut b = Builder::new("sum of squares", 2);
    let (n, hbm) = (b.argument(0), b.argument(1));
    let x = b.scratch("x", MemorySpace::Vmem, 64);
    let dimensions = vec![DmaDimension { count: 4, source_stride: 16, target_stride: 8 }];
    let (source, target) = (MemorySpace::Hbm, MemorySpace::Vmem);
    let fetch = b.descriptor(DmaDescriptor { source, target, granules: 8, dimensions });
    let (start, flag, bytes) = (b.s(0), b.s(3), b.s(4096 * 4));
    b.start_dma(x, fetch, [hbm, start, flag]);
    b.wait_dma(x, flag, bytes);
    let zero = b.f32(0.0);
    let at = b.start_of(x);
    let sum = b.for_loop(n, &[Value::V(zero)], |b, i, carried| {
        let [Value::V(sum)] = *carried else { unreachable!("one vector is carried") };
        let base = b.smul_imm(i, 8);
        let v = b.load(Address { base, ..at });
        let square = b.vmul_f32(v, v);
        vec![Value::V(b.vadd_f32(sum, square))]
    });
    let Value::V(sum) = sum[0] else { unreachable!("a vector was carried") };
    let mask = b.lanes_below(3);
    b.store_masked(at.plus(8), mask, sum);
    b.finish()
}

#[test]
fn a_function_reads_well() {
    expect![[r#"
        function "sum of squares"
        arguments 2
        values 8 7 1
        scratch arguments: smem 0 + 1
        scratch x: vmem 0 + 64
        dma 0: hbm -> vmem 8 granules x 4 (stride 16 -> 8)
        body {
          %v0 = vconst 0x00000000
          %v7 = vconst 0x00000003
          %s0 = smov_imm 0
          %s1 = sld %s0, 0 touching arguments
          %s2 = sld %s0, 1 touching arguments
          %s3 = smov_imm 3
          %s4 = smov_imm 16384
          dma_start 0, %s2, %s0, %s3 touching x
          dma_wait %s3, %s4 touching x
          loop %s5 in 0..%s1 carry(%v1 = %v0 -> %v4) -> %v5 {
            %s6 = smul_imm %s5, 8
            %v2 = vld %s6, 0 touching x
            %v3 = vmul_f32 %v2, %v2
            %v4 = vadd_f32 %v1, %v3
          }
          %v6 = vlane
          %m0 = vcmp_lt_s32 %v6, %v7
          vst_masked %s0, 8, %m0, %v5 touching x
        }
    "#]]
    .assert_eq(&print_function(&sum_of_squares()));
}

#[test]
fn printing_and_parsing_is_a_fixed_point() {
    let mut function = sum_of_squares();
    assert_eq!(parse_function(&print_function(&function)), Ok(function.clone()));
    // Names that are no words, and names that two scratches share.
    for scratch in &mut function.scratches {
        scratch.name = "a \"b\"\n".to_owned();
    }
    assert_eq!(parse_function(&print_function(&function)), Ok(function));
}

/// The message for the function with `from` replaced by `to` in its text.
#[track_caller]
fn check(from: &str, to: &str, message: Expect) {
    let text = print_function(&sum_of_squares());
    assert!(text.contains(from), "{from:?} is not in the text");
    let actual = match parse_function(&text.replacen(from, to, 1)) {
        Err(error) => error.to_string(),
        Ok(function) => match verify_function(&function, &TPU_V4) {
            Err(error) => error.to_string(),
            Ok(()) => "legal".to_owned(),
        },
    };
    message.assert_eq(&actual);
}

#[test]
fn what_the_builder_makes_is_legal() {
    check("function", "function", expect!["legal"]);
}

#[test]
fn texts_that_are_no_functions() {
    check("function ", "fun ", expect!["line 1 column 1: found `fun`, expected `function`"]);
    check(
        "values 8",
        "values many",
        expect!["line 3 column 8: found `many`, expected a number of vectors in 32 bits"],
    );
    check(
        "vmem 0 + 64",
        "rom 0 + 64",
        expect!["line 5 column 12: found `rom`, expected one of `hbm`, `cmem`, `vmem`, `smem`"],
    );
    check("dma 0", "dma 1", expect!["line 6 column 5: found `1`, expected descriptor number 0"]);
    check(
        "= smul_imm",
        "= smul_im",
        expect!["line 18 column 11: found `smul_im`, expected the name of an op, or `loop`"],
    );
    check(
        "vmul_f32 %v2, %v2",
        "vmul_f32 %v2, %s2",
        expect!["line 20 column 25: found `%s2`, expected a vector like `%v0`"],
    );
    check(
        "vmul_f32 %v2, %v2",
        "vmul_f32 %v2",
        expect!["line 20 column 23: found the end of the line, expected `,`"],
    );
    check(
        "%v3 = vmul_f32",
        "%s3 = vmul_f32",
        expect!["line 20 column 11: found `vmul_f32`, expected an op that makes %s3"],
    );
    check(
        "touching x",
        "touching y",
        expect!["line 15 column 39: found `y`, expected the name of a scratch of this function"],
    );
    check(") -> %v5", ")", expect!["line 17 column 46: found `{`, expected `->`"]);
    check("0..", "1..", expect!["line 17 column 15: found `1`, expected `0`: loops count from 0"]);
    check(
        "  }\n",
        "",
        expect!["line 25 column 2: found the end of the text, expected a statement or `}`"],
    );
    check(
        "\n}\n",
        "\n}\n}\n",
        expect!["line 27 column 1: found `}`, expected the end of the text"],
    );
}

#[test]
fn functions_that_are_not_legal() {
    check(
        "vmul_f32 %v2, %v2",
        "vmul_f32 %v2, %v5",
        expect!["statement 12 `vmul_f32`: %v5 is not defined here"],
    );
    check(
        "%v4 = vadd_f32",
        "%v3 = vadd_f32",
        expect!["statement 13 `vadd_f32`: %v3 is defined a second time"],
    );
    check(
        "%v4 = vadd_f32",
        "%v9 = vadd_f32",
        expect![
            "statement 13 `vadd_f32`: the function says that it has 8 values of the class of %v9"
        ],
    );
    check(
        "%v1 = %v0 -> %v4",
        "%v1 = %s0 -> %v4",
        expect!["statement 9 `loop`: %v1 is carried, and %s0 is of another class"],
    );
    check("-> %v4)", "-> %v5)", expect!["statement 13 `loop`: %v5 is not defined here"]);
    check(
        "dma_start 0",
        "dma_start 1",
        expect!["statement 7 `dma_start` has descriptor 1, it has to be below 1"],
    );
    check(
        "vmem 0 + 64",
        "vmem 0 + 64000",
        expect!["scratch 1 `x`: it ends at granule 64000, vmem has 32768"],
    );
    check(
        "vmem 0 + 64",
        "smem 0 + 64",
        expect!["scratch 1 `x`: it overlaps scratch 0 `arguments`"],
    );
    check(
        "arguments 2",
        "arguments 2000",
        expect![
            "scratch 0 `arguments`: it has to hold the 2000 launch arguments, from granule 0 of smem"
        ],
    );
    check(
        "vmul_f32 %v2, %v2",
        "vrot_sublane %v2, 8",
        expect!["statement 12 `vrot_sublane` has amount 8, it has to be below 8"],
    );
    check(
        "vmul_f32 %v2, %v2",
        "vmul_f32 %v2, %v2 touching x",
        expect!["statement 12 `vmul_f32` touches scratch 1, it may touch none"],
    );
    check(
        "0 touching arguments",
        "0 touching x",
        expect!["statement 3 `sld` touches scratch 1, it may touch a scratch in smem"],
    );
    check(
        "touching arguments",
        "touching #7",
        expect!["statement 3 `sld` touches scratch 7, it may touch a scratch in smem"],
    );
    check(
        "dma_wait %s3, %s4 touching x",
        "halt",
        expect!["statement 8 `halt`: control flow is loops; LLO has no branches"],
    );
}
