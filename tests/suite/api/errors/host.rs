//! Requests for no host, or for two.

use futures_util::stream;

use crate::harness::Server;
use crate::http2::Http2;
use crate::raw::Raw;

#[tokio::test]
async fn request_without_or_with_two_hosts_answers_400() {
    let server = Server::start().await;
    for (lines, why) in [
        ("", "the request has no Host"),
        (
            "Host: a.example\r\nHost: b.example\r\n",
            "the request has more than one Host",
        ),
        (
            "Host: a.example\r\nHost: a.example\r\n",
            "the request has more than one Host",
        ),
        (
            "Host: a.example, b.example\r\n",
            "Host is not a host with or without a port",
        ),
        ("Host:\r\n", "Host is not a host with or without a port"),
    ] {
        for path in ["/health", "/users/me", "/nothing"] {
            let mut raw = Raw::open(&server).await;
            let head = format!("GET {path} HTTP/1.1\r\n{lines}Connection: close\r\n\r\n");
            raw.send(head.as_bytes()).await;
            let answer = raw.answer().await;
            assert_eq!(answer.status, 400, "{path} {lines}: {answer:?}");
            let json = answer.json();
            assert_eq!(json["type"], "/problems/malformed-request");
            assert_eq!(json["detail"], why);
        }
    }
    // Health checks of old load balancers.
    let mut raw = Raw::open(&server).await;
    raw.send(b"GET /health HTTP/1.0\r\n\r\n").await;
    assert_eq!(raw.answer().await.status, 200);
}

#[tokio::test]
async fn http2_request_with_two_hosts_answers_400() {
    let server = Server::start().await;
    let mut connection = Http2::open(&server).await;
    for (hosts, expected) in [
        (&[][..], 200),
        (&["localhost"], 200),
        (&["a.example"], 400),
        (&["localhost", "localhost"], 400),
    ] {
        let headers: Vec<_> = hosts
            .iter()
            .map(|host| ("host", (*host).to_owned()))
            .collect();
        let answer = connection.send_with(("GET", "/health"), &headers, stream::empty());
        let (status, json) = answer.await;
        assert_eq!(status, expected, "{hosts:?}: {json}");
    }
}
