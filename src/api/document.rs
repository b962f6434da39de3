//! The OpenAPI document: what the framework derives from the signatures, completed with what holds
//! for every operation and follows from its shape.

use serde_json::{Map, Value, json};

use super::guard::SCHEME;
use super::limits::EXEMPT;
use crate::rbac::Permission;

const PROBLEM: &str = "application/problem+json";
/// The endpoints whose errors are RFC 6749's.
pub const OAUTH_PATHS: [&str; 2] = ["/login", "/refresh"];

/// The order in which people meet them.
const TAGS: [&str; 4] = ["Authentication", "Account", "Administration", "Discovery"];

/// Completes the framework's document.
#[must_use]
pub fn complete(mut document: Value) -> Value {
    document["servers"] =
        json!([{ "url": "/", "description": "The host that served this document." }]);
    if let Some(tags) = document["tags"].as_array_mut() {
        tags.sort_by_key(|tag| TAGS.iter().position(|name| tag["name"] == *name));
    }
    close_request_schemas(&mut document);
    add_examples(&mut document);
    for (path, method, operation) in operations_mut(&mut document) {
        let permissions = scope_security(operation);
        let oauth = OAUTH_PATHS.contains(&path.as_str());
        add_common_responses(operation, &permissions, oauth, path != EXEMPT);
        debug_assert!(
            operation["operationId"].is_string(),
            "{method} {path} has no operation id"
        );
    }
    document
}

/// Path, method and statuses of success of every operation.
#[must_use]
pub fn operations(document: &Value) -> Vec<(String, String, Vec<u16>)> {
    let mut found = Vec::new();
    for (path, item) in object(&document["paths"]) {
        for (method, operation) in object(item) {
            let success = object(&operation["responses"])
                .filter_map(|(status, _)| status.parse().ok())
                .filter(|status| (200..300).contains(status))
                .collect();
            found.push((path.clone(), method.to_uppercase(), success));
        }
    }
    found
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn operations_mut(document: &mut Value) -> impl Iterator<Item = (String, String, &mut Value)> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let path = path.clone();
        let methods = item.as_object_mut().into_iter().flatten();
        methods.map(move |(method, operation)| (path.clone(), method.clone(), operation))
    })
}

/// The guard names permissions as if each were a scheme: turns them into scopes of the one scheme.
/// Returns the permissions that the operation needs.
fn scope_security(operation: &mut Value) -> Vec<String> {
    let mut permissions = Vec::new();
    if let Some(requirements) = operation["security"].as_array_mut() {
        for requirement in requirements {
            let names: Vec<String> = object(requirement).map(|(name, _)| name.clone()).collect();
            for name in names {
                let scopes: Vec<&str> = Some(name.as_str())
                    .filter(|name| *name != Permission::Authenticated.name())
                    .into_iter()
                    .collect();
                *requirement = json!({ SCHEME: scopes });
                permissions.push(name);
            }
        }
    }
    if operation["security"].is_null() {
        operation["security"] = json!([]);
    }
    permissions
}

/// What an operation can answer follows from its shape: a body may be malformed, too large or of
/// another type; a guard refuses; a rate limit does; anything can be broken or overloaded.
fn add_common_responses(operation: &mut Value, permissions: &[String], oauth: bool, limited: bool) {
    let has_body = operation.get("requestBody").is_some();
    let has_parameters = operation["parameters"]
        .as_array()
        .is_some_and(|list| !list.is_empty());
    let mut add = |status: &str, description: &str, headers: Value| {
        let (media, schema) = if oauth {
            ("application/json; charset=utf-8", "OAuthError")
        } else {
            (PROBLEM, "Problem")
        };
        let reference = format!("#/components/schemas/{schema}");
        let response = json!({
            "description": description,
            "headers": headers,
            "content": { media: { "schema": { "$ref": reference } } },
        });
        let responses = operation["responses"].as_object_mut();
        if let Some(responses) = responses {
            // A flow may document the status, too; the headers are the guard's and the edge's.
            responses
                .entry(status)
                .and_modify(|known| known["headers"] = headers)
                .or_insert(response);
        }
    };
    let text =
        |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    if has_body || has_parameters {
        add("400", "The request is malformed.", json!({}));
    }
    if has_body {
        add("408", "The body took too long to arrive.", json!({}));
        add("413", "The body is larger than 64 KiB.", json!({}));
        add("415", "The body is of another media type.", json!({}));
    }
    if let Some(permission) = permissions.first() {
        let challenge = json!({ "WWW-Authenticate": text("The challenge (RFC 6750).") });
        add(
            "401",
            "The access token is missing or not good.",
            challenge.clone(),
        );
        if permission != Permission::Authenticated.name() {
            let description = format!("The permission `{permission}` is missing.");
            add("403", &description, challenge);
        }
    }
    if limited {
        let headers = json!({
            "Retry-After": text("Seconds after which the request is allowed again."),
            "RateLimit-Policy": text("The limit: its name, `q` requests in `w` seconds."),
            "RateLimit": text("The limit's name, `r` requests left, the next one in `t` seconds."),
        });
        add("429", "A rate limit is exceeded.", headers);
    }
    add(
        "500",
        "Something went wrong on our side; the logs know the request id.",
        json!({}),
    );
    add(
        "503",
        "Overloaded, or something that the service needs does not answer.",
        json!({ "Retry-After": text("Seconds after which it is worth trying again.") }),
    );
    for response in operation["responses"]
        .as_object_mut()
        .into_iter()
        .flatten()
        .map(|(_, r)| r)
    {
        response["headers"]["X-Request-Id"] = text("Identifies the request in the logs.");
    }
}

/// Request bodies refuse unknown fields: says so. Forms do not (RFC 6749 section 3.2).
fn close_request_schemas(document: &mut Value) {
    let names: Vec<String> = operations_mut(document)
        .filter_map(|(_, _, operation)| {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
            Some(schema.as_str()?.rsplit('/').next()?.to_owned())
        })
        .collect();
    for name in names {
        document["components"]["schemas"][name]["additionalProperties"] = json!(false);
    }
}

fn add_examples(document: &mut Value) {
    let id = "0199a5c4-9f6e-7c3a-8d2b-5e4f3a2b1c0d";
    let session = "0199a5c5-1b2c-7d3e-9f4a-6b5c4d3e2f1a";
    let time = "2026-01-01T12:00:00Z";
    let user = json!({
        "id": id, "username": "alice", "email": "alice@example.com", "roles": ["user"],
        "disabled": false, "created_at": time, "updated_at": time, "last_login_at": time,
    });
    let password = "violet-harbour-31";
    let refresh = "rt_3q2-7wEBAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs";
    let examples = json!({
        "Register": { "username": "alice", "email": "alice@example.com", "password": password },
        "CreateUser": { "username": "bob", "email": "bob@example.com", "role": "user" },
        "CreatedUser": { "user": user, "initial_password": "kW3vX0bq7ZQm1cJtR9yLhA2d" },
        "LoginForm": { "grant_type": "password", "username": "alice", "password": password },
        "Refresh": { "refresh_token": refresh },
        "Logout": { "refresh_token": refresh },
        "UpdateMe": { "username": "alice2" },
        "UpdateUser": { "disabled": true },
        "ChangePassword": { "current_password": password, "new_password": "amber-lantern-77" },
        "Tokens": {
            "access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFZERTQSIsImtpZCI6Ii4uLiJ9.e30.c2ln",
            "token_type": "bearer", "expires_in": 900, "refresh_token": refresh,
        },
        "User": user,
        "UserPage": { "items": [user], "next_cursor": "AZmlxJ9ufDqNK15POisbDQ" },
        "Session": {
            "id": session, "user_agent": "curl/8.5.0", "current": true, "created_at": time,
            "last_used_at": time, "expires_at": "2026-01-31T12:00:00Z",
        },
        "Greeting": { "message": "Hello, Admin alice" },
        "Health": { "status": "ok" },
        "Problem": {
            "type": "urn:rbac-sentinel:problem:taken", "title": "Somebody else has this already",
            "status": 409, "instance": "/register",
            "request_id": "6f1c2b9de08a4c7700000000000004d2",
            "errors": [{ "field": "email", "rule": "belongs to another account" }],
        },
        "OAuthError": {
            "error": "invalid_grant", "error_description": "name or password are not right",
        },
    });
    let schemas = document["components"]["schemas"].as_object_mut();
    let schemas: &mut Map<String, Value> = match schemas {
        Some(schemas) => schemas,
        None => return,
    };
    for (name, example) in object(&examples) {
        if let Some(schema) = schemas.get_mut(name) {
            schema["example"] = example.clone();
        }
    }
}
