//! Every value that a label can take, as types, a file a domain. The log uses the same words.

mod access;
mod auth;
mod cache;
mod database;
mod dependencies;
mod hashing;
mod http;
mod jobs;
mod limits;
mod probe;
mod process;
mod tokens;

use super::label_set::label_set;

pub use access::*;
pub use auth::*;
pub use cache::*;
pub use database::*;
pub use dependencies::*;
pub use hashing::*;
pub use http::*;
pub use jobs::*;
pub use limits::*;
pub use probe::*;
pub use process::*;
pub use tokens::*;

label_set! {
    /// The outcome of an attempt.
    pub enum Outcome ["outcome"] {
        /// Succeeded.
        Success = ["success"],
        /// Failed.
        Failure = ["failure"],
    }
}
