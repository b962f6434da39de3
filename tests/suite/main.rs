//! The tests: the real binary, on real ports, over real HTTP; each test starts a server of its own.

mod accounts;
mod administration;
mod browser;
mod harness;
mod last_admin;
mod listing;
mod login;
mod readme;
mod refresh;
mod register;
mod rehash;
mod revocation;
mod sessions;
mod tokens;
