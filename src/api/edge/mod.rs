//! What holds for every request, whatever its handler does.

pub mod operation;
