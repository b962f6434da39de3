//! What the framework cannot derive of a schema: closed sets of words, formats, lengths, examples.

use serde_json::{Value, json};

use super::operations_mut;
use crate::api::access::{LONGEST, MOST_QUESTIONS, SEMANTICS};
use crate::api::problem::{MAX_FIELDS_NAMED, OAuthCode, ProblemKind};
use crate::decisions::search::MOST;
use crate::hashing::MAX_PASSWORD_CHARS;
use crate::rbac::entities::LONGEST_ID;
use crate::rbac::names::{PERMISSION_NAME_PATTERN, ROLE_NAME_PATTERN};
use crate::request_context::RequestId;
use crate::sessions::MAX_USER_AGENT_CHARS;

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
    for (name, example) in super::examples::all() {
        if let Some(schema) = schemas.get_mut(&name) {
            schema["examples"] = json!([example]);
        }
    }
    for (path, _, operation) in operations_mut(document) {
        let parameters = operation
            .get_mut("parameters")
            .and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default();
            let facets = parameter_facets(&path, name);
            let schema = parameter["schema"].as_object_mut();
            if let (Some(schema), Some(Value::Object(facets))) = (schema, facets) {
                schema.extend(facets);
            }
        }
    }
}

/// What else is true of the parameter with this name.
fn parameter_facets(path: &str, name: &str) -> Option<Value> {
    let facets = match name {
        "name" if path.starts_with("/admin/permissions/") => {
            json!({ "pattern": PERMISSION_NAME_PATTERN })
        }
        "permission" => json!({ "pattern": PERMISSION_NAME_PATTERN }),
        "role" | "name" | "type" => json!({ "pattern": ROLE_NAME_PATTERN }),
        "entity" => {
            json!({ "minLength": 1, "maxLength": LONGEST_ID, "pattern": NO_CONTROL_CHARACTERS })
        }
        "If-Match" => json!({ "pattern": r#"^(\*|"[^"]+")$"# }),
        "If-None-Match" => json!({ "enum": ["*"] }),
        _ => return None,
    };
    Some(facets)
}

/// The pattern of text without control characters.
const NO_CONTROL_CHARACTERS: &str = r"^[^\u0000-\u001f\u007f-\u009f]+$";

/// Closes the schemas of request bodies, and those within them, in which an unknown field is an error.
pub(super) fn close(document: &mut Value, bodies: Vec<String>) {
    let mut open = bodies;
    while let Some(name) = open.pop() {
        let schema = &mut document["components"]["schemas"][name];
        if schema.get("additionalProperties").is_some() {
            continue;
        }
        schema["additionalProperties"] = json!(false);
        let properties = schema["properties"].as_object();
        for (_, property) in properties.into_iter().flatten() {
            let part = [&property["$ref"], &property["items"]["$ref"]];
            let part = part.into_iter().find_map(Value::as_str);
            open.extend(part.and_then(|part| Some(part.rsplit('/').next()?.to_owned())));
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
        (
            "CreatePermission",
            "name",
            json!({ "pattern": PERMISSION_NAME_PATTERN }),
        ),
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
    facets.extend(decision_facets());
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

/// The same of the API of decisions, and of what it decides about.
fn decision_facets() -> Vec<(&'static str, &'static str, Value)> {
    let mut facets = Vec::new();
    let name = json!({ "minLength": 1, "maxLength": LONGEST });
    for (schema, property) in [
        ("AccessEntity", "type"),
        ("AccessEntity", "id"),
        ("AccessAction", "name"),
        ("SearchTarget", "type"),
    ] {
        facets.push((schema, property, name.clone()));
    }
    for schema in ["Evaluations", "AccessDecisions"] {
        let most = json!({ "maxItems": MOST_QUESTIONS });
        facets.push((schema, "evaluations", most));
    }
    for schema in ["FoundEntities", "FoundActions"] {
        facets.push((schema, "results", json!({ "maxItems": MOST })));
    }
    facets.push(("EntityPage", "items", json!({ "maxItems": 50 })));
    let id = json!({ "minLength": 1, "maxLength": LONGEST_ID, "pattern": NO_CONTROL_CHARACTERS });
    facets.push((
        "ChangeEntities",
        "delete",
        json!({ "items": {
        "type": "string", "minLength": 1, "maxLength": LONGEST_ID, "pattern": NO_CONTROL_CHARACTERS,
    } }),
    ));
    facets.push(("NewEntity", "id", id.clone()));
    facets.push(("Entity", "id", id));
    let words = json!({ "enum": SEMANTICS });
    facets.push(("EvaluationOptions", "evaluations_semantic", words));
    facets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_facet_and_example_has_its_schema() {
        let (document, _) = crate::api::documentation::complete_own_document().expect("complete");
        let schemas = &document["components"]["schemas"];
        for (schema, property, facets) in facets() {
            let known = &schemas[schema]["properties"][property];
            assert!(known.is_object(), "{schema} has no {property}");
            for (name, value) in facets.as_object().expect("an object") {
                assert_eq!(&known[name], value, "{schema}.{property}");
            }
        }
        for (name, example) in super::super::examples::all() {
            assert_eq!(schemas[&name]["examples"], json!([example]), "{name}");
        }
    }

    #[test]
    fn objects_within_closed_bodies_are_closed_and_parameters_have_their_forms() {
        let (document, _) = crate::api::documentation::complete_own_document().expect("complete");
        for name in ["CreateRole", "Grant", "ChangeEntities", "NewEntity"] {
            let schema = &document["components"]["schemas"][name];
            assert_eq!(schema["additionalProperties"], json!(false), "{name}");
        }
        let evaluation = &document["components"]["schemas"]["Evaluation"];
        assert!(evaluation.get("additionalProperties").is_none());
        let parameters = &document["paths"]["/admin/permissions/{name}"]["get"]["parameters"];
        assert_eq!(parameters[0]["schema"]["pattern"], PERMISSION_NAME_PATTERN);
        let parameters = &document["paths"]["/admin/roles/{name}"]["get"]["parameters"];
        assert_eq!(parameters[0]["schema"]["pattern"], ROLE_NAME_PATTERN);
    }
}
