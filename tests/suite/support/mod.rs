//! What the tests share: servers, clients, and readers of what they answer.

pub mod document;
pub mod exposition;
pub mod forger;
pub mod harness;
pub mod raw;
