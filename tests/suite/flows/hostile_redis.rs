//! An attacker writes to Redis while two replicas use it.

use std::time::Instant;

use serde_json::json;
use uuid::Uuid;

use crate::harness::{Intruder, PASSWORD, Replicas, Reply, Server, redis_url, until};

async fn rejected(server: &Server, item: &str, reason: &str) -> f64 {
    let labels = [("item", item), ("reason", reason)];
    let metrics = server.metrics().await;
    metrics.sum("auth_shared_cache_rejected_total", &labels)
}

/// The entries of accounts and sessions in Redis, and the epochs.
fn everything(intruder: &Intruder, prefix: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let names = intruder.names(&format!("{prefix}sealed:"));
    let kept = names.into_iter().filter_map(|name| {
        let value = intruder.get(&name)?;
        Some((name, value))
    });
    kept.collect()
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn writes_into_redis_make_nobody_an_administrator() {
    let start = Instant::now();
    let replicas = Replicas::start(&redis_url()).await;
    let intruder = Intruder::at(&redis_url());
    let prefix = replicas.prefix.clone();
    let (at_a, _) = replicas.victim("alice").await;
    let admin = replicas.a.admin().await;
    let (alice, admins) = (at_a.id().await, admin.id().await);
    let name = |id: &str| format!("{prefix}sealed:account:{id}").into_bytes();
    let forged = json!({
        "until": 9_000_000_000_000_000_i64, "id": alice, "username": "alice",
        "email": "alice@example.com", "roles": ["admin"], "created_at": 0, "updated_at": 0,
        "last_login_at": null,
    });
    let forged = forged.to_string().into_bytes();
    let try_with = async |value: Option<Vec<u8>>, reason: &str| {
        let Some(value) = value else {
            return false;
        };
        // A new session is not in the other replica's local cache: it reads Redis.
        let at_a = replicas.a.login("alice", PASSWORD).await;
        at_a.id().await;
        intruder.set(&name(&alice), &value);
        let at_b = at_a.at(&replicas.b);
        assert_eq!(at_b.get("/admin-only").await.status, 403, "{reason}");
        rejected(&replicas.b, "entry", reason).await > 0.0
    };
    until("noticed", async || {
        try_with(Some(forged.clone()), "format").await
    })
    .await;
    until("noticed", async || {
        admin.id().await;
        try_with(intruder.get(&name(&admins)), "mac").await
    })
    .await;
    // A forged message does not invalidate the caches.
    let everything = [("kind", "everything")];
    let emptied = "auth_invalidations_applied_total";
    let before = replicas.b.metrics().await.sum(emptied, &everything);
    let channel = format!("{prefix}sealed:invalidations");
    until("noticed", async || {
        intruder.does(&[b"PUBLISH", channel.as_bytes(), b"{}"]);
        rejected(&replicas.b, "message", "format").await > 0.0
    })
    .await;
    let after = replicas.b.metrics().await.sum(emptied, &everything);
    assert_eq!(after, before);
    // All of this is one line of its log a minute.
    let log = replicas.b.log();
    let lines = log.matches("a value that no replica wrote").count() as u64;
    let minutes = start.elapsed().as_secs() / 60;
    assert!((1..=1 + minutes).contains(&lines), "{log}");
}

/// Ends a session of the victim's at one replica and puts its entries back into Redis, as an intruder who
/// kept them would.
async fn put_a_session_back(replicas: &Replicas, intruder: &Intruder) {
    let at_a = replicas.a.login("alice", PASSWORD).await;
    let at_b = at_a.at(&replicas.b);
    let kept = loop {
        at_b.warm_up().await;
        let kept = everything(intruder, &replicas.prefix);
        if kept.len() >= 3 {
            break kept;
        }
    };
    assert_eq!(at_a.post("/logout", &json!({})).await.status, 204);
    until("refused", async || {
        at_b.get("/users/me").await.status == 401
    })
    .await;
    for leave_epoch_out in [false, true].repeat(5) {
        for (name, value) in &kept {
            let epoch = name.windows(6).any(|word| word == b"epoch:");
            if epoch && leave_epoch_out {
                intruder.does(&[b"DEL", name]);
            } else {
                intruder.set(name, value);
            }
        }
        for client in [&at_a, &at_b] {
            assert_eq!(client.get("/users/me").await.status, 401);
        }
    }
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn old_entries_put_back_into_redis_bring_no_session_back() {
    let replicas = Replicas::start(&redis_url()).await;
    let intruder = Intruder::at(&redis_url());
    // An epoch from before the logout, too.
    let (first, _) = replicas.victim("alice").await;
    assert_eq!(first.post("/logout", &json!({})).await.status, 204);
    // A replica that asked the database instead, because Redis was slow, had nothing to reject.
    until("noticed by both", async || {
        put_a_session_back(&replicas, &intruder).await;
        let noticed = async |server| rejected(server, "epoch", "replayed").await >= 1.0;
        noticed(&replicas.a).await && noticed(&replicas.b).await
    })
    .await;
}

#[tokio::test]
#[ignore = "needs Redis: scripts/test"]
async fn entries_in_redis_are_not_believed_after_a_lost_invalidation() {
    let owner = Intruder::at(&redis_url());
    let name = format!("test-{}", Uuid::now_v7());
    let user: [&[u8]; 3] = [b"ACL", b"SETUSER", name.as_bytes()];
    let rules: [&[u8]; 5] = [b"on", b">secret", b"~*", b"&*", b"+@all"];
    owner.does(&[&user[..], &rules].concat());
    let url = redis_url().replace("redis://", &format!("redis://{name}:secret@"));
    let prefix = format!("{name}:");
    let server = Server::builder()
        .embedded()
        .env("REDIS_URL", &url)
        .env("REDIS_PREFIX", &prefix)
        .env("REDIS_TIMEOUT", "250ms")
        .start()
        .await;
    let admin = server.admin().await;
    let alice = server.user("alice").await;
    let path = format!("/admin/users/{}", alice.id().await);
    until("in Redis", async || {
        alice.warm_up().await;
        let session = owner.names(&format!("{prefix}sealed:session:"));
        let account = owner.names(&format!("{prefix}sealed:account:{}", alice.id().await));
        !session.is_empty() && !account.is_empty()
    })
    .await;
    // Reads are answered, invalidations are not.
    let rules: [&[u8]; 2] = [b"-evalsha", b"-eval"];
    owner.does(&[&user[..], &rules].concat());
    let answer = admin.patch(&path, &json!({ "disabled": true })).await;
    assert_eq!(answer.status, 200);
    assert_eq!(alice.get("/users/me").await.status, 401);
    let lost = [("action", "invalidation_lost")];
    let metrics = server.metrics().await;
    assert!(metrics.sum("auth_dependency_fallbacks_total", &lost) >= 1.0);
    drop(server);
    let removed = owner.does(&[b"ACL", b"DELUSER", name.as_bytes()]);
    assert_eq!(removed, Reply::Number(1));
}
