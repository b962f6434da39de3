//! A small, cheap HTTP client, so that the server is measured and not the client.
//!
//! Just enough HTTP/1.1: one request at a time on a connection that stays open, answers
//! with a `Content-Length` or without a body (204, 304).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A request as it goes over the wire.
pub type Wire = Arc<[u8]>;

/// `GET` with a bearer token.
pub fn get(path: &str, token: &str) -> Wire {
    let text =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
    text.into_bytes().into()
}

/// `POST` of a body.
pub fn post(path: &str, content_type: &str, body: &str) -> Wire {
    let length = body.len();
    let text = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    text.into_bytes().into()
}

/// `POST /login`.
pub fn login(name: &str, password: &str) -> Wire {
    let form = format!("username={name}&password={password}");
    post("/login", "application/x-www-form-urlencoded", &form)
}

/// An open connection.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer, read whole.
pub struct Answer<'a> {
    pub status: u16,
    head: &'a str,
    pub body: &'a [u8],
}

impl Answer<'_> {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }
}

impl Connection {
    /// Opens a connection.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let buffer = Vec::with_capacity(16 * 1024);
        Ok(Self { stream, buffer })
    }

    /// Sends a request and reads its answer.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let body = loop {
            self.fill().await?;
            if let Some(end) = end_of_head(&self.buffer) {
                break end;
            }
        };
        let head = std::str::from_utf8(&self.buffer[..body]).map_err(malformed)?;
        let status = head.get(9..12).unwrap_or_default();
        let status = status.parse().map_err(malformed)?;
        let length: usize = match header(head, "content-length") {
            Some(length) => length.parse().map_err(malformed)?,
            None if matches!(status, 204 | 304) => 0,
            None => return Err(malformed("no Content-Length")),
        };
        while self.buffer.len() < body + length {
            self.fill().await?;
        }
        let head = std::str::from_utf8(&self.buffer[..body]).map_err(malformed)?;
        let body = &self.buffer[body..];
        Ok(Answer { status, head, body })
    }

    async fn fill(&mut self) -> io::Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let blank = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(blank + 4)
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.split("\r\n")
        .filter_map(|line| line.split_once(": "))
        .find_map(|(key, value)| key.eq_ignore_ascii_case(name).then_some(value))
}

fn malformed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

/// A runtime for one thread.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}
