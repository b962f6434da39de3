//! Nobody ends with more than they began with, whatever they change.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::dice::Dice;

use super::{grants, put_role, register, role};
use crate::harness::{Answer, Client, PASSWORD, Server};

/// The permissions of administration, without the one that lifts the rule.
const ADMINISTRATIVE: [&str; 7] = [
    "users:read",
    "users:write",
    "roles:assign",
    "roles:read",
    "roles:write",
    "sessions:revoke",
    "admin:access",
];
/// Permissions of other services.
const FOREIGN: [&str; 3] = ["posts:read", "posts:write", "files:read"];

/// A partial administrator: the account, and the role that it was given.
struct Partial {
    name: String,
    id: String,
    client: Client,
}

/// Makes an account with a role of its own that grants these permissions.
async fn partial(server: &Server, admin: &Client, name: &str, permissions: &[&str]) -> Partial {
    let client = server.user(name).await;
    let id = client.id().await;
    role(
        admin,
        &format!("of-{name}"),
        &json!({ "grants": grants(permissions) }),
    )
    .await;
    let path = format!("/admin/users/{id}/roles/of-{name}");
    assert_eq!(admin.put(&path).await.status, 204);
    Partial {
        name: name.to_owned(),
        id,
        client,
    }
}

/// What an account holds, as administrators see it: permission, condition and reach of each grant.
async fn held(admin: &Client, id: &str) -> BTreeSet<String> {
    let answer = admin.get(&format!("/admin/users/{id}/permissions")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["truncated"], json!(false));
    let items = answer.json["items"].as_array().expect("a list");
    items
        .iter()
        .map(|item| {
            let (permission, condition) = (&item["permission"], &item["condition"]);
            format!("{permission} if {condition} for {}", item["resource"])
        })
        .collect()
}

/// Whether everything of the second is in the first, or held there without condition and everywhere.
fn covers(own: &BTreeSet<String>, other: &BTreeSet<String>) -> bool {
    other.iter().all(|grant| {
        let permission = grant.split(" if ").next().unwrap_or_default();
        own.contains(grant) || own.contains(&format!("{permission} if null for null"))
    })
}

#[tokio::test]
async fn what_one_does_not_hold_cannot_be_granted() {
    let server = Server::builder().env("RATE_LIMITS", "off").start().await;
    let admin = server.admin().await;
    register(&admin, &FOREIGN).await;
    let own = [
        "roles:write",
        "roles:assign",
        "roles:read",
        "users:write",
        "posts:read",
    ];
    let carol = partial(&server, &admin, "carol", &own).await;
    let victim = server.user("victim").await;
    let victim_id = victim.id().await;
    let escalation = |answer: Answer, permission: &str| {
        answer.problem(403, "forbidden");
        let named = format!("`{permission}`");
        assert!(
            answer.text.contains(&named),
            "{} lacks {named}",
            answer.text
        );
    };
    let client = &carol.client;
    // A role with more, new or one's own; directly, by a wildcard, by a parent, under a condition.
    for name in ["new", "of-carol", "everyone"] {
        for (more, permission) in [
            (json!({ "grants": grants(&["posts:write"]) }), "posts:write"),
            (json!({ "grants": grants(&["posts:*"]) }), "posts:write"),
            (
                json!({ "grants": grants(&["users:delete", "sessions:revoke"]) }),
                "sessions:revoke",
            ),
            (json!({ "parents": ["admin"] }), "admin:access"),
            (
                json!({ "grants": [{ "permission": "files:read", "condition": "subject.id == \"1\"" }] }),
                "files:read",
            ),
        ] {
            if more["parents"].is_array() && name == "everyone" {
                continue;
            }
            let answer = put_role(client, name, &more).await;
            if permission == "sessions:revoke" {
                // `users:delete` is no permission.
                answer.names(422, "invalid-field", "grants");
            } else {
                escalation(answer, permission);
            }
        }
    }
    // A role that has more, to oneself and to others.
    for id in [&carol.id, &victim_id] {
        let path = format!("/admin/users/{id}/roles/admin");
        escalation(client.put(&path).await, "admin:access");
        let limited = format!("{path}?resource_type=posts&resource_id=1");
        escalation(client.put(&limited).await, "admin:access");
    }
    let body = json!({ "username": "mole", "email": "mole@example.com", "role": "admin" });
    escalation(client.post("/admin/users", &body).await, "admin:access");
    // A permission that a wildcard would grant at once.
    role(&admin, "wild", &json!({ "grants": grants(&["files:*"]) })).await;
    let registered = client
        .put_json("/admin/permissions/files:write", &json!({}))
        .await;
    escalation(registered, "files:write");
    // What nobody grants may be registered, and what one holds may be granted.
    let registered = client
        .put_json("/admin/permissions/letters:read", &json!({}))
        .await;
    assert_eq!(registered.status, 201, "{}", registered.text);
    let sound = json!({ "grants": [
        { "permission": "posts:read" },
        { "permission": "posts:read", "condition": "subject.id == \"1\"" },
        { "permission": "roles:read" },
    ] });
    assert_eq!(put_role(client, "reader", &sound).await.status, 201);
    let path = format!("/admin/users/{victim_id}/roles/reader");
    assert_eq!(client.put(&path).await.status, 204);
    let metrics = server.metrics().await;
    let refused = |attempt: &str| {
        let labels = [("attempt", attempt)];
        metrics.sum("auth_rbac_escalations_refused_total", &labels)
    };
    assert_eq!(refused("grant_role"), 5.0);
    assert_eq!(refused("change_role"), 11.0);
    assert_eq!(refused("register_permission"), 1.0);
    assert_eq!(refused("act_on_account"), 0.0);
    assert!(server.log().contains("authz_escalation_refused"));
}

#[tokio::test]
async fn account_that_holds_more_is_out_of_reach() {
    let server = Server::builder().env("RATE_LIMITS", "off").start().await;
    let admin = server.admin().await;
    register(&admin, &FOREIGN).await;
    let all = [
        "users:write",
        "users:read",
        "roles:assign",
        "sessions:revoke",
    ];
    let carol = partial(&server, &admin, "carol", &all).await;
    let dave = partial(&server, &admin, "dave", &["posts:write"]).await;
    let erin = partial(&server, &admin, "erin", &["users:read"]).await;
    let boss = admin.id().await;
    let client = &carol.client;
    let attempts = async |id: &str| {
        let user = format!("/admin/users/{id}");
        let mail = json!({ "email": "mine@example.com" });
        let disabled = json!({ "disabled": true });
        vec![
            client.patch(&user, &mail).await,
            client.patch(&user, &disabled).await,
            client.delete(&format!("{user}/sessions")).await,
            client.put(&format!("{user}/roles/user")).await,
            client.delete(&format!("{user}/roles/user")).await,
            client.delete(&user).await,
        ]
    };
    for id in [&dave.id, &boss] {
        for answer in attempts(id).await {
            answer.problem(403, "forbidden");
        }
    }
    assert_eq!(dave.client.get("/users/me").await.status, 200);
    for answer in attempts(&erin.id).await {
        assert!([200, 204].contains(&answer.status), "{}", answer.text);
    }
    // A narrow session reaches no farther than its scope.
    let frank = partial(&server, &admin, "frank", &["users:read"]).await;
    let form = [
        ("username", "carol"),
        ("password", PASSWORD),
        ("scope", "users:write"),
    ];
    let narrow = server.anon().with(&server.anon().form(&form).await.json);
    let body = json!({ "disabled": true });
    let path = format!("/admin/users/{}", frank.id);
    narrow.patch(&path, &body).await.problem(403, "forbidden");
    assert_eq!(client.patch(&path, &body).await.status, 200);
}

/// A request that a partial administrator may think of, and what it is.
fn attempt(dice: &mut Dice, people: &[Partial]) -> (Method, String, Option<Value>) {
    let permissions: Vec<&str> = ADMINISTRATIVE.iter().chain(&FOREIGN).copied().collect();
    let mut roles: Vec<String> = people
        .iter()
        .map(|one| format!("of-{}", one.name))
        .collect();
    roles.extend(["admin", "user", "everyone", "new-a", "new-b"].map(str::to_owned));
    let pick = |dice: &mut Dice, from: &[String]| from[dice.below(from.len())].clone();
    let ids: Vec<String> = people.iter().map(|one| one.id.clone()).collect();
    let (role, id) = (pick(dice, &roles), pick(dice, &ids));
    let user = format!("/admin/users/{id}");
    let some: Vec<&str> = (0..=dice.below(3))
        .map(|_| permissions[dice.below(permissions.len())])
        .collect();
    let conditional = json!([{
        "permission": some[0],
        "condition": "resource.properties.owner == subject.id",
    }]);
    let resources = ["posts", "files", "users", "roles"];
    let resource = resources[dice.below(resources.len())];
    let wildcard = grants(&[&format!("{resource}:*")]);
    let path = format!("/admin/roles/{role}");
    match dice.below(12) {
        0 => (Method::PUT, path, Some(json!({ "grants": grants(&some) }))),
        1 => (Method::PATCH, path, Some(json!({ "grants": conditional }))),
        2 => (
            Method::PATCH,
            path,
            Some(json!({ "parents": [pick(dice, &roles)] })),
        ),
        3 => (Method::PUT, path, Some(json!({ "grants": wildcard }))),
        4 => (Method::DELETE, path, None),
        5 | 6 => (Method::PUT, format!("{user}/roles/{role}"), None),
        7 => (
            Method::PUT,
            format!("{user}/roles/{role}?resource_type={resource}"),
            None,
        ),
        8 => (Method::DELETE, format!("{user}/roles/{role}"), None),
        9 => (
            Method::PUT,
            format!("/admin/permissions/{resource}:extra"),
            Some(json!({})),
        ),
        10 => (
            Method::DELETE,
            format!("/admin/permissions/{}", some[0]),
            None,
        ),
        _ => (Method::PATCH, user, Some(json!({ "disabled": false }))),
    }
}

#[tokio::test]
async fn random_changes_of_partial_administrators_add_nothing() {
    for seed in 0..6 {
        let server = Server::builder().env("RATE_LIMITS", "off").start().await;
        let admin = server.admin().await;
        register(&admin, &FOREIGN).await;
        let mut dice = Dice::new(seed);
        let mut people = Vec::new();
        for number in 0..3 {
            let all = ADMINISTRATIVE.iter().chain(&FOREIGN).copied();
            let some: Vec<&str> = all.filter(|_| dice.below(2) == 0).collect();
            people.push(partial(&server, &admin, &format!("partial-{number}"), &some).await);
        }
        let mut before = BTreeSet::new();
        for one in &people {
            before.extend(held(&admin, &one.id).await);
        }
        let mut done = 0;
        for step in 0..60 {
            let actor = &people[dice.below(people.len())];
            let own = held(&admin, &actor.id).await;
            let (method, path, body) = attempt(&mut dice, &people);
            let mut request = actor.client.request(method.clone(), &path);
            if let Some(body) = &body {
                request = request.json(body);
            }
            let answer = Answer::of(request).await;
            assert!(
                answer.status < 500,
                "{method} {path} {body:?}: {}",
                answer.text
            );
            done += u32::from(answer.status < 300);
            // Nobody raises themselves, and together they never hold what none of them held.
            let after = held(&admin, &actor.id).await;
            let change = format!("seed {seed}, step {step}: {method} {path} {body:?}");
            assert!(covers(&own, &after), "{change}: {own:?} became {after:?}");
            let mut together = BTreeSet::new();
            for one in &people {
                together.extend(held(&admin, &one.id).await);
            }
            assert!(
                covers(&before, &together),
                "{change}: {before:?} became {together:?}"
            );
        }
        println!("seed {seed}: {done} of 60 changes were made");
    }
}

#[tokio::test]
async fn every_small_set_of_permissions_is_closed() {
    let server = Server::builder().env("RATE_LIMITS", "off").start().await;
    let admin = server.admin().await;
    let scope = [
        "roles:write",
        "roles:assign",
        "users:write",
        "sessions:revoke",
    ];
    let victim = server.user("victim").await.id().await;
    for bits in 0..16_usize {
        let own: Vec<&str> = (0..4)
            .filter(|at| bits & (1 << at) != 0)
            .map(|at| scope[at])
            .collect();
        let one = partial(&server, &admin, &format!("small-{bits}"), &own).await;
        for permission in scope {
            let name = format!("only-{}", permission.replace(':', "-"));
            role(&admin, &name, &json!({ "grants": grants(&[permission]) })).await;
            let holds = own.contains(&permission);
            // Through one's role, a new role, its assignment to oneself and to another.
            let more: Vec<&str> = own.iter().copied().chain([permission]).collect();
            let own_role = format!("of-small-{bits}");
            let widened =
                put_role(&one.client, &own_role, &json!({ "grants": grants(&more) })).await;
            let wrote = own.contains(&"roles:write") && holds;
            assert_eq!(
                widened.status < 300,
                wrote,
                "{own:?} {permission}: {}",
                widened.text
            );
            for id in [&one.id, &victim] {
                let path = format!("/admin/users/{id}/roles/{name}");
                let given = one.client.put(&path).await;
                let may = own.contains(&"roles:assign") && holds;
                assert_eq!(
                    given.status < 300,
                    may,
                    "{own:?} {permission}: {}",
                    given.text
                );
                if may {
                    assert_eq!(admin.delete(&path).await.status, 204);
                }
            }
        }
        let after: BTreeSet<_> = held(&admin, &one.id).await;
        let expected: BTreeSet<_> = own
            .iter()
            .map(|permission| format!("\"{permission}\" if null for null"))
            .collect();
        assert_eq!(after, expected);
    }
}
