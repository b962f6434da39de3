//! Registration.

use serde_json::json;

use crate::harness::{PASSWORD, Server};

#[tokio::test]
async fn a_new_account_can_log_in_by_name_and_by_address_in_any_case() {
    let server = Server::start().await;
    let answer = server.register("Alice").await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.json["username"], "Alice");
    assert_eq!(answer.json["roles"], json!(["user"]));
    assert_eq!(answer.json["disabled"], false);
    assert!(!answer.text.contains("password"), "{}", answer.text);
    for name in ["Alice", "alice", "ALICE@example.com"] {
        assert_eq!(
            server.anon().login(name, PASSWORD).await.status,
            200,
            "{name}"
        );
    }
    let metrics = server.metrics().await;
    assert_eq!(
        metrics.sum("auth_registrations_total", &[("outcome", "success")]),
        1.0
    );
    assert_eq!(
        metrics.sum("auth_logins_total", &[("outcome", "success")]),
        3.0
    );
}
