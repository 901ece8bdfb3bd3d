//! The splice kernel: a line put together of parts of other lines, from any element on.
//!
//! A line (an array of rank 1) is granules of 128 words, and in the words of a granule are as many
//! runs of 128 elements as elements are packed into a word. An element that moves by a number that
//! is no multiple of 128 changes its lane, and the granule of a result comes from two granules of
//! the operand: both are turned by the same number of lanes, and each lane takes its run of one of
//! them, or of narrow elements some bits of both.
//!
//! Windows of the result are dealt to the cores. What a window and a part have in common is a
//! *fragment*; a core walks its fragments in the order of the result. Of the operand exactly the
//! registers that a fragment needs are fetched, those of the next one while one is turned. What is
//! before and behind a fragment in the registers of its window stays as it is.

mod emit;
mod turn;

use crate::{
    element::Element,
    llo::{Builder, Function},
};
use palmetto_isa::{
    ChipSpec,
    memory::{LANES, SUBLANES, VREG_GRANULES},
};
use thiserror::Error;

/// Registers that are turned at a time. Their results fill half of what the cross-lane units hold,
/// and a shorter fragment turns some in vain.
const TOGETHER: usize = 16;
/// Windows per core that make transfers and turning overlap well.
const WINDOWS_PER_CORE: usize = 4;
/// Registers of the largest window: its transfer is efficient.
const MOST_REGISTERS: usize = 64;
/// What a fragment takes besides its registers, in the time of a register.
const FRAGMENT_COST: usize = 64;
/// Elements of the longest line: positions are words.
const MOST_ELEMENTS: usize = 1 << 30;
/// What a part of the result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Neighbours in a line.
    Line {
        /// The launch argument.
        argument: usize,
        /// The first element.
        first: usize,
    },
    /// [`Splice::fill`].
    Fill,
}

/// A part of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What it is.
    pub source: Source,
    /// How many elements.
    pub count: usize,
}

/// What a splice kernel does. Launch arguments are the operands and the result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    /// The name.
    pub name: String,
    /// The type of the elements.
    pub element: Element,
    /// Arguments before the result.
    pub n_inputs: usize,
    /// The launch argument that is a scalar, which fills parts of the result.
    pub fill: Option<usize>,
    /// The result, from its first element to its last.
    pub parts: Vec<Part>,
}

/// Why there is no splice kernel.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SpliceError {
    /// There is nothing to move.
    #[error("the result of `{name}` has no elements")]
    Empty {
        /// The kernel.
        name: String,
    },
    /// Some line is too long.
    #[error("a line of `{name}` is longer than {limit} elements")]
    TooLong {
        /// The kernel.
        name: String,
        /// The limit.
        limit: usize,
    },
    /// There are too many parts.
    #[error("`{name}` is of {parts} parts; {limit} are possible")]
    TooManyParts {
        /// The kernel.
        name: String,
        /// How many.
        parts: usize,
        /// The limit.
        limit: usize,
    },
}

impl Splice {
    /// Parts of the longest list: each has code of its own at the start of the kernel.
    pub const MOST_PARTS: usize = 1024;

    /// Whether there is a kernel, without making it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn check(&self) -> Result<(), SpliceError> {
        let name = || self.name.clone();
        let parts = self.parts.len();
        let limit = Self::MOST_PARTS;
        if parts > limit {
            return Err(SpliceError::TooManyParts { name: name(), parts, limit });
        }
        let end = |part: &Part| match part.source {
            Source::Line { first, .. } => first.saturating_add(part.count),
            Source::Fill => part.count,
        };
        let length = self.parts.iter().fold(0, |sum: usize, part| sum.saturating_add(part.count));
        if self.parts.iter().map(end).max().max(Some(length)) > Some(MOST_ELEMENTS) {
            return Err(SpliceError::TooLong { name: name(), limit: MOST_ELEMENTS });
        }
        if length == 0 { Err(SpliceError::Empty { name: name() }) } else { Ok(()) }
    }

    /// Elements of a register.
    fn per_register(&self) -> usize {
        SUBLANES * LANES * self.element.packing()
    }
}

/// The kernel.
///
/// # Errors
/// If the parts do not suit it; see [`SpliceError`].
pub fn splice(spec: &Splice, chip: &ChipSpec) -> Result<Function, SpliceError> {
    spec.check()?;
    let plan = Plan::new(spec, chip.n_cores as usize);
    let arguments = u32::try_from(spec.n_inputs + 1).expect("there are few operands");
    let mut b = Builder::new(&spec.name, arguments);
    emit::Kernel::new(&mut b, &plan).all(&mut b);
    Ok(b.finish())
}

/// A part, and where it ends in the result.
#[derive(Clone, Copy, Debug)]
struct Placed {
    source: Source,
    end: usize,
}

/// What a core does.
#[derive(Clone, Copy, Debug, Default)]
struct Share {
    /// The first part that its windows have something of.
    part: usize,
    /// Its first window.
    window: usize,
    /// Its windows.
    windows: usize,
    /// Its fragments.
    fragments: usize,
}

/// Everything that is decided before ops are emitted.
#[derive(Debug)]
struct Plan<'a> {
    spec: &'a Splice,
    /// The parts that are not empty, and one that fills what is left of the last window.
    parts: Vec<Placed>,
    /// Registers of the result.
    registers: usize,
    /// Registers of a window.
    window: usize,
    /// What each core does.
    shares: Vec<Share>,
}

impl<'a> Plan<'a> {
    fn new(spec: &'a Splice, n_cores: usize) -> Self {
        let mut end = 0;
        let mut parts = Vec::new();
        for part in spec.parts.iter().filter(|part| part.count > 0) {
            end += part.count;
            parts.push(Placed { source: part.source, end });
        }
        let registers = end.div_ceil(spec.per_register());
        let window = registers.div_ceil(n_cores * WINDOWS_PER_CORE);
        let window = window.next_multiple_of(TOGETHER).min(MOST_REGISTERS);
        let behind = registers.next_multiple_of(window) * spec.per_register();
        if end < behind {
            parts.push(Placed { source: Source::Fill, end: behind });
        }
        let shares = Vec::new();
        let plan = Self { spec, parts, registers, window, shares };
        Self { shares: plan.shares(n_cores), ..plan }
    }

    /// Elements of a window.
    fn window_elements(&self) -> usize {
        self.window * self.spec.per_register()
    }

    /// Registers of a window that there is memory for in HBM.
    fn registers_of(&self, window: usize) -> usize {
        self.window.min(self.registers - window * self.window)
    }

    /// Windows dealt to the cores, each about as much work.
    fn shares(&self, n_cores: usize) -> Vec<Share> {
        let per_window = self.window_elements();
        let n_windows = self.registers.div_ceil(self.window);
        // Per window: its first part, its fragments, and what windows cost up to its end.
        let (mut part, mut cost) = (0, 0);
        let mut windows = Vec::new();
        for window in 0..n_windows {
            let first = part;
            let end = (window + 1) * per_window;
            while self.parts[part].end < end {
                part += 1;
            }
            let fragments = part - first + 1;
            cost += fragments * FRAGMENT_COST + self.window;
            windows.push((first, fragments, cost));
            if self.parts[part].end == end {
                part += 1;
            }
        }
        // A core has the windows in the middle of which its share of the cost is not exceeded.
        let before = |core: usize| {
            let is_before = |window: &usize| {
                let start = window.checked_sub(1).map_or(0, |before| windows[before].2);
                (start + windows[*window].2) * n_cores <= 2 * cost * core
            };
            (0..n_windows).take_while(is_before).count()
        };
        let share = |core| {
            let (window, end) = (before(core), before(core + 1));
            let own = &windows[window..end];
            let part = own.first().map_or(0, |first| first.0);
            let fragments = own.iter().map(|window| window.1).sum();
            Share { part, window, windows: own.len(), fragments }
        };
        (0..n_cores).map(share).collect()
    }

    /// Granules of VMEM for the operand's part of a fragment: it may begin in one register more,
    /// and what is addressed may begin a register before and end in the registers turned in vain.
    fn input_granules(&self) -> usize {
        (1 + self.window + 2 + TOGETHER + 1) * VREG_GRANULES
    }

    /// Granules of VMEM for a window of the result, and for registers turned in vain.
    fn output_granules(&self) -> usize {
        (self.window + TOGETHER) * VREG_GRANULES
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_ELEMENTS, Part, Plan, Source, Splice, SpliceError};
    use crate::element::Element;

    fn of(sizes: &[usize]) -> Splice {
        let part = |(argument, count): (usize, &usize)| {
            let source = Source::Line { argument, first: 3 };
            Part { source, count: *count }
        };
        Splice {
            name: "joined".to_owned(),
            element: Element::F32,
            n_inputs: sizes.len(),
            fill: None,
            parts: sizes.iter().enumerate().map(part).collect(),
        }
    }

    /// Every window is dealt to one core, with all that parts have in common with it.
    #[test]
    fn all_fragments_are_dealt() {
        for sizes in [&[1][..], &[16_384, 16_384], &[5, 70_000, 0, 1, 3], &[9; 700], &[1 << 24, 7]]
        {
            for n_cores in [1, 2, 4] {
                let spec = of(sizes);
                let plan = Plan::new(&spec, n_cores);
                let size = plan.window_elements();
                let mut window = 0;
                for share in &plan.shares {
                    assert_eq!(share.window, window, "{sizes:?}");
                    let (start, end) = (window * size, (window + share.windows) * size);
                    let mut part_start = 0;
                    let mut fragments = 0;
                    for part in &plan.parts {
                        let (from, to) = (part_start.max(start), part.end.min(end));
                        if from < to {
                            fragments += to.div_ceil(size) - from / size;
                        }
                        part_start = part.end;
                    }
                    assert_eq!(share.fragments, fragments, "{sizes:?} on {n_cores} cores");
                    window += share.windows;
                }
                assert_eq!(window, plan.registers.div_ceil(plan.window), "{sizes:?}");
            }
        }
    }

    #[test]
    fn what_has_no_kernel_is_refused() {
        assert!(of(&[0, 1]).check().is_ok());
        assert!(matches!(of(&[0, 0]).check(), Err(SpliceError::Empty { .. })));
        assert!(matches!(of(&[MOST_ELEMENTS]).check(), Err(SpliceError::TooLong { .. })));
        let many = of(&[1; Splice::MOST_PARTS + 1]);
        assert!(matches!(many.check(), Err(SpliceError::TooManyParts { .. })));
    }
}
