//! Expectations in words, as scenarios have them, and what became of rates.

use std::str::FromStr;

use crate::pacer::Arrivals;
use crate::result::Verdict;
use crate::thresholds::Threshold;
use crate::verdict::{Fact, Objective};

/// What is expected of a run.
#[derive(Clone, Debug)]
pub enum Expectation {
    /// One of the lab's own objectives.
    Objective(Objective),
    /// Any other bound.
    Threshold(Threshold),
    /// Of the server's counters.
    Fact(Fact),
}

/// Objectives by their words.
const OBJECTIVES: [(&str, Objective); 4] = [
    ("no failures", Objective::NO_FAILURES),
    ("memory beyond hashing", Objective::MEMORY_OF_HASHING),
    ("flat memory", Objective::FLAT_MEMORY),
    ("few new series", Objective::FEW_NEW_SERIES),
];

/// Facts by their names.
const FACTS: [Fact; 8] = [
    Fact::IDLE_GATE,
    Fact::SHED,
    Fact::DENIALS,
    Fact::LIMITED,
    Fact::UNKNOWN_USERS,
    Fact::BAD_PASSWORDS,
    Fact::NO_FAMILY_REVOKED,
    Fact::TWO_TABS,
];

impl FromStr for Expectation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((_, objective)) = OBJECTIVES.iter().find(|(words, _)| *words == text) {
            return Ok(Self::Objective(*objective));
        }
        if let Some(fact) = FACTS.iter().find(|fact| fact.name == text) {
            return Ok(Self::Fact(*fact));
        }
        let threshold: Threshold = text.parse().map_err(|problem| {
            let words = OBJECTIVES.iter().map(|(words, _)| *words);
            let words: Vec<_> = words.chain(FACTS.iter().map(|fact| fact.name)).collect();
            format!("{problem}; or one of: {}", words.join(", "))
        })?;
        let objective = threshold.objective().map(Self::Objective);
        Ok(objective.unwrap_or(Self::Threshold(threshold)))
    }
}

/// All that is expected of a run, by kind.
#[derive(Clone, Debug, Default)]
pub struct Expectations {
    /// Objectives of the figures.
    pub objectives: Vec<Objective>,
    /// Further bounds of figures.
    pub thresholds: Vec<Threshold>,
    /// Expectations of the server's counters.
    pub facts: Vec<Fact>,
}

impl Expectations {
    /// In words, as scenarios have them.
    ///
    /// # Errors
    /// Names the words that are none.
    pub fn read(words: &[String]) -> Result<Self, String> {
        let mut all = Self::default();
        for words in words {
            match words.parse()? {
                Expectation::Objective(objective) => all.objectives.push(objective),
                Expectation::Threshold(threshold) => all.thresholds.push(threshold),
                Expectation::Fact(fact) => all.facts.push(fact),
            }
        }
        Ok(all)
    }
}

/// Whether a rate was reached.
#[must_use]
pub fn rate(arrivals: &Arrivals, ignore_speed: bool) -> Verdict {
    let mut detail = format!("{} of {} begun", arrivals.begun, arrivals.due);
    if let Some(reason) = &arrivals.reason {
        detail = format!("target rate not reached, {detail}: {reason}");
    }
    if ignore_speed {
        detail.push_str(" (not judged)");
    }
    Verdict {
        name: format!("{} arrive at {}", arrivals.kind, arrivals.rates),
        held: arrivals.reached || ignore_speed,
        detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_scenarios_are_expectations() {
        let read = |text: &str| text.parse::<Expectation>();
        assert!(matches!(read("flat memory"), Ok(Expectation::Objective(_))));
        assert!(matches!(read("P95 <= 25ms"), Ok(Expectation::Objective(_))));
        for target in [
            "P95 <= 4 hashes",
            "P99 of GET /users/me on the server <= 12 round trips",
        ] {
            assert!(matches!(read(target), Ok(Expectation::Objective(_))));
        }
        assert!(matches!(read("P95 < 25ms"), Ok(Expectation::Threshold(_))));
        assert!(matches!(
            read("denials are counted"),
            Ok(Expectation::Fact(_))
        ));
        for threshold in [
            "p99.9 of GET /users/me < 2.5ms",
            "failed <= 0.1%",
            "goodput > 100/s",
        ] {
            let read: Threshold = threshold.parse().expect("a threshold");
            assert_eq!(read.to_string().parse(), Ok(read), "{threshold}");
        }
        let error = read("no falures").expect_err("no words");
        assert!(
            error.contains("no failures, memory beyond hashing"),
            "{error}"
        );
    }
}
