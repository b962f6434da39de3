//! Why a decision is what it is.

use std::sync::Arc;

use poem_openapi::{ApiResponse, Object, OpenApi};
use serde::Serialize;

use super::question::{Defaults, question, refusal};
use super::sent::Sent;
use super::views::Evaluation;
use crate::api::Tag;
use crate::api::direct::Direct;
use crate::api::edge::operation::{Access, BodyPolicy, Operation, RateLimit};
use crate::api::failure::{Failure, status};
use crate::api::guard::{AuthzSearch, Require};
use crate::decisions::{Decisions, Explanation, Path, label};
use crate::rbac::{Decided, Permission, Question};
use catalogue::endpoints;

/// The record of its operation.
pub const OPERATIONS: &[Operation] =
    &[
        Operation::new(endpoints::EXPLAIN, Access::Needs(Permission::AuthzSearch))
            .body(BodyPolicy::AUTHZEN)
            .rate_limit(RateLimit::Decisions)
            .any_request_id()
            .stops_with_client(),
    ];

/// Explanations.
pub struct ExplainApi(pub Arc<Decisions>);

/// A way from the subject to a grant of the permission.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "AccessWay")]
struct Way {
    /// The role that was given, its ancestors, and last the one with the grant.
    roles: Vec<String>,
    /// Where the first role was given: `everywhere`, a type, or `TYPE/ID`.
    reach: String,
    /// Whether that is for this resource.
    covers: bool,
    /// The condition of the grant.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<String>,
    /// The comparisons of the condition that do not hold.
    failing: Vec<String>,
}

/// A decision, and what led to it.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "AccessExplanation")]
struct Explained {
    /// Whether the subject may.
    decision: bool,
    /// `granted` or `condition_holds`; `unknown_permission`, `not_granted`, `condition_fails` or
    /// `subject_disabled`.
    reason: String,
    /// The ways to the permission, those that fail too.
    ways: Vec<Way>,
    /// The same for people.
    text: String,
}

#[derive(ApiResponse)]
enum Found {
    /// The decision, and what led to it.
    #[oai(status = 200)]
    Ok(Direct<Explained>),
}

#[OpenApi(tag = "Tag::Authorization")]
impl ExplainApi {
    /// Explain a decision
    ///
    /// Takes the body of `/access/v1/evaluation` and says why the decision is what it is: every way from the
    /// subject over its roles to a grant of the permission, and what fails on each. The answer shows the
    /// roles of the subject, so it needs a permission of its own. It is not counted as a decision.
    #[oai(path = "/access/v1/explain", method = "post", operation_id = "explain")]
    async fn explain(
        &self,
        _auth: Require<AuthzSearch>,
        body: Sent<Evaluation>,
    ) -> Result<Found, Failure<{ status::BAD_REQUEST }>> {
        let question = question(&body.fields, &Defaults::default()).map_err(refusal)?;
        let explanation = self.0.explain(&question).await?;
        Ok(Found::Ok(Direct(Explained {
            decision: explanation.decided.allows(),
            reason: label(explanation.decided).word().to_owned(),
            text: in_words(&question, &explanation),
            ways: explanation.ways.into_iter().map(Way::from).collect(),
        })))
    }
}

impl From<Path> for Way {
    fn from(path: Path) -> Self {
        let Path {
            roles,
            reach,
            covers,
            condition,
            failing,
        } = path;
        Self {
            roles,
            reach,
            covers,
            condition,
            failing,
        }
    }
}

/// The explanation as a text, such as `user → editor → author → posts:write if resource.owner == subject.id`:
/// one line for the way that leads to a permission, and otherwise for each that fails.
fn in_words(question: &Question<'_>, explanation: &Explanation) -> String {
    let permission = format!("{}:{}", question.resource.kind, question.action.name);
    let subject = question.subject.kind;
    let along = |way: &Path| {
        let roles = way.roles.join(" → ");
        let condition = way.condition.as_deref();
        let condition = condition.map_or_else(String::new, |text| format!(" if {text}"));
        format!("{subject} → {roles} → {permission}{condition}")
    };
    let ways = &explanation.ways;
    let leads = |way: &&Path| way.covers && way.failing.is_empty();
    match explanation.decided {
        Decided::UnknownPermission => format!("no permission is called {permission}"),
        Decided::SubjectDisabled => "the account of the subject is disabled".to_owned(),
        Decided::Granted | Decided::ConditionHolds => {
            // Without a condition, if the decision was made without one.
            let mut leading = ways.iter().filter(leads);
            let plain = ways
                .iter()
                .filter(leads)
                .find(|way| way.condition.is_none());
            let way = plain.or_else(|| leading.next());
            way.map_or_else(|| permission.clone(), along)
        }
        Decided::NotGranted | Decided::ConditionFails if ways.is_empty() => {
            format!("no role of the subject leads to {permission}")
        }
        Decided::NotGranted | Decided::ConditionFails => {
            let failing = |way: &Path| {
                let why = if way.covers {
                    format!("does not hold: {}", way.failing.join(", "))
                } else {
                    format!("given for {} only", way.reach)
                };
                format!("{} ({why})", along(way))
            };
            let lines: Vec<String> = ways.iter().map(failing).collect();
            lines.join("\n")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rbac::{Action, Entity, Properties};

    fn path(roles: &[&str], reach: &str, covers: bool, terms: Option<(&str, &[&str])>) -> Path {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Path {
            roles: owned(roles),
            reach: reach.to_owned(),
            covers,
            condition: terms.map(|(condition, _)| condition.to_owned()),
            failing: terms.map(|(_, failing)| owned(failing)).unwrap_or_default(),
        }
    }

    fn text(decided: Decided, ways: Vec<Path>) -> String {
        let question = Question {
            subject: Entity::bare("user", "alice"),
            action: Action {
                name: "write",
                properties: Properties::default(),
            },
            resource: Entity::bare("posts", "7"),
        };
        in_words(&question, &Explanation { decided, ways })
    }

    #[test]
    fn explanation_is_the_way_or_what_fails_on_every_one() {
        let owner = "resource.properties.owner == subject.id";
        let plain = || path(&["admin"], "everywhere", true, None);
        let by_owner = |failing| {
            let roles = ["editor", "author"];
            path(&roles, "everywhere", true, Some((owner, failing)))
        };
        let elsewhere = || path(&["author"], "posts/8", false, None);
        for (decided, ways, expected) in [
            (
                Decided::Granted,
                vec![by_owner(&[]), plain(), elsewhere()],
                "user → admin → posts:write",
            ),
            (
                Decided::ConditionHolds,
                vec![elsewhere(), by_owner(&[])],
                "user → editor → author → posts:write if resource.properties.owner == subject.id",
            ),
            (
                Decided::ConditionFails,
                vec![by_owner(&[owner]), elsewhere()],
                "user → editor → author → posts:write if resource.properties.owner == subject.id (does \
                 not hold: resource.properties.owner == subject.id)\n\
                 user → author → posts:write (given for posts/8 only)",
            ),
            (
                Decided::NotGranted,
                Vec::new(),
                "no role of the subject leads to posts:write",
            ),
            (
                Decided::UnknownPermission,
                Vec::new(),
                "no permission is called posts:write",
            ),
        ] {
            assert_eq!(text(decided, ways), expected);
        }
    }
}
