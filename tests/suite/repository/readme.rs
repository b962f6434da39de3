//! The README's session works when it is pasted.

use std::process::Command;

use crate::harness::Server;

#[tokio::test]
#[ignore = "needs curl: scripts/test"]
async fn readme_curl_session_works_as_printed() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(readme).expect("the README");
    let (_, section) = readme
        .split_once("## A session with curl")
        .expect("the section");
    let (_, rest) = section.split_once("```sh\n").expect("a block");
    let (script, _) = rest.split_once("```").expect("a block");

    // With the default rate limits.
    let server = Server::builder().without("RATE_LIMITS").start().await;
    let script = script.replace("http://127.0.0.1:8000", &server.api);
    let output = Command::new("bash")
        .args(["-euc", &script])
        .output()
        .expect("bash runs");
    let output = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<&str> = output.lines().collect();
    let expected = [
        r#""username":"alice""#,
        r#""email":"alice@example.com""#,
        r#""permission":"admin:access""#,
        r#""refresh_token":"rt_"#,
        "204",
        r#""detail":"the session has ended""#,
    ];
    assert_eq!(lines.len(), expected.len(), "{output}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.contains(expected), "{line}");
    }
}
