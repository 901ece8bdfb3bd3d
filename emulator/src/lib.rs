//! The emulator: runs bundle programs on emulated chips.
