//! How a run ended, in one word, and the program's exit codes.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Error;

/// How a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Everything held.
    #[default]
    Held,
    /// A target, an identity or the baseline was missed.
    Missed,
    /// The server ended or was started again during the run.
    BrokeOff,
    /// A signal ended it.
    Interrupted,
    /// The lab was starved, so that its measurements say nothing.
    Invalid,
}

/// Exit code when there was no run.
pub const NOT_STARTED: u8 = 2;
/// Exit code when the lab itself failed.
pub const LAB_FAILED: u8 = 4;

/// Why there is no result.
#[derive(Debug)]
pub enum Failure {
    /// There was no run: wrong usage, or a server that cannot be tested.
    NotStarted(Error),
    /// The lab itself failed, and the run is lost.
    Lab(Error),
}

impl Failure {
    /// The exit code.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Self::NotStarted(_) => NOT_STARTED,
            Self::Lab(_) => LAB_FAILED,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(error) => write!(f, "{error}"),
            Self::Lab(error) => write!(f, "the lab failed, and the run is lost: {error}"),
        }
    }
}

impl Ending {
    /// The exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Held => 0,
            Self::Missed => 1,
            Self::BrokeOff => 3,
            Self::Interrupted => 5,
            Self::Invalid => 6,
        }
    }

    /// The word in reports.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Missed => "missed",
            Self::BrokeOff => "broke off",
            Self::Interrupted => "interrupted",
            Self::Invalid => "invalid",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_ending_has_a_code_of_its_own() {
        let endings = [
            Ending::Held,
            Ending::Missed,
            Ending::BrokeOff,
            Ending::Interrupted,
            Ending::Invalid,
        ];
        let mut codes: BTreeSet<_> = endings.map(Ending::code).into();
        codes.extend([NOT_STARTED, LAB_FAILED]);
        assert_eq!(codes.len(), endings.len() + 2);
        let readme = include_str!("../README.md");
        for ending in endings {
            let row = format!("| {} | {} |", ending.code(), ending.word());
            assert!(readme.contains(&row), "README.md has no row {row}");
        }
    }
}
