//! Why a decision is what it is.

use serde_json::json;

use super::{EXPLAIN, Policy, counted, question};
use crate::harness::{Client, Server};

/// A server, and an account that is an editor, who has what authors have.
async fn editor() -> (Server, Client, String) {
    let server = Server::start().await;
    let admin = server.admin().await;
    let alice = server.user("alice").await.id().await;
    let policy = Policy { admin: &admin };
    policy
        .permissions(&["posts:read", "posts:write", "posts:delete"])
        .await;
    let owner = Some("resource.properties.owner == subject.id");
    let grants = [("posts:read", None), ("posts:write", owner)];
    policy.role("author", &[], &grants).await;
    policy.role("editor", &["author"], &[]).await;
    policy.give(&alice, "editor", "?resource_type=posts").await;
    (server, admin, format!("user/{alice}"))
}

#[tokio::test]
async fn explanation_shows_the_way_and_what_fails_on_it() {
    let (server, admin, alice) = editor().await;
    let condition = "resource.properties.owner == subject.id";
    let way = |condition: Option<&str>, failing: &[&str]| {
        let mut way = json!({
            "roles": ["editor", "author"], "reach": "posts", "covers": true, "failing": failing,
        });
        if let Some(condition) = condition {
            way["condition"] = condition.into();
        }
        way
    };
    let mut own = question(&alice, "write", "posts/7");
    own["resource"]["properties"] = json!({ "owner": own["subject"]["id"] });
    let line = format!("user → editor → author → posts:write if {condition}");
    for (asked, decision, reason, ways, text) in [
        (
            question(&alice, "read", "posts/7"),
            true,
            "granted",
            json!([way(None, &[])]),
            "user → editor → author → posts:read".to_owned(),
        ),
        (
            own,
            true,
            "condition_holds",
            json!([way(Some(condition), &[])]),
            line.clone(),
        ),
        (
            question(&alice, "write", "posts/7"),
            false,
            "condition_fails",
            json!([way(Some(condition), &[condition])]),
            format!("{line} (does not hold: {condition})"),
        ),
        (
            question(&alice, "delete", "posts/7"),
            false,
            "not_granted",
            json!([]),
            "no role of the subject leads to posts:delete".to_owned(),
        ),
        (
            question(&alice, "fly", "posts/7"),
            false,
            "unknown_permission",
            json!([]),
            "no permission is called posts:fly".to_owned(),
        ),
    ] {
        let answer = admin.post(EXPLAIN, &asked).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let expected =
            json!({ "decision": decision, "reason": reason, "ways": ways, "text": text });
        assert_eq!(answer.json, expected, "{asked}");
    }
    // Nobody was given or denied anything.
    for reason in ["granted", "condition_holds", "not_granted"] {
        assert_eq!(counted(&server, reason).await, 0.0, "{reason}");
    }
}
