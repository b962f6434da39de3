//! The examples of schemas. Those of requests can be sent as they are.

use catalogue::endpoints;
use serde_json::{Map, Value, json};

/// The issuer in examples.
pub(super) const ISSUER: &str = "https://auth.example.com";
const ID: &str = "0199a5c4-9f6e-7c3a-8d2b-5e4f3a2b1c0d";
const TIME: &str = "2026-01-01T12:00:00Z";
const CONDITION: &str = "resource.properties.owner == subject.id";

/// All of them, by the name of the schema.
pub(super) fn all() -> Map<String, Value> {
    let mut all = Map::new();
    for some in [accounts(), policy(), decisions()] {
        if let Value::Object(some) = some {
            all.extend(some);
        }
    }
    all
}

fn accounts() -> Value {
    let session = "0199a5c5-1b2c-7d3e-9f4a-6b5c4d3e2f1a";
    let (id, time) = (ID, TIME);
    let user = json!({
        "id": id, "username": "alice", "email": "alice@example.com", "roles": ["user"],
        "disabled": false, "created_at": time, "updated_at": time, "last_login_at": time,
    });
    let password = "violet-harbour-31";
    let refresh = "rt_3q2-7wEBAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhs";
    json!({
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
    })
}

fn policy() -> Value {
    let grants = json!([
        { "permission": "posts:read" },
        { "permission": "posts:write", "condition": CONDITION },
    ]);
    let role = json!({
        "name": "author", "description": "Writes.", "built_in": false, "parents": [], "grants": grants,
        "permissions": ["posts:read"],
    });
    let permission =
        json!({ "name": "posts:write", "description": "Write a post.", "built_in": false });
    let set = json!({
        "name": "audit", "description": "Nobody audits what they wrote.", "roles": ["auditor", "author"],
    });
    json!({
        "CreateRole": { "name": "author", "description": "Writes.", "grants": grants },
        "UpdateRole": { "description": "Writes and reads.", "grants": grants },
        "Role": role,
        "RolePage": { "items": [role] },
        "CreatePermission": { "name": "posts:write", "description": "Write a post." },
        "DescribePermission": { "description": "Write a post." },
        "Permission": permission,
        "PermissionPage": { "items": [permission] },
        "PutExclusiveRoles": {
            "description": "Nobody audits what they wrote.", "roles": ["auditor", "author"],
        },
        "ExclusiveRoles": set,
        "ExclusiveRolesList": { "items": [set] },
        "AssignedRoles": { "items": [
            { "role": "author", "resource": { "type": "posts" }, "expires_at": "2030-01-31T12:00:00Z" },
            { "role": "user" },
        ] },
        "Permissions": {
            "items": [{
                "permission": "posts:write", "roles": ["editor", "author"], "condition": CONDITION,
                "text": format!("editor → author → posts:write if {CONDITION}"),
            }],
            "truncated": false,
        },
        "RoleUsage": {
            "since": TIME, "idle_roles": [{ "role": "auditor" }],
            "idle_grants": [{ "role": "author", "permission": "posts:read", "last_used_at": TIME }],
            "unused_permissions": ["posts:delete"], "truncated": false,
        },
        "Shadow": {
            "loaded": true, "every": 1, "compared": 20000, "gains": 0, "losses": 1,
            "examples": [{
                "at": TIME, "subject": { "type": "user", "id": ID }, "action": "write",
                "resource": { "type": "posts", "id": "7" }, "change": "loss",
            }],
        },
    })
}

fn decisions() -> Value {
    let (id, time, condition) = (ID, TIME, CONDITION);
    let question = json!({
        "subject": { "type": "user", "id": id }, "action": { "name": "read" },
        "resource": { "type": "record", "id": "record-1", "properties": { "status": "active" } },
    });
    let entity = json!({
        "id": "record-1", "properties": { "status": "active" }, "updated_at": time,
    });
    let denied = json!({ "decision": false, "context": { "reason": "not_granted" } });
    json!({
        "Evaluation": question,
        "Evaluations": {
            "subject": question["subject"], "resource": question["resource"],
            "evaluations": [{ "action": { "name": "read" } }, { "action": { "name": "write" } }],
        },
        "SubjectSearch": {
            "subject": { "type": "user" }, "action": question["action"], "resource": question["resource"],
            "page": { "limit": 50 },
        },
        "ResourceSearch": {
            "subject": question["subject"], "action": question["action"], "resource": { "type": "record" },
        },
        "ActionSearch": { "subject": question["subject"], "resource": question["resource"] },
        "FoundEntities": {
            "page": { "next_token": "", "count": 1 }, "results": [{ "type": "record", "id": "record-1" }],
        },
        "FoundActions": { "results": [{ "name": "read" }] },
        "PutEntityType": { "description": "Records of the archive.", "caller_wins": false },
        "EntityType": { "type": "record", "description": "Records of the archive.", "caller_wins": false },
        "PutEntity": { "properties": { "status": "active" } },
        "Entity": entity,
        "EntityPage": { "items": [entity] },
        "ChangeEntities": {
            "upsert": [{ "id": "record-1", "properties": { "status": "active" } }], "delete": ["record-2"],
        },
        "ChangedEntities": { "upserted": 1, "deleted": 1 },
        "AccessDecision": denied,
        "AccessDecisions": { "evaluations": [{ "decision": true }, denied] },
        "AccessExplanation": {
            "decision": true, "reason": "condition_holds",
            "ways": [{
                "roles": ["editor", "author"], "reach": "everywhere", "covers": true,
                "condition": condition, "failing": [],
            }],
            "text": format!("user → editor → author → posts:write if {condition}"),
        },
        "AuthzenMetadata": {
            "policy_decision_point": ISSUER,
            "access_evaluation_endpoint": format!("{ISSUER}{}", endpoints::EVALUATE.template),
            "access_evaluations_endpoint": format!("{ISSUER}{}", endpoints::EVALUATE_MANY.template),
        },
    })
}
