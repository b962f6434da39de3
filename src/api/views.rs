//! Answers of several resources.

use poem_openapi::{ApiResponse, Object};
use serde::Serialize;
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
#[derive(Debug, Object, Serialize)]
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
    #[serde(skip_serializing_if = "Option::is_none")]
    last_login_at: Option<Time>,
    /// The initial password is valid until this time. Absent once the owner has changed it.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_password_until: Option<Time>,
}

impl From<store::User> for User {
    fn from(user: store::User) -> Self {
        Self {
            id: user.id,
            username: user.username,
            email: user.email,
            roles: user.roles,
            disabled: user.disabled,
            created_at: user.created_at.into(),
            updated_at: user.updated_at.into(),
            last_login_at: user.last_login_at.map(Time::from),
            initial_password_until: user.initial_password_until.map(Time::from),
        }
    }
}

impl From<&store::User> for User {
    fn from(user: &store::User) -> Self {
        user.clone().into()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use poem_openapi::types::ToJSON as _;

    use super::*;

    #[test]
    fn account_is_the_same_alone_and_in_a_list() {
        let at = DateTime::from_timestamp_micros(1_767_268_800_120_000).expect("a time");
        let user = |last_login_at, initial_password_until| {
            User::from(store::User {
                id: Uuid::nil(),
                username: "alice".to_owned(),
                email: "alice@example.com".to_owned(),
                disabled: false,
                roles: vec!["user".to_owned()],
                limited_roles: Vec::new(),
                created_at: at,
                updated_at: at,
                last_login_at,
                initial_password_until,
            })
        };
        for user in [user(None, None), user(Some(at), None), user(None, Some(at))] {
            let in_list = serde_json::to_value(&user).expect("JSON");
            assert_eq!(user.to_json(), Some(in_list));
        }
    }
}
