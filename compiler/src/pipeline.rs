//! The order of the passes.

use thiserror::Error;

use crate::{
    hlo::{Module, verify},
    passes::{self, Changed, PassContext, PassError},
};

/// A pass with its name.
#[derive(Clone, Copy, Debug)]
pub struct Pass {
    /// The name in text forms and dumps.
    pub name: &'static str,
    /// The pass.
    pub run: fn(&mut Module, &PassContext) -> Result<Changed, PassError>,
    /// Whether it works on layouts. Where arrays have none, they are made row-major before it.
    pub needs_layouts: bool,
}

macro_rules! pass {
    ($name:ident) => {
        Pass { name: stringify!($name), run: passes::$name, needs_layouts: false }
    };
    ($name:ident with layouts) => {
        Pass { name: stringify!($name), run: passes::$name, needs_layouts: true }
    };
}

/// What turns an imported module into one that code is generated from.
pub const OPTIMIZE: &[Pass] = &[
    pass!(call_inliner),
    pass!(default_precision),
    pass!(zero_sized_elimination),
    pass!(rng_bit_generator_expander),
    pass!(convolution_decomposition),
    pass!(reduce_window_expander),
    pass!(select_and_scatter_expander),
    pass!(scatter_expander),
    pass!(gather_expander),
    pass!(sort_decomposition),
    pass!(tuple_simplifier),
    pass!(algebraic_simplifier),
    pass!(conditional_simplifier),
    pass!(while_loop_simplifier),
    pass!(cse),
    pass!(degenerate_dimension_remover),
    pass!(dot_canonicalization),
    pass!(integer_dot_decomposition),
    pass!(constant_folding),
    pass!(algebraic_simplifier),
    pass!(degenerate_dimension_remover),
    pass!(lane_interleaving),
    pass!(conditional_simplifier),
    pass!(while_loop_simplifier),
    pass!(tuple_simplifier),
    pass!(cse),
    pass!(barrier_expander),
    pass!(tuple_simplifier),
    pass!(dce),
    pass!(layout_assignment),
    pass!(layout_normalization with layouts),
    pass!(transpose_decomposition with layouts),
    pass!(movement_decomposition with layouts),
    pass!(reshape_decomposition with layouts),
    pass!(movement_widening with layouts),
    pass!(fusion),
    pass!(dce),
];

/// A pass failed, or what it made is not legal.
#[derive(Debug, Error)]
pub enum PipelineError {
    /// The pass says why.
    #[error("pass {pass}: {cause}")]
    Pass {
        /// Its name.
        pass: &'static str,
        /// Why.
        cause: PassError,
    },
    /// A bug of ours: the module is not legal after the pass.
    #[error("the module is not legal after pass {pass}: {cause}")]
    Verify {
        /// Its name.
        pass: &'static str,
        /// What is wrong.
        cause: String,
    },
}

/// The pass with this name.
pub fn find_pass(name: &str) -> Option<Pass> {
    OPTIMIZE.iter().find(|pass| pass.name == name).copied()
}

/// Runs passes in order. Each result is verified, and shown to `observe` if it differs.
///
/// # Errors
/// See [`PipelineError`].
pub fn run_passes(
    module: &mut Module,
    context: &PassContext,
    passes: &[Pass],
    observe: &mut dyn FnMut(&'static str, &Module),
) -> Result<(), PipelineError> {
    for pass in passes {
        if pass.needs_layouts {
            passes::assign_missing_layouts(module);
        }
        let changed = (pass.run)(module, context)
            .map_err(|cause| PipelineError::Pass { pass: pass.name, cause })?;
        if changed == Changed::Yes {
            verify(module).map_err(|cause| PipelineError::Verify {
                pass: pass.name,
                cause: cause.to_string(),
            })?;
            observe(pass.name, module);
        }
    }
    Ok(())
}
