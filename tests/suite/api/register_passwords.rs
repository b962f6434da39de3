//! Which passwords a registration accepts.

use super::register::{form, registrations};
use crate::harness::Server;

#[tokio::test]
async fn registration_rejects_weak_password_without_echoing_it() {
    let server = Server::start().await;
    let long = "kestrel ".repeat(16) + "!";
    for weak in [
        "x7#kq-2",
        "password",
        "PassWord1",
        "12345678",
        "qwertyuiop",
        "zzzzzzzzzzzzzzzz",
        "margarethe-b",
        "MARGARETHE-B",
        "greta.blum@example.com",
        "Greta.Blum",
        "rbac-sentinel",
        "Admin@123",
        "P@$$w0rd!",
        "M4rgarethe-B.2024",
        &long,
    ] {
        let body = form("Margarethe-B", "greta.blum@example.com", weak);
        let answer = server.anon().post("/register", &body).await;
        answer.names(422, "weak-password", "password");
        let body = answer.text.replace("/problems/", "");
        assert!(!body.contains(weak) || weak == "password", "{body}");
    }
    let metrics = server.metrics().await;
    assert_eq!(registrations(&metrics, "weak_password"), 15.0);
}

#[tokio::test]
async fn policy_that_is_off_takes_passwords_of_published_load_tests() {
    let server = Server::builder()
        .env("PASSWORD_POLICY", "off")
        .start()
        .await;
    assert!(
        server.greeting.contains("PASSWORD_POLICY is off"),
        "{}",
        server.greeting
    );
    for password in ["testpass", "string"] {
        let body = form(password, &format!("{password}@example.com"), password);
        let answer = server.anon().post("/register", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let me = server
            .login(password, password)
            .await
            .get("/users/me")
            .await;
        assert_eq!(me.json["username"], password);
    }
    let body = form("empty", "empty@example.com", "");
    let answer = server.anon().post("/register", &body).await;
    answer.names(422, "weak-password", "password");
}

#[tokio::test]
async fn shortest_password_is_configured() {
    let server = Server::builder()
        .env("PASSWORD_MIN_LENGTH", "15")
        .start()
        .await;
    let register = async |password| {
        let body = form("alice", "alice@example.com", password);
        server.anon().post("/register", &body).await
    };
    let answer = register("kestrelfog-421").await;
    answer.names(422, "weak-password", "password");
    assert!(answer.text.contains("at least 15"), "{}", answer.text);
    assert_eq!(register("kestrelfog-4219").await.status, 201);
}

#[tokio::test]
async fn registration_takes_password_exactly_as_sent() {
    let server = Server::start().await;
    let longest = "kestrel ".repeat(16);
    let passwords = [
        "  blanks at both ends  ",
        "Дождь и туман",
        &longest,
        "a&b=c%20+\u{e9}\"d",
    ];
    for (index, password) in passwords.into_iter().enumerate() {
        let name = format!("user{index}");
        let body = form(&name, &format!("{name}@example.com"), password);
        let answer = server.anon().post("/register", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        server.login(&name, password).await;
        let others = [
            format!("{password}x"),
            password.to_uppercase(),
            password.chars().skip(1).collect(),
        ];
        for other in others {
            let answer = server.anon().login(&name, &other).await;
            answer.oauth(400, "invalid_grant");
        }
    }
    let trimmed = server.anon().login("user0", passwords[0].trim()).await;
    trimmed.oauth(400, "invalid_grant");
}
