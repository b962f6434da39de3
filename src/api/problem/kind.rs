//! Every kind of problem: its code, its status and its title.

use poem::http::StatusCode;

macro_rules! kinds {
    ($($variant:ident = $status:ident $code:literal $title:literal;)+) => {
        /// The kind of a problem. Its code is the last part of the type's URN and never changes.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ProblemKind {
            $(
                #[doc = $title]
                $variant,
            )+
        }

        impl ProblemKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The last part of the type's URN.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// A short name of the kind.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self {
                    $(Self::$variant => $title,)+
                }
            }

            /// The status of the response.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self {
                    $(Self::$variant => StatusCode::$status,)+
                }
            }
        }
    };
}

kinds! {
    MalformedRequest = BAD_REQUEST "malformed-request" "Malformed request";
    InvalidGrant = BAD_REQUEST "invalid-grant" "Invalid credentials";
    Unauthenticated = UNAUTHORIZED "unauthenticated" "Authentication required";
    Forbidden = FORBIDDEN "forbidden" "Permission denied";
    PasswordChangeRequired = FORBIDDEN "password-change-required" "The password must be changed first";
    NotFound = NOT_FOUND "not-found" "Not found";
    MethodNotAllowed = METHOD_NOT_ALLOWED "method-not-allowed" "Method not allowed";
    TooSlow = REQUEST_TIMEOUT "too-slow" "The body took too long to arrive";
    Taken = CONFLICT "taken" "Already taken";
    Conflict = CONFLICT "conflict" "The current state does not allow it";
    TooLarge = PAYLOAD_TOO_LARGE "too-large" "The body is too large";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported-media-type" "Unsupported media type";
    InvalidField = UNPROCESSABLE_ENTITY "invalid-field" "Invalid field";
    WeakPassword = UNPROCESSABLE_ENTITY "weak-password" "The password is too weak";
    WrongPassword = UNPROCESSABLE_ENTITY "wrong-password" "The current password is wrong";
    RateLimited = TOO_MANY_REQUESTS "rate-limited" "Too many requests";
    Internal = INTERNAL_SERVER_ERROR "internal" "Internal server error";
    Overloaded = SERVICE_UNAVAILABLE "overloaded" "The service is overloaded";
    Unavailable = SERVICE_UNAVAILABLE "unavailable" "The service is unavailable";
}

impl ProblemKind {
    /// The kind of an error that the framework reports with this status.
    #[must_use]
    pub fn of_framework(status: StatusCode) -> Self {
        let other = if status.is_client_error() {
            Self::MalformedRequest
        } else {
            Self::Internal
        };
        let known = Self::ALL.iter().copied();
        let mut known = known.filter(|kind| kind.status() == status);
        known.next().unwrap_or(other)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_and_titles_are_unique() {
        let distinct = |word: fn(ProblemKind) -> &'static str| {
            let words = ProblemKind::ALL.iter().map(|kind| word(*kind));
            words
                .filter(|word| !word.is_empty())
                .collect::<HashSet<_>>()
        };
        assert_eq!(distinct(ProblemKind::code).len(), ProblemKind::ALL.len());
        assert_eq!(distinct(ProblemKind::title).len(), ProblemKind::ALL.len());
    }

    #[test]
    fn codes_are_what_clients_know() {
        let codes = ProblemKind::ALL.iter().map(|kind| {
            let status = kind.status().as_u16();
            format!("{status} {}", kind.code())
        });
        let known = [
            "400 malformed-request",
            "400 invalid-grant",
            "401 unauthenticated",
            "403 forbidden",
            "403 password-change-required",
            "404 not-found",
            "405 method-not-allowed",
            "408 too-slow",
            "409 taken",
            "409 conflict",
            "413 too-large",
            "415 unsupported-media-type",
            "422 invalid-field",
            "422 weak-password",
            "422 wrong-password",
            "429 rate-limited",
            "500 internal",
            "503 overloaded",
            "503 unavailable",
        ];
        assert!(codes.eq(known.map(str::to_owned)));
    }

    #[test]
    fn framework_errors_keep_their_status_where_it_has_a_kind() {
        for (status, kind) in [
            (StatusCode::NOT_FOUND, ProblemKind::NotFound),
            (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                ProblemKind::UnsupportedMediaType,
            ),
            (StatusCode::IM_A_TEAPOT, ProblemKind::MalformedRequest),
            (StatusCode::BAD_GATEWAY, ProblemKind::Internal),
        ] {
            assert_eq!(ProblemKind::of_framework(status), kind);
        }
    }
}
