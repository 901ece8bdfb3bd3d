//! One negative test for each constraint, written as HLO text.

use std::collections::BTreeSet;

use crate::diagnostic::SourceText;
use crate::hlo::parse::parse_module;

/// Computations that the cases call.
const CALLED: &str = "
sum { a = f32[] parameter(0) b = f32[] parameter(1) ROOT c = f32[] add(a, b) }
sum_s32 { a = s32[] parameter(0) b = s32[] parameter(1) ROOT c = s32[] add(a, b) }
wide { a = f64[] parameter(0) b = f64[] parameter(1) ROOT c = f64[] add(a, b) }
double { a = f32[4] parameter(0) ROOT b = f32[4] add(a, a) }
scalar { a = f32[4] parameter(0) ROOT b = f32[] constant(0) }
always { a = f32[4] parameter(0) ROOT b = pred[] constant(true) }
less { a = f32[] parameter(0) b = f32[] parameter(1) ROOT c = pred[] compare(a, b), direction=LT }
laid { a = f32[4]{0:T(1024)} parameter(0) ROOT b = f32[4]{0:T(1024)} copy(a) }
";

/// Values that the cases use.
const VALUES: &str = "
f = f32[] parameter(0)  s = s32[] parameter(1)  p = pred[] parameter(2)  h = bf16[] parameter(3)
f4 = f32[4] parameter(4)  f5 = f32[5] parameter(5)  s4 = s32[4] parameter(6)
p4 = pred[4] parameter(7)  u4 = u32[4] parameter(8)  h4 = bf16[4] parameter(9)
f23 = f32[2,3] parameter(10)  f234 = f32[2,3,4] parameter(11)  s51 = s32[5,1] parameter(12)
s25 = s32[2,5] parameter(13) t = (f32[4], s32[]) parameter(14)  l4 = f32[4]{0:T(128)} parameter(15)
f235 = f32[2,3,5] parameter(16)  h22 = bf16[2,2] parameter(17)
u2 = u64[2] parameter(18)  u3 = u64[3] parameter(19)  z4 = c64[4] parameter(20)
tok = token[] parameter(21)
";

/// The error of an instruction, which is `Err(constraint and message)`.
fn infer_text(instruction: &str) -> Result<String, String> {
    let text = format!("HloModule m {CALLED} ENTRY main {{ {VALUES} result = {instruction} }}");
    let module = parse_module(SourceText::new("case", &text)).map_err(|error| {
        assert_eq!(error.code(), Some("hlo-type"), "{error}");
        error.message().to_owned()
    })?;
    let entry = module.entry_computation();
    Ok(entry.instruction(entry.root()).shape().to_string())
}

/// Constraint, instruction that violates it.
const WRONG: &[(&str, &str)] = &[
    ("(I1)", "s32[4] cosine(s4)"),
    ("(I1)", "s32[4] real(s4)"),
    ("(I1)", "c64[4] floor(z4)"),
    ("(I1)", "c64[4] remainder(z4, z4)"),
    ("result shape", "c64[4] abs(z4)"),
    ("operand type", "token[] add(tok, tok)"),
    ("result shape", "token[] convert(f4)"),
    ("after_all (I1)", "token[] after-all(tok, f4)"),
    ("send (I2)", "(f32[4], u32[], token[]) send(f4, f4), channel_id=1"),
    ("operand type", "(token[], u32[], token[]) send(tok, tok), channel_id=1"),
    ("recv (I1)", "(f32[4], u32[], token[]) recv(f4), channel_id=1"),
    ("transfer shape", "(f32[4], token[]) recv(tok), channel_id=1"),
    ("transfer shape", "token[] send-done(t), channel_id=1"),
    ("transfer shape", "(f32[4], token[]) recv-done(t), channel_id=1"),
    ("reduce_precision (C2)", "f32[4] reduce-precision(f4), exponent_bits=0, mantissa_bits=1"),
    ("reduce_precision (C3)", "f32[4] reduce-precision(f4), exponent_bits=8, mantissa_bits=99"),
    ("complex (I1)", "c64[4] complex(h4, h4)"),
    ("complex (C1)", "c64[4] complex(f4, f5)"),
    ("fft (C1)", "c64[4] fft(z4), fft_type=FFT, fft_length={1,4}"),
    ("fft (C2)", "c64[4] fft(f4), fft_type=FFT, fft_length={4}"),
    ("fft (C2)", "c64[3] fft(z4), fft_type=RFFT, fft_length={4}"),
    ("fft (C3)", "c64[4] fft(z4), fft_type=FFT, fft_length={}"),
    ("fft (C4)", "c64[5] fft(z4), fft_type=FFT, fft_length={5}"),
    ("fft (C4)", "f32[4] fft(z4), fft_type=IRFFT, fft_length={4}"),
    ("result shape", "c64[4] fft(f4), fft_type=RFFT, fft_length={4}"),
    ("(I1)", "u32[4] abs(u4)"),
    ("(I1)", "f32[4] popcnt(f4)"),
    ("(I1)", "pred[4] negate(p4)"),
    ("(I1)", "f32[4] not(f4)"),
    ("(I1)", "pred[4] subtract(p4, p4)"),
    ("(C1)", "f32[4] add(f4, f5)"),
    ("(C1)", "f32[4] add(f4, s4)"),
    ("operand type", "f32[4] add(f4, t)"),
    ("result shape", "f32[5] abs(f4)"),
    ("result shape", "s32[4] abs(f4)"),
    ("operand count", "f32[4] add(f4)"),
    ("operand count", "f32[4] abs(f4, f4)"),
    ("operand count", "f32[4] concatenate(), dimensions={0}"),
    ("cholesky (C2)", "f32[4] cholesky(f4), lower=true"),
    ("cholesky (C3)", "f32[2,3] cholesky(f23)"),
    ("triangular_solve (C1)", "bf16[2,2] triangular-solve(f23, h22)"),
    ("triangular_solve (C2)", "f32[4] triangular-solve(f4, f4)"),
    ("triangular_solve (C3)", "f32[2,3] triangular-solve(f23, f23)"),
    ("result shape", "(f32[2,3], f32[3]) custom-call(f23), custom_call_target=\"Qr\""),
    (
        "custom call",
        "f32[2,3] custom-call(f23, f4), custom_call_target=\"ProductOfElementaryHouseholderReflectors\"",
    ),
    ("sort (C2)", "(f32[4], f32[5]) sort(f4, f5), dimensions={0}, to_apply=less"),
    ("sort (C4)", "f32[4] sort(f4), dimensions={1}, to_apply=less"),
    ("sort (C5)", "s32[4] sort(s4), dimensions={0}, to_apply=less"),
    ("sort (C5)", "f32[4] sort(f4), dimensions={0}, to_apply=sum"),
    ("rng_bit_generator (C2)", "(u32[4], u32[5]) rng-bit-generator(u4), algorithm=rng_default"),
    ("rng_bit_generator (C2)", "(u64[3], u32[5]) rng-bit-generator(u3), algorithm=rng_three_fry"),
    ("rng_bit_generator (C1)", "(u64[3], u32[5]) rng-bit-generator(u2), algorithm=rng_default"),
    ("rng_bit_generator (C1)", "u32[5] rng-bit-generator(u2), algorithm=rng_default"),
    ("rng_bit_generator (I2)", "(u64[2], f32[5]) rng-bit-generator(u2), algorithm=rng_default"),
    ("convert (C1)", "s32[5] convert(f4)"),
    ("result shape", "(s32[4]) convert(f4)"),
    ("compare (C1)", "pred[4] compare(f4, s4), direction=EQ"),
    ("compare (C2)", "pred[4] compare(f4, f5), direction=EQ"),
    ("compare (C3)", "pred[4] compare(f4, f4), direction=EQ, type=SIGNED"),
    ("compare (C3)", "pred[4] compare(s4, s4), direction=EQ, type=TOTALORDER"),
    ("select (I1)", "f32[4] select(s4, f4, f4)"),
    ("select (C1)", "f32[5] select(p4, f5, f5)"),
    ("select (C2)", "f32[4] select(p4, f4, f5)"),
    ("clamp (C1)", "f32[4] clamp(f5, f4, f4)"),
    ("clamp (C2)", "f32[4] clamp(f, f4, f5)"),
    ("clamp (C3)", "f32[4] clamp(f, f4, s)"),
    ("bitcast type", "s32[4] bitcast(f4)"),
    ("bitcast size", "f32[5] bitcast(f4)"),
    ("bitcast size", "f32[4]{0:T(1024)} bitcast(l4)"),
    ("bitcast_convert (C1)", "s32[5] bitcast-convert(f4)"),
    ("bitcast_convert (C1)", "bf16[4] bitcast-convert(f4)"),
    ("bitcast_convert (C1)", "f32[2,3] bitcast-convert(f234)"),
    ("bitcast_convert (C1)", "f64[4] bitcast-convert(f4)"),
    ("bitcast-convert of pred", "pred[4,32] bitcast-convert(f4)"),
    ("broadcast_in_dim (C1)", "s32[4] broadcast(f4), dimensions={0}"),
    ("broadcast_in_dim (C2)", "f32[4] broadcast(f4), dimensions={}"),
    ("broadcast_in_dim (C3)", "f32[4] broadcast(f4), dimensions={1}"),
    ("broadcast_in_dim (C4)", "f32[2,3] broadcast(f23), dimensions={0,0}"),
    ("broadcast_in_dim (C5)", "f32[5] broadcast(f4), dimensions={0}"),
    ("concatenate (C1)", "f32[8] concatenate(f4, s4), dimensions={0}"),
    ("concatenate (C2)", "f32[2,7] concatenate(f23, f4), dimensions={1}"),
    ("concatenate (C2)", "f32[2,3,8] concatenate(f234, f235), dimensions={0}"),
    ("concatenate (C4)", "f32[8] concatenate(f4, f4), dimensions={1}"),
    ("result shape", "f32[9] concatenate(f4, f4), dimensions={0}"),
    ("iota (C1)", "s32[4] iota(), iota_dimension=1"),
    ("iota (C1)", "s32[] iota(), iota_dimension=0"),
    ("pad (C1)", "f32[6] pad(f4, s), padding=1_1"),
    ("pad (C1)", "f32[6] pad(f4, f4), padding=1_1"),
    ("pad (C2)", "f32[6] pad(f4, f), padding=1_1x0_0"),
    ("pad (C4)", "f32[6] pad(f4, f), padding=-3_-2"),
    ("pad (C4)", "f32[6] pad(f4, f), padding=9223372036854775807_9223372036854775807"),
    ("pad (C4)", "f32[6] pad(f4, f), padding=0_0_9999999999999999999"),
    ("size", "f32[6] pad(f4, f), padding=999999999999999_0"),
    ("reshape (C1)", "s32[2,2] reshape(f4)"),
    ("reshape (C2)", "f32[2,3] reshape(f4)"),
    ("reverse (C2)", "f32[4] reverse(f4), dimensions={0,0}"),
    ("reverse (C3)", "f32[4] reverse(f4), dimensions={1}"),
    ("slice (C2)", "f32[4] slice(f4), slice={}"),
    ("slice (C3)", "f32[4] slice(f4), slice={[0:5]}"),
    ("slice (C3)", "f32[4] slice(f4), slice={[3:2]}"),
    ("slice (C4)", "f32[4] slice(f4), slice={[0:4:0]}"),
    ("transpose (C2)", "f32[3,2] transpose(f23), dimensions={0}"),
    ("transpose (C2)", "f32[3,2] transpose(f23), dimensions={0,0}"),
    ("transpose (C2)", "f32[3,2] transpose(f23), dimensions={0,2}"),
    ("dynamic_slice (C2)", "f32[2] dynamic-slice(f4), dynamic_slice_sizes={2}"),
    ("dynamic_slice (C2)", "f32[2] dynamic-slice(f4, s), dynamic_slice_sizes={2,2}"),
    ("dynamic_slice (C3)", "f32[2] dynamic-slice(f4, f), dynamic_slice_sizes={2}"),
    ("dynamic_slice (C3)", "f32[2] dynamic-slice(f4, s4), dynamic_slice_sizes={2}"),
    ("dynamic_slice (C4)", "f32[5] dynamic-slice(f4, s), dynamic_slice_sizes={5}"),
    ("dynamic_update_slice (C2)", "f32[4] dynamic-update-slice(f4, s4, s)"),
    ("dynamic_update_slice (C3)", "f32[4] dynamic-update-slice(f4, f, s)"),
    ("dynamic_update_slice (C4)", "f32[4] dynamic-update-slice(f4, f4)"),
    ("dynamic_update_slice (C5)", "f32[4] dynamic-update-slice(f4, f4, p)"),
    ("dynamic_update_slice (C6)", "f32[4] dynamic-update-slice(f4, f5, s)"),
    ("gather (I2)", "G f4 f4: offset= collapsed=0 map=0 vector=1 sizes=1"),
    ("gather (C1)", "G f234 s51: offset=1 collapsed=0 map=0 vector=1 sizes=1,3,4"),
    ("gather (C2)", "G f4 s51: offset= collapsed=0 map=0 vector=3 sizes=1"),
    ("gather (C3)", "G f234 s51: offset=1,2 collapsed=0 map=0,1 vector=1 sizes=1,3,4"),
    ("gather (C4)", "G f234 s51: offset=2,1 collapsed=0 map=0 vector=1 sizes=1,3,4"),
    ("gather (C4)", "G f234 s51: offset=1,1 collapsed=0 map=0 vector=1 sizes=1,3,4"),
    ("gather (C5)", "G f234 s51: offset=1,3 collapsed=0 map=0 vector=1 sizes=1,3,4"),
    ("gather (C6)", "G f234 s51: offset=1 collapsed=0,0 map=0 vector=1 sizes=1,3,4"),
    ("gather (C6)", "G f234 s25: offset=2 collapsed=0 map=1 batch=0/0 vector=2 sizes=1,3,4"),
    ("gather (C7)", "G f234 s51: offset=1 collapsed=1,0 map=0 vector=1 sizes=1,1,4"),
    ("gather (C8)", "G f234 s51: offset=1,2 collapsed=3 map=0 vector=1 sizes=1,3,4"),
    ("gather (C9)", "G f234 s51: offset=1,2 collapsed=0 map=0 vector=1 sizes=2,3,4"),
    ("gather (C10)", "G f234 s25: offset=2 collapsed= map=2 batch=1,0/0,1 vector=2 sizes=1,1,4"),
    ("gather (C11)", "G f234 s25: offset=2 collapsed=1 map=1 batch=3/0 vector=2 sizes=1,1,4"),
    ("gather (C12)", "G f234 s25: offset=2 collapsed=1 map=1 batch=0/0 vector=2 sizes=2,1,4"),
    ("gather (C13)", "G f234 s25: offset=2 collapsed= map=2 batch=0,1/0,0 vector=2 sizes=1,1,4"),
    ("gather (C14)", "G f234 s25: offset=2 collapsed=1 map=1 batch=0/2 vector=2 sizes=1,1,4"),
    ("gather (C15)", "G f234 s51: offset=1 collapsed=1 map=1 batch=0/1 vector=1 sizes=1,1,4"),
    ("gather (C16)", "G f234 s25: offset=2 collapsed=1 map=1 batch=0/ vector=2 sizes=1,1,4"),
    ("gather (C17)", "G f234 s25: offset=2 collapsed=1 map=1 batch=0/1 vector=2 sizes=1,1,4"),
    ("gather (C18)", "G f234 s25: offset=2 collapsed=1 map=0 batch=0/0 vector=2 sizes=1,1,4"),
    ("gather (C19)", "G f234 s51: offset=1,2 collapsed=0 map=3 vector=1 sizes=1,3,4"),
    ("gather (C20)", "G f234 s51: offset=1,2 collapsed=0 map=0 vector=1 sizes=1,3"),
    ("gather (C21)", "G f234 s51: offset=1,2 collapsed=0 map=0 vector=1 sizes=1,4,4"),
    ("dot_general (C1)", "D f234 f234: 0/ 1/1"),
    ("dot_general (C2)", "D f234 f234: 0/0 1/"),
    ("dot_general (C3)", "D f234 f234: 0/0 0/1"),
    ("dot_general (C4)", "D f234 f234: 0/0 1/0"),
    ("dot_general (C5)", "D f234 f234: 3/0 1/1"),
    ("dot_general (C6)", "D f234 f234: 0/0 3/1"),
    ("dot_general (C7)", "D f234 f234: 0/3 1/1"),
    ("dot_general (C8)", "D f234 f234: 0/0 1/3"),
    ("dot_general (C9)", "D f234 f234: 0/1 1/0"),
    ("dot_general (C10)", "D f234 f234: 0/0 1/2"),
    ("dot_general (C13)", "D f4 s4: / 0/0"),
    ("result shape", "s32[] dot(f4, f4), lhs_contracting_dims={0}, rhs_contracting_dims={0}"),
    ("reduce (C1)", "(f32[], f32[]) reduce(f4, f5, f, f), dimensions={0}, to_apply=sum"),
    ("reduce (C2)", "f32[] reduce(f4, s), dimensions={0}, to_apply=sum"),
    ("reduce (C2)", "f32[] reduce(f4, f4), dimensions={0}, to_apply=sum"),
    ("reduce (C3)", "f32[] reduce(f4, f4, f), dimensions={0}, to_apply=sum"),
    ("reduce (C4)", "f32[] reduce(f4, f), dimensions={1}, to_apply=sum"),
    ("reduce (C5)", "f32[] reduce(f4, f), dimensions={0,0}, to_apply=sum"),
    ("reduce (C6)", "f32[] reduce(f4, f), dimensions={0}, to_apply=sum_s32"),
    ("reduce (C6)", "f32[] reduce(f4, f), dimensions={0}, to_apply=double"),
    ("call arguments", "f32[4] call(f5), to_apply=double"),
    ("call arguments", "f32[4] call(), to_apply=double"),
    ("call arguments", "f32[4] fusion(f5), kind=kLoop, calls=double"),
    ("call arguments", "f32[4] call(l4), to_apply=laid"),
    ("case (I1)", "f32[4] conditional(f, f4, f4), branch_computations={double, double}"),
    ("case (C1)", "f32[4] conditional(s, f4), branch_computations={double, double}"),
    ("case (C1)", "f32[4] conditional(p, f4), branch_computations={double}"),
    ("case (C2)", "f32[4] conditional(s, f5), branch_computations={double}"),
    ("case (C3)", "f32[4] conditional(p, f4, f4), branch_computations={double, scalar}"),
    ("while (C1)", "f32[4] while(f4), condition=scalar, body=double"),
    ("while (C1)", "f32[5] while(f5), condition=always, body=double"),
    ("while (C2)", "f32[4] while(f4), condition=always, body=scalar"),
    ("while (C2)", "f32[4] while(f4), condition=always, body=sum"),
    ("get_tuple_element (I1)", "f32[4] get-tuple-element(f4), index=0"),
    ("get_tuple_element (C1)", "f32[4] get-tuple-element(t), index=2"),
    ("result shape", "s32[] get-tuple-element(t), index=0"),
    ("result shape", "(f32[4]) tuple(f4, f4)"),
    ("result shape", "f32[4]{0:T(1024)} opt-barrier(l4)"),
    ("check", r#"() custom-call(f4, f5), custom_call_target="check.expect_eq""#),
    ("check", r#"() custom-call(f4), custom_call_target="check.expect_eq""#),
];

/// Instructions at the border of what is allowed, and their shapes.
const RIGHT: &[(&str, &str)] = &[
    ("f32[4]", "f32[4] select(p, f4, f4)"),
    ("f32[4]", "f32[4] clamp(f4, f4, f)"),
    ("pred[4]", "pred[4] add(p4, p4)"),
    ("bf16[4,2]", "bf16[4,2] bitcast-convert(f4)"),
    ("f32[2]", "f32[2] bitcast-convert(h22)"),
    ("f32[4]{0:T(1024)}", "f32[4]{0:T(1024)} add(l4, l4)"),
    ("f32[4]{0:T(128)}", "f32[4] opt-barrier(l4)"),
    ("f32[0]", "f32[0] pad(f4, f), padding=-4_0"),
    ("f32[14]", "f32[14] pad(f4, f), padding=-1_2_3"),
    ("f32[0]", "f32[0] slice(f4), slice={[4:4]}"),
    ("f32[2]", "f32[2] slice(f4), slice={[1:4:2]}"),
    ("f32[0,3]", "f32[0,3] dynamic-slice(f23, s, s), dynamic_slice_sizes={0,3}"),
    (
        "f32[2,4,5]",
        "f32[2,4,5] dot(f234, f235), lhs_batch_dims={0}, rhs_batch_dims={0}, \
         lhs_contracting_dims={1}, rhs_contracting_dims={1}",
    ),
    ("f64[]", "f64[] dot(f4, f4), lhs_contracting_dims={0}, rhs_contracting_dims={0}"),
    ("f64[]", "f64[] reduce(f4, f), dimensions={0}, to_apply=wide"),
    ("f32[4]", "f32[4] reduce(f4, f), dimensions={}, to_apply=sum"),
    ("f32[4]{0:T(1024)}", "f32[4] call(f4), to_apply=laid"),
    ("f32[4]", "f32[4] conditional(s, f4), branch_computations={double}"),
];

/// `G operand indices: ..` and `D lhs rhs: batch/batch contracting/contracting` written out.
fn spelled_out(case: &str) -> String {
    let Some((head, rest)) = case.split_once(": ") else { return case.to_owned() };
    let names: Vec<&str> = head.split(' ').collect();
    let pairs: Vec<&str> = rest.split(' ').collect();
    let halves = |text: &str| -> (String, String) {
        let (a, b) = text.split_once('/').unwrap_or((text, ""));
        (format!("{{{a}}}"), format!("{{{b}}}"))
    };
    if names[0] == "D" {
        let ((lb, rb), (lc, rc)) = (halves(pairs[0]), halves(pairs[1]));
        return format!(
            "f32[1,2,3,4,5,6] dot({}, {}), lhs_batch_dims={lb}, rhs_batch_dims={rb}, \
             lhs_contracting_dims={lc}, rhs_contracting_dims={rc}",
            names[1], names[2]
        );
    }
    let value = |key: &str| {
        let found = pairs.iter().find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        found.unwrap_or_default().to_owned()
    };
    let (operand_batch, indices_batch) = halves(&value("batch"));
    format!(
        "f32[1,2,3,4,5,6] gather({}, {}), offset_dims={{{}}}, collapsed_slice_dims={{{}}}, \
         start_index_map={{{}}}, operand_batching_dims={operand_batch}, \
         start_indices_batching_dims={indices_batch}, index_vector_dim={}, slice_sizes={{{}}}",
        names[1],
        names[2],
        value("offset"),
        value("collapsed"),
        value("map"),
        value("vector"),
        value("sizes"),
    )
}

#[test]
fn each_constraint_is_enforced() {
    let mut failures = String::new();
    for (constraint, case) in WRONG {
        let result = infer_text(&spelled_out(case));
        let found =
            result.as_ref().is_err_and(|message| message.ends_with(&format!("[{constraint}]")));
        if !found {
            failures
                .push_str(&format!("{case}\n  should violate {constraint}, gives {result:?}\n"));
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn what_is_allowed_is_inferred() {
    for (shape, case) in RIGHT {
        assert_eq!(infer_text(case).as_deref(), Ok(*shape), "{case}");
    }
}

#[test]
fn each_constraint_in_the_code_has_a_case() {
    let sources = [
        include_str!("../infer.rs"),
        include_str!("contraction.rs"),
        include_str!("control.rs"),
        include_str!("data.rs"),
        include_str!("elementwise.rs"),
        include_str!("indexing.rs"),
    ];
    let tested: BTreeSet<&str> = WRONG.iter().map(|(constraint, _)| *constraint).collect();
    let is_constraint = |text: &str| {
        text.ends_with(')') && (text.contains("(C") || text.contains("(I")) && text.len() < 40
    };
    for source in sources {
        // Every second piece between quotation marks is a string.
        let strings = source.split('"').skip(1).step_by(2);
        for constraint in strings.filter(|text| is_constraint(text)) {
            assert!(tested.contains(constraint), "{constraint} has no case");
        }
    }
}

#[test]
fn messages_say_what_was_given_and_what_is_allowed() {
    let message = infer_text("f32[2,3,8] concatenate(f234, f235), dimensions={0}");
    assert_eq!(
        message,
        Err("concatenate: operand 1 is f32[2,3,5], operand 0 is f32[2,3,4]; only dimension 0 may \
             differ [concatenate (C2)]"
            .into())
    );
}
