//! A query budget: the statements that each request executes. A new round trip is a decision: it is added
//! to this table.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::json;

use crate::harness::{PASSWORD, Server, until};
use crate::support::statements::caused_by_requests;

/// Statements that requests caused so far, by name. Jobs run on their own, and a rollback may come
/// after the answer.
async fn statements(server: &Server) -> BTreeMap<String, f64> {
    let scrape = server.scrape().await;
    scrape
        .of("db_client_operation_duration_seconds_count")
        .filter(|series| series.label("db_system_name") != "redis")
        .map(|series| (series.label("db_query_summary").to_owned(), series.value))
        .filter(|(name, _)| caused_by_requests(name))
        .collect()
}

/// The statements executed since `before`, as `name` or `name*2`, in alphabetical order.
async fn asked(server: &Server, before: &mut BTreeMap<String, f64>) -> String {
    let after = statements(server).await;
    let mut list = Vec::new();
    for (name, count) in &after {
        match count - before.get(name).copied().unwrap_or_default() {
            0.0 => {}
            1.0 => list.push(name.clone()),
            times => list.push(format!("{name}*{times}")),
        }
    }
    *before = after;
    list.join(" ")
}

#[tokio::test]
async fn every_request_executes_the_statements_in_the_table() {
    let server = Server::start().await;
    let admin = server.admin().await;
    admin.warm_up().await;
    let anon = server.anon();
    let mut before = statements(&server).await;
    let mut table = Vec::new();
    let mut note = async |what: &'static str| table.push((what, asked(&server, &mut before).await));

    server.register("alice").await;
    note("register").await;
    server.register("alice").await;
    note("register, taken").await;
    let alice = anon.with(&anon.login("alice", PASSWORD).await.json);
    note("log in").await;
    anon.login("alice", "wrong")
        .await
        .oauth(400, "invalid_grant");
    note("log in, wrong password").await;
    anon.login("nobody", "wrong")
        .await
        .oauth(400, "invalid_grant");
    note("log in, unknown name").await;
    alice.get("/users/me").await;
    note("read, cold").await;
    alice.get("/users/me").await;
    note("read, warm").await;
    alice.get("/admin/users").await.problem(403, "forbidden");
    note("denied").await;
    anon.token("e30.e30.e30")
        .get("/users/me")
        .await
        .invalid_token();
    note("forged").await;
    let alice = alice.refreshed().await;
    note("refresh").await;
    let unknown = json!({"refresh_token": "unknown"});
    anon.post("/refresh", &unknown)
        .await
        .oauth(400, "invalid_grant");
    note("refresh, unknown token").await;
    let id = alice.id().await;
    // A request waits a quarter of a second for this statement at most.
    until("recorded", async || {
        statements(&server).await.get("mark_used") > Some(&0.0)
    })
    .await;
    note("who am I").await;
    alice.id().await;
    note("who am I, again").await;
    admin.get("/admin/users").await;
    note("list accounts").await;
    admin.get(&format!("/admin/users/{id}")).await;
    note("read an account").await;
    admin.put(&format!("/admin/users/{id}/roles/admin")).await;
    note("give a role").await;
    alice.get("/users/me/sessions").await;
    note("own sessions").await;
    alice
        .request(Method::POST, "/logout")
        .send()
        .await
        .expect("an answer");
    note("log out").await;
    alice.get("/users/me").await.invalid_token();
    note("read after it").await;

    let budget = [
        ("register", "grant_role insert_user role_exists"),
        ("register, taken", "insert_user role_exists"),
        (
            "log in",
            "confirm_login credentials_by_username end_oldest_sessions insert_refresh_token insert_session",
        ),
        ("log in, wrong password", "credentials_by_username"),
        ("log in, unknown name", "credentials_by_username"),
        ("read, cold", "principal"),
        ("read, warm", ""),
        ("denied", ""),
        ("forged", ""),
        (
            "refresh",
            "advance_family insert_refresh_token lock_family mark_rotated refresh_token session_of_token user_by_id",
        ),
        ("refresh, unknown token", ""),
        // The first use of the generation.
        ("who am I", "mark_used"),
        ("who am I, again", ""),
        ("list accounts", "list_users"),
        ("read an account", "user_by_id"),
        (
            "give a role",
            "grant_role lock_policy lock_user revoke_limited_role role_exists user_by_id*2",
        ),
        ("own sessions", "list_sessions principal"),
        ("log out", "end_session"),
        ("read after it", "principal"),
    ];
    let asked = table.iter().zip(&budget).map(|((what, names), (_, most))| {
        // Cached entries expire after five seconds: a slow machine takes longer between two requests.
        let cached = |name: &str| name == "principal" && !most.contains(name);
        let names = names.split(' ').filter(|name| !cached(name));
        (*what, names.collect::<Vec<_>>().join(" "))
    });
    assert_eq!(
        asked.collect::<Vec<_>>(),
        budget.map(|(what, names)| (what, names.to_owned()))
    );
    assert_eq!(table.len(), budget.len());
}
