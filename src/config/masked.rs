//! The effective configuration as text.

use std::time::Duration;

use clap::ValueEnum;

use super::{Config, Secret};

/// The name of an option and its value, masked where it is a secret.
pub(super) type Line = (&'static str, String);

impl Config {
    /// The effective configuration, one `NAME=value` a line, secrets masked.
    #[must_use]
    pub fn masked(&self) -> String {
        let lines: [Vec<Line>; 14] = [
            self.listeners.lines(),
            vec![
                ("DATA_DIR", self.data_dir.display().to_string()),
                ("ALLOW_INSECURE", self.allow_insecure.to_string()),
            ],
            self.browsers.lines(),
            self.clients.lines(),
            self.database.lines(),
            self.redis.lines(),
            self.housekeeping.lines(),
            self.tokens.lines(),
            self.admin.lines(),
            self.hashing.lines(),
            self.logs.lines(),
            self.limits.lines(),
            self.shadow.lines(),
            self.probe.lines(),
        ];
        let lines = lines.iter().flatten();
        lines
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect::<Vec<_>>()
            .concat()
    }
}

/// A secret, masked.
pub(super) fn secret(value: Option<&Secret>, unset: &str) -> String {
    value.map_or_else(|| unset.to_owned(), ToString::to_string)
}

/// A duration, as it is configured.
pub(super) fn time(value: Duration) -> String {
    humantime::format_duration(value).to_string()
}

/// A choice, as it is configured.
pub(super) fn word(value: impl ValueEnum + Copy) -> String {
    value
        .to_possible_value()
        .map_or_else(String::new, |value| value.get_name().to_owned())
}

/// An e-mail address with all but its first letter and its domain hidden.
pub(super) fn mask_email(email: &str) -> String {
    match email.split_once('@') {
        Some((local, domain)) => {
            let first: String = local.chars().take(1).collect();
            format!("{first}***@{domain}")
        }
        None => "***".to_owned(),
    }
}
