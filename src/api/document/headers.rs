//! The headers of responses: those that many have are described once, in the components.

use serde_json::{Map, Value, json};

use super::operations_mut;
use crate::api::edge::request_ids::LONGEST_SENT;

/// The headers of single responses, as they are written.
const NAMES: [&str; 6] = [
    "Location",
    "Cache-Control",
    "Set-Cookie",
    "X-Auth-Subject",
    "X-Auth-Username",
    "X-Auth-Roles",
];

/// These headers of the components, as those of a response.
pub(super) fn references(names: &[&str]) -> Map<String, Value> {
    let pairs = names.iter().map(|name| {
        let reference = format!("#/components/headers/{name}");
        ((*name).to_owned(), json!({ "$ref": reference }))
    });
    pairs.collect()
}

/// Describes the headers to which responses refer, and names the others as RFC 9110 does: the framework
/// writes capitals.
pub(super) fn complete(document: &mut Value) {
    for (_, _, operation) in operations_mut(document) {
        let responses = operation["responses"].as_object_mut();
        for (_, response) in responses.into_iter().flatten() {
            let Some(headers) = response.get_mut("headers").and_then(Value::as_object_mut) else {
                continue;
            };
            for name in NAMES {
                if let Some(header) = headers.remove(&name.to_uppercase()) {
                    headers.insert(name.to_owned(), header);
                }
            }
        }
    }
    document["components"]["headers"] = shared();
}

fn shared() -> Value {
    let text =
        |description: &str| json!({ "description": description, "schema": { "type": "string" } });
    json!({
        "X-Request-Id": {
            "description":
                "Identifies the request in the logs. If the client sent an id, the response repeats it \
                 and carries the service's id in `X-Service-Request-Id`.",
            "schema": { "type": "string", "maxLength": LONGEST_SENT, "pattern": "^[ -~]+$" },
        },
        "WWW-Authenticate": text("The challenge (RFC 6750)."),
        "Retry-After": {
            "description": "Seconds after which to try again.",
            "schema": { "type": "string", "pattern": "^[0-9]{1,10}$" },
        },
        "RateLimit-Policy": text("The limit: its name, `q` requests in `w` seconds."),
        "RateLimit": text("The limit's name, `r` requests left, the next one in `t` seconds."),
    })
}
