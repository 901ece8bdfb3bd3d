//! The C interface: how the structs of its calls are laid out, read and written.
//!
//! Every function of the interface takes one struct that begins with its own size. [`Args`] is the
//! only way to one: fields that lie beyond the caller's size (an older caller's struct is shorter)
//! read as absent and are not written, and no reference to a whole struct is ever made. The tables
//! in this module's children say for each field which way it goes:
//!
//! | word | C type | what the accessor gives |
//! |---|---|---|
//! | `in` | `T` | the value |
//! | `out` | `T` | an [`Out`] to be set; the caller's struct is not initialised |
//! | `list` | `const T*` with its length | a slice |
//! | `object` | `T*` | a reference to one of our objects; null is an error |
//! | `maybe` | `T*` | the same, null is `None` |
//! | `owned` | `T*` | the object itself, to be dropped; null is `None` |
//! | `nested` | `T*` | [`Args`] of a struct that this one points to; null is an error |
//! | `in_place` | `T` | [`Args`] of a struct that lies in this one |
//! | `maybe_nested` | `T*` | `nested`, null is `None` |
//! | `maybe_unsized` | `T*` | the same for a struct whose size callers leave unset |

pub(crate) mod async_transfer;
pub(crate) mod buffer;
pub(crate) mod client;
pub(crate) mod core;
pub(crate) mod device;
pub(crate) mod executable;
pub(crate) mod extension;
pub(crate) mod foreign;
pub(crate) mod handle;
pub(crate) mod named_value;
pub(crate) mod topology;

#[cfg(test)]
mod layout_tests;

use std::ffi::c_void;
use std::marker::PhantomData;
use std::mem::size_of;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Code, Error, ErrorObject};
use handle::Object;

/// The two fields that every struct begins with.
#[repr(C)]
pub(crate) struct Header {
    pub(crate) struct_size: usize,
    pub(crate) extension_start: *mut c_void,
}

/// A struct of the interface that begins with a [`Header`].
///
/// # Safety
/// `SIZE` is the end of the last field, and the struct is laid out as C does.
pub(crate) unsafe trait CStruct {
    /// Its name in C.
    const NAME: &'static str;
    /// Its size as the interface counts it: up to the end of the last field.
    const SIZE: usize;

    /// Sets every field that goes out to zeros, and gives where they are: offset and size.
    #[cfg(test)]
    fn set_outs(args: Args<'_, Self>) -> Vec<(usize, usize)>
    where
        Self: Sized;
}

/// A plain value in a struct. Every bit pattern is a value.
///
/// # Safety
/// Any bytes of the type's size are a value of the type.
pub(crate) unsafe trait Value: Copy {
    /// What a field has that the caller's struct does not reach to.
    const ABSENT: Self;
}

macro_rules! integers {
    ($($T:ty)*) => { $(
        // SAFETY: integers have no invalid bit patterns.
        unsafe impl Value for $T { const ABSENT: Self = 0; }
    )* };
}
integers!(u8 i32 i64 u64 usize isize);

// SAFETY: raw pointers have no invalid bit patterns.
unsafe impl<T> Value for *const T {
    const ABSENT: Self = std::ptr::null();
}

// SAFETY: raw pointers have no invalid bit patterns.
unsafe impl<T> Value for *mut T {
    const ABSENT: Self = std::ptr::null_mut();
}

macro_rules! functions {
    ($(fn($($P:ident),*))*) => { $(
        // SAFETY: a function pointer from C is null or one of that type, the interface says.
        unsafe impl<R: Copy, $($P: Copy),*> Value for Option<unsafe extern "C" fn($($P),*) -> R> {
            const ABSENT: Self = None;
        }
    )* };
}
functions!(fn(A) fn(A, B) fn(A, B, C) fn(A, B, C, D, E));

/// A struct of one call, as long as the call lasts.
pub(crate) struct Args<'a, S> {
    start: *mut u8,
    size: usize,
    life: PhantomData<&'a S>,
}

impl<S> Clone for Args<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Args<'_, S> {}

impl<'a, S: CStruct> Args<'a, S> {
    /// The struct that a caller points to.
    ///
    /// # Errors
    /// The pointer is null, or the size that it says is impossible.
    ///
    /// # Safety
    /// The pointer is null, or points to a struct `S` of this or another version of the interface:
    /// its first field is its size; so many bytes may be read and written while `'a` lasts; and its
    /// fields are what the interface says (pointers valid with the lengths beside them, objects
    /// ours and alive).
    pub(crate) unsafe fn new(pointer: *mut S) -> Result<Self, Error> {
        if pointer.is_null() {
            return Err(Error::invalid(format!("{}: the pointer is null", S::NAME)));
        }
        let start = pointer.cast::<u8>();
        // SAFETY: every struct of the interface begins with its size.
        let size = unsafe { start.cast::<usize>().read_unaligned() };
        if size < size_of::<Header>() {
            let (name, least) = (S::NAME, size_of::<Header>());
            return Err(Error::invalid(format!(
                "{name}: struct_size is {size}, the least possible one is {least}"
            )));
        }
        Ok(Self { start, size, life: PhantomData })
    }

    fn holds<T>(self, offset: usize) -> bool {
        offset + size_of::<T>() <= self.size
    }

    /// Reads a field. For the accessors only, which know the offsets.
    fn read<T: Value>(self, offset: usize) -> T {
        if !self.holds::<T>(offset) {
            return T::ABSENT;
        }
        // SAFETY: the field lies within the caller's struct, and any bytes are a value.
        unsafe { self.start.add(offset).cast::<T>().read_unaligned() }
    }

    fn out<T: Copy>(self, offset: usize) -> Out<'a, T> {
        let place = self.holds::<T>(offset).then(|| {
            // SAFETY: the field lies within the caller's struct.
            unsafe { self.start.add(offset).cast::<T>() }
        });
        Out { place, life: PhantomData }
    }

    fn list<T>(self, name: &str, pointer: *const T, length: usize) -> Result<&'a [T], Error> {
        if length == 0 {
            return Ok(&[]);
        }
        self.non_null(name, pointer)?;
        // SAFETY: the interface says that so many elements are there while the call lasts.
        Ok(unsafe { std::slice::from_raw_parts(pointer, length) })
    }

    fn object<T: Object>(self, pointer: *mut T) -> Option<&'a T> {
        // SAFETY: the interface says that objects are alive while the call lasts; ours are only
        // changed through locks.
        unsafe { pointer.cast_const().as_ref() }
    }

    fn owned<T: Object>(self, pointer: *mut T) -> Option<Box<T>> {
        // SAFETY: the caller gives back what `handle::give` gave it, once.
        (!pointer.is_null()).then(|| unsafe { Box::from_raw(pointer) })
    }

    fn nested<T: CStruct>(self, pointer: *mut T) -> Result<Option<Args<'a, T>>, Error> {
        if pointer.is_null() {
            return Ok(None);
        }
        // SAFETY: the interface says that the struct is there while the call lasts.
        unsafe { Args::new(pointer) }.map(Some)
    }

    /// jaxlib leaves what is on its stack in the size of layouts; they have all fields since they
    /// exist.
    fn nested_unsized<T: CStruct>(self, pointer: *mut T) -> Option<Args<'a, T>> {
        let start = pointer.cast::<u8>();
        (!start.is_null()).then_some(Args { start, size: T::SIZE, life: PhantomData })
    }

    fn in_place<T: CStruct>(self, offset: usize) -> Result<Args<'a, T>, Error> {
        if !self.holds::<T>(offset) {
            return Err(Error::invalid(format!("{}: {} is missing", S::NAME, T::NAME)));
        }
        // Callers do not set the sizes of such structs: they are as this version has them.
        // SAFETY: the struct lies within the caller's struct.
        let start = unsafe { self.start.add(offset) };
        Ok(Args { start, size: T::SIZE, life: PhantomData })
    }

    fn non_null<T>(self, name: &str, pointer: *const T) -> Result<(), Error> {
        if pointer.is_null() { Err(null(S::NAME, name)) } else { Ok(()) }
    }
}

fn null(of: &str, name: &str) -> Error {
    Error::invalid(format!("{of}: `{name}` is null"))
}

/// A field that the callee has to write.
pub(crate) struct Out<'a, T> {
    place: Option<*mut T>,
    life: PhantomData<&'a T>,
}

impl<T: Copy> Out<'_, T> {
    /// Writes the field, if the caller's struct has it.
    pub(crate) fn set(self, value: T) {
        if let Some(place) = self.place {
            // SAFETY: the field lies within the caller's struct.
            unsafe { place.write_unaligned(value) }
        }
    }
}

/// A pointer and a length that say together where a list is that one of our objects owns.
pub(crate) fn set_list<T>(pointer: Out<'_, *const T>, length: Out<'_, usize>, list: &[T]) {
    pointer.set(list.as_ptr());
    length.set(list.len());
}

/// The same for a text.
pub(crate) fn set_text(pointer: Out<'_, *const u8>, length: Out<'_, usize>, text: &str) {
    set_list(pointer, length, text.as_bytes());
}

/// A text that the caller gave.
///
/// # Errors
/// It is no UTF-8.
pub(crate) fn text<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str, Error> {
    std::str::from_utf8(bytes).map_err(|error| Error::invalid(format!("`{name}`: {error}")))
}

/// Runs the body of a function of the interface: nothing that happens in there gets out but as an
/// error.
///
/// # Safety
/// `args` is as [`Args::new`] wants it.
pub(crate) unsafe fn enter<S: CStruct>(
    name: &'static str,
    args: *mut c_void,
    body: fn(Args<'_, S>) -> Result<(), Error>,
) -> *mut ErrorObject {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: the caller vouches for the struct.
        unsafe { Args::new(args.cast::<S>()) }.and_then(body)
    }));
    match outcome {
        Ok(Ok(())) => std::ptr::null_mut(),
        Ok(Err(error)) => error.give(),
        Err(panic) => panicked(name, &*panic).give(),
    }
}

/// What a panic becomes on its way to C.
pub(crate) fn panicked(name: &str, panic: &(dyn std::any::Any + Send)) -> Error {
    let words = panic.downcast_ref::<&str>().copied();
    let words = words.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let words = words.unwrap_or("no message");
    Error::new(Code::Internal, format!("{name}: an invariant of Palmetto broke: {words}"))
}

/// Declares the structs of the interface with an accessor per field.
macro_rules! c_structs {
    ($(struct $Name:ident {
        $($way:ident $field:ident: $T:ty $([$length:ident])?,)*
    })*) => { $(
        #[repr(C)]
        #[allow(dead_code, non_camel_case_types, reason = "laid out and named as in C")]
        pub(crate) struct $Name {
            pub(crate) struct_size: usize,
            pub(crate) extension_start: *mut std::ffi::c_void,
            $(pub(crate) $field: $crate::abi::c_type!($way $T),)*
        }

        impl Clone for $Name {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl Copy for $Name {}

        // SAFETY: `repr(C)`, and the fields are gone through in their order.
        unsafe impl $crate::abi::CStruct for $Name {
            const NAME: &'static str = stringify!($Name);
            const SIZE: usize = {
                let end = size_of::<$crate::abi::Header>();
                $(let end = {
                    let _ = end;
                    std::mem::offset_of!($Name, $field)
                        + size_of::<$crate::abi::c_type!($way $T)>()
                };)*
                end
            };

            #[cfg(test)]
            fn set_outs(args: $crate::abi::Args<'_, Self>) -> Vec<(usize, usize)> {
                let _ = args;
                let fields: &[Option<(usize, usize)>] =
                    &[$($crate::abi::set_out!(args $Name $way $field: $T)),*];
                fields.iter().copied().flatten().collect()
            }
        }

        #[allow(dead_code, reason = "the interface is whole, whatever of it is used")]
        impl<'a> $crate::abi::Args<'a, $Name> {
            $($crate::abi::accessor! { $Name $way $field: $T $([$length])? })*
        }
    )* };
}

/// The C type of a field.
macro_rules! c_type {
    (in $T:ty) => { $T };
    (out $T:ty) => { $T };
    (list $T:ty) => { *const $T };
    (in_place $T:ty) => { $T };
    ($way:ident $T:ty) => { *mut $T };
}

/// Sets a field to zeros, if it goes out.
#[cfg(test)]
macro_rules! set_out {
    ($args:ident $S:ident out $field:ident: $T:ty) => {{
        // SAFETY: what goes out are numbers, pointers, and structs of them; zeros are a value.
        $args.$field().set(unsafe { std::mem::zeroed::<$T>() });
        Some((std::mem::offset_of!($S, $field), size_of::<$T>()))
    }};
    ($args:ident $S:ident $way:ident $field:ident: $T:ty) => {
        None
    };
}

/// The accessor of a field.
macro_rules! accessor {
    ($S:ident in $field:ident: $T:ty) => {
        pub(crate) fn $field(self) -> $T {
            self.read(std::mem::offset_of!($S, $field))
        }
    };
    ($S:ident out $field:ident: $T:ty) => {
        pub(crate) fn $field(self) -> $crate::abi::Out<'a, $T> {
            self.out(std::mem::offset_of!($S, $field))
        }
    };
    ($S:ident list $field:ident: $T:ty [$length:ident]) => {
        pub(crate) fn $field(self) -> Result<&'a [$T], $crate::error::Error> {
            let pointer = self.read(std::mem::offset_of!($S, $field));
            self.list(stringify!($field), pointer, self.$length())
        }
    };
    ($S:ident object $field:ident: $T:ty) => {
        pub(crate) fn $field(self) -> Result<&'a $T, $crate::error::Error> {
            let object = self.object(self.read(std::mem::offset_of!($S, $field)));
            object.ok_or_else(|| $crate::abi::null(stringify!($S), stringify!($field)))
        }
    };
    ($S:ident maybe $field:ident: $T:ty) => {
        pub(crate) fn $field(self) -> Option<&'a $T> {
            self.object(self.read(std::mem::offset_of!($S, $field)))
        }
    };
    ($S:ident owned $field:ident: $T:ty) => {
        pub(crate) fn $field(self) -> Option<Box<$T>> {
            self.owned(self.read(std::mem::offset_of!($S, $field)))
        }
    };
    ($S:ident in_place $field:ident: $T:ty) => {
        pub(crate) fn $field(self) -> Result<$crate::abi::Args<'a, $T>, $crate::error::Error> {
            self.in_place(std::mem::offset_of!($S, $field))
        }
    };
    ($S:ident nested $field:ident: $T:ty) => {
        pub(crate) fn $field(self) -> Result<$crate::abi::Args<'a, $T>, $crate::error::Error> {
            let nested = self.nested(self.read(std::mem::offset_of!($S, $field)))?;
            nested.ok_or_else(|| $crate::abi::null(stringify!($S), stringify!($field)))
        }
    };
    ($S:ident maybe_nested $field:ident: $T:ty) => {
        pub(crate) fn $field(
            self,
        ) -> Result<Option<$crate::abi::Args<'a, $T>>, $crate::error::Error> {
            self.nested(self.read(std::mem::offset_of!($S, $field)))
        }
    };
    ($S:ident maybe_unsized $field:ident: $T:ty) => {
        pub(crate) fn $field(self) -> Option<$crate::abi::Args<'a, $T>> {
            self.nested_unsized(self.read(std::mem::offset_of!($S, $field)))
        }
    };
}

#[cfg(test)]
pub(crate) use set_out;
pub(crate) use {accessor, c_structs, c_type};
