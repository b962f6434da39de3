//! Error bodies: problem details (RFC 9457) everywhere, RFC 6749 errors on the OAuth endpoints.
//!
//! Handlers return a problem as an error; only the edge renders it.

mod kind;
mod oauth;

use std::fmt;

use poem::http::{HeaderName, HeaderValue, StatusCode, header};
use poem_openapi::Object;
use serde::Serialize;

pub use self::kind::ProblemKind;
pub use self::oauth::OAuthCode;
use crate::error::Error;

/// The maximum number of fields that a refusal names.
pub const MAX_FIELDS_NAMED: usize = 20;

/// A field that breaks a rule.
#[derive(Clone, Debug, Serialize, Object)]
pub struct FieldError {
    /// The field's name in the request.
    pub field: String,
    /// The broken rule. Never repeats the value.
    pub rule: String,
}

impl FieldError {
    /// A field and the rule that it breaks.
    pub fn new(field: impl Into<String>, rule: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            rule: rule.into(),
        }
    }
}

/// Problem details (RFC 9457).
#[derive(Clone, Debug, Serialize, Object)]
#[oai(rename = "Problem")]
pub struct ProblemBody {
    /// Identifies the problem type: a URL whose last part is its code, and which says what the problem
    /// means and what to do. Without `PUBLIC_URL` it is relative to the host.
    #[serde(rename = "type")]
    #[oai(rename = "type")]
    pub kind: String,
    /// A short name of the problem type. Always the same for one type.
    pub title: String,
    /// The HTTP status code.
    pub status: u16,
    /// The details of this occurrence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The path of the request.
    pub instance: String,
    /// The service's id of the request, as in its logs. The response also carries it in `X-Request-Id`,
    /// or in `X-Service-Request-Id` if the client sent an `X-Request-Id`.
    pub request_id: String,
    /// All fields that break a rule, up to 20.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[oai(default, skip_serializing_if_is_empty)]
    pub errors: Vec<FieldError>,
    /// The permission that is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
    /// The rate limit that refused the request, such as `login`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The subject of that rate limit: `source` (the client's address) or `account`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counted: Option<String>,
}

/// An error of an OAuth endpoint (RFC 6749 section 5.2).
#[derive(Clone, Debug, Serialize, Object)]
#[oai(rename = "OAuthError")]
pub struct OAuthErrorBody {
    /// One of the codes that the standard defines.
    pub error: String,
    /// The details of this occurrence, for developers.
    pub error_description: String,
}

/// An error on its way to the edge.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The kind of the problem.
    pub kind: ProblemKind,
    /// The permission that is missing.
    pub permission: Option<&'static str>,
    /// The RFC 6749 error code, if it is not the default of the status.
    pub oauth: Option<OAuthCode>,
    /// The rest, on the heap to keep `Result<_, Problem>` small.
    pub more: Box<More>,
}

/// The optional parts of a problem.
#[derive(Clone, Debug, Default)]
pub struct More {
    /// The details of this occurrence.
    pub detail: Option<String>,
    /// The fields that break a rule.
    pub errors: Vec<FieldError>,
    /// The rate limit that refused the request.
    pub limit: Option<&'static str>,
    /// The subject of that rate limit.
    pub counted: Option<&'static str>,
    /// Additional headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status().as_u16(), self.kind.code())
    }
}

impl std::error::Error for Problem {}

impl Problem {
    /// A problem of this kind.
    #[must_use]
    pub fn new(kind: ProblemKind) -> Self {
        Self {
            kind,
            permission: None,
            oauth: None,
            more: Box::default(),
        }
    }

    /// The status of the response.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.kind.status()
    }

    /// Sets the details of this occurrence.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.more.detail = Some(detail.into());
        self
    }

    /// Names a field and the rule that it breaks.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, rule: impl Into<String>) -> Self {
        self.more.errors.push(FieldError::new(field, rule));
        self
    }

    /// Uses one of RFC 6749's error codes on OAuth endpoints.
    #[must_use]
    pub const fn oauth(mut self, code: OAuthCode) -> Self {
        self.oauth = Some(code);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl TryInto<HeaderValue>) -> Self {
        if let Ok(value) = value.try_into() {
            self.more.headers.push((name, value));
        }
        self
    }

    /// 400 for a malformed request.
    #[must_use]
    pub fn malformed() -> Self {
        Self::new(ProblemKind::MalformedRequest)
    }

    /// A problem that says when to try again, in whole seconds.
    #[must_use]
    pub fn retry(kind: ProblemKind, retry_after: u64) -> Self {
        Self::new(kind).header(header::RETRY_AFTER, retry_after.max(1).to_string())
    }

    /// The body of problem details. The base of links is a URL, or empty for this host.
    #[must_use]
    pub fn body(&self, base: &str, instance: &str, request_id: &str) -> ProblemBody {
        ProblemBody {
            kind: format!("{base}{}", self.kind.path()),
            title: self.kind.title().to_owned(),
            status: self.status().as_u16(),
            detail: self.more.detail.clone(),
            instance: instance.to_owned(),
            request_id: request_id.to_owned(),
            errors: self.more.errors.clone(),
            permission: self.permission.map(str::to_owned),
            limit: self.more.limit.map(str::to_owned),
            counted: self.more.counted.map(str::to_owned),
        }
    }

    /// The body of an OAuth error.
    #[must_use]
    pub fn oauth_body(&self) -> OAuthErrorBody {
        let fields = self
            .more
            .errors
            .iter()
            .map(|error| format!("{}: {}", error.field, error.rule));
        let description: Vec<String> = self.more.detail.clone().into_iter().chain(fields).collect();
        let description = if description.is_empty() {
            self.kind.title().to_owned()
        } else {
            description.join("; ")
        };
        let usual = || OAuthCode::of_status(self.status().as_u16());
        let code = self.oauth.unwrap_or_else(usual);
        // The characters that the standard allows: a field's name comes from the client.
        let foreign = |c: char| !(' '..='~').contains(&c) || c == '"' || c == '\\';
        OAuthErrorBody {
            error: code.word().to_owned(),
            error_description: description.replace(foreign, "?"),
        }
    }
}

impl From<Error> for Problem {
    /// The one place where domain errors get a status.
    fn from(error: Error) -> Self {
        use ProblemKind as Kind;
        match error {
            Error::Invalid { field, rule } => Self::new(Kind::InvalidField).field(field, rule),
            Error::WeakPassword { field, rule } => Self::new(Kind::WeakPassword).field(field, rule),
            Error::Several(rules) => rules
                .into_iter()
                .fold(Self::new(Kind::InvalidField), |problem, (field, rule)| {
                    problem.field(field, rule)
                }),
            Error::WrongPassword => Self::new(Kind::WrongPassword)
                .field("current_password", "is not the current password"),
            Error::Taken { field } => {
                Self::new(Kind::Taken).field(field, "belongs to another account")
            }
            Error::Conflict(why) => Self::new(Kind::Conflict).detail(why),
            error @ Error::Merge(_) => Self::new(Kind::Conflict).detail(error.to_string()),
            Error::PreconditionFailed => Self::new(Kind::PreconditionFailed),
            Error::NotFound(what) => Self::new(Kind::NotFound).detail(format!("no such {what}")),
            Error::Forbidden(permission) => {
                let mut problem = Self::new(Kind::Forbidden)
                    .detail(format!("the permission `{permission}` is missing"));
                problem.permission = Some(permission);
                problem
            }
            error @ Error::Escalation { .. } => {
                Self::new(Kind::Forbidden).detail(error.to_string())
            }
            Error::Refused(why) => Self::new(Kind::Forbidden).detail(why),
            Error::Overloaded { retry_after } => {
                Self::retry(Kind::Overloaded, retry_after.as_secs())
            }
            Error::RateLimited(limited) => limited.into(),
            Error::Unavailable => Self::retry(Kind::Unavailable, 2),
            Error::Internal(source) => {
                tracing::error!(error = %source, "internal error");
                Self::new(Kind::Internal)
            }
        }
    }
}

impl From<Problem> for poem::Error {
    fn from(problem: Problem) -> Self {
        let status = problem.status();
        Self::new(problem, status)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn internal_errors_show_nothing_of_their_cause() {
        let problem = Problem::from(Error::internal("password=hunter2 in statement 7"));
        let body = serde_json::to_string(&problem.body("", "/x", "id")).expect("serializes");
        assert_eq!(problem.status(), 500);
        assert!(
            !body.contains("hunter2") && !body.contains("statement"),
            "{body}"
        );
    }

    #[test]
    fn overload_says_when_to_come_back() {
        let problem = Problem::from(Error::Overloaded {
            retry_after: Duration::from_secs(7),
        });
        assert_eq!(problem.status(), 503);
        assert!(
            problem
                .more
                .headers
                .contains(&(header::RETRY_AFTER, HeaderValue::from_static("7")))
        );
        assert_eq!(problem.oauth_body().error, "temporarily_unavailable");
    }

    #[test]
    fn description_of_an_oauth_error_has_only_the_characters_that_the_standard_allows() {
        let problem = Problem::malformed().field("a\"b\\c\u{e9}\n\u{7f} !#[]~", "is unknown");
        let description = problem.oauth_body().error_description;
        assert_eq!(description, "a?b?c??? !#[]~: is unknown");
    }

    #[test]
    fn fields_and_rules_are_named() {
        let problem = Problem::from(Error::Taken { field: "email" });
        let body = problem.body("", "/register", "id");
        assert_eq!((body.status, body.errors[0].field.as_str()), (409, "email"));
        assert_eq!(body.kind, "/problems/taken");
        let body = problem.body("https://example.com/auth", "/register", "id");
        assert_eq!(body.kind, "https://example.com/auth/problems/taken");
    }
}
