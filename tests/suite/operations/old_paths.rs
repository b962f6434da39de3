//! The proxies' configurations that map the paths of other systems: `docs/upgrading.md`.

use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Client, PASSWORD, Server, http, until};
use crate::nginx::Nginx;
use testkit::ports::free_port;
use testkit::process::Process;

const ACCOUNT: &str = "0199a5c4-9f6e-7c3a-8d2b-5e4f3a2b1c0d";

/// The files as they are published, started in front of a server. The programs are killed when dropped.
struct Proxies {
    _haproxy: Process,
    _nginx: Nginx,
    bases: [String; 2],
}

fn published(file: &str, port: u16, server: &Server) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/upgrading")
        .join(file);
    let text = std::fs::read_to_string(path).expect("the published file");
    let api = server.api.trim_start_matches("http://");
    for fixed in ["127.0.0.1:8000", "8080"] {
        assert_eq!(text.matches(fixed).count(), 1, "{fixed} in {file}");
    }
    text.replace("127.0.0.1:8000", api)
        .replace("listen 8080", &format!("listen 127.0.0.1:{port}"))
        .replace("bind :8080", &format!("bind 127.0.0.1:{port}"))
}

impl Proxies {
    async fn start(folder: &Path, server: &Server) -> Self {
        let ports = [free_port(), free_port()];
        let file = folder.join("haproxy.cfg");
        std::fs::write(&file, published("haproxy.cfg", ports[0], server)).expect("written");
        let program =
            std::env::var("HAPROXY").expect("HAPROXY must name the program: run scripts/test");
        let mut command = Command::new(program);
        command.args(["-db", "-f"]).arg(&file);
        let mut haproxy = Process::start("haproxy", &mut command, folder).expect("it starts");
        let base = format!("http://127.0.0.1:{}", ports[0]);
        let health = format!("{base}/health");
        until("HAProxy answers", || {
            let ended = haproxy.ended().expect("known");
            assert!(ended.is_none(), "{}", haproxy.output());
            let request = http().get(&health);
            async move {
                let answer = request.send().await;
                answer.is_ok_and(|answer| answer.status() == 200)
            }
        })
        .await;
        let servers = published("nginx.conf", ports[1], server);
        let nginx = Nginx::start(folder, ports[1], &servers, "/health").await;
        let bases = [base, nginx.base.clone()];
        Self {
            _haproxy: haproxy,
            _nginx: nginx,
            bases,
        }
    }
}

/// Status and body of an answer, without what differs from one request to the next.
async fn answer(base: &str, method: &str, path: &str) -> (u16, Value) {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let request = http().request(method, format!("{base}{path}"));
    let answer = request.send().await.expect("an answer");
    let status = answer.status().as_u16();
    let mut body: Value = answer.json().await.unwrap_or_default();
    if let Some(body) = body.as_object_mut() {
        body.remove("request_id");
    }
    (status, body)
}

/// Old method and path, and what they are here.
fn requests() -> Vec<(&'static str, String, &'static str, String)> {
    let mut requests = Vec::new();
    let mut map = |old: &'static str, paths: &[&str], new: &'static str, path: &str| {
        for from in paths {
            requests.push((old, (*from).to_owned(), new, path.to_owned()));
            requests.push((old, format!("{from}/"), new, path.to_owned()));
        }
    };
    let under_auth = |name: &str| {
        ["", "/auth", "/api/v1", "/api/v1/auth"].map(|prefix| format!("{prefix}/{name}"))
    };
    for (name, new) in [
        ("register", "/register"),
        ("signup", "/register"),
        ("login", "/login"),
        ("token", "/login"),
        ("refresh", "/refresh"),
        ("token/refresh", "/refresh"),
        ("logout", "/logout"),
    ] {
        let paths = under_auth(name);
        map("POST", &paths.each_ref().map(String::as_str), "POST", new);
    }
    map("POST", &["/users/register"], "POST", "/register");
    map("POST", &["/users/login"], "POST", "/login");
    let me = ["/me", "/auth/me", "/users/me", "/api/v1/users/me"];
    map("GET", &me, "GET", "/users/me");
    map("DELETE", &me[2..], "DELETE", "/users/me");
    map("PUT", &me[2..], "PATCH", "/users/me");
    map("PATCH", &me[2..], "PATCH", "/users/me");
    map("GET", &["/admin-only"], "GET", "/admin-only");
    let lists = ["/users", "/admin/users", "/api/v1/admin/users"];
    map("GET", &lists, "GET", "/admin/users");
    let one = lists.map(|list| format!("{list}/{ACCOUNT}"));
    let one = one.each_ref().map(String::as_str);
    for (old, new) in [
        ("GET", "GET"),
        ("DELETE", "DELETE"),
        ("PUT", "PATCH"),
        ("PATCH", "PATCH"),
    ] {
        map(old, &one, new, &format!("/admin/users/{ACCOUNT}"));
    }
    // What is not an old path stays as it is, and so does its method.
    let role = format!("/admin/users/{ACCOUNT}/roles/user");
    map("PUT", &[&role], "PUT", &role);
    map("GET", &["/users/me/sessions"], "GET", "/users/me/sessions");
    map("GET", &["/auth/nothing"], "GET", "/auth/nothing");
    requests
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx and HAProxy: scripts/test"]
async fn published_proxies_map_every_old_path() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start().await;
    let proxies = Proxies::start(folder.path(), &server).await;
    for (old, from, new, to) in requests() {
        let (status, body) = answer(&server.api, new, &to).await;
        // Without a token and a body nothing succeeds; a path or method that is unknown would be 404 or 405.
        let known = !matches!(status, 404 | 405) && status >= 400;
        assert!(
            known || to == "/auth/nothing",
            "{new} {to}: {status} {body}"
        );
        for base in &proxies.bases {
            let got = answer(base, old, &from).await;
            let same = if to.starts_with(from.trim_end_matches('/')) {
                // The service ignores the slash itself, and names the path as it came.
                got.0 == status
            } else {
                got == (status, body.clone())
            };
            assert!(
                same,
                "{base} {old} {from}: {got:?}, at {new} {to}: {status} {body}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx and HAProxy: scripts/test"]
async fn client_works_through_published_proxies_at_old_paths() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start().await;
    let proxies = Proxies::start(folder.path(), &server).await;
    let admin = server.admin().await;
    for (number, base) in proxies.bases.iter().enumerate() {
        let name = format!("alice{number}");
        let anyone = Client {
            base: base.clone(),
            access: None,
            refresh: None,
        };
        let account = json!({ "username": name, "email": format!("{name}@example.com"), "password": PASSWORD });
        assert_eq!(anyone.post("/auth/signup", &account).await.status, 201);
        let form = http()
            .post(format!("{base}/api/v1/auth/login"))
            .form(&[("username", name.as_str()), ("password", PASSWORD)]);
        let tokens: Value = form
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("tokens");
        let user = anyone.with(&tokens);
        let body = json!({ "refresh_token": tokens["refresh_token"] });
        let refreshed = user.post("/auth/refresh", &body).await;
        assert_eq!(refreshed.status, 200, "{}", refreshed.text);
        let user = anyone.with(&refreshed.json);
        assert_eq!(user.get("/auth/me").await.json["username"], name.as_str());

        // The query goes along, and so does the id.
        let admin = Client {
            base: base.clone(),
            ..admin.clone()
        };
        let page = admin.get(&format!("/users/?search={name}&limit=1")).await;
        let found = &page.json["items"][0];
        assert_eq!(found["username"], name.as_str(), "{}", page.text);
        let id = found["id"].as_str().expect("an id");
        let one = admin.get(&format!("/api/v1/admin/users/{id}")).await;
        assert_eq!(one.json["username"], name.as_str(), "{}", one.text);

        assert_eq!(user.post("/auth/logout/", &json!({})).await.status, 204);
        assert_eq!(user.get("/me").await.status, 401);
    }
}
