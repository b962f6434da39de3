//! Requests as they go over the wire, with bodies of every kind.

use rbac_sentinel::testing::api::MAX_BODY;
use serde_json::Value;

use crate::document::Body;

/// More than the service reads.
pub const OVERSIZED: usize = MAX_BODY + 1024;
/// As much as the service reads.
const LARGEST: usize = MAX_BODY;

/// A request.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let headers: String = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The fields of a body in its media type.
pub fn encode(media: &str, fields: &Value) -> String {
    if media == "application/json" {
        return fields.to_string();
    }
    let fields = fields.as_object().into_iter().flatten();
    let fields =
        fields.map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()));
    fields.collect::<Vec<_>>().join("&")
}

/// The same fields with unused names and addresses.
pub fn unused(fields: &Value, index: usize) -> Value {
    let mut fields = fields.clone();
    for (name, format) in [("username", "u"), ("email", "e")] {
        if let Some(value) = fields[name].as_str() {
            fields[name] = format!("{format}{index}{value}").into();
        }
    }
    fields
}

/// The same fields, one of them replaced.
pub fn with(fields: &Value, name: &str, value: &str) -> Value {
    let mut fields = fields.clone();
    fields[name] = value.into();
    fields
}

/// Bodies that only attackers send, each with a word for the table.
pub fn hostile(body: &Body) -> Vec<(&'static str, String)> {
    let mut bodies = vec![
        ("malformed", "{\"a".to_owned()),
        ("oversized", "x".repeat(OVERSIZED)),
        ("empty", String::new()),
    ];
    let mut names = body.example.as_object().into_iter().flatten();
    // The first text field as long as the body may be.
    if let Some((name, _)) = names.find(|(_, value)| value.is_string()) {
        let long = "a1 ".repeat((LARGEST - 1024) / 3);
        bodies.push((
            "a field of 15 KiB",
            encode(&body.media, &with(&body.example, name, &long)),
        ));
    }
    if body.media == "application/json" {
        let deep = LARGEST / 2 - 16;
        bodies.push((
            "deep JSON",
            format!("{{\"a\":{}{}}}", "[".repeat(deep), "]".repeat(deep)),
        ));
        let fields: Vec<String> = (0..6000).map(|n| format!("\"f{n}\":1")).collect();
        bodies.push(("unknown fields", format!("{{{}}}", fields.join(","))));
    } else {
        bodies.push(("many fields", "a=1&".repeat(LARGEST / 4 - 1)));
    }
    bodies
}
