//! The errors of a handler as a type, so that the OpenAPI document follows from the signatures.

use poem::http::StatusCode;
use poem_openapi::ApiResponse;
use poem_openapi::payload::Payload as _;
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::Type as _;

use super::problem::{OAuthErrorBody, Problem, ProblemBody};

/// Statuses as bits, for [`Failure`]'s parameter.
pub mod status {
    /// 400
    pub const BAD_REQUEST: u16 = 1;
    /// 403, by a rule of the flow; the guard's own is documented with the operation's permission.
    pub const FORBIDDEN: u16 = 1 << 1;
    /// 404
    pub const NOT_FOUND: u16 = 1 << 2;
    /// 409
    pub const CONFLICT: u16 = 1 << 3;
    /// 422
    pub const UNPROCESSABLE: u16 = 1 << 4;
    /// 412
    pub const PRECONDITION: u16 = 1 << 5;
    /// Of operations with an id in the path.
    pub const BAD_ID: u16 = BAD_REQUEST | NOT_FOUND;
}

const DOCUMENTED: [(u16, u16, &str); 6] = [
    (status::BAD_REQUEST, 400, "The request is malformed."),
    (status::FORBIDDEN, 403, "A permission is missing."),
    (status::NOT_FOUND, 404, "Not found."),
    (
        status::CONFLICT,
        409,
        "The current state does not allow it.",
    ),
    (
        status::PRECONDITION,
        412,
        "It is not the version that `If-Match` or `If-None-Match` names.",
    ),
    (
        status::UNPROCESSABLE,
        422,
        "A field breaks a rule; `errors` lists fields and rules.",
    ),
];

/// A refusal with one of the statuses in `STATUSES`, or one that every operation can answer with.
pub struct Failure<const STATUSES: u16>(Problem);

impl<const STATUSES: u16, E: Into<Problem>> From<E> for Failure<STATUSES> {
    fn from(error: E) -> Self {
        let problem = error.into();
        debug_assert!(
            // A session that ended during the request is answered as the guard would.
            problem.status().is_server_error()
                || problem.status() == StatusCode::UNAUTHORIZED
                // Every operation can answer it: the document's assembly adds it to all.
                || problem.status() == StatusCode::TOO_MANY_REQUESTS
                || DOCUMENTED.iter().any(|(bit, status, _)| {
                    STATUSES & bit != 0 && problem.status().as_u16() == *status
                }),
            "{problem} is not among the statuses that this operation documents",
        );
        Self(problem)
    }
}

impl<const STATUSES: u16> From<Failure<STATUSES>> for poem::Error {
    fn from(Failure(problem): Failure<STATUSES>) -> Self {
        problem.into()
    }
}

impl<const STATUSES: u16> ApiResponse for Failure<STATUSES> {
    fn meta() -> MetaResponses {
        let responses = DOCUMENTED
            .iter()
            .filter(|(bit, ..)| STATUSES & bit != 0)
            .map(|(_, status, description)| MetaResponse {
                description,
                status: Some(*status),
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: "application/problem+json",
                    schema: ProblemBody::schema_ref(),
                }],
                headers: Vec::new(),
            })
            .collect();
        MetaResponses { responses }
    }

    fn register(registry: &mut Registry) {
        ProblemBody::register(registry);
    }
}

/// A refusal of an OAuth endpoint: 400 with an RFC 6749 body, a rate limit, or an outage.
pub struct OAuthFailure(Problem);

impl<E: Into<Problem>> From<E> for OAuthFailure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl From<OAuthFailure> for poem::Error {
    fn from(OAuthFailure(problem): OAuthFailure) -> Self {
        problem.into()
    }
}

impl ApiResponse for OAuthFailure {
    fn meta() -> MetaResponses {
        MetaResponses {
            responses: vec![MetaResponse {
                description: "The request is refused; `error` is one of the codes of RFC 6749.",
                status: Some(400),
                status_range: None,
                content: vec![MetaMediaType {
                    content_type: poem_openapi::payload::Json::<OAuthErrorBody>::CONTENT_TYPE,
                    schema: OAuthErrorBody::schema_ref(),
                }],
                headers: Vec::new(),
            }],
        }
    }

    fn register(registry: &mut Registry) {
        OAuthErrorBody::register(registry);
    }
}
