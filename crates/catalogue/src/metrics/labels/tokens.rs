//! Tokens: kinds, refreshes, verifications, ends.

use crate::metrics::label_set::label_set;

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
    /// The grant that a token was issued for (RFC 6749).
    pub enum Grant ["grant"] {
        /// A password login.
        Password = ["password"],
        /// A refresh.
        Refresh = ["refresh"],
        /// A change of the password, which renews the session.
        PasswordChange = ["password_change"],
    }
}

label_set! {
    /// The outcome of a refresh.
    pub enum RefreshResult ["outcome", "reason"] {
        /// A new pair was issued.
        Success = ["success", "none"],
        /// The token was never issued, or its family was removed long ago.
        UnknownToken = ["failure", "unknown_token"],
        /// The session is past its idle or absolute lifetime.
        Expired = ["failure", "expired"],
        /// A used token that no legitimate client presents: the session was ended.
        Reused = ["failure", "reused"],
        /// The previous token, whose stored successor does not open: damaged, or made by another version.
        Unreadable = ["failure", "unreadable_successor"],
        /// The session had been ended before.
        Revoked = ["failure", "revoked"],
        /// The account is disabled.
        Disabled = ["failure", "disabled"],
        /// A page of an origin that is not allowed made it.
        ForeignOrigin = ["failure", "foreign_origin"],
        /// A rate limit refused it before any lookup.
        RateLimited = ["failure", "rate_limited"],
        /// An internal error.
        Error = ["failure", "error"],
    }
}

label_set! {
    /// The response to a used refresh token.
    pub enum ReuseAction ["action"] {
        /// The family was ended: its successor had been used, by somebody else.
        FamilyRevoked = ["family_revoked"],
        /// The family was ended after replays by another client in two generations in a row; no successor
        /// had been used.
        FamilyRevokedUnused = ["family_revoked_unused"],
        /// The previous token, whose successor was never used: the same successor was returned again.
        UnusedReplay = ["unused_replay"],
        /// The previous token within the grace period, although its successor's access token was used:
        /// the same successor was returned again.
        GraceReplay = ["grace_replay"],
    }
}

label_set! {
    /// Why a session and its tokens were ended before they expired.
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
        /// The holder of one of its tokens revoked it (RFC 7009).
        Revocation = ["revocation"],
        /// A login beyond the most sessions of an account ended the oldest.
        SessionLimit = ["session_limit"],
    }
}

label_set! {
    /// The result of the guard's check of a bearer token.
    pub enum VerificationResult ["outcome", "reason"] {
        /// Signature, claims and session are valid.
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
        /// Its audience is another service.
        WrongAudience = ["invalid", "wrong_audience"],
        /// Its issuer is another service.
        WrongIssuer = ["invalid", "wrong_issuer"],
        /// The session has ended or the account is gone or disabled.
        Revoked = ["invalid", "revoked"],
    }
}

label_set! {
    /// The states of a signing key.
    pub enum KeyState ["state"] {
        /// It verifies and will sign.
        Published = ["published"],
        /// It signs.
        Active = ["active"],
        /// It verifies until the tokens that it signed have expired.
        Retiring = ["retiring"],
        /// No secret of this replica decrypts it: tokens signed with it are refused here.
        Unreadable = ["unreadable"],
    }
}

label_set! {
    /// The outcome of a reading of the signing keys.
    pub enum KeyReload ["outcome"] {
        /// They are up to date.
        Done = ["done"],
        /// Those read before stay in use.
        Failed = ["failed"],
    }
}
