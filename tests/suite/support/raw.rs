//! Requests byte by byte, as no HTTP client would send them.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{PATIENCE, Server};

/// A connection to the API, closed when dropped.
pub struct Raw(TcpStream);

/// An answer.
#[derive(Debug)]
pub struct RawAnswer {
    pub status: u16,
    /// The status line and the headers, their names in lower case.
    pub head: String,
    pub body: String,
}

impl RawAnswer {
    /// Reads an answer, if its head is there.
    pub fn parse(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        let lines: Vec<String> = head
            .lines()
            .map(|line| match line.split_once(": ") {
                Some((name, value)) => format!("{}: {value}", name.to_lowercase()),
                None => line.to_owned(),
            })
            .collect();
        Some(Self {
            status: status?,
            head: lines.join("\n"),
            body: body.to_owned(),
        })
    }

    /// The body as JSON; null when it is not.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or(Value::Null)
    }

    pub fn header(&self, name: &str) -> &str {
        let prefix = format!("{name}: ");
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(&prefix))
            .unwrap_or_default()
    }
}

impl Raw {
    pub async fn open(server: &Server) -> Self {
        let address = server.api.strip_prefix("http://").expect("plain HTTP");
        Self(TcpStream::connect(address).await.expect("connects"))
    }

    /// Sends the head of a request with these header lines; the connection closes after the answer.
    pub async fn head(&mut self, request: &str, headers: &[&str]) {
        self.lines(request, &[headers, &["Connection: close"]].concat())
            .await;
    }

    async fn lines(&mut self, request: &str, headers: &[&str]) {
        let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        let head = format!("{request} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
        self.send(head.as_bytes()).await;
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.expect("sends");
    }

    /// Sends one chunk of a body with `Transfer-Encoding: chunked`.
    pub async fn chunk(&mut self, bytes: &[u8]) {
        let framed = [
            format!("{:x}\r\n", bytes.len()).as_bytes(),
            bytes,
            b"\r\n".as_slice(),
        ]
        .concat();
        self.send(&framed).await;
    }

    /// Reads until the server closes.
    pub async fn answer(mut self) -> RawAnswer {
        let mut bytes = Vec::new();
        let read = self.0.read_to_end(&mut bytes);
        let read = tokio::time::timeout(PATIENCE, read).await;
        let text = String::from_utf8_lossy(&bytes);
        assert!(read.is_ok(), "no end: {text}");
        RawAnswer::parse(&text).expect("a whole head")
    }
}
