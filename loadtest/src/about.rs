//! What the server says of itself.

use std::fmt;

use serde::{Deserialize, Serialize};
use testkit::exposition::Exposition;

/// Description of the server, from its metrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct About {
    /// Its version.
    pub version: String,
    /// The commit that it was built from.
    pub revision: String,
    /// Its database.
    pub database: String,
    /// Whether it uses Redis.
    pub redis: bool,
    /// Hash threads.
    pub hash_permits: f64,
    /// Parameters of a hash.
    pub hash_parameters: String,
}

impl About {
    /// Reads it from the server's metrics.
    #[must_use]
    pub fn read(exposition: &Exposition) -> Self {
        let info = |metric, label| exposition.info(metric, label).unwrap_or_default();
        let parameter = |label| info("auth_password_hash_params_info", label);
        let operations = "db_client_operation_duration_seconds_count";
        let uses = |system| {
            let mut series = exposition.of(operations);
            series.any(|series| series.label("db_system_name") == system)
        };
        Self {
            version: info("auth_build_info", "version"),
            revision: info("auth_build_info", "revision"),
            database: (if uses("postgresql") {
                "PostgreSQL"
            } else {
                "SQLite"
            })
            .to_owned(),
            redis: uses("redis"),
            hash_permits: exposition.sum("auth_password_hash_permits", &[]),
            hash_parameters: format!(
                "{} m={} t={} p={}",
                parameter("algorithm"),
                parameter("memory_kib"),
                parameter("iterations"),
                parameter("parallelism")
            ),
        }
    }

    /// Its database and cache, in a few words.
    #[must_use]
    pub fn backends(&self) -> String {
        let cache = if self.redis {
            "Redis"
        } else {
            "cache in process"
        };
        format!("{}, {cache}", self.database)
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}), {}, {}, {} hashes at a time",
            self.version,
            self.revision,
            self.backends(),
            self.hash_parameters,
            self.hash_permits
        )
    }
}
