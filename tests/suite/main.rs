//! The tests: the real binary, on real ports, over real HTTP; each test starts a server of its own.

mod browser;
mod harness;
mod readme;
mod register;
