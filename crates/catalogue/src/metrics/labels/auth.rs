//! How registrations, logins and changes of passwords end.

use crate::metrics::label_set::label_set;

label_set! {
    /// The outcome of a registration.
    pub enum RegistrationResult ["outcome", "reason"] {
        /// An account was created.
        Success = ["success", "none"],
        /// The username or the e-mail address is taken.
        Duplicate = ["failure", "duplicate"],
        /// The password breaks the policy.
        WeakPassword = ["failure", "weak_password"],
        /// A field breaks its rule.
        InvalidInput = ["failure", "invalid_input"],
        /// The requested role cannot be had by registering.
        ForbiddenRole = ["failure", "forbidden_role"],
        /// By an administrator, who creates accounts for others with another operation.
        ForAnother = ["failure", "for_another"],
        /// A rate limit refused it before any lookup.
        RateLimited = ["failure", "rate_limited"],
        /// The hash gate shed the request.
        Overloaded = ["failure", "overloaded"],
        /// An internal error.
        Error = ["failure", "error"],
    }
}

label_set! {
    /// The authentication method.
    pub enum LoginMethod ["method"] {
        /// Username or e-mail address and password.
        Password = ["password"],
    }
}

label_set! {
    /// The outcome of a login.
    pub enum LoginResult ["outcome", "reason"] {
        /// Tokens were issued.
        Success = ["success", "none"],
        /// The account exists, the password is wrong.
        BadPassword = ["failure", "bad_password"],
        /// There is no such account.
        UnknownUser = ["failure", "unknown_user"],
        /// The password was right, the account is disabled.
        Disabled = ["failure", "disabled"],
        /// The password was right, but an initial one that was not changed in time.
        InitialPasswordExpired = ["failure", "initial_password_expired"],
        /// The request was malformed.
        InvalidRequest = ["failure", "invalid_request"],
        /// A page of an origin that is not allowed made it.
        ForeignOrigin = ["failure", "foreign_origin"],
        /// A rate limit refused it before any lookup.
        RateLimited = ["failure", "rate_limited"],
        /// The hash gate shed the request.
        Overloaded = ["failure", "overloaded"],
        /// An internal error.
        Error = ["failure", "error"],
    }
}

label_set! {
    /// The outcome of a change of one's own password.
    pub enum PasswordChangeResult ["outcome", "reason"] {
        /// Changed; every session ended, and a new one began.
        Success = ["success", "none"],
        /// The current password is wrong.
        BadPassword = ["failure", "bad_password"],
        /// The new password breaks the policy.
        WeakPassword = ["failure", "weak_password"],
        /// A rate limit refused to check the current password.
        RateLimited = ["failure", "rate_limited"],
        /// The hash gate shed the request.
        Overloaded = ["failure", "overloaded"],
        /// An internal error.
        Error = ["failure", "error"],
    }
}
