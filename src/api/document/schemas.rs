//! What the framework cannot derive of a schema: closed sets of words, formats, lengths, examples.

use catalogue::endpoints;
use serde_json::{Map, Value, json};

use super::operations_mut;
use crate::api::problem::{MAX_FIELDS_NAMED, OAuthCode, ProblemKind};
use crate::hashing::MAX_PASSWORD_CHARS;
use crate::rbac::names::ROLE_NAME_PATTERN;
use crate::request_context::RequestId;
use crate::sessions::MAX_USER_AGENT_CHARS;

/// The issuer in examples.
pub(super) const ISSUER: &str = "https://auth.example.com";

/// Completes the schemas of the components.
pub(super) fn complete(document: &mut Value) {
    let Some(schemas) = document["components"]["schemas"].as_object_mut() else {
        return;
    };
    for (schema, property, facets) in facets() {
        let known = schemas.get_mut(schema).and_then(|schema| {
            let properties = schema.get_mut("properties")?;
            properties.get_mut(property)?.as_object_mut()
        });
        if let (Some(known), Value::Object(facets)) = (known, facets) {
            known.extend(facets);
        }
    }
    for (name, example) in examples() {
        if let Some(schema) = schemas.get_mut(&name) {
            schema["examples"] = json!([example]);
        }
    }
    for (_, _, operation) in operations_mut(document) {
        let parameters = operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            if parameter["name"] == "role" {
                parameter["schema"]["pattern"] = ROLE_NAME_PATTERN.into();
            }
        }
    }
}

/// Schema, property, and what else is true of it.
fn facets() -> Vec<(&'static str, &'static str, Value)> {
    let grants = json!({ "enum": ["password", "refresh_token"] });
    let grant = json!({ "enum": ["refresh_token"] });
    let hints = json!({ "enum": ["access_token", "refresh_token"] });
    let email = json!({ "format": "email" });
    let secret = json!({ "maxLength": MAX_PASSWORD_CHARS });
    let role = json!({ "pattern": ROLE_NAME_PATTERN });
    let codes = ProblemKind::ALL.iter().map(|kind| kind.code());
    let codes = codes.collect::<Vec<_>>().join("|");
    let uri = json!({ "format": "uri" });
    let mut facets = vec![
        ("TokenForm", "grant_type", grants.clone()),
        ("LoginForm", "grant_type", grants),
        ("RefreshForm", "grant_type", grant),
        ("RevokeForm", "token_type_hint", hints),
        ("Tokens", "token_type", json!({ "enum": ["bearer"] })),
        ("Health", "status", json!({ "enum": ["ok"] })),
        (
            "OAuthError",
            "error",
            json!({ "enum": OAuthCode::ALL.map(OAuthCode::word) }),
        ),
        (
            "Problem",
            "type",
            json!({ "format": "uri-reference", "pattern": format!("({codes})$") }),
        ),
        (
            "Problem",
            "counted",
            json!({ "enum": ["source", "account"] }),
        ),
        (
            "Problem",
            "status",
            json!({ "minimum": 400, "maximum": 599 }),
        ),
        ("User", "email", email.clone()),
        ("UserPage", "items", json!({ "maxItems": 50 })),
        ("SessionList", "items", json!({ "maxItems": 100 })),
        ("Problem", "errors", json!({ "maxItems": MAX_FIELDS_NAMED })),
        (
            "Problem",
            "request_id",
            json!({ "maxLength": RequestId::MAX }),
        ),
        ("Tokens", "expires_in", json!({ "minimum": 1 })),
        ("Register", "role", role.clone()),
        ("CreateUser", "role", role.clone()),
        ("User", "username", json!({ "maxLength": 32 })),
        (
            "Session",
            "user_agent",
            json!({ "maxLength": MAX_USER_AGENT_CHARS }),
        ),
        ("DeleteMe", "current_password", secret.clone()),
        ("UpdateMe", "current_password", secret.clone()),
        ("ChangePassword", "current_password", secret),
    ];
    for schema in ["Register", "CreateUser", "UpdateMe", "UpdateUser"] {
        facets.push((schema, "email", email.clone()));
        facets.push((
            schema,
            "username",
            json!({ "minLength": 3, "maxLength": 32 }),
        ));
    }
    for property in [
        "issuer",
        "token_endpoint",
        "revocation_endpoint",
        "jwks_uri",
    ] {
        facets.push(("Metadata", property, uri.clone()));
    }
    facets
}

/// The examples of schemas. Those of requests can be sent as they are.
fn examples() -> Map<String, Value> {
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
        "TokenForm": { "grant_type": "password", "username": "alice", "password": password },
        "LoginForm": { "grant_type": "password", "username": "alice", "password": password },
        "Refresh": { "refresh_token": refresh },
        "RefreshForm": { "refresh_token": refresh },
        "RevokeForm": { "token": refresh },
        "Metadata": {
            "issuer": ISSUER, "token_endpoint": format!("{ISSUER}{}", endpoints::TOKEN.template),
            "revocation_endpoint": format!("{ISSUER}{}", endpoints::REVOKE.template),
            "jwks_uri": format!("{ISSUER}{}", endpoints::JWKS.template),
            "grant_types_supported": ["password", "refresh_token"], "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["none"],
            "revocation_endpoint_auth_methods_supported": ["none"],
            "scopes_supported": ["authenticated"],
        },
        "Logout": { "refresh_token": refresh },
        "UpdateMe": { "username": "alice2", "current_password": password },
        "DeleteMe": { "current_password": password },
        "UpdateUser": { "disabled": true },
        "ChangePassword": { "current_password": password, "new_password": "amber-lantern-77" },
        "Tokens": {
            "access_token": "eyJ0eXAiOiJhdCtqd3QiLCJhbGciOiJFUzI1NiIsImtpZCI6Ii4uLiJ9.e30.c2ln",
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
    });
    match examples {
        Value::Object(examples) => examples,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_facet_and_example_has_its_schema() {
        let (document, _) = crate::api::complete_own_document().expect("complete");
        let schemas = &document["components"]["schemas"];
        for (schema, property, facets) in facets() {
            let known = &schemas[schema]["properties"][property];
            assert!(known.is_object(), "{schema} has no {property}");
            for (name, value) in facets.as_object().expect("an object") {
                assert_eq!(&known[name], value, "{schema}.{property}");
            }
        }
        for (name, example) in examples() {
            assert_eq!(schemas[&name]["examples"], json!([example]), "{name}");
        }
    }
}
