//! Options of rate limits, and of the proxies that are believed about addresses.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::Networks;
use super::masked::{Line, word};

/// The longest period that a rate may have.
const MAX_PERIOD: Duration = Duration::from_hours(31 * 24);
/// The highest count that a rate may have: one a microsecond over the shortest period.
const MAX_COUNT: u32 = 1_000_000;

/// Whether something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// It is.
    On,
    /// It is not.
    Off,
}

/// How often something may happen: so many times at once, and as many again over the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many times.
    pub count: u32,
    /// How long it takes until as many may happen again.
    pub period: Duration,
}

/// Why a text is no rate.
#[derive(Debug, thiserror::Error)]
#[error(
    "must be COUNT/PERIOD such as 60/1m, with a count from 1 to 1000000 and a period from 1s to 31d"
)]
pub struct RateError;

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (count, period) = text.split_once('/').ok_or(RateError)?;
        let count = count.trim().parse().map_err(|_| RateError)?;
        let period = humantime::parse_duration(period).map_err(|_| RateError)?;
        let sound = (1..=MAX_COUNT).contains(&count)
            && (Duration::from_secs(1)..=MAX_PERIOD).contains(&period);
        sound.then_some(Self { count, period }).ok_or(RateError)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let period = humantime::format_duration(self.period).to_string();
        write!(f, "{}/{}", self.count, period.replace(' ', ""))
    }
}

/// How often what may be asked. `docs/operations.md` gives the reasons for the defaults.
#[derive(Clone, Debug, Args)]
pub struct RateLimits {
    /// Whether there are rate limits at all.
    #[arg(
        long,
        env = "RATE_LIMITS",
        value_enum,
        default_value = "on",
        help_heading = "Rate limits"
    )]
    #[expect(clippy::struct_field_names, reason = "the option is called so")]
    pub rate_limits: Switch,

    /// Addresses and networks of the proxies in front, separated by commas: what they say about the
    /// client's address (X-Forwarded-For, Forwarded) is believed, and nobody else's word is.
    #[arg(
        long,
        env = "TRUSTED_PROXIES",
        default_value = "",
        hide_default_value = true,
        help_heading = "Rate limits"
    )]
    pub trusted_proxies: Networks,

    /// Requests from one address, whatever they are for.
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

    /// Logins under one name, whether there is such an account or not.
    #[arg(
        long = "rate-limit-login-account",
        env = "RATE_LIMIT_LOGIN_ACCOUNT",
        default_value = "30/1h",
        help_heading = "Rate limits"
    )]
    pub login_account: Rate,

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

    /// Refreshes with one refresh token.
    #[arg(
        long = "rate-limit-refresh-account",
        env = "RATE_LIMIT_REFRESH_ACCOUNT",
        default_value = "10/1m",
        help_heading = "Rate limits"
    )]
    pub refresh_account: Rate,

    /// Proofs of one account's current password by somebody who is logged in.
    #[arg(
        long = "rate-limit-password-account",
        env = "RATE_LIMIT_PASSWORD_ACCOUNT",
        default_value = "20/1h",
        help_heading = "Rate limits"
    )]
    pub password_account: Rate,
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
            ("RATE_LIMIT_REGISTER_SOURCE", self.register_source),
            ("RATE_LIMIT_REGISTER_ACCOUNT", self.register_account),
            ("RATE_LIMIT_REFRESH_SOURCE", self.refresh_source),
            ("RATE_LIMIT_REFRESH_ACCOUNT", self.refresh_account),
            ("RATE_LIMIT_PASSWORD_ACCOUNT", self.password_account),
        ];
        lines.extend(rates.map(|(name, rate)| (name, rate.to_string())));
        lines
    }
}

#[cfg(test)]
impl RateLimits {
    /// This rate for everything.
    pub(crate) fn uniform(rate_limits: Switch, rate: Rate) -> Self {
        Self {
            rate_limits,
            trusted_proxies: Networks::default(),
            general: rate,
            login_source: rate,
            login_account: rate,
            register_source: rate,
            register_account: rate,
            refresh_source: rate,
            refresh_account: rate,
            password_account: rate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_and_printed() {
        for (text, count, seconds) in [
            ("60/1m", 60, 60),
            ("1/1s", 1, 1),
            ("1000000/31d", 1_000_000, 31 * 86_400),
            ("5/1h 30m", 5, 5_400),
            (" 5 / 90s", 5, 90),
        ] {
            let rate: Rate = text.parse().expect(text);
            let period = Duration::from_secs(seconds);
            assert_eq!(rate, Rate { count, period }, "{text}");
        }
        for (text, printed) in [("60/60s", "60/1m"), ("5/90m", "5/1h30m")] {
            let rate: Rate = text.parse().expect(text);
            assert_eq!(rate.to_string(), printed);
            assert_eq!(printed.parse::<Rate>().expect(printed), rate);
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in [
            "",
            "60",
            "60/",
            "/1m",
            "0/1m",
            "-1/1m",
            "1000001/1m",
            "60/0s",
            "60/999ms",
            "60/32d",
            "60/1",
            "60/m",
            "1.5/1m",
            "60/1m/1m",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
