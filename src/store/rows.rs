//! Accounts as statements return them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// An account, without its password hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// A UUIDv7: ids sort by time of creation.
    pub id: Uuid,
    /// As its owner wrote it; unique without regard to case.
    pub username: String,
    /// As its owner wrote it; unique without regard to case.
    pub email: String,
    /// Whether the account is barred from logging in.
    pub disabled: bool,
    /// Sorted by name.
    pub roles: Vec<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When the account itself was last changed; roles and sessions do not count.
    pub updated_at: DateTime<Utc>,
    /// The last login with a password.
    pub last_login_at: Option<DateTime<Utc>>,
}

#[derive(sqlx::FromRow)]
pub(super) struct UserRow {
    id: Uuid,
    username: String,
    email: String,
    disabled: bool,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
    last_login_at: Option<DateTime<Utc>>,
    roles: Option<String>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        let mut roles: Vec<String> = row
            .roles
            .iter()
            .flat_map(|roles| roles.split(','))
            .map(str::to_owned)
            .collect();
        roles.sort_unstable();
        Self {
            id: row.id,
            username: row.username,
            email: row.email,
            disabled: row.disabled,
            roles,
            created_at: row.created_at,
            updated_at: row.updated_at,
            last_login_at: row.last_login_at,
        }
    }
}
