//! Options of the log.

use clap::{Args, ValueEnum};

use super::masked::{Line, word};

/// Format of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// `pretty` on a terminal, `json` otherwise.
    Auto,
    /// For reading on a terminal.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// Client addresses in log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogAddresses {
    /// In full.
    Full,
    /// The first 24 bits of IPv4, 48 of IPv6.
    Masked,
    /// Omitted.
    Off,
}

/// The format and level of the log.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_field_names, reason = "the options are called so")]
pub struct Logs {
    /// Format of log lines.
    #[arg(
        long,
        env = "LOG_FORMAT",
        value_enum,
        default_value = "auto",
        help_heading = "Logs"
    )]
    pub log_format: LogFormat,

    /// Filter of log lines, as for tracing's EnvFilter: `info` or `rbac_sentinel=debug`.
    #[arg(long, env = "LOG_LEVEL", default_value = "info", help_heading = "Logs")]
    pub log_level: String,

    /// Client addresses in the lines of security events. fail2ban needs them in full; they are personal
    /// data.
    #[arg(
        long,
        env = "LOG_ADDRESSES",
        value_enum,
        default_value = "masked",
        help_heading = "Logs"
    )]
    pub log_addresses: LogAddresses,
}

impl Logs {
    pub(super) fn lines(&self) -> Vec<Line> {
        vec![
            ("LOG_FORMAT", word(self.log_format)),
            ("LOG_LEVEL", self.log_level.clone()),
            ("LOG_ADDRESSES", word(self.log_addresses)),
        ]
    }
}
