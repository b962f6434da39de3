//! Searches the highest rate that holds: up in steps until one does not, then between the two.
//!
//! One run may go wrong by chance, so the majority of runs at a rate counts. A rate is given up once it went wrong
//! at least twice and more often than it held; of the two that the search ends with, the one that holds must have held twice, and the
//! other one must have gone wrong three times. A rate above one that was given up does not count, even if it held:
//! the service has failed below it.

use serde::{Deserialize, Serialize};

/// From one step to the next, before a rate is given up.
const STEP: f64 = 1.5;
/// How often a rate must have gone wrong that the search ends with.
const CERTAIN: usize = 3;

/// What came of a run at a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// All objectives were kept.
    Held,
    /// One was missed.
    Missed,
    /// The lab could not do its part.
    Starved,
}

/// What is known of a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Held,
    /// It held, once.
    HeldOnce,
    GivenUp,
    /// Runs contradict each other, or it went wrong once.
    Open,
}

/// A search, and the runs so far.
#[derive(Clone, Debug)]
pub struct Search {
    start: f64,
    /// The lowest and the highest rate that is tried.
    bounds: (f64, f64),
    /// By how much a rate that is given up may lie above the one that is found, as a share.
    precision: f64,
    /// Runs at most.
    most: usize,
    runs: Vec<(f64, Outcome)>,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The highest rate that holds; none if the lowest does not.
    pub held: Option<f64>,
    /// The lowest rate above it that does not; none if the highest does.
    pub given_up: Option<f64>,
    /// Whether the service may hold more: the lab gave up, nothing did, or the search is not over.
    pub at_least: bool,
}

impl Search {
    /// Begins at this rate, and ends after `most` runs at the latest.
    #[must_use]
    pub fn new(start: f64, bounds: (f64, f64), precision: f64, most: usize) -> Self {
        Self {
            start: round(start).clamp(bounds.0, bounds.1),
            bounds,
            precision,
            most,
            runs: Vec::new(),
        }
    }

    /// The rate of the next run; none at the end.
    #[must_use]
    pub fn next(&self) -> Option<f64> {
        if self.runs.len() >= self.most {
            return None;
        }
        self.wanted()
    }

    /// The rate of the next run, however many there were.
    fn wanted(&self) -> Option<f64> {
        let open = self.runs.iter().rev().map(|(rate, _)| *rate);
        let mut open = open.filter(|rate| self.known(*rate) == Known::Open);
        if let Some(rate) = open.next() {
            return Some(rate);
        }
        let (least, most) = self.bounds;
        match (self.floor(), self.ceiling()) {
            (None, None) => Some(self.start),
            (Some(floor), None) if floor < most => Some(round(floor * STEP).min(most)),
            (None, Some(ceiling)) if ceiling > least => Some(round(ceiling / STEP).max(least)),
            (floor, ceiling) => floor
                .zip(ceiling)
                .and_then(|(floor, ceiling)| self.between(floor, ceiling))
                .or_else(|| floor.filter(|rate| self.known(*rate) == Known::HeldOnce))
                .or_else(|| ceiling.filter(|rate| self.votes(*rate).1 < CERTAIN)),
        }
    }

    /// Takes up what came of a run.
    pub fn tell(&mut self, rate: f64, outcome: Outcome) {
        self.runs.push((rate, outcome));
    }

    /// What is known so far.
    #[must_use]
    pub fn found(&self) -> Found {
        let given_up = self.ceiling();
        let starved = given_up.is_some_and(|rate| {
            self.at(rate).any(|outcome| outcome == Outcome::Starved)
                && !self.at(rate).any(|outcome| outcome == Outcome::Missed)
        });
        Found {
            held: self.floor(),
            given_up,
            at_least: starved || given_up.is_none() || self.wanted().is_some(),
        }
    }

    /// A rate between these two, unless they are as near to each other as they need to be.
    fn between(&self, floor: f64, ceiling: f64) -> Option<f64> {
        if ceiling <= floor * (1.0 + self.precision) {
            return None;
        }
        let middle = round((floor * ceiling).sqrt());
        (floor < middle && middle < ceiling).then_some(middle)
    }

    /// The lowest rate that was given up.
    fn ceiling(&self) -> Option<f64> {
        let rates = self.runs.iter().map(|(rate, _)| *rate);
        rates
            .filter(|rate| self.known(*rate) == Known::GivenUp)
            .min_by(f64::total_cmp)
    }

    /// The highest rate that held below that.
    fn floor(&self) -> Option<f64> {
        let ceiling = self.ceiling().unwrap_or(f64::INFINITY);
        let rates = self.runs.iter().map(|(rate, _)| *rate);
        rates
            .filter(|rate| *rate < ceiling)
            .filter(|rate| matches!(self.known(*rate), Known::Held | Known::HeldOnce))
            .max_by(f64::total_cmp)
    }

    fn at(&self, rate: f64) -> impl Iterator<Item = Outcome> {
        let runs = self.runs.iter();
        let here = runs.filter(move |(other, _)| other.total_cmp(&rate).is_eq());
        here.map(|(_, outcome)| *outcome)
    }

    /// How often a rate held, and how often it went wrong.
    fn votes(&self, rate: f64) -> (usize, usize) {
        let held = self.at(rate).filter(|one| *one == Outcome::Held).count();
        (held, self.at(rate).count() - held)
    }

    fn known(&self, rate: f64) -> Known {
        match self.votes(rate) {
            (1, 0) => Known::HeldOnce,
            (held @ 2.., wrong) if held > wrong => Known::Held,
            (held, wrong @ 2..) if wrong > held => Known::GivenUp,
            _ => Known::Open,
        }
    }
}

/// To three digits, as people write rates.
fn round(rate: f64) -> f64 {
    let digits = 10_f64.powf(2.0 - rate.log10().floor());
    (rate * digits).round() / digits
}

#[cfg(test)]
mod tests {
    use rand::{Rng as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const BOUNDS: (f64, f64) = (0.1, 100_000.0);

    /// Searches on a service that answers so; gives what was found and the number of runs.
    fn search(start: f64, mut service: impl FnMut(f64) -> Outcome) -> (Found, usize) {
        let mut search = Search::new(start, BOUNDS, 0.05, 60);
        while let Some(rate) = search.next() {
            let outcome = service(rate);
            search.tell(rate, outcome);
        }
        (search.found(), search.runs.len())
    }

    fn up_to(limit: f64) -> impl Fn(f64) -> Outcome {
        move |rate| {
            if rate <= limit {
                Outcome::Held
            } else {
                Outcome::Missed
            }
        }
    }

    #[test]
    fn limit_is_found_from_below_and_from_above() {
        for (start, limit) in [(20.0, 63.0), (500.0, 63.0), (1.0, 4_321.0), (7.0, 0.37)] {
            let (found, runs) = search(start, up_to(limit));
            let held = found.held.expect("a rate");
            assert!(held <= limit && held * 1.06 > limit, "{found:?} of {limit}");
            assert!(!found.at_least && found.given_up.is_some_and(|rate| rate > limit));
            assert!(runs < 35, "{runs}");
        }
    }

    #[test]
    fn search_that_begins_near_the_limit_takes_few_runs() {
        let (_, runs) = search(50.0, up_to(70.0));
        assert!(runs <= 12, "{runs}");
    }

    #[test]
    fn single_failures_by_chance_do_not_lower_what_is_found() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for _ in 0..200 {
            // One run of forty goes wrong for another reason.
            let (found, _) = search(30.0, |rate| {
                let unlucky = rng.random_range(0..40) == 0;
                if unlucky {
                    Outcome::Missed
                } else {
                    up_to(100.0)(rate)
                }
            });
            let held = found.held.expect("a rate");
            assert!((50.0..=100.0).contains(&held), "{found:?}");
        }
    }

    #[test]
    fn blurred_limit_is_found_within_its_blur() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        for _ in 0..200 {
            let (found, runs) = search(30.0, |rate| up_to(rng.random_range(90.0..110.0))(rate));
            let held = found.held.expect("a rate");
            assert!((82.0..=110.0).contains(&held), "{found:?}");
            assert!(runs <= 40, "{runs}");
        }
    }

    #[test]
    fn rate_above_one_that_fails_does_not_count() {
        // It fails between 200 and 300, and above 900.
        let (found, _) = search(100.0, |rate| {
            let hole = (200.0..300.0).contains(&rate) || rate > 900.0;
            if hole { Outcome::Missed } else { Outcome::Held }
        });
        let held = found.held.expect("a rate");
        assert!((190.0..200.0).contains(&held), "{found:?}");
        assert!(found.given_up.is_some_and(|rate| rate < 300.0));
    }

    #[test]
    fn rate_that_holds_only_sometimes_is_not_found() {
        // Above 50 every second run fails.
        let mut number = 0;
        let (found, _) = search(40.0, |rate| {
            number += 1;
            if rate > 50.0 && number % 2 == 0 {
                Outcome::Missed
            } else {
                up_to(500.0)(rate)
            }
        });
        assert!(found.held.is_some(), "{found:?}");
        let held = found.held.expect("a rate");
        let mut search = Search::new(40.0, BOUNDS, 0.05, 60);
        search.tell(held, Outcome::Held);
        search.tell(held, Outcome::Missed);
        assert_eq!(search.next(), Some(held), "contradictions are asked again");
    }

    #[test]
    fn lab_that_gives_up_makes_the_figure_a_lower_bound() {
        let (found, _) = search(100.0, |rate| {
            if rate > 400.0 {
                Outcome::Starved
            } else {
                Outcome::Held
            }
        });
        assert!(found.at_least && found.held.is_some_and(|rate| rate > 370.0));
    }

    #[test]
    fn search_that_is_cut_short_knows_a_lower_bound() {
        let mut search = Search::new(10.0, BOUNDS, 0.05, 2);
        while let Some(rate) = search.next() {
            search.tell(rate, up_to(12.0)(rate));
        }
        let found = search.found();
        assert_eq!((found.held, found.at_least), (Some(10.0), true));
    }

    #[test]
    fn nothing_holds_or_everything_does() {
        let (found, _) = search(10.0, |_| Outcome::Missed);
        assert_eq!((found.held, found.given_up), (None, Some(0.1)));
        let (found, _) = search(10.0, |_| Outcome::Held);
        assert_eq!((found.held, found.given_up), (Some(100_000.0), None));
        assert!(found.at_least, "more was not tried");
    }

    #[test]
    fn rates_have_three_digits() {
        for (rate, rounded) in [
            (1234.5, 1230.0),
            (0.123_456, 0.123),
            (99.96, 100.0),
            (7.0, 7.0),
        ] {
            assert!((round(rate) - rounded).abs() < 1e-9, "{rate}");
        }
    }
}
