//! Administration.

pub mod page;
pub mod roles;
pub mod sessions;
pub mod users;
