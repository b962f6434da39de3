//! What the shadow policy would change.

use std::sync::Arc;

use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};

use super::operation;
use crate::api::Tag;
use crate::api::edge::operation::Operation;
use crate::api::guard::{AuthzSearch, Require};
use crate::api::time::Time;
use crate::decisions::{self, Decisions};
use crate::metrics;
use crate::rbac::Permission;
use catalogue::endpoints;

/// The comparison of the live policy with the shadow policy.
pub struct ShadowApi(pub Arc<Decisions>);

/// The record of its operation.
pub const OPERATIONS: &[Operation] = &[operation(endpoints::READ_SHADOW, Permission::AuthzSearch)];

/// What the shadow policy would change about a decision.
#[derive(Clone, Copy, Debug, Enum)]
#[oai(rename_all = "snake_case")]
enum Change {
    /// It would allow what is denied.
    Gain,
    /// It would deny what is allowed.
    Loss,
}

/// A subject or a resource.
#[derive(Debug, Object)]
struct Named {
    /// Its type.
    #[oai(rename = "type")]
    kind: String,
    /// Its id.
    id: String,
}

/// A decision that the shadow policy would change.
#[derive(Debug, Object)]
struct Divergence {
    /// When it was made.
    at: Time,
    /// The subject.
    subject: Named,
    /// The name of the action.
    action: String,
    /// The resource.
    resource: Named,
    /// What would change.
    change: Change,
}

/// The comparison since this replica read the shadow policy.
#[derive(Debug, Object)]
struct Shadow {
    /// Whether decisions are compared: `SHADOW_POLICY` names a file that could be read.
    loaded: bool,
    /// One of how many decisions is compared.
    every: u32,
    /// How many decisions were compared.
    compared: u64,
    /// How many of them it would allow that are denied.
    gains: u64,
    /// How many of them it would deny that are allowed.
    losses: u64,
    /// The last hundred of those, the latest first.
    examples: Vec<Divergence>,
}

#[derive(ApiResponse)]
enum Compared {
    /// The comparison.
    #[oai(status = 200)]
    Ok(Json<Shadow>),
}

#[expect(
    clippy::unused_async,
    reason = "the framework wants every operation to be async"
)]
#[OpenApi(tag = "Tag::Policy")]
impl ShadowApi {
    /// Compare with the shadow policy
    ///
    /// Says what the policy in the file `SHADOW_POLICY` would have changed about the decisions for other
    /// services at this replica, since it was read.
    #[oai(
        path = "/admin/policy/shadow",
        method = "get",
        operation_id = "readShadow"
    )]
    async fn read(&self, _auth: Require<AuthzSearch>) -> Compared {
        let shadow = self.0.shadow();
        let found = shadow.map(|shadow| shadow.comparison()).unwrap_or_default();
        Compared::Ok(Json(Shadow {
            loaded: found.loaded,
            every: found.every,
            compared: found.compared,
            gains: found.gains,
            losses: found.losses,
            examples: found.examples.into_iter().map(Divergence::from).collect(),
        }))
    }
}

impl From<decisions::Divergence> for Divergence {
    fn from(found: decisions::Divergence) -> Self {
        let named = |(kind, id)| Named { kind, id };
        Self {
            at: found.at.into(),
            subject: named(found.subject),
            action: found.action,
            resource: named(found.resource),
            change: match found.direction {
                metrics::Direction::Gain => Change::Gain,
                metrics::Direction::Loss => Change::Loss,
            },
        }
    }
}
