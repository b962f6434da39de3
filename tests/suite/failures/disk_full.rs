//! A full disk: reads succeed, no acknowledged change is lost, and writes work again as soon as there is
//! space.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::harness::{ADMIN_PASSWORD, Answer, Builder, Client, PASSWORD, Server, http, until};

/// Space for less than a hundred accounts: the log of the database grows before its file does.
const LIMIT: &str = "--fsize=2097152:";
const MOUNT: &str = "mount -t tmpfs -o size=12m,mode=0700 none data \
     && head -c 10000000 /dev/zero > data/ballast && exec \"$@\"";

/// How the space of one server is limited.
#[derive(Clone, Copy)]
enum Disk {
    /// A file system of its own that ends with the server.
    Small(&'static [&'static str]),
    /// Files may not grow beyond a limit. Needs no privilege.
    Limited,
}

impl Disk {
    /// A small file system where this machine lets us mount one: as root, or in a user namespace.
    fn smallest_allowed() -> Self {
        const AS_ROOT: &[&str] = &["unshare", "--mount"];
        const AS_USER: &[&str] = &["unshare", "--user", "--map-root-user", "--mount"];
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("data")).expect("made");
        let allowed = |namespace: &[&str]| {
            Command::new(namespace[0])
                .args(&namespace[1..])
                .args(["sh", "-c", MOUNT, "sh", "true"])
                .current_dir(folder.path())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success())
        };
        [AS_ROOT, AS_USER]
            .into_iter()
            .find(|namespace| allowed(namespace))
            .map_or(Self::Limited, Self::Small)
    }

    async fn start(self) -> Server {
        let folder = TempDir::new().expect("a folder");
        let data = folder.path().join("data");
        let made = DirBuilder::new().mode(0o700).create(data);
        made.expect("made");
        let ignore = "trap '' XFSZ; exec \"$@\"";
        let command = match self {
            Self::Small(namespace) => [namespace, &["sh", "-c", MOUNT, "sh"]].concat(),
            Self::Limited => vec!["prlimit", LIMIT, "sh", "-c", ignore, "sh"],
        };
        Builder::default().dir(folder).under(&command).start().await
    }

    /// Gives the server space again.
    fn free(self, server: &Server) {
        match self {
            Self::Small(_) => {
                std::fs::remove_file(seen_by(server).join("ballast")).expect("removed");
            }
            Self::Limited => {
                let pid = server.pid().to_string();
                let raised = Command::new("prlimit")
                    .args(["--pid", &pid, "--fsize=unlimited:"])
                    .status();
                assert!(raised.expect("prlimit runs").success());
            }
        }
    }
}

/// The data folder as the server sees it, from its own file systems.
fn seen_by(server: &Server) -> PathBuf {
    let path = server.path().join("data");
    let path = path.strip_prefix("/").expect("absolute");
    Path::new("/proc")
        .join(server.pid().to_string())
        .join("root")
        .join(path)
}

async fn probe(server: &Server, path: &str) -> u16 {
    let answer = http().get(format!("{}{path}", server.ops)).send().await;
    answer.expect("answered").status().as_u16()
}

#[track_caller]
fn assert_comes_back(answer: &Answer) {
    let wait: u32 = answer.header("retry-after").parse().expect("whole seconds");
    assert!(wait >= 1);
}

/// Writes until not even a page or two fit. Returns the names whose registrations were acknowledged, and
/// one that was refused.
async fn fill(server: &Server, mut user: Client) -> (Vec<String>, String, Client) {
    let mut acknowledged = Vec::new();
    let refused = loop {
        let name = format!("user-{}", acknowledged.len());
        let answer = server.register(&name).await;
        if answer.status != 201 {
            assert_comes_back(answer.problem(503, "unavailable"));
            break name;
        }
        acknowledged.push(name);
        assert!(acknowledged.len() < 5_000, "the disk does not fill");
    };
    loop {
        let answer = server.anon().login("admin", ADMIN_PASSWORD).await;
        if answer.status != 200 {
            assert_comes_back(answer.oauth(503, "temporarily_unavailable"));
            break;
        }
    }
    loop {
        let answer = user.refresh().await;
        if answer.status != 200 {
            assert_comes_back(answer.oauth(503, "temporarily_unavailable"));
            break;
        }
        user = user.with(&answer.json);
    }
    for number in 0.. {
        let name = format!("alice-{number}");
        let answer = user
            .patch(
                "/users/me",
                &json!({ "username": name, "current_password": PASSWORD }),
            )
            .await;
        if answer.status != 200 {
            assert_comes_back(answer.problem(503, "unavailable"));
            break;
        }
    }
    (acknowledged, refused, user)
}

async fn a_full_disk(disk: Disk) {
    let server = disk.start().await;
    let alice = server.user("alice").await;
    let admin = server.admin().await;
    let storage = [("error_type", "storage")];
    let errors = async || {
        let metrics = server.metrics().await;
        metrics.sum("db_client_operation_errors_total", &storage)
    };
    assert_eq!(errors().await, 0.0);

    let (acknowledged, refused, alice) = fill(&server, alice).await;
    assert!(acknowledged.len() > 10, "{}", acknowledged.len());
    assert!(errors().await >= 4.0);
    until("not ready", || async {
        probe(&server, "/readyz").await == 503
    })
    .await;
    let metrics = server.metrics().await;
    assert_eq!(
        metrics.sum("auth_dependency_up", &[("dependency", "database")]),
        0.0
    );
    assert_eq!(metrics.sum("auth_ready", &[]), 0.0);
    assert_eq!(probe(&server, "/livez").await, 200);

    // Reads succeed, and writes get an error that says why.
    assert_eq!(alice.get("/users/me").await.status, 200);
    let page = admin.get("/admin/users?limit=5&search=user-1").await;
    assert_eq!(page.status, 200, "{}", page.text);
    for answer in [
        alice.refresh().await,
        server.anon().login("admin", ADMIN_PASSWORD).await,
    ] {
        answer.oauth(503, "temporarily_unavailable");
        assert_comes_back(&answer);
    }
    let rename = alice
        .patch(
            "/users/me",
            &json!({ "username": "alicia", "current_password": PASSWORD }),
        )
        .await;
    assert_comes_back(rename.problem(503, "unavailable"));

    disk.free(&server);
    until("ready", || async { probe(&server, "/readyz").await == 200 }).await;
    let metrics = server.metrics().await;
    assert_eq!(
        metrics.sum("auth_dependency_up", &[("dependency", "database")]),
        1.0
    );
    for name in &acknowledged {
        server.login(name, PASSWORD).await;
    }
    assert_eq!(
        server.register(&refused).await.status,
        201,
        "nothing is left of it"
    );
    let alice = alice.refreshed().await;
    assert_eq!(
        alice.get("/users/me").await.json["email"],
        "alice@example.com"
    );
    let answered = server.metrics().await;
    let status = [("http_response_status_code", "500")];
    let name = "http_server_request_duration_seconds_count";
    assert_eq!(answered.sum(name, &status), 0.0, "{}", server.log());
    let (_copy, pool) = super::open_copy(&seen_by(&server)).await;
    let found: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM users WHERE username LIKE 'user-%'")
        .fetch_one(&pool)
        .await
        .expect("asked");
    assert_eq!(usize::try_from(found), Ok(acknowledged.len() + 1));
}

#[tokio::test]
async fn full_disk_stops_only_writes_until_there_is_space() {
    a_full_disk(Disk::smallest_allowed()).await;
}

#[tokio::test]
async fn file_size_limit_stops_only_writes_until_it_is_raised() {
    a_full_disk(Disk::Limited).await;
}
