//! What makes LLO legal on a chip.
//!
//! * A value is defined once, before it is used, in the block that uses it or in one around it; its
//!   number is below the function's count. The values of a loop: trip count and initial values are
//!   defined before it, index and parameters in its body, next values at the end of the body,
//!   results after it. The four values of a carried value are of one class.
//! * No branches and no `halt`: control flow is loops, at most [`MAX_DEPTH`] deep.
//! * Units, parts, sublanes and descriptors that immediates name exist; descriptors walk at most as
//!   many dimensions as the engine.
//! * Scratches are in VMEM or SMEM, fit into it and do not overlap; scratch 0 holds the launch
//!   arguments. An op touches a scratch of the memory that it works on, and only memory, DMA and
//!   wait ops touch any.
//!
//! What depends on values (addresses, what FIFOs hold, sync flags) is not checked here.

use super::{Block, Function, LloOp, Loop, M, S, Scratch, ScratchId, Statement, V, Value};
use palmetto_isa::{
    ChipSpec, DmaDescriptor, MemorySpace, Slot,
    memory::{GRANULE_BYTES, GRANULE_WORDS, SUBLANES},
    op::Operand,
};
use thiserror::Error;

/// How deep loops may be nested.
pub const MAX_DEPTH: usize = 32;

/// Why a function is not legal. Statements are counted in the order of the text, loops included.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LloError {
    /// A value is used where it is not defined.
    #[error("statement {statement} `{op}`: {value} is not defined here")]
    Undefined {
        /// The number of the statement.
        statement: usize,
        /// The op, or `loop`.
        op: &'static str,
        /// The value.
        value: Value,
    },
    /// A value is defined twice.
    #[error("statement {statement} `{op}`: {value} is defined a second time")]
    DefinedTwice {
        /// The number of the statement.
        statement: usize,
        /// The op, or `loop`.
        op: &'static str,
        /// The value.
        value: Value,
    },
    /// The number of a value is too large.
    #[error(
        "statement {statement} `{op}`: the function says that it has {count} values of the class of {value}"
    )]
    NumberTooLarge {
        /// The number of the statement.
        statement: usize,
        /// The op, or `loop`.
        op: &'static str,
        /// The value.
        value: Value,
        /// How many the function says that it has.
        count: u32,
    },
    /// The four values of a carried value are not of one class.
    #[error(
        "statement {statement} `loop`: {parameter} is carried, and {other} is of another class"
    )]
    MixedClasses {
        /// The number of the statement.
        statement: usize,
        /// The parameter.
        parameter: Value,
        /// The one that differs.
        other: Value,
    },
    /// Loops are nested too deep.
    #[error("statement {statement} `loop`: loops are nested more than {MAX_DEPTH} deep")]
    TooDeep {
        /// The number of the statement.
        statement: usize,
    },
    /// An op that LLO does not have.
    #[error("statement {statement} `{op}`: control flow is loops; LLO has no branches")]
    Branch {
        /// The number of the statement.
        statement: usize,
        /// The op.
        op: &'static str,
    },
    /// An immediate names something that does not exist.
    #[error("statement {statement} `{op}` has {field} {found}, it has to be below {limit}")]
    Immediate {
        /// The number of the statement.
        statement: usize,
        /// The op.
        op: &'static str,
        /// The field of the op.
        field: &'static str,
        /// Its value.
        found: u32,
        /// What it has to stay below.
        limit: u64,
    },
    /// An op touches a scratch that it cannot touch.
    #[error("statement {statement} `{op}` touches scratch {scratch}, it may touch {allowed}")]
    Touches {
        /// The number of the statement.
        statement: usize,
        /// The op.
        op: &'static str,
        /// The number of the scratch.
        scratch: u32,
        /// What it may touch.
        allowed: String,
    },
    /// A DMA descriptor is illegal.
    #[error("DMA descriptor {descriptor} has {found} dimensions, at most {limit} are walked")]
    Descriptor {
        /// The index of the descriptor.
        descriptor: usize,
        /// Its dimensions.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A scratch is not where a scratch may be.
    #[error("scratch {scratch} `{name}`: {problem}")]
    Scratch {
        /// The number of the scratch.
        scratch: usize,
        /// Its name.
        name: String,
        /// What is wrong.
        problem: String,
    },
}

/// Checks that `function` is legal on `chip`.
///
/// # Errors
/// The first rule that it breaks.
pub fn verify_function(function: &Function, chip: &ChipSpec) -> Result<(), LloError> {
    for (descriptor, DmaDescriptor { dimensions, .. }) in function.descriptors.iter().enumerate() {
        let (found, limit) = (dimensions.len(), DmaDescriptor::MAX_DIMENSIONS);
        if found > limit {
            return Err(LloError::Descriptor { descriptor, found, limit });
        }
    }
    verify_scratches(function, chip)?;
    let (vectors, scalars, masks) = function.n_values;
    let mut verifier = Verifier {
        function,
        chip,
        counts: [vectors, scalars, masks],
        states: [vectors, scalars, masks].map(|_| Vec::new()),
        visible: Vec::new(),
        statement: 0,
        op: "",
    };
    verifier.block(&function.body, 0)
}

fn verify_scratches(function: &Function, chip: &ChipSpec) -> Result<(), LloError> {
    for (index, scratch) in function.scratches.iter().enumerate() {
        let problem = |problem: String| {
            Err(LloError::Scratch { scratch: index, name: scratch.name.clone(), problem })
        };
        let end = u64::from(scratch.base) + u64::from(scratch.granules);
        let limit = match scratch.space {
            MemorySpace::Vmem => chip.vmem_bytes / GRANULE_BYTES as u64,
            MemorySpace::Smem => chip.smem_bytes / GRANULE_BYTES as u64,
            MemorySpace::Hbm | MemorySpace::Cmem => {
                return problem(format!(
                    "it is in {}, scratches are in vmem or smem",
                    scratch.space
                ));
            }
        };
        if end > limit {
            let space = scratch.space;
            return problem(format!("it ends at granule {end}, {space} has {limit}"));
        }
        let overlaps = |other: &Scratch| {
            let other_end = u64::from(other.base) + u64::from(other.granules);
            other.space == scratch.space
                && other.granules > 0
                && scratch.granules > 0
                && u64::from(other.base) < end
                && u64::from(scratch.base) < other_end
        };
        if let Some(other) = function.scratches[..index].iter().position(overlaps) {
            return problem(format!(
                "it overlaps scratch {other} `{}`",
                function.scratches[other].name
            ));
        }
    }
    let words = u64::from(function.n_arguments);
    let holds_arguments = |scratch: &Scratch| {
        let held = u64::from(scratch.granules) * GRANULE_WORDS as u64;
        scratch.space == MemorySpace::Smem && scratch.base == 0 && held >= words
    };
    match function.scratches.first() {
        Some(scratch) if !holds_arguments(scratch) => Err(LloError::Scratch {
            scratch: 0,
            name: scratch.name.clone(),
            problem: format!("it has to hold the {words} launch arguments, from granule 0 of smem"),
        }),
        None if words > 0 => Err(LloError::Scratch {
            scratch: 0,
            name: String::new(),
            problem: format!("there is none to hold the {words} launch arguments"),
        }),
        Some(_) | None => Ok(()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unseen,
    Visible,
    /// Defined in a block that has ended.
    Gone,
}

struct Verifier<'a> {
    function: &'a Function,
    chip: &'a ChipSpec,
    counts: [u32; 3],
    /// What is known of the values of each class that were seen so far.
    states: [Vec<State>; 3],
    /// The visible values, in the order of their definitions.
    visible: Vec<Value>,
    statement: usize,
    op: &'static str,
}

fn place(value: Value) -> (usize, u32) {
    match value {
        Value::V(V(number)) => (0, number),
        Value::S(S(number)) => (1, number),
        Value::M(M(number)) => (2, number),
    }
}

impl Verifier<'_> {
    fn block(&mut self, block: &Block, depth: usize) -> Result<(), LloError> {
        for statement in block {
            match statement {
                Statement::Op { op, touches } => self.op(op, *touches)?,
                Statement::Loop(l) => self.one_loop(l, depth)?,
            }
            self.statement += 1;
        }
        Ok(())
    }

    fn used(&mut self, value: Value) -> Result<(), LloError> {
        let (class, number) = place(value);
        if self.states[class].get(number as usize) == Some(&State::Visible) {
            return Ok(());
        }
        Err(LloError::Undefined { statement: self.statement, op: self.op, value })
    }

    fn defined(&mut self, value: Value) -> Result<(), LloError> {
        let (class, number) = place(value);
        let (statement, op, count) = (self.statement, self.op, self.counts[class]);
        if number >= count {
            return Err(LloError::NumberTooLarge { statement, op, value, count });
        }
        let states = &mut self.states[class];
        if states.len() <= number as usize {
            states.resize(number as usize + 1, State::Unseen);
        }
        if states[number as usize] != State::Unseen {
            return Err(LloError::DefinedTwice { statement, op, value });
        }
        states[number as usize] = State::Visible;
        self.visible.push(value);
        Ok(())
    }

    fn one_loop(&mut self, l: &Loop, depth: usize) -> Result<(), LloError> {
        let statement = self.statement;
        if depth == MAX_DEPTH {
            return Err(LloError::TooDeep { statement });
        }
        self.op = "loop";
        self.used(Value::S(l.trip_count))?;
        for carried in &l.carried {
            let parameter = carried.parameter;
            for other in [carried.initial, carried.next, carried.result] {
                if place(other).0 != place(parameter).0 {
                    return Err(LloError::MixedClasses { statement, parameter, other });
                }
            }
            self.used(carried.initial)?;
        }
        let n_visible = self.visible.len();
        self.defined(Value::S(l.index))?;
        for carried in &l.carried {
            self.defined(carried.parameter)?;
        }
        self.statement += 1;
        self.block(&l.body, depth + 1)?;
        // The statement number stands behind the body here: `block` adds the loop's own one.
        self.statement -= 1;
        self.op = "loop";
        for carried in &l.carried {
            self.used(carried.next)?;
        }
        for value in self.visible.split_off(n_visible) {
            let (class, number) = place(value);
            self.states[class][number as usize] = State::Gone;
        }
        for carried in &l.carried {
            self.defined(carried.result)?;
        }
        Ok(())
    }

    fn op(&mut self, op: &LloOp, touches: Option<ScratchId>) -> Result<(), LloError> {
        let statement = self.statement;
        self.op = op.name();
        if op.slot() == Slot::Branch {
            return Err(LloError::Branch { statement, op: op.name() });
        }
        for (field, operand) in op.operand_fields() {
            if let Some(value) = value_of(operand) {
                self.used(value)?;
            } else if let Operand::Immediate(found) = operand
                && let Some(limit) = self.limit(op, field.name)
                && u64::from(found) >= limit
            {
                let (op, field) = (op.name(), field.name);
                return Err(LloError::Immediate { statement, op, field, found, limit });
            }
        }
        for result in op.results().into_iter().filter_map(value_of) {
            self.defined(result)?;
        }
        touches.map_or(Ok(()), |scratch| self.touches(op, scratch))
    }

    /// What an immediate that names something has to stay below.
    fn limit(&self, op: &LloOp, field: &str) -> Option<u64> {
        match field {
            "descriptor" => Some(self.function.descriptors.len() as u64),
            "unit" => Some(u64::from(self.chip.n_xlus)),
            "mxu" => Some(u64::from(self.chip.n_mxus)),
            "part" => Some(if op.name().ends_with('8') { 4 } else { 2 }),
            "amount" | "index" => Some(SUBLANES as u64),
            _ => None,
        }
    }

    fn touches(&self, op: &LloOp, scratch: ScratchId) -> Result<(), LloError> {
        let space = self.function.scratches.get(scratch.0 as usize).map(|scratch| scratch.space);
        let is_scalar = matches!(op, LloOp::Sld { .. } | LloOp::Sst { .. });
        let (fits, allowed) = match op.slot() {
            Slot::VectorLoad | Slot::VectorStore => {
                (space == Some(MemorySpace::Vmem), "a scratch in vmem".to_owned())
            }
            Slot::Scalar if is_scalar => {
                (space == Some(MemorySpace::Smem), "a scratch in smem".to_owned())
            }
            Slot::Dma => self.dma_touches(op, space),
            Slot::Scalar
            | Slot::Branch
            | Slot::VectorAlu
            | Slot::EupPush
            | Slot::XluPush
            | Slot::MxuPush
            | Slot::Matmul
            | Slot::Pop => (false, "none".to_owned()),
        };
        if fits {
            return Ok(());
        }
        let (statement, scratch) = (self.statement, scratch.0);
        Err(LloError::Touches { statement, op: op.name(), scratch, allowed })
    }

    fn dma_touches(&self, op: &LloOp, space: Option<MemorySpace>) -> (bool, String) {
        let (LloOp::DmaStart { descriptor, .. } | LloOp::DmaSend { descriptor, .. }) = *op else {
            return (space.is_some(), "any scratch".to_owned());
        };
        let DmaDescriptor { source, target, .. } = &self.function.descriptors[descriptor as usize];
        let fits = space.is_some_and(|space| space == *source || space == *target);
        (fits, format!("a scratch in {source} or {target}"))
    }
}

fn value_of(operand: Operand<V, S, M>) -> Option<Value> {
    match operand {
        Operand::V(v) => Some(Value::V(v)),
        Operand::S(s) => Some(Value::S(s)),
        Operand::M(m) => Some(Value::M(m)),
        Operand::Immediate(_) => None,
    }
}
