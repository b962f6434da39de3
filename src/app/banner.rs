//! The text that the service prints after start-up.

use std::time::Duration;

use super::services::store_options;
use crate::accounts::FirstAdmin;
use crate::cache::Cache;
use crate::config::{Config, Docs, Listeners, PasswordRules};

/// How long start-up waits for Redis before it continues without.
const REDIS_TIMEOUT: Duration = Duration::from_millis(500);

/// The location of the cache, after Redis had a moment to answer.
pub async fn describe_cache(cache: &Cache) -> String {
    match cache {
        Cache::Memory(_) => "in process".to_owned(),
        Cache::Redis(redis) => {
            let answers = redis.answers_within(REDIS_TIMEOUT).await;
            let state = if answers {
                ""
            } else {
                ", which does not answer: continuing without it"
            };
            format!("Redis at {}{state}", redis.address())
        }
    }
}

/// Prints the addresses and locations of the service. On standard output, never in the log: it may
/// contain the first administrator's password.
pub fn greet(config: &Config, first_admin: &FirstAdmin, cache: &str) {
    let admin = match first_admin {
        FirstAdmin::Exists => String::new(),
        FirstAdmin::Configured => format!(
            "  administrator  {} was created from ADMIN_EMAIL and ADMIN_PASSWORD\n",
            config.admin.username
        ),
        FirstAdmin::Generated(password) => format!(
            "  administrator  {} with the password {password}\n                 \
             (shown this once: log in and change it within {})\n",
            config.admin.username,
            in_words(config.hashing.initial_password_ttl)
        ),
    };
    let documentation = documentation(&config.listeners);
    let passwords = match config.hashing.password_policy {
        PasswordRules::Strict => "",
        PasswordRules::Off => "  passwords      all are accepted: PASSWORD_POLICY is off\n",
    };
    let settings = if config.allow_insecure {
        "  settings       insecure ones are allowed: ALLOW_INSECURE is set, for tests and development\n"
    } else {
        ""
    };
    println!(
        "rbac-sentinel {version} is running\n\n\
         \x20 documentation  {documentation}\n\
         \x20 metrics        http://{ops}/metrics, /livez, /readyz\n\
         \x20 database       {database}\n\
         \x20 cache          {cache}\n\
         \x20 hashing        {threads} threads, {memory} KiB and {iterations} iterations a hash\n\
         {passwords}{settings}{admin}",
        version = env!("CARGO_PKG_VERSION"),
        ops = config.listeners.ops_addr,
        database = store_options(config).place(),
        threads = config.hashing.hash_threads(),
        memory = config.hashing.hash_memory_kib,
        iterations = config.hashing.hash_iterations,
    );
}

/// A duration with a space before long units: `7 days`, where humantime writes `7days`.
pub fn in_words(duration: Duration) -> String {
    let text = humantime::format_duration(duration).to_string();
    ["year", "month", "day"]
        .into_iter()
        .fold(text, |text, unit| text.replace(unit, &format!(" {unit}")))
}

/// Where the documentation is served.
fn documentation(listeners: &Listeners) -> String {
    let at = |base: &str, note: &str| format!("{base}/docs{note}, {base}/redoc");
    match listeners.docs {
        Docs::On => {
            let base = listeners.api_url();
            let here = at(&base, " (Authorize logs in)");
            if listeners.is_https() {
                let public = at(&listeners.issuer(), "");
                format!(
                    "{here}\n                 \
                     public: everyone can read {public} (DOCS=ops or DOCS=off hides it)"
                )
            } else {
                here
            }
        }
        Docs::Ops => at(&format!("http://{}", listeners.ops_addr), ""),
        Docs::Off => "not served (DOCS=off)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_spaces_before_long_units() {
        let day = Duration::from_hours(24);
        assert_eq!(in_words(7 * day), "7 days");
        assert_eq!(in_words(day + Duration::from_mins(90)), "1 day 1h 30m");
        assert_eq!(in_words(Duration::from_secs(45)), "45s");
    }
}
