//! Every kind of problem: its code, its status and its title.

use catalogue::endpoints;
use poem::http::StatusCode;

/// Whether a client should send a refused request again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The same request is refused again.
    Changed,
    /// After a while.
    Later,
    /// The client cannot know what was done.
    IfHarmless,
}

impl Retry {
    /// The advice as a sentence.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Changed => "No. The same request is refused again; change it first.",
            Self::Later => {
                "Yes, after the seconds in Retry-After if the answer has them, and after longer waits if it fails again."
            }
            Self::IfHarmless => {
                "Only a request that may be carried out twice, such as a GET: this one may have taken effect."
            }
        }
    }
}

macro_rules! kinds {
    ($($variant:ident = $status:ident $code:literal $title:literal $retry:ident $meaning:literal $remedy:literal;)+) => {
        /// The kind of a problem. Its code is the last part of the type's URL and never changes.
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

            /// The last part of the type's URL.
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

            /// What has happened, for the catalogue of problems.
            #[must_use]
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(Self::$variant => $meaning,)+
                }
            }

            /// What the client should do, for the catalogue of problems.
            #[must_use]
            pub const fn remedy(self) -> &'static str {
                match self {
                    $(Self::$variant => $remedy,)+
                }
            }

            /// Whether the client should send the request again.
            #[must_use]
            pub const fn retry(self) -> Retry {
                match self {
                    $(Self::$variant => Retry::$retry,)+
                }
            }
        }
    };
}

kinds! {
    MalformedRequest = BAD_REQUEST "malformed-request" "Malformed request" Changed
        "The request does not have the form that the API documentation gives: a field or parameter is missing, unknown, given twice or of the wrong type, or the body is not JSON."
        "Correct what errors and detail name. This is a defect of the client.";
    InvalidGrant = BAD_REQUEST "invalid-grant" "Invalid credentials" Changed
        "The username, the password or the refresh token is wrong, expired or used already."
        "Ask the user to log in again.";
    Unauthenticated = UNAUTHORIZED "unauthenticated" "Authentication required" Changed
        "The access token is missing, invalid or expired, or its session has ended."
        "Get a new access token with the refresh token, or log in, and send the request with it once.";
    Forbidden = FORBIDDEN "forbidden" "Permission denied" Changed
        "The caller is known but is not allowed to do this. The member permission names what is missing."
        "Ask an administrator for the permission. If the token was given a narrower scope, log in with a wider one.";
    PasswordChangeRequired = FORBIDDEN "password-change-required" "The password must be changed first" Changed
        "The account has an initial password, which somebody else knows."
        "Ask the user for a new password, send both to POST /users/me/password, and go on with the tokens of its answer.";
    ForeignOrigin = FORBIDDEN "foreign-origin" "The origin is not allowed" Changed
        "A page may not do this: its origin is neither that of the service nor one that the operator has listed."
        "Ask the operator to list the origin of your page. If it is not your page, it tried to act for its visitors, and nothing was done.";
    NotFound = NOT_FOUND "not-found" "Not found" Changed
        "There is nothing at this path, or no account, role or session with this name or id."
        "Check the path and the id. It may have been deleted.";
    MethodNotAllowed = METHOD_NOT_ALLOWED "method-not-allowed" "Method not allowed" Changed
        "The path exists, but not with this method."
        "Use one of the methods in the Allow header.";
    TooSlow = REQUEST_TIMEOUT "too-slow" "The body took too long to arrive" Later
        "The body of the request did not arrive in time, so the request was not carried out."
        "Send it again over a better connection: nothing was changed.";
    Taken = CONFLICT "taken" "Already taken" Changed
        "Another account has this username or e-mail address. The member errors names the field."
        "Ask the user for another one, or to log in if the account is theirs.";
    Conflict = CONFLICT "conflict" "The current state does not allow it" Changed
        "The request is sound but would break a rule of the current state, for example remove the last administrator. The member detail says which."
        "Change the state first, then send the request again.";
    PreconditionFailed = PRECONDITION_FAILED "precondition-failed" "The precondition does not hold" Changed
        "The request was to be carried out only for the version that If-Match or If-None-Match names, and there is another one."
        "Read it again, decide whether the change is still right, and send it with the new ETag.";
    TooLarge = PAYLOAD_TOO_LARGE "too-large" "The body is too large" Changed
        "The body of the request is larger than the service reads."
        "Send a smaller body.";
    UnsupportedMediaType = UNSUPPORTED_MEDIA_TYPE "unsupported-media-type" "Unsupported media type" Changed
        "The body of the request has another media type than the operation reads."
        "Send the Content-Type that detail names.";
    InvalidField = UNPROCESSABLE_ENTITY "invalid-field" "Invalid field" Changed
        "Fields of the request break rules. The member errors lists every field and its rule."
        "Show the rules beside the fields and let the user correct them.";
    WeakPassword = UNPROCESSABLE_ENTITY "weak-password" "The password is too weak" Changed
        "The new password is too short, too long, common, or made of names that an attacker knows. The member errors gives the rule."
        "Show the rule and let the user choose another password.";
    WrongPassword = UNPROCESSABLE_ENTITY "wrong-password" "The current password is wrong" Changed
        "The current password, which the operation needs as proof, is wrong."
        "Let the user type it again. Wrong passwords are counted and limited.";
    RateLimited = TOO_MANY_REQUESTS "rate-limited" "Too many requests" Later
        "Too many requests in a short time. The member limit names the limit, and counted says whether it counts the client's address or the account."
        "Wait. Clients that know the limit can read what is left from the RateLimit headers.";
    Internal = INTERNAL_SERVER_ERROR "internal" "Internal server error" IfHarmless
        "The service has failed: a defect, or something nobody foresaw."
        "Report it with request_id, by which the operators find it in their logs.";
    Overloaded = SERVICE_UNAVAILABLE "overloaded" "The service is overloaded" Later
        "The service has more work than it can do in time and has refused this request before it began."
        "Wait and send the request again.";
    Unavailable = SERVICE_UNAVAILABLE "unavailable" "The service is unavailable" Later
        "The database or another dependency of the service does not answer."
        "Wait and send the request again.";
}

impl ProblemKind {
    /// The path of its page.
    #[must_use]
    pub fn path(self) -> String {
        endpoints::PROBLEM.template.replace("{code}", self.code())
    }

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
    fn every_kind_says_what_it_means_and_what_to_do() {
        for kind in ProblemKind::ALL {
            for text in [kind.meaning(), kind.remedy(), kind.retry().advice()] {
                assert!(text.ends_with('.') && text.len() > 10, "{kind:?}: {text}");
                // The page shows it as it stands.
                assert!(!text.contains(['<', '>', '&', '`']), "{kind:?}: {text}");
            }
        }
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
            "403 foreign-origin",
            "404 not-found",
            "405 method-not-allowed",
            "408 too-slow",
            "409 taken",
            "409 conflict",
            "412 precondition-failed",
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
