//! Helpers of the tests: servers, clients, and readers of answers.

pub mod alone;
pub mod browser;
pub mod document;
pub mod forger;
pub mod harness;
pub mod http2;
pub mod nginx;
pub mod raw;
pub mod statements;

/// An item with attributes that come in brackets, such as `[#[ignore = "needs Redis"]]`.
macro_rules! with_attributes {
    ([$($attributes:tt)*] $($item:tt)+) => { $($attributes)* $($item)+ };
}
pub(crate) use with_attributes;
