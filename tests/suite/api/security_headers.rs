//! Security headers, on every response of both listeners.

use std::collections::BTreeSet;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::document::operations;
use crate::harness::{Answer, Client, Server, Signal, until};

/// The policy of answers that are no page.
const STRICT: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Sends requests to a server and collects the faults of its answers.
struct Walk {
    https: bool,
    statuses: BTreeSet<u16>,
    faults: Vec<String>,
}

impl Walk {
    async fn ask(&mut self, request: RequestBuilder) -> Answer {
        let request = request.build().expect("a request");
        let name = format!("{} {}", request.method(), request.url().path());
        let page = request.method() == Method::GET
            && ["/", "/docs", "/redoc", "/problems", "/problems/taken"]
                .contains(&request.url().path());
        let answer = crate::harness::http().execute(request).await;
        let answer = Answer::read(answer.expect("answered")).await;
        self.statuses.insert(answer.status);
        let transport = if self.https { "max-age=31536000" } else { "" };
        let policy = answer.header("content-security-policy");
        for (header, wanted) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("strict-transport-security", transport),
            (
                "content-security-policy",
                if page { policy } else { STRICT },
            ),
        ] {
            let found: Vec<_> = answer.headers.get_all(header).iter().collect();
            let sound =
                found.len() == usize::from(!wanted.is_empty()) && answer.header(header) == wanted;
            if !sound {
                let status = answer.status;
                self.faults
                    .push(format!("{name} {status} {header}: {found:?}"));
            }
        }
        if page && answer.status == 200 {
            self.page(&name, policy, &answer.text);
        }
        answer
    }

    /// A page allows only its own inline scripts and styles, by their hashes.
    fn page(&mut self, name: &str, policy: &str, html: &str) {
        let directive = |name: &str| {
            let mut directives = policy.split("; ");
            let found = directives.find_map(|one| one.strip_prefix(name)?.strip_prefix(' '));
            found.unwrap_or_default().to_owned()
        };
        let hashes = |open: &str, close: &str| {
            let mut rest = html;
            let mut hashes = Vec::new();
            while let Some((_, after)) = rest.split_once(open) {
                let (_, inside) = after.split_once('>').expect("an end of the tag");
                let (content, after) = inside.split_once(close).expect("an end of the element");
                let hash = STANDARD.encode(digest(&SHA256, content.as_bytes()));
                hashes.push(format!("'sha256-{hash}'"));
                rest = after;
            }
            hashes.join(" ")
        };
        let (scripts, styles) = if !name.ends_with("/docs") && !name.ends_with("/redoc") {
            (String::new(), hashes("<style", "</style>"))
        } else {
            // The interfaces make styles while they run.
            (hashes("<script", "</script>"), "'unsafe-inline'".to_owned())
        };
        for (name, wanted) in [
            ("default-src", "'none'"),
            ("script-src", &scripts),
            ("style-src", &styles),
            ("frame-ancestors", "'none'"),
            ("base-uri", "'none'"),
        ] {
            if directive(name) != wanted {
                self.faults
                    .push(format!("{name} is not {wanted}: {policy}"));
            }
        }
        if policy.contains("unsafe-eval") || policy.contains('*') || policy.contains("http") {
            self.faults.push(policy.to_owned());
        }
    }
}

/// Every operation and page, and every kind of refusal that can be had without waiting.
async fn walk(server: &mut Server, https: bool) {
    let mut walk = Walk {
        https,
        statuses: BTreeSet::new(),
        faults: Vec::new(),
    };
    let anon = server.anon();
    let admin = server.admin().await;
    let user = server.user("alice").await;
    let broken = anon.token("broken");
    for operation in operations() {
        for client in [&anon, &broken, &user, &admin] {
            walk.ask(operation.request(client)).await;
        }
        let head = anon.request(Method::HEAD, &operation.path());
        walk.ask(head).await;
        let refused = anon.request(Method::OPTIONS, &operation.path());
        walk.ask(refused).await;
        if operation.value["requestBody"].is_object() {
            let request = || admin.request(operation.method.clone(), &operation.path());
            let large = request().body(vec![b'x'; 65 * 1024]);
            let foreign = request().header("content-type", "text/csv").body("a,b");
            for request in [large, foreign, request()] {
                walk.ask(request).await;
            }
        }
    }
    // The caller logged out above: log in again.
    let admin = server.admin().await;
    for path in [
        "/",
        "/problems",
        "/problems/taken",
        "/docs",
        "/redoc",
        "/openapi.json",
        "/openapi.yaml",
    ] {
        let tag = walk.ask(anon.request(Method::GET, path)).await;
        let again = anon.request(Method::GET, path);
        let again = again.header("if-none-match", tag.header("etag"));
        walk.ask(again).await;
        walk.ask(anon.request(Method::POST, path)).await;
    }
    let post =
        |client: &Client, path: &str, body: &Value| client.request(Method::POST, path).json(body);
    let bob = json!({
        "username": "bob", "email": "bob@example.com", "password": crate::harness::PASSWORD,
    });
    walk.ask(post(&anon, "/register", &bob)).await;
    walk.ask(post(&anon, "/register", &bob)).await;
    let weak = json!({ "username": "carol", "email": "carol@example.com", "password": "x" });
    walk.ask(post(&anon, "/register", &weak)).await;
    walk.ask(post(&admin, "/logout", &json!({}))).await;
    walk.ask(anon.request(Method::GET, "/nothing")).await;
    let ops = Client {
        base: server.ops.clone(),
        ..server.anon()
    };
    for path in ["/metrics", "/livez", "/readyz", "/nothing", "/docs"] {
        for method in [Method::GET, Method::HEAD, Method::POST] {
            let request = ops.request(method, path);
            walk.ask(request).await;
        }
    }
    // Stopping: not ready, and still there.
    server.signal(Signal::TERM);
    until("not ready", || async {
        anon.get("/health").await.status == 503
    })
    .await;
    walk.ask(anon.request(Method::GET, "/health")).await;
    walk.ask(ops.request(Method::GET, "/readyz")).await;
    assert!(walk.faults.is_empty(), "{:#?}", walk.faults);
    let seen = [
        200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 413, 415, 422, 503,
    ];
    let missing: Vec<_> = seen.iter().filter(|s| !walk.statuses.contains(s)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
}

#[tokio::test]
async fn every_answer_has_the_security_headers() {
    let mut server = Server::builder().env("SHUTDOWN_DELAY", "10m").start().await;
    walk(&mut server, false).await;
}

#[tokio::test]
async fn every_answer_asks_for_https_where_the_service_is_reached_by_it() {
    let mut server = Server::builder()
        .env("SHUTDOWN_DELAY", "10m")
        .env("PUBLIC_URL", "https://auth.example.com")
        .start()
        .await;
    walk(&mut server, true).await;
}

#[tokio::test]
async fn a_rate_limited_answer_has_the_security_headers() {
    let server = Server::builder()
        .env("RATE_LIMITS", "on")
        .env("RATE_LIMIT_GENERAL", "1/1h")
        .start()
        .await;
    let mut walk = Walk {
        https: false,
        statuses: BTreeSet::new(),
        faults: Vec::new(),
    };
    for _ in 0..2 {
        walk.ask(server.anon().request(Method::GET, "/users/me"))
            .await;
    }
    assert!(walk.statuses.contains(&429), "{:?}", walk.statuses);
    assert!(walk.faults.is_empty(), "{:#?}", walk.faults);
}
