//! What goes over the wire.

use chrono::{DateTime, Utc};
use poem_openapi::{ApiResponse, Object};
use serde::Deserialize;
use uuid::Uuid;

use super::body::{SecretText, present};
use crate::sessions::TokenPair;
use crate::store;

/// Nothing to say but that it was done.
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
        }
    }
}

/// An account that an administrator made.
#[derive(Debug, Object)]
pub struct CreatedUser {
    /// The account.
    pub user: User,
    /// Its first password, shown this once. Its owner should change it.
    pub initial_password: String,
}

/// One page of accounts.
#[derive(Debug, Object)]
pub struct UserPage {
    /// The accounts.
    pub items: Vec<User>,
    /// Where the next page begins; absent on the last one.
    #[oai(skip_serializing_if_is_none)]
    pub next_cursor: Option<String>,
}

/// A living session.
#[derive(Debug, Object)]
pub struct Session {
    /// The session's id: `sid` in its access tokens.
    id: Uuid,
    /// What the client called itself when it logged in.
    user_agent: String,
    /// Whether it is the session of this very request.
    current: bool,
    /// When it started.
    created_at: DateTime<Utc>,
    /// When it was last refreshed.
    last_used_at: DateTime<Utc>,
    /// When it ends at the latest.
    expires_at: DateTime<Utc>,
}

impl Session {
    /// A session, seen from the session `current`.
    #[must_use]
    pub fn new(session: store::Session, current: Uuid) -> Self {
        Self {
            id: session.id,
            user_agent: session.user_agent,
            current: session.id == current,
            created_at: session.created_at,
            last_used_at: session.last_used_at,
            expires_at: session.expires_at,
        }
    }
}

/// The caller's living sessions.
#[derive(Debug, Object)]
pub struct SessionList {
    /// The newest first, at most 200.
    pub items: Vec<Session>,
}

/// What a login or a refresh gives (RFC 6749 section 5.1).
#[derive(Debug, Object)]
pub struct Tokens {
    /// The signed JWT (RFC 9068) to send as `Authorization: Bearer`.
    access_token: String,
    /// Always `bearer`.
    token_type: String,
    /// How long the access token lives, in seconds.
    expires_in: i64,
    /// Gets the next pair, once.
    refresh_token: String,
    /// What the access token allows, when the request named scopes.
    #[oai(skip_serializing_if_is_none)]
    scope: Option<String>,
}

impl Tokens {
    /// A pair, and the scope that was granted if one was asked for.
    #[must_use]
    pub fn new(pair: TokenPair, scope: Option<String>) -> Self {
        Self {
            access_token: pair.access_token,
            token_type: "bearer".to_owned(),
            expires_in: pair.expires_in,
            refresh_token: pair.refresh_token,
            scope,
        }
    }
}

/// A greeting.
#[derive(Debug, Object)]
pub struct Greeting {
    /// The greeting.
    pub message: String,
}

/// Whether the service works.
#[derive(Debug, Object)]
pub struct Health {
    /// Always `ok`: anything else is a 503.
    pub status: String,
}

/// Somebody who wants an account.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// The name that they want: letters, digits, dots, dashes, underscores. Upper and lower case
    /// are the same.
    #[oai(validator(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{2,31}$"))]
    pub username: String,
    /// Their e-mail address. Upper and lower case are the same.
    #[oai(validator(max_length = 254, pattern = "^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$"))]
    pub email: String,
    /// 8 to 128 characters of any kind; common passwords and one's own name are refused.
    #[oai(validator(min_length = 8, max_length = 128))]
    pub password: SecretText,
    /// `user` when absent. Anything above it takes a caller who may assign roles.
    #[serde(default, deserialize_with = "present")]
    pub role: Option<String>,
}

/// An account for somebody else.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// The account's name.
    #[oai(validator(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{2,31}$"))]
    pub username: String,
    /// The owner's e-mail address.
    #[oai(validator(max_length = 254, pattern = "^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$"))]
    pub email: String,
    /// `user` when absent. Anything above it takes the permission `roles:assign`.
    #[serde(default, deserialize_with = "present")]
    pub role: Option<String>,
}

/// A login (RFC 6749 section 4.3.2). Fields that are not known are ignored, as the standard asks.
#[derive(Object, Deserialize)]
pub struct LoginForm {
    /// `password`, which is also what its absence means.
    pub grant_type: Option<String>,
    /// Username or e-mail address.
    #[oai(validator(min_length = 1))]
    pub username: String,
    /// The password.
    pub password: SecretText,
    /// Permissions, separated by spaces. The answer then says what was granted.
    pub scope: Option<String>,
    /// Ignored: this is the first-party login.
    pub client_id: Option<String>,
    /// Ignored: this is the first-party login.
    pub client_secret: Option<SecretText>,
}

/// A refresh.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    /// The refresh token of the last login or refresh.
    pub refresh_token: SecretText,
}

/// A logout.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logout {
    /// A refresh token whose session ends, too.
    #[serde(default, deserialize_with = "present")]
    pub refresh_token: Option<SecretText>,
    /// End every session of the account.
    #[serde(default, deserialize_with = "present")]
    pub all: Option<bool>,
}

/// What to change about one's own account; absent fields stay.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateMe {
    /// A new name.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{2,31}$"))]
    pub username: Option<String>,
    /// A new e-mail address; takes the current password.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(max_length = 254, pattern = "^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$"))]
    pub email: Option<String>,
    /// The current password, needed for another e-mail address.
    #[serde(default, deserialize_with = "present")]
    pub current_password: Option<SecretText>,
}

/// What to change about an account; absent fields stay.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UpdateUser {
    /// A new name.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{2,31}$"))]
    pub username: Option<String>,
    /// A new e-mail address.
    #[serde(default, deserialize_with = "present")]
    #[oai(validator(max_length = 254, pattern = "^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$"))]
    pub email: Option<String>,
    /// `true` ends every session and refuses logins; `false` lets the owner in again.
    #[serde(default, deserialize_with = "present")]
    pub disabled: Option<bool>,
}

/// A change of one's own password.
#[derive(Debug, Object, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The password as it is.
    pub current_password: SecretText,
    /// The password as it shall be: 8 to 128 characters of any kind.
    #[oai(validator(min_length = 8, max_length = 128))]
    pub new_password: SecretText,
}
