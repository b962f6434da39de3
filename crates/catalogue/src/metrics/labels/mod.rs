//! Every value that a label can take, as types. The words are those of the logs, too.

mod canary;
mod connections;
mod dependencies;
mod housekeeping;
mod limits;

use super::family::label_set;

pub use canary::*;
pub use connections::*;
pub use dependencies::*;
pub use housekeeping::*;
pub use limits::*;

label_set! {
    /// How a registration ended.
    pub enum RegistrationResult ["outcome", "reason"] {
        /// An account was made.
        Success = ["success", "none"],
        /// The username or the e-mail address is taken.
        Duplicate = ["failure", "duplicate"],
        /// The password breaks the policy.
        WeakPassword = ["failure", "weak_password"],
        /// A field breaks its rule.
        InvalidInput = ["failure", "invalid_input"],
        /// A role was asked for that the caller may not assign.
        ForbiddenRole = ["failure", "forbidden_role"],
        /// A rate limit refused it: nothing was looked up.
        RateLimited = ["failure", "rate_limited"],
        /// The hash gate shed the request.
        Overloaded = ["failure", "overloaded"],
        /// Something of ours failed.
        Error = ["failure", "error"],
    }
}

label_set! {
    /// How someone proved who they are.
    pub enum LoginMethod ["method"] {
        /// Username or e-mail address and password.
        Password = ["password"],
    }
}

label_set! {
    /// How a login ended.
    pub enum LoginResult ["outcome", "reason"] {
        /// Tokens were issued.
        Success = ["success", "none"],
        /// The account exists, the password is another.
        BadPassword = ["failure", "bad_password"],
        /// No such account.
        UnknownUser = ["failure", "unknown_user"],
        /// The password was right, the account is disabled.
        Disabled = ["failure", "disabled"],
        /// The request was malformed: nothing was looked up.
        InvalidRequest = ["failure", "invalid_request"],
        /// A rate limit refused it: nothing was looked up.
        RateLimited = ["failure", "rate_limited"],
        /// The hash gate shed the request.
        Overloaded = ["failure", "overloaded"],
        /// Something of ours failed.
        Error = ["failure", "error"],
    }
}

label_set! {
    /// How a change of one's own password ended.
    pub enum PasswordChangeResult ["outcome", "reason"] {
        /// Changed; the other sessions ended.
        Success = ["success", "none"],
        /// The current password given is wrong.
        BadPassword = ["failure", "bad_password"],
        /// The new password breaks the policy.
        WeakPassword = ["failure", "weak_password"],
        /// A rate limit refused to check the current password.
        RateLimited = ["failure", "rate_limited"],
        /// The hash gate shed the request.
        Overloaded = ["failure", "overloaded"],
        /// Something of ours failed.
        Error = ["failure", "error"],
    }
}

label_set! {
    /// How a refresh ended.
    pub enum RefreshResult ["outcome", "reason"] {
        /// A new pair was issued.
        Success = ["success", "none"],
        /// No such token was ever issued, or its family is long gone.
        UnknownToken = ["failure", "unknown_token"],
        /// The session is past its idle or absolute lifetime.
        Expired = ["failure", "expired"],
        /// A token older than the previous one: the family was ended.
        Reused = ["failure", "reused"],
        /// The session had been ended before.
        Revoked = ["failure", "revoked"],
        /// The account is disabled.
        Disabled = ["failure", "disabled"],
        /// A rate limit refused it: nothing was looked up.
        RateLimited = ["failure", "rate_limited"],
        /// Something of ours failed.
        Error = ["failure", "error"],
    }
}

label_set! {
    /// What was done about a refresh token that had been used before.
    pub enum ReuseAction ["action"] {
        /// The whole family was ended.
        FamilyRevoked = ["family_revoked"],
        /// The immediately previous token within the grace period: the same successor again.
        GraceReplay = ["grace_replay"],
    }
}

label_set! {
    /// Why a session, and with it its tokens, ended before its time.
    pub enum RevocationReason ["reason"] {
        /// Logout of this session.
        Logout = ["logout"],
        /// Logout of every session of the account.
        LogoutAll = ["logout_all"],
        /// The owner ended another session.
        SessionEnded = ["session_ended"],
        /// The password was changed.
        PasswordChange = ["password_change"],
        /// An administrator ended it.
        Admin = ["admin"],
        /// The account was disabled.
        Disabled = ["disabled"],
        /// The account was deleted.
        Deleted = ["deleted"],
        /// A refresh token was replayed.
        Reuse = ["reuse"],
    }
}

label_set! {
    /// Kinds of tokens.
    pub enum TokenType ["token_type"] {
        /// A signed JWT.
        Access = ["access"],
        /// An opaque, rotating one.
        Refresh = ["refresh"],
    }
}

label_set! {
    /// What a token was issued for (RFC 6749).
    pub enum Grant ["grant"] {
        /// A password login.
        Password = ["password"],
        /// A refresh.
        Refresh = ["refresh"],
    }
}

label_set! {
    /// What the guard found in a bearer token.
    pub enum VerificationResult ["outcome", "reason"] {
        /// Signature, claims and session are good.
        Valid = ["valid", "none"],
        /// Past `exp`.
        Expired = ["invalid", "expired"],
        /// Before `nbf` or `iat`.
        NotYetValid = ["invalid", "not_yet_valid"],
        /// The signature does not match, or the algorithm is not the key's.
        BadSignature = ["invalid", "bad_signature"],
        /// Signed by a key that this service does not have.
        UnknownKid = ["invalid", "unknown_kid"],
        /// Not a JWT, or not an access token of ours.
        Malformed = ["invalid", "malformed"],
        /// For somebody else.
        WrongAudience = ["invalid", "wrong_audience"],
        /// From somebody else.
        WrongIssuer = ["invalid", "wrong_issuer"],
        /// The session has ended or the account is gone or disabled.
        Revoked = ["invalid", "revoked"],
    }
}

label_set! {
    /// What an authorization check decided.
    pub enum Decision ["outcome"] {
        /// Let through.
        Allow = ["allow"],
        /// Refused.
        Deny = ["deny"],
    }
}

label_set! {
    /// A caller's strongest role, folded into a closed set.
    pub enum RoleLabel ["role"] {
        /// The built-in administrator.
        Admin = ["admin"],
        /// The built-in user.
        User = ["user"],
        /// No role at all.
        None = ["none"],
        /// Any role that is not built in.
        Custom = ["custom"],
    }
}

label_set! {
    /// A role given or taken.
    pub enum RoleAction ["action"] {
        /// Given.
        Grant = ["grant"],
        /// Taken.
        Revoke = ["revoke"],
    }
}

label_set! {
    /// What happened to an account, apart from its registration.
    pub enum UserAction ["action"] {
        /// Made by an administrator or the command line.
        Created = ["created"],
        /// Username or e-mail changed.
        Updated = ["updated"],
        /// Disabled.
        Disabled = ["disabled"],
        /// Enabled again.
        Enabled = ["enabled"],
        /// Deleted.
        Deleted = ["deleted"],
    }
}

label_set! {
    /// Who did it.
    pub enum Actor ["actor"] {
        /// The account's owner.
        Owner = ["owner"],
        /// An administrator over the API.
        Admin = ["admin"],
        /// The command line, or the service itself at its first start.
        Operator = ["operator"],
    }
}

label_set! {
    /// Work for the hash gate.
    pub enum HashOperation ["operation"] {
        /// A new hash.
        Hash = ["hash"],
        /// A check against a stored hash.
        Verify = ["verify"],
        /// The same work for an account that does not exist.
        DummyVerify = ["dummy_verify"],
        /// A check for the canary: users' checks are as many as users' logins.
        CanaryVerify = ["canary_verify"],
    }
}

label_set! {
    /// Why the hash gate refused work.
    pub enum HashRejection ["reason"] {
        /// The queue is full, or so long that the deadline could not be met.
        QueueFull = ["queue_full"],
        /// The deadline passed in the queue.
        Timeout = ["timeout"],
    }
}

label_set! {
    /// Whether an attempt worked.
    pub enum Outcome ["outcome"] {
        /// It did.
        Success = ["success"],
        /// It did not.
        Failure = ["failure"],
    }
}

label_set! {
    /// Account states of the inventory.
    pub enum UserState ["state"] {
        /// May log in.
        Active = ["active"],
        /// May not.
        Disabled = ["disabled"],
    }
}

label_set! {
    /// HTTP methods; anything else is `_OTHER` (OpenTelemetry).
    pub enum Method ["http_request_method"] {
        /// GET
        Get = ["GET"],
        /// HEAD
        Head = ["HEAD"],
        /// POST
        Post = ["POST"],
        /// PUT
        Put = ["PUT"],
        /// PATCH
        Patch = ["PATCH"],
        /// DELETE
        Delete = ["DELETE"],
        /// OPTIONS
        Options = ["OPTIONS"],
        /// Anything else.
        Other = ["_OTHER"],
    }
}

label_set! {
    /// URL schemes; TLS ends in front of the service.
    pub enum Scheme ["url_scheme"] {
        /// Plain HTTP.
        Http = ["http"],
    }
}

label_set! {
    /// Log levels that are counted.
    pub enum LogLevel ["level"] {
        /// Something is off.
        Warn = ["warn"],
        /// Something failed.
        Error = ["error"],
    }
}
