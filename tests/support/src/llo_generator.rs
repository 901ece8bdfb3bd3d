//! Random LLO functions that do nothing undefined, reproduced by their seeds.
//!
//! A function fetches [`INPUT_GRANULES`] granules of HBM, works on them for a while (nested loops
//! and ifs, carried values that swap places, FIFOs that hold results across iterations, loads and
//! stores that may or may not meet) and writes everything that it still has to [`OUTPUT_GRANULES`]
//! granules per core. Launch arguments are the first granule of each. [`Shape`] says what there is
//! much of.

use palmetto_isa::{DmaDescriptor, MemorySpace, memory::GRANULE_BYTES};
use palmetto_kernels::llo::{Address, Builder, Function, M, S, ScratchId, V, Value};

/// Granules that a function reads.
pub const INPUT_GRANULES: usize = 128;
/// Granules that each core writes.
pub const OUTPUT_GRANULES: usize = 8 * OUTPUTS;
const OUTPUTS: usize = 64;
/// Words of SMEM that a function works on.
const WORDS: usize = 32;
const MAX_DEPTH: usize = 3;

/// What kind of function is made.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// About how many statements.
    pub size: usize,
    /// About how many vectors are live at once.
    pub vectors: usize,
    /// About how many scalars are live at once.
    pub scalars: usize,
    /// About how many masks are live at once.
    pub masks: usize,
}

/// Numbers that depend on the seed only (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.draw() % limit.max(1) as u64).expect("it is below a usize")
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// The function of a seed.
pub fn generate(seed: u64, shape: Shape) -> Function {
    let mut b = Builder::new(&format!("random {seed}"), 2);
    let mut g = Generator::new(&mut b, seed, shape);
    g.statements(&mut b, shape.size, 0);
    g.write_results(&mut b);
    b.finish()
}

struct Generator {
    random: Random,
    shape: Shape,
    vectors: Vec<V>,
    scalars: Vec<S>,
    masks: Vec<M>,
    work: ScratchId,
    words: ScratchId,
    output: ScratchId,
    fetch: u32,
    write_back: u32,
    arguments: [S; 2],
}

impl Generator {
    fn new(b: &mut Builder, seed: u64, shape: Shape) -> Self {
        let work = b.scratch("work", MemorySpace::Vmem, INPUT_GRANULES);
        let words = b.scratch("words", MemorySpace::Smem, 1);
        let output = b.scratch("output", MemorySpace::Vmem, OUTPUT_GRANULES);
        let copy = |source, target, granules| DmaDescriptor {
            source,
            target,
            granules: u32::try_from(granules).expect("there are few"),
            dimensions: Vec::new(),
        };
        let fetch = b.descriptor(copy(MemorySpace::Hbm, MemorySpace::Vmem, INPUT_GRANULES));
        let back = b.descriptor(copy(MemorySpace::Vmem, MemorySpace::Hbm, OUTPUT_GRANULES));
        let arguments = [b.argument(0), b.argument(1)];
        let mut g = Self {
            random: Random::new(seed),
            shape,
            vectors: Vec::new(),
            scalars: vec![b.score()],
            masks: Vec::new(),
            work,
            words,
            output,
            fetch,
            write_back: back,
            arguments,
        };
        g.fetch(b);
        let count = b.s(int(WORDS));
        let first = Address { scratch: words, base: count, offset: 128 * b.base(words) };
        b.for_loop(count, &[], |b, i, _| {
            let value = b.smul_imm(i, 0x9e37);
            g.store_word(b, Address { base: i, ..first }, value);
            Vec::new()
        });
        g.vectors.extend([b.vlane(), b.vsublane(), b.f32(1.5), b.i32(-7)]);
        g.masks.push(b.lanes_below(77));
        g
    }

    /// Fetches the input again.
    fn fetch(&mut self, b: &mut Builder) {
        let at = b.s(b.base(self.work));
        let (flag, bytes) = (b.s(5), b.s(int(INPUT_GRANULES * GRANULE_BYTES)));
        b.start_dma(self.work, self.fetch, [self.arguments[0], at, flag]);
        b.wait_dma(self.work, flag, bytes);
    }

    fn store_word(&self, b: &mut Builder, at: Address, value: S) {
        // The builder has no method for it: an op without a scratch touches everything.
        b.sst(at.base, at.offset, value);
    }

    fn write_results(&mut self, b: &mut Builder) {
        let at = b.start_of(self.output);
        let (one, zero) = (b.i32(1), b.i32(0));
        let mut results: Vec<V> = self.vectors.clone();
        results.extend(self.scalars.iter().map(|s| b.vsplat(*s)));
        results.extend(self.masks.iter().map(|m| b.vsel(*m, one, zero)));
        results.resize(results.len().max(OUTPUTS), zero);
        let rest = results.split_off(OUTPUTS);
        for (index, v) in results.into_iter().enumerate() {
            b.store(at.plus(8 * index), v);
        }
        for (index, v) in rest.into_iter().enumerate() {
            let other = b.load(at.plus(8 * (index % OUTPUTS)));
            let mixed = b.vxor(other, v);
            b.store(at.plus(8 * (index % OUTPUTS)), mixed);
        }
        let core = b.score();
        let offset = b.smul_imm(core, int(OUTPUT_GRANULES));
        let hbm = b.sadd(self.arguments[1], offset);
        let vmem = b.s(b.base(self.output));
        let (flag, bytes) = (b.s(6), b.s(int(OUTPUT_GRANULES * GRANULE_BYTES)));
        b.start_dma(self.output, self.write_back, [vmem, hbm, flag]);
        b.wait_dma(self.output, flag, bytes);
    }

    fn statements(&mut self, b: &mut Builder, size: usize, depth: usize) {
        let mut left = size;
        while left > 0 {
            let cost = match self.random.below(20) {
                0..3 if depth < MAX_DEPTH && left > 6 => self.one_loop(b, left / 2, depth),
                3 if depth < MAX_DEPTH && left > 4 => self.one_if(b, left / 3, depth),
                4 | 5 => self.eup(b),
                6 => self.xlu(b),
                7 => self.mxu(b),
                8 if depth < MAX_DEPTH => self.pipelined(b, depth),
                9..12 => self.load_or_store(b),
                12 | 13 => self.scalar_op(b),
                14 => self.mask_op(b),
                _ => self.vector_op(b),
            };
            left = left.saturating_sub(cost.max(1));
        }
    }

    fn v(&mut self) -> V {
        let recent = self.vectors.len().saturating_sub(self.shape.vectors);
        let range = &self.vectors[recent..];
        range[self.random.below(range.len())]
    }

    fn s(&mut self) -> S {
        let recent = self.scalars.len().saturating_sub(self.shape.scalars);
        let range = &self.scalars[recent..];
        range[self.random.below(range.len())]
    }

    fn m(&mut self) -> M {
        let recent = self.masks.len().saturating_sub(self.shape.masks);
        let range = &self.masks[recent..];
        range[self.random.below(range.len())]
    }

    fn vector_op(&mut self, b: &mut Builder) -> usize {
        let (x, y) = (self.v(), self.v());
        let made = match self.random.below(26) {
            0..4 => b.vadd_f32(x, y),
            4 => b.vsub_f32(x, y),
            5 | 6 => b.vmul_f32(x, y),
            7 => b.vmax_f32(x, y),
            8 => b.vfloor_f32(x),
            9 => b.vcvt_f32_s32(x),
            10 => b.vcvt_s32_f32(x),
            11 => b.vadd_s32(x, y),
            12 => b.vmul_s32(x, y),
            13 => b.vxor(x, y),
            14 => b.vshr(x, y),
            15 => b.vclz(x),
            16 => b.vunpack_bf16(x, 1),
            17 => b.vpack_bf16(x, y),
            18 => b.vrot_sublane(x, 3),
            19 => b.vbcast_sublane(x, 5),
            20 => {
                let s = self.s();
                b.vsplat(s)
            }
            21 => {
                let m = self.m();
                b.vsel(m, x, y)
            }
            22 => {
                let bits = u32::try_from(self.random.draw() >> 32).expect("it has 32 bits");
                b.bits(bits)
            }
            23 => b.vmov(x),
            _ => b.vand(x, y),
        };
        self.vectors.push(made);
        1
    }

    fn scalar_op(&mut self, b: &mut Builder) -> usize {
        let (x, y) = (self.s(), self.s());
        let made = match self.random.below(12) {
            0 => b.sadd(x, y),
            1 => b.sadd_imm(x, 12_345),
            2 => b.ssub(x, y),
            3 => b.smul(x, y),
            4 => b.sxor(x, y),
            5 => b.scmp_lt(x, y),
            6 => b.smax(x, y),
            7 => {
                let z = self.s();
                b.ssel(z, x, y)
            }
            8 => {
                let value = int(self.random.below(100));
                b.s(value)
            }
            9 => b.smov(x),
            10 => {
                let at = self.word(b);
                b.load_scalar(at)
            }
            _ => {
                let at = self.word(b);
                self.store_word(b, at, x);
                return 1;
            }
        };
        self.scalars.push(made);
        1
    }

    fn mask_op(&mut self, b: &mut Builder) -> usize {
        let (x, y) = (self.v(), self.v());
        let made = match self.random.below(5) {
            0 => b.vcmp_lt_f32(x, y),
            1 => b.vcmp_le_s32(x, y),
            2 => {
                let (x, y) = (self.m(), self.m());
                b.vmxor(x, y)
            }
            3 => {
                let x = self.m();
                b.vmnot(x)
            }
            _ => b.vcmp_lt_u32(x, y),
        };
        self.masks.push(made);
        1
    }

    /// A word of SMEM, at a constant or a computed place.
    fn word(&mut self, b: &mut Builder) -> Address {
        let start = 128 * b.base(self.words);
        let (base, room) = self.base(b, WORDS / 2);
        let offset = start + int(self.random.below(WORDS - room));
        Address { scratch: self.words, base, offset }
    }

    /// A scalar below `limit`, and how large it may be.
    fn base(&mut self, b: &mut Builder, limit: usize) -> (S, usize) {
        if self.random.below(3) > 0 {
            return (b.s(0), 0);
        }
        let (s, mask) = (self.s(), b.s(int(limit - 1)));
        (b.sand(s, mask), limit)
    }

    fn load_or_store(&mut self, b: &mut Builder) -> usize {
        let start = b.base(self.work);
        let (base, room) = self.base(b, 32);
        // The widest access reaches 8 * 8 granules far.
        let offset = start + int(self.random.below(INPUT_GRANULES - 64 - room));
        let at = Address { scratch: self.work, base, offset };
        let v = self.v();
        let loaded = match self.random.below(10) {
            0..3 => Some(b.load(at)),
            3 => Some(b.load_row(at)),
            4 => Some(b.load_strided(at, 8)),
            // Without a scratch.
            5 => Some(b.vld(at.base, at.offset)),
            6 => {
                let m = self.m();
                b.store_masked(at, m, v);
                None
            }
            7 => {
                b.vst_strided(at.base, at.offset, 8, v);
                None
            }
            _ => {
                b.store(at, v);
                None
            }
        };
        self.vectors.extend(loaded);
        1
    }

    fn eup_push(&mut self, b: &mut Builder) {
        let v = self.v();
        match self.random.below(5) {
            0 => b.eup_exp2(v),
            1 => b.eup_log2(v),
            2 => b.eup_rcp(v),
            3 => b.eup_rsqrt(v),
            _ => b.eup_tanh(v),
        }
    }

    /// Pushes and pops in a random order; sometimes more than the FIFO holds.
    fn eup(&mut self, b: &mut Builder) -> usize {
        let count = if self.random.below(8) == 0 { 24 } else { 1 + self.random.below(6) };
        let mut waiting = 0;
        for _ in 0..count {
            self.eup_push(b);
            waiting += 1;
            if self.random.below(3) == 0 {
                self.vectors.push(b.eup_pop());
                waiting -= 1;
            }
        }
        self.vectors.extend((0..waiting).map(|_| b.eup_pop()));
        2 * count
    }

    fn xlu(&mut self, b: &mut Builder) -> usize {
        let unit = u8::try_from(self.random.below(2)).expect("it is 0 or 1");
        if self.random.below(5) == 0 {
            for _ in 0..16 {
                let v = self.v();
                b.xlu_xpose(unit, v);
            }
            self.vectors.extend((0..16).map(|_| b.xlu_pop(unit)));
            return 32;
        }
        let count = 1 + self.random.below(4);
        for _ in 0..count {
            let v = self.v();
            match self.random.below(4) {
                0 => {
                    let s = self.s();
                    b.xlu_rot(unit, v, s);
                }
                1 => {
                    let index = self.v();
                    b.xlu_gather(unit, v, index);
                }
                2 => b.xlu_max_f32(unit, v),
                _ => b.xlu_sum_f32(unit, v),
            }
        }
        self.vectors.extend((0..count).map(|_| b.xlu_pop(unit)));
        2 * count
    }

    fn mxu(&mut self, b: &mut Builder) -> usize {
        let mxu = u8::try_from(self.random.below(4)).expect("there are 4");
        let transposed = self.random.below(2) == 0;
        for _ in 0..8 {
            let v = self.v();
            if transposed { b.mxu_push_xpose(mxu, v) } else { b.mxu_push(mxu, v) }
        }
        let count = 1 + self.random.below(4);
        for n in 0..count {
            let v = self.v();
            if n == 0 { b.mxu_matmul_latch(mxu, v) } else { b.mxu_matmul(mxu, v) }
        }
        self.vectors.extend((0..2 * count).map(|_| b.mxu_pop(mxu)));
        8 + 3 * count
    }

    /// A loop that pops what the iteration before has pushed.
    fn pipelined(&mut self, b: &mut Builder, depth: usize) -> usize {
        let depth_of_fifo = 1 + self.random.below(5);
        for _ in 0..depth_of_fifo {
            self.eup_push(b);
        }
        let trip_count = b.s(int(self.random.below(4)));
        self.loop_over(b, trip_count, |g, b| {
            let pushes_first = g.random.below(2) == 0;
            for _ in 0..depth_of_fifo {
                if pushes_first {
                    g.eup_push(b);
                }
                g.vectors.push(b.eup_pop());
                if !pushes_first {
                    g.eup_push(b);
                }
            }
            let size = 1 + g.random.below(4);
            g.statements_without_eup(b, size, depth + 1);
        });
        self.vectors.extend((0..depth_of_fifo).map(|_| b.eup_pop()));
        6 * depth_of_fifo
    }

    fn statements_without_eup(&mut self, b: &mut Builder, size: usize, _: usize) {
        for _ in 0..size {
            match self.random.below(6) {
                0 => self.load_or_store(b),
                1 => self.scalar_op(b),
                2 => self.mask_op(b),
                _ => self.vector_op(b),
            };
        }
    }

    fn one_loop(&mut self, b: &mut Builder, size: usize, depth: usize) -> usize {
        let size = 1 + self.random.below(size);
        let constant = b.s(int(self.random.below(5)));
        let trip_count = if self.random.below(2) == 0 {
            constant
        } else {
            // Some are negative.
            let (s, three, one) = (self.s(), b.s(3), b.s(1));
            let s = b.sand(s, three);
            b.ssub(s, one)
        };
        self.loop_over(b, trip_count, |g, b| {
            if depth == 0 && g.random.below(6) == 0 {
                g.fetch(b);
            }
            g.statements(b, size, depth + 1);
        });
        size
    }

    /// A loop with random carried values: some change, some stay, some swap.
    fn loop_over(
        &mut self,
        b: &mut Builder,
        trip_count: S,
        body: impl FnOnce(&mut Self, &mut Builder),
    ) {
        let mut initial: Vec<Value> = Vec::new();
        for _ in 0..self.random.below(6) {
            initial.push(match self.random.below(4) {
                0 => Value::S(self.s()),
                1 => Value::M(self.m()),
                _ => Value::V(self.v()),
            });
        }
        let outside = (self.vectors.len(), self.scalars.len(), self.masks.len());
        let results = b.for_loop(trip_count, &initial, |b, index, parameters| {
            self.scalars.push(index);
            self.see(parameters);
            body(self, b);
            let next = parameters.iter().map(|parameter| self.next(*parameter, parameters));
            next.collect()
        });
        self.vectors.truncate(outside.0);
        self.scalars.truncate(outside.1);
        self.masks.truncate(outside.2);
        self.see(&results);
    }

    fn see(&mut self, values: &[Value]) {
        for value in values {
            match *value {
                Value::V(v) => self.vectors.push(v),
                Value::S(s) => self.scalars.push(s),
                Value::M(m) => self.masks.push(m),
            }
        }
    }

    /// The next value of a parameter: often another parameter, so that some swap.
    fn next(&mut self, parameter: Value, parameters: &[Value]) -> Value {
        let class = |value: &Value| std::mem::discriminant(value);
        let alike: Vec<Value> =
            parameters.iter().filter(|p| class(p) == class(&parameter)).copied().collect();
        if self.random.below(3) == 0 {
            return self.random.pick(&alike);
        }
        match parameter {
            Value::V(_) => Value::V(self.v()),
            Value::S(_) => Value::S(self.s()),
            Value::M(_) => Value::M(self.m()),
        }
    }

    fn one_if(&mut self, b: &mut Builder, size: usize, depth: usize) -> usize {
        let size = 1 + self.random.below(size);
        let (x, y) = (self.s(), self.s());
        let condition = b.scmp_lt(x, y);
        self.loop_over(b, condition, |g, b| g.statements(b, size, depth + 1));
        size
    }
}

fn int(value: usize) -> i32 {
    i32::try_from(value).expect("it is small")
}
