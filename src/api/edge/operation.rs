//! The record of an operation: all its properties except the handler.

use super::body_limits::MAX_BODY;
use crate::api::problem::ProblemKind;
use crate::metrics::{CanaryStep, Limiter, Method};
use crate::rbac::Permission;
use catalogue::endpoints::Endpoint;

/// The callers that an operation admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody; a token is ignored.
    Public,
    /// Everybody; a token that is sent must be valid.
    Optional,
    /// Callers with this permission.
    Needs(Permission),
    /// Everybody with a token, whatever its scope.
    AnyScope,
}

/// The rate limits of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    /// None, so that monitoring is never refused.
    Exempt,
    /// The general one, which counts every request by the client's address.
    General,
    /// The general one, and this one by account, in the flow; the guard checks those of administrators
    /// and of one's own sessions.
    ByAccount(Limiter),
    /// The general one, and this one of the flow, which counts by the client's address, too: the
    /// handler gets the address from the edge.
    BySource(Limiter),
    /// That of questions about permissions: by the account that asks, instead of the general one. The guard
    /// counts callers that it refuses by the client's address.
    Decisions,
    /// The general one, and that of a login or of a refresh, as [`RateLimit::BySource`]: the handler
    /// knows the grant.
    ByGrant,
}

/// Whether an operation runs to completion when its client disconnects, so that the invalidation of
/// caches after the database's commit is not cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detached {
    /// It does.
    Always,
    /// It stops.
    Never,
    /// A refresh does, a login stops: the handler, which knows the grant, sees to it.
    Refreshes,
}

/// How an operation treats bodies that are not as documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BodyPolicy {
    /// Whether a field that is not documented is an error; otherwise it is ignored.
    pub refuses_unknown_fields: bool,
    /// The problem for another media type.
    pub wrong_media_type: ProblemKind,
    /// The largest that is read, in bytes.
    pub largest: usize,
}

impl BodyPolicy {
    /// For JSON: unknown fields are errors.
    pub const STRICT: Self = Self {
        refuses_unknown_fields: true,
        wrong_media_type: ProblemKind::UnsupportedMediaType,
        largest: MAX_BODY,
    };
    /// For forms of OAuth: unknown fields are ignored (RFC 6749 section 3.2).
    pub const LENIENT: Self = Self {
        refuses_unknown_fields: false,
        wrong_media_type: ProblemKind::UnsupportedMediaType,
        largest: MAX_BODY,
    };
    /// For the AuthZEN API: unknown fields are ignored, and every fault of a request is a 400.
    pub const AUTHZEN: Self = Self {
        refuses_unknown_fields: false,
        wrong_media_type: ProblemKind::MalformedRequest,
        largest: MAX_BODY,
    };

    /// The same for bodies of up to so many bytes.
    #[must_use]
    pub const fn up_to(mut self, largest: usize) -> Self {
        self.largest = largest;
        self
    }
}

/// A query parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryParameter {
    /// Its name.
    pub name: &'static str,
    /// The values that it takes.
    pub values: Values,
}

/// The values of a query parameter. The handler's validators say the same to the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Whole numbers from the first to the second.
    Numbers(u32, u32),
    /// Texts of so many characters, from the first to the second.
    Texts(usize, usize),
    /// Cursors of pages: base64url of so many characters.
    Cursors(usize, usize),
}

/// The record of an operation or page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a property of its own, and a name at its place"
)]
pub struct Operation {
    /// Its method and path.
    pub endpoint: Endpoint,
    /// Its access rule.
    pub access: Access,
    /// Its rate limits.
    pub rate_limit: RateLimit,
    /// Its body, if it takes one.
    pub body: Option<BodyPolicy>,
    /// Its query parameters, if others are refused.
    pub query: Option<&'static [QueryParameter]>,
    /// Its errors are RFC 6749's rather than problem details.
    pub oauth_errors: bool,
    /// Whether it runs to completion when the client disconnects.
    pub detached: Detached,
    /// Pages of every origin may read its responses.
    pub open: bool,
    /// The refresh token may be in a cookie.
    pub refresh_cookie: bool,
    /// `X-Request-Id` comes back as the client sent it, whatever characters it has.
    pub any_request_id: bool,
    /// The step of the synthetic probe that calls it.
    pub probe_step: Option<CanaryStep>,
}

impl Operation {
    /// An operation without a body under the general rate limit, with problem details as errors.
    /// Operations with side effects are detached.
    #[must_use]
    pub const fn new(endpoint: Endpoint, access: Access) -> Self {
        Self {
            endpoint,
            access,
            rate_limit: RateLimit::General,
            body: None,
            query: Some(&[]),
            oauth_errors: false,
            detached: match endpoint.method {
                Method::Get | Method::Head | Method::Options => Detached::Never,
                _ => Detached::Always,
            },
            open: false,
            refresh_cookie: false,
            any_request_id: false,
            probe_step: None,
        }
    }

    /// With these rate limits.
    #[must_use]
    pub const fn rate_limit(mut self, rate_limit: RateLimit) -> Self {
        self.rate_limit = rate_limit;
        self
    }

    /// With a body.
    #[must_use]
    pub const fn body(mut self, policy: BodyPolicy) -> Self {
        self.body = Some(policy);
        self
    }

    /// With these query parameters.
    #[must_use]
    pub const fn query(mut self, parameters: &'static [QueryParameter]) -> Self {
        self.query = Some(parameters);
        self
    }

    /// Whatever the query is.
    #[must_use]
    pub const fn any_query(mut self) -> Self {
        self.query = None;
        self
    }

    /// With RFC 6749's errors.
    #[must_use]
    pub const fn oauth_errors(mut self) -> Self {
        self.oauth_errors = true;
        self
    }

    /// Stops when the client disconnects: for expensive work whose result no cache holds yet.
    #[must_use]
    pub const fn stops_with_client(mut self) -> Self {
        self.detached = Detached::Never;
        self
    }

    /// A login stops when the client disconnects, a refresh continues.
    #[must_use]
    pub const fn login_stops_with_client(mut self) -> Self {
        self.detached = Detached::Refreshes;
        self
    }

    /// For pages of every origin.
    #[must_use]
    pub const fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// With the refresh token in a cookie, for clients that want it there.
    #[must_use]
    pub const fn refresh_cookie(mut self) -> Self {
        self.refresh_cookie = true;
        self
    }

    /// With request ids of any characters.
    #[must_use]
    pub const fn any_request_id(mut self) -> Self {
        self.any_request_id = true;
        self
    }

    /// Called by this step of the synthetic probe.
    #[must_use]
    pub const fn probed(mut self, step: CanaryStep) -> Self {
        self.probe_step = Some(step);
        self
    }
}
