use std::collections::BTreeSet;

use catalogue::options::OPTIONS;
use clap::{Args as _, Parser as _};

use super::Config;

#[test]
fn catalogue_lists_every_option() {
    let command = Config::augment_args(clap::Command::new("serve"));
    let variables = command.get_arguments().filter_map(clap::Arg::get_env);
    let variables: BTreeSet<_> = variables.filter_map(std::ffi::OsStr::to_str).collect();
    assert_eq!(variables, OPTIONS.iter().copied().collect());
    assert!(OPTIONS.is_sorted());
}

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

/// Whether the service would start with this option.
fn is_accepted(option: &str, value: &str) -> bool {
    let flag = option.to_lowercase().replace('_', "-");
    let arguments = ["serve".to_owned(), format!("--{flag}={value}")];
    Cli::try_parse_from(arguments).is_ok_and(|cli| cli.config.validate().is_ok())
}

/// Options that are numbers or times, and those of browsers: what is just within their bounds, and what is just outside.
const BOUNDS: &[(&str, &[&str], &[&str])] = &[
    ("ACCESS_TOKEN_TTL", &["1s", "30m"], &["0s", "1801s"]),
    ("ALLOW_COOKIES", &["on", "off"], &["true", ""]),
    ("CANARY_INTERVAL", &["1s", "5m"], &["999ms", "301s"]),
    ("CLIENT_TIMEOUT", &["1s", "10m"], &["999ms", "601s"]),
    (
        "CORS_ORIGINS",
        &["", "https://a.example,http://localhost:3000"],
        &["*", "null", "https://a.example/", "https://a.example:443"],
    ),
    ("DB_ACQUIRE_TIMEOUT", &["1ms", "60s"], &["0s", "60001ms"]),
    ("DB_MAX_CONNECTIONS", &["1", "1000"], &["0", "1001"]),
    (
        "DB_STATEMENT_TIMEOUT",
        &["1ms", "60s"],
        &["999us", "60001ms"],
    ),
    ("HASH_ITERATIONS", &["10"], &["0", "11"]),
    ("HASH_MEMORY_KIB", &["65536"], &["7", "65537"]),
    ("HASH_PARALLELISM", &["1", "4"], &["0", "5"]),
    ("SHADOW_EVERY", &["1", "1000000"], &["0", "1000001"]),
    ("HASH_QUEUE", &["1", "100000"], &["0", "100001"]),
    ("HASH_THREADS", &["1", "256"], &["0", "257"]),
    // The grace period of refresh tokens is 10 seconds.
    ("HOUSEKEEPING_RETENTION", &["10s", "100d"], &["9999ms"]),
    ("IDLE_TIMEOUT", &["1s", "1h"], &["999ms", "3601s"]),
    ("INITIAL_PASSWORD_TTL", &["1s", "90d"], &["0s", "7776001s"]),
    ("JWKS_MAX_AGE", &["0s", "24h"], &["86401s"]),
    ("KEY_ROTATION", &["off", "1h", "730d"], &["59m", "731d"]),
    ("MAX_CONNECTIONS", &["1", "1000000"], &["0", "1000001"]),
    ("MAX_SESSIONS_PER_USER", &["1", "10000"], &["0", "10001"]),
    ("PASSWORD_MIN_LENGTH", &["8", "64"], &["7", "65"]),
    ("REDIS_TIMEOUT", &["1ms", "250ms"], &["999us", "251ms"]),
    ("REFRESH_GRACE", &["0s", "60s"], &["60001ms"]),
    // The one may not be longer than the other: 14 and 30 days.
    ("SESSION_IDLE_TTL", &["30d"], &["31d"]),
    ("SESSION_TTL", &["14d"], &["13d"]),
    ("SQLITE_READERS", &["1", "64"], &["0", "65"]),
];

/// Options that are times and may be any.
const UNBOUNDED: [&str; 4] = [
    "HASH_DEADLINE",
    "HOUSEKEEPING_INTERVAL",
    "SHUTDOWN_DELAY",
    "SHUTDOWN_TIMEOUT",
];

#[test]
fn options_have_their_bounds() {
    for (option, within, outside) in BOUNDS {
        for value in *within {
            assert!(is_accepted(option, value), "{option}={value}");
        }
        for value in *outside {
            assert!(!is_accepted(option, value), "{option}={value}");
        }
    }
}

#[test]
fn every_number_and_time_has_its_bounds_tested() {
    let command = Config::augment_args(clap::Command::new("serve"));
    for argument in command.get_arguments() {
        let Some(option) = argument.get_env().and_then(std::ffi::OsStr::to_str) else {
            continue;
        };
        let default = argument.get_default_values().first();
        let default = default.and_then(|value| value.to_str()).unwrap_or_default();
        // Not an address, not a rate.
        let counts = default.starts_with(|first: char| first.is_ascii_digit())
            && !default.contains([':', '/']);
        let known = UNBOUNDED.contains(&option) || BOUNDS.iter().any(|(name, ..)| *name == option);
        assert!(
            known || !counts,
            "{option}={default}: say what its bounds are"
        );
    }
}
