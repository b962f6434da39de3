//! Cross-origin requests of browsers (the Fetch standard's CORS protocol).
//!
//! The framework's own middleware refuses every request of another origin, also those of the service's
//! own pages; it repeats the headers that a request names, sends credentials unless told otherwise, and
//! knows one rule for all paths. Here an origin that is not listed changes nothing: its browser keeps the
//! response from the page. What is sent back is never the request's own text.

use poem::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use poem::{Request, Response};

use crate::config::Origins;

/// The methods that pages may use.
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE");
/// The headers that pages may send, beside those that need no permission.
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, if-none-match, refresh-token-in, x-request-id",
);
/// The headers that pages may read, beside those that need no permission.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "etag, location, ratelimit, ratelimit-policy, retry-after, www-authenticate, x-request-id, \
     x-service-request-id",
);
/// How long a browser need not ask again, in seconds: the longest that Chromium accepts.
const MAX_AGE: HeaderValue = HeaderValue::from_static("7200");
const EVERYBODY: HeaderValue = HeaderValue::from_static("*");
const ORIGIN: HeaderValue = HeaderValue::from_static("origin");
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// The origins whose pages may call the API.
pub struct Cors {
    origins: Vec<HeaderValue>,
    credentials: bool,
}

/// What a response says to the page that asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Pages of every origin may read it, without credentials.
    Everybody,
    /// Pages of this origin may read it.
    Listed(HeaderValue),
    /// No page may read it; pages of other origins may.
    Nobody,
    /// No page may read it.
    Never,
}

impl Cors {
    /// For pages of these origins, with cookies or without.
    #[must_use]
    pub fn new(origins: &Origins, credentials: bool) -> Self {
        let values = origins.iter();
        let values = values.filter_map(|origin| HeaderValue::from_str(origin.as_str()).ok());
        Self {
            origins: values.collect(),
            credentials,
        }
    }

    /// Who may read the response to a request with these headers; `open` is a response for everybody.
    #[must_use]
    pub fn sharing(&self, headers: &HeaderMap, open: bool) -> Sharing {
        if open {
            return Sharing::Everybody;
        }
        if self.origins.is_empty() {
            return Sharing::Never;
        }
        let mut sent = headers.get_all(header::ORIGIN).iter();
        let (origin, another) = (sent.next(), sent.next());
        let known = |sent: &HeaderValue| self.origins.iter().find(|known| *known == sent);
        match origin.filter(|_| another.is_none()).and_then(known) {
            Some(known) => Sharing::Listed(known.clone()),
            None => Sharing::Nobody,
        }
    }

    /// Completes a response.
    pub fn complete(&self, headers: &mut HeaderMap, sharing: Sharing) {
        // Caches must not give one origin's response to another.
        if matches!(sharing, Sharing::Listed(_) | Sharing::Nobody) {
            headers.append(header::VARY, ORIGIN);
        }
        let origin = match sharing {
            Sharing::Everybody => EVERYBODY,
            Sharing::Listed(origin) => {
                if self.credentials {
                    headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, TRUE);
                }
                origin
            }
            Sharing::Nobody | Sharing::Never => return,
        };
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

impl Sharing {
    /// Whether the page may read the response.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Everybody | Self::Listed(_))
    }
}

/// The method that a preflight request asks for, if it is one.
#[must_use]
pub fn preflight(request: &Request) -> Option<Method> {
    let headers = request.headers();
    if request.method() != Method::OPTIONS || !headers.contains_key(header::ORIGIN) {
        return None;
    }
    let wanted = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    Method::from_bytes(wanted.as_bytes()).ok()
}

/// The answer to a preflight request of an allowed origin. The same for every path and method: the
/// request itself learns what is wrong with those.
#[must_use]
pub fn permission() -> Response {
    Response::builder()
        .status(StatusCode::NO_CONTENT)
        .header(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS)
        .header(header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS)
        .header(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE)
        .finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preflight_request_is_one_of_a_page_that_asks_for_a_method() {
        let origin = ("origin", "https://app.example.com");
        let wish = ("access-control-request-method", "PUT");
        for (method, headers, wanted) in [
            (Method::OPTIONS, &[origin, wish][..], Some(Method::PUT)),
            (Method::OPTIONS, &[origin], None),
            (Method::OPTIONS, &[wish], None),
            (Method::POST, &[origin, wish], None),
            (Method::GET, &[], None),
        ] {
            let request = headers
                .iter()
                .fold(Request::builder(), |request, (name, value)| {
                    request.header(*name, *value)
                });
            let request = request.method(method.clone()).finish();
            assert_eq!(preflight(&request), wanted, "{method} {headers:?}");
        }
    }
}
