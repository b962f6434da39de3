//! Options of password hashing.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::masked::{Line, time, word};

/// The rules for new passwords.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PasswordRules {
    /// Passwords must be long enough, not common, and not made of names.
    Strict,
    /// No rules, for tests with clients that have fixed passwords.
    Off,
}

/// Parameters of new hashes, the hash gate, and the shortest password.
#[derive(Clone, Debug, Args)]
pub struct Hashing {
    /// Argon2id memory of new hashes, in KiB (OWASP: at least 19456 with two iterations).
    #[arg(long, env = "HASH_MEMORY_KIB", default_value_t = 19456, value_parser = clap::value_parser!(u32).range(8..=65536), help_heading = "Password hashing")]
    pub hash_memory_kib: u32,

    /// Argon2id iterations of new hashes.
    #[arg(long, env = "HASH_ITERATIONS", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=10), help_heading = "Password hashing")]
    pub hash_iterations: u32,

    /// Argon2id lanes of new hashes.
    #[arg(long, env = "HASH_PARALLELISM", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4), help_heading = "Password hashing")]
    pub hash_parallelism: u32,

    /// Threads of the hash gate. Default: one a core.
    #[arg(long, env = "HASH_THREADS", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Password hashing")]
    pub hash_threads: Option<u16>,

    /// Maximum of hashes that wait.
    #[arg(long, env = "HASH_QUEUE", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..=100_000), help_heading = "Password hashing")]
    pub hash_queue: u32,

    /// Maximum wait of a hash; beyond it a request gets 503 with Retry-After.
    #[arg(long, env = "HASH_DEADLINE", default_value = "2s", value_parser = humantime::parse_duration, help_heading = "Password hashing")]
    pub hash_deadline: Duration,

    /// Shortest new password, in characters. NIST SP 800-63B asks for 15 where a password is the only
    /// factor; 8 is the least that it allows.
    #[arg(long, env = "PASSWORD_MIN_LENGTH", default_value_t = 8, value_parser = clap::value_parser!(u8).range(8..=64), help_heading = "Password hashing")]
    pub password_min_length: u8,

    /// Whether common passwords and those made of names are refused. `off` accepts every password of
    /// any length, for tests only: the service does not start with an https PUBLIC_URL.
    #[arg(
        long,
        env = "PASSWORD_POLICY",
        value_enum,
        default_value = "strict",
        help_heading = "Password hashing"
    )]
    pub password_policy: PasswordRules,

    /// How long a generated password is valid until its owner has changed it: of accounts that
    /// administrators create, and of the first administrator.
    #[arg(long, env = "INITIAL_PASSWORD_TTL", default_value = "7d", value_parser = humantime::parse_duration, help_heading = "Password hashing")]
    pub initial_password_ttl: Duration,
}

impl Hashing {
    /// Threads of the hash gate: as configured, else one a core.
    #[must_use]
    pub fn hash_threads(&self) -> usize {
        self.hash_threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            usize::from,
        )
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        vec![
            ("HASH_MEMORY_KIB", self.hash_memory_kib.to_string()),
            ("HASH_ITERATIONS", self.hash_iterations.to_string()),
            ("HASH_PARALLELISM", self.hash_parallelism.to_string()),
            ("HASH_THREADS", self.hash_threads().to_string()),
            ("HASH_QUEUE", self.hash_queue.to_string()),
            ("HASH_DEADLINE", time(self.hash_deadline)),
            ("PASSWORD_MIN_LENGTH", self.password_min_length.to_string()),
            ("INITIAL_PASSWORD_TTL", time(self.initial_password_ttl)),
            ("PASSWORD_POLICY", word(self.password_policy)),
        ]
    }
}
