//! A page in its encodings, each with an `ETag` of its own.
//!
//! A page is compressed once, for the first client that accepts the encoding, on a thread for blocking
//! work, and cached: compressing megabytes for every request would allow denial of service.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use flate2::Compression;
use poem::Response;
use poem::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tokio::sync::OnceCell;

use super::policy::digest;
use crate::api::edge::content_coding::{Coding, gzip, negotiate};
use crate::api::problem::Problem;
use crate::error::{Error, Result};

/// Brotli's effort, of 11: above it the time grows faster than the size shrinks.
const BROTLI_QUALITY: i32 = 9;
/// The documents change only with a release; afterwards clients revalidate with the `ETag`.
const CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=300");

/// The content of a page.
pub struct Asset {
    content_type: HeaderValue,
    policy: HeaderValue,
    tag: String,
    plain: Bytes,
    gzip: Arc<OnceCell<Bytes>>,
    brotli: Arc<OnceCell<Bytes>>,
}

impl Asset {
    /// A page under this content security policy.
    ///
    /// # Errors
    /// When the policy is not a valid header value: a defect.
    pub fn new(content_type: &'static str, policy: &str, body: String) -> Result<Self> {
        let hash = digest(body.as_bytes());
        Ok(Self {
            content_type: HeaderValue::from_static(content_type),
            policy: policy.parse().map_err(Error::internal)?,
            tag: URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]),
            plain: body.into(),
            gzip: Arc::default(),
            brotli: Arc::default(),
        })
    }

    /// The answer to a request with these headers.
    ///
    /// # Errors
    /// When compressing fails: a defect.
    pub async fn answer(&self, request: &HeaderMap) -> poem::Result<Response> {
        let wanted = negotiate(request, &[Coding::Brotli, Coding::Gzip]);
        let tag = self.tag(wanted);
        if is_known(request, &tag) {
            return Ok(self.response(StatusCode::NOT_MODIFIED, &tag, Bytes::new()));
        }
        let body = self.body(wanted).await.map_err(Problem::from)?;
        let mut response = self.response(StatusCode::OK, &tag, body);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, self.content_type.clone());
        if let Some(name) = wanted.name() {
            let name = HeaderValue::from_static(name);
            headers.insert(header::CONTENT_ENCODING, name);
        }
        Ok(response)
    }

    /// A strong validator of one encoding: the bytes of two encodings differ.
    fn tag(&self, coding: Coding) -> String {
        match coding.name() {
            None => format!("\"{}\"", self.tag),
            Some(name) => format!("\"{}-{name}\"", self.tag),
        }
    }

    fn response(&self, status: StatusCode, tag: &str, body: Bytes) -> Response {
        let headers: [(HeaderName, Option<HeaderValue>); 4] = [
            (header::CACHE_CONTROL, Some(CACHE_CONTROL)),
            (header::CONTENT_SECURITY_POLICY, Some(self.policy.clone())),
            (header::ETAG, tag.parse().ok()),
            (
                header::VARY,
                Some(HeaderValue::from_static("accept-encoding")),
            ),
        ];
        let mut response = Response::builder().status(status).body(body);
        for (name, value) in headers {
            if let Some(value) = value {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }

    async fn body(&self, coding: Coding) -> Result<Bytes> {
        let cell = match coding {
            Coding::Identity => return Ok(self.plain.clone()),
            Coding::Gzip => &self.gzip,
            Coding::Brotli => &self.brotli,
        };
        if let Some(body) = cell.get() {
            return Ok(body.clone());
        }
        let (cell, plain) = (Arc::clone(cell), self.plain.clone());
        // A task of its own: a client that disconnects cannot make the work start again.
        let task = tokio::spawn(async move {
            let work = || tokio::task::spawn_blocking(move || compress(&plain, coding));
            let body = cell.get_or_try_init(|| async { work().await }).await;
            body.cloned()
        });
        task.await.flatten().map_err(Error::internal)
    }
}

fn compress(plain: &Bytes, coding: Coding) -> Bytes {
    match coding {
        Coding::Identity => plain.clone(),
        Coding::Gzip => gzip(plain, Compression::best()).into(),
        Coding::Brotli => {
            let parameters = BrotliEncoderParams {
                quality: BROTLI_QUALITY,
                size_hint: plain.len(),
                ..BrotliEncoderParams::default()
            };
            let mut compressed = Vec::with_capacity(plain.len() / 4);
            brotli::BrotliCompress(&mut plain.as_ref(), &mut compressed, &parameters)
                .expect("memory takes what is written");
            compressed.into()
        }
    }
}

/// Whether the client has this version already (RFC 9110 section 13.1.2, which compares weakly).
fn is_known(request: &HeaderMap, tag: &str) -> bool {
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_page_is_compressed_once_however_many_ask() {
        let page = || Asset::new("text/html", "default-src 'none'", "page ".repeat(100_000));
        let asset = page().expect("a page");
        for coding in [Coding::Gzip, Coding::Brotli] {
            // A client that disconnects at once.
            let left = tokio::time::timeout(std::time::Duration::ZERO, asset.body(coding)).await;
            let all = tokio::join!(asset.body(coding), asset.body(coding));
            let (first, second) = (all.0.expect("a body"), all.1.expect("a body"));
            let third = asset.body(coding).await.expect("a body");
            let place = first.as_ptr();
            assert_eq!((second.as_ptr(), third.as_ptr()), (place, place));
            if let Ok(early) = left {
                assert_eq!(early.expect("a body").as_ptr(), place);
            }
        }
    }

    #[test]
    fn the_tag_changes_with_the_page() {
        let tag = |text: &str| {
            let asset = Asset::new("text/html", "default-src 'none'", text.to_owned());
            asset.expect("a page").tag(Coding::Identity)
        };
        assert_eq!(tag("a"), tag("a"));
        assert_ne!(tag("a"), tag("b"));
    }
}
