//! The errors of operations: one response of the components for all operations that answer the same.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::examples::ISSUER;
use super::{PROBLEM, operations_mut};
use crate::api::body::JSON;
use crate::api::problem::{OAuthCode, Problem, ProblemKind};

/// Replaces the errors of every operation by references to components, each with an example of its own
/// status.
pub(super) fn share(document: &mut Value) {
    let mut shared: BTreeMap<String, Value> = BTreeMap::new();
    for (_, _, operation) in operations_mut(document) {
        let responses = operation["responses"].as_object_mut();
        for (status, response) in responses.into_iter().flatten() {
            let Some(name) = name(status, response) else {
                continue;
            };
            let number = status.parse().unwrap_or_default();
            let mut whole = response.take();
            for (media, content) in content_mut(&mut whole) {
                content["example"] = example(media, number);
            }
            // Two operations may differ in what they say of the same status.
            let name = match shared.get(&name) {
                Some(known) if *known != whole => format!("{name}OfFlow"),
                _ => name,
            };
            *response = json!({ "$ref": format!("#/components/responses/{name}") });
            shared.insert(name, whole);
        }
    }
    document["components"]["responses"] = shared.into_iter().collect::<Map<_, _>>().into();
}

/// The component's name; `None` for a success.
fn name(status: &str, response: &Value) -> Option<String> {
    let name = match status {
        "400" => "Malformed",
        "401" => "Unauthenticated",
        "403" => "Forbidden",
        "404" => "NotFound",
        "408" => "TooSlow",
        "409" => "Conflict",
        "412" => "PreconditionFailed",
        "413" => "TooLarge",
        "415" => "UnsupportedMediaType",
        "422" => "InvalidFields",
        "429" => "RateLimited",
        "500" => "InternalError",
        "503" => "Unavailable",
        _ => return None,
    };
    let oauth = response["content"].get(PROBLEM).is_none();
    Some(format!("{}{name}", if oauth { "OAuth" } else { "" }))
}

fn content_mut(response: &mut Value) -> impl Iterator<Item = (&String, &mut Value)> {
    let content = response["content"].as_object_mut();
    content.into_iter().flatten()
}

/// What the service answers with this status.
fn example(media: &str, status: u16) -> Value {
    let oauth = media == JSON;
    let problem = match status {
        400 if oauth => Problem::new(ProblemKind::InvalidGrant).oauth(OAuthCode::InvalidGrant),
        403 if oauth => Problem::new(ProblemKind::ForeignOrigin),
        _ => occurrence(status),
    };
    let body = if oauth {
        serde_json::to_value(problem.oauth_body())
    } else {
        let id = "6f1c2b9de08a4c7700000000000004d2";
        serde_json::to_value(problem.body(ISSUER, "/users/me", id))
    };
    body.unwrap_or_default()
}

fn occurrence(status: u16) -> Problem {
    let mut problem = match status {
        400 => Problem::malformed().field("limit", "must be a whole number from 1 to 50"),
        401 => Problem::new(ProblemKind::Unauthenticated),
        403 => {
            Problem::new(ProblemKind::Forbidden).detail("the permission `users:read` is missing")
        }
        404 => Problem::new(ProblemKind::NotFound).detail("no such user"),
        408 => Problem::new(ProblemKind::TooSlow),
        409 => Problem::new(ProblemKind::Taken).field("email", "belongs to another account"),
        412 => Problem::new(ProblemKind::PreconditionFailed),
        413 => Problem::new(ProblemKind::TooLarge),
        415 => Problem::new(ProblemKind::UnsupportedMediaType),
        422 => Problem::new(ProblemKind::WeakPassword)
            .field("password", "is among the most frequent passwords"),
        429 => Problem::new(ProblemKind::RateLimited),
        500 => Problem::new(ProblemKind::Internal),
        _ => Problem::new(ProblemKind::Overloaded),
    };
    match status {
        403 => problem.permission = Some("users:read"),
        429 => {
            problem.more.limit = Some("general");
            problem.more.counted = Some("source");
        }
        _ => {}
    }
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_that_say_different_things_of_a_status_have_two_components() {
        let operation = |description: &str| {
            let response = json!({ "description": description, "content": { PROBLEM: {} } });
            json!({ "responses": { "404": response } })
        };
        let mut document = json!({ "paths": {
            "/a": { "get": operation("one") },
            "/b": { "get": operation("other"), "put": operation("one") },
        } });
        share(&mut document);
        for (path, method, description) in [
            ("/a", "get", "one"),
            ("/b", "get", "other"),
            ("/b", "put", "one"),
        ] {
            let reference = &document["paths"][path][method]["responses"]["404"]["$ref"];
            let reference = reference.as_str().expect("a reference");
            let name = reference.rsplit('/').next().expect("a name");
            let component = &document["components"]["responses"][name];
            assert_eq!(component["description"], description, "{path} {method}");
        }
    }

    #[test]
    fn every_error_has_one_component_with_an_example_of_its_status() {
        let (document, _) = crate::api::documentation::complete_own_document().expect("complete");
        let components = document["components"]["responses"]
            .as_object()
            .expect("some");
        let mut used: BTreeMap<&str, u32> = BTreeMap::new();
        for item in document["paths"].as_object().expect("paths").values() {
            for operation in item.as_object().expect("operations").values() {
                for (status, response) in operation["responses"].as_object().expect("some") {
                    if status.starts_with('2') {
                        continue;
                    }
                    let reference = response["$ref"].as_str().expect("a reference");
                    let name = reference.rsplit('/').next().expect("a name");
                    *used.entry(name).or_default() += 1;
                    let content = components[name]["content"].as_object().expect("content");
                    for (media, content) in content {
                        let example = &content["example"];
                        if media == PROBLEM {
                            assert_eq!(example["status"].to_string(), *status, "{name}");
                        } else {
                            assert!(example["error"].is_string(), "{name}");
                        }
                    }
                }
            }
        }
        assert_eq!(used.len(), components.len(), "none is unused");
        assert!(used.len() < 30, "{used:?}");
    }
}
