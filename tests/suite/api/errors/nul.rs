//! The character NUL, which PostgreSQL does not store: names with it are refused, and nothing fails.

use serde_json::json;

use crate::harness::{PASSWORD, Server};

#[tokio::test]
async fn nul_byte_in_names_is_rejected_or_unknown() {
    let server = Server::start().await;
    let admin = server.admin().await;
    let id = server.user("someone").await.id().await;
    server
        .anon()
        .login("some\0one", PASSWORD)
        .await
        .oauth(400, "invalid_grant");
    server
        .anon()
        .login("some\0one@example.com", PASSWORD)
        .await
        .oauth(400, "invalid_grant");
    let found = admin.get("/admin/users?search=some%00").await;
    assert_eq!(found.status, 200, "{}", found.text);
    assert_eq!(found.json["items"], json!([]));
    admin
        .put(&format!("/admin/users/{id}/roles/us%00er"))
        .await
        .problem(404, "not-found");
    admin
        .delete(&format!("/admin/users/{id}/roles/us%00er"))
        .await
        .problem(404, "not-found");
    for (username, email, field) in [
        ("some\0one", "other@example.com", "username"),
        ("other", "ot\0her@example.com", "email"),
    ] {
        let body = json!({ "username": username, "email": email, "password": PASSWORD });
        let answer = server.anon().post("/register", &body).await;
        answer.names(422, "invalid-field", field);
    }
    let body = json!({ "username": "other", "email": "other@example.com", "password": "vio\0let-harbour-31" });
    assert_eq!(server.anon().post("/register", &body).await.status, 201);
    server.login("other", "vio\0let-harbour-31").await;
}
