//! Programs from outside -> HLO.
mod source;
mod syntax;
mod text;
