//! Signing keys change while replicas run: rotated under load, revoked, and with a secret that changes.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;
use tempfile::TempDir;

use super::{run, success, text};
use crate::forger::read;
use crate::harness::{
    ADMIN_PASSWORD, Client, PASSWORD, SECRET_KEY, Server, postgres, program, redis_url, until,
};

/// Two secrets that open each other's keys.
const OLD: &str = "old:the-old-secret-of-these-tests-0123456789";
const NEW: &str = "new:the-new-secret-of-these-tests-0123456789";

/// What two replicas and an operator's commands have in common: the database, and Redis or not.
struct House {
    env: Vec<(&'static str, String)>,
    /// Holds the database, or names its schema.
    folder: TempDir,
}

impl House {
    async fn new(on_servers: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut env = vec![
            ("PUBLIC_URL", "https://auth.example.com".to_owned()),
            ("RATE_LIMITS", "off".to_owned()),
            ("ALLOW_INSECURE", "true".to_owned()),
            ("JWKS_MAX_AGE", "1s".to_owned()),
        ];
        if on_servers {
            let prefix = format!("{}:", postgres::schema(folder.path()));
            env.push(("DATABASE_URL", postgres::schema_of(folder.path()).await));
            env.push(("SECRET_KEY", SECRET_KEY.to_owned()));
            env.push(("REDIS_URL", redis_url()));
            env.push(("REDIS_TIMEOUT", "250ms".to_owned()));
            env.push(("REDIS_PREFIX", prefix));
        } else {
            let data = folder.path().join("data").display().to_string();
            env.push(("DATA_DIR", data));
        }
        Self { env, folder }
    }

    /// The same with other secrets.
    fn secrets(&mut self, secrets: &str) {
        self.env.retain(|(name, _)| !name.starts_with("SECRET_KEY"));
        self.env.push(("SECRET_KEYS", secrets.to_owned()));
    }

    async fn start(&self) -> Server {
        let builder = Server::builder().embedded();
        let env = self.env.iter();
        let builder = env.fold(builder, |builder, (name, value)| builder.env(name, value));
        builder.start().await
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(self.folder.path());
        command
            .envs(self.env.iter().cloned())
            .arg("keys")
            .args(arguments);
        command
    }
}

/// The key id in a token's header.
fn kid(token: &str) -> String {
    read(token).0["kid"].as_str().expect("a kid").to_owned()
}

async fn published(server: &Server) -> Vec<String> {
    let answer = server.anon().get("/.well-known/jwks.json").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let keys = answer.json["keys"].as_array().expect("keys").clone();
    let kid = |key: &Value| key["kid"].as_str().expect("a kid").to_owned();
    keys.iter().map(kid).collect()
}

/// Logs in, reads at both, refreshes at the other, reads at both and logs out until it is told to stop. Gives
/// the number of requests, each of which succeeded.
async fn work(one: Client, other: Client, stop: Arc<AtomicBool>) -> u32 {
    let mut requests = 0;
    let at = |client: &Client, base: &str| Client {
        base: base.to_owned(),
        ..client.clone()
    };
    while !stop.load(Ordering::SeqCst) {
        let login = one.login("alice", PASSWORD).await;
        assert_eq!(login.status, 200, "{}", login.text);
        let alice = one.with(&login.json);
        alice.id().await;
        let alice = at(&alice, &other.base);
        alice.id().await;
        let renewed = alice.refreshed().await;
        renewed.id().await;
        let renewed = at(&renewed, &one.base);
        renewed.id().await;
        let logout = renewed.post("/logout", &json!({})).await;
        assert_eq!(logout.status, 204, "{}", logout.text);
        requests += 7;
    }
    requests
}

async fn rotation_under_load_refuses_no_token(on_servers: bool) {
    let house = House::new(on_servers).await;
    let (a, b) = (house.start().await, house.start().await);
    let alice = a.user("alice").await;
    let old = kid(alice.access.as_deref().expect("a token"));
    a.register("bob").await; // Logs in so often that his first sessions end.
    let stop = Arc::new(AtomicBool::new(false));
    let workers = [(&a, &b), (&b, &a)]
        .map(|(one, other)| tokio::spawn(work(one.anon(), other.anon(), Arc::clone(&stop))));
    let begun = Instant::now();
    let printed = success(&mut house.command(&["rotate"]));
    let (new, _) = printed.split_once(" is published").expect("its id");
    for server in [&a, &b] {
        until("published", async || {
            published(server).await == [old.as_str(), new]
        })
        .await;
        let seconds = begun.elapsed().as_secs_f64();
        println!("published at a replica after {seconds:.1} s");
    }
    for server in [&a, &b] {
        until("signs", async || {
            let login = server.login("bob", PASSWORD).await;
            kid(login.access.as_deref().expect("a token")) == new
        })
        .await;
    }
    let signs = begun.elapsed();
    // A published set may be cached for a second, and replicas have six to read the key.
    assert!(signs >= Duration::from_secs(7), "too soon: {signs:?}");
    stop.store(true, Ordering::SeqCst);
    let mut requests = 0;
    for worker in workers {
        requests += worker.await.expect("every request succeeded");
    }
    let seconds = signs.as_secs_f64();
    println!("{requests} requests, none refused; the new key signs after {seconds:.1} s");
    for server in [&a, &b] {
        let me = alice.at(server).get("/users/me").await;
        assert_eq!(me.status, 200, "a token of the old key: {}", me.text);
        let metrics = server.metrics().await;
        for reason in ["unknown_kid", "bad_signature"] {
            let labels = [("reason", reason)];
            let refused = metrics.sum("auth_token_verifications_total", &labels);
            assert_eq!(refused, 0.0, "{reason}");
        }
        for (state, expected) in [("published", 0.0), ("active", 1.0), ("retiring", 1.0)] {
            let keys = metrics.sum("auth_signing_keys", &[("state", state)]);
            assert_eq!(keys, expected, "{state}");
        }
        assert_eq!(
            metrics.sum("auth_signing_key_reloads_total", &[("outcome", "failed")]),
            0.0
        );
        assert!(metrics.sum("auth_signing_key_reloads_total", &[("outcome", "done")]) > 0.0);
    }
}

async fn revoked_key_verifies_nothing_at_any_replica(on_servers: bool) {
    let house = House::new(on_servers).await;
    let (a, b) = (house.start().await, house.start().await);
    let alice = a.user("alice").await;
    let old = kid(alice.access.as_deref().expect("a token"));
    // In every cache of verified tokens.
    for server in [&a, &b] {
        alice.at(server).id().await;
    }
    let printed = success(&mut house.command(&["revoke", &old]));
    let begun = Instant::now();
    assert!(printed.contains("is revoked;"), "{printed}");
    for server in [&a, &b] {
        until("refused", async || {
            alice.at(server).get("/users/me").await.status == 401
        })
        .await;
        assert!(!published(server).await.contains(&old));
        let seconds = begun.elapsed().as_secs_f64();
        println!("refused at a replica after {seconds:.1} s");
    }
    // The session is not the key's: it continues with a new token, at every replica.
    let renewed = alice.refreshed().await;
    for server in [&a, &b] {
        renewed.at(server).id().await;
        let log = server.log();
        assert!(log.contains("sys_key_revoked"), "{log}");
    }
    // Neither twice, nor an unknown one.
    for kid in [old.as_str(), "nobody"] {
        let output = run(&mut house.command(&["revoke", kid]));
        assert_eq!(output.status.code(), Some(1), "{kid}");
    }
}

async fn secret_is_replaced_without_a_refused_token(on_servers: bool) {
    let mut house = House::new(on_servers).await;
    house.secrets(&format!("{OLD},{NEW}"));
    let a = house.start().await;
    let alice = a.user("alice").await;
    house.secrets(&format!("{NEW},{OLD}"));
    let b = house.start().await;
    for server in [&a, &b] {
        alice.at(server).id().await;
    }
    let listed = success(&mut house.command(&["list"]));
    assert!(listed.contains("decrypted by old"), "{listed}");
    let printed = success(&mut house.command(&["reseal"]));
    assert!(printed.starts_with("1 keys encrypted again"), "{printed}");
    house.secrets(NEW);
    let listed = success(&mut house.command(&["list"]));
    assert!(listed.contains("decrypted by new"), "{listed}");
    assert!(!format!("{listed}{printed}").contains("of-these-tests"));
    // Each believes what the other stores in Redis.
    let renewed = alice.refreshed().await;
    for server in [&a, &b, &a] {
        renewed.at(server).id().await;
        let rejected = server
            .metrics()
            .await
            .sum("auth_shared_cache_rejected_total", &[]);
        assert_eq!(rejected, 0.0);
    }
    let c = house.start().await;
    renewed.at(&c).id().await;
}

/// Each test on the embedded database, and on PostgreSQL and Redis.
macro_rules! everywhere {
    ($($test:ident),+ $(,)?) => {
        mod embedded {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$test(false).await;
            })+
        }
        mod servers {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            #[ignore = "needs PostgreSQL and Redis: scripts/test"]
            async fn $test() {
                super::$test(true).await;
            })+
        }
    };
}

everywhere!(
    rotation_under_load_refuses_no_token,
    revoked_key_verifies_nothing_at_any_replica,
    secret_is_replaced_without_a_refused_token,
);

#[tokio::test]
async fn lost_secret_file_is_not_made_again_beside_its_keys() {
    let house = House::new(false).await;
    let server = house.start().await;
    let alice = server.user("alice").await;
    let _ = server.stop().await;
    let file = house.folder.path().join("data/secret.key");
    let secret = std::fs::read(&file).expect("there");
    std::fs::remove_file(&file).expect("removed");
    for command in [&[][..], &["rotate"], &["revoke", "any"]] {
        let mut start = house.command(command);
        if command.is_empty() {
            start = program(house.folder.path());
            start.envs(house.env.iter().cloned());
        }
        let output = run(&mut start);
        let complaint = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{complaint}");
        assert!(complaint.contains("secret.key is missing"), "{complaint}");
        assert!(!file.exists(), "made anew");
    }
    std::fs::write(&file, &secret).expect("restored");
    let only_owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&file, only_owner).expect("set");
    let server = house.start().await;
    let alice = alice.at(&server).refreshed().await;
    alice.id().await;
    // The last resort: sessions go on, tokens of the lost key do not.
    let _ = server.stop().await;
    std::fs::remove_file(&file).expect("removed");
    let printed = success(&mut house.command(&["discard-unreadable"]));
    assert!(printed.starts_with("deleted: "), "{printed}");
    let server = house.start().await;
    assert_eq!(alice.at(&server).get("/users/me").await.status, 401);
    alice.at(&server).refreshed().await.id().await;
}

/// How often this replica read the keys with this outcome.
async fn readings(server: &Server, outcome: &str) -> f64 {
    let labels = [("outcome", outcome)];
    let metrics = server.metrics().await;
    metrics.sum("auth_signing_key_reloads_total", &labels)
}

/// The log lines of this event.
fn said(server: &Server, event: &str) -> Vec<String> {
    let log = server.log();
    let lines = log.lines().filter(|line| line.contains(event));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn replica_that_lacks_the_secret_of_a_new_key_says_so_once() {
    let mut house = House::new(false).await;
    house.secrets(OLD);
    let server = house.start().await;
    house.secrets(&format!("{NEW},{OLD}"));
    let printed = success(&mut house.command(&["rotate"]));
    let (new, _) = printed.split_once(" is published").expect("its id");
    let event = "sys_key_unreadable";
    until("said", async || !said(&server, event).is_empty()).await;
    let before = readings(&server, "done").await;
    until("read twice again", async || {
        readings(&server, "done").await >= before + 2.0
    })
    .await;
    let lines = said(&server, event);
    assert!(lines.len() == 1 && lines[0].contains(new), "{lines:?}");
    let unreadable = [("state", "unreadable")];
    let metrics = server.metrics().await;
    assert_eq!(metrics.sum("auth_signing_keys", &unreadable), 1.0);
}

#[tokio::test]
async fn readings_that_fail_are_logged_once_in_a_row_and_keys_stay_in_use() {
    let server = Server::builder().embedded().start().await;
    let alice = server.user("alice").await;
    let file = server.path().join("data/rbac-sentinel.db");
    let options = SqliteConnectOptions::new().filename(file);
    let mut database = options.connect().await.expect("it opens");
    let away = "ALTER TABLE signing_keys RENAME TO mislaid";
    let back = "ALTER TABLE mislaid RENAME TO signing_keys";
    for (rename, outcome, times, lines) in [
        (away, "failed", 4.0, 1),
        (back, "done", 1.0, 1),
        (away, "failed", 1.0, 2),
    ] {
        let before = readings(&server, outcome).await;
        let renamed = sqlx::query(rename).execute(&mut database).await;
        renamed.expect("renamed");
        until(outcome, async || {
            let enough = readings(&server, outcome).await >= before + times;
            enough && said(&server, "sys_key_reload_fail").len() >= lines
        })
        .await;
        assert_eq!(said(&server, "sys_key_reload_fail").len(), lines);
        alice.id().await;
    }
}

#[tokio::test]
async fn access_token_lists_its_permissions() {
    let server = Server::builder()
        .env("TOKEN_PERMISSIONS", "true")
        .start()
        .await;
    let admin = server.admin().await;
    let claims = read(admin.access.as_deref().expect("a token")).1;
    let scope = claims["scope"].as_str().expect("a scope");
    assert!(scope.split(' ').any(|name| name == "users:read"), "{scope}");
    let listed: Vec<_> = claims["permissions"].as_array().expect("an array").clone();
    let listed: Vec<_> = listed
        .iter()
        .map(|name| name.as_str().expect("text"))
        .collect();
    assert_eq!(listed.join(" "), scope);
    let alice = server.user("alice").await;
    let claims = read(alice.access.as_deref().expect("a token")).1;
    assert_eq!(claims["scope"], "authenticated");
    let narrowed = [
        ("scope", "users:read authenticated"),
        ("username", "admin"),
        ("password", ADMIN_PASSWORD),
    ];
    let answer = server.anon().form(&narrowed).await;
    let token = answer.json["access_token"].as_str().expect("a token");
    assert_eq!(
        read(token).1["permissions"],
        json!(["authenticated", "users:read"])
    );

    let plain = Server::start().await;
    let claims = read(plain.admin().await.access.as_deref().expect("a token")).1;
    assert_eq!(claims["permissions"], Value::Null);
    assert!(claims["scope"].is_string());
}
