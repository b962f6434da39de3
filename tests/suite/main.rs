//! The tests: the real binary, on real ports, over real HTTP; each test starts a server of its own.

mod accounts;
mod administration;
mod architecture;
mod browser;
mod document;
mod drift;
mod errors;
mod exposition;
mod harness;
mod last_admin;
mod lifecycle;
mod listing;
mod login;
mod observability;
mod permissions;
mod raw;
mod readme;
mod refresh;
mod register;
mod rehash;
mod revocation;
mod secrets;
mod sessions;
mod store_contract;
mod tokens;
