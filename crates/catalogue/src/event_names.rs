//! The names of events in the log, after the OWASP Logging Vocabulary.
//!
//! Every line with a field `event` takes its name from here, so that documents can be checked
//! against [`ALL`].

macro_rules! names {
    ($($(#[$doc:meta])+ $constant:ident = $name:literal,)+) => {
        $($(#[$doc])+ pub const $constant: &str = $name;)+

        /// Every name.
        pub const ALL: &[&str] = &[$($name),+];
    };
}

names! {
    /// A login succeeded.
    LOGIN = "authn_login_success",
    /// A login was refused.
    LOGIN_REFUSED = "authn_login_fail",
    /// An account's own password was changed, or the change refused.
    PASSWORD_CHANGE = "authn_password_change",
    /// A stored hash was renewed at login.
    REHASH = "authn_password_rehash",
    /// A refresh token was exchanged.
    REFRESH = "authn_token_refreshed",
    /// A refresh was refused.
    REFRESH_REFUSED = "authn_token_refresh_fail",
    /// A used refresh token was presented again.
    TOKEN_REUSE = "authn_token_reuse",
    /// Sessions were ended before they expired.
    SESSIONS_ENDED = "session_ended",
    /// An account was registered.
    REGISTRATION = "user_created",
    /// A registration was refused.
    REGISTRATION_REFUSED = "user_create_fail",
    /// An account was created, changed or deleted.
    USER_CHANGE = "user_changed",
    /// A role was granted or revoked.
    ROLE_CHANGE = "authz_change",
    /// The policy was changed: a permission, a role, or a set of roles that exclude each other.
    POLICY_CHANGE = "privilege_permissions_changed",
    /// A change was refused that reaches beyond the permissions of the account that asked for it.
    ESCALATION = "authz_escalation_refused",
    /// The policy could not be read.
    POLICY_RELOAD_FAILED = "authz_policy_reload_failed",
    /// The shadow policy was read.
    SHADOW_LOADED = "authz_shadow_policy_loaded",
    /// The shadow policy could not be read.
    SHADOW_UNUSABLE = "authz_shadow_policy_unusable",
    /// A permission was missing.
    DENIED = "authz_fail",
    /// An access token was refused.
    TOKEN_REFUSED = "authn_token_fail",
    /// A rate limit refused requests.
    RATE_LIMITED = "excess_rate_limit_exceeded",
    /// A request was refused for a reason that none of the others names.
    REQUEST_REFUSED = "request_refused",
    /// The service started.
    STARTUP = "sys_startup",
    /// The service stops, or has stopped.
    SHUTDOWN = "sys_shutdown",
    /// A signing key was created.
    KEY_CREATED = "sys_key_created",
    /// A signing key was read for the first time: it verifies, and signs when its time has come.
    KEY_PUBLISHED = "sys_key_published",
    /// A signing key ended before its time: tokens signed with it are refused.
    KEY_REVOKED = "sys_key_revoked",
    /// No secret decrypts a stored signing key.
    KEY_UNREADABLE = "sys_key_unreadable",
    /// The signing keys could not be read.
    KEY_RELOAD_FAILED = "sys_key_reload_fail",
    /// Housekeeping removed rows.
    HOUSEKEEPING = "sys_housekeeping",
    /// Housekeeping failed.
    HOUSEKEEPING_FAILED = "sys_housekeeping_fail",
    /// A journey of the synthetic probe failed.
    PROBE_FAILED = "canary_failed",
}
