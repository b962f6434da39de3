//! Fetches a page: enough HTTP for probes and metrics, without an HTTP client.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::{Result, TIMEOUT};

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: String,
}

/// Fetches `http://HOST:PORT/PATH`.
///
/// # Errors
/// When the server is not reached, or does not answer in HTTP.
pub fn get(url: &str) -> Result<Page> {
    let (host, path) = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .ok_or_else(|| format!("{url} is no http:// address with a path"))?;
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    // 1.0, so that the body is not sent in chunks.
    write!(
        stream,
        "GET /{path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    )?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    parse(&text).ok_or_else(|| format!("{url} does not answer in HTTP").into())
}

fn parse(text: &str) -> Option<Page> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?;
    Some(Page {
        status: status.parse().ok()?,
        body: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_body_are_read() {
        let page = parse("HTTP/1.1 503 Service Unavailable\r\nA: b\r\n\r\nno\r\n\r\n");
        let expected = Page {
            status: 503,
            body: "no\r\n\r\n".to_owned(),
        };
        assert_eq!(page, Some(expected));
        assert_eq!(parse("SSH-2.0\r\n\r\n"), None);
        assert!(get("localhost").is_err());
    }
}
