//! Rules that hold across operations: revocation, replicas, the last administrator.

mod giving_roles;
mod hostile_redis;
mod last_admin;
mod policy_on_replicas;
mod refresh_on_replicas;
mod rehash;
mod replicas;
mod revocation;
mod synthetic_login;
