//! Generated look-ups, and an update in place.

#![expect(clippy::unwrap_used, reason = "a program of the test is wrong then")]

use super::{check_with, inputs_of, module_of};
use crate::movement::{Numbers, list, shape};
use palmetto_compiler::{
    backend::generate_code,
    hlo::{ArrayLiteral, ArrayShape, ElementType, Literal},
    lowering::{Region, choose_kernel},
    options::CompileOptions,
};
use palmetto_emulator::{Chip, EmulatorOptions, Ideal};
use palmetto_isa::{TPU_V4, memory::GRANULE_BYTES};

/// Indices around those of a table of `size`.
fn indices(numbers: &mut Numbers, element: ElementType, sizes: &[usize], size: usize) -> Literal {
    let count = sizes.iter().product();
    let bytes: Vec<u8> = (0..count)
        .flat_map(|_| {
            let index = i32::try_from(numbers.next(size + 6)).unwrap() - 3;
            let index = if numbers.next(9) == 0 { index.wrapping_mul(1 << 24) } else { index };
            index.to_le_bytes()
        })
        .collect();
    let shape = ArrayShape::new(element, sizes.to_vec()).unwrap();
    Literal::Array(ArrayLiteral::from_bytes(shape, &bytes).unwrap())
}

/// Checks a look-up of whole slices of a table, with or without a dimension of the index vector.
fn check_lookup(numbers: &mut Numbers, element: &str, table: &[usize], places: &[usize]) {
    let index = numbers.pick(&["s32", "s32", "u32"]);
    let slice: Vec<usize> = std::iter::once(1).chain(table[1..].iter().copied()).collect();
    let result: Vec<usize> = places.iter().chain(&table[1..]).copied().collect();
    let offsets: Vec<usize> = (places.len()..result.len()).collect();
    let vectors: Vec<usize> = places.iter().copied().chain([1]).collect();
    let (vectors, operand) = (shape(index, &vectors), numbers.pick(&["i", "v"]));
    let module = module_of(&format!(
        "HloModule m\nENTRY main {{\n x = {} parameter(0)\n i = {} parameter(1)\n v = {vectors} reshape(i)\n ROOT r = {} gather(x, {operand}), offset_dims={{{}}}, collapsed_slice_dims={{0}}, start_index_map={{0}}, index_vector_dim={}, slice_sizes={{{}}}\n}}\n",
        shape(element, table),
        shape(index, places),
        shape(element, &result),
        list(&offsets),
        places.len(),
        list(&slice),
    ));
    let mut inputs = inputs_of(&module);
    let element = ElementType::from_text(index).unwrap();
    inputs[1] = indices(numbers, element, places, table[0]);
    check_with(&module, &inputs);
}

fn places(numbers: &mut Numbers) -> Vec<usize> {
    match numbers.next(3) {
        0 => vec![numbers.between(2, 300)],
        1 => vec![numbers.between(2, 19), numbers.between(2, 40)],
        _ => vec![numbers.between(2, 3), numbers.between(2, 11), numbers.between(2, 150)],
    }
}

#[test]
fn look_ups_of_rows() {
    let mut numbers = Numbers(11);
    for _ in 0..24 {
        let (element, places) = (numbers.element(), places(&mut numbers));
        let lanes = numbers.pick(&[100, 128, 300, 1100, 2048]);
        let table = [numbers.between(2, 60), lanes];
        check_lookup(&mut numbers, element, &table, &places);
    }
}

#[test]
fn look_ups_of_matrices() {
    let mut numbers = Numbers(12);
    for _ in 0..16 {
        let element = numbers.element();
        let places = if numbers.next(2) == 0 { vec![numbers.between(2, 40)] } else { vec![3, 5] };
        let table = [numbers.between(2, 9), numbers.between(2, 20), numbers.lanes()];
        check_lookup(&mut numbers, element, &table, &places);
    }
}

/// The bytes of rows that each hold one number, 128 f32 lanes wide.
fn rows(values: impl IntoIterator<Item = f32>) -> Vec<u8> {
    values.into_iter().flat_map(|value| [value; 128]).flat_map(f32::to_le_bytes).collect()
}

#[test]
fn an_update_in_place_writes_nothing_else() {
    let module = module_of(
        "HloModule m\nENTRY main {\n x = f32[40,128] parameter(0)\n u = f32[11,128] parameter(1)\n i = s32[] parameter(2)\n j = s32[] parameter(3)\n ROOT r = f32[40,128] dynamic-update-slice(x, u, i, j)\n}\n",
    );
    let entry = module.entry();
    let root = module.computation(entry).root();
    let choice = choose_kernel(&Region::of_instruction(&module, entry, root)).unwrap();
    assert!(choice.kernel.is_update());
    let program =
        generate_code(&choice.kernel.emit(&TPU_V4).unwrap(), &CompileOptions::v4().checked());
    let program = program.unwrap();
    for (start, first) in [(5_i32, 5), (0, 0), (-3, 0), (16, 16), (99, 29)] {
        let options = EmulatorOptions { strict: true, ..EmulatorOptions::default() };
        let mut chip = Chip::new(TPU_V4, &options);
        chip.write_hbm(0, &rows((0..40_u16).map(f32::from))).unwrap();
        chip.write_hbm(40, &rows((0..16_u16).map(|n| 100.0 + f32::from(n)))).unwrap();
        let mut index = start.to_le_bytes().to_vec();
        index.resize(8 * GRANULE_BYTES, 0);
        chip.write_hbm(56, &index).unwrap();
        let report = chip.launch(&program, &[0, 40, 56, 56, 0], &mut Ideal);
        report.unwrap_or_else(|fault| panic!("{fault}"));
        let expected = (0..40_u16).map(|row| {
            let is_new = (first..first + 11).contains(&row);
            if is_new { 100.0 + f32::from(row - first) } else { f32::from(row) }
        });
        let read = chip.read_hbm(0, 40 * GRANULE_BYTES).unwrap();
        assert_eq!(read, rows(expected), "start {start}");
    }
}
