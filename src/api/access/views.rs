//! The documented forms of questions and answers.

use std::collections::HashMap;

use poem_openapi::types::Any;
use poem_openapi::{ApiResponse, Object};
use serde::Serialize;
use serde_json::Value;

use crate::api::direct::Direct;
use crate::decisions::label;
use crate::metrics::AccessDecision;
use crate::rbac::Decided;

/// The most questions of one request.
pub const MOST_QUESTIONS: usize = 100;
/// The words for how a list of questions is answered.
pub const SEMANTICS: [&str; 3] = [
    "execute_all",
    "deny_on_first_deny",
    "permit_on_first_permit",
];

/// Properties of any names.
pub type AnyProperties = HashMap<String, Any<Value>>;

/// A subject or a resource.
#[derive(Object)]
pub struct AccessEntity {
    /// Its type. The subjects of type `user` whose ids are those of accounts have the accounts' roles.
    #[oai(rename = "type")]
    kind: String,
    /// Its id, unique within the type.
    id: String,
    /// Its properties, for the conditions of grants.
    properties: Option<AnyProperties>,
}

/// The act that the subject asks for.
#[derive(Object)]
pub struct AccessAction {
    /// Its name: with the type of the resource, `RESOURCE:ACTION`, it is the name of a permission.
    name: String,
    /// Its properties, for the conditions of grants.
    properties: Option<AnyProperties>,
}

/// May the subject do this with the resource? Unknown fields are ignored.
#[derive(Object)]
pub struct Evaluation {
    /// The subject.
    subject: AccessEntity,
    /// The action.
    action: AccessAction,
    /// The resource.
    resource: AccessEntity,
    /// The environment of the question. No decision depends on it.
    context: Option<AnyProperties>,
}

/// A question of a list. What it leaves out is that of the whole list.
#[derive(Object)]
pub struct EvaluationItem {
    /// The subject.
    subject: Option<AccessEntity>,
    /// The action.
    action: Option<AccessAction>,
    /// The resource.
    resource: Option<AccessEntity>,
    /// The environment of the question. No decision depends on it.
    context: Option<AnyProperties>,
}

/// How the questions are answered.
#[derive(Object)]
pub struct EvaluationOptions {
    /// `execute_all`, the default, answers every question. `deny_on_first_deny` and `permit_on_first_permit`
    /// end with the first denial or permission, which is the last one of the answer.
    evaluations_semantic: Option<String>,
}

/// Several questions, or one without `evaluations`. Unknown fields are ignored.
#[expect(clippy::struct_field_names, reason = "the standard names it so")]
#[derive(Object)]
pub struct Evaluations {
    /// The subject of questions that do not have one.
    subject: Option<AccessEntity>,
    /// The action of questions that do not have one.
    action: Option<AccessAction>,
    /// The resource of questions that do not have one.
    resource: Option<AccessEntity>,
    /// The environment of questions that do not have one.
    context: Option<AnyProperties>,
    /// The questions, at most 100.
    evaluations: Option<Vec<EvaluationItem>>,
    /// How they are answered.
    options: Option<EvaluationOptions>,
}

/// What is at fault with a question of a list.
#[derive(Debug, Object, Serialize)]
pub struct QuestionError {
    /// Always 400.
    status: u16,
    /// The fields at fault and the rules that they break.
    message: String,
}

/// The reason for a denial.
#[derive(Debug, Object, Serialize)]
pub struct DecisionContext {
    /// `unknown_permission`: no permission has this name. `not_granted`: no role of the subject has it for this
    /// resource. `condition_fails`: roles have it under conditions that do not hold. `subject_disabled`:
    /// the subject is a disabled account. `invalid`: the question is none.
    reason: String,
    /// What is at fault with the question.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<QuestionError>,
}

/// A decision.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "AccessDecision")]
pub struct AccessDecisionView {
    /// Whether the subject may.
    pub decision: bool,
    /// The reason for a denial.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<DecisionContext>,
}

/// Decisions, in the order of the questions.
#[derive(Debug, Object, Serialize)]
pub struct AccessDecisions {
    /// Whether the subject may, if the request was one question.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<bool>,
    /// The reason for a denial, if the request was one question.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<DecisionContext>,
    /// The decisions, if the request was a list of questions.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    evaluations: Option<Vec<AccessDecisionView>>,
}

/// The answer to one question.
#[derive(ApiResponse)]
pub enum Decision {
    /// The decision. A denial is not an error.
    #[oai(status = 200)]
    Ok(Direct<AccessDecisionView>),
}

/// The answer to several.
#[derive(ApiResponse)]
pub enum DecisionList {
    /// The decisions. A denial is not an error.
    #[oai(status = 200)]
    Ok(Direct<AccessDecisions>),
}

impl From<Decided> for AccessDecisionView {
    fn from(decided: Decided) -> Self {
        let decision = decided.allows();
        let reason = (!decision).then(|| label(decided).word().to_owned());
        Self {
            decision,
            context: reason.map(|reason| DecisionContext {
                reason,
                error: None,
            }),
        }
    }
}

impl AccessDecisionView {
    /// The denial of a question that is none.
    #[must_use]
    pub fn invalid(message: String) -> Self {
        Self {
            decision: false,
            context: Some(DecisionContext {
                reason: AccessDecision::Invalid.word().to_owned(),
                error: Some(QuestionError {
                    status: 400,
                    message,
                }),
            }),
        }
    }
}

impl From<AccessDecisionView> for AccessDecisions {
    fn from(one: AccessDecisionView) -> Self {
        Self {
            decision: Some(one.decision),
            context: one.context,
            evaluations: None,
        }
    }
}

impl From<Vec<AccessDecisionView>> for AccessDecisions {
    fn from(several: Vec<AccessDecisionView>) -> Self {
        Self {
            decision: None,
            context: None,
            evaluations: Some(several),
        }
    }
}
