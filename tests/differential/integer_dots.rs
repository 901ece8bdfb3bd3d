//! Dots of integers: exact, and wrapping as integers do.

use super::check_bits as check;

/// Operand `n`, of values all over the type's range.
fn operand(element: &str, sizes: &str, n: usize) -> String {
    format!(
        " p{n} = s32[{sizes}] parameter({n})\n f{n}s = s32[] constant(-1640531535)\n f{n} = s32[{sizes}] broadcast(f{n}s), dimensions={{}}\n g{n}s = s32[] constant(15)\n g{n} = s32[{sizes}] broadcast(g{n}s), dimensions={{}}\n m{n} = s32[{sizes}] multiply(p{n}, f{n})\n h{n} = s32[{sizes}] shift-right-logical(m{n}, g{n})\n w{n} = s32[{sizes}] xor(m{n}, h{n})\n x{n} = {element}[{sizes}] convert(w{n})\n"
    )
}

/// A product of matrices of these types.
fn check_dot([x, y, result]: [&str; 3], [m, k, n]: [usize; 3]) {
    check(&format!(
        "ENTRY main {{\n{}{} ROOT r = {result}[{m},{n}] dot(x0, x1), lhs_contracting_dims={{1}}, rhs_contracting_dims={{0}}\n}}\n",
        operand(x, &format!("{m},{k}"), 0),
        operand(y, &format!("{k},{n}"), 1),
    ));
}

#[test]
fn of_bytes() {
    check_dot(["s8", "s8", "s32"], [64, 256, 128]);
    check_dot(["s8", "s8", "s32"], [40, 1500, 70]);
    check_dot(["u8", "u8", "u32"], [33, 700, 200]);
    check_dot(["s8", "s8", "s8"], [24, 100, 50]);
}

#[test]
fn of_wider_integers() {
    check_dot(["s16", "s16", "s32"], [24, 300, 40]);
    check_dot(["s32", "s32", "s32"], [16, 140, 40]);
    check_dot(["u32", "u32", "u32"], [16, 100, 40]);
    check_dot(["u16", "u16", "u16"], [16, 100, 40]);
}

#[test]
fn of_the_largest_sums() {
    // 1024 products of -128 and -128 are 2^24: what f32 just holds.
    for k in [1024, 1100] {
        check(&format!(
            "ENTRY main {{\n p = s8[16,{k}] parameter(0)\n q = s8[{k},40] parameter(1)\n least = s8[] constant(-128)\n l = s8[16,{k}] broadcast(least), dimensions={{}}\n m = s8[{k},40] broadcast(least), dimensions={{}}\n x = s8[16,{k}] minimum(p, l)\n y = s8[{k},40] minimum(q, m)\n ROOT r = s32[16,40] dot(x, y), lhs_contracting_dims={{1}}, rhs_contracting_dims={{0}}\n}}\n"
        ));
    }
}

#[test]
fn of_vectors() {
    check(&format!(
        "ENTRY main {{\n{}{} ROOT r = s32[70] dot(x0, x1), lhs_contracting_dims={{1}}, rhs_contracting_dims={{0}}\n}}\n",
        operand("s8", "70,300", 0),
        operand("s8", "300", 1),
    ));
}
