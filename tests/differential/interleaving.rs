//! Lanes at a stride, and arrays that are interleaved: every bit as the evaluator has it.

use super::check;

#[test]
fn arrays_are_interleaved_along_lanes() {
    for (element, rows, each, n) in [
        ("f32", "16", 128, 2),
        ("f32", "3,5", 32, 2),
        ("bf16", "40", 100, 4),
        ("s32", "9", 500, 2),
        ("u16", "2,16", 7, 8),
        ("s8", "64", 64, 2),
        ("pred", "24", 33, 2),
        ("f32", "8", 600, 2),
        ("f32", "8", 40, 3),
    ] {
        let dimension = rows.split(',').count() + 1;
        let wide = format!("{element}[{rows},{each},1]");
        let mut body = String::from("ENTRY main {\n");
        for k in 0..n {
            body += &format!(
                " x{k} = {element}[{rows},{each}] parameter({k})\n y{k} = {wide} reshape(x{k})\n"
            );
        }
        let all: Vec<String> = (0..n).map(|k| format!("y{k}")).collect();
        body += &format!(
            " s = {element}[{rows},{each},{n}] concatenate({}), dimensions={{{dimension}}}\n ROOT r = {element}[{rows},{}] reshape(s)\n}}\n",
            all.join(", "),
            each * n
        );
        check(&body);
    }
}

#[test]
fn lanes_are_taken_at_a_stride() {
    for (element, from, slice, to) in [
        ("f32", "16,256", "[0:16], [0:256:2]", "16,128"),
        ("f32", "16,256", "[3:16], [1:256:2]", "13,128"),
        ("bf16", "2,32,1000", "[0:2], [0:32], [7:900:3]", "2,32,298"),
        ("s32", "9,130", "[0:9], [129:130:2]", "9,1"),
        ("u8", "64,700", "[0:64], [5:700:100]", "64,7"),
        ("pred", "8,256", "[0:8], [0:255:4]", "8,64"),
        ("f32", "5,2000", "[0:5], [1:2000:2]", "5,1000"),
        ("f32", "12,64", "[0:12:2], [0:64:2]", "6,32"),
    ] {
        check(&format!(
            "ENTRY main {{\n x = {element}[{from}] parameter(0)\n ROOT r = {element}[{to}] slice(x), slice={{{slice}}}\n}}\n"
        ));
    }
}
