//! The report as text for a terminal.

use std::fmt::{self, Write};

use super::{How, InstructionReport, Measures, Origin, Report};

/// Rows that are shown before the rest is summed up.
const MAX_ROWS: usize = 20;
/// Losses that are named.
const MAX_LOSSES: usize = 3;
/// The longest text in the columns of names.
const MAX_NAME: usize = 34;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_summary(f)?;
        if !self.instructions.is_empty() {
            f.write_char('\n')?;
            self.write_rows(f)?;
        }
        self.write_loops(f)?;
        self.write_losses(f)
    }
}

impl Report {
    fn write_summary(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Measures { cycles, seconds, launches, flops, hbm_bytes, mfu, busy, cores, .. } =
            &self.total;
        let Self { program, chip, clock_mhz, .. } = self;
        writeln!(f, "{program} on one {chip} at {clock_mhz} MHz")?;
        writeln!(
            f,
            "  time         {} ({} cycles, {launches} {})",
            with_unit(*seconds, "s"),
            grouped(*cycles),
            if *launches == 1 { "launch" } else { "launches" }
        )?;
        writeln!(
            f,
            "  utilisation  {} of {}: {} in all",
            percent(*mfu),
            with_unit(self.peak_flops_per_second, "FLOP/s"),
            with_unit(super::float(*flops), "FLOP")
        )?;
        writeln!(
            f,
            "  busy         MXU {}, VPU {}, HBM {}",
            percent(busy.mxu),
            percent(busy.vpu),
            percent(busy.hbm)
        )?;
        if !cores.is_empty() {
            let at_work = cores.iter().map(|core| percent(super::share(core.cycles, *cycles)));
            let at_work: Vec<String> = at_work.collect();
            writeln!(f, "  cores        at work {} of the time", at_work.join(" and "))?;
        }
        writeln!(
            f,
            "  HBM          {} moved, {} in use at most",
            with_unit(super::float(*hbm_bytes), "B"),
            with_unit(super::float(self.peak_hbm_bytes), "B")
        )?;
        let modelled = match self.modelled_share {
            share if share > 0.0 => format!("{} of the time (no device kernel)", percent(share)),
            _ => "nothing: every launch ran as bundles".to_owned(),
        };
        writeln!(f, "  modelled     {modelled}")
    }

    /// The rows that take the most time, largest first.
    fn write_rows(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows: Vec<&InstructionReport> = self.instructions.iter().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.measures.cycles));
        let (shown, rest) = rows.split_at(rows.len().min(MAX_ROWS));
        let mut lines = vec![HEADINGS.map(str::to_owned)];
        lines.extend(shown.iter().map(|row| self.cells(row)));
        if !rest.is_empty() {
            let cycles = rest.iter().map(|row| row.measures.cycles).sum();
            let seconds = rest.iter().map(|row| row.measures.seconds).sum();
            let mut cells: [String; COLUMNS] = Default::default();
            cells[0] = with_unit(seconds, "s");
            cells[1] = percent(super::share(cycles, self.total.cycles));
            cells[2] = grouped(cycles);
            cells[10] = format!("{} more instructions", rest.len());
            lines.push(cells);
        }
        write_aligned(f, &lines)
    }

    fn cells(&self, row: &InstructionReport) -> [String; COLUMNS] {
        let Measures { cycles, seconds, launches, flops, mfu, busy, bound, .. } = &row.measures;
        let roofline = super::ratio(row.measures.roofline_seconds, *seconds);
        let known = |share: f64| match row.how {
            How::Scheduled => percent(share),
            How::Modelled { .. } => "-".to_owned(),
        };
        let times = if *launches > 1 { format!(" x{launches}") } else { String::new() };
        [
            with_unit(*seconds, "s"),
            percent(super::share(*cycles, self.total.cycles)),
            grouped(*cycles),
            with_unit(super::float(*flops), ""),
            percent(*mfu),
            percent(roofline),
            known(busy.mxu),
            known(busy.vpu),
            known(busy.hbm),
            bound.name().to_owned(),
            format!("{}{times}", tail(&row.origin.instruction)),
            from(&row.origin),
        ]
    }

    fn write_loops(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, report) in self.loops.iter().enumerate() {
            if n == 0 {
                f.write_str("\nLoops\n")?;
            }
            let place = report.origin.location.as_deref().map(file_name).unwrap_or_default();
            writeln!(
                f,
                "  {}: {} trips, entered {}, {} of the time  {place}",
                report.origin.instruction,
                grouped(report.trips),
                if report.entries == 1 {
                    "once".into()
                } else {
                    grouped(report.entries) + " times"
                },
                percent(super::share(report.cycles, self.total.cycles))
            )?;
        }
        Ok(())
    }

    fn write_losses(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, loss) in self.losses.iter().take(MAX_LOSSES).enumerate() {
            if n == 0 {
                f.write_str("\nLargest losses of utilisation\n")?;
            }
            let (share, name) = (percent(loss.share), &loss.origin.instruction);
            let from = from(&loss.origin);
            let from = if from.is_empty() { from } else { format!(" ({from})") };
            writeln!(f, "  {}. {share} of the peak in {name}{from}:", n + 1)?;
            writeln!(f, "     {}", loss.reason)?;
        }
        Ok(())
    }
}

const COLUMNS: usize = 12;
/// The columns before the words.
const NUMBERS: usize = 9;
const HEADINGS: [&str; COLUMNS] = [
    "time",
    "share",
    "cycles",
    "FLOP",
    "MFU",
    "roof",
    "MXU",
    "VPU",
    "HBM",
    "bound",
    "instruction",
    "from",
];

/// Numbers to the right, words to the left, two blanks between columns.
fn write_aligned(f: &mut fmt::Formatter<'_>, lines: &[[String; COLUMNS]]) -> fmt::Result {
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max();
    let widths: [usize; COLUMNS] = std::array::from_fn(|column| width(column).unwrap_or(0));
    for line in lines {
        let mut text = String::new();
        for (column, cell) in line.iter().enumerate() {
            let width = widths[column];
            if column < NUMBERS {
                write!(text, "  {cell:>width$}")?;
            } else {
                write!(text, "  {cell:<width$}")?;
            }
        }
        writeln!(f, "{}", text.trim_end())?;
    }
    Ok(())
}

/// `12.3 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// Three significant digits with an SI prefix: `45.3 us`, `17.2 GFLOP`.
pub fn with_unit(value: f64, unit: &str) -> String {
    const PREFIXES: [(f64, &str); 8] = [
        (1e15, "P"),
        (1e12, "T"),
        (1e9, "G"),
        (1e6, "M"),
        (1e3, "k"),
        (1.0, ""),
        (1e-3, "m"),
        (1e-6, "u"),
    ];
    if value <= 0.0 {
        return format!("0 {unit}").trim_end().to_owned();
    }
    let prefix = PREFIXES.iter().copied().find(|(scale, _)| value >= *scale);
    let (scale, prefix) = prefix.unwrap_or((1e-9, "n"));
    let value = value / scale;
    let digits = match value {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.digits$} {prefix}{unit}").trim_end().to_owned()
}

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Where the user wrote it: line, and the last names of the path.
fn from(origin: &Origin) -> String {
    let name = origin.op_name.as_deref().map(|path| {
        // The outermost name is the whole function's, on every row the same.
        let inner = path.split_once('/').filter(|(outer, _)| outer.starts_with("jit("));
        tail(inner.map_or(path, |(_, inner)| inner))
    });
    let place = origin.location.as_deref().map(file_name);
    match (place, name) {
        (Some(place), Some(name)) => format!("{place} {name}"),
        (Some(place), None) => place.to_owned(),
        (None, name) => name.unwrap_or_default(),
    }
}

/// The end of a long name, which is where names differ.
fn tail(name: &str) -> String {
    let length = name.chars().count();
    if length <= MAX_NAME {
        return name.to_owned();
    }
    let end: String = name.chars().skip(length - (MAX_NAME - 2)).collect();
    format!("..{end}")
}

/// `model.py:12` of a whole path.
fn file_name(place: &str) -> &str {
    place.rsplit('/').next().unwrap_or(place)
}
