//! The PJRT plugin: what JAX loads, and what it sees of the emulated chips.
//!
//! A thin skin: [`GetPjrtApi`] gives the table of the C interface, and each of its functions hands
//! its arguments on to `palmetto-runtime`. The modules below `abi` know the C structs, so that the
//! others work with references, slices and errors. `unsafe` is in `abi`, and where C calls us
//! outside of the table or keeps our objects: `api`, `error`, `extensions`, `memory`, `report`.
//!
//! Promises: no panic crosses the interface; structs of older callers are respected; every
//! function of the table is there (those that Palmetto does not have say so); functions that
//! callers do not expect to fail fail only on null pointers.

#![allow(unsafe_code, reason = "the C interface; the module's comment says where")]

mod abi;
mod api;
mod buffer;
mod client;
mod compile;
mod compile_options;
mod device;
mod element_type;
mod environment;
mod error;
mod event;
mod executable;
mod execute;
mod extensions;
mod host_transfer;
mod layout;
mod loaded;
mod memory;
mod plugin;
mod program;
mod proto;
mod report;
mod settings;
mod sharding;
mod topology;

pub use api::{Api, GetPjrtApi};
