//! The extension of layouts: how arrays lie on the device, as text (`{1,0:T(8,128)}`).

use std::collections::BTreeMap;
use std::ffi::c_int;
use std::sync::{Mutex, PoisonError};

use palmetto_runtime::{ArrayShape, Layout};

use crate::abi::extension::{
    PJRT_Layouts_MemoryLayout_Destroy_Args, PJRT_Layouts_MemoryLayout_Serialize_Args,
    PJRT_Layouts_PJRT_Buffer_MemoryLayout_Args, PJRT_Layouts_PJRT_Client_GetDefaultLayout_Args,
    PJRT_Layouts_PJRT_Executable_GetOutputLayouts_Args,
    PJRT_Layouts_PJRT_Executable_GetParameterLayouts_Args,
    PJRT_Layouts_PJRT_Topology_GetDefaultLayout_Args,
};
use crate::abi::handle::{self, Handle, Object, pointers};
use crate::abi::{Args, Out, set_list, set_text};
use crate::element_type;
use crate::error::Error;

/// `PJRT_Layouts_MemoryLayout`. Layouts are kept for ever: there are few different ones, and
/// callers differ in whether they destroy those of an executable.
pub(crate) struct MemoryLayout {
    text: String,
}

impl Object for MemoryLayout {}

impl MemoryLayout {
    /// The one object of a layout.
    pub(crate) fn of(layout: &Layout) -> &'static Self {
        static LAYOUTS: Mutex<BTreeMap<String, &'static MemoryLayout>> =
            Mutex::new(BTreeMap::new());
        let text = layout.to_string();
        let mut layouts = LAYOUTS.lock().unwrap_or_else(PoisonError::into_inner);
        layouts.entry(text.clone()).or_insert_with(|| Box::leak(Box::new(Self { text })))
    }

    /// The layout of a shape that has one, or else row-major.
    pub(crate) fn of_shape(shape: &ArrayShape) -> &'static Self {
        match shape.layout() {
            Some(layout) => Self::of(layout),
            None => Self::of(&Layout::descending(shape.rank())),
        }
    }
}

/// See [`MemoryLayout`]: there is nothing to do.
pub(crate) fn destroy(args: Args<'_, PJRT_Layouts_MemoryLayout_Destroy_Args>) -> Result<(), Error> {
    args.layout().map(|_| ())
}

pub(crate) fn serialize(
    args: Args<'_, PJRT_Layouts_MemoryLayout_Serialize_Args>,
) -> Result<(), Error> {
    set_text(args.serialized_bytes(), args.serialized_bytes_size(), &args.layout()?.text);
    // The text belongs to the layout.
    args.serialized_layout().set(std::ptr::null_mut());
    args.serialized_layout_deleter().set(Some(handle::delete_bytes));
    Ok(())
}

pub(crate) fn of_buffer(
    args: Args<'_, PJRT_Layouts_PJRT_Buffer_MemoryLayout_Args>,
) -> Result<(), Error> {
    give(args.layout(), MemoryLayout::of_shape(args.buffer()?.runtime.shape()));
    Ok(())
}

pub(crate) fn client_default(
    args: Args<'_, PJRT_Layouts_PJRT_Client_GetDefaultLayout_Args>,
) -> Result<(), Error> {
    args.client()?;
    give(args.layout(), default_layout(args.r#type(), args.dims()?)?);
    Ok(())
}

pub(crate) fn topology_default(
    args: Args<'_, PJRT_Layouts_PJRT_Topology_GetDefaultLayout_Args>,
) -> Result<(), Error> {
    args.topology_description()?;
    give(args.layout(), default_layout(args.r#type(), args.dims()?)?);
    Ok(())
}

pub(crate) fn of_outputs(
    args: Args<'_, PJRT_Layouts_PJRT_Executable_GetOutputLayouts_Args>,
) -> Result<(), Error> {
    let layouts = &args.executable()?.results.layouts;
    set_list(args.layouts(), args.num_outputs(), pointers(layouts));
    Ok(())
}

pub(crate) fn of_parameters(
    args: Args<'_, PJRT_Layouts_PJRT_Executable_GetParameterLayouts_Args>,
) -> Result<(), Error> {
    let layouts = &args.executable()?.parameters.layouts;
    set_list(args.layouts(), args.num_parameters(), pointers(layouts));
    Ok(())
}

fn give(out: Out<'_, *mut MemoryLayout>, layout: &'static MemoryLayout) {
    out.set(Handle::of(layout).pointer());
}

/// How the device keeps such an array if nobody says otherwise.
fn default_layout(number: c_int, dims: &[i64]) -> Result<&'static MemoryLayout, Error> {
    let shape = array_shape(number, dims)?;
    Ok(MemoryLayout::of_shape(&shape.with_default_tpu_layout()))
}

/// The shape that a caller describes.
///
/// # Errors
/// There is no such type, or the dimensions are negative or too large.
pub(crate) fn array_shape(number: c_int, dims: &[i64]) -> Result<ArrayShape, Error> {
    let element_type = element_type::from_number(number)?;
    let dimensions: Result<Vec<usize>, _> = dims.iter().map(|&dim| usize::try_from(dim)).collect();
    let dimensions = dimensions.map_err(|_| Error::invalid(format!("dimensions {dims:?}")))?;
    ArrayShape::new(element_type, dimensions).map_err(|error| Error::invalid(error.to_string()))
}
