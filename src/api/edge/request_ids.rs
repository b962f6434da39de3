//! The ids of a request. Ours connects its log lines and its problem, so clients may not choose it:
//! they could give many requests one id, or one request the id of another. The client's id is kept
//! beside it. Trusted proxies choose ours, which connects their own log lines.

use std::sync::atomic::{AtomicU64, Ordering};

use poem::Request;
use poem::http::{HeaderMap, HeaderName, HeaderValue};

use crate::request_context::{RequestContext, RequestId};

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Our id, where `X-Request-Id` gives the client its own back.
const X_SERVICE_REQUEST_ID: HeaderName = HeaderName::from_static("x-service-request-id");
/// The longest id that goes back as it was sent.
pub const LONGEST_SENT: usize = 256;

/// Gives requests their ids.
pub struct RequestIds {
    prefix: u64,
    counter: AtomicU64,
}

impl RequestIds {
    /// Ids unique to this process.
    #[must_use]
    pub fn new() -> Self {
        let (prefix, _) = uuid::Uuid::new_v4().as_u64_pair();
        Self {
            prefix,
            counter: AtomicU64::new(0),
        }
    }

    /// Our id of a request, and its client's if that is valid and the peer is not a trusted proxy.
    pub fn of(&self, request: &Request, from_proxy: bool) -> (RequestId, Option<RequestId>) {
        let given = request.headers().get(X_REQUEST_ID);
        match given.and_then(|value| RequestId::from_client(value.as_bytes())) {
            Some(given) if from_proxy => (given, None),
            client => (self.next(), client),
        }
    }

    fn next(&self) -> RequestId {
        RequestId::new(self.prefix, self.counter.fetch_add(1, Ordering::Relaxed))
    }
}

/// The client's id as it was sent, for operations that take any: up to 256 printable ASCII characters. It
/// goes back into the response, and nowhere else. Not a clone, which would keep the memory of the request.
#[must_use]
pub fn as_sent(request: &Request) -> Option<HeaderValue> {
    let value = request.headers().get(X_REQUEST_ID)?.as_bytes();
    let printable = |byte: &u8| (b' '..=b'~').contains(byte);
    let sound = (1..=LONGEST_SENT).contains(&value.len()) && value.iter().all(printable);
    sound.then(|| HeaderValue::from_bytes(value).ok()).flatten()
}

/// Sets the ids in the response: the client's own if it sent one, and always ours.
pub fn show(headers: &mut HeaderMap, context: &RequestContext, as_sent: Option<HeaderValue>) {
    let value = |id: &RequestId| HeaderValue::from_str(id.as_str()).ok();
    let client = as_sent.or_else(|| context.client_id.as_ref().and_then(value));
    let Some(ours) = value(&context.id) else {
        return;
    };
    match client {
        // A trusted proxy has chosen ours.
        Some(client) if client == ours => headers.insert(X_REQUEST_ID, ours),
        Some(client) => {
            headers.insert(X_REQUEST_ID, client);
            headers.insert(X_SERVICE_REQUEST_ID, ours)
        }
        None => headers.insert(X_REQUEST_ID, ours),
    };
}
