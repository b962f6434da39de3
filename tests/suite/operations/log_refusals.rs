//! A flood of refusals does not flood the log, and each line has its source.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Instant;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Builder, PASSWORD, Server, Signal};

fn server(addresses: &str) -> Builder {
    Server::builder()
        .env("TRUSTED_PROXIES", "127.0.0.1")
        .env("LOG_ADDRESSES", addresses)
}

/// A login with a wrong password from this address.
async fn guess(server: &Server, address: &str) {
    let form = [("username", "nobody"), ("password", PASSWORD)];
    let request = server.anon().request(Method::POST, "/login").form(&form);
    let answer = Answer::of(request.header("x-forwarded-for", address)).await;
    answer.oauth(400, "invalid_grant");
}

/// A request with an access token that was not signed by the service.
async fn forge(server: &Server, address: &str) {
    let token = server.admin().await.access.expect("a token");
    let (signed, _) = token.rsplit_once('.').expect("a signature");
    let request = server.anon().request(Method::GET, "/users/me");
    let request = request.header("x-forwarded-for", address);
    let forged = format!("{signed}.{}", "A".repeat(86));
    assert_eq!(Answer::of(request.bearer_auth(forged)).await.status, 401);
}

/// The lines of this event, and how many refusals they count.
fn lines(log: &str, event: &str) -> (Vec<Value>, u64) {
    let lines = log.lines().filter(|line| line.contains(event));
    let lines: Vec<Value> = lines
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let refusals = |line: &Value| line["refusals"].as_u64().expect("a number");
    let sum = lines.iter().map(refusals).sum();
    (lines, sum)
}

#[tokio::test]
async fn refusals_fold_to_one_line_a_second_and_none_is_lost() {
    let mut server = server("masked").start().await;
    let start = Instant::now();
    for _ in 0..100 {
        guess(&server, "192.0.2.77").await;
    }
    guess(&server, "2001:db8:1:2::3").await;
    forge(&server, "198.51.100.9").await;
    let metrics = server.metrics().await;
    let refused = metrics.sum("auth_logins_total", &[("reason", "unknown_user")]);
    assert_eq!(refused, 101.0);
    let seconds = usize::try_from(start.elapsed().as_secs()).expect("few") + 2;
    server.signal(Signal::TERM);
    assert_eq!(server.wait_exit().await, Some(0));
    let log = server.log();
    let (refused, counted) = lines(&log, "authn_login_fail");
    assert_eq!(counted, 101, "{log}");
    // A second's first and last line, of each of the two sources.
    assert!(refused.len() <= 2 * seconds + 1, "{refused:#?}");
    let sources: Vec<&str> = refused
        .iter()
        .filter_map(|line| line["client.address"].as_str())
        .collect();
    assert_eq!(sources.len(), refused.len(), "{refused:#?}");
    for source in ["192.0.2.0/24", "2001:db8:1::/48"] {
        assert!(sources.contains(&source), "{sources:?}");
    }
    for address in ["192.0.2.77", "2001:db8:1:2"] {
        assert!(!log.contains(address), "{log}");
    }
    let (forged, counted) = lines(&log, "authn_token_fail");
    assert_eq!((forged.len(), counted), (1, 1), "{log}");
    assert_eq!(forged[0]["reason"], "bad_signature");
    assert_eq!(forged[0]["client.address"], "198.51.100.0/24");
}

/// What a stranger and an account are refused for, by the reason in the log.
async fn refuse_everything(server: &Server) {
    let anon = server.anon();
    let alice = server.user("alice").await;
    let admin = server.admin().await;
    let taken = json!({ "username": "admin", "current_password": PASSWORD });
    let made = json!({ "username": "Alice", "email": "other@example.com" });
    let change = json!({ "current_password": "no", "new_password": "amber-lantern-77" });
    for (answer, status) in [
        (anon.get("/users/me").await, 401),
        (anon.get("/wp-login.php").await, 404),
        (anon.put("/users/me").await, 405),
        (anon.post("/register", &json!({ "username": 7 })).await, 400),
        (anon.post("/refresh", &json!({})).await, 400),
        (alice.patch("/users/me", &taken).await, 409),
        (admin.post("/admin/users", &made).await, 409),
        (alice.delete_me("not-the-password").await, 422),
        // These have events of their own.
        (alice.post("/users/me/password", &change).await, 422),
        (server.register("alice").await, 409),
        (anon.login("alice", "not-the-password").await, 400),
        (anon.token("forged").get("/users/me").await, 401),
        (alice.get("/admin/users").await, 403),
    ] {
        assert_eq!(answer.status, status, "{}", answer.text);
    }
}

#[tokio::test]
async fn every_refused_request_is_in_the_log_once() {
    let mut server = server("full").start().await;
    refuse_everything(&server).await;
    server.signal(Signal::TERM);
    assert_eq!(server.wait_exit().await, Some(0));
    let log = server.log();
    let (lines, counted) = lines(&log, "request_refused");
    let mut reasons = BTreeMap::new();
    for line in &lines {
        let reason = line["reason"].as_str().expect("a reason");
        *reasons.entry(reason).or_default() += line["refusals"].as_u64().expect("a number");
        assert_eq!(line["client.address"], "127.0.0.1", "{line}");
    }
    let expected = [
        ("malformed-request", 2),
        ("method-not-allowed", 1),
        ("not-found", 1),
        ("taken", 2),
        ("unauthenticated", 1),
        ("wrong-password", 1),
    ];
    assert_eq!(reasons, BTreeMap::from(expected), "{log}");
    assert_eq!(counted, 8);
    for event in [
        "authn_password_change",
        "user_create_fail",
        "authn_login_fail",
        "authn_token_fail",
        "authz_fail",
    ] {
        assert_eq!(log.matches(event).count(), 1, "{event}: {log}");
    }
}

#[tokio::test]
async fn scan_folds_to_one_line_a_second() {
    let mut server = server("full").start().await;
    let start = Instant::now();
    for number in 0..100 {
        let request = server
            .anon()
            .request(Method::GET, &format!("/backup-{number}.zip"));
        let answer = Answer::of(request.header("x-forwarded-for", "192.0.2.77")).await;
        assert_eq!(answer.status, 404);
    }
    let seconds = usize::try_from(start.elapsed().as_secs()).expect("few") + 2;
    server.signal(Signal::TERM);
    assert_eq!(server.wait_exit().await, Some(0));
    let (scan, counted) = lines(&server.log(), "request_refused");
    assert_eq!(counted, 100, "{scan:#?}");
    assert!(scan.len() <= seconds + 1, "{scan:#?}");
    assert!(
        scan.iter().all(|line| line["reason"] == "not-found"),
        "{scan:#?}"
    );
}

#[tokio::test]
async fn addresses_are_left_out_of_the_log_when_off() {
    let server = server("off").start().await;
    guess(&server, "192.0.2.77").await;
    let log = server.log();
    assert!(log.contains("authn_login_fail"), "{log}");
    assert!(
        !log.contains("client.address") && !log.contains("192.0.2"),
        "{log}"
    );
}

#[tokio::test]
#[ignore = "needs fail2ban: scripts/test"]
async fn fail2ban_filter_finds_attackers_in_real_lines() {
    let program = std::env::var("FAIL2BAN_REGEX")
        .expect("FAIL2BAN_REGEX must name fail2ban's program: run scripts/test, which sees to it");
    let filter = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/docs/fail2ban-rbac-sentinel.conf"
    );
    for format in ["json", "pretty"] {
        let server = server("full").env("LOG_FORMAT", format).start().await;
        guess(&server, "192.0.2.77").await;
        guess(&server, "2001:db8:1:2::3").await;
        forge(&server, "198.51.100.9").await;
        // A client that does nothing wrong gets no line.
        let form = [
            ("username", "admin"),
            ("password", crate::harness::ADMIN_PASSWORD),
        ];
        let request = server.anon().request(Method::POST, "/login").form(&form);
        let request = request.header("x-forwarded-for", "203.0.113.5");
        assert_eq!(Answer::of(request).await.status, 200);
        // Nor is a browser without a token, or one that asks for an icon, an attacker.
        for (path, status) in [("/users/me", 401), ("/favicon.png", 404)] {
            let request = server.anon().request(Method::GET, path);
            let request = request.header("x-forwarded-for", "203.0.113.9");
            assert_eq!(Answer::of(request).await.status, status);
        }
        assert!(server.log().contains("request_refused"));
        let log = server.path().join("lines.log");
        std::fs::write(&log, server.log()).expect("written");
        let output = Command::new(&program)
            .args(["--out", "ip"])
            .arg(&log)
            .arg(filter)
            .output()
            .expect("fail2ban-regex runs");
        let found = String::from_utf8_lossy(&output.stdout);
        let mut found: Vec<&str> = found.lines().collect();
        found.sort_unstable();
        let expected = ["192.0.2.77", "198.51.100.9", "2001:db8:1:2::3"];
        assert_eq!(found, expected, "{format}: {}", server.log());
    }
}
