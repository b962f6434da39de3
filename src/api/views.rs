//! Answers of several resources.

use chrono::{DateTime, Utc};
use poem_openapi::{ApiResponse, Object};
use uuid::Uuid;

use crate::store;

/// The answer of an operation that has nothing to say but that it succeeded.
#[derive(ApiResponse)]
pub enum Done {
    /// Done.
    #[oai(status = 204)]
    NoContent,
}

/// An account.
#[derive(Debug, Object)]
pub struct User {
    /// Identifies the account for ever; sorts by time of creation (UUIDv7).
    id: Uuid,
    /// The name to log in with.
    username: String,
    /// The address to log in with.
    email: String,
    /// Sorted by name.
    roles: Vec<String>,
    /// May not log in.
    disabled: bool,
    /// When the account was made.
    created_at: DateTime<Utc>,
    /// When the account was last changed.
    updated_at: DateTime<Utc>,
    /// When its owner last logged in with a password.
    #[oai(skip_serializing_if_is_none)]
    last_login_at: Option<DateTime<Utc>>,
    /// Until when the initial password logs in; absent once the owner has changed it.
    #[oai(skip_serializing_if_is_none)]
    initial_password_until: Option<DateTime<Utc>>,
}

impl From<&store::User> for User {
    fn from(user: &store::User) -> Self {
        Self {
            id: user.id,
            username: user.username.clone(),
            email: user.email.clone(),
            roles: user.roles.clone(),
            disabled: user.disabled,
            created_at: user.created_at,
            updated_at: user.updated_at,
            last_login_at: user.last_login_at,
            initial_password_until: user.initial_password_until,
        }
    }
}
