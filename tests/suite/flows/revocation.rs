//! A revocation takes effect with the next request, cached or not.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Client, PATIENCE, Server};

#[tokio::test]
async fn granted_or_revoked_role_counts_from_the_next_request() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let alice = server.user("alice").await;
    let path = format!("/admin/users/{}/roles/admin", alice.id().await);
    alice.warm_up().await;
    for _ in 0..5 {
        let refused = alice.get("/admin-only").await;
        refused.problem(403, "forbidden");
        assert_eq!(refused.json["permission"], "admin:access");
        let challenge = refused.header("www-authenticate");
        assert!(
            challenge.contains("error=\"insufficient_scope\""),
            "{challenge}"
        );
        assert!(challenge.contains("scope=\"admin:access\""), "{challenge}");
        assert_eq!(admin.put(&path).await.status, 204);
        let greeting = alice.get("/admin-only").await;
        assert_eq!(greeting.status, 200, "{}", greeting.text);
        assert_eq!(greeting.json, json!({ "message": "Hello, Admin alice" }));
        assert_eq!(
            alice.get("/users/me").await.json["roles"],
            json!(["admin", "user"])
        );
        assert_eq!(admin.delete(&path).await.status, 204);
    }
    alice.get("/admin-only").await.problem(403, "forbidden");
    assert_eq!(alice.get("/users/me").await.json["roles"], json!(["user"]));
}

#[tokio::test]
async fn renamed_account_shows_its_new_name_at_the_next_request() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let alice = server.user("alice").await;
    let path = format!("/admin/users/{}", alice.id().await);
    alice.warm_up().await;
    for name in ["anna", "berta", "clara"] {
        let body = json!({ "username": name, "email": format!("{name}@example.org") });
        assert_eq!(admin.patch(&path, &body).await.status, 200);
        let account = alice.get("/users/me").await.json;
        assert_eq!(account["username"], name);
        assert_eq!(account["email"], format!("{name}@example.org"));
    }
}

#[tokio::test]
async fn disabled_or_deleted_account_is_rejected_at_the_next_request() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let (alice, bob) = (server.user("alice").await, server.user("bob").await);
    let path = format!("/admin/users/{}", alice.id().await);
    alice.warm_up().await;
    bob.warm_up().await;
    let answer = admin.patch(&path, &json!({ "disabled": true })).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json["disabled"], true);
    alice.get("/users/me").await.invalid_token();
    let path = format!("/admin/users/{}", bob.id().await);
    assert_eq!(admin.delete(&path).await.status, 204);
    bob.get("/users/me").await.invalid_token();
    let metrics = server.metrics().await;
    for reason in ["disabled", "deleted"] {
        let ended = metrics.sum("auth_tokens_revoked_total", &[("reason", reason)]);
        assert_eq!(ended, 1.0, "{reason}");
    }
    let revoked = [("outcome", "invalid"), ("reason", "revoked")];
    assert_eq!(metrics.sum("auth_token_verifications_total", &revoked), 2.0);
}

/// A change by an administrator while a token of the account is in heavy use.
#[derive(Clone, Copy, Debug)]
enum Blow {
    Disable,
    Delete,
    EndSessions,
    Demote,
}

impl Blow {
    async fn strike(self, admin: &Client, id: &str) {
        let path = format!("/admin/users/{id}");
        let answer = match self {
            Self::Disable => admin.patch(&path, &json!({ "disabled": true })).await,
            Self::Delete => admin.delete(&path).await,
            Self::EndSessions => admin.delete(&format!("{path}/sessions")).await,
            Self::Demote => admin.delete(&format!("{path}/roles/admin")).await,
        };
        assert!(
            [200, 204].contains(&answer.status),
            "{self:?}: {}",
            answer.text
        );
    }
}

/// Uses a token until well after the change; returns the start of each request that was admitted.
async fn hammer(
    http: reqwest::Client,
    client: Client,
    path: &'static str,
    struck: Arc<AtomicBool>,
) -> Vec<Instant> {
    let url = format!("{}{path}", client.base);
    let token = client.access.expect("a token");
    let mut let_through = Vec::new();
    let mut rest = 5;
    while rest > 0 {
        if struck.load(Ordering::SeqCst) {
            rest -= 1;
        }
        let started = Instant::now();
        let answer = http.get(&url).bearer_auth(&token).send().await;
        if answer.expect("answered").status() == 200 {
            let_through.push(started);
        }
    }
    let_through
}

#[tokio::test(flavor = "multi_thread")]
async fn no_request_passes_after_revocation_was_answered() {
    let server = Server::start().await;
    nobody_gets_through_late(&server, None).await;
}

/// Revokes access while tokens are in heavy use, on this replica and optionally on another one, which
/// keeps loading the accounts and so keeps the shared cache warm.
pub async fn nobody_gets_through_late(server: &Server, other: Option<&Server>) {
    let admin = server.admin().await;
    // Keeps connections alive, for speed; making a client reads the system's certificates.
    let http = reqwest::Client::new();
    let hammer = |victim: &Client, struck: &Arc<AtomicBool>| {
        let (http, victim, struck) = (http.clone(), victim.clone(), Arc::clone(struck));
        tokio::spawn(hammer(http, victim, "/admin-only", struck))
    };
    let mut let_in_elsewhere = 0;
    let blows = [Blow::EndSessions, Blow::Delete, Blow::Demote];
    let blows = [[Blow::Disable; 8].as_slice(), &blows.repeat(2)].concat();
    for (round, blow) in blows.into_iter().enumerate() {
        let victim = server.user(&format!("victim{round}")).await;
        let id = victim.id().await;
        let path = format!("/admin/users/{id}/roles/admin");
        assert_eq!(admin.put(&path).await.status, 204);
        let struck = Arc::new(AtomicBool::new(false));
        let tasks: Vec<_> = (0..8).map(|_| hammer(&victim, &struck)).collect();
        let elsewhere = other.map(|other| hammer(&victim.at(other), &struck));
        tokio::time::sleep(Duration::from_millis(10)).await;
        blow.strike(&admin, &id).await;
        let answered = Instant::now();
        struck.store(true, Ordering::SeqCst);
        for task in tasks {
            let late = task
                .await
                .expect("hammers")
                .into_iter()
                .filter(|start| *start > answered);
            assert_eq!(late.count(), 0, "round {round}: {blow:?}");
        }
        if let Some(elsewhere) = elsewhere {
            let_in_elsewhere += elsewhere.await.expect("hammers").len();
        }
    }
    assert!(
        other.is_none() || let_in_elsewhere > 0,
        "never let in there"
    );
}

/// A frame of HTTP/2 (RFC 9113 section 4.1).
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

/// A header field as a literal that is not indexed (RFC 7541 section 6.2.2).
fn field(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        let mut rest = text.len();
        if rest >= 127 {
            bytes.push(127);
            rest -= 127;
            while rest >= 128 {
                bytes.push(u8::try_from(rest % 128 + 128).expect("a byte"));
                rest /= 128;
            }
        }
        bytes.push(u8::try_from(rest).expect("a byte"));
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// Disables the account over HTTP/2, and resets the stream after a while: that is how a client leaves in
/// the middle of the server's work.
fn disable_and_leave(admin: &Client, path: &str, after: Duration) -> TcpStream {
    let (data, head, reset, settings) = (0, 1, 3, 4);
    let host = admin.base.trim_start_matches("http://");
    let token = admin.access.as_deref().expect("a token");
    let headers = [
        field(":method", "PATCH"),
        field(":scheme", "http"),
        field(":path", path),
        field(":authority", host),
        field("authorization", &format!("Bearer {token}")),
        field("content-type", "application/json"),
    ];
    let mut connection = TcpStream::connect(host).expect("connects");
    connection.set_nodelay(true).expect("set");
    let mut send = |frames: &[Vec<u8>]| connection.write_all(&frames.concat()).expect("sent");
    send(&[
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        frame(settings, 0, 0, &[]),
        frame(head, 4, 1, &headers.concat()),
        frame(data, 1, 1, br#"{"disabled":true}"#),
    ]);
    let start = Instant::now();
    while start.elapsed() < after {
        std::hint::spin_loop();
    }
    send(&[frame(reset, 0, 1, &8_u32.to_be_bytes())]);
    connection
}

#[tokio::test]
async fn revocation_counts_when_its_client_disconnects() {
    changes_count_when_their_clients_leave(&Server::start().await).await;
}

/// Disables accounts for clients that leave at every moment of it.
pub async fn changes_count_when_their_clients_leave(server: &Server) {
    let admin = server.admin().await;
    let mut victims = Vec::new();
    let mut connections = Vec::new();
    for round in 0..80 {
        let victim = server.user(&format!("victim{round}")).await;
        let path = format!("/admin/users/{}", victim.id().await);
        victim.warm_up().await;
        let after = Duration::from_micros(100 + round * 25);
        connections.push(disable_and_leave(&admin, &path, after));
        victims.push((victim, path));
    }
    for (victim, path) in victims {
        // The last changes may still be in progress; a change that a cache missed would stay unseen.
        let deadline = Instant::now() + PATIENCE;
        loop {
            let disabled = admin.get(&path).await.json["disabled"] == true;
            let refused = victim.get("/users/me").await.status == 401;
            if disabled == refused {
                break;
            }
            assert!(Instant::now() < deadline, "{path} is disabled and let in");
        }
    }
}
