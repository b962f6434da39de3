//! The edge: the middleware that applies to every request.

pub mod body_limits;
pub mod client_address;
pub mod content_coding;
pub mod cors;
pub mod host;
pub mod middleware;
pub mod operation;
pub mod probe_mark;
pub mod query;
pub mod rate_limits;
pub mod request_ids;
pub mod routes;
pub mod security_headers;
