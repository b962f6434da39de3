//! There is always an administrator.

use futures_util::future::join;
use serde_json::json;

use crate::harness::{ADMIN_PASSWORD, Answer, Client, PASSWORD, Server, until};

/// Another administrator.
async fn second(server: &Server, admin: &Client, name: &str) -> Client {
    let client = server.user(name).await;
    let path = format!("/admin/users/{}/roles/admin", client.id().await);
    assert_eq!(admin.put(&path).await.status, 204);
    client
}

#[tokio::test]
async fn last_administrator_cannot_be_removed_in_any_way() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = admin.id().await;
    let path = format!("/admin/users/{id}");
    // Neither of these may act as administrator.
    server.user("alice").await;
    let disabled = second(&server, &admin, "disabled").await.id().await;
    let answer = admin
        .patch(
            &format!("/admin/users/{disabled}"),
            &json!({ "disabled": true }),
        )
        .await;
    assert_eq!(answer.status, 200);

    let before = admin.get(&path).await.json;
    for answer in [
        admin.delete(&format!("{path}/roles/admin")).await,
        admin.patch(&path, &json!({ "disabled": true })).await,
        admin
            .patch(&path, &json!({ "username": "gone", "disabled": true }))
            .await,
        admin.delete(&path).await,
        admin.delete_me(ADMIN_PASSWORD).await,
    ] {
        answer.problem(409, "conflict");
    }
    assert_eq!(admin.get(&path).await.json, before);
    assert_eq!(admin.get("/admin-only").await.status, 200);
    // Other changes of the last administrator are fine.
    let body = json!({ "username": "root", "disabled": false });
    assert_eq!(admin.patch(&path, &body).await.status, 200);
    assert_eq!(
        admin.delete(&format!("{path}/roles/user")).await.status,
        204
    );
    assert_eq!(admin.delete(&format!("{path}/sessions")).await.status, 204);
    server.login("root", ADMIN_PASSWORD).await;
}

#[tokio::test]
async fn administrator_whose_initial_password_expired_is_none_to_fall_back_on() {
    let builder = Server::builder().env("INITIAL_PASSWORD_TTL", "1ms");
    let server = builder.start().await;
    let admin = server.admin().await;
    let body = json!({ "username": "late", "email": "late@example.com", "role": "admin" });
    let made = admin.post("/admin/users", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!("/admin/users/{}", admin.id().await);
    until("expired", async || {
        let password = made.json["initial_password"].as_str().expect("a password");
        server.anon().login("late", password).await.status == 400
    })
    .await;
    for answer in [
        admin.delete(&format!("{path}/roles/admin")).await,
        admin.patch(&path, &json!({ "disabled": true })).await,
        admin.delete_me(ADMIN_PASSWORD).await,
    ] {
        answer.problem(409, "conflict");
    }
    let late = made.json["user"]["id"].as_str().expect("an id");
    let deleted = admin.delete(&format!("/admin/users/{late}")).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
}

#[tokio::test]
async fn administrator_beside_another_can_be_removed() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let demoted = second(&server, &admin, "demoted").await;
    let path = format!("/admin/users/{}/roles/admin", demoted.id().await);
    assert_eq!(demoted.delete(&path).await.status, 204);
    demoted.get("/admin-only").await.problem(403, "forbidden");

    let disabled = second(&server, &admin, "disabled").await;
    let path = format!("/admin/users/{}", disabled.id().await);
    let answer = disabled.patch(&path, &json!({ "disabled": true })).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    disabled.get("/users/me").await.invalid_token();

    let deleted = second(&server, &admin, "deleted").await;
    assert_eq!(deleted.delete_me(PASSWORD).await.status, 204);
    deleted.get("/users/me").await.invalid_token();
    assert_eq!(admin.delete_me(ADMIN_PASSWORD).await.status, 409);
}

/// Of two removals of two administrators at once, one succeeds. The other comes too late for its
/// permission or its session, or finds the last administrator.
fn assert_one(first: &Answer, second: &Answer, round: usize) {
    let done = [first, second]
        .iter()
        .filter(|answer| [200, 204].contains(&answer.status))
        .count();
    assert_eq!(done, 1, "round {round}: {} {}", first.text, second.text);
    for answer in [first, second] {
        assert!(
            [200, 204, 401, 403, 409].contains(&answer.status),
            "{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn two_administrators_removing_each_other_leave_one() {
    let server = Server::start().await;
    let mut admin = server.admin().await;
    for round in 0..12 {
        let other = second(&server, &admin, &format!("other{round}")).await;
        other.warm_up().await;
        let (mine, theirs) = (admin.id().await, other.id().await);
        let remove = async |by: &Client, id: &str| {
            let path = format!("/admin/users/{id}");
            match round % 3 {
                0 => by.delete(&format!("{path}/roles/admin")).await,
                1 => by.patch(&path, &json!({ "disabled": true })).await,
                _ => by.delete(&path).await,
            }
        };
        let (first, second) = join(remove(&admin, &theirs), remove(&other, &mine)).await;
        assert_one(&first, &second, round);
        // The remaining account is an administrator.
        admin = if second.status < 300 { other } else { admin };
        assert_eq!(admin.get("/admin-only").await.status, 200);
    }
}

#[tokio::test]
async fn two_administrators_deleting_themselves_leave_one() {
    let server = Server::start().await;
    let (mut admin, mut password) = (server.admin().await, ADMIN_PASSWORD);
    for round in 0..12 {
        let other = second(&server, &admin, &format!("other{round}")).await;
        other.warm_up().await;
        let leave = async |who: &Client, id: &str, password: &str| {
            let path = format!("/admin/users/{id}");
            match round % 3 {
                0 => who.delete(&format!("{path}/roles/admin")).await,
                1 => who.patch(&path, &json!({ "disabled": true })).await,
                _ => who.delete_me(password).await,
            }
        };
        let (mine, theirs) = (admin.id().await, other.id().await);
        let both = join(
            leave(&admin, &mine, password),
            leave(&other, &theirs, PASSWORD),
        );
        let (first, second) = both.await;
        let (left, refused, its) = if first.status < 300 {
            (&other, &second, PASSWORD)
        } else {
            (&admin, &first, password)
        };
        // Each request is an administrator's about himself, so neither removes the other's permission.
        refused.problem(409, "conflict");
        assert_one(&first, &second, round);
        assert_eq!(left.get("/admin-only").await.status, 200);
        (admin, password) = (left.clone(), its);
    }
}

#[tokio::test]
async fn restart_creates_no_second_administrator() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let heir = second(&server, &admin, "heir").await;
    assert_eq!(admin.delete_me(ADMIN_PASSWORD).await.status, 204);
    assert_eq!(heir.get("/admin-only").await.status, 200);
    let server = Server::builder().dir(server.stop().await).start().await;
    let old = server.anon().login("admin", ADMIN_PASSWORD).await;
    old.oauth(400, "invalid_grant");
    let heir = server.login("heir", PASSWORD).await;
    assert_eq!(heir.get("/admin-only").await.status, 200);
}
