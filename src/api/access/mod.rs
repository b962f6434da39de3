//! The policy decision point over HTTP: the OpenID AuthZEN Authorization API 1.0, and why a decision is what
//! it is.
//!
//! In these bodies the standard wins over the house: unknown fields are ignored, every fault of a request is
//! a 400, a denial is a 200, and a subject, resource or action that nobody knows is a denial.

mod evaluate;
mod explain;
mod metadata;
mod question;
mod search;
mod search_views;
mod sent;
mod views;

pub use self::evaluate::{EvaluateApi, OPERATIONS as EVALUATE};
pub use self::explain::{ExplainApi, OPERATIONS as EXPLAIN};
pub use self::metadata::{AuthzenApi, OPERATIONS as METADATA};
pub use self::question::LONGEST;
pub use self::search::{OPERATIONS as SEARCH, SearchApi};
pub use self::views::{MOST_QUESTIONS, SEMANTICS};
