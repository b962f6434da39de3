//! Options of a second policy that is only compared with the live one.

use std::path::PathBuf;

use clap::Args;

use super::masked::Line;

/// A policy whose decisions are compared with the live one's, and have no effect.
#[derive(Clone, Debug, Args)]
pub struct Shadow {
    /// A policy file, as `rbac-sentinel policy export` writes it: decisions for other services are made by it,
    /// too, and those that differ are counted and listed, before anybody applies it. Read again when it
    /// changes.
    #[arg(
        long = "shadow-policy",
        env = "SHADOW_POLICY",
        value_name = "FILE",
        help_heading = "Authorization"
    )]
    pub policy: Option<PathBuf>,

    /// One of how many decisions is compared.
    #[arg(
        long = "shadow-every",
        env = "SHADOW_EVERY",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000),
        help_heading = "Authorization"
    )]
    pub every: u32,
}

impl Shadow {
    pub(super) fn lines(&self) -> Vec<Line> {
        let policy = self.policy.as_ref();
        let policy = policy.map_or_else(|| "(none)".to_owned(), |path| path.display().to_string());
        vec![
            ("SHADOW_POLICY", policy),
            ("SHADOW_EVERY", self.every.to_string()),
        ]
    }
}
