//! `policy export`, `diff` and `apply`: the policy in version control.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::{success, text};
use crate::harness::{Server, backend, program, until};

const POLICY: &str = "\
permissions:
  posts:delete: Remove a post.
  posts:read: Read a post.
roles:
  author:
    description: Writes.
    grants:
    - posts:delete if resource.properties.owner == subject.id
  editor:
    parents:
    - author
    grants:
    - posts:*
  everyone:
    grants:
    - posts:read
exclusive_roles:
  audit:
    roles:
    - admin
    - author
";

/// The program with these words, on the database of a server in this folder.
async fn policy(folder: &Path, words: &[&str]) -> Command {
    let mut command = program(folder);
    command
        .env("DATA_DIR", folder.join("data"))
        .envs(backend(folder).await)
        .env("ALLOW_INSECURE", "true")
        .arg("policy")
        .args(words);
    command
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("written");
    path.display().to_string()
}

#[tokio::test]
async fn policy_is_applied_beside_a_running_service_and_exported_again() {
    let server = Server::start().await;
    let folder = server.path();
    let empty = success(&mut policy(&folder, &["export"]).await);
    assert_eq!(
        empty,
        "permissions: {}\nroles:\n  everyone: {}\nexclusive_roles: {}\n"
    );
    let base = written(&folder, "base.yaml", &empty);
    let file = written(&folder, "policy.yaml", POLICY);
    let effect = "\
created permission posts:delete
created permission posts:read
created role author
created role editor
changed role everyone
created exclusion audit
0 accounts with role author gain posts:delete if resource.properties.owner == subject.id
0 accounts with role editor gain posts:delete
0 accounts with role editor gain posts:delete if resource.properties.owner == subject.id
0 accounts with role editor gain posts:read
everybody gains posts:read
";
    let diff = success(&mut policy(&folder, &["diff", &file, "--base", &base]).await);
    assert_eq!(diff, effect);
    assert_eq!(
        success(&mut policy(&folder, &["export"]).await),
        empty,
        "diff changes nothing"
    );
    let applied = success(&mut policy(&folder, &["apply", &file, "--base", &base]).await);
    assert_eq!(applied, effect);
    assert_eq!(success(&mut policy(&folder, &["export"]).await), POLICY);
    let again = success(&mut policy(&folder, &["apply", &file, "--base", &base]).await);
    assert_eq!(again, "Nothing to change.\n");

    let alice = server.user("alice").await;
    until("the service follows", async || {
        let held = alice.get("/users/me/permissions").await.json;
        held["items"][0]["permission"] == "posts:read"
    })
    .await;
    let admin = server.admin().await;
    let path = format!("/admin/users/{}/roles/editor", alice.id().await);
    assert_eq!(admin.put(&path).await.status, 204);
    let fewer = POLICY.replace(
        "    grants:\n    - posts:*\n",
        "    grants:\n    - posts:read\n",
    );
    let fewer = written(&folder, "fewer.yaml", &fewer);
    let diff = success(&mut policy(&folder, &["diff", &fewer, "--base", &file]).await);
    assert_eq!(
        diff,
        "changed role editor\n1 account with role editor loses posts:delete\n"
    );
}

#[tokio::test]
async fn what_changed_beside_the_file_stays_or_is_a_conflict() {
    let server = Server::start().await;
    let folder = server.path();
    let file = written(&folder, "policy.yaml", POLICY);
    success(&mut policy(&folder, &["apply", &file, "--replace"]).await);
    let admin = server.admin().await;
    until("the service follows", async || {
        admin.get("/admin/roles/author").await.status == 200
    })
    .await;
    // Somebody adds a role and describes another.
    assert_eq!(
        admin
            .put_json("/admin/roles/guest", &json!({}))
            .await
            .status,
        201
    );
    let described = json!({ "description": "Writes a lot." });
    assert_eq!(
        admin.patch("/admin/roles/author", &described).await.status,
        200
    );

    let other = written(
        &folder,
        "other.yaml",
        &POLICY.replace("Remove a post.", "Delete a post."),
    );
    let applied = success(&mut policy(&folder, &["apply", &other, "--base", &file]).await);
    assert_eq!(applied, "changed permission posts:delete\n");
    let live = success(&mut policy(&folder, &["export"]).await);
    assert!(
        live.contains("guest") && live.contains("Writes a lot.") && live.contains("Delete a post.")
    );

    let both = written(
        &folder,
        "both.yaml",
        &POLICY.replace("Writes.", "Writes little."),
    );
    let refused = policy(&folder, &["apply", &both, "--base", &file])
        .await
        .output();
    let refused = refused.expect("ran");
    assert!(!refused.status.success());
    let said = text(&refused.stderr);
    assert!(
        said.contains("changed meanwhile, differently: role author"),
        "{said}"
    );
    assert_eq!(success(&mut policy(&folder, &["export"]).await), live);

    for (broken, fault) in [
        (
            "roles: {a: {parents: [nobody]}}",
            "parents: must be names of existing roles",
        ),
        (
            "roles: {a: {grants: [x]}}",
            "grants: must name registered permissions",
        ),
        ("roles: {admin: {}}", "belongs to the service"),
        ("rolls: {}", "unknown field"),
    ] {
        let broken = written(&folder, "broken.yaml", broken);
        let output = policy(&folder, &["apply", &broken, "--replace"])
            .await
            .output();
        let output = output.expect("ran");
        assert!(!output.status.success());
        let said = text(&output.stderr);
        assert!(said.contains(fault), "{said}");
    }
    assert_eq!(success(&mut policy(&folder, &["export"]).await), live);
    // Without either it does not guess.
    let output = policy(&folder, &["apply", &file])
        .await
        .output()
        .expect("ran");
    assert_eq!(output.status.code(), Some(2));
}
