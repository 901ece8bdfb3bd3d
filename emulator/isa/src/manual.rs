//! The manual of the instruction set, written from the table.

use crate::{
    ChipSpec, DmaDescriptor, MReg, MemorySpace, Program, SReg, Slot, VReg,
    memory::{GRANULE_BYTES, LANES, SUBLANES},
    row::{Field, Kind, ROWS, Row},
};

/// The manual in Markdown, with the numbers of `chip`.
pub fn print_manual(chip: &ChipSpec) -> String {
    let mut out = String::from(
        "# The instruction set\n\n\
         Written from the op table (`emulator/isa/src/table.rs`) by \
         `UPDATE_EXPECT=1 cargo test --test tidy`.\n\n",
    );
    out.push_str(EXECUTION);
    out.push_str("\n## Registers\n\n");
    out.push_str(&registers());
    out.push_str("\n## Slots\n\n");
    out.push_str(&slots());
    out.push_str("\n## Memory\n\n");
    out.push_str(&memory(chip));
    out.push_str("\n## FIFOs\n\n");
    out.push_str(&fifos(chip));
    out.push_str("\n## Ops\n\n");
    out.push_str(OPS);
    for slot in Slot::ALL {
        out.push_str(&ops_of(slot));
    }
    out
}

const EXECUTION: &str = "\
A program is a list of bundles for one TensorCore. A bundle holds up to as many ops as its slots\n\
have room for; one bundle is issued per cycle, in order. All ops of a bundle read their operands\n\
before any of them writes a result, and a bundle writes a register at most once. Both cores of a\n\
chip run the same program and tell themselves apart by `score`. Execution starts at bundle 0,\n\
with launch argument `i` in SMEM word `i`, and ends with `halt`.\n\
\n\
An op's *latency* is architectural: its results may be read that many issued bundles later, not\n\
earlier. Units with FIFOs and the DMA engines take as long as the chip file says: a pop and a\n\
`dma_wait` wait.\n";

const OPS: &str = "\
`v` is a vector register, `s` a scalar register, `m` a mask register; other operands are\n\
immediates of the given width. The code is the number of the op in the binary form, the index of\n\
its row in the table.\n";

fn registers() -> String {
    let mut table = Table::new(&["registers", "how many", "hold"]);
    let (vectors, scalars, masks) = (VReg::COUNT, SReg::COUNT, MReg::COUNT);
    table.row([
        format!("`v0` to `v{}`", vectors - 1),
        vectors.to_string(),
        format!("{SUBLANES} sublanes of {LANES} lanes of 32 bits"),
    ]);
    table.row([format!("`s0` to `s{}`", scalars - 1), scalars.to_string(), "32 bits".to_owned()]);
    table.row([
        format!("`m0` to `m{}`", masks - 1),
        masks.to_string(),
        "one bit for each word of a vector register".to_owned(),
    ]);
    table.text
}

fn slots() -> String {
    let mut table = Table::new(&["slot", "ops in a bundle", "different ops"]);
    for slot in Slot::ALL {
        let n_ops = ROWS.iter().filter(|row| row.slot == slot).count();
        table.row([slot.name().to_owned(), slot.capacity().to_string(), n_ops.to_string()]);
    }
    let max_bundles = Program::MAX_BUNDLES;
    format!("{}\nA program has at most {max_bundles} bundles.\n", table.text)
}

fn memory(chip: &ChipSpec) -> String {
    let mut table = Table::new(&["memory", "bytes", "of each", "addressed in"]);
    for space in MemorySpace::ALL {
        let granules = format!("granules of {GRANULE_BYTES} bytes");
        let (bytes, owner, unit) = match space {
            MemorySpace::Hbm => (chip.hbm_bytes, "chip", granules),
            MemorySpace::Cmem => (chip.cmem_bytes, "chip", granules),
            MemorySpace::Vmem => (chip.vmem_bytes, "core", granules),
            MemorySpace::Smem => (chip.smem_bytes, "core", "words of 4 bytes".to_owned()),
        };
        table.row([format!("`{space}`"), bytes.to_string(), owner.to_owned(), unit]);
    }
    format!(
        "{}\nOnly VMEM and SMEM are accessed by ops; DMA engines move granules between memories.\n\
         A descriptor of the program gives the shape of a transfer: contiguous pieces, repeated\n\
         along up to {} strided dimensions. To a DMA engine SMEM is granules of {} words.\n",
        table.text,
        DmaDescriptor::MAX_DIMENSIONS,
        GRANULE_BYTES / 4,
    )
}

/// An MXU takes one row a cycle, and a matmul op streams 16 packed ones.
const ROWS_OF_A_MATMUL: u32 = 16;

fn fifos(chip: &ChipSpec) -> String {
    let mut table =
        Table::new(&["unit", "of a core", "results held", "cycles to the result", "cycles apart"]);
    let rows = [
        ("EUP", 1, chip.eup_result_entries, chip.eup_latency_cycles, chip.eup_interval_cycles),
        (
            "XLU",
            chip.n_xlus,
            chip.xlu_result_entries,
            chip.xlu_latency_cycles,
            chip.xlu_interval_cycles,
        ),
        ("MXU", chip.n_mxus, chip.mxu_result_entries, chip.mxu_latency_cycles, ROWS_OF_A_MATMUL),
    ];
    for (unit, count, entries, latency, interval) in rows {
        table.row([
            unit.to_owned(),
            count.to_string(),
            entries.to_string(),
            latency.to_string(),
            interval.to_string(),
        ]);
    }
    table.text
}

fn ops_of(slot: Slot) -> String {
    let mut table = Table::new(&["code", "op", "latency", "meaning"]);
    for (opcode, row) in ROWS.iter().enumerate().filter(|(_, row)| row.slot == slot) {
        let meaning = row.doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        table.row([opcode.to_string(), form(row), row.latency.to_string(), meaning]);
    }
    format!("\n### Slot {}\n\n{}", slot.name(), table.text)
}

/// `dst:v = vld base:s, offset:i32`
fn form(row: &Row) -> String {
    let list = |fields: &[Field]| fields.iter().map(field_form).collect::<Vec<_>>().join(", ");
    let mut form = format!("{} = {} {}", list(row.results), row.name, list(row.operands));
    if row.results.is_empty() {
        form = format!("{} {}", row.name, list(row.operands));
    }
    format!("`{}`", form.trim_end())
}

fn field_form(field: &Field) -> String {
    let kind = match field.kind {
        Kind::V => "v",
        Kind::S => "s",
        Kind::M => "m",
        Kind::U8 => "u8",
        Kind::U32 => "u32",
        Kind::I32 => "i32",
    };
    format!("{}:{kind}", field.name)
}

/// A table in Markdown.
struct Table {
    text: String,
}

impl Table {
    fn new(columns: &[&str]) -> Self {
        let rule = vec!["---"; columns.len()].join("|");
        Self { text: format!("| {} |\n|{rule}|\n", columns.join(" | ")) }
    }

    fn row<const N: usize>(&mut self, cells: [String; N]) {
        let cells = cells.map(|cell| cell.replace('|', "\\|"));
        self.text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
}
