//! Client, devices, buffers and loaded executables.
