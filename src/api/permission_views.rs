//! Permissions that an account holds, in answers.

use chrono::DateTime;
use poem_openapi::Object;

use super::time::Time;
use crate::rbac::{Effective, Reach};

/// The resources for which an assignment holds.
#[derive(Debug, Object)]
pub struct Reaching {
    /// Their type.
    #[oai(rename = "type")]
    kind: String,
    /// The one resource. Absent: all of the type.
    #[oai(skip_serializing_if_is_none)]
    id: Option<String>,
}

impl Reaching {
    /// `None` for every resource.
    pub fn of(reach: &Reach) -> Option<Self> {
        match reach {
            Reach::Everywhere => None,
            Reach::Type(kind) => Some(Self {
                kind: kind.clone(),
                id: None,
            }),
            Reach::Resource { kind, id } => Some(Self {
                kind: kind.clone(),
                id: Some(id.clone()),
            }),
        }
    }
}

/// A permission, and the way on which the account comes to it.
#[derive(Debug, Object)]
struct HeldPermission {
    /// The permission's name.
    permission: String,
    /// The assigned role, its ancestors, and last the one with the grant.
    roles: Vec<String>,
    /// It holds only where this does. Absent: always.
    #[oai(skip_serializing_if_is_none)]
    condition: Option<String>,
    /// Where the role was assigned. Absent: for every resource.
    #[oai(skip_serializing_if_is_none)]
    resource: Option<Reaching>,
    /// The assignment ends then. Absent: never.
    #[oai(skip_serializing_if_is_none)]
    expires_at: Option<Time>,
    /// All of that as a sentence.
    text: String,
}

/// The permissions of an account.
#[derive(Debug, Object)]
pub struct Permissions {
    /// In the order of their names; one for each grant that leads to it.
    items: Vec<HeldPermission>,
    /// Whether there are more than these.
    truncated: bool,
}

impl Permissions {
    /// These, and whether there are more.
    pub fn of((held, truncated): (Vec<Effective>, bool)) -> Self {
        Self {
            items: held.into_iter().map(HeldPermission::from).collect(),
            truncated,
        }
    }
}

impl From<Effective> for HeldPermission {
    fn from(held: Effective) -> Self {
        Self {
            text: held.to_string(),
            resource: Reaching::of(&held.reach),
            expires_at: held
                .expires_at
                .and_then(DateTime::from_timestamp_micros)
                .map(Time::from),
            permission: held.permission,
            roles: held.roles,
            condition: held.condition,
        }
    }
}
