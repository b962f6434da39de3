//! Limits on connections and bodies: requests on surplus connections are refused, and so are bodies
//! that are too large or too slow.
//!
//! The limits count the bytes that arrive, not the announced length: over HTTP/2 a body needs no
//! announcement.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use http_body_util::combinators::BoxBody;
use poem::http::header;
use poem::{Body, Request};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zeroize::Zeroizing;

use crate::api::problem::{Problem, ProblemKind};

/// The largest body that is read, in bytes, unless the operation's record says otherwise: several times the
/// size that most operations need. Parsing costs time for each byte.
pub const MAX_BODY: usize = 16 * 1024;
/// The part of a body that every request may hold in memory. Ordinary bodies are smaller.
const SMALL_BODY: usize = 8 * 1024;
/// How many requests may hold more than that in memory at once: 4 MiB together. A body of several times
/// [`MAX_BODY`] counts as so many.
const LARGE_BODIES: usize = 256;
/// `Retry-After` for surplus connections and bodies, in seconds.
const RETRY: u64 = 2;

/// Extension of surplus requests and of those on surplus connections, which get 503 and nothing else.
#[derive(Clone, Copy, Debug)]
pub enum Refused {
    /// The maximum of connections or requests is reached.
    Full,
    /// The source is at its limit.
    Source,
}

/// Permission to have a large body in memory, until it is dropped.
pub type LargeBody = Option<OwnedSemaphorePermit>;

/// Reads the body of every request, however it is framed.
pub struct BodyLimits {
    timeout: Duration,
    large: Arc<Semaphore>,
}

impl BodyLimits {
    /// A body may take this long to arrive.
    #[must_use]
    pub fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            large: Arc::new(Semaphore::new(LARGE_BODIES)),
        }
    }

    /// Refuses surplus requests, and those on surplus connections.
    ///
    /// # Errors
    /// 503.
    pub fn admit_connection(request: &Request) -> Result<(), Problem> {
        match request.extensions().get::<Refused>() {
            Some(Refused::Full) => Err(overloaded("too many connections or requests")),
            Some(Refused::Source) => Err(overloaded(
                "too many connections or requests from this address",
            )),
            None => Ok(()),
        }
    }

    /// Reads the body up to `largest` bytes. Keep the returned permit as long as the body.
    ///
    /// # Errors
    /// 503 when the request is refused or there is no room for a large body, 413 when the body is too
    /// large, 408 when it is too slow, 400 when it ends early.
    pub async fn admit(&self, request: &mut Request, largest: usize) -> Result<LargeBody, Problem> {
        Self::admit_connection(request)?;
        let announced = request.headers().get(header::CONTENT_LENGTH);
        let announced = announced.and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        // Refused before it is sent.
        if announced.is_some_and(|length| length > largest as u64) {
            return Err(too_large(largest));
        }
        let body: BoxBody<Bytes, std::io::Error> = request.take_body().into();
        if body.is_end_stream() {
            return Ok(None);
        }
        let read = tokio::time::timeout(self.timeout, self.read(body, largest));
        let timeout = self.timeout;
        let (bytes, large) = read.await.map_err(|_| {
            Problem::new(ProblemKind::TooSlow).detail(format!("the time limit is {timeout:?}"))
        })??;
        request.set_body(Body::from_bytes(Bytes::from_owner(bytes)));
        Ok(large)
    }

    async fn read(
        &self,
        mut body: BoxBody<Bytes, std::io::Error>,
        largest: usize,
    ) -> Result<(Zeroizing<Vec<u8>>, LargeBody), Problem> {
        let (mut bytes, mut large): (_, LargeBody) = (Zeroizing::new(Vec::new()), None);
        while let Some(frame) = body.frame().await {
            let ended_early = |_| Problem::malformed().detail("the body ended early");
            // Trailers have the size limit of heads, and are ignored.
            let Ok(data) = frame.map_err(ended_early)?.into_data() else {
                continue;
            };
            let length = bytes.len() + data.len();
            if length > largest {
                return Err(too_large(largest));
            }
            let held = large.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            let more = shares(length).saturating_sub(held);
            if let Ok(more @ 1..) = u32::try_from(more) {
                let permit = Arc::clone(&self.large).try_acquire_many_owned(more);
                let permit = permit.map_err(|_| overloaded("too many large bodies at once"))?;
                match &mut large {
                    Some(large) => large.merge(permit),
                    None => large = Some(permit),
                }
            }
            append(&mut bytes, &data);
        }
        Ok((bytes, large))
    }
}

/// A vector that grows by itself would leave a copy of secrets in memory.
fn append(bytes: &mut Zeroizing<Vec<u8>>, data: &[u8]) {
    let length = bytes.len() + data.len();
    if length > bytes.capacity() {
        let mut larger = Zeroizing::new(Vec::with_capacity(length.next_power_of_two()));
        larger.extend_from_slice(bytes);
        *bytes = larger;
    }
    bytes.extend_from_slice(data);
}

/// The permits that a body of this length needs.
const fn shares(length: usize) -> usize {
    if length > SMALL_BODY {
        length.div_ceil(MAX_BODY)
    } else {
        0
    }
}

fn too_large(largest: usize) -> Problem {
    Problem::new(ProblemKind::TooLarge).detail(format!("the limit is {largest} bytes"))
}

fn overloaded(why: &str) -> Problem {
    Problem::retry(ProblemKind::Overloaded, RETRY).detail(why)
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt as _, stream};
    use poem::http::Method;

    use super::*;

    /// A request whose body arrives in pieces of this size, without an announced length.
    fn pieces(count: usize, size: usize) -> Request {
        let piece = move |_| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; size]));
        let body = Body::from_bytes_stream(stream::iter((0..count).map(piece)));
        Request::builder().method(Method::POST).body(body)
    }

    async fn kind(limits: &BodyLimits, mut request: Request) -> Option<ProblemKind> {
        limits
            .admit(&mut request, MAX_BODY)
            .await
            .err()
            .map(|problem| problem.kind)
    }

    #[tokio::test]
    async fn body_that_nothing_announces_is_read_up_to_the_limit() {
        let limits = BodyLimits::new(Duration::from_mins(1));
        let mut request = pieces(16, 1024);
        limits
            .admit(&mut request, MAX_BODY)
            .await
            .expect("admitted");
        let body = request.take_body().into_vec().await.expect("read");
        assert_eq!(body.len(), 16_384);
        for request in [pieces(17, 1024), pieces(1, 16_385)] {
            assert_eq!(kind(&limits, request).await, Some(ProblemKind::TooLarge));
        }
    }

    #[tokio::test]
    async fn body_that_never_ends_is_too_slow() {
        let limits = BodyLimits::new(Duration::from_millis(1));
        let begun = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"{"))]);
        let body = Body::from_bytes_stream(begun.chain(stream::pending()));
        let request = Request::builder().body(body);
        assert_eq!(kind(&limits, request).await, Some(ProblemKind::TooSlow));
    }

    #[tokio::test]
    async fn only_so_many_large_bodies_are_in_memory_at_once() {
        let limits = BodyLimits::new(Duration::from_mins(1));
        let mut kept = Vec::new();
        for _ in 0..LARGE_BODIES {
            let mut request = pieces(1, SMALL_BODY + 1);
            let large = limits
                .admit(&mut request, MAX_BODY)
                .await
                .expect("admitted");
            kept.push(large.expect("a large one"));
        }
        let large = || pieces(1, SMALL_BODY + 1);
        assert_eq!(kind(&limits, large()).await, Some(ProblemKind::Overloaded));
        let mut small = pieces(8, 1024);
        assert!(
            limits
                .admit(&mut small, MAX_BODY)
                .await
                .expect("admitted")
                .is_none()
        );
        kept.pop();
        assert_eq!(kind(&limits, large()).await, None);
    }

    #[tokio::test]
    async fn body_of_several_times_the_usual_limit_counts_as_so_many() {
        let limits = BodyLimits::new(Duration::from_mins(1));
        let whole = LARGE_BODIES * MAX_BODY;
        let mut request = pieces(LARGE_BODIES, MAX_BODY);
        let kept = limits.admit(&mut request, whole).await.expect("admitted");
        let held = kept.as_ref().map(OwnedSemaphorePermit::num_permits);
        assert_eq!(held, Some(LARGE_BODIES));
        let large = || pieces(1, SMALL_BODY + 1);
        assert_eq!(kind(&limits, large()).await, Some(ProblemKind::Overloaded));
        drop(kept);
        assert_eq!(kind(&limits, large()).await, None);
        let mut request = pieces(3, MAX_BODY);
        let refused = limits.admit(&mut request, 2 * MAX_BODY).await;
        assert_eq!(
            refused.err().map(|problem| problem.kind),
            Some(ProblemKind::TooLarge)
        );
    }

    /// A request that announces so many bytes and sends none of them.
    fn announced(length: usize) -> Request {
        let body = Body::from_bytes_stream(stream::pending::<Result<Bytes, std::io::Error>>());
        let request = Request::builder().header(header::CONTENT_LENGTH, length.to_string());
        request.body(body)
    }

    #[tokio::test]
    async fn body_that_is_announced_as_too_large_is_refused_before_it_is_sent() {
        let limits = BodyLimits::new(Duration::from_millis(1));
        for (length, expected) in [
            (MAX_BODY, ProblemKind::TooSlow),
            (MAX_BODY + 1, ProblemKind::TooLarge),
            (MAX_BODY + 2, ProblemKind::TooLarge),
        ] {
            let found = kind(&limits, announced(length)).await;
            assert_eq!(found, Some(expected), "{length}");
        }
    }

    #[test]
    fn body_in_pieces_moves_before_its_vector_would_grow() {
        let (mut bytes, mut expected) = (Zeroizing::new(Vec::new()), Vec::new());
        for (number, size) in [(1, 5), (2, 3), (3, 100), (4, 20), (5, 1)] {
            let piece = vec![number; size];
            expected.extend_from_slice(&piece);
            append(&mut bytes, &piece);
            assert_eq!(*bytes, expected);
            // A vector that grew by itself has another capacity.
            assert_eq!(bytes.capacity(), expected.len().next_power_of_two());
        }
    }
}
