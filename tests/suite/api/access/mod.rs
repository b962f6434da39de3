//! Decisions for other services: the AuthZEN API, explanations, and forward authentication.

mod certification;
mod errors;
mod evaluation;
mod evaluations;
mod explain;
mod failures;
mod forward;
mod limits;
mod metadata;
mod proxies;
mod recipes;
mod shadow;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Server};

const EVALUATION: &str = "/access/v1/evaluation";
const EVALUATIONS: &str = "/access/v1/evaluations";
const EXPLAIN: &str = "/access/v1/explain";

/// A grant: a permission, and its condition.
type Grant<'a> = (&'a str, Option<&'a str>);

/// Writes policies through the public administration.
struct Policy<'a> {
    admin: &'a Client,
}

impl Policy<'_> {
    async fn permissions(&self, names: &[&str]) {
        for name in names {
            let body = json!({ "name": name, "description": "of a test" });
            let answer = self.admin.post("/admin/permissions", &body).await;
            assert!([200, 201, 204].contains(&answer.status), "{}", answer.text);
        }
    }

    async fn role(&self, name: &str, parents: &[&str], grants: &[Grant<'_>]) {
        let grants = grants.iter().map(|(permission, condition)| {
            let mut grant = json!({ "permission": permission });
            if let Some(condition) = condition {
                grant["condition"] = (*condition).into();
            }
            grant
        });
        let grants: Vec<Value> = grants.collect();
        let body = json!({ "parents": parents, "grants": grants });
        let path = format!("/admin/roles/{name}");
        let answer = Answer::of(self.admin.request(Method::PUT, &path).json(&body)).await;
        assert!([200, 201, 204].contains(&answer.status), "{}", answer.text);
    }

    /// Gives a role; where it holds is a query such as `?resource_type=record`.
    async fn give(&self, user: &str, role: &str, limits: &str) {
        let path = format!("/admin/users/{user}/roles/{role}{limits}");
        let answer = self.admin.put(&path).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
    }
}

/// May this subject do this with that resource, all given as `TYPE/ID`?
fn question(subject: &str, action: &str, resource: &str) -> Value {
    let entity = |text: &str| {
        let (kind, id) = text.split_once('/').expect("a type and an id");
        json!({ "type": kind, "id": id })
    };
    json!({
        "subject": entity(subject), "action": { "name": action }, "resource": entity(resource),
    })
}

/// The decision about a question.
async fn decision(client: &Client, question: &Value) -> bool {
    let answer = client.post(EVALUATION, question).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let decision = answer.json["decision"].as_bool();
    decision.unwrap_or_else(|| panic!("no decision: {}", answer.text))
}

/// How many decisions were counted for this reason.
async fn counted(server: &Server, reason: &str) -> f64 {
    let metrics = server.metrics().await;
    metrics.sum("auth_access_decisions_total", &[("reason", reason)])
}
