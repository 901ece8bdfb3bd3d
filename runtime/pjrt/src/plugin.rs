//! The plugin itself: its attributes.

use std::sync::OnceLock;

use palmetto_runtime::PORTABLE_VERSIONS;

use crate::abi::core::{PJRT_Plugin_Attributes_Args, PJRT_Plugin_Initialize_Args};
use crate::abi::named_value::{NamedValue, NamedValues};
use crate::abi::{Args, set_list};
use crate::error::Error;

/// The version of the interface to XLA that callers look at for features of its compiler.
const XLA_VERSION: i64 = 2;

/// Nothing is left to initialise when the library is loaded.
#[expect(clippy::unnecessary_wraps, reason = "as every function of the table")]
pub(crate) fn initialize(_: Args<'_, PJRT_Plugin_Initialize_Args>) -> Result<(), Error> {
    Ok(())
}

#[expect(clippy::unnecessary_wraps, reason = "as every function of the table")]
pub(crate) fn attributes(args: Args<'_, PJRT_Plugin_Attributes_Args>) -> Result<(), Error> {
    static ATTRIBUTES: OnceLock<NamedValues> = OnceLock::new();
    let attributes = ATTRIBUTES.get_or_init(|| {
        let version = |numbers: [u32; 3]| NamedValue::Integers(numbers.map(i64::from).to_vec());
        // Callers send programs of the current version, or of their own if that is older.
        let [minimum, current] = PORTABLE_VERSIONS;
        NamedValues::new([
            ("xla_version", NamedValue::Integer(XLA_VERSION)),
            ("stablehlo_current_version", version(current)),
            ("stablehlo_minimum_version", version(minimum)),
        ])
    });
    set_list(args.attributes(), args.num_attributes(), attributes.c());
    Ok(())
}
