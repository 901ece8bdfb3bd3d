//! What LLO means, executed statement by statement.
//!
//! There is no time: a transfer is done when it is started, a FIFO gives its results at once, and
//! values are never in registers. So a program that the back end scheduled and allocated has to
//! give the same bytes. The arithmetic of single ops is the emulator's portable one: what is under
//! test is everything between LLO and the bundles, not the arithmetic.
//!
//! The cores run one after the other, which is the same as together as long as they do not write
//! what the other one touches.

use palmetto_emulator::host::{Weights, Words, eup, portable, vector};
use palmetto_isa::{
    DmaDescriptor, MReg, MemorySpace, Op, SReg, VReg,
    memory::{GRANULE_WORDS, LANES, SUBLANES},
    op::{Operand, Rename},
};
use palmetto_kernels::llo::{Block, Function, LloOp, Loop, M, S, Statement, V, Value};
use std::collections::{BTreeMap, VecDeque};

/// Pushes that fill the staging register of an MXU.
const STAGED: usize = 8;
/// Pushes of a block to transpose.
const BLOCK: usize = 16;

/// Runs `function` on `n_cores` cores over `hbm`, which is counted in words.
///
/// # Errors
/// What the function did that has no meaning, in words.
pub fn run(
    function: &Function,
    arguments: &[u32],
    hbm: &mut [u32],
    n_cores: u32,
) -> Result<(), String> {
    for core in 0..n_cores {
        let mut machine = Machine {
            core,
            descriptors: &function.descriptors,
            vectors: vec![None; function.n_values.0 as usize],
            scalars: vec![None; function.n_values.1 as usize],
            masks: vec![None; function.n_values.2 as usize],
            vmem: vec![0; (16 << 20) / 4],
            smem: vec![0; (1 << 20) / 4],
            hbm: &mut *hbm,
            flags: BTreeMap::new(),
            eup: VecDeque::new(),
            xlus: BTreeMap::new(),
            mxus: BTreeMap::new(),
        };
        machine.smem[..arguments.len()].copy_from_slice(arguments);
        machine.block(&function.body)?;
        machine.check_empty()?;
    }
    Ok(())
}

#[derive(Default)]
struct Xlu {
    block: Vec<Box<Words>>,
    results: VecDeque<Box<Words>>,
}

struct Mxu {
    weights: Box<Weights>,
    staging: Box<Weights>,
    n_staged: usize,
    results: VecDeque<Box<Words>>,
}

struct Machine<'a> {
    core: u32,
    descriptors: &'a [DmaDescriptor],
    vectors: Vec<Option<Box<Words>>>,
    scalars: Vec<Option<u32>>,
    masks: Vec<Option<Box<Words>>>,
    vmem: Vec<u32>,
    smem: Vec<u32>,
    hbm: &'a mut [u32],
    flags: BTreeMap<u32, u64>,
    eup: VecDeque<Box<Words>>,
    xlus: BTreeMap<u8, Xlu>,
    mxus: BTreeMap<u8, Mxu>,
}

/// An op whose registers do not matter: the arithmetic looks at its variant and immediates only.
struct Nameless;

impl Rename<V, S, M> for Nameless {
    type V = VReg;
    type S = SReg;
    type M = MReg;
    fn v(&mut self, _: V) -> VReg {
        VReg(0)
    }
    fn s(&mut self, _: S) -> SReg {
        SReg(0)
    }
    fn m(&mut self, _: M) -> MReg {
        MReg(0)
    }
}

type Outcome<T = ()> = Result<T, String>;

/// What a value is.
enum Datum {
    Words(Box<Words>),
    Scalar(u32),
}

impl Machine<'_> {
    fn block(&mut self, block: &Block) -> Outcome {
        for statement in block {
            match statement {
                Statement::Op { op, .. } => {
                    self.op(op).map_err(|problem| format!("`{op:?}`: {problem}"))?;
                }
                Statement::Loop(l) => self.one_loop(l)?,
            }
        }
        Ok(())
    }

    fn one_loop(&mut self, l: &Loop) -> Outcome {
        let trip_count = self.scalar(l.trip_count)?.cast_signed();
        for carried in &l.carried {
            self.copy(carried.parameter, carried.initial)?;
        }
        for index in 0..trip_count {
            self.scalars[l.index.0 as usize] = Some(index.cast_unsigned());
            self.block(&l.body)?;
            // All parameters change at once: one's next value may be another's parameter.
            let next: Outcome<Vec<Datum>> = l.carried.iter().map(|c| self.read(c.next)).collect();
            for (carried, next) in l.carried.iter().zip(next?) {
                self.write(carried.parameter, next)?;
            }
        }
        for carried in &l.carried {
            self.copy(carried.result, carried.parameter)?;
        }
        Ok(())
    }

    fn copy(&mut self, to: Value, from: Value) -> Outcome {
        let datum = self.read(from)?;
        self.write(to, datum)
    }

    fn read(&self, value: Value) -> Outcome<Datum> {
        Ok(match value {
            Value::V(v) => Datum::Words(Box::new(self.vector(v)?.clone())),
            Value::M(m) => Datum::Words(Box::new(self.mask(m)?.clone())),
            Value::S(s) => Datum::Scalar(self.scalar(s)?),
        })
    }

    fn write(&mut self, value: Value, datum: Datum) -> Outcome {
        match (value, datum) {
            (Value::V(V(v)), Datum::Words(words)) => self.vectors[v as usize] = Some(words),
            (Value::M(M(m)), Datum::Words(words)) => self.masks[m as usize] = Some(words),
            (Value::S(S(s)), Datum::Scalar(word)) => self.scalars[s as usize] = Some(word),
            _ => return Err("a carried value changes its class".into()),
        }
        Ok(())
    }

    fn vector(&self, V(v): V) -> Outcome<&Words> {
        self.vectors[v as usize].as_deref().ok_or_else(|| format!("%v{v} has no value"))
    }

    fn mask(&self, M(m): M) -> Outcome<&Words> {
        self.masks[m as usize].as_deref().ok_or_else(|| format!("%m{m} has no value"))
    }

    fn scalar(&self, S(s): S) -> Outcome<u32> {
        self.scalars[s as usize].ok_or_else(|| format!("%s{s} has no value"))
    }

    fn op(&mut self, op: &LloOp) -> Outcome {
        if let Some((dst, result)) = self.scalar_op(op)? {
            self.scalars[dst.0 as usize] = Some(result);
            return Ok(());
        }
        if self.memory_op(op)? || self.fifo_op(op)? {
            return Ok(());
        }
        self.vector_op(op)
    }

    fn scalar_op(&self, op: &LloOp) -> Outcome<Option<(S, u32)>> {
        let u = |s| self.scalar(s);
        let s = |s| self.scalar(s).map(u32::cast_signed);
        Ok(Some(match *op {
            LloOp::SmovImm { dst, value } => (dst, value.cast_unsigned()),
            LloOp::Smov { dst, src } => (dst, u(src)?),
            LloOp::Sadd { dst, lhs, rhs } => (dst, u(lhs)?.wrapping_add(u(rhs)?)),
            LloOp::SaddImm { dst, src, value } => (dst, u(src)?.wrapping_add_signed(value)),
            LloOp::Ssub { dst, lhs, rhs } => (dst, u(lhs)?.wrapping_sub(u(rhs)?)),
            LloOp::Smul { dst, lhs, rhs } => (dst, u(lhs)?.wrapping_mul(u(rhs)?)),
            LloOp::SmulImm { dst, src, value } => {
                (dst, u(src)?.wrapping_mul(value.cast_unsigned()))
            }
            LloOp::Sand { dst, lhs, rhs } => (dst, u(lhs)? & u(rhs)?),
            LloOp::Sor { dst, lhs, rhs } => (dst, u(lhs)? | u(rhs)?),
            LloOp::Sxor { dst, lhs, rhs } => (dst, u(lhs)? ^ u(rhs)?),
            LloOp::Sshl { dst, src, amount } => (dst, u(src)?.checked_shl(u(amount)?).unwrap_or(0)),
            LloOp::Sshr { dst, src, amount } => (dst, u(src)?.checked_shr(u(amount)?).unwrap_or(0)),
            LloOp::Ssra { dst, src, amount } => {
                (dst, (s(src)? >> u(amount)?.min(31)).cast_unsigned())
            }
            LloOp::Smin { dst, lhs, rhs } => (dst, s(lhs)?.min(s(rhs)?).cast_unsigned()),
            LloOp::Smax { dst, lhs, rhs } => (dst, s(lhs)?.max(s(rhs)?).cast_unsigned()),
            LloOp::ScmpEq { dst, lhs, rhs } => (dst, u32::from(u(lhs)? == u(rhs)?)),
            LloOp::ScmpNe { dst, lhs, rhs } => (dst, u32::from(u(lhs)? != u(rhs)?)),
            LloOp::ScmpLt { dst, lhs, rhs } => (dst, u32::from(s(lhs)? < s(rhs)?)),
            LloOp::ScmpLe { dst, lhs, rhs } => (dst, u32::from(s(lhs)? <= s(rhs)?)),
            LloOp::Ssel { dst, condition, on_true, on_false } => {
                (dst, if u(condition)? != 0 { u(on_true)? } else { u(on_false)? })
            }
            LloOp::Score { dst } => (dst, self.core),
            LloOp::Sld { dst, base, offset } => (dst, self.smem[self.place(base, offset)?]),
            _ => return Ok(None),
        }))
    }

    fn place(&self, base: S, offset: i32) -> Outcome<usize> {
        let place = i64::from(self.scalar(base)?.cast_signed()) + i64::from(offset);
        usize::try_from(place).map_err(|_| format!("address {place} is negative"))
    }

    /// The granules of VMEM that the sublanes of an access are in.
    fn granules(&self, base: S, offset: i32, stride: i32) -> Outcome<[usize; SUBLANES]> {
        let first = i64::from(self.scalar(base)?.cast_signed()) + i64::from(offset);
        let mut granules = [0; SUBLANES];
        for (sublane, granule) in (0..).zip(&mut granules) {
            let place = first + i64::from(stride) * sublane;
            let end = (self.vmem.len() / GRANULE_WORDS) as i64;
            *granule = usize::try_from(place)
                .ok()
                .filter(|_| place < end)
                .ok_or_else(|| format!("granule {place} is not in VMEM"))?;
        }
        Ok(granules)
    }

    fn load(&self, granules: [usize; SUBLANES]) -> Box<Words> {
        let mut result = Words::boxed();
        for (lanes, granule) in result.0.chunks_exact_mut(LANES).zip(granules) {
            lanes.copy_from_slice(&self.vmem[granule * GRANULE_WORDS..][..LANES]);
        }
        result
    }

    fn store(&mut self, granules: [usize; SUBLANES], src: V, mask: Option<M>) -> Outcome {
        let source = self.vector(src)?.clone();
        let mask = mask.map(|mask| self.mask(mask).cloned()).transpose()?;
        for (sublane, granule) in granules.into_iter().enumerate() {
            for lane in 0..LANES {
                let word = sublane * LANES + lane;
                if mask.as_ref().is_none_or(|mask| mask.0[word] != 0) {
                    self.vmem[granule * GRANULE_WORDS + lane] = source.0[word];
                }
            }
        }
        Ok(())
    }

    fn memory_op(&mut self, op: &LloOp) -> Outcome<bool> {
        match *op {
            LloOp::Vld { dst, base, offset } => {
                let loaded = self.load(self.granules(base, offset, 1)?);
                self.vectors[dst.0 as usize] = Some(loaded);
            }
            LloOp::VldStrided { dst, base, offset, stride } => {
                let loaded = self.load(self.granules(base, offset, stride)?);
                self.vectors[dst.0 as usize] = Some(loaded);
            }
            LloOp::VldBcast { dst, base, offset } => {
                let loaded = self.load(self.granules(base, offset, 0)?);
                self.vectors[dst.0 as usize] = Some(loaded);
            }
            LloOp::Vst { base, offset, src } => {
                self.store(self.granules(base, offset, 1)?, src, None)?;
            }
            LloOp::VstMasked { base, offset, mask, src } => {
                self.store(self.granules(base, offset, 1)?, src, Some(mask))?;
            }
            LloOp::VstStrided { base, offset, stride, src } => {
                self.store(self.granules(base, offset, stride)?, src, None)?;
            }
            LloOp::Sst { base, offset, src } => {
                let place = self.place(base, offset)?;
                self.smem[place] = self.scalar(src)?;
            }
            LloOp::DmaStart { descriptor, src, dst, flag } => {
                self.transfer(&self.descriptors[descriptor as usize], src, dst)?;
                let bytes = self.descriptors[descriptor as usize].total_bytes();
                *self.flags.entry(self.scalar(flag)?).or_insert(0) += bytes;
            }
            LloOp::DmaWait { flag, bytes } => {
                let bytes = u64::from(self.scalar(bytes)?);
                let flag = self.flags.entry(self.scalar(flag)?).or_insert(0);
                *flag = flag.checked_sub(bytes).ok_or("the wait would never end")?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn transfer(&mut self, descriptor: &DmaDescriptor, src: S, dst: S) -> Outcome {
        let mut pieces = vec![(self.scalar(src)?.cast_signed(), self.scalar(dst)?.cast_signed())];
        for dimension in &descriptor.dimensions {
            let walk = |(source, target): (i32, i32)| {
                (0..dimension.count.cast_signed()).map(move |n| {
                    (source + n * dimension.source_stride, target + n * dimension.target_stride)
                })
            };
            pieces = pieces.into_iter().flat_map(walk).collect();
        }
        for (source, target) in pieces {
            let words = descriptor.granules as usize * GRANULE_WORDS;
            let at = |granule: i32| usize::try_from(granule).map(|granule| granule * GRANULE_WORDS);
            let source = at(source).map_err(|_| "a negative granule is read")?;
            let target = at(target).map_err(|_| "a negative granule is written")?;
            let data = self.memory(descriptor.source)[source..source + words].to_vec();
            self.memory(descriptor.target)[target..target + words].copy_from_slice(&data);
        }
        Ok(())
    }

    fn memory(&mut self, space: MemorySpace) -> &mut [u32] {
        match space {
            MemorySpace::Hbm | MemorySpace::Cmem => self.hbm,
            MemorySpace::Vmem => &mut self.vmem,
            MemorySpace::Smem => &mut self.smem,
        }
    }

    fn fifo_op(&mut self, op: &LloOp) -> Outcome<bool> {
        if self.mxu_op(op)? {
            return Ok(true);
        }
        let plain = op.rename(&mut Nameless);
        match *op {
            LloOp::EupExp2 { src }
            | LloOp::EupLog2 { src }
            | LloOp::EupRcp { src }
            | LloOp::EupRsqrt { src }
            | LloOp::EupTanh { src } => {
                let mut result = Words::boxed();
                eup::compute(&plain, &mut result, self.vector(src)?);
                self.eup.push_back(result);
            }
            LloOp::EupPop { dst } => {
                let result = self.eup.pop_front().ok_or("the FIFO is empty")?;
                self.vectors[dst.0 as usize] = Some(result);
            }
            LloOp::XluRot { unit, src, amount } => {
                let mut result = Words::boxed();
                portable::rotate_lanes(&mut result, self.vector(src)?, self.scalar(amount)?);
                self.xlus.entry(unit).or_default().results.push_back(result);
            }
            LloOp::XluGather { unit, src, index } => {
                let mut result = Words::boxed();
                portable::gather_lanes(&mut result, self.vector(src)?, self.vector(index)?);
                self.xlus.entry(unit).or_default().results.push_back(result);
            }
            LloOp::XluSumF32 { unit, src }
            | LloOp::XluMaxF32 { unit, src }
            | LloOp::XluMinF32 { unit, src } => {
                let mut result = Words::boxed();
                portable::lane_reduction(&plain, &mut result, self.vector(src)?);
                self.xlus.entry(unit).or_default().results.push_back(result);
            }
            LloOp::XluXpose { unit, src } => {
                let source = Box::new(self.vector(src)?.clone());
                self.xlus.entry(unit).or_default().transpose(source);
            }
            LloOp::XluPop { dst, unit } => {
                let unit = self.xlus.entry(unit).or_default();
                let result = unit.results.pop_front().ok_or("the FIFO is empty")?;
                self.vectors[dst.0 as usize] = Some(result);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn mxu_op(&mut self, op: &LloOp) -> Outcome<bool> {
        let (mxu, src, is_matmul, flag) = match *op {
            LloOp::MxuPush { mxu, src } => (mxu, src, false, false),
            LloOp::MxuPushXpose { mxu, src } => (mxu, src, false, true),
            LloOp::MxuMatmul { mxu, src } => (mxu, src, true, false),
            LloOp::MxuMatmulLatch { mxu, src } => (mxu, src, true, true),
            LloOp::MxuPop { dst, mxu } => {
                let unit = self.mxus.get_mut(&mxu).ok_or("nothing was pushed")?;
                let result = unit.results.pop_front().ok_or("the FIFO is empty")?;
                self.vectors[dst.0 as usize] = Some(result);
                return Ok(true);
            }
            _ => return Ok(false),
        };
        let source = self.vector(src)?.clone();
        let unit = self.mxus.entry(mxu).or_insert_with(|| Mxu {
            weights: Weights::boxed(),
            staging: Weights::boxed(),
            n_staged: 0,
            results: VecDeque::new(),
        });
        if is_matmul {
            unit.matmul(&source, flag)?
        } else {
            unit.stage(&source, flag)?
        }
        Ok(true)
    }

    fn vector_op(&mut self, op: &LloOp) -> Outcome {
        let mut result = Words::boxed();
        if let LloOp::Vsplat { src, .. } = *op {
            result.0.fill(self.scalar(src)?);
        } else {
            let mut sources = Vec::new();
            for operand in op.operands() {
                match operand {
                    Operand::V(v) => sources.push(self.vector(v)?.clone()),
                    Operand::M(m) => sources.push(self.mask(m)?.clone()),
                    Operand::S(_) | Operand::Immediate(_) => {}
                }
            }
            sources.resize(3, *Words::boxed());
            let sources = [&sources[0], &sources[1], &sources[2]];
            let plain: Op = op.rename(&mut Nameless);
            if !vector::compute(&plain, &mut result, sources) {
                return Err("it is none of the ops that are interpreted".into());
            }
        }
        for operand in op.results() {
            match operand {
                Operand::V(V(v)) => self.vectors[v as usize] = Some(result.clone()),
                Operand::M(M(m)) => self.masks[m as usize] = Some(result.clone()),
                Operand::S(_) | Operand::Immediate(_) => {}
            }
        }
        Ok(())
    }

    fn check_empty(&self) -> Outcome {
        let is_empty = self.eup.is_empty()
            && self.xlus.values().all(|xlu| xlu.results.is_empty() && xlu.block.is_empty())
            && self.mxus.values().all(|mxu| mxu.results.is_empty() && mxu.n_staged == 0)
            && self.flags.values().all(|flag| *flag == 0);
        if is_empty {
            Ok(())
        } else {
            Err("something is left in a FIFO or a flag at the end".into())
        }
    }
}

impl Xlu {
    fn transpose(&mut self, source: Box<Words>) {
        self.block.push(source);
        if self.block.len() < BLOCK {
            return;
        }
        for part in 0..BLOCK {
            let mut result = Words::boxed();
            portable::transposed_part(&mut result, &self.block, part);
            self.results.push_back(result);
        }
        self.block.clear();
    }
}

impl Mxu {
    fn stage(&mut self, source: &Words, transposed: bool) -> Outcome {
        if self.n_staged == STAGED {
            return Err("the staging register is full".into());
        }
        portable::stage_weights(&mut self.staging, self.n_staged, source, transposed);
        self.n_staged += 1;
        Ok(())
    }

    fn matmul(&mut self, source: &Words, latch: bool) -> Outcome {
        if latch {
            if self.n_staged < STAGED {
                return Err("the staging register is not full".into());
            }
            std::mem::swap(&mut self.weights, &mut self.staging);
            self.n_staged = 0;
        }
        let mut rows = Box::new(palmetto_emulator::host::Rows(
            [0.0; palmetto_emulator::host::MXU_ROWS * palmetto_emulator::host::MXU_SIZE],
        ));
        let (mut low, mut high) = (Words::boxed(), Words::boxed());
        portable::unpack_rows(source, &mut rows);
        portable::mxu_matmul(&rows, &self.weights, &mut low, &mut high);
        self.results.extend([low, high]);
        Ok(())
    }
}
