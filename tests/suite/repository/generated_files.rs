//! The committed generated files are current.

use std::path::Path;

use crate::harness::{Server, program};

#[track_caller]
fn same(path: &str, generated: &str, command: &str) {
    let committed = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let committed = std::fs::read_to_string(committed).unwrap_or_default();
    let mut lines = committed.lines().zip(generated.lines()).enumerate();
    let difference = lines.find(|(_, (old, new))| old != new);
    assert!(
        committed == generated,
        "{path} is not what the program says; bring it up to date with\n\n    {command}\n\n\
         The first difference (line from 0, committed, generated): {difference:?}"
    );
}

#[test]
fn metrics_documentation_is_current() {
    same(
        "docs/metrics.md",
        &rbac_sentinel::testing::metrics::markdown(),
        "cargo run -- metrics > docs/metrics.md",
    );
}

#[test]
fn openapi_document_is_current() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = program(folder.path()).arg("openapi").output();
    let output = output.expect("it runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    same(
        "docs/openapi.json",
        std::str::from_utf8(&output.stdout).expect("UTF-8"),
        "cargo run -- openapi > docs/openapi.json",
    );
    let left = std::fs::read_dir(folder.path()).expect("readable").count();
    assert_eq!(left, 0, "printing leaves nothing behind");
}

#[tokio::test]
async fn server_publishes_the_openapi_document() {
    let server = Server::start().await;
    let published = server.anon().get("/openapi.json").await.json;
    let committed = include_str!("../../../docs/openapi.json");
    let committed: serde_json::Value = serde_json::from_str(committed).expect("JSON");
    for part in ["paths", "components"] {
        assert!(published[part].is_object(), "{part}");
        assert_eq!(published[part], committed[part]);
    }
}
