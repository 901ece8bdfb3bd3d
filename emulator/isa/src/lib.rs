//! The machine language of the emulated TPU and the numbers of its chips.
