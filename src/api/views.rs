//! Answers of several resources.

use poem_openapi::{ApiResponse, Object};
use uuid::Uuid;

use super::time::Time;
use crate::store;

/// The response to an operation that returns nothing.
#[derive(ApiResponse)]
pub enum Done {
    /// Done.
    #[oai(status = 204)]
    NoContent,
}

/// An account.
#[derive(Debug, Object)]
pub struct User {
    /// The account's id, a UUIDv7: never changes, and sorts by time of creation.
    id: Uuid,
    /// The username.
    username: String,
    /// The e-mail address.
    email: String,
    /// The roles, sorted by name.
    roles: Vec<String>,
    /// A disabled account cannot log in.
    disabled: bool,
    /// The time of creation.
    created_at: Time,
    /// The time of the last change.
    updated_at: Time,
    /// The time of the last login with a password.
    #[oai(skip_serializing_if_is_none)]
    last_login_at: Option<Time>,
    /// The initial password is valid until this time. Absent once the owner has changed it.
    #[oai(skip_serializing_if_is_none)]
    initial_password_until: Option<Time>,
}

impl From<&store::User> for User {
    fn from(user: &store::User) -> Self {
        Self {
            id: user.id,
            username: user.username.clone(),
            email: user.email.clone(),
            roles: user.roles.clone(),
            disabled: user.disabled,
            created_at: user.created_at.into(),
            updated_at: user.updated_at.into(),
            last_login_at: user.last_login_at.map(Time::from),
            initial_password_until: user.initial_password_until.map(Time::from),
        }
    }
}
