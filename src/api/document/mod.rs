//! The OpenAPI document: derived by the framework from the signatures, completed with the responses
//! that follow from the shape of each operation.

mod examples;
mod headers;
mod order;
mod responses;
mod schemas;

use serde_json::{Map, Value, json};

use super::body::JSON;
use super::edge::operation::{Access, Operation, RateLimit};
use super::guard::{ANY_SCOPE, BEARER, SCHEME};
use super::problem::ProblemKind;
use super::refresh_cookie::COOKIE;
use crate::error::{Error, Result};
use crate::rbac::Permission;

pub use self::order::InOrder;

const PROBLEM: &str = "application/problem+json";
/// What the framework calls JSON.
const FRAMEWORK_JSON: &str = "application/json; charset=utf-8";

/// The tags in the order of a client's first steps.
const TAGS: [&str; 6] = [
    "Authentication",
    "Account",
    "Administration",
    "Policy",
    "Authorization",
    "Discovery",
];

/// An operation's record, and the statuses of success that its handler documents.
pub type Documented = (&'static Operation, Vec<u16>);

/// Completes the framework's document, which must describe the operations of these records and no
/// others.
///
/// # Errors
/// Names the first handler and record that differ: a defect.
pub fn complete(
    mut document: Value,
    records: impl IntoIterator<Item = &'static Operation>,
) -> Result<(Value, Vec<Documented>)> {
    // The framework writes 3.0; nothing else of what it writes for this service differs between the two.
    document["openapi"] = "3.1.1".into();
    document["servers"] =
        json!([{ "url": "/", "description": "The host that served this document." }]);
    if let Some(tags) = document["tags"].as_array_mut() {
        tags.sort_by_key(|tag| TAGS.iter().position(|name| tag["name"] == *name));
    }
    let mut records: Vec<_> = records.into_iter().collect();
    let mut documented = Vec::new();
    let mut closed = Vec::new();
    for (path, method, operation) in operations_mut(&mut document) {
        let is_its = |record: &&Operation| {
            let endpoint = &record.endpoint;
            endpoint.template == path
                && endpoint.method.word() == method
                && operation["operationId"] == endpoint.id
        };
        let Some(index) = records.iter().position(is_its) else {
            return Err(differs(&method, &path, "has no record of its id"));
        };
        let record = records.swap_remove(index);
        if operation.get("requestBody").is_some() != record.body.is_some() {
            return Err(differs(&method, &path, "has another body than its record"));
        }
        if operation["security"] != framework_security(record.access) {
            return Err(differs(&method, &path, "has another guard than its record"));
        }
        operation["security"] = security(record.access);
        add_common_responses(operation, record);
        add_refresh_cookie(operation, record);
        closed.extend(closed_schema(operation, record));
        documented.push((record, successes(operation)));
    }
    if let Some(Operation { endpoint, .. }) = records.first() {
        let (method, path) = (endpoint.method.word(), endpoint.template);
        return Err(differs(method, path, "has a record and no handler"));
    }
    schemas::close(&mut document, closed);
    name_json(&mut document);
    headers::complete(&mut document);
    schemas::complete(&mut document);
    responses::share(&mut document);
    Ok((document, documented))
}

fn differs(method: &str, path: &str, how: &str) -> Error {
    Error::internal(format!("{method} {path} {how}"))
}

fn successes(operation: &Value) -> Vec<u16> {
    object(&operation["responses"])
        .filter_map(|(status, _)| status.parse().ok())
        .filter(|status| (200..300).contains(status))
        .collect()
}

fn object(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

fn operations_mut(document: &mut Value) -> impl Iterator<Item = (String, String, &mut Value)> {
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let path = path.clone();
        let methods = item.as_object_mut().into_iter().flatten();
        methods.map(move |(method, operation)| (path.clone(), method.to_uppercase(), operation))
    })
}

/// The security that the framework derives from the guard, which names each permission as a scheme.
fn framework_security(access: Access) -> Value {
    match access {
        Access::Public => Value::Null,
        Access::Optional => json!([{ Permission::Authenticated.name(): [] }, {}]),
        Access::Needs(permission) => json!([{ permission.name(): [] }]),
        Access::AnyScope => json!([{ ANY_SCOPE: [] }]),
    }
}

/// The same with permissions as scopes of the one scheme, and with the scheme that has none as the
/// alternative.
fn security(access: Access) -> Value {
    match access {
        Access::Public => json!([]),
        Access::Optional => json!([{ SCHEME: [] }, { BEARER: [] }, {}]),
        Access::AnyScope => json!([{ SCHEME: [] }, { BEARER: [] }]),
        Access::Needs(permission) => json!([{ SCHEME: [permission.name()] }, { BEARER: [] }]),
    }
}

/// Adds the errors that follow from an operation's shape: of query and body, the guard, rate limits, and the
/// service itself.
fn add_common_responses(operation: &mut Value, record: &Operation) {
    let mut add = |status: &str, description: &str, headers: Map<String, Value>| {
        let (media, schema) = if record.oauth_errors {
            (JSON, "OAuthError")
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
                .and_modify(|known| {
                    known["headers"] = headers.clone().into();
                    known["description"] = description.into();
                })
                .or_insert(response);
        }
    };
    // At least for query parameters that the operation does not have.
    add("400", "The request is malformed.", Map::new());
    if let Some(policy) = record.body {
        add("408", "The body took too long to arrive.", Map::new());
        add(
            "413",
            "The body is too large. The answer names the limit.",
            Map::new(),
        );
        if policy.wrong_media_type != ProblemKind::MalformedRequest {
            let status = policy.wrong_media_type.status();
            add(
                status.as_str(),
                "The body has an unsupported media type.",
                Map::new(),
            );
        }
    }
    if record.access != Access::Public {
        let challenge = headers::references(&["WWW-Authenticate"]);
        add(
            "401",
            "The access token is missing or invalid.",
            challenge.clone(),
        );
        add(
            "403",
            "A permission is missing (`security` names what the operation needs), or an initial password \
             must be changed first.",
            challenge,
        );
    }
    if record.refresh_cookie && record.access == Access::Public {
        let description = "The page's origin is neither that of the service nor a listed one.";
        add("403", description, Map::new());
    }
    if record.rate_limit != RateLimit::Exempt {
        let headers = headers::references(&["Retry-After", "RateLimit-Policy", "RateLimit"]);
        add("429", "A rate limit is exceeded.", headers);
    }
    add(
        "500",
        "Internal server error. The logs contain the request id.",
        Map::new(),
    );
    add(
        "503",
        "The service is overloaded, or a dependency does not answer.",
        headers::references(&["Retry-After"]),
    );
    for response in operation["responses"]
        .as_object_mut()
        .into_iter()
        .flatten()
        .map(|(_, r)| r)
    {
        let id = headers::references(&["X-Request-Id"]);
        match response["headers"].as_object_mut() {
            Some(headers) => headers.extend(id),
            None => response["headers"] = id.into(),
        }
    }
}

/// Adds the header with which a client asks for the cookie, if the operation knows it.
fn add_refresh_cookie(operation: &mut Value, record: &Operation) {
    if !record.refresh_cookie {
        return;
    }
    let description = "The refresh token is, or is to be, in the cookie \
                       `__Host-rbac-sentinel-refresh` instead of the body. Needs `ALLOW_COOKIES`.";
    let parameter = json!({
        "name": "Refresh-Token-In", "in": "header", "description": description,
        "required": false, "deprecated": false,
        "schema": { "type": "string", "enum": [COOKIE] },
    });
    match operation["parameters"].as_array_mut() {
        Some(parameters) => parameters.push(parameter),
        None => operation["parameters"] = json!([parameter]),
    }
}

/// The schema to close in the document, if the operation's body refuses unknown fields.
fn closed_schema(operation: &Value, record: &Operation) -> Option<String> {
    record.body.filter(|policy| policy.refuses_unknown_fields)?;
    let (_, content) = object(&operation["requestBody"]["content"]).next()?;
    let schema = content["schema"]["$ref"].as_str()?.rsplit('/').next()?;
    Some(schema.to_owned())
}

/// Gives JSON its registered name, which has no parameters: generators look for exactly that.
fn name_json(document: &mut Value) {
    for (_, _, operation) in operations_mut(document) {
        let responses = operation["responses"].as_object_mut();
        for (_, response) in responses.into_iter().flatten() {
            let content = response.get_mut("content").and_then(Value::as_object_mut);
            if let Some(content) = content
                && let Some(schema) = content.remove(FRAMEWORK_JSON)
            {
                content.insert(JSON.to_owned(), schema);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use catalogue::endpoints;

    const RECORD: Operation =
        Operation::new(endpoints::READ_ME, Access::Needs(Permission::Authenticated));

    fn framework(operation: &Value) -> Value {
        json!({ "paths": { "/users/me": { "get": operation } } })
    }

    #[test]
    fn handlers_and_records_must_agree() {
        const OTHER: Operation =
            Operation::new(endpoints::READ_ME, Access::Needs(Permission::UsersRead));
        let sound = json!({
            "operationId": "readMe", "security": [{ "authenticated": [] }],
            "responses": { "200": {} },
        });
        let (_, documented) = complete(framework(&sound), [&RECORD]).expect("they agree");
        assert_eq!(documented, [(&RECORD, vec![200])]);

        let mut renamed = sound.clone();
        renamed["operationId"] = json!("readYou");
        let mut with_body = sound.clone();
        with_body["requestBody"] = json!({});
        let cases: [(_, &[&'static Operation]); 5] = [
            (&sound, &[]),
            (&sound, &[&RECORD, &RECORD]),
            (&sound, &[&OTHER]),
            (&renamed, &[&RECORD]),
            (&with_body, &[&RECORD]),
        ];
        for (operation, records) in cases {
            let outcome = complete(framework(operation), records.iter().copied());
            assert!(outcome.is_err(), "{operation} {records:?}");
        }
    }
}
