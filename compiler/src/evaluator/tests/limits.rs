//! Limits end what would not end by itself.

use super::{EvaluatorOptions, evaluate, literal, module};

fn error(text: &str, arguments: &[&str], options: &EvaluatorOptions) -> String {
    let arguments: Vec<_> = arguments.iter().map(|text| literal(text)).collect();
    evaluate(&module(text), &arguments, options).unwrap_err().to_string()
}

#[test]
fn an_endless_loop_is_an_error() {
    let text = "HloModule m
        always { x = s32[] parameter(0) ROOT y = pred[] constant(true) }
        body { x = s32[] parameter(0) ROOT y = s32[] negate(x) }
        ENTRY main {
          a = s32[] parameter(0)
          ROOT b = s32[] while(a), condition=always, body=body
        }";
    let options = EvaluatorOptions { loop_limit: 1000, ..EvaluatorOptions::default() };
    assert_eq!(
        error(text, &["s32[]=1"], &options),
        "instruction b: loops took more than 1000 iterations, the limit; the loop may be endless"
    );
}

#[test]
fn absurd_sizes_are_an_error() {
    let options = EvaluatorOptions::default();
    let broadcast = "HloModule m
        ENTRY main {
          a = f64[] parameter(0)
          ROOT b = f64[8388608,8388608] broadcast(a), dimensions={}
        }";
    assert_eq!(
        error(broadcast, &["f64[]=1"], &options),
        "instruction b: the values alive here need 562949953421312 bytes, the limit is \
         17179869184 bytes"
    );
    // The packed operands of a product count too.
    let dot = "HloModule m
        ENTRY main {
          a = f32[100] parameter(0)
          ROOT b = f32[100,100] dot(a, a)
        }";
    let options = EvaluatorOptions { memory_limit_bytes: 100_000, ..options };
    let argument = format!("f32[100]={{{}}}", vec!["1"; 100].join(", "));
    assert!(error(dot, &[&argument], &options).contains("limit is 100000 bytes"));
}

#[test]
fn values_are_let_go_after_their_last_use() {
    // A thousand steps of 4 kB pass where three fit.
    let mut text =
        String::from("HloModule m ENTRY main { x0 = f32[1000] iota(), iota_dimension=0 ");
    for n in 1..1000 {
        text += &format!("x{n} = f32[1000] negate(x{}) ", n - 1);
    }
    text += "ROOT y = f32[1000] negate(x999) }";
    let options = EvaluatorOptions { memory_limit_bytes: 12_000, ..EvaluatorOptions::default() };
    evaluate(&module(&text), &[], &options).unwrap();
    let options = EvaluatorOptions { memory_limit_bytes: 3_000, ..EvaluatorOptions::default() };
    assert!(error(&text, &[], &options).starts_with("instruction x0: "));
}

#[test]
fn deep_calls_are_an_error_not_a_crash() {
    let mut text =
        String::from("HloModule m c0 { x = s32[] parameter(0) ROOT y = s32[] negate(x) }");
    for n in 1..500 {
        let m = n - 1;
        text +=
            &format!(" c{n} {{ x = s32[] parameter(0) ROOT y = s32[] call(x), to_apply=c{m} }}");
    }
    let entry = |n: usize| {
        format!("{text} ENTRY e {{ x = s32[] parameter(0) ROOT y = s32[] call(x), to_apply=c{n} }}")
    };
    let options = EvaluatorOptions::default();
    let message = error(&entry(499), &["s32[]=1"], &options);
    assert!(message.ends_with("calls are nested more than 100 deep, the limit"), "{message}");
    let shallow = evaluate(&module(&entry(90)), &[literal("s32[]=1")], &options);
    assert_eq!(shallow.unwrap().result, literal("s32[]=-1"));
}
