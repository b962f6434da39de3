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
        let lines: [Vec<Line>; 9] = [
            self.listener_lines(),
            self.clients.lines(),
            self.database.lines(),
            self.redis.lines(),
            self.housekeeping.lines(),
            self.token_lines(),
            self.hashing_lines(),
            self.limits.lines(),
            self.canary.lines(),
        ];
        let lines = lines.iter().flatten();
        lines
            .map(|(name, value)| format!("{name}={value}\n"))
            .collect::<Vec<_>>()
            .concat()
    }

    fn listener_lines(&self) -> Vec<Line> {
        let ready_file = self.ready_file.as_ref();
        let ready_file =
            ready_file.map_or_else(|| "(none)".to_owned(), |file| file.display().to_string());
        vec![
            ("API_ADDR", self.api_addr.to_string()),
            ("OPS_ADDR", self.ops_addr.to_string()),
            ("METRICS_ON_API", self.metrics_on_api.to_string()),
            ("PUBLIC_URL", self.issuer()),
            ("SHUTDOWN_DELAY", time(self.shutdown_delay)),
            ("SHUTDOWN_TIMEOUT", time(self.shutdown_timeout)),
            ("READY_FILE", ready_file),
            ("DATA_DIR", self.data_dir.display().to_string()),
        ]
    }

    fn token_lines(&self) -> Vec<Line> {
        let key = secret(self.secret_key.as_ref(), "(generated in DATA_DIR)");
        let password = "(generated at the first start)";
        vec![
            ("SECRET_KEY", key),
            ("SIGNING_ALG", word(self.signing_alg)),
            ("HS256_KEY", secret(self.hs256_key.as_ref(), "(unset)")),
            ("TOKEN_AUDIENCE", self.token_audience.clone()),
            ("ACCESS_TOKEN_TTL", time(self.access_token_ttl)),
            ("SESSION_IDLE_TTL", time(self.session_idle_ttl)),
            ("SESSION_TTL", time(self.session_ttl)),
            ("REFRESH_GRACE", time(self.refresh_grace)),
            ("ADMIN_EMAIL", mask_email(&self.admin_email)),
            ("ADMIN_USERNAME", self.admin_username.clone()),
            (
                "ADMIN_PASSWORD",
                secret(self.admin_password.as_ref(), password),
            ),
        ]
    }

    fn hashing_lines(&self) -> Vec<Line> {
        vec![
            ("HASH_MEMORY_KIB", self.hash_memory_kib.to_string()),
            ("HASH_ITERATIONS", self.hash_iterations.to_string()),
            ("HASH_PARALLELISM", self.hash_parallelism.to_string()),
            ("HASH_THREADS", self.hash_threads().to_string()),
            ("HASH_QUEUE", self.hash_queue.to_string()),
            ("HASH_DEADLINE", time(self.hash_deadline)),
            ("PASSWORD_MIN_LENGTH", self.password_min_length.to_string()),
            ("LOG_FORMAT", word(self.log_format)),
            ("LOG_LEVEL", self.log_level.clone()),
        ]
    }
}

/// A secret's place in the text.
pub(super) fn secret(value: Option<&Secret>, unset: &str) -> String {
    value.map_or_else(|| unset.to_owned(), ToString::to_string)
}

/// A duration as it can be configured.
pub(super) fn time(value: Duration) -> String {
    humantime::format_duration(value).to_string()
}

/// A choice as it can be configured.
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
