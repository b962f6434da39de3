//! The data folder: accessible only to its owner, and to one service.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::{run, success, text};
use crate::harness::{ADMIN_PASSWORD, Server, program};

/// The modes of the files in a folder, by name.
fn modes(folder: &Path) -> Vec<(String, u32)> {
    let files = std::fs::read_dir(folder).expect("a folder");
    let mode = |file: std::io::Result<std::fs::DirEntry>| {
        let file = file.expect("readable");
        let mode = file.metadata().expect("there").permissions().mode();
        (file.file_name().into_string().expect("UTF-8"), mode & 0o777)
    };
    files.map(mode).collect()
}

#[tokio::test]
async fn files_are_for_their_owner_whatever_the_umask() {
    let server = Server::builder()
        .embedded()
        .under(&["sh", "-c", "umask 000; exec \"$@\"", "sh"])
        .start()
        .await;
    server.user("alice").await;
    let modes = modes(&server.path().join("data"));
    for name in ["rbac-sentinel.db", "rbac-sentinel.db-wal", "secret.key"] {
        assert!(modes.iter().any(|(file, _)| file == name), "{modes:?}");
    }
    for (file, mode) in &modes {
        assert_eq!(*mode, 0o600, "{file}");
    }
}

#[tokio::test]
async fn what_a_group_may_use_is_warned_about() {
    let server = Server::builder().embedded().start().await;
    let log = server.log();
    assert!(!log.contains("its group"), "{log}");
    let dir = server.kill().await;
    let data = dir.path().join("data");
    for (name, mode) in [
        ("", 0o750),
        ("rbac-sentinel.db", 0o640),
        ("secret.key", 0o640),
    ] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(data.join(name), permissions).expect("set");
    }
    let log = Server::builder().embedded().dir(dir).start().await.log();
    for warning in [
        "DATA_DIR is accessible to its group",
        "the database's file is accessible to its group",
        "the secret's file is readable by its group",
    ] {
        assert!(log.contains(warning), "{log}");
    }
}

#[tokio::test]
async fn second_service_on_one_folder_is_refused_with_the_first_ones_process() {
    let server = Server::builder().embedded().start().await;
    let data = server.path().join("data");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let command = || {
        let mut command = program(elsewhere.path());
        command
            .env("API_ADDR", "127.0.0.1:0")
            .env("OPS_ADDR", "127.0.0.1:0")
            .env("DATA_DIR", &data)
            .env("ADMIN_PASSWORD", ADMIN_PASSWORD);
        command
    };
    let output = run(&mut command());
    let complaint = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{complaint}");
    let holder = format!("is in use by process {} on ", server.pid());
    assert!(complaint.contains(&holder), "{complaint}");
    // Commands work beside it.
    success(command().arg("keys"));
    success(command().arg("migrate"));
    server.user("alice").await;
    // A service that was killed holds nothing.
    let dir = server.kill().await;
    Server::builder().embedded().dir(dir).start().await;
}
