//! The text that the service prints when it has started.

use std::time::Duration;

use super::services::store_options;
use crate::accounts::FirstAdmin;
use crate::cache::Cache;
use crate::config::{Config, Docs, Listeners, PasswordRules};

/// How long the start waits for Redis, so that the first requests find it. It goes on without.
const REDIS_TIMEOUT: Duration = Duration::from_millis(500);

/// Where the cache is, once Redis has had a moment to answer.
pub async fn describe_cache(cache: &Cache) -> String {
    match cache {
        Cache::Memory(_) => "in process".to_owned(),
        Cache::Redis(redis) => {
            let answers = redis.answers_within(REDIS_TIMEOUT).await;
            let state = if answers {
                ""
            } else {
                ", which does not answer: going on without it"
            };
            format!("Redis at {}{state}", redis.address())
        }
    }
}

/// Tells the person who started the service where things are. On standard output, never in the log:
/// it may hold the first administrator's password.
pub fn greet(config: &Config, first_admin: &FirstAdmin, cache: &str) {
    let admin = match first_admin {
        FirstAdmin::Exists => String::new(),
        FirstAdmin::Configured => format!(
            "  administrator  {} was made from ADMIN_EMAIL and ADMIN_PASSWORD\n",
            config.admin.username
        ),
        FirstAdmin::Generated(password) => format!(
            "  administrator  {} with the password {password}\n                 \
             (shown this once: log in and change it within {})\n",
            config.admin.username,
            humantime::format_duration(config.hashing.initial_password_ttl)
        ),
    };
    let documentation = documentation(&config.listeners);
    let passwords = match config.hashing.password_policy {
        PasswordRules::Strict => "",
        PasswordRules::Off => "  passwords      any is accepted: PASSWORD_POLICY is off\n",
    };
    let settings = if config.allow_insecure {
        "  settings       weak ones are allowed: ALLOW_INSECURE is set, for tests and development\n"
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

/// Where the documentation is, and who can read it.
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
                     public: everybody can read {public} (DOCS=ops or DOCS=off hides it)"
                )
            } else {
                here
            }
        }
        Docs::Ops => at(&format!("http://{}", listeners.ops_addr), ""),
        Docs::Off => "not served (DOCS=off)".to_owned(),
    }
}
