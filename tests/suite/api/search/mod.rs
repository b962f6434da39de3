//! Searches of OpenID AuthZEN 1.0.

mod accounts;
mod agreement;
mod certification;
mod pages;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Client, Server};

/// Sends a body and expects success.
#[track_caller]
fn put<'a>(
    client: &'a Client,
    path: &'a str,
    body: &'a Value,
) -> impl Future<Output = Answer> + use<'a> {
    let caller = std::panic::Location::caller();
    async move {
        let answer = Answer::of(client.request(Method::PUT, path).json(body)).await;
        let done = (200..300).contains(&answer.status);
        assert!(done, "{caller}: {path}: {} {}", answer.status, answer.text);
        answer
    }
}

/// Registers permissions.
async fn permissions(admin: &Client, names: &[&str]) {
    for name in names {
        let body = json!({ "name": name, "description": "of a test" });
        let answer = admin.post("/admin/permissions", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
}

/// Writes a role: each grant is a permission, and a condition or nothing.
async fn role(admin: &Client, name: &str, parents: &[&str], grants: &[(&str, &str)]) {
    let grants = grants.iter().map(|(permission, condition)| {
        if condition.is_empty() {
            json!({ "permission": permission })
        } else {
            json!({ "permission": permission, "condition": condition })
        }
    });
    let grants: Vec<_> = grants.collect();
    let body = json!({ "description": "of a test", "parents": parents, "grants": grants });
    put(admin, &format!("/admin/roles/{name}"), &body).await;
}

/// Registers a type of entities and some of them.
async fn register(admin: &Client, side: &str, kind: &str, entities: &[(&str, Value)]) {
    let path = format!("/admin/{side}/{kind}");
    put(admin, &path, &json!({ "description": "of a test" })).await;
    let entities = entities
        .iter()
        .map(|(id, properties)| json!({ "id": id, "properties": properties }));
    let entities: Vec<_> = entities.collect();
    let body = json!({ "upsert": entities });
    let answer = admin.post(&format!("{path}/batch"), &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

/// Searches, and expects an answer.
async fn search(client: &Client, what: &str, body: &Value) -> Value {
    let answer = client
        .post(&format!("/access/v1/search/{what}"), body)
        .await;
    assert_eq!(answer.status, 200, "{body}: {}", answer.text);
    assert!(
        answer
            .header("content-type")
            .starts_with("application/json")
    );
    answer.json
}

/// The ids of results, or the names of actions.
#[track_caller]
fn ids(answer: &Value) -> Vec<&str> {
    let results = answer["results"].as_array().expect("results");
    let texts = results
        .iter()
        .filter_map(|result| result["id"].as_str().or(result["name"].as_str()));
    let ids: Vec<_> = texts.collect();
    assert_eq!(ids.len(), results.len(), "{answer}");
    ids
}

/// The ids of all pages.
async fn walk(client: &Client, what: &str, body: &Value, limit: usize) -> (Vec<String>, usize) {
    let (mut found, mut pages) = (Vec::new(), 0);
    let mut body = body.clone();
    body["page"] = json!({ "limit": limit });
    loop {
        let answer = search(client, what, &body).await;
        pages += 1;
        let here = ids(&answer);
        assert!(here.len() <= limit, "{answer}");
        assert_eq!(answer["page"]["count"], here.len());
        found.extend(here.into_iter().map(str::to_owned));
        match answer["page"]["next_token"].as_str().expect("a token") {
            "" => return (found, pages),
            token => body["page"]["token"] = token.into(),
        }
    }
}

/// A server, and its administrator.
async fn server() -> (Server, Client) {
    let server = Server::start().await;
    let admin = server.admin().await;
    (server, admin)
}
