//! The commands that change data without the service: schema, keys, administrators.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::{run_with, success, text};
use crate::harness::{ADMIN_PASSWORD, PASSWORD, Server, backend, program, until};

/// The program, with the data of a server in this folder.
async fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = program(folder);
    command
        .env("DATA_DIR", folder.join("data"))
        .envs(backend(folder).await)
        .env("HASH_MEMORY_KIB", "64")
        .env("ALLOW_INSECURE", "true")
        .env("HASH_ITERATIONS", "1")
        .args(args);
    command
}

const CREATE: [&str; 6] = [
    "admin",
    "create",
    "--username",
    "chief",
    "--email",
    "chief@example.com",
];

#[tokio::test]
async fn migrate_creates_a_database_that_a_server_can_use() {
    let folder = tempfile::tempdir().expect("a folder");
    for _ in 0..2 {
        let printed = success(&mut command(folder.path(), &["migrate"]).await);
        assert!(printed.contains("up to date"), "{printed}");
    }
    let server = Server::builder().dir(folder).start().await;
    server.admin().await;
}

#[tokio::test]
async fn keys_lists_published_keys_without_private_parts() {
    let server = Server::start().await;
    let answer = server.anon().get("/.well-known/jwks.json").await;
    let kid = answer.json["keys"][0]["kid"].as_str().expect("a key");
    for list in [&["keys"][..], &["keys", "list"]] {
        let printed = success(&mut command(&server.path(), list).await);
        let start = format!("{kid} ES256 active: published ");
        assert!(printed.starts_with(&start), "{printed}");
        assert_eq!(printed.lines().count(), 1, "{printed}");
    }
}

#[tokio::test]
async fn create_admin_before_the_first_start_replaces_the_first_administrator() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut create = command(folder.path(), &CREATE).await;
    let output = run_with(&mut create, &format!("{ADMIN_PASSWORD}\n"));
    let (printed, complaint) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{complaint}");
    assert!(printed.contains("chief is an administrator"), "{printed}");
    assert!(!format!("{printed}{complaint}").contains(ADMIN_PASSWORD));

    let builder = Server::builder().without("ADMIN_PASSWORD").dir(folder);
    let server = builder.start().await;
    assert!(!server.greeting.contains("administrator"));
    let chief = server.login("chief", ADMIN_PASSWORD).await;
    assert_eq!(chief.get("/admin/users").await.status, 200);
    let users = chief.get("/admin/users").await;
    assert!(
        !users.text.contains("\"admin@example.com\""),
        "{}",
        users.text
    );
}

#[tokio::test]
async fn create_admin_works_beside_a_running_server() {
    let server = Server::start().await;
    let mut create = command(&server.path(), &CREATE).await;
    let output = run_with(&mut create, ADMIN_PASSWORD);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let chief = server.login("chief", ADMIN_PASSWORD).await;
    assert_eq!(chief.get("/admin/users").await.status, 200);
}

#[tokio::test]
async fn create_admin_checks_username_email_and_password() {
    let server = Server::start().await;
    server.register("alice").await;
    let attempt = async |name: &str, email: &str, password: &str| {
        let args = ["admin", "create", "--username", name, "--email", email];
        let output = run_with(&mut command(&server.path(), &args).await, password);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(text(&output.stdout), "");
        let complaint = text(&output.stderr);
        assert!(!complaint.contains("hunter2"), "{complaint}");
        complaint
    };
    let complaint = attempt("bob", "bob@example.com", "hunter2").await;
    assert!(complaint.contains("password"), "{complaint}");
    let complaint = attempt("bob", "bob@example.com", "Hunter@2024").await;
    assert!(
        complaint.contains("first that attackers try"),
        "{complaint}"
    );
    let complaint = attempt("bob", "ursula@example.com", "Ursul4-77").await;
    assert!(complaint.contains("made of your username"), "{complaint}");
    let complaint = attempt("bob", "bob@example.com", "").await;
    assert!(complaint.contains("password"), "{complaint}");
    let complaint = attempt("Alice", "other@example.com", ADMIN_PASSWORD).await;
    assert!(complaint.contains("username is taken"), "{complaint}");
    let complaint = attempt("bob", "ALICE@example.com", ADMIN_PASSWORD).await;
    assert!(complaint.contains("email is taken"), "{complaint}");
    let complaint = attempt("bob", "no address", ADMIN_PASSWORD).await;
    assert!(complaint.contains("email"), "{complaint}");
}

#[tokio::test]
async fn promote_gives_the_role_to_an_existing_account() {
    let server = Server::start().await;
    server.register("alice").await;
    server.register("bob").await;
    for (name, canonical) in [("alice", "alice"), ("BOB@example.com", "bob")] {
        let printed = success(&mut command(&server.path(), &["admin", "promote", name]).await);
        let sentence = format!("{canonical} is an administrator");
        assert!(printed.contains(&sentence), "{printed}");
        let user = server.login(canonical, PASSWORD).await;
        let me = user.get("/users/me").await.json;
        assert_eq!(me["roles"], json!(["admin", "user"]));
        assert_eq!(user.get("/admin/users").await.status, 200);
    }
    let mut nobody = command(&server.path(), &["admin", "promote", "nobody"]).await;
    let output = run_with(&mut nobody, "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no such user"));
}

/// The initial password that the command gives an account of a server in this folder.
async fn reset_password(folder: &Path, name: &str) -> String {
    let printed = success(&mut command(folder, &["admin", "reset-password", name]).await);
    let (_, rest) = printed
        .split_once("with the password ")
        .expect("a password");
    assert!(printed.contains("within 7 days"), "{printed}");
    rest.split_whitespace().next().expect("a word").to_owned()
}

#[tokio::test]
async fn reset_password_lets_an_administrator_in_whose_initial_password_expired() {
    let builder = Server::builder().without("ADMIN_PASSWORD");
    let server = builder.env("INITIAL_PASSWORD_TTL", "1ms").start().await;
    let (_, rest) = server
        .greeting
        .split_once("with the password ")
        .expect("one");
    let expired = rest.split_whitespace().next().expect("a word");
    until("expired", async || {
        server.anon().login("admin", expired).await.status == 400
    })
    .await;
    let password = reset_password(&server.path(), "ADMIN@example.com").await;
    assert_ne!(password, expired);
    let login = server.anon().login("admin", &password).await;
    assert_eq!(login.json["scope"], "password:change", "{}", login.text);
    let admin = server.anon().with(&login.json);
    let change = json!({ "current_password": password, "new_password": ADMIN_PASSWORD });
    let changed = admin.post("/users/me/password", &change).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let admin = server.admin().await;
    assert_eq!(admin.get("/admin/users").await.status, 200);
}

#[tokio::test]
async fn reset_password_replaces_the_password_and_ends_sessions() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    alice.warm_up().await;
    let password = reset_password(&server.path(), "alice").await;
    // A running service sees it within seconds.
    until("ended", async || alice.get("/users/me").await.status == 401).await;
    alice.refresh().await.oauth(400, "invalid_grant");
    let old = server.anon().login("alice", PASSWORD).await;
    old.oauth(400, "invalid_grant");
    let login = server.anon().login("alice", &password).await;
    assert_eq!(login.json["scope"], "password:change", "{}", login.text);
    let mut nobody = command(&server.path(), &["admin", "reset-password", "nobody"]).await;
    let output = run_with(&mut nobody, "");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no such user"));
}

#[tokio::test]
async fn reset_password_leaves_the_account_of_the_synthetic_probe_alone() {
    let server = Server::builder().env("CANARY", "on").start().await;
    let done = [("step", "logout"), ("outcome", "success")];
    until("a journey", async || {
        server.metrics().await.sum("auth_canary_runs_total", &done) >= 1.0
    })
    .await;
    let mut reset = command(&server.path(), &["admin", "reset-password", "_canary"]).await;
    let output = run_with(&mut reset, "");
    assert_eq!(output.status.code(), Some(1));
    let complaint = text(&output.stderr);
    assert!(complaint.contains("the service's own"), "{complaint}");
}
