//! Clients that send slowly, send nothing, or do not read: each is disconnected in time, counted once with
//! the reason, and slows no other client down.

use std::time::{Duration, Instant};

use reqwest::Method;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{connect, ended, forget_peak, peak};
use crate::harness::{ADMIN_PASSWORD, Builder, PATIENCE, Server, until};
use crate::raw::{Raw, RawAnswer};

/// A server with a short client timeout, yet long enough for clients on a slow machine.
async fn impatient() -> Server {
    let builder = Builder::default().env("CLIENT_TIMEOUT", "3s");
    builder.env("IDLE_TIMEOUT", "3s").start().await
}

/// Logs in, repeatedly if the machine is so slow that the server times out. Returns how many of these
/// connections it may have closed.
async fn served(server: &Server) -> usize {
    let form = [("username", "admin"), ("password", ADMIN_PASSWORD)];
    let start = Instant::now();
    for closed in 0.. {
        assert!(start.elapsed() < PATIENCE, "never served");
        let request = server.anon().request(Method::POST, "/login").form(&form);
        match request.send().await {
            Ok(answer) if answer.status() == 408 => {}
            Ok(answer) => {
                assert_eq!(answer.status(), 200);
                return closed;
            }
            Err(error) => assert!(!error.is_timeout(), "{error}"),
        }
    }
    unreachable!("the loop ends by return")
}

/// Asserts that this reason ended these connections, and at most this many of the test's own.
async fn assert_ended(server: &Server, reason: &str, cut: usize, ours: usize) {
    until("counted", || async { ended(server, reason).await >= cut }).await;
    let found = ended(server, reason).await;
    assert!(
        (cut..=cut + ours).contains(&found),
        "{found} by {reason}, not {cut}"
    );
}

/// Between two bytes of a slow client.
const PAUSE: Duration = Duration::from_millis(20);

/// Sends byte after byte until the server closes the connection. Returns its answer.
async fn drip(mut stream: TcpStream, bytes: &[u8]) -> String {
    let (mut from, mut to) = stream.split();
    let mut answer = Vec::new();
    let sending = async {
        for byte in bytes.iter().cycle() {
            if to.write_all(&[*byte]).await.is_err() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    // The connection may end in any way.
    tokio::select! {
        _ = from.read_to_end(&mut answer) => {}
        () = sending => {}
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Reads until the server closes.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    assert!(read.is_ok(), "the server does not close");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn unfinished_request_head_is_disconnected() {
    let server = impatient().await;
    let mut slow = JoinSet::new();
    let heads = [
        "P",
        "PRI * HT",
        "GET /health HTTP/1.1\r\nHost: x\r\nX-Half: ",
        "GET /health HTTP/1.1\r\nHost: x\r\n",
    ];
    for head in heads {
        let mut stream = connect(&server).await;
        stream.write_all(head.as_bytes()).await.expect("sent");
        slow.spawn(rest(stream));
    }
    let mut stream = connect(&server).await;
    stream
        .write_all(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        .await
        .expect("sent");
    slow.spawn(drip(stream, b"a"));
    let cut = slow.len();
    let ours = served(&server).await;
    for answer in slow.join_all().await {
        assert_eq!(answer, "");
    }
    assert_ended(&server, "header", cut, ours).await;
    assert_ended(&server, "idle", 0, ours).await;
    served(&server).await;
}

#[tokio::test]
async fn silent_connection_is_disconnected() {
    let server = impatient().await;
    let request = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    let settings = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0";
    let mut silent = JoinSet::new();
    for (said, answered) in [("", false), (request, true), (settings, true)] {
        let mut stream = connect(&server).await;
        stream.write_all(said.as_bytes()).await.expect("sent");
        silent.spawn(async move { (said, rest(stream).await.is_empty(), !answered) });
    }
    let cut = silent.len();
    for (said, empty, expected) in silent.join_all().await {
        assert_eq!(empty, expected, "{said}");
    }
    assert_ended(&server, "idle", cut, 0).await;
    assert_ended(&server, "header", 0, 0).await;
    until("no connection is left", || async {
        let api = [("listener", "api")];
        server
            .metrics()
            .await
            .sum("http_server_open_connections", &api)
            == 0.0
    })
    .await;
}

#[tokio::test]
async fn idle_connection_outlives_the_deadline_of_slow_clients() {
    let builder = Builder::default().env("CLIENT_TIMEOUT", "1s");
    let server = builder.env("IDLE_TIMEOUT", "10m").start().await;
    let mut idle = connect(&server).await;
    assert_eq!(status(&mut idle).await, "200");
    let mut slow = connect(&server).await;
    slow.write_all(b"GET /health HT").await.expect("sent");
    assert_eq!(rest(slow).await, "", "cut off");
    assert_eq!(status(&mut idle).await, "200");
}

/// The status of a request on this connection, which stays open.
async fn status(stream: &mut TcpStream) -> String {
    let request = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(request).await.expect("sent");
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        let read = stream.read_buf(&mut answer).await.expect("answered");
        assert!(read > 0, "closed");
    }
    let answer = String::from_utf8(answer).expect("UTF-8");
    answer.split(' ').nth(1).expect("a status").to_owned()
}

/// Reads frames until the server has answered the client's settings with its own and an acknowledgement.
async fn read_settings(stream: &mut TcpStream) {
    let mut settings = 0;
    while settings < 2 {
        let mut header = [0; 9];
        stream.read_exact(&mut header).await.expect("a frame");
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
        let mut payload = vec![0; usize::try_from(length).expect("short")];
        stream
            .read_exact(&mut payload)
            .await
            .expect("a whole frame");
        settings += usize::from(header[3] == 4);
    }
}

#[tokio::test]
async fn idle_http2_connection_is_no_slow_header() {
    let server = impatient().await;
    let mut stream = connect(&server).await;
    // In two parts, as it may arrive.
    stream.write_all(b"PRI * HT").await.expect("sent");
    tokio::time::sleep(PAUSE).await;
    let rest_of_it = b"TP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    stream.write_all(rest_of_it).await.expect("sent");
    read_settings(&mut stream).await;
    // Every client acknowledges, and no server answers that: the last bytes are the client's.
    stream
        .write_all(b"\0\0\0\x04\x01\0\0\0\0")
        .await
        .expect("sent");
    rest(stream).await;
    assert_ended(&server, "idle", 1, 0).await;
    assert_ended(&server, "header", 0, 0).await;
    assert!(!server.log().contains("header"), "{}", server.log());
}

#[tokio::test]
async fn slow_body_answers_408_and_closes_the_connection() {
    let server = impatient().await;
    let json = "Content-Type: application/json\r\nContent-Length: 16000\r\n\r\n";
    let mut slow = JoinSet::new();
    for path in ["/register", "/login", "/nothing"] {
        let mut stream = connect(&server).await;
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\n{json}{{");
        stream.write_all(head.as_bytes()).await.expect("sent");
        slow.spawn(async move { (path, drip(stream, b" ").await) });
    }
    // A client that sends `Content-Length`, and no body.
    let mut silent = Raw::open(&server).await;
    silent.head("POST /register", &["Content-Length: 5"]).await;
    // The others are served.
    let ours = served(&server).await;
    let cut = slow.len() + 1;
    for (path, text) in slow.join_all().await {
        // A client that keeps sending may lose the answer, because its connection is reset.
        let Some(answer) = RawAnswer::parse(&text) else {
            continue;
        };
        assert_too_slow(path, &answer);
    }
    assert_too_slow("/register", &silent.answer().await);
    assert_ended(&server, "body", cut, ours).await;
    let status = [("http_response_status_code", "408")];
    let metrics = server.metrics().await;
    let answered = metrics.sum("http_server_request_duration_seconds_count", &status);
    assert!(
        answered >= 4.0 && (ours > 0 || answered == 4.0),
        "{answered}"
    );
    assert_eq!(metrics.sum("http_server_active_requests", &[]), 0.0);
}

#[track_caller]
fn assert_too_slow(path: &str, answer: &RawAnswer) {
    assert_eq!(answer.status, 408, "{answer:?}");
    assert_eq!(answer.header("connection"), "close");
    let json = answer.json();
    if path == "/login" {
        assert_eq!(json["error"], "invalid_request", "{json}");
    } else {
        assert_eq!(json["type"], "/problems/too-slow", "{json}");
    }
}

/// Requests a large page repeatedly and reads nothing, until the server closes the connection. Returns
/// how many bytes it could send.
async fn ask_without_listening(mut stream: TcpStream) -> usize {
    let request = "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(100);
    let mut sent = 0;
    while let Ok(written) = stream.write(request.as_bytes()).await {
        sent += written;
    }
    sent
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_that_does_not_read_answers_is_disconnected() {
    const CLIENTS: usize = 20;
    // The operating system's buffers at both ends do not count against the server.
    const SYSTEM: usize = 32 * 1024 * 1024;
    const MEMORY: usize = 64 * 1024 * 1024;
    let server = impatient().await;
    forget_peak(&server);
    let before = peak(&server);
    let mut deaf = JoinSet::new();
    for _ in 0..CLIENTS {
        deaf.spawn(ask_without_listening(connect(&server).await));
    }
    let ours = served(&server).await;
    for sent in deaf.join_all().await {
        assert!(sent < SYSTEM, "{sent} bytes of requests");
    }
    assert_ended(&server, "write", CLIENTS, ours).await;
    let grown = peak(&server) - before;
    println!(
        "{CLIENTS} clients that do not listen take {} KiB each",
        grown / CLIENTS / 1024
    );
    assert!(grown < MEMORY, "{grown} bytes");
    served(&server).await;
}
