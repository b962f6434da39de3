//! The first start, and the ones after it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;

use crate::harness::{ADMIN_PASSWORD, PASSWORD, Server, Signal, until};

fn mode(path: &Path) -> u32 {
    let metadata = std::fs::metadata(path).expect("it is there");
    metadata.permissions().mode() & 0o777
}

#[tokio::test]
async fn first_start_prints_addresses_but_not_the_configured_password() {
    let builder = Server::builder().embedded();
    let server = builder.env("LOG_LEVEL", "trace").start().await;
    let data = server.path().join("data").join("rbac-sentinel.db");
    for line in [
        format!("documentation  {}/docs", server.api),
        format!("metrics        {}/metrics", server.ops),
        format!("database       SQLite in {}", data.display()),
        "admin was created from ADMIN_EMAIL and ADMIN_PASSWORD".to_owned(),
    ] {
        assert!(
            server.greeting.contains(&line),
            "{line}\n{}",
            server.greeting
        );
    }
    assert!(data.exists());
    let admin = server.admin().await;
    assert_eq!(admin.get("/admin/users").await.status, 200);
    for text in [&server.greeting, &server.log()] {
        assert!(!text.contains(ADMIN_PASSWORD), "{text}");
    }
}

#[tokio::test]
async fn ready_file_names_listeners_and_process_until_shutdown() {
    let mut server = Server::builder().env("SHUTDOWN_DELAY", "10m").start().await;
    // Every test finds its server by this file.
    let file = server.path().join("server.ready.json");
    let text = std::fs::read_to_string(&file).expect("written");
    let expected = json!({
        "api": server.api.trim_start_matches("http://"),
        "ops": server.ops.trim_start_matches("http://"),
        "pid": server.pid(),
    });
    let found: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(found, expected);
    let mut entries = std::fs::read_dir(server.path()).expect("readable");
    let left = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.expect("readable").file_name();
        name.to_string_lossy().contains(".tmp")
    };
    assert!(!entries.any(left), "no temporary file");
    server.signal(Signal::TERM);
    until("removed", || async { !file.exists() }).await;
    server.signal(Signal::TERM);
    assert_eq!(server.wait_exit().await, Some(130));
}

#[tokio::test]
async fn generated_password_is_printed_once_and_never_logged() {
    let builder = || {
        Server::builder()
            .without("ADMIN_PASSWORD")
            .env("ADMIN_USERNAME", "chief")
            .env("LOG_LEVEL", "trace")
    };
    let server = builder().start().await;
    let (_, rest) = server
        .greeting
        .split_once("administrator  chief with the password ")
        .unwrap_or_else(|| panic!("no password: {}", server.greeting));
    let password = rest.split_whitespace().next().expect("a word").to_owned();
    assert!(
        password.len() >= 22,
        "at least 128 bits: {}",
        password.len()
    );
    let chief = server.login("chief", &password).await;
    let answer = chief.get("/admin-only").await;
    answer.problem(403, "password-change-required");
    assert!(!server.log().contains(&password));

    let server = builder().dir(server.stop().await).start().await;
    assert!(
        !server.greeting.contains("administrator"),
        "{}",
        server.greeting
    );
    assert!(!server.greeting.contains("password"), "{}", server.greeting);
    let chief = server.login("chief", &password).await;
    let change = json!({ "current_password": password, "new_password": PASSWORD });
    let answer = chief.post("/users/me/password", &change).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let chief = chief.with(&answer.json);
    assert_eq!(chief.get("/admin-only").await.status, 200);
    assert!(!server.log().contains(&password));
}

#[tokio::test]
async fn every_first_start_generates_another_password() {
    let server = Server::builder().without("ADMIN_PASSWORD").start().await;
    let other = Server::builder().without("ADMIN_PASSWORD").start().await;
    let line = |server: &Server| {
        let mut lines = server.greeting.lines();
        let found = lines.find(|line| line.contains("with the password"));
        found.expect("shown").to_owned()
    };
    assert_ne!(line(&server), line(&other));
}

#[tokio::test]
async fn data_files_are_readable_by_their_owner_only() {
    let server = Server::builder().embedded().start().await;
    let data = server.path().join("data");
    assert_eq!(mode(&data), 0o700);
    assert_eq!(mode(&data.join("secret.key")), 0o600);
}

#[tokio::test]
async fn configured_secret_is_not_stored() {
    let secret = "not-a-word-of-this-on-any-disk-0123456789";
    let builder = Server::builder().embedded();
    let server = builder.env("SECRET_KEY", secret).start().await;
    server.admin().await;
    let folder = server.stop().await;
    let data = folder.path().join("data");
    assert!(!data.join("secret.key").exists());
    for file in std::fs::read_dir(&data).expect("readable") {
        let path = file.expect("readable").path();
        let bytes = std::fs::read(&path).expect("readable");
        let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
        assert!(!found, "{}", path.display());
    }
}

#[tokio::test]
async fn second_start_keeps_accounts_sessions_and_keys() {
    // The issuer of tokens, which by default changes with the port.
    let builder = || Server::builder().env("PUBLIC_URL", "https://auth.example.com");
    let server = builder().start().await;
    let mut alice = server.user("alice").await;
    let me = alice.get("/users/me").await.json;
    let keys = server.anon().get("/.well-known/jwks.json").await.json;

    let server = builder().dir(server.stop().await).start().await;
    assert!(
        !server.greeting.contains("administrator"),
        "{}",
        server.greeting
    );
    alice.base.clone_from(&server.api);
    let answer = alice.get("/users/me").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json, me);
    let answer = alice.refresh().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let after = server.anon().get("/.well-known/jwks.json").await.json;
    assert_eq!(after, keys);
    assert_eq!(keys["keys"].as_array().map(Vec::len), Some(1));
    server.login("alice", PASSWORD).await;
    server.admin().await;
}

#[tokio::test]
async fn redis_on_another_machine_without_tls_is_warned_about() {
    for (url, warned) in [
        ("redis://redis.invalid", true),
        ("rediss://redis.invalid", false),
    ] {
        let builder = Server::builder().embedded().env("REDIS_URL", url);
        let server = builder.start().await;
        let log = server.log();
        let warning = "REDIS_URL names another machine without TLS";
        assert_eq!(log.contains(warning), warned, "{log}");
    }
}
