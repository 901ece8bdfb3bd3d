//! Numbers of values -> values.
//!
//! A region's values are numbered after those of the regions around it, up to the next operation
//! that is isolated from above; there, numbers start again. A region says how many values it has
//! before they are defined; nothing is made of that number but a limit.

use std::rc::Rc;

use super::decoder::Decoded;
use super::reader::{Reader, error_at};
use crate::frontend::source::{SourceResult, counted};
use crate::frontend::syntax::{Type, ValueId};

/// A defined value.
pub(super) type Value = (ValueId, Rc<Decoded<Type>>);

/// The values of one region.
struct Frame {
    /// The number of its first value.
    base: usize,
    /// How many it has.
    count: usize,
    /// Those so far. `None` is the result of an operation whose regions are being read.
    values: Vec<Option<Value>>,
}

/// The values that are visible.
#[derive(Default)]
pub(super) struct Values {
    /// The open regions; those in an isolated operation apart from those around it.
    scopes: Vec<Vec<Frame>>,
    defined: u32,
}

/// Results whose place is taken, but which are not defined yet.
pub(super) struct Reserved(usize);

impl Values {
    /// Hides every value that there is.
    pub(super) fn enter_isolated(&mut self) {
        self.scopes.push(Vec::new());
    }

    pub(super) fn leave_isolated(&mut self) {
        self.scopes.pop();
    }

    /// Enters a region and reads how many values it has.
    pub(super) fn enter_region(&mut self, reader: &mut Reader<'_>) -> SourceResult<()> {
        let count = reader.count("values")?;
        if self.scopes.is_empty() {
            self.scopes.push(Vec::new());
        }
        if let Some(frames) = self.scopes.last_mut() {
            let base = frames.last().map_or(0, |frame| frame.base + frame.count);
            frames.push(Frame { base, count, values: Vec::new() });
        }
        Ok(())
    }

    /// Leaves a region, of which everything has to be defined.
    pub(super) fn leave_region(&mut self, at: usize) -> SourceResult<()> {
        match self.scopes.last_mut().and_then(Vec::pop) {
            Some(frame) if frame.values.len() != frame.count => {
                let (count, defined) = (counted(frame.count, "value"), frame.values.len());
                Err(error_at(at, format!("a region has {count}, but defines {defined}")))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Takes the next numbers of the innermost region.
    pub(super) fn reserve(&mut self, count: usize, at: usize) -> SourceResult<Reserved> {
        let frame = self.scopes.last_mut().and_then(|frames| frames.last_mut());
        let Some(frame) = frame else {
            // Only a module is in no region.
            if count == 0 {
                return Ok(Reserved(0));
            }
            return Err(error_at(at, "an operation in no region has no results"));
        };
        let first = frame.values.len();
        if count > frame.count - first {
            let message =
                format!("more than the {} that the region has", counted(frame.count, "value"));
            return Err(error_at(at, message));
        }
        frame.values.resize(first + count, None);
        Ok(Reserved(first))
    }

    /// Defines new values in reserved places.
    pub(super) fn define(
        &mut self,
        reserved: &Reserved,
        types: &[Rc<Decoded<Type>>],
        at: usize,
    ) -> SourceResult<Vec<ValueId>> {
        let mut ids = Vec::with_capacity(types.len());
        for (index, value_type) in types.iter().enumerate() {
            let id = ValueId(self.defined);
            self.defined =
                self.defined.checked_add(1).ok_or_else(|| error_at(at, "too many values"))?;
            self.set(reserved, index, (id, Rc::clone(value_type)));
            ids.push(id);
        }
        Ok(ids)
    }

    /// Gives a reserved place a value that there is already.
    pub(super) fn set(&mut self, reserved: &Reserved, index: usize, value: Value) {
        let frame = self.scopes.last_mut().and_then(|frames| frames.last_mut());
        if let Some(slot) = frame.and_then(|frame| frame.values.get_mut(reserved.0 + index)) {
            *slot = Some(value);
        }
    }

    /// Reads the number of a value, which has to be defined already.
    pub(super) fn read(&self, reader: &mut Reader<'_>) -> SourceResult<Value> {
        let at = reader.offset();
        let number = reader.varint()?;
        let undefined = || error_at(at, format!("value {number} is not defined here"));
        let index = usize::try_from(number).map_err(|_| undefined())?;
        let frames = self.scopes.last().map_or(&[][..], Vec::as_slice);
        // The last region that starts at or before the number.
        let frame = frames.partition_point(|frame| frame.base <= index).checked_sub(1);
        let frame = frame.map(|frame| &frames[frame]).ok_or_else(undefined)?;
        let slot = frame.values.get(index - frame.base);
        slot.cloned().flatten().ok_or_else(undefined)
    }
}
