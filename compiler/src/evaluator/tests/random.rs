//! Properties over random modules.
