//! Alerts on attacks, and on protection that is weaker than it should be.

mod attack;
mod protection;

use super::{Group, RuleFile};

pub(super) fn file() -> RuleFile {
    RuleFile {
        name: "security.yml",
        about: "Attacks, and degraded protection.",
        groups: vec![
            Group {
                name: "auth-attacks",
                records: Vec::new(),
                alerts: attack::alerts(),
            },
            Group {
                name: "auth-protection",
                records: Vec::new(),
                alerts: protection::alerts(),
            },
        ],
    }
}
