//! Limits on connections and bodies: requests on surplus connections are refused, and so are bodies
//! that are too large or too slow.

use std::time::Duration;

use poem::Request;
use poem::error::ReadBodyError;
use poem::http::header;

use crate::api::problem::{Problem, ProblemKind};

/// The largest body that is read, in bytes.
pub const MAX_BODY: usize = 64 * 1024;
/// `Retry-After` for surplus connections, in seconds.
const RETRY: u64 = 2;

/// Extension of requests on a surplus connection, which get 503 and nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Refused;

/// Reads the body up to the limit, whether its length is announced or not, for `timeout` at most.
///
/// # Errors
/// 503 when the request is refused, 413 when the body is too large, 408 when it is too slow, 400
/// when it ends early.
pub async fn admit(request: &mut Request, timeout: Duration) -> Result<(), Problem> {
    if request.extensions().get::<Refused>().is_some() {
        return Err(Problem::retry(ProblemKind::Overloaded, RETRY).detail("too many connections"));
    }
    let too_large =
        || Problem::new(ProblemKind::TooLarge).detail(format!("the limit is {MAX_BODY} bytes"));
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    match announced {
        Some(0) => return Ok(()),
        None if !request.headers().contains_key(header::TRANSFER_ENCODING) => return Ok(()),
        Some(length) if length > MAX_BODY => return Err(too_large()),
        _ => {}
    }
    let body = request.take_body().into_bytes_limit(MAX_BODY);
    match tokio::time::timeout(timeout, body).await {
        Ok(Ok(bytes)) => {
            request.set_body(bytes);
            Ok(())
        }
        Ok(Err(ReadBodyError::PayloadTooLarge)) => Err(too_large()),
        Ok(Err(_)) => Err(Problem::malformed().detail("the body ended early")),
        Err(_) => {
            Err(Problem::new(ProblemKind::TooSlow).detail(format!("the time limit is {timeout:?}")))
        }
    }
}
