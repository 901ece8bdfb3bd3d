//! Is the house in order? Limits on files, edges between crates, documents that follow the code.
//!
//! What a compiler or clippy lint can say is said there, not here.

mod tidy {
    pub(crate) mod documents;
    pub(crate) mod manifests;
    pub(crate) mod opcodes;
    pub(crate) mod sources;
    pub(crate) mod tree;
}
