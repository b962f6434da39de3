//! Requests over HTTP/2 without TLS, whose bodies are announced by nothing.

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;

use crate::harness::{PATIENCE, Server};

type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, std::convert::Infallible>;

/// An HTTP/2 connection, closed when all of its clones are dropped.
#[derive(Clone)]
pub struct Http2(SendRequest<Body>);

impl Http2 {
    pub async fn open(server: &Server) -> Self {
        let address = server.api.strip_prefix("http://").expect("plain HTTP");
        let stream = TcpStream::connect(address).await.expect("connects");
        let hands = handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
        let (sender, connection) = hands.expect("HTTP/2");
        tokio::spawn(connection);
        Self(sender)
    }

    /// Sends a request with this body, as long as the server takes it. Gives status and JSON of the
    /// answer.
    pub async fn send(
        &mut self,
        request: (&str, &str),
        pieces: impl Stream<Item = Bytes> + Send + 'static,
    ) -> (u16, Value) {
        let json = [("content-type", "application/json".to_owned())];
        self.send_with(request, &json, pieces).await
    }

    /// The same with these headers.
    pub async fn send_with(
        &mut self,
        (method, path): (&str, &str),
        headers: &[(&str, String)],
        pieces: impl Stream<Item = Bytes> + Send + 'static,
    ) -> (u16, Value) {
        let body = StreamBody::new(pieces.map(|bytes| Ok(Frame::data(bytes)))).boxed_unsync();
        let request = hyper::Request::builder()
            .method(method)
            .uri(format!("http://localhost{path}"));
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, value)
        });
        let request = request.body(body).expect("a request");
        let answer = async {
            self.0.ready().await.expect("open");
            let answer = self.0.send_request(request).await.expect("answered");
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.expect("a whole body");
            let json = serde_json::from_slice(&body.to_bytes()).unwrap_or(Value::Null);
            (status, json)
        };
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        answer.unwrap_or_else(|_| panic!("{method} {path} is never answered"))
    }
}

/// A body of so many pieces.
pub fn pieces(piece: &'static [u8], count: usize) -> impl Stream<Item = Bytes> + Send {
    stream::repeat(Bytes::from_static(piece)).take(count)
}
