//! Our objects on the other side of the interface: pointers that are given and taken back.

use std::ffi::c_void;

/// Something that C holds pointers to. It is used from any thread, and only through `&`.
pub(crate) trait Object: Send + Sync + 'static {}

/// Gives an object away; it comes back through an `owned` field.
pub(crate) fn give<T: Object>(object: T) -> *mut T {
    Box::into_raw(Box::new(object))
}

/// A pointer to an object that somebody of ours owns, kept in lists that C reads.
#[repr(transparent)]
pub(crate) struct Handle<T>(*mut T);

// SAFETY: a handle is no more than `&T`, and that is `Send` for what is `Sync`.
unsafe impl<T: Object> Send for Handle<T> {}
// SAFETY: likewise.
unsafe impl<T: Object> Sync for Handle<T> {}

impl<T> Clone for Handle<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Handle<T> {}

impl<T: Object> Handle<T> {
    /// Of an object that stays where it is for as long as C may use the pointer.
    pub(crate) fn of(object: &T) -> Self {
        Self(std::ptr::from_ref(object).cast_mut())
    }

    /// As C sees it.
    pub(crate) fn pointer(self) -> *mut T {
        self.0
    }

    /// Whether it is this object.
    pub(crate) fn is(self, object: &T) -> bool {
        std::ptr::eq(self.0, object)
    }
}

/// A list of handles as C sees it.
pub(crate) fn pointers<T>(handles: &[Handle<T>]) -> &[*mut T] {
    // SAFETY: a handle is a transparent pointer.
    unsafe { std::slice::from_raw_parts(handles.as_ptr().cast(), handles.len()) }
}

/// Bytes that C reads until it calls [`delete_bytes`] on them.
pub(crate) struct Serialized(pub(crate) Vec<u8>);

impl Object for Serialized {}

/// A function of ours that C calls to give something back.
pub(crate) type Deleter = unsafe extern "C" fn(*mut Serialized);

/// The deleter of [`Serialized`].
///
/// # Safety
/// `bytes` is null, or was given away and not yet been deleted.
pub(crate) unsafe extern "C" fn delete_bytes(bytes: *mut Serialized) {
    if !bytes.is_null() {
        // SAFETY: the caller gives back what it was given, once.
        drop(unsafe { Box::from_raw(bytes) });
    }
}

/// Bytes that belong to C: where they are, and what to call [`delete_bytes`] on.
pub(crate) struct Leaked {
    /// The first byte.
    pub(crate) start: *mut u8,
    /// What owns them.
    pub(crate) owner: *mut c_void,
}

/// Gives bytes away that C may write to.
pub(crate) fn leak_bytes(mut bytes: Vec<u8>) -> Leaked {
    let start = bytes.as_mut_ptr();
    Leaked { start, owner: give(Serialized(bytes)).cast() }
}

/// The deleter of what is owned by an object that has a destroy function of its own.
pub(crate) type DeleteNothing = unsafe extern "C" fn(*mut c_void);

/// See [`DeleteNothing`].
pub(crate) unsafe extern "C" fn delete_nothing(_: *mut c_void) {}

/// Texts as C reads lists of them: pointers and sizes.
#[derive(Default)]
pub(crate) struct TextList {
    _texts: Vec<Vec<u8>>,
    pointers: Vec<*const u8>,
    sizes: Vec<usize>,
}

// SAFETY: the pointers are to the heap buffers of the texts, which nobody changes.
unsafe impl Send for TextList {}
// SAFETY: likewise.
unsafe impl Sync for TextList {}

impl TextList {
    /// Of texts, or other bytes.
    pub(crate) fn new(texts: Vec<Vec<u8>>) -> Self {
        let pointers = texts.iter().map(|text| text.as_ptr()).collect();
        let sizes = texts.iter().map(Vec::len).collect();
        Self { _texts: texts, pointers, sizes }
    }

    /// Where each text begins.
    pub(crate) fn pointers(&self) -> &[*const u8] {
        &self.pointers
    }

    /// How long each text is.
    pub(crate) fn sizes(&self) -> &[usize] {
        &self.sizes
    }
}
