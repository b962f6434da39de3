//! No error repeats a value of the request: it may be a password in the wrong field.

use reqwest::{Method, RequestBuilder};

use crate::harness::{Answer, Client, Server};

const SECRET: &str = "kestrel-obelisk-4711";

fn json(client: &Client, method: Method, path: &str, body: &str) -> RequestBuilder {
    client
        .request(method, path)
        .header("content-type", "application/json")
        .body(body.replace("SECRET", SECRET))
}

fn form(client: &Client, body: &str) -> RequestBuilder {
    client
        .request(Method::POST, "/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.replace("SECRET", SECRET))
}

async fn assert_silent(what: &str, request: RequestBuilder) {
    let answer = Answer::of(request).await;
    assert!(
        (400..500).contains(&answer.status),
        "{what}: {}",
        answer.text
    );
    assert!(!answer.text.contains(SECRET), "{what}: {}", answer.text);
    assert!(
        !format!("{:?}", answer.headers).contains(SECRET),
        "{what}: {:?}",
        answer.headers
    );
}

#[tokio::test]
async fn errors_do_not_echo_json_bodies() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let bodies = [
        r#""SECRET""#,
        r#"["SECRET"]"#,
        r#"{"unknown": "SECRET"}"#,
        r#"{"password": ["SECRET"]}"#,
        r#"{"password": {"SECRET": 1}}"#,
        r#"{"username": ["SECRET"]}"#,
        r#"{"current_password": {"text": "SECRET"}, "new_password": "SECRET"}"#,
        r#"{"refresh_token": ["SECRET"]}"#,
        r#"{"all": "SECRET"}"#,
        r#"{"disabled": "SECRET"}"#,
        // Values that look like the parser's own words.
        r#"{"all": "missing field `SECRET`"}"#,
        r#"{"all": "unknown field `SECRET`, expected `SECRET`"}"#,
        r#"{"disabled": "duplicate field `SECRET` at line 1"}"#,
        r#"{"disabled": "x, expected SECRET"}"#,
        r#"{"password": SECRET}"#,
        r#"{"password": "SECRET"#,
        r#"{"password": "SECRET"}}"#,
    ];
    for (method, path) in [
        (Method::POST, "/register"),
        (Method::POST, "/refresh"),
        (Method::POST, "/logout"),
        (Method::PATCH, "/users/me"),
        (Method::DELETE, "/users/me"),
        (Method::POST, "/users/me/password"),
        (Method::POST, "/admin/users"),
        (
            Method::PATCH,
            "/admin/users/0199a5c4-9f6e-7c3a-8d2b-5e4f3a2b1c0d",
        ),
    ] {
        for body in bodies {
            let what = format!("{method} {path} {body}");
            assert_silent(&what, json(&admin, method.clone(), path, body)).await;
        }
    }
}

#[tokio::test]
async fn errors_do_not_echo_invalid_fields() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let bodies = [
        r#"{"username": "SECRET!", "email": "a@example.com", "password": "violet-harbour-31"}"#,
        r#"{"username": "alice", "email": "SECRET", "password": "violet-harbour-31"}"#,
        r#"{"username": "SECRET", "email": "a@example.com", "password": "SECRET"}"#,
        r#"{"username": "alice", "email": "a@example.com", "password": "violet-harbour-31", "role": "SECRET"}"#,
    ];
    for body in bodies {
        for client in [&server.anon(), &admin] {
            assert_silent(body, json(client, Method::POST, "/register", body)).await;
        }
    }
    let body = r#"{"current_password": "SECRET", "new_password": "amber-lantern-77"}"#;
    assert_silent(body, json(&admin, Method::POST, "/users/me/password", body)).await;
    let body = r#"{"email": "b@example.com", "current_password": "SECRET"}"#;
    assert_silent(body, json(&admin, Method::PATCH, "/users/me", body)).await;
    let body = r#"{"current_password": "SECRET"}"#;
    assert_silent(body, json(&admin, Method::DELETE, "/users/me", body)).await;
}

#[tokio::test]
async fn errors_do_not_echo_logins() {
    let server = Server::start().await;
    let anon = server.anon();
    for body in [
        "SECRET",
        "username=SECRET",
        "password=SECRET",
        "username=admin&password=SECRET",
        "username=SECRET&password=SECRET",
        "username=a&username=SECRET&password=SECRET",
        "username=a&password=SECRET&password=SECRET",
        "username=a&password=SECRET&grant_type=SECRET",
        "username=a&password=SECRET&scope=SECRET",
        "username=a&password=SECRET%ff&scope=%ff",
    ] {
        assert_silent(body, form(&anon, body)).await;
    }
    let request = json(&anon, Method::POST, "/login", r#"{"password": "SECRET"}"#);
    assert_silent("JSON", request).await;
}

#[tokio::test]
async fn errors_do_not_echo_query_or_headers() {
    let server = Server::start().await;
    let admin = server.admin().await;
    for path in [
        "/admin/users?limit=SECRET",
        "/admin/users?cursor=SECRET",
        "/nothing?token=SECRET",
        "/login?password=SECRET",
        "/admin/users/1?access_token=SECRET",
    ] {
        let request = admin.request(Method::GET, &path.replace("SECRET", SECRET));
        assert_silent(path, request).await;
    }
    for (name, value) in [
        ("authorization", "Bearer SECRET"),
        ("authorization", "Basic SECRET"),
        ("content-type", "SECRET/json"),
        ("x-request-id", "SECRET with spaces"),
        ("user-agent", "SECRET"),
        ("cookie", "session=SECRET"),
    ] {
        let request = server.anon().request(Method::PATCH, "/users/me");
        let request = request.header(name, value.replace("SECRET", SECRET));
        assert_silent(value, request.body("{}")).await;
    }
}
