//! One's own account.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::{Client, PASSWORD, Server};

const NEW: &str = "amber-lantern-77";

async fn change(client: &Client, current: &str, new: &str) -> crate::harness::Answer {
    let body = json!({ "current_password": current, "new_password": new });
    let answer = client.post("/users/me/password", &body).await;
    for password in [current, new] {
        // These occur in the problem's own text.
        let word = ["", "password", "rbac-sentinel"].contains(&password);
        assert!(word || !answer.text.contains(password), "{}", answer.text);
    }
    answer
}

#[tokio::test]
async fn users_me_shows_own_account_without_secrets() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let answer = alice.get("/users/me").await;
    assert_eq!(answer.status, 200);
    let mut fields: Vec<_> = answer.json.as_object().expect("an object").keys().collect();
    fields.sort_unstable();
    let expected = [
        "created_at",
        "disabled",
        "email",
        "id",
        "last_login_at",
        "roles",
        "updated_at",
        "username",
    ];
    assert_eq!(fields, expected);
    assert_eq!(answer.json["username"], "alice");
    assert_eq!(answer.json["email"], "alice@example.com");
    for (path, method) in [
        ("/users/me", reqwest::Method::GET),
        ("/users/me", reqwest::Method::PATCH),
        ("/users/me", reqwest::Method::DELETE),
        ("/users/me/password", reqwest::Method::POST),
        ("/users/me/sessions", reqwest::Method::GET),
    ] {
        // Without a body: the token is checked first, so the answer is 401.
        let request = server.anon().request(method, path);
        let answer = crate::harness::Answer::of(request).await;
        answer.problem(401, "unauthenticated");
        assert!(answer.header("www-authenticate").starts_with("Bearer "));
    }
}

/// Many validators refuse `+00:00`.
#[tokio::test]
async fn times_end_in_z() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let admin = server.admin().await;
    let created = json!({ "username": "bob", "email": "bob@example.com" });
    let answers = [
        alice.get("/users/me").await,
        alice.get("/users/me/sessions").await,
        admin.post("/admin/users", &created).await,
        admin.get("/admin/users").await,
    ];
    let mut seen = std::collections::BTreeSet::new();
    for answer in answers {
        let fields = answer.text.split('"').collect::<Vec<_>>();
        for window in fields.windows(3) {
            let (name, value) = (window[0], window[2]);
            if name.ends_with("_at") || name.ends_with("_until") {
                assert!(value.ends_with('Z'), "{name} {value}");
                seen.insert(name.to_owned());
            }
        }
    }
    let every = [
        "created_at",
        "expires_at",
        "initial_password_until",
        "last_login_at",
        "last_used_at",
        "updated_at",
    ];
    assert!(seen.iter().eq(every.iter()), "{seen:?}");
}

#[tokio::test]
async fn users_me_rejects_malformed_change_by_field() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let before = alice.get("/users/me").await.json;
    for field in ["username", "email", "current_password"] {
        for value in [Value::Null, json!(1), json!([PASSWORD])] {
            let answer = alice.patch("/users/me", &json!({ field: value })).await;
            answer.names(400, "malformed-request", field);
            assert!(!answer.text.contains(PASSWORD), "{}", answer.text);
        }
    }
    for field in ["disabled", "roles", "role", "id", "password", "is_admin"] {
        let answer = alice.patch("/users/me", &json!({ field: "admin" })).await;
        answer.names(400, "malformed-request", field);
    }
    for (field, value) in [
        ("username", "a b"),
        ("username", "a@b.c"),
        ("email", "nonsense"),
    ] {
        let body = json!({ field: value, "current_password": PASSWORD });
        let answer = alice.patch("/users/me", &body).await;
        answer.names(422, "invalid-field", field);
        assert!(!answer.text.contains(PASSWORD), "{}", answer.text);
    }
    let answer = alice.patch("/users/me", &json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(alice.get("/users/me").await.json, before);
}

#[tokio::test]
async fn username_change_takes_the_password_shows_at_once_and_counts_for_login() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let second = server.login("alice", PASSWORD).await;
    server.register("bob").await;
    alice.warm_up().await;
    second.warm_up().await;
    let rename = async |name: &str, password: Option<&str>| {
        let mut body = json!({ "username": name });
        if let Some(password) = password {
            body["current_password"] = json!(password);
        }
        alice.patch("/users/me", &body).await
    };
    for name in ["Alicia", "ALICE", "bob"] {
        let answer = rename(name, None).await;
        answer.names(422, "invalid-field", "current_password");
        let answer = rename(name, Some("not-the-password")).await;
        answer.names(422, "wrong-password", "current_password");
    }
    for taken in ["bob", "BOB"] {
        let answer = rename(taken, Some(PASSWORD)).await;
        answer.names(409, "taken", "username");
    }
    assert_eq!(alice.get("/users/me").await.json["username"], "alice");
    let answer = rename("Alicia", Some(PASSWORD)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    for client in [&alice, &second] {
        assert_eq!(client.get("/users/me").await.json["username"], "Alicia");
    }
    server.login("alicia", PASSWORD).await;
    server.login("alice@example.com", PASSWORD).await;
    let old = server.anon().login("alice", PASSWORD).await;
    old.oauth(400, "invalid_grant");
    // One's own name in another case is not taken.
    let answer = rename("ALICIA", Some(PASSWORD)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // The old name is free again.
    let body = json!({ "username": "alice", "email": "new@example.com", "password": PASSWORD });
    assert_eq!(server.anon().post("/register", &body).await.status, 201);
}

#[tokio::test]
async fn email_change_requires_current_password() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    server.register("bob").await;
    alice.warm_up().await;
    let email = json!("alice@example.org");
    let answer = alice.patch("/users/me", &json!({ "email": email })).await;
    answer.names(422, "invalid-field", "current_password");
    for wrong in ["", "not-the-password"] {
        let body = json!({ "email": email, "current_password": wrong });
        let answer = alice.patch("/users/me", &body).await;
        answer.names(422, "wrong-password", "current_password");
        assert!(
            wrong.is_empty() || !answer.text.contains(wrong),
            "{}",
            answer.text
        );
    }
    let taken = json!({ "email": "BOB@example.com", "current_password": PASSWORD });
    let answer = alice.patch("/users/me", &taken).await;
    answer.names(409, "taken", "email");
    assert_eq!(
        alice.get("/users/me").await.json["email"],
        "alice@example.com"
    );

    let body = json!({ "email": email, "current_password": PASSWORD });
    let answer = alice.patch("/users/me", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(alice.get("/users/me").await.json["email"], email);
    server.login("Alice@example.org", PASSWORD).await;
    let old = server.anon().login("alice@example.com", PASSWORD).await;
    old.oauth(400, "invalid_grant");
    // Setting the current address again needs no password.
    let answer = alice.patch("/users/me", &json!({ "email": email })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn password_change_ends_every_session_and_renews_its_own() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let old = [
        alice.clone(),
        server.login("alice", PASSWORD).await,
        server.login("alice", PASSWORD).await,
    ];
    for client in &old {
        client.warm_up().await;
    }
    let before = alice.get("/users/me").await.json;
    let answer = change(&alice, PASSWORD, NEW).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json["token_type"], "bearer");
    let renewed = alice.with(&answer.json);
    for client in &old {
        client.get("/users/me").await.invalid_token();
        client.refresh().await.oauth(400, "invalid_grant");
    }
    // The cached account is not shown any more.
    let after = renewed.get("/users/me").await;
    assert_eq!(after.status, 200, "{}", after.text);
    assert_ne!(after.json["updated_at"], before["updated_at"]);
    let renewed = renewed.refreshed().await;
    let sessions = renewed.get("/users/me/sessions").await;
    assert_eq!(sessions.json["items"].as_array().map(Vec::len), Some(1));
    let login = server.anon().login("alice", PASSWORD).await;
    login.oauth(400, "invalid_grant");
    server.login("alice", NEW).await;
    let metrics = server.metrics().await;
    let reason = [("reason", "password_change")];
    assert_eq!(metrics.sum("auth_tokens_revoked_total", &reason), 3.0);
    for kind in ["access", "refresh"] {
        let labels = [("token_type", kind), ("grant", "password_change")];
        assert_eq!(metrics.sum("auth_tokens_issued_total", &labels), 1.0);
    }
}

#[tokio::test]
async fn password_change_requires_current_password_and_policy() {
    let server = Server::start().await;
    let alice = server.user("alice-liddell").await;
    let other = server.login("alice-liddell", PASSWORD).await;
    other.warm_up().await;
    let long = "kestrel ".repeat(16) + "!";
    for weak in [
        "x7#kq-2",
        "password",
        "Alice-Liddell",
        "rbac-sentinel",
        "Summer2024!",
        "al1ce-liddell-77",
        &long,
    ] {
        let answer = change(&alice, PASSWORD, weak).await;
        answer.names(422, "weak-password", "new_password");
    }
    for wrong in ["", "not-the-password", NEW] {
        let answer = change(&alice, wrong, NEW).await;
        answer.names(422, "wrong-password", "current_password");
    }
    for field in ["current_password", "new_password"] {
        let mut body = json!({ "current_password": PASSWORD, "new_password": NEW });
        body[field] = Value::Null;
        let answer = alice.post("/users/me/password", &body).await;
        answer.names(400, "malformed-request", field);
        body.as_object_mut().expect("an object").remove(field);
        let answer = alice.post("/users/me/password", &body).await;
        answer.names(400, "malformed-request", field);
        body[field] = json!(PASSWORD);
        body["unheard_of"] = json!(NEW);
        let answer = alice.post("/users/me/password", &body).await;
        answer.names(400, "malformed-request", "unheard_of");
        assert!(!answer.text.contains(NEW), "{}", answer.text);
    }
    // The refused requests changed nothing.
    assert_eq!(other.get("/users/me").await.status, 200);
    server.login("alice-liddell", PASSWORD).await;
    assert_eq!(change(&alice, PASSWORD, NEW).await.status, 200);

    let metrics = server.metrics().await;
    for (reason, count) in [
        ("none", 1.0),
        ("weak_password", 7.0),
        ("bad_password", 3.0),
        ("overloaded", 0.0),
        ("error", 0.0),
    ] {
        let counted = metrics.sum("auth_password_changes_total", &[("reason", reason)]);
        assert_eq!(counted, count, "{reason}");
    }
}

#[tokio::test]
async fn concurrent_password_changes_leave_one_password() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let new = |index: usize| format!("amber-lantern-{index:02}");
    let answers =
        join_all((0..10).map(async |index| change(&alice, PASSWORD, &new(index)).await)).await;
    let changed: Vec<usize> = (0..10)
        .filter(|index| answers[*index].status == 200)
        .collect();
    assert_eq!(changed.len(), 1);
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        // The session ended with the change of another request.
        match refused.status {
            401 => refused.invalid_token(),
            _ => refused.names(422, "wrong-password", "current_password"),
        };
    }
    server.login("alice", &new(changed[0])).await;
}

#[tokio::test]
async fn account_deletion_removes_everything_of_the_account() {
    let server = Server::start().await;
    let alice = server.user("alice").await;
    let other = server.login("alice", PASSWORD).await;
    let id = alice.id().await;
    for client in [&alice, &other] {
        client.warm_up().await;
    }
    // An open session is not enough.
    let answer = alice.delete("/users/me").await;
    answer.names(422, "invalid-field", "current_password");
    let answer = alice.delete_me("not-the-password").await;
    answer.names(422, "wrong-password", "current_password");
    assert_eq!(other.get("/users/me").await.status, 200);
    let answer = alice.delete_me(PASSWORD).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    for client in [&alice, &other] {
        client.get("/users/me").await.invalid_token();
        client.refresh().await.oauth(400, "invalid_grant");
    }
    let login = server.anon().login("alice", PASSWORD).await;
    login.oauth(400, "invalid_grant");
    let admin = server.admin().await;
    admin
        .get(&format!("/admin/users/{id}"))
        .await
        .problem(404, "not-found");
    // Name and address are free; an account that takes them is a new one.
    let again = server.user("alice").await;
    assert_ne!(again.id().await, id);
    alice.get("/users/me").await.invalid_token();
}

#[tokio::test]
async fn concurrent_account_deletions_succeed_once() {
    let server = Server::start().await;
    for round in 0..5 {
        let alice = server.user(&format!("alice{round}")).await;
        alice.warm_up().await;
        let answers = join_all((0..8).map(|_| alice.delete_me(PASSWORD))).await;
        let deleted = answers.iter().filter(|answer| answer.status == 204).count();
        assert_eq!(deleted, 1);
        for refused in answers.iter().filter(|answer| answer.status != 204) {
            refused.invalid_token();
        }
    }
    let metrics = server.metrics().await;
    assert_eq!(metrics.sum("http_server_panics_total", &[]), 0.0);
    let owner = [("action", "deleted"), ("actor", "owner")];
    assert_eq!(metrics.sum("auth_user_changes_total", &owner), 5.0);
}
