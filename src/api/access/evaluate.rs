//! Evaluations: one question or several, and their decisions.

use std::sync::Arc;

use poem_openapi::OpenApi;
use serde_json::{Map, Value};

use super::question::{Defaults, Faults, question, refusal};
use super::sent::Sent;
use super::views::{
    AccessDecisionView, AccessDecisions, Decision, DecisionList, Evaluation, Evaluations,
    MOST_QUESTIONS, SEMANTICS,
};
use crate::api::Tag;
use crate::api::direct::Direct;
use crate::api::edge::operation::{Access, BodyPolicy, Operation, RateLimit};
use crate::api::failure::{Failure, status};
use crate::api::guard::{AuthzEvaluate, Require};
use crate::api::problem::{FieldError, Problem};
use crate::decisions::{Decisions, count_invalid};
use crate::error::Result;
use crate::rbac::{Permission, Question};
use catalogue::endpoints::{self, Endpoint};

/// The records of its operations.
pub const OPERATIONS: &[Operation] = &[
    operation(endpoints::EVALUATE),
    operation(endpoints::EVALUATE_MANY).body(BodyPolicy::AUTHZEN.up_to(LIST)),
];

/// Largest body of a list: a hundred questions of a kibibyte each, and something beside them.
const LIST: usize = 128 * 1024;

/// A decision changes nothing, so it stops with its client.
const fn operation(endpoint: Endpoint) -> Operation {
    Operation::new(endpoint, Access::Needs(Permission::AuthzEvaluate))
        .body(BodyPolicy::AUTHZEN)
        .rate_limit(RateLimit::Decisions)
        .any_request_id()
        .stops_with_client()
}

/// Evaluations.
pub struct EvaluateApi(pub Arc<Decisions>);

#[OpenApi(tag = "Tag::Authorization")]
impl EvaluateApi {
    /// Ask for a decision
    ///
    /// The Access Evaluation API of OpenID AuthZEN 1.0: may this subject do this with that resource? A
    /// denial is a 200 with `"decision": false`, and so is the answer about a subject, resource or action
    /// that nobody knows. Every fault of the request is a 400.
    ///
    /// A subject of type `user` with the id of an account has the roles of that account; every subject has
    /// the grants of the role `everyone`. The permission is `RESOURCE:ACTION`, made of the type of the
    /// resource and the name of the action.
    #[oai(
        path = "/access/v1/evaluation",
        method = "post",
        operation_id = "evaluate"
    )]
    async fn evaluate(
        &self,
        _auth: Require<AuthzEvaluate>,
        body: Sent<Evaluation>,
    ) -> Result<Decision, Failure<{ status::BAD_REQUEST }>> {
        let question = question(&body.fields, &Defaults::default()).map_err(refusal)?;
        Ok(Decision::Ok(Direct(self.decide(&question).await?)))
    }

    /// Ask for several decisions
    ///
    /// The Access Evaluations API of OpenID AuthZEN 1.0: up to 100 questions, and the decisions in their
    /// order. What a question leaves out is that of the whole request; what it has replaces that. A
    /// question that is none is denied in its place. Without `evaluations`, or with none in it, the request
    /// is one question.
    #[oai(
        path = "/access/v1/evaluations",
        method = "post",
        operation_id = "evaluateMany"
    )]
    async fn evaluate_many(
        &self,
        _auth: Require<AuthzEvaluate>,
        body: Sent<Evaluations>,
    ) -> Result<DecisionList, Failure<{ status::BAD_REQUEST }>> {
        let semantic = Semantic::read(&body.fields)?;
        let items = items(&body.fields)?;
        let decisions = if items.is_empty() {
            let question = question(&body.fields, &Defaults::default()).map_err(refusal)?;
            AccessDecisions::from(self.decide(&question).await?)
        } else {
            let defaults = Defaults::read(&body.fields).map_err(refusal)?;
            let mut decisions = Vec::with_capacity(items.len());
            for item in items {
                let decision = self.decide_item(item, &defaults).await?;
                let last = semantic.ends_with(decision.decision);
                decisions.push(decision);
                if last {
                    break;
                }
            }
            decisions.into()
        };
        Ok(DecisionList::Ok(Direct(decisions)))
    }
}

impl EvaluateApi {
    async fn decide(&self, question: &Question<'_>) -> Result<AccessDecisionView> {
        let decided = self.0.decide(question).await?;
        Ok(decided.into())
    }

    /// The decision about an item, which is a denial if the item is no question.
    async fn decide_item(
        &self,
        item: &Value,
        defaults: &Defaults<'_>,
    ) -> Result<AccessDecisionView> {
        let asked = item.as_object().map(|asked| question(asked, defaults));
        match asked {
            Some(Ok(question)) => self.decide(&question).await,
            broken => {
                count_invalid();
                let faults = broken.and_then(std::result::Result::err);
                let message = faults.map_or_else(|| "must be an object".to_owned(), in_words);
                Ok(AccessDecisionView::invalid(message))
            }
        }
    }
}

fn in_words(faults: Faults) -> String {
    let words = |FieldError { field, rule }| format!("{field} {rule}");
    let all: Vec<String> = faults.into_iter().map(words).collect();
    all.join("; ")
}

/// The items of a request, if it has a list of them.
fn items(body: &Map<String, Value>) -> Result<&[Value], Problem> {
    let rule = match body.get("evaluations") {
        None => return Ok(&[]),
        Some(Value::Array(items)) if items.len() <= MOST_QUESTIONS => return Ok(items),
        Some(Value::Array(_)) => format!("must have at most {MOST_QUESTIONS} items"),
        Some(_) => "must be a list".to_owned(),
    };
    Err(Problem::malformed().field("evaluations", rule))
}

/// How a list of questions is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Semantic {
    ExecuteAll,
    DenyOnFirstDeny,
    PermitOnFirstPermit,
}

impl Semantic {
    /// In the order of [`SEMANTICS`].
    const ALL: [Self; 3] = [
        Self::ExecuteAll,
        Self::DenyOnFirstDeny,
        Self::PermitOnFirstPermit,
    ];

    fn read(body: &Map<String, Value>) -> Result<Self, Problem> {
        let options = match body.get("options") {
            None => return Ok(Self::ExecuteAll),
            Some(Value::Object(options)) => options,
            Some(_) => return Err(Problem::malformed().field("options", "must be an object")),
        };
        let Some(given) = options.get("evaluations_semantic") else {
            return Ok(Self::ExecuteAll);
        };
        let mut known = SEMANTICS.iter().zip(Self::ALL);
        let found = known.find(|(word, _)| given.as_str() == Some(**word));
        found.map(|(_, semantic)| semantic).ok_or_else(|| {
            let rule = format!("must be one of {}", SEMANTICS.join(", "));
            Problem::malformed().field("options.evaluations_semantic", rule)
        })
    }

    const fn ends_with(self, decision: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !decision,
            Self::PermitOnFirstPermit => decision,
        }
    }
}
