//! Several replicas of the service: each sees the changes of the others.

use std::time::Instant;

use serde_json::json;

use super::refresh_on_replicas::replays_at_once;
use super::revocation::{changes_count_when_their_clients_leave, nobody_gets_through_late};
use crate::harness::{
    ADMIN_PASSWORD, Client, Metrics, PASSWORD, Replicas, Server, redis_url, until,
};
use crate::support::statements::caused_by_requests;

/// Waits until the second replica refuses the account, and prints how long that took.
async fn until_refused(what: &str, victim: &Client) {
    let start = Instant::now();
    until("refused", async || {
        victim.get("/users/me").await.status == 401
    })
    .await;
    let passed = start.elapsed();
    println!("{what}: refused by the other replica after {passed:.1?}");
}

/// The URL of a server that does not exist.
fn nowhere(credentials: &str) -> String {
    format!(
        "redis://{credentials}127.0.0.1:{}",
        testkit::ports::free_port()
    )
}

/// Ends access in every possible way at the first replica. At the same time, because without Redis the
/// second notices each after seconds.
async fn end_access_in_every_way(replicas: &Replicas) {
    let admin = &replicas.a.admin().await;
    tokio::join!(
        async {
            let (at_a, at_b) = replicas.victim("logs-out").await;
            assert_eq!(at_a.post("/logout", &json!({})).await.status, 204);
            until_refused("logout", &at_b).await;
        },
        async {
            let (at_a, at_b) = replicas.victim("ends-a-session").await;
            let other = replicas.a.login("ends-a-session", PASSWORD).await;
            let sessions = at_a.get("/users/me/sessions").await.json;
            let listed = sessions["items"].as_array().expect("a list");
            let current = listed.iter().find(|session| session["current"] == true);
            let id = &current.expect("the own")["id"];
            let path = format!("/users/me/sessions/{}", id.as_str().expect("an id"));
            assert_eq!(other.delete(&path).await.status, 204);
            until_refused("end of a session", &at_b).await;
        },
        async {
            let (at_a, at_b) = replicas.victim("is-disabled").await;
            let path = format!("/admin/users/{}", at_a.id().await);
            let answer = admin.patch(&path, &json!({ "disabled": true })).await;
            assert_eq!(answer.status, 200);
            until_refused("disabling", &at_b).await;
        },
        async {
            let (at_a, at_b) = replicas.victim("is-deleted").await;
            let path = format!("/admin/users/{}", at_a.id().await);
            assert_eq!(admin.delete(&path).await.status, 204);
            until_refused("deletion", &at_b).await;
        },
        password_change_ends_access(replicas),
        demotion_ends_access(replicas, admin),
    );
}

async fn password_change_ends_access(replicas: &Replicas) {
    let (_, at_b) = replicas.victim("changes-password").await;
    let other = replicas.a.login("changes-password", PASSWORD).await;
    let change = json!({ "current_password": PASSWORD, "new_password": "amber-lantern-77" });
    let answer = other.post("/users/me/password", &change).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    until_refused("change of the password", &at_b).await;
    until_refused("change of the password, itself", &other.at(&replicas.b)).await;
    let renewed = other.with(&answer.json).at(&replicas.b);
    assert_eq!(renewed.get("/users/me").await.status, 200);
}

async fn demotion_ends_access(replicas: &Replicas, admin: &Client) {
    let (at_a, at_b) = replicas.victim("is-demoted").await;
    let path = format!("/admin/users/{}/roles/admin", at_a.id().await);
    assert_eq!(admin.put(&path).await.status, 204);
    let admitted = async |status| at_b.get("/admin-only").await.status == status;
    until("promoted", async || admitted(200).await).await;
    assert_eq!(admin.delete(&path).await.status, 204);
    let start = Instant::now();
    until("demoted", async || admitted(403).await).await;
    let passed = start.elapsed();
    println!("demotion: seen by the other replica after {passed:.1?}");
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn scope_narrows_on_every_replica() {
    let replicas = Replicas::start(&redis_url()).await;
    let form = [
        ("username", "admin"),
        ("password", ADMIN_PASSWORD),
        ("scope", "users:read admin:access"),
    ];
    let answer = replicas.a.anon().form(&form).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let at_a = replicas.a.anon().with(&answer.json);
    // The second finds it in the database or in Redis, and then in its own cache.
    let at_b = at_a.at(&replicas.b);
    for client in [&at_a, &at_b, &at_a, &at_b] {
        client.warm_up().await;
        assert_eq!(client.get("/admin/users").await.status, 200);
        client
            .get("/users/me/sessions")
            .await
            .problem(403, "forbidden");
    }
    let heard = async || {
        let sessions = [("kind", "sessions")];
        let metrics = replicas.b.metrics().await;
        metrics.sum("auth_invalidations_applied_total", &sessions)
    };
    let before = heard().await;
    // Narrowed by the first: the second must not use its cached entry.
    let narrower = json!({ "refresh_token": at_a.refresh, "scope": "admin:access" });
    let answer = at_a.post("/refresh", &narrower).await;
    assert_eq!(answer.json["scope"], "admin:access", "{}", answer.text);
    assert_eq!(at_a.get("/admin/users").await.status, 403);
    until("narrowed", async || {
        at_b.get("/admin/users").await.status == 403
    })
    .await;
    assert_eq!(at_b.get("/admin-only").await.status, 200);
    // A refresh that narrows nothing is no news to the others: the next that they hear is a logout.
    let (alice, alice_at_b) = replicas.victim("alice").await;
    let alice = alice.refreshed().await;
    assert_eq!(alice.post("/logout", &json!({})).await.status, 204);
    until("refused", async || {
        alice_at_b.get("/users/me").await.status == 401
    })
    .await;
    until("heard", async || heard().await >= before + 2.0).await;
    assert_eq!(heard().await, before + 2.0);
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn revocation_on_one_replica_counts_on_the_other() {
    let replicas = Replicas::start(&redis_url()).await;
    end_access_in_every_way(&replicas).await;
    // The second replica received the notifications: it did not merely wait for its entries to expire.
    let metrics = replicas.b.metrics().await;
    for kind in ["account", "sessions"] {
        let applied = metrics.sum("auth_invalidations_applied_total", &[("kind", kind)]);
        assert!(applied >= 1.0, "{kind}");
    }
    let measured = metrics.sum("auth_revocation_propagation_seconds_count", &[]);
    assert!(measured >= 2.0, "{measured}");
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn grants_on_one_replica_count_on_the_other() {
    let replicas = Replicas::start(&redis_url()).await;
    let admin = replicas.a.admin().await;
    let (at_a, at_b) = replicas.victim("alice").await;
    let path = format!("/admin/users/{}", at_a.id().await);
    for _ in 0..3 {
        assert_eq!(admin.put(&format!("{path}/roles/admin")).await.status, 204);
        until("admin", async || {
            at_b.get("/admin-only").await.status == 200
        })
        .await;
        let answer = admin.delete(&format!("{path}/roles/admin")).await;
        assert_eq!(answer.status, 204);
        until("user", async || at_b.get("/admin-only").await.status == 403).await;
    }
    for name in ["anna", "berta"] {
        let answer = admin.patch(&path, &json!({ "username": name })).await;
        assert_eq!(answer.status, 200);
        until("renamed", async || {
            at_b.get("/users/me").await.json["username"] == name
        })
        .await;
    }
}

#[tokio::test]
async fn revocation_reaches_the_other_replica_without_redis() {
    let replicas = Replicas::start(&nowhere("")).await;
    end_access_in_every_way(&replicas).await;
    let (a, b) = (replicas.a.metrics().await, replicas.b.metrics().await);
    let fallbacks = |metrics: &Metrics, action| {
        metrics.sum("auth_dependency_fallbacks_total", &[("action", action)])
    };
    assert!(fallbacks(&a, "invalidation_lost") >= 1.0);
    assert!(fallbacks(&b, "principal_from_database") >= 1.0);
    for metrics in [a, b] {
        let up = metrics.sum("auth_dependency_up", &[("dependency", "redis")]);
        assert_eq!(up, 0.0);
        assert_eq!(metrics.sum("auth_ready", &[]), 1.0, "ready all the same");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Redis: scripts/test"]
async fn no_request_passes_after_revocation_on_the_same_replica() {
    let replicas = Replicas::start(&redis_url()).await;
    nobody_gets_through_late(&replicas.a, Some(&replicas.b)).await;
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn revocation_counts_when_its_client_disconnects_on_replicas() {
    let replicas = Replicas::start(&redis_url()).await;
    changes_count_when_their_clients_leave(&replicas.a).await;
}

#[tokio::test]
async fn replays_at_two_replicas_leave_one_chain_and_a_use_at_one_counts_at_the_other() {
    let replicas = Replicas::start(&nowhere("")).await;
    let (start, tab) = replays_at_once(&replicas).await;
    start.refresh().await.oauth(400, "invalid_grant");
    for server in [&replicas.a, &replicas.b] {
        tab.at(server).refresh().await.oauth(400, "invalid_grant");
    }
}

/// The numbers of statements and Redis commands that requests caused.
async fn round_trips(server: &Server) -> (f64, f64) {
    let metrics = server.metrics().await;
    let of = |system: &str, operation: &str| {
        let labels = [("db_system_name", system), ("db_query_summary", operation)];
        metrics.sum("db_client_operation_duration_seconds_count", &labels)
    };
    let all = |system: &str| {
        let labels = [("db_system_name", system)];
        metrics.sum("db_client_operation_duration_seconds_count", &labels)
    };
    let sql = rbac_sentinel::testing::store::sql::all()
        .filter(|statement| caused_by_requests(statement.name))
        .map(|statement| of("sqlite", statement.name))
        .sum();
    (sql, all("redis") - of("redis", "probe"))
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn cached_request_asks_neither_database_nor_redis() {
    let replicas = Replicas::start(&redis_url()).await;
    let (at_a, at_b) = replicas.victim("alice").await;
    for (server, client) in [(&replicas.a, at_a), (&replicas.b, at_b)] {
        // Cached entries expire every few seconds; ten requests in between reach no back end.
        until("warm", async || {
            client.warm_up().await;
            // Redis is written to in the background.
            let before = round_trips(server).await;
            for _ in 0..10 {
                client.id().await;
            }
            round_trips(server).await == before
        })
        .await;
    }
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn principal_loaded_by_one_replica_is_read_from_redis_by_the_other() {
    let replicas = Replicas::start(&redis_url()).await;
    replicas.a.user("alice").await;
    let filled = [("db_query_summary", "fill")];
    let operations = "db_client_operation_duration_seconds_count";
    let fills = async || replicas.a.metrics().await.sum(operations, &filled);
    let hits = async || {
        let hit = [("cache", "principal_shared"), ("result", "hit")];
        let metrics = replicas.b.metrics().await;
        metrics.sum("auth_cache_requests_total", &hit)
    };
    // On a slow machine the entry may expire first: then it is tried with another session.
    until("found in Redis", async || {
        let at_a = replicas.a.login("alice", PASSWORD).await;
        let before = fills().await;
        at_a.id().await;
        until("filled", async || fills().await > before).await;
        let (sql, redis) = round_trips(&replicas.b).await;
        let hits_before = hits().await;
        at_a.at(&replicas.b).id().await;
        let (sql_after, redis_after) = round_trips(&replicas.b).await;
        let found = hits().await > hits_before;
        assert!(!found || sql_after == sql, "found, and loaded even so");
        assert!(!found || redis_after == redis + 1.0, "one round trip");
        found
    })
    .await;
}

#[tokio::test]
async fn unconfigured_redis_is_not_reported_as_down() {
    let server = Server::builder().embedded().start().await;
    assert!(server.greeting.contains("cache          in process"));
    let metrics = server.metrics().await.0;
    let family = |name: &str| {
        let lines = metrics.lines().filter(|line| line.starts_with(name));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let up = family("auth_dependency_up{");
    assert_eq!(up, ["auth_dependency_up{dependency=\"database\"} 1"]);
    let durations = family("db_client_operation_duration_seconds_count{");
    assert!(durations.len() > 20);
    assert!(durations.iter().all(|line| !line.contains("redis")));
}

#[tokio::test]
async fn redis_password_appears_nowhere() {
    let server = Server::builder()
        .embedded()
        .env("REDIS_URL", &nowhere("somebody:hunter2@"))
        .env("LOG_LEVEL", "trace")
        .start()
        .await;
    server.user("alice").await.warm_up().await;
    assert!(
        server.greeting.contains("Redis at 127.0.0.1:"),
        "{}",
        server.greeting
    );
    assert!(
        server.log().contains("Redis cannot be reached"),
        "{}",
        server.log()
    );
    let metrics = server.metrics().await.0;
    for text in [&server.greeting, &server.log(), &metrics] {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
