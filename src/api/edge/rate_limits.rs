//! Rate limits at the edge, and the answer to a request that any rate limit refuses.
//!
//! Every request counts here before its body is read, on undocumented paths too; only health checks
//! are exempt, and callers that may ask for decisions. The pages of the documentation have a limit of their own here. Login, registration and
//! refresh have theirs in their flows, which know the account, and administrators in the guard.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use poem::Request;
use poem::http::{HeaderName, header};

use super::client_address;
use super::operation::{Operation, RateLimit};
use crate::api::problem::{Problem, ProblemKind};
use crate::clock::whole_seconds;
use crate::config::Networks;
use crate::error::{Error, Limited, Result};
use crate::limits::{Source, Throttle};
use crate::metrics::Limiter;
use crate::request_context::ClientAddress;

/// Of draft-ietf-httpapi-ratelimit-headers: the limit, without its partition key (the address or
/// account that it counts).
pub const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// Of the same draft: the requests left.
pub const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The general rate limit, and the client addresses for all limits.
pub struct EdgeLimits {
    throttle: Arc<Throttle>,
    proxies: Networks,
    /// Whether the untrusted-proxy warning was already logged.
    warned: AtomicBool,
}

impl EdgeLimits {
    /// Applies these limits, and accepts client addresses from these proxies.
    #[must_use]
    pub const fn new(throttle: Arc<Throttle>, proxies: Networks) -> Self {
        Self {
            throttle,
            proxies,
            warned: AtomicBool::new(false),
        }
    }

    /// Applies the general limit to a request of this client for this operation, and gives its handler
    /// the client's address if the record says so.
    ///
    /// # Errors
    /// The refusal.
    pub fn admit(
        &self,
        request: &mut Request,
        operation: Option<&Operation>,
        client: Option<ClientAddress>,
    ) -> Result<(), Problem> {
        let limit = operation.map_or(RateLimit::General, |operation| operation.rate_limit);
        if limit == RateLimit::Exempt {
            return Ok(());
        }
        let (by_source, limited) = (
            matches!(
                limit,
                RateLimit::BySource(_) | RateLimit::ByGrant | RateLimit::Decisions
            ),
            self.throttle.is_on(),
        );
        if !by_source && !limited {
            return Ok(());
        }
        let client = client.ok_or_else(|| Error::internal("a connection without an address"))?;
        let source = Source::from(client.0);
        if by_source {
            request.set_data(source);
        }
        if !limited {
            return Ok(());
        }
        self.warn_of_proxy(request);
        if limit == RateLimit::Decisions {
            return Ok(self.throttle.expect_caller(&source)?);
        }
        self.throttle.general(&source)?;
        if limit == RateLimit::BySource(Limiter::Pages) {
            self.throttle.page(&source)?;
        }
        Ok(())
    }

    /// Applies the limit of preflight requests.
    ///
    /// # Errors
    /// The refusal.
    pub fn admit_preflight(
        &self,
        request: &Request,
        client: Option<ClientAddress>,
    ) -> Result<(), Problem> {
        if !self.throttle.is_on() {
            return Ok(());
        }
        let client = client.ok_or_else(|| Error::internal("a connection without an address"))?;
        self.warn_of_proxy(request);
        Ok(self.throttle.preflight(&Source::from(client.0))?)
    }

    /// The client's address.
    #[must_use]
    pub fn client(&self, request: &Request) -> Option<ClientAddress> {
        client_address::client(request, &self.proxies).map(ClientAddress)
    }

    /// Whether the request comes from a trusted proxy.
    #[must_use]
    pub fn is_from_proxy(&self, request: &Request) -> bool {
        client_address::is_from_proxy(request, &self.proxies)
    }

    /// Warns once when clients seem to share the address of an untrusted proxy.
    fn warn_of_proxy(&self, request: &Request) {
        if !self.warned.load(Ordering::Relaxed)
            && client_address::seems_forwarded(request, &self.proxies)
            && !self.warned.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                "requests seem to come through a proxy that is not in TRUSTED_PROXIES: all its clients \
                 share one rate limit"
            );
        }
    }
}

/// The client's address, for operations whose record says [`RateLimit::BySource`],
/// [`RateLimit::ByGrant`] or [`RateLimit::Decisions`].
///
/// # Errors
/// [`Error::Internal`] for all others: without an address all clients would share one limit.
pub fn source_of(request: &Request) -> Result<Source> {
    let missing = || Error::internal("the operation's record does not ask for the source");
    request.data().copied().ok_or_else(missing)
}

impl From<Limited> for Problem {
    fn from(limited: Limited) -> Self {
        let Limited {
            limiter,
            dimension,
            rate,
            retry_after,
        } = limited;
        let wait = whole_seconds(retry_after);
        let window = whole_seconds(rate.period);
        let whose = if dimension == "source" {
            "from this address"
        } else {
            "for this account"
        };
        let unit = if wait == 1 { "second" } else { "seconds" };
        let policy = format!("\"{limiter}\";q={};w={window}", rate.count);
        let state = format!("\"{limiter}\";r=0;t={wait}");
        let mut problem = Self::new(ProblemKind::RateLimited)
            .detail(format!(
                "too many requests {whose}: try again in {wait} {unit}"
            ))
            .header(header::RETRY_AFTER, wait.to_string())
            .header(RATELIMIT_POLICY, policy)
            .header(RATELIMIT, state);
        problem.more.limit = Some(limiter);
        problem.more.counted = Some(dimension);
        problem
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rate::Rate;

    #[test]
    fn a_refusal_says_which_limit_and_when_to_come_back() {
        let problem = Problem::from(Limited {
            limiter: "login",
            dimension: "account",
            rate: Rate {
                count: 20,
                period: Duration::from_millis(59_001),
            },
            retry_after: Duration::from_millis(11_001),
        });
        let body = problem.body("", "/login", "id");
        assert_eq!((body.status, body.limit.as_deref()), (429, Some("login")));
        assert_eq!(body.counted.as_deref(), Some("account"));
        assert!(body.detail.is_some_and(|d| d.ends_with("in 12 seconds")));
        let headers = problem.more.headers.iter();
        let headers: Vec<_> = headers
            .map(|(name, value)| (name.as_str(), value.to_str().expect("text")))
            .collect();
        let expected = [
            ("retry-after", "12"),
            ("ratelimit-policy", "\"login\";q=20;w=60"),
            ("ratelimit", "\"login\";r=0;t=12"),
        ];
        assert_eq!(headers, expected);
    }

    #[test]
    fn a_refusal_says_whose_requests_count() {
        for (dimension, seconds, expected) in [
            ("source", 1, "from this address: try again in 1 second"),
            ("account", 2, "for this account: try again in 2 seconds"),
        ] {
            let problem = Problem::from(Limited {
                limiter: "login",
                dimension,
                rate: Rate {
                    count: 20,
                    period: Duration::from_mins(1),
                },
                retry_after: Duration::from_secs(seconds),
            });
            let detail = problem.body("", "/login", "id").detail.expect("said");
            assert_eq!(detail, format!("too many requests {expected}"));
        }
    }
}
