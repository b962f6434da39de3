//! The command that fills a database for tests.

use std::path::Path;
use std::process::Command;

use super::{run, success, text};
use crate::harness::{Client, PASSWORD, Server, program};

fn seed(folder: &Path, args: &[&str]) -> Command {
    let mut command = program(folder);
    command
        .arg("seed-users")
        .args(args)
        .env("DATA_DIR", folder.join("data"))
        .env("HASH_MEMORY_KIB", "64")
        .env("ALLOW_INSECURE", "true")
        .env("HASH_ITERATIONS", "1")
        .env("ALLOW_SEEDING", "true");
    command
}

#[tokio::test]
async fn seeded_accounts_can_login_with_given_or_generated_password() {
    let folder = tempfile::tempdir().expect("a folder");
    let printed = success(seed(folder.path(), &["120"]).env("SEED_PASSWORD", PASSWORD));
    assert!(printed.contains("120 accounts were created."), "{printed}");
    assert!(printed.contains("120 of 120 accounts, "), "{printed}");
    assert!(!printed.contains(PASSWORD), "{printed}");
    // Existing accounts are not changed.
    let printed = success(&mut seed(
        folder.path(),
        &["125", "--sessions-per-user", "1"],
    ));
    assert!(printed.contains("5 accounts were created."), "{printed}");
    let (_, generated) = printed.split_once("password is ").expect("shown");
    let again = success(&mut seed(folder.path(), &["125"]));
    assert_eq!(again, "0 accounts were created.\n");

    let server = Server::builder().embedded().dir(folder).start().await;
    let sessions = async |user: &Client| {
        let sessions = user.get("/users/me/sessions").await;
        sessions.json["items"].as_array().map(Vec::len)
    };
    let first = server.login("seed-0000001", PASSWORD).await;
    assert_eq!(sessions(&first).await, Some(1), "this one alone");
    let last = server
        .login("seed-0000125@example.com", generated.trim())
        .await;
    assert_eq!(
        sessions(&last).await,
        Some(2),
        "the seeded one and this one"
    );
}

#[test]
fn seeding_is_rejected_where_it_is_not_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut unasked = seed(folder.path(), &["1"]);
    unasked.env_remove("ALLOW_SEEDING");
    let mut production = seed(folder.path(), &["1"]);
    production.env("PUBLIC_URL", "https://auth.example.com");
    let mut weak = seed(folder.path(), &["1"]);
    weak.env("SEED_PASSWORD", "password");
    for (command, word) in [
        (&mut unasked, "ALLOW_SEEDING=true"),
        (&mut production, "PUBLIC_URL"),
        (&mut weak, "password"),
    ] {
        let output = run(command);
        assert_eq!(output.status.code(), Some(1), "{word}");
        assert!(text(&output.stderr).contains(word), "{word}");
        assert_eq!(text(&output.stdout), "");
    }
    for count in ["0", "10000000", "-1", "many"] {
        let output = run(&mut seed(folder.path(), &[count]));
        assert_eq!(output.status.code(), Some(2), "{count}");
    }
    // The help does not mention it.
    let help = success(program(folder.path()).arg("--help"));
    assert!(!help.contains("seed"), "{help}");
}
