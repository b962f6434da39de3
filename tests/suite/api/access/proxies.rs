//! Forward authentication behind real proxies, configured as `docs/forward-auth.md` says.

use std::path::Path;
use std::process::Command;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::ports::free_port;
use testkit::process::Process;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;

use super::Policy;
use crate::harness::{Answer, Client, Server, http, until};
use crate::nginx::Nginx;

const PUBLISHED: &str = include_str!("../../../../docs/forward-auth.md");

/// The first block of the document in this language.
fn block(language: &str) -> &'static str {
    let (_, rest) = PUBLISHED
        .split_once(&format!("```{language}\n"))
        .expect("a block");
    rest.split_once("```").expect("its end").0
}

/// An application that answers with the lines of the request that it got.
async fn application() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if stream.read_line(&mut head).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let head = head.to_lowercase();
                let lines = head.lines();
                let mut lengths = lines.filter_map(|line| line.strip_prefix("content-length: "));
                let length = lengths
                    .next()
                    .map_or(0, |text| text.parse().expect("a length"));
                // An unread body would reset the connection.
                let mut body = vec![0; length];
                if stream.read_exact(&mut body).await.is_err() {
                    return;
                }
                let length = head.len();
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{head}"
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    port
}

/// A service, an account that may read every order, one that may read order 7, and one that may read none.
async fn service() -> (Server, [Client; 3]) {
    let server = Server::builder()
        .env("TRUSTED_PROXIES", "127.0.0.1")
        .start()
        .await;
    let admin = server.admin().await;
    let policy = Policy { admin: &admin };
    policy.permissions(&["orders:read"]).await;
    policy.role("clerk", &[], &[("orders:read", None)]).await;
    let alice = server.user("alice").await;
    let bob = server.user("bob").await;
    let carol = server.user("carol").await;
    policy.give(&alice.id().await, "clerk", "").await;
    let one = "?resource_type=orders&resource_id=7";
    policy.give(&bob.id().await, "clerk", one).await;
    (server, [alice, bob, carol])
}

/// A request through the proxy, with forged headers.
async fn through(proxy: &str, client: &Client, method: Method, path: &str) -> Answer {
    let mut request = http()
        .request(method, format!("{proxy}{path}"))
        .header("X-Auth-Subject", "forged")
        .header("X-Auth-Roles", "forged")
        .header("x-auth-username", "forged");
    if let Some(token) = &client.access {
        request = request.bearer_auth(token);
    }
    Answer::of(request.body("{}")).await
}

/// The application's headers of this name.
fn seen<'a>(answer: &'a Answer, name: &str) -> Vec<&'a str> {
    let lines = answer.text.lines();
    let named = lines.filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    named.collect()
}

/// What holds behind every proxy for `/orders/`.
async fn check(proxy: &str, server: &Server, [alice, bob, carol]: &[Client; 3]) {
    for method in [Method::GET, Method::POST, Method::DELETE] {
        let answer = through(proxy, alice, method, "/orders/?permission=none:at_all").await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(seen(&answer, "x-auth-subject"), [alice.id().await]);
        assert_eq!(seen(&answer, "x-auth-username"), ["alice"]);
        assert_eq!(seen(&answer, "x-auth-roles"), ["clerk,user"]);
        assert!(!answer.text.contains("forged"), "{}", answer.text);
    }
    for (client, status) in [
        (bob, 403),
        (carol, 403),
        (&server.anon(), 401),
        (&server.anon().token("forged"), 401),
    ] {
        let answer = through(proxy, client, Method::GET, "/orders/").await;
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    assert_eq!(alice.post("/logout", &json!({})).await.status, 204);
    let ended = through(proxy, alice, Method::GET, "/orders/").await;
    assert_eq!(ended.status, 401, "{}", ended.text);
}

/// The block with these programs instead of the ones that it names.
fn configured(block: &str, server: &Server, application: u16) -> String {
    let upstream = server.api.trim_start_matches("http://");
    let text = block.replace("127.0.0.1:8000", upstream);
    text.replace("127.0.0.1:9000", &format!("127.0.0.1:{application}"))
}

#[tokio::test]
#[ignore = "needs nginx: scripts/test"]
async fn nginx_admits_callers_with_the_permission_and_drops_forged_headers() {
    let (mut server, clients) = service().await;
    let port = free_port();
    let locations = configured(block("nginx"), &server, application().await);
    let health = "location = /up { return 200; }";
    let site = format!("server {{ listen 127.0.0.1:{port};\n{health}\n{locations} }}");
    let nginx = Nginx::start(&server.path(), port, &site, "/up").await;
    let bob = &clients[1];
    for (path, status) in [("/orders/7", 200), ("/orders/8", 403), ("/orders/x", 403)] {
        let answer = through(&nginx.base, bob, Method::GET, path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
    }
    let unauthenticated = through(&nginx.base, &server.anon(), Method::GET, "/orders/").await;
    let challenge = unauthenticated.header("www-authenticate");
    assert!(challenge.starts_with("Bearer "), "{challenge}");
    // Clients cannot ask for the answer themselves.
    let inside = through(&nginx.base, bob, Method::GET, "/_authz/orders-read").await;
    assert_eq!(inside.status, 404);
    check(&nginx.base, &server, &clients).await;
    let log = server.log();
    let denied = log.lines().filter(|line| line.contains("authz_fail"));
    let denied: Vec<Value> = denied
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(denied[0]["path"], "/orders/8", "{denied:?}");
    assert_eq!(denied[0]["method"], "GET");
    // Without the service nobody is admitted.
    server.signal(crate::harness::Signal::KILL);
    server.wait_exit().await;
    let closed = through(&nginx.base, bob, Method::GET, "/orders/7").await;
    assert_eq!(closed.status, 500, "{}", closed.text);
}

/// HAProxy with this configuration, which listens here. Killed when dropped.
async fn haproxy(folder: &Path, text: &str, base: &str) -> Process {
    let file = folder.join("haproxy.cfg");
    std::fs::write(&file, text).expect("written");
    let program =
        std::env::var("HAPROXY").expect("HAPROXY must name the program: run scripts/test");
    let mut command = Command::new(program);
    command.args(["-db", "-f"]).arg(&file).current_dir(folder);
    let mut process = Process::start("haproxy", &mut command, folder).expect("it starts");
    until("HAProxy answers", || {
        let ended = process.ended().expect("known");
        assert!(ended.is_none(), "{}", process.output());
        let request = http().get(format!("{base}/up"));
        async move { request.send().await.is_ok() }
    })
    .await;
    process
}

#[tokio::test]
#[ignore = "needs HAProxy: scripts/test"]
async fn haproxy_admits_callers_with_the_permission_and_drops_forged_headers() {
    let (mut server, clients) = service().await;
    let folder = server.path();
    let port = free_port();
    let base = format!("http://127.0.0.1:{port}");
    let script = configured(block("lua"), &server, 0);
    std::fs::write(folder.join("forward-auth.lua"), script).expect("written");
    let text = configured(block("haproxy"), &server, application().await);
    assert_eq!(text.matches("bind :8080").count(), 1);
    let text = text.replace("bind :8080", &format!("bind 127.0.0.1:{port}"));
    let _haproxy = haproxy(&folder, &text, &base).await;
    // What needs no permission has no forged headers either.
    let open = through(&base, &server.anon(), Method::GET, "/open").await;
    assert_eq!(open.status, 200);
    assert!(!open.text.contains("forged"), "{}", open.text);
    check(&base, &server, &clients).await;
    server.signal(crate::harness::Signal::KILL);
    server.wait_exit().await;
    let closed = through(&base, &clients[1], Method::GET, "/orders/").await;
    assert_eq!(closed.status, 503, "{}", closed.text);
}
