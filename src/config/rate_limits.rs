//! Options of rate limits, and the proxies that are trusted about client addresses.

use clap::Args;

use super::masked::{Line, word};
use super::{Networks, Switch};
use crate::rate::Rate;

/// The rate limits. `docs/operations.md` gives the reasons for the defaults.
#[derive(Clone, Debug, Args)]
pub struct RateLimits {
    /// Turns all rate limits on or off.
    #[arg(
        long,
        env = "RATE_LIMITS",
        value_enum,
        default_value = "on",
        help_heading = "Rate limits"
    )]
    #[expect(clippy::struct_field_names, reason = "the option is called so")]
    pub rate_limits: Switch,

    /// Addresses and networks of trusted proxies, separated by commas: the client's address
    /// (X-Forwarded-For, Forwarded) is taken from these only.
    #[arg(
        long,
        env = "TRUSTED_PROXIES",
        default_value = "",
        hide_default_value = true,
        help_heading = "Rate limits"
    )]
    pub trusted_proxies: Networks,

    /// All requests from one address.
    #[arg(
        long = "rate-limit-general",
        env = "RATE_LIMIT_GENERAL",
        default_value = "60000/1m",
        help_heading = "Rate limits"
    )]
    pub general: Rate,

    /// Logins from one address.
    #[arg(
        long = "rate-limit-login-source",
        env = "RATE_LIMIT_LOGIN_SOURCE",
        default_value = "60/1m",
        help_heading = "Rate limits"
    )]
    pub login_source: Rate,

    /// Logins of strangers to one account, whether it exists or not. A stranger is a client that has
    /// not logged in to the account before; all strangers together have this limit.
    #[arg(
        long = "rate-limit-login-account",
        env = "RATE_LIMIT_LOGIN_ACCOUNT",
        default_value = "30/1h",
        help_heading = "Rate limits"
    )]
    pub login_account: Rate,

    /// Logins of strangers to one account from one address.
    #[arg(
        long = "rate-limit-login-stranger",
        env = "RATE_LIMIT_LOGIN_STRANGER",
        default_value = "10/1h",
        help_heading = "Rate limits"
    )]
    pub login_stranger: Rate,

    /// Failed logins to one account from one device, and from one address, that logged in to it before.
    #[arg(
        long = "rate-limit-login-known",
        env = "RATE_LIMIT_LOGIN_KNOWN",
        default_value = "10/1h",
        help_heading = "Rate limits"
    )]
    pub login_known: Rate,

    /// Registrations from one address.
    #[arg(
        long = "rate-limit-register-source",
        env = "RATE_LIMIT_REGISTER_SOURCE",
        default_value = "60/1h",
        help_heading = "Rate limits"
    )]
    pub register_source: Rate,

    /// Registrations of one username, and of one e-mail address.
    #[arg(
        long = "rate-limit-register-account",
        env = "RATE_LIMIT_REGISTER_ACCOUNT",
        default_value = "10/1h",
        help_heading = "Rate limits"
    )]
    pub register_account: Rate,

    /// Refreshes from one address.
    #[arg(
        long = "rate-limit-refresh-source",
        env = "RATE_LIMIT_REFRESH_SOURCE",
        default_value = "600/1m",
        help_heading = "Rate limits"
    )]
    pub refresh_source: Rate,

    /// Refreshes of one session.
    #[arg(
        long = "rate-limit-refresh-account",
        env = "RATE_LIMIT_REFRESH_ACCOUNT",
        default_value = "10/1m",
        help_heading = "Rate limits"
    )]
    pub refresh_account: Rate,

    /// Revocations of tokens from one address.
    #[arg(
        long = "rate-limit-revoke-source",
        env = "RATE_LIMIT_REVOKE_SOURCE",
        default_value = "600/1m",
        help_heading = "Rate limits"
    )]
    pub revoke_source: Rate,

    /// Sessions that one account ends: its own logouts.
    #[arg(
        long = "rate-limit-revoke-account",
        env = "RATE_LIMIT_REVOKE_ACCOUNT",
        default_value = "120/1m",
        help_heading = "Rate limits"
    )]
    pub revoke_account: Rate,

    /// Lists of one account's own sessions.
    #[arg(
        long = "rate-limit-sessions-account",
        env = "RATE_LIMIT_SESSIONS_ACCOUNT",
        default_value = "120/1m",
        help_heading = "Rate limits"
    )]
    pub sessions_account: Rate,

    /// Confirmations of one account's current password while logged in.
    #[arg(
        long = "rate-limit-password-account",
        env = "RATE_LIMIT_PASSWORD_ACCOUNT",
        default_value = "20/1h",
        help_heading = "Rate limits"
    )]
    pub password_account: Rate,

    /// Changes of one account's username or e-mail address by its owner. The limits of registrations
    /// hold for them, too.
    #[arg(
        long = "rate-limit-profile-account",
        env = "RATE_LIMIT_PROFILE_ACCOUNT",
        default_value = "20/1h",
        help_heading = "Rate limits"
    )]
    pub profile_account: Rate,

    /// Operations of one administrator on accounts, roles and sessions.
    #[arg(
        long = "rate-limit-admin-account",
        env = "RATE_LIMIT_ADMIN_ACCOUNT",
        default_value = "600/1m",
        help_heading = "Rate limits"
    )]
    pub admin_account: Rate,

    /// Questions of one account about what its users may do: evaluations and forward authentication.
    #[arg(
        long = "rate-limit-decisions-account",
        env = "RATE_LIMIT_DECISIONS_ACCOUNT",
        default_value = "600000/1m",
        help_heading = "Rate limits"
    )]
    pub decisions_account: Rate,

    /// Pages of the documentation to one address.
    #[arg(
        long = "rate-limit-pages-source",
        env = "RATE_LIMIT_PAGES_SOURCE",
        default_value = "600/1m",
        help_heading = "Rate limits"
    )]
    pub pages_source: Rate,
}

impl RateLimits {
    pub(super) fn lines(&self) -> Vec<Line> {
        let mut lines = vec![
            ("RATE_LIMITS", word(self.rate_limits)),
            ("TRUSTED_PROXIES", self.trusted_proxies.to_string()),
        ];
        let rates = [
            ("RATE_LIMIT_GENERAL", self.general),
            ("RATE_LIMIT_LOGIN_SOURCE", self.login_source),
            ("RATE_LIMIT_LOGIN_ACCOUNT", self.login_account),
            ("RATE_LIMIT_LOGIN_STRANGER", self.login_stranger),
            ("RATE_LIMIT_LOGIN_KNOWN", self.login_known),
            ("RATE_LIMIT_REGISTER_SOURCE", self.register_source),
            ("RATE_LIMIT_REGISTER_ACCOUNT", self.register_account),
            ("RATE_LIMIT_REFRESH_SOURCE", self.refresh_source),
            ("RATE_LIMIT_REFRESH_ACCOUNT", self.refresh_account),
            ("RATE_LIMIT_REVOKE_SOURCE", self.revoke_source),
            ("RATE_LIMIT_REVOKE_ACCOUNT", self.revoke_account),
            ("RATE_LIMIT_SESSIONS_ACCOUNT", self.sessions_account),
            ("RATE_LIMIT_PASSWORD_ACCOUNT", self.password_account),
            ("RATE_LIMIT_PROFILE_ACCOUNT", self.profile_account),
            ("RATE_LIMIT_ADMIN_ACCOUNT", self.admin_account),
            ("RATE_LIMIT_DECISIONS_ACCOUNT", self.decisions_account),
            ("RATE_LIMIT_PAGES_SOURCE", self.pages_source),
        ];
        lines.extend(rates.map(|(name, rate)| (name, rate.to_string())));
        lines
    }
}

#[cfg(test)]
impl RateLimits {
    /// The same rate for every limit.
    pub(crate) fn uniform(rate_limits: Switch, rate: Rate) -> Self {
        Self {
            rate_limits,
            trusted_proxies: Networks::default(),
            general: rate,
            login_source: rate,
            login_account: rate,
            login_stranger: rate,
            login_known: rate,
            register_source: rate,
            register_account: rate,
            refresh_source: rate,
            refresh_account: rate,
            revoke_source: rate,
            revoke_account: rate,
            sessions_account: rate,
            password_account: rate,
            profile_account: rate,
            admin_account: rate,
            decisions_account: rate,
            pages_source: rate,
        }
    }
}
