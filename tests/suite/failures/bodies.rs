//! Bodies without an announced length, as HTTP/2 allows: the limits apply to them, too.

use std::time::Duration;

use futures_util::stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinSet;

use super::{connect, forget_peak, peak};
use crate::document::operations;
use crate::harness::{Builder, Server, until};
use crate::http2::{Http2, pieces};

/// The content of one DATA frame.
const FRAME: &[u8] = &[b' '; 16 * 1024];
const MIB: usize = 1024 * 1024;

/// Method and path of every operation, and of a path that does not exist.
fn every_route() -> Vec<(String, String)> {
    let known = operations().into_iter();
    let known = known.map(|operation| (operation.method.to_string(), operation.path()));
    let mut routes: Vec<_> = known.collect();
    assert!(routes.len() > 15, "the operations are not found");
    routes.push(("POST".to_owned(), "/nothing".to_owned()));
    routes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn endless_bodies_over_http2_answer_413_and_take_no_memory() {
    const STREAMS: usize = 64;
    let server = Server::start().await;
    let connection = Http2::open(&server).await;
    forget_peak(&server);
    let idle = peak(&server);
    let mut sending = JoinSet::new();
    for (method, path) in every_route().into_iter().cycle().take(STREAMS) {
        let mut connection = connection.clone();
        sending.spawn(async move {
            let body = pieces(FRAME, 64 * MIB / FRAME.len());
            let (status, json) = connection.send((&method, &path), body).await;
            (format!("{method} {path}"), status, json)
        });
    }
    for (request, status, json) in sending.join_all().await {
        assert_eq!(status, 413, "{request}: {json}");
    }
    let grown = peak(&server) - idle;
    println!("{STREAMS} bodies of 64 MiB take {} KiB", grown / 1024);
    assert!(grown < 64 * MIB, "{grown} bytes");
}

#[tokio::test]
async fn body_that_drips_over_http2_answers_408_on_every_route() {
    let server = Builder::default().env("CLIENT_TIMEOUT", "1s").start().await;
    let connection = Http2::open(&server).await;
    let mut slow = JoinSet::new();
    for (method, path) in every_route() {
        let mut connection = connection.clone();
        slow.spawn(async move {
            let drip = stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                Some((bytes::Bytes::from_static(b" "), ()))
            });
            let (status, json) = connection.send((&method, &path), drip).await;
            (format!("{method} {path}"), status, json)
        });
    }
    for (request, status, json) in slow.join_all().await {
        assert_eq!(status, 408, "{request}: {json}");
    }
    // The connection itself is not closed.
    let (status, _) = connection
        .clone()
        .send(("GET", "/health"), stream::empty())
        .await;
    assert_eq!(status, 200);
}

#[tokio::test]
async fn body_over_http2_needs_no_announcement() {
    let server = Server::start().await;
    let mut connection = Http2::open(&server).await;
    let body =
        br#"{"username": "alice", "email": "alice@example.com", "password": "violet-harbour-31"}"#;
    let body = body.chunks(7).map(bytes::Bytes::from_static);
    let (status, json) = connection
        .send(("POST", "/register"), stream::iter(body))
        .await;
    assert_eq!(status, 201, "{json}");
}

#[tokio::test]
async fn unfinished_requests_of_one_source_are_bounded_over_all_its_streams() {
    const SHARE: usize = 4;
    let server = Builder::default()
        .env("MAX_CONNECTIONS_PER_SOURCE", &SHARE.to_string())
        .env("CLIENT_TIMEOUT", "10m")
        .start()
        .await;
    let connections = [Http2::open(&server).await, Http2::open(&server).await];
    let mut waiting = JoinSet::new();
    for stream in 0..2 * SHARE {
        let mut connection = connections[stream % 2].clone();
        waiting.spawn(async move {
            connection
                .send(("POST", "/register"), stream::pending())
                .await
        });
    }
    until("all are waiting", || async {
        let metrics = server.metrics().await;
        metrics.sum("http_server_active_requests", &[]) >= 8.0
    })
    .await;
    let (status, json) = connections[0]
        .clone()
        .send(("GET", "/health"), stream::empty())
        .await;
    assert_eq!(status, 503, "{json}");
    assert_eq!(json["type"], "/problems/overloaded");
    assert_eq!(waiting.len(), 2 * SHARE);
    waiting.shutdown().await;
    until("served again", || async {
        let mut connection = connections[0].clone();
        let answer = connection.send(("GET", "/health"), stream::empty());
        answer.await.0 == 200
    })
    .await;
}

#[tokio::test]
async fn http2_settings_bound_what_one_connection_can_hold() {
    let server = Server::start().await;
    let mut stream = connect(&server).await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    stream.write_all(preface).await.expect("sent");
    let mut header = [0; 9];
    stream.read_exact(&mut header).await.expect("a frame");
    assert_eq!(header[3], 4, "SETTINGS come first");
    let mut settings = vec![0; usize::from(header[2])];
    stream.read_exact(&mut settings).await.expect("settings");
    let value = |id: u16| {
        let mut settings = settings.chunks(6);
        let found = settings.find(|pair| pair[..2] == id.to_be_bytes())?;
        Some(u32::from_be_bytes(found[2..].try_into().ok()?))
    };
    for (id, what, expected) in [
        (3, "streams at once", 100),
        (4, "window of a stream", 64 * 1024 - 1),
        (6, "size of a head", 16 * 1024),
    ] {
        assert_eq!(value(id), Some(expected), "{what}");
    }
    // The window of the connection is the protocol's first one, 64 KiB, unless the server widens it.
    stream.read_exact(&mut header).await.expect("a frame");
    assert_eq!(
        header[3..5],
        [4, 1],
        "the acknowledgement, and no WINDOW_UPDATE before it"
    );
}
