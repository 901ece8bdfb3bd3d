//! Every way to spoil a good program must be noticed.

use super::check;
use crate::backend::{emit::Emitted, schedule_and_allocate};
use palmetto_isa::{Bundle, MReg, Op, SReg, TPU_V4, VReg, op::Rename};
use palmetto_kernels::llo::{Function, parse_function};

/// A loop whose body waits for the EUP, and memory that is read after it was written.
const LOOP: &str = "function loop
arguments 1
values 7 6 0
scratch arguments: smem 0 + 1
scratch x: vmem 0 + 64
dma 0: hbm -> vmem 64 granules
body {
  %v0 = vconst 0x3f800000
  %s0 = smov_imm 0
  %s1 = sld %s0, 0 touching arguments
  %s2 = smov_imm 3
  %s3 = smov_imm 32768
  dma_start 0, %s1, %s0, %s2 touching x
  dma_wait %s2, %s3 touching x
  loop %s4 in 0..%s1 carry(%v1 = %v0 -> %v5) -> %v6 {
    %v2 = vld %s4, 8 touching x
    eup_exp2 %v2
    %v3 = eup_pop
    %v4 = vadd_f32 %v3, %v1
    %v5 = vmul_f32 %v4, %v2
  }
  vst %s0, 16, %v6 touching x
  %s5 = smov_imm 5
}
";

/// More values than registers, all of them needed at the end.
fn spilling() -> String {
    let n = VReg::COUNT + 8;
    let mut body = String::new();
    for v in 0..n {
        body += &format!("  %v{v} = vld %s0, {} touching x\n", 8 * v);
    }
    for v in 0..n {
        body += &format!("  vst %s0, {}, %v{v} touching x\n", 8 * (n - v));
    }
    format!(
        "function spilling\narguments 0\nvalues {n} 1 0\nscratch x: vmem 0 + {}\nbody {{\n  \
         %s0 = smov_imm 0\n{body}}}\n",
        8 * (n + 1)
    )
}

struct Case {
    function: Function,
    code: crate::backend::flow::Code,
    emitted: Emitted,
}

fn case(text: &str) -> Case {
    let function = parse_function(text).expect("the text is legal");
    let (code, emitted) = schedule_and_allocate(&function, &TPU_V4).expect("it compiles");
    Case { function, code, emitted }
}

impl Case {
    fn check(&self, emitted: &Emitted) -> Result<(), super::CheckError> {
        check(&self.function, emitted, &self.code.loops, &TPU_V4)
    }

    /// The places of all ops but scalar constants, of which reloads may make some twice.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        let bundles = self.emitted.bundles.iter().enumerate();
        let all =
            bundles.flat_map(|(bundle, ops)| (0..ops.ops().len()).map(move |op| (bundle, op)));
        all.filter(|place| !matches!(self.op(*place), Op::SmovImm { .. }))
    }

    fn op(&self, (bundle, op): (usize, usize)) -> Op {
        self.emitted.bundles[bundle].ops()[op]
    }

    /// The program with the op at a place replaced by `ops`.
    fn with(&self, (bundle, at): (usize, usize), ops: &[Op]) -> Emitted {
        let origins = &self.emitted.origins;
        let mut emitted = Emitted {
            bundles: self.emitted.bundles.clone(),
            origins: origins.clone(),
            starts: self.emitted.starts.clone(),
        };
        let origin = origins[bundle][at];
        let (kept, mut kept_origins) =
            (emitted.bundles[bundle].ops().to_vec(), origins[bundle].clone());
        kept_origins.remove(at);
        let mut spoiled = Bundle::default();
        for (n, op) in kept.into_iter().enumerate() {
            if n != at {
                spoiled.push(op).expect("there was room");
            }
        }
        emitted.bundles[bundle] = spoiled;
        emitted.origins[bundle] = kept_origins;
        for op in ops {
            emitted.add(bundle, *op, origin);
        }
        emitted
    }
}

/// Changes the number of the `n`-th vector or mask that an op names. (Scalars may well hold the
/// same constant.)
struct Shift {
    n: usize,
    next: usize,
}

impl Shift {
    fn number(&mut self, number: u8, count: usize) -> u8 {
        self.next += 1;
        if self.next - 1 != self.n {
            return number;
        }
        u8::try_from((usize::from(number) + 1) % count).expect("there are few registers")
    }
}

impl Rename<VReg, SReg, MReg> for Shift {
    type V = VReg;
    type S = SReg;
    type M = MReg;
    fn v(&mut self, v: VReg) -> VReg {
        VReg(self.number(v.0, VReg::COUNT))
    }
    fn s(&mut self, s: SReg) -> SReg {
        s
    }
    fn m(&mut self, m: MReg) -> MReg {
        MReg(self.number(m.0, MReg::COUNT))
    }
}

#[test]
fn good_programs_pass() {
    for text in [LOOP.to_owned(), spilling()] {
        let case = case(&text);
        assert_eq!(case.check(&case.emitted), Ok(()));
    }
}

#[test]
fn a_missing_op_is_noticed() {
    for text in [LOOP.to_owned(), spilling()] {
        let case = case(&text);
        for place in case.places() {
            let spoiled = case.with(place, &[]);
            assert!(case.check(&spoiled).is_err(), "{:?} at {place:?}", case.op(place));
        }
    }
}

#[test]
fn another_register_is_noticed() {
    for text in [LOOP.to_owned(), spilling()] {
        let case = case(&text);
        for place in case.places() {
            let op = case.op(place);
            for n in 0..4 {
                let other = op.rename(&mut Shift { n, next: 0 });
                if other != op {
                    let spoiled = case.with(place, &[other]);
                    assert!(case.check(&spoiled).is_err(), "{op:?} as {other:?}");
                }
            }
        }
    }
}

#[test]
fn a_second_issue_is_noticed() {
    let case = case(LOOP);
    for place in case.places() {
        let op = case.op(place);
        let bundle = &case.emitted.bundles[place.0];
        let has_room = bundle.count(op.slot()) < op.slot().capacity();
        if has_room && case.emitted.origins[place.0][place.1].is_some() {
            assert!(case.check(&case.with(place, &[op, op])).is_err(), "{op:?} twice");
        }
    }
}
