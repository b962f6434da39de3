//! The permission matrix: every documented operation, called by every kind of caller.

mod documentation;
mod forged;

use std::collections::BTreeMap;

use rbac_sentinel::testing::api;
use serde_json::{Value, json};

use crate::document::{Operation, operations};
use crate::harness::{Answer, Server};

/// The callers that an operation admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Any caller; a token is ignored.
    Public,
    /// Any caller; if there is a token, it must be valid.
    MaybeAuthenticated,
    /// Callers with this permission.
    Needs(&'static str),
}

use Access::{MaybeAuthenticated, Needs, Public};

/// THE matrix. To add an operation, decide who may call it and add its line.
const TABLE: &[(&str, Access)] = &[
    ("register", MaybeAuthenticated),
    ("token", Public),
    ("login", Public),
    ("refresh", Public),
    ("revoke", Public),
    ("logout", Needs("authenticated")),
    ("readMe", Needs("authenticated")),
    ("updateMe", Needs("authenticated")),
    ("deleteMe", Needs("authenticated")),
    ("changeMyPassword", Needs("authenticated")),
    ("listMySessions", Needs("authenticated")),
    ("endMySession", Needs("authenticated")),
    ("adminOnly", Needs("admin:access")),
    ("listUsers", Needs("users:read")),
    ("readUser", Needs("users:read")),
    ("createUser", Needs("users:write")),
    ("updateUser", Needs("users:write")),
    ("deleteUser", Needs("users:write")),
    ("grantRole", Needs("roles:assign")),
    ("revokeRole", Needs("roles:assign")),
    ("endUserSessions", Needs("sessions:revoke")),
    ("listMyPermissions", Needs("authenticated")),
    ("listUserRoles", Needs("roles:read")),
    ("listUserPermissions", Needs("roles:read")),
    ("listRoles", Needs("roles:read")),
    ("readRole", Needs("roles:read")),
    ("createRole", Needs("roles:write")),
    ("putRole", Needs("roles:write")),
    ("updateRole", Needs("roles:write")),
    ("deleteRole", Needs("roles:write")),
    ("listPermissions", Needs("roles:read")),
    ("readPermission", Needs("roles:read")),
    ("createPermission", Needs("roles:write")),
    ("putPermission", Needs("roles:write")),
    ("deletePermission", Needs("roles:write")),
    ("readRoleUsage", Needs("roles:read")),
    ("readShadow", Needs("authz:search")),
    ("listExclusiveRoles", Needs("roles:read")),
    ("putExclusiveRoles", Needs("roles:write")),
    ("deleteExclusiveRoles", Needs("roles:write")),
    ("evaluate", Needs("authz:evaluate")),
    ("evaluateMany", Needs("authz:evaluate")),
    ("explain", Needs("authz:search")),
    ("forwardAuth", Needs("authenticated")),
    ("authzenConfiguration", Public),
    ("listResourceTypes", Needs("roles:read")),
    ("listResources", Needs("roles:read")),
    ("readResource", Needs("roles:read")),
    ("putResourceType", Needs("roles:write")),
    ("deleteResourceType", Needs("roles:write")),
    ("changeResources", Needs("roles:write")),
    ("putResource", Needs("roles:write")),
    ("deleteResource", Needs("roles:write")),
    ("listSubjectTypes", Needs("roles:read")),
    ("listSubjects", Needs("roles:read")),
    ("readSubject", Needs("roles:read")),
    ("putSubjectType", Needs("roles:write")),
    ("deleteSubjectType", Needs("roles:write")),
    ("changeSubjects", Needs("roles:write")),
    ("putSubject", Needs("roles:write")),
    ("deleteSubject", Needs("roles:write")),
    ("searchSubjects", Needs("authz:search")),
    ("searchResources", Needs("authz:search")),
    ("searchActions", Needs("authz:search")),
    ("jwks", Public),
    ("health", Public),
    ("oauthMetadata", Public),
    ("openidConfiguration", Public),
];

/// The permissions of the role `user`.
const OF_USERS: &[&str] = &["authenticated"];

impl Operation {
    /// The callers that the table admits.
    fn access(&self) -> Access {
        let entry = TABLE.iter().find(|(id, _)| *id == self.id);
        let (_, access) = entry.unwrap_or_else(|| {
            panic!(
                "nobody decided who may call {} {} ({}): add a line to TABLE in \
                 tests/suite/api/permissions/mod.rs",
                self.method, self.template, self.id
            )
        });
        *access
    }
}

/// The fault of an answer that should be a 401, if it has one.
fn challenge_fault(answer: &Answer, error: Option<&str>) -> Option<String> {
    let challenge = answer.header("www-authenticate");
    let wanted = error.map(|error| format!("error=\"{error}\""));
    let sound = answer.status == 401
        && challenge.starts_with("Bearer realm=")
        && match &wanted {
            Some(wanted) => challenge.contains(wanted),
            None => !challenge.contains("error"),
        }
        && is_problem(answer, "unauthenticated");
    (!sound).then(|| {
        format!(
            "401 with {wanted:?} expected, got {} {challenge:?} {}",
            answer.status, answer.text
        )
    })
}

/// The fault of an answer that should be a 403 because this permission is missing.
fn forbidden_fault(answer: &Answer, permission: &str) -> Option<String> {
    let challenge = answer.header("www-authenticate");
    let sound = answer.status == 403
        && challenge.contains("error=\"insufficient_scope\"")
        && challenge.contains(&format!("scope=\"{permission}\""))
        && is_problem(answer, "forbidden")
        && answer.json["permission"] == permission;
    (!sound).then(|| {
        format!(
            "403 for want of {permission} expected, got {} {challenge:?} {}",
            answer.status, answer.text
        )
    })
}

/// The fault of an answer to a caller who has the permission.
fn admitted_fault(answer: &Answer) -> Option<String> {
    let refused = [401, 403].contains(&answer.status) || answer.status >= 500;
    refused.then(|| format!("must be let in, got {} {}", answer.status, answer.text))
}

fn is_problem(answer: &Answer, code: &str) -> bool {
    answer.header("content-type") == "application/problem+json"
        && answer.json["type"] == format!("/problems/{code}")
        && answer.json["status"] == answer.status
        && answer.json["request_id"] == answer.service_request_id()
}

/// Faults of many calls, reported together.
#[derive(Default)]
struct Faults(Vec<String>);

impl Faults {
    fn note(&mut self, operation: &Operation, who: &str, fault: Option<String>) {
        let Operation {
            id,
            method,
            template,
            ..
        } = operation;
        self.0
            .extend(fault.map(|fault| format!("{method} {template} ({id}) by {who}: {fault}")));
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        assert!(
            self.0.is_empty() || std::thread::panicking(),
            "{}",
            self.0.join("\n")
        );
    }
}

#[test]
fn permission_table_lists_exactly_the_operations() {
    let operations = operations();
    for operation in &operations {
        operation.access();
    }
    for (id, _) in TABLE {
        let found = operations.iter().filter(|operation| operation.id == *id);
        assert_eq!(
            found.count(),
            1,
            "the document has no operation {id}, or has it twice: remove its line from TABLE in \
             tests/suite/api/permissions/mod.rs, or rename it"
        );
    }
}

#[test]
fn operation_records_match_the_permission_table() {
    let mut faults = Faults::default();
    for operation in operations() {
        let recorded = match operation.record().access {
            api::Access::Public => Public,
            api::Access::Optional => MaybeAuthenticated,
            api::Access::Needs(permission) => Needs(permission.name()),
            api::Access::AnyScope => Needs("authenticated"),
        };
        let expected = operation.access();
        let fault = (recorded != expected).then(|| format!("{recorded:?}, not {expected:?}"));
        faults.note(&operation, "its record", fault);
    }
}

#[test]
fn openapi_security_matches_the_permission_table() {
    let mut faults = Faults::default();
    for operation in operations() {
        let expected = match operation.access() {
            Public => json!([]),
            MaybeAuthenticated => json!([{ "session": [] }, { "bearer": [] }, {}]),
            Needs(_) if operation.record().access == api::Access::AnyScope => {
                json!([{ "session": [] }, { "bearer": [] }])
            }
            Needs(permission) => json!([{ "session": [permission] }, { "bearer": [] }]),
        };
        let documented = &operation.value["security"];
        let fault = (*documented != expected).then(|| format!("{documented}, not {expected}"));
        faults.note(&operation, "the document", fault);
    }
}

#[tokio::test]
async fn every_role_gets_what_the_permission_table_says() {
    let server = Server::start().await;
    let mut faults = Faults::default();
    let mut expected = decisions(&server).await;
    let mut forbidden = 0;
    for operation in operations() {
        // Some operations end the session or the account that calls them.
        let user = server.user(&operation.id).await;
        let admin = server.admin().await;
        for (who, client) in [
            ("nobody", &server.anon()),
            ("user", &user),
            ("admin", &admin),
        ] {
            let answer = Answer::of(operation.request(client)).await;
            let needed = match operation.access() {
                Public => None,
                MaybeAuthenticated if who == "nobody" => None,
                MaybeAuthenticated => Some("authenticated"),
                Needs(permission) => Some(permission),
            };
            let allowed = match (needed, who) {
                (Some(_), "nobody") => {
                    faults.note(&operation, who, challenge_fault(&answer, None));
                    continue;
                }
                (Some(permission), "user") => OF_USERS.contains(&permission),
                _ => true,
            };
            forbidden += u32::from(answer.status == 403);
            let fault = match needed {
                Some(permission) if !allowed => forbidden_fault(&answer, permission),
                _ => admitted_fault(&answer),
            };
            faults.note(&operation, who, fault);
            if let Some(permission) = needed {
                let outcome = if allowed { "allow" } else { "deny" };
                let key = [permission, who, outcome].map(str::to_owned);
                *expected.get_mut(&key).expect("counted from the start") += 1.0;
            }
        }
    }
    assert_eq!(decisions(&server).await, expected);
    let denied = server
        .metrics()
        .await
        .sum("auth_rbac_decisions_total", &[("outcome", "deny")]);
    assert_eq!(denied, f64::from(forbidden), "denials are the 403s");
    assert!(forbidden > 0, "a plain user was refused nothing");
}

/// The decision counters by permission, role and outcome.
async fn decisions(server: &Server) -> BTreeMap<[String; 3], f64> {
    server
        .scrape()
        .await
        .of("auth_rbac_decisions_total")
        .map(|series| {
            let key = ["permission", "role", "outcome"].map(|name| series.label(name).to_owned());
            (key, series.value)
        })
        .collect()
}

#[tokio::test]
async fn authentication_is_checked_before_parameters_and_body() {
    let server = Server::start().await;
    let user = server.user("alice").await;
    let mut faults = Faults::default();
    for operation in operations() {
        let Needs(permission) = operation.access() else {
            continue;
        };
        let path = operation.path_with("not-a-uuid", "no%20such%20role");
        let path = format!("{path}?limit=-1&cursor=%00");
        for (who, client) in [("nobody", &server.anon()), ("user", &user)] {
            if who == "user" && OF_USERS.contains(&permission) {
                continue;
            }
            let bodies = [
                ("application/json", "{\"broken"),
                ("application/json", "{\"surprise\": 1}"),
                ("text/plain", "not JSON at all"),
                ("application/x-www-form-urlencoded", "a=%ff&a=b"),
            ];
            for (content_type, body) in bodies {
                let request = client
                    .request(operation.method.clone(), &path)
                    .header("content-type", content_type)
                    .body(body);
                let answer = Answer::of(request).await;
                let fault = if who == "nobody" {
                    challenge_fault(&answer, None)
                } else {
                    forbidden_fault(&answer, permission)
                };
                faults.note(&operation, who, fault);
            }
        }
    }
}

#[tokio::test]
async fn revoked_role_loses_its_permissions_at_the_next_request() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let user = server.user("alice").await;
    let role = format!("/admin/users/{}/roles/admin", user.id().await);
    for (change, status) in [("PUT", 200), ("DELETE", 403)] {
        let method = reqwest::Method::from_bytes(change.as_bytes()).expect("a method");
        let answer = Answer::of(admin.request(method, &role)).await;
        assert_eq!((answer.status, answer.json), (204, Value::Null));
        assert_eq!(user.get("/admin-only").await.status, status, "{change}");
    }
}
