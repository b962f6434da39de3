//! The error codes of RFC 6749.

/// A code that the OAuth endpoints answer with (RFC 6749 sections 4.1.2.1 and 5.2). Clients are public, so
/// there is no `invalid_client`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OAuthCode {
    /// A parameter is missing, unknown, repeated or malformed.
    InvalidRequest,
    /// Wrong username or password, or a refresh token that is not valid.
    InvalidGrant,
    /// A malformed scope.
    InvalidScope,
    /// A grant type that the endpoint does not have.
    UnsupportedGrantType,
    /// Too many requests, or overload.
    TemporarilyUnavailable,
    /// A failure of the service.
    ServerError,
}

impl OAuthCode {
    /// All of them, in the order of the document.
    pub const ALL: [Self; 6] = [
        Self::InvalidRequest,
        Self::InvalidGrant,
        Self::InvalidScope,
        Self::UnsupportedGrantType,
        Self::TemporarilyUnavailable,
        Self::ServerError,
    ];

    /// The code of a status, where the problem names none.
    #[must_use]
    pub const fn of_status(status: u16) -> Self {
        match status {
            // The standard has no code for 429. `invalid_grant` would make clients discard valid
            // tokens, and `slow_down` (RFC 8628) is for devices that poll.
            429 | 503 => Self::TemporarilyUnavailable,
            500 => Self::ServerError,
            _ => Self::InvalidRequest,
        }
    }

    /// The code in the response.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidScope => "invalid_scope",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }
}
