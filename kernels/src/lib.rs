//! LLO and the device kernels written in it.
