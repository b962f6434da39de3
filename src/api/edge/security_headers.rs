//! Security headers, on every response of both listeners.

use poem::http::{HeaderMap, HeaderName, HeaderValue, header};
use poem::{Endpoint, Request, Response};

/// Nothing may be loaded, run, sent or framed: API responses are not pages. Pages have policies of
/// their own.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);
/// A year, for this host only: subdomains may belong to others.
const TRANSPORT: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The headers of every response, unless its handler set them itself.
const ALWAYS: [(HeaderName, HeaderValue); 3] = [
    (
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    ),
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
];

/// Wraps a whole listener.
pub struct SecurityHeaders<E> {
    inner: E,
    https: bool,
}

impl<E> SecurityHeaders<E> {
    /// Wraps `inner`; `https` means that clients reach it only by HTTPS.
    #[must_use]
    pub const fn new(inner: E, https: bool) -> Self {
        Self { inner, https }
    }

    fn complete(&self, headers: &mut HeaderMap) {
        for (name, value) in ALWAYS {
            headers.entry(name).or_insert(value);
        }
        if self.https {
            headers.insert(header::STRICT_TRANSPORT_SECURITY, TRANSPORT);
        }
    }
}

impl<E: Endpoint<Output = Response>> Endpoint for SecurityHeaders<E> {
    type Output = Response;

    async fn call(&self, request: Request) -> poem::Result<Response> {
        let mut response = match self.inner.call(request).await {
            Ok(response) => response,
            // Of the operational listener: the API renders its errors itself.
            Err(error) => error.into_response(),
        };
        self.complete(response.headers_mut());
        Ok(response)
    }
}
