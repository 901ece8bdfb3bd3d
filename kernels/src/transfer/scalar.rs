//! Scalars that a transfer kernel depends on, read once at its start.

use super::{FLAG, From, SPLAT_GRANULES, Transfer, int};
use crate::{
    element::{Class, Element},
    llo::{Address, Builder, S, ScratchId},
};
use palmetto_isa::{DmaDescriptor, MemorySpace, memory::GRANULE_WORDS};

/// A scalar in HBM that is an index: clamped to `0..=max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScalarIndex {
    /// The launch argument.
    pub argument: usize,
    /// Its type, an integer.
    pub element: Element,
    /// The largest index.
    pub max: usize,
}

/// The scalars of a kernel, in scalar registers; what is splat, in VMEM.
pub(super) struct Scalars {
    indices: Vec<(ScalarIndex, S)>,
    splat: Option<i32>,
}

impl Scalars {
    /// Reads the scalars that the pieces of `spec` depend on.
    pub(super) fn load(b: &mut Builder, spec: &Transfer) -> Self {
        let indices = indices_of(spec);
        let splat = splat_of(spec);
        let mut arguments: Vec<usize> = indices.iter().map(|index| index.argument).collect();
        arguments.extend(splat);
        arguments.sort_unstable();
        arguments.dedup();
        if arguments.is_empty() {
            return Self { indices: Vec::new(), splat: None };
        }
        let scratch = fetch(b, &arguments);
        let word = |b: &mut Builder, argument: usize| {
            let place = arguments.iter().position(|other| *other == argument);
            let place = place.expect("it was fetched") * GRANULE_WORDS;
            let base = b.s(b.first_word(scratch));
            b.load_scalar(Address { scratch, base, offset: int(place) })
        };
        let indices = indices
            .into_iter()
            .map(|index| {
                let word = word(b, index.argument);
                (index, clamped(b, word, index.element, index.max))
            })
            .collect();
        let splat = splat.map(|argument| {
            let word = word(b, argument);
            splat_buffer(b, word, spec.element)
        });
        Self { indices, splat }
    }

    /// A clamped index.
    pub(super) fn index(&self, index: ScalarIndex) -> S {
        let found = self.indices.iter().find(|(other, _)| *other == index);
        found.expect("every index of the pieces was loaded").1
    }

    /// Where a granule is that is full of the scalar.
    pub(super) fn splat_granule(&self) -> i32 {
        self.splat.expect("the scalar was loaded")
    }
}

fn indices_of(spec: &Transfer) -> Vec<ScalarIndex> {
    let mut found: Vec<ScalarIndex> = Vec::new();
    let row_starts = spec.row.iter().flat_map(|row| row.starts.iter().map(|start| start.index));
    for index in spec.row.iter().map(|row| row.row).chain(row_starts) {
        if !found.contains(&index) {
            found.push(index);
        }
    }
    for phase in &spec.phases {
        let starts = (phase.pieces.iter())
            .flat_map(|piece| piece.source_starts.iter().chain(&piece.target_starts))
            .map(|start| start.index);
        for index in starts.chain(phase.condition.map(|(index, _)| index)) {
            if !found.contains(&index) {
                found.push(index);
            }
        }
    }
    found
}

/// The launch argument that is splat: a kernel has at most one.
fn splat_of(spec: &Transfer) -> Option<usize> {
    let pieces = spec.phases.iter().flat_map(|phase| &phase.pieces);
    pieces.into_iter().find_map(|piece| match piece.from {
        From::Splat(argument) => Some(argument),
        From::Argument(_) => None,
    })
}

/// The first granules of some arguments, one after the other in SMEM.
fn fetch(b: &mut Builder, arguments: &[usize]) -> ScratchId {
    let scratch = b.scratch("scalars", MemorySpace::Smem, arguments.len());
    let descriptor = DmaDescriptor {
        source: MemorySpace::Hbm,
        target: MemorySpace::Smem,
        granules: 1,
        dimensions: Vec::new(),
    };
    let bytes = int(descriptor.total_bytes()) * int(arguments.len());
    let descriptor = b.descriptor(descriptor);
    let flag = b.s(FLAG);
    for (n, argument) in arguments.iter().enumerate() {
        let (from, to) = (b.argument(*argument), b.s(b.base(scratch) + int(n)));
        b.start_dma(scratch, descriptor, [from, to, flag]);
    }
    let bytes = b.s(bytes);
    b.wait_dma(scratch, flag, bytes);
    scratch
}

/// The index in the low bits of `word`, clamped to `0..=max` as what it is by its type.
pub(crate) fn clamped(b: &mut Builder, word: S, element: Element, max: usize) -> S {
    let unused = 32 - 32 / element.packing();
    let mut index = word;
    if unused > 0 {
        let amount = b.s(int(unused));
        let high = b.sshl(word, amount);
        index = match element.class() {
            Class::Signed => b.ssra(high, amount),
            Class::Float | Class::Unsigned | Class::Mask => b.sshr(high, amount),
        };
    }
    let (zero, last) = (b.s(0), b.s(int(max)));
    let at_most = b.smin(index, last);
    if element == Element::U32 {
        // What is negative as a signed number is above every index.
        let is_huge = b.scmp_lt(index, zero);
        return b.ssel(is_huge, last, at_most);
    }
    b.smax(at_most, zero)
}

/// The scalar that is a launch argument, in every place of a word.
pub(crate) fn splat_word(b: &mut Builder, argument: usize, element: Element) -> S {
    let scratch = fetch(b, &[argument]);
    let base = b.s(b.first_word(scratch));
    let word = b.load_scalar(Address { scratch, base, offset: 0 });
    repeated(b, word, element)
}

/// The element in the low bits of `word` in every place of a word.
fn repeated(b: &mut Builder, mut word: S, element: Element) -> S {
    let mut bits = 32 / element.packing();
    if bits < 32 {
        let mask = b.s((1 << bits) - 1);
        word = b.sand(word, mask);
    }
    while bits < 32 {
        let amount = b.s(int(bits));
        let moved = b.sshl(word, amount);
        word = b.sor(word, moved);
        bits *= 2;
    }
    word
}

/// The first granule of a buffer in VMEM that holds the element in the low bits of `word` in every
/// place.
fn splat_buffer(b: &mut Builder, word: S, element: Element) -> i32 {
    let word = repeated(b, word, element);
    let scratch = b.scratch("splat", MemorySpace::Vmem, SPLAT_GRANULES);
    let (at, value) = (b.start_of(scratch), b.vsplat(word));
    b.store(at, value);
    b.base(scratch)
}
