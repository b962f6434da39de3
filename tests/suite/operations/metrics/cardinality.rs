//! No client can create series.

use std::collections::BTreeSet;

use futures_util::StreamExt as _;
use reqwest::Method;
use serde_json::json;
use uuid::Uuid;

use crate::document::operations;
use crate::harness::{ADMIN_PASSWORD, Answer, PASSWORD, Server};

const MAX_SERIES: usize = 10_000;
/// Requests of a scanner in each half of the test.
const HALF: usize = 1_000;
const AT_A_TIME: usize = 32;
const MAX_BYTES: usize = 1_200 * 1024;

/// The operations that most clients call. Each method, route and status is 29 lines: these, failed in
/// every way, make some 7,200 series; permissions of other services can add 1,400.
const USUAL: &[&str] = &[
    "register",
    "login",
    "refresh",
    "readMe",
    "updateMe",
    "changeMyPassword",
    "adminOnly",
    "listUsers",
    "readUser",
    "createUser",
    "updateUser",
];

/// Unknown paths, each a different one.
fn random_path(number: usize) -> String {
    let id = Uuid::new_v4();
    match number % 8 {
        0 => format!("/{id}"),
        1 => format!("/admin/users/{id}/{id}"),
        2 => format!("/users/{id}?token={id}"),
        3 => format!("/login/{id}"),
        4 => format!("/.well-known/{id}"),
        5 => format!("/{id}.php?{id}={id}"),
        6 => format!("/%7Bid%7D/{id}"),
        _ => format!("/a/b/c/d/e/f/{id}"),
    }
}

async fn scan(server: &Server) {
    // Keeps its connections alive, unlike the client of the other tests.
    let client = reqwest::Client::new();
    let requests = (0..HALF).map(async |number| {
        // Some with known methods, some with unknown ones.
        let method = match number % 50 {
            0 => Method::POST,
            1 => Method::PUT,
            2 => Method::PATCH,
            3 => Method::DELETE,
            4 => Method::OPTIONS,
            5 => Method::HEAD,
            6 => Method::from_bytes(format!("X{number}").as_bytes()).expect("a method"),
            _ => Method::GET,
        };
        let url = format!("{}{}", server.api, random_path(number));
        let answer = client.request(method, url).send().await.expect("answered");
        assert_eq!(answer.status(), 404);
    });
    let requests = futures_util::stream::iter(requests);
    requests.buffer_unordered(AT_A_TIME).collect::<()>().await;
}

#[tokio::test]
async fn scanner_adds_only_unmatched_series() {
    let server = Server::start().await;
    let start = server.scrape().await.identities();
    scan(&server).await;
    let half = server.scrape().await;
    scan(&server).await;
    let whole = server.scrape().await;

    let strange: BTreeSet<&str> = half
        .series
        .iter()
        .filter(|series| !start.contains(&series.identity()))
        .map(|series| series.label("http_route"))
        .collect();
    assert_eq!(strange, BTreeSet::from(["unmatched"]));
    assert_eq!(whole.identities(), half.identities());
    let counted: f64 = whole
        .of("http_server_request_duration_seconds_count")
        .filter(|series| series.label("http_route") == "unmatched")
        .map(|series| series.value)
        .sum();
    assert_eq!(counted, 2_000.0);
}

#[tokio::test]
async fn accounts_sessions_roles_and_errors_add_no_labels() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let round = async |round: usize| {
        for number in 0..5 {
            let name = format!("user-{round}-{number}");
            let user = server.user(&name).await;
            user.get("/users/me").await;
            user.get("/admin-only").await;
            user.refresh().await;
            server.anon().login(&name, "wrong").await;
            server.anon().token(&name).get("/users/me").await;
            let id = user.id().await;
            admin.put(&format!("/admin/users/{id}/roles/admin")).await;
            admin.put(&format!("/admin/users/{id}/roles/{name}")).await;
            admin.get(&format!("/admin/users/{id}")).await;
            admin.get(&format!("/admin/users?search={name}")).await;
            admin.delete(&format!("/admin/users/{id}")).await;
        }
    };
    round(1).await;
    let before = server.scrape().await.identities();
    round(2).await;
    let after = server.scrape().await.identities();
    assert_eq!(after, before);
}

#[tokio::test]
async fn scrape_stays_small_after_every_kind_of_failure() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let user = server.user("alice").await;
    let anon = server.anon();
    let large = "x".repeat(64 * 1024 + 1);
    for operation in operations() {
        if !USUAL.contains(&operation.id.as_str()) {
            continue;
        }
        for client in [&anon, &user, &admin] {
            let request = |path: &str| client.request(operation.method.clone(), path);
            let bad_path = operation.path_with("not-a-uuid", "user");
            for request in [
                operation.request(client),
                operation
                    .request(client)
                    .header("content-type", "text/plain"),
                request(&operation.path()).body(large.clone()),
                request(&bad_path).json(&json!({})),
                request(&format!("{}?limit=0", operation.path())),
                client.request(Method::HEAD, &operation.path()),
                client.request(Method::OPTIONS, &operation.path()),
                client.request(
                    Method::from_bytes(b"BREW").expect("a method"),
                    &operation.path(),
                ),
            ] {
                Answer::of(request).await;
            }
        }
    }
    for body in [
        json!({ "username": "alice", "email": "new@example.com", "password": PASSWORD }),
        json!({ "username": "bob", "email": "bob@example.com", "password": "password" }),
        json!({ "username": "b", "email": "bob@example.com", "password": PASSWORD }),
        json!({ "username": "bob", "email": "b@example.com", "password": PASSWORD, "role": "admin" }),
    ] {
        assert!(anon.post("/register", &body).await.status >= 400);
    }
    for (client, password) in [(&user, PASSWORD), (&admin, ADMIN_PASSWORD)] {
        client.delete_me(password).await;
    }
    let metrics = server.metrics().await;
    let statuses: BTreeSet<String> = metrics
        .parsed()
        .of("http_server_request_duration_seconds_count")
        .filter(|series| series.value > 0.0)
        .map(|series| series.label("http_response_status_code").to_owned())
        .collect();
    for status in [
        "200", "201", "204", "400", "401", "403", "404", "405", "409", "413", "415", "422",
    ] {
        assert!(
            statuses.contains(status),
            "{status} was not provoked: {statuses:?}"
        );
    }
    assert!(
        metrics.parsed().series.len() <= MAX_SERIES,
        "{} series",
        metrics.parsed().series.len()
    );
    assert!(metrics.0.len() <= MAX_BYTES, "{} bytes", metrics.0.len());
}
