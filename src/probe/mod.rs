//! The synthetic probe: the service logs in to itself as users do.

mod account;
mod journey;

pub use self::account::{ProbeAccount, USERNAME, password};
pub use self::journey::Probe;
