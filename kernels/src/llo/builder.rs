//! [`Builder`]: the only way to make LLO. One method per op, expanded from the table.

use super::{Block, Carried, Function, LloOp, Loop, M, S, Scratch, ScratchId, Statement, V, Value};
use palmetto_isa::{
    DmaDescriptor, MemorySpace,
    memory::{GRANULE_WORDS, LANES},
};
use std::collections::BTreeMap;

/// A place in a scratch: granule `base + offset`, `base` counted from the start of the memory.
#[derive(Clone, Copy, Debug)]
pub struct Address {
    /// The scratch that it is in.
    pub scratch: ScratchId,
    /// Dynamic part: a granule of VMEM, or a word of SMEM.
    pub base: S,
    /// Static part.
    pub offset: i32,
}

impl Address {
    /// The address `offset` further.
    pub fn plus(self, offset: usize) -> Self {
        let offset = i32::try_from(offset).expect("memories have fewer than 2^31 granules");
        Self { offset: self.offset + offset, ..self }
    }
}

/// Builds a [`Function`].
#[derive(Debug)]
pub struct Builder {
    function: Function,
    /// Open blocks, the function's own first.
    blocks: Vec<Block>,
    /// Scalar constants that the open blocks have made.
    scalars: Vec<BTreeMap<i32, S>>,
    /// Vector constants, all in the function's own block.
    vectors: BTreeMap<u32, V>,
    /// Statements of the function's own block that come before all others.
    prologue: Block,
    touches: Option<ScratchId>,
    free_granules: (u32, u32),
}

macro_rules! ssa_type {
    (V) => {
        V
    };
    (S) => {
        S
    };
    (M) => {
        M
    };
    ($immediate:tt) => {
        $immediate
    };
}
macro_rules! fresh {
    (V, $b:ident) => {
        $b.fresh_vector()
    };
    (S, $b:ident) => {
        $b.fresh_scalar()
    };
    (M, $b:ident) => {
        $b.fresh_mask()
    };
}
macro_rules! define_builder {
    ($($(#[doc = $doc:literal])* $name:ident = $Name:ident
        ($($result:ident: $result_kind:tt)?) { $($field:ident: $kind:tt),* }
        in $Slot:ident, latency $latency:literal;)*) => {
        impl Builder {
            $(
                $(#[doc = $doc])*
                #[expect(clippy::allow_attributes, reason = "most rows have one result")]
                #[allow(
                    unused_parens,
                    clippy::unused_unit,
                    clippy::too_many_arguments,
                    reason = "a row has one result or none, and as many operands as the op"
                )]
                pub fn $name(
                    &mut self,
                    $($field: ssa_type!($kind)),*
                ) -> ($(ssa_type!($result_kind))?) {
                    $(let $result = fresh!($result_kind, self);)?
                    self.push(LloOp::$Name { $($result,)? $($field),* });
                    $($result)?
                }
            )*
        }
    };
}
palmetto_isa::for_each_op!(define_builder);

impl Builder {
    /// An empty function with `n_arguments` launch arguments, which are scratch 0.
    pub fn new(name: &str, n_arguments: u32) -> Self {
        let words = u32::try_from(GRANULE_WORDS).expect("a granule has 128 words");
        let function = Function {
            name: name.to_owned(),
            n_arguments,
            scratches: vec![Scratch {
                name: "arguments".to_owned(),
                space: MemorySpace::Smem,
                base: 0,
                granules: n_arguments.div_ceil(words),
            }],
            descriptors: Vec::new(),
            body: Block::new(),
            n_values: (0, 0, 0),
        };
        Self {
            function,
            blocks: vec![Block::new()],
            scalars: vec![BTreeMap::new()],
            vectors: BTreeMap::new(),
            prologue: Block::new(),
            touches: None,
            free_granules: (0, n_arguments.div_ceil(words)),
        }
    }

    /// The finished function.
    ///
    /// # Panics
    /// If a loop is still open.
    pub fn finish(mut self) -> Function {
        let body = self.blocks.pop().expect("the function's own block is open");
        assert!(self.blocks.is_empty(), "a loop of `{}` was not closed", self.function.name);
        self.function.body = self.prologue;
        self.function.body.extend(body);
        self.function
    }

    /// Granules of VMEM that the scratches take so far.
    pub fn vmem_granules(&self) -> u32 {
        self.free_granules.0
    }

    /// Reserves `granules` of `space`, which is VMEM or SMEM.
    pub fn scratch(&mut self, name: &str, space: MemorySpace, granules: usize) -> ScratchId {
        let granules = u32::try_from(granules).expect("memories have fewer than 2^32 granules");
        let free = match space {
            MemorySpace::Vmem => &mut self.free_granules.0,
            MemorySpace::Smem => &mut self.free_granules.1,
            MemorySpace::Hbm | MemorySpace::Cmem => panic!("scratch lives in VMEM or SMEM"),
        };
        let base = *free;
        *free += granules;
        self.function.scratches.push(Scratch { name: name.to_owned(), space, base, granules });
        let index = self.function.scratches.len() - 1;
        ScratchId(u32::try_from(index).expect("a function has few scratches"))
    }

    /// The first granule of a scratch.
    pub fn base(&self, scratch: ScratchId) -> i32 {
        let base = self.function.scratches[scratch.0 as usize].base;
        i32::try_from(base).expect("memories have fewer than 2^31 granules")
    }

    /// The first word of an SMEM scratch.
    pub fn first_word(&self, scratch: ScratchId) -> i32 {
        self.base(scratch) * i32::try_from(GRANULE_WORDS).expect("a granule has 128 words")
    }

    /// The start of a VMEM scratch as an address.
    pub fn start_of(&mut self, scratch: ScratchId) -> Address {
        let base = self.s(0);
        Address { scratch, base, offset: self.base(scratch) }
    }

    /// Registers a DMA descriptor; equal ones share an index.
    pub fn descriptor(&mut self, descriptor: DmaDescriptor) -> u32 {
        let all = &mut self.function.descriptors;
        let index = all.iter().position(|other| *other == descriptor).unwrap_or_else(|| {
            all.push(descriptor);
            all.len() - 1
        });
        u32::try_from(index).expect("a function has few descriptors")
    }

    /// Launch argument `index`.
    pub fn argument(&mut self, index: usize) -> S {
        assert!(index < self.function.n_arguments as usize, "there is no launch argument {index}");
        let zero = self.s(0);
        self.touches = Some(ScratchId(0));
        self.sld(zero, i32::try_from(index).expect("there are few launch arguments"))
    }

    /// A scalar constant.
    pub fn s(&mut self, value: i32) -> S {
        if let Some(s) = self.scalars.iter().rev().find_map(|made| made.get(&value)) {
            return *s;
        }
        let s = self.smov_imm(value);
        self.scalars.last_mut().expect("a block is open").insert(value, s);
        s
    }

    /// A vector with the same 32 bits in every word, made once, before everything else.
    pub fn bits(&mut self, bits: u32) -> V {
        if let Some(v) = self.vectors.get(&bits) {
            return *v;
        }
        let dst = self.fresh_vector();
        self.prologue.push(Statement::Op { op: LloOp::Vconst { dst, bits }, touches: None });
        self.vectors.insert(bits, dst);
        dst
    }

    /// A vector with the same f32 in every word, made once.
    pub fn f32(&mut self, value: f32) -> V {
        self.bits(value.to_bits())
    }

    /// A vector with the same integer in every word, made once.
    pub fn i32(&mut self, value: i32) -> V {
        self.bits(value.cast_unsigned())
    }

    /// The mask of the lanes below `count`.
    pub fn lanes_below(&mut self, count: usize) -> M {
        debug_assert!(count <= LANES, "a register has {LANES} lanes");
        let lane = self.vlane();
        let count = self.i32(i32::try_from(count).expect("at most 128"));
        self.vcmp_lt_s32(lane, count)
    }

    /// Loads a register from VMEM.
    pub fn load(&mut self, at: Address) -> V {
        self.touches = Some(at.scratch);
        self.vld(at.base, at.offset)
    }

    /// Loads one granule of VMEM into every sublane.
    pub fn load_row(&mut self, at: Address) -> V {
        self.touches = Some(at.scratch);
        self.vld_bcast(at.base, at.offset)
    }

    /// Loads 8 granules, `stride` apart.
    pub fn load_strided(&mut self, at: Address, stride: i32) -> V {
        self.touches = Some(at.scratch);
        self.vld_strided(at.base, at.offset, stride)
    }

    /// Stores a register to VMEM.
    pub fn store(&mut self, at: Address, src: V) {
        self.touches = Some(at.scratch);
        self.vst(at.base, at.offset, src);
    }

    /// Stores each sublane of a register, `stride` granules apart.
    pub fn store_strided(&mut self, at: Address, stride: i32, src: V) {
        self.touches = Some(at.scratch);
        self.vst_strided(at.base, at.offset, stride, src);
    }

    /// Stores the words of a register where `mask` is set.
    pub fn store_masked(&mut self, at: Address, mask: M, src: V) {
        self.touches = Some(at.scratch);
        self.vst_masked(at.base, at.offset, mask, src);
    }

    /// Loads a word of SMEM.
    pub fn load_scalar(&mut self, at: Address) -> S {
        self.touches = Some(at.scratch);
        self.sld(at.base, at.offset)
    }

    /// Stores a word to SMEM.
    pub fn store_scalar(&mut self, at: Address, src: S) {
        self.touches = Some(at.scratch);
        self.sst(at.base, at.offset, src);
    }

    /// Starts a transfer into or out of `scratch`.
    pub fn start_dma(&mut self, scratch: ScratchId, descriptor: u32, [from, to, flag]: [S; 3]) {
        self.touches = Some(scratch);
        self.dma_start(descriptor, from, to, flag);
    }

    /// Starts a transfer out of `scratch` to another core: from, to, the flag here, the core, and
    /// the flag there.
    pub fn send_dma(
        &mut self,
        scratch: ScratchId,
        descriptor: u32,
        [from, to, sent, core, received]: [S; 5],
    ) {
        self.touches = Some(scratch);
        self.dma_send(descriptor, from, to, sent, core, received);
    }

    /// Waits for a transfer into or out of `scratch`.
    pub fn wait_dma(&mut self, scratch: ScratchId, flag: S, bytes: S) {
        self.touches = Some(scratch);
        self.dma_wait(flag, bytes);
    }

    /// A loop of `trip_count` iterations. `body` gets the index and the carried values and returns
    /// their next ones; the carried values after the last iteration are returned.
    pub fn for_loop(
        &mut self,
        trip_count: S,
        initial: &[Value],
        body: impl FnOnce(&mut Self, S, &[Value]) -> Vec<Value>,
    ) -> Vec<Value> {
        let index = self.fresh_scalar();
        let parameters: Vec<Value> = initial.iter().map(|value| self.fresh(*value)).collect();
        self.blocks.push(Block::new());
        self.scalars.push(BTreeMap::new());
        let next = body(self, index, &parameters);
        assert_eq!(next.len(), initial.len(), "a loop carries as many values as it was given");
        let results: Vec<Value> = initial.iter().map(|value| self.fresh(*value)).collect();
        let carried = (0..initial.len())
            .map(|i| Carried {
                initial: initial[i],
                parameter: parameters[i],
                next: next[i],
                result: results[i],
            })
            .collect();
        self.scalars.pop();
        let body = self.blocks.pop().expect("this loop's block is open");
        self.statement(Statement::Loop(Box::new(Loop { trip_count, index, carried, body })));
        results
    }

    /// `body` if `condition` is 1, nothing if it is 0.
    pub fn if_then(&mut self, condition: S, body: impl FnOnce(&mut Self)) {
        self.for_loop(condition, &[], |b, _, _| {
            body(b);
            Vec::new()
        });
    }

    fn push(&mut self, op: LloOp) {
        let touches = self.touches.take();
        self.statement(Statement::Op { op, touches });
    }

    fn statement(&mut self, statement: Statement) {
        self.blocks.last_mut().expect("a block is open").push(statement);
    }

    fn fresh(&mut self, like: Value) -> Value {
        match like {
            Value::V(_) => Value::V(self.fresh_vector()),
            Value::S(_) => Value::S(self.fresh_scalar()),
            Value::M(_) => Value::M(self.fresh_mask()),
        }
    }

    fn fresh_vector(&mut self) -> V {
        self.function.n_values.0 += 1;
        V(self.function.n_values.0 - 1)
    }

    fn fresh_scalar(&mut self) -> S {
        self.function.n_values.1 += 1;
        S(self.function.n_values.1 - 1)
    }

    fn fresh_mask(&mut self) -> M {
        self.function.n_values.2 += 1;
        M(self.function.n_values.2 - 1)
    }
}
