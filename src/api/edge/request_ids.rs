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

/// Sets the ids in the response: the client's own if it sent one, and always ours.
pub fn show(headers: &mut HeaderMap, context: &RequestContext) {
    let mut insert = |name, id: &RequestId| {
        if let Ok(id) = HeaderValue::from_str(id.as_str()) {
            headers.insert(name, id);
        }
    };
    match &context.client_id {
        Some(client) => {
            insert(X_REQUEST_ID, client);
            insert(X_SERVICE_REQUEST_ID, &context.id);
        }
        None => insert(X_REQUEST_ID, &context.id),
    }
}
