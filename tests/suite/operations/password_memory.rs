//! Passwords leave no trace in the memory of the service once their request is answered, and over HTTP/2
//! once its connection has ended.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use serde_json::json;

use crate::harness::Server;
use crate::http2::Http2;
use crate::raw::Raw;

/// Where the text is in the process's writable memory, its stacks and heaps among it, with what
/// surrounds it.
fn places(server: &Server, text: &str) -> Vec<String> {
    let process = format!("/proc/{}", server.pid());
    let memory = File::open(format!("{process}/mem")).expect("the memory of a child");
    let maps = fs::read_to_string(format!("{process}/maps")).expect("its map");
    let mut found = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let range = words.next().expect("a range");
        if !words.next().expect("its mode").starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').expect("two addresses");
        let [start, end] = [start, end].map(|at| u64::from_str_radix(at, 16).expect("hexadecimal"));
        // Areas come and go while they are read.
        let mut bytes = vec![0; usize::try_from(end - start).expect("fits")];
        if memory.read_exact_at(&mut bytes, start).is_err() {
            continue;
        }
        let mut from = 0;
        while let Some(at) = find(&bytes[from..], text.as_bytes()) {
            let at = from + at;
            let around = &bytes[at.saturating_sub(200)..bytes.len().min(at + 80)];
            found.push(format!("{line}: {}", around.escape_ascii()));
            from = at + text.len();
        }
    }
    found
}

/// Searches for the first byte with the standard library, which is fast in unoptimised tests as well.
fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    const STEP: usize = 256;
    for start in (0..bytes.len()).step_by(STEP) {
        let step = &bytes[start..bytes.len().min(start + STEP)];
        if !step.contains(&text[0]) {
            continue;
        }
        let wider = &bytes[start..bytes.len().min(start + STEP + text.len() - 1)];
        let at = wider.windows(text.len()).position(|window| window == text);
        if at.is_some() {
            return at.map(|at| start + at);
        }
    }
    None
}

/// The places where a text is left in memory, after waiting for threads that are about to wipe it.
async fn left_of(server: &Server, planted: &str) -> Vec<String> {
    let mut left = Vec::new();
    for _ in 0..20 {
        left = places(server, planted);
        if left.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    left
}

#[tokio::test]
async fn text_in_memory_is_found() {
    // The proof that the search finds something: the name of the administrator stays in the options.
    let server = Server::builder()
        .env("ADMIN_USERNAME", "planted.admin-name")
        .start()
        .await;
    assert!(!places(&server, "planted.admin-name").is_empty());
}

#[tokio::test]
async fn password_is_wiped_when_its_request_ends() {
    let server = Server::start().await;
    let anon = server.anon();
    let register = async |name: &str, password: &str| {
        let body = json!({
            "username": name, "email": format!("{name}@example.com"), "password": password,
        });
        anon.post("/register", &body).await.status
    };
    // Estimated, not estimated, written with escapes in JSON and in forms, refused.
    let plain = "Qz1-plain-vurk";
    let long = "Qz2-long-vurkelbast-kestrelfog-harbour";
    let escaped = "Qz3 \"esc\\aped\" + 100% \u{e9}\u{1f980}";
    let (weak, wrong, changed) = ("Qz4qz4qz4", "Qz5-wrong-vurk", "Qz6-changed-vurk");
    for (name, password) in [("alice", plain), ("bob", long), ("carol", escaped)] {
        assert_eq!(register(name, password).await, 201, "{name}");
        for _ in 0..3 {
            assert_eq!(anon.login(name, password).await.status, 200, "{name}");
        }
    }
    assert_eq!(register("dave", weak).await, 422);
    assert_eq!(anon.login("alice", wrong).await.status, 400);
    let bob = server.login("bob", long).await;
    let body = json!({ "current_password": long, "new_password": changed });
    let answer = bob.post("/users/me/password", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // A connection that ends with its request, and one of HTTP/2 that ends later.
    let (closed, over_http2) = ("Qz7-closed-vurk", "Qz8-http2-vurk");
    let mut raw = Raw::open(&server).await;
    let form = format!("username=alice&password={closed}");
    let length = format!("Content-Length: {}", form.len());
    let kind = "Content-Type: application/x-www-form-urlencoded";
    raw.head("POST /login", &[&length, kind, "Connection: close"])
        .await;
    raw.send(form.as_bytes()).await;
    assert_eq!(raw.answer().await.status, 400);
    let mut http2 = Http2::open(&server).await;
    let form = format!("username=alice&password={over_http2}");
    let kind = [(
        "content-type",
        "application/x-www-form-urlencoded".to_owned(),
    )];
    let body = stream::iter([Bytes::from(form)]);
    let (status, _) = http2.send_with(("POST", "/login"), &kind, body).await;
    assert_eq!(status, 400);
    drop(http2);
    let mut left = Vec::new();
    for secret in [plain, long, weak, wrong, changed, closed, over_http2] {
        left.extend(left_of(&server, secret).await);
    }
    for part in ["Qz3 \"esc", "Qz3 \\\"esc", "Qz3+%22esc"] {
        left.extend(left_of(&server, part).await);
    }
    assert!(left.is_empty(), "{} left:\n{}", left.len(), left.join("\n"));
}
