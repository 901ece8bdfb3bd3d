//! What `default` means: dots and convolutions that leave the precision of an operand open get the
//! one of the options.

use super::{Changed, PassContext, PassError};
use crate::{
    analysis::sequential_computations,
    hlo::{ComputationBuilder, Extras, Module, Op, OperandPrecision, Precision, rewrite},
};

/// See the module.
///
/// # Errors
/// None; the signature is that of all passes.
pub fn default_precision(module: &mut Module, context: &PassContext) -> Result<Changed, PassError> {
    let wanted = context.options.default_precision;
    let mut changed = Changed::No;
    if wanted == Precision::Default {
        return Ok(changed);
    }
    let pick = |given| if given == Precision::Default { wanted } else { given };
    for computation in sequential_computations(module) {
        for id in module.computation(computation).post_order() {
            let instruction = module.instruction(computation, id);
            let mut op = instruction.op().clone();
            let (Op::Dot { operand_precision: precision, .. }
            | Op::Convolution { operand_precision: precision, .. }) = &mut op
            else {
                continue;
            };
            let given = *precision;
            *precision = OperandPrecision { lhs: pick(given.lhs), rhs: pick(given.rhs) };
            if *precision == given {
                continue;
            }
            let operands = instruction.operands().to_vec();
            let extras = Extras {
                name: Some(instruction.name().to_owned()),
                shape: Some(instruction.shape().clone()),
                metadata: Some(instruction.metadata().clone()),
                ..Extras::default()
            };
            let mut builder = ComputationBuilder::new(module, computation);
            let new = builder.add_with(op, &operands, extras).expect("only the precision differs");
            rewrite::replace(module, computation, id, new);
            changed = Changed::Yes;
        }
    }
    Ok(changed)
}
