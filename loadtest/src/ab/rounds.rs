//! Asks both builds in turns, round after round.

use std::time::{Duration, Instant};

use rand::Rng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use super::options::Options;
use super::side::Side;
use crate::ending::{Ending, Failure};
use crate::output::say;
use crate::scenarios::{Scenario, Step};
use crate::statistics::Times;
use crate::stop::Stop;
use crate::{Result, setup};

/// How long one build is asked before the other one is.
const SLICE: Duration = Duration::from_millis(20);
/// How much of a round is taken for what is not measured, before it is known.
const BESIDE: Duration = Duration::from_secs(1);

/// A step that is compared: the kind of its user, and which one it is.
pub struct Asked<'a> {
    /// The kind of its user.
    pub kind: usize,
    /// The step.
    pub step: &'a Step,
}

/// What a build needed in one round for one step.
#[derive(Clone, Debug)]
pub struct Needed {
    processor: Duration,
    times: Times,
}

/// What both builds needed, by round and step.
pub type Rounds = Vec<Vec<[Needed; 2]>>;

/// All rounds, or why there is nothing to compare.
pub async fn measure(
    options: &Options,
    scenario: &Scenario,
    asked: &[Asked<'_>],
    sides: &mut [Side; 2],
    stop: &Stop,
) -> Result<Result<Rounds, (Ending, String)>, Failure> {
    let end = Instant::now() + options.run_time;
    let mut rng = setup::unpredictable();
    let steps = u32::try_from(asked.len()).unwrap_or(u32::MAX);
    let mut rounds = Rounds::new();
    let mut beside = BESIDE;
    for number in 1..=options.rounds {
        let began = Instant::now();
        start(scenario, sides, stop, &mut rng)
            .await
            .map_err(Failure::NotStarted)?;
        let left = end.saturating_duration_since(began) / (options.rounds - number + 1);
        let block = left.saturating_sub(beside) / steps;
        if !options.quiet {
            let millis = block.as_millis();
            say(&format!(
                "round {number} of {}: {millis} ms for each of {} steps",
                options.rounds,
                asked.len()
            ));
        }
        let mut round: Vec<Option<[Needed; 2]>> = asked.iter().map(|_| None).collect();
        let mut order: Vec<_> = (0..asked.len()).collect();
        order.shuffle(&mut rng);
        for at in order {
            let needed = ask(sides, &asked[at], block, &mut rng).await;
            round[at] = Some(needed.map_err(Failure::Lab)?);
            if stop.reason().is_some() {
                return Ok(Ok(rounds));
            }
            if let Some(failed) = failed(sides, asked[at].step) {
                return Ok(Err(failed));
            }
        }
        rounds.push(round.into_iter().flatten().collect());
        let [old, new] = sides;
        let (old, new) = tokio::join!(old.stop(stop), new.stop(stop));
        old.and(new).map_err(Failure::Lab)?;
        beside = began.elapsed().saturating_sub(block * steps);
    }
    Ok(Ok(rounds))
}

/// Starts both servers, one after the other.
async fn start(
    scenario: &Scenario,
    sides: &mut [Side; 2],
    stop: &Stop,
    rng: &mut ChaCha8Rng,
) -> Result<()> {
    let [old, new] = sides;
    let mut order = [old, new];
    order.shuffle(rng);
    for side in order {
        if stop.reason().is_none() {
            side.start(scenario, stop).await?;
        }
    }
    Ok(())
}

/// Lets both builds take a step for this time, in turns; each turn is followed by its mirror image, so that
/// what rises or falls meanwhile does so for both.
async fn ask(
    sides: &mut [Side; 2],
    asked: &Asked<'_>,
    time: Duration,
    rng: &mut ChaCha8Rng,
) -> Result<[Needed; 2]> {
    let first = usize::from(rng.random::<bool>());
    let turns = [first, 1 - first, 1 - first, first];
    for at in [first, 1 - first] {
        // Caches are filled, connections are made.
        sides[at].slice(asked.kind, asked.step, SLICE).await?;
        sides[at].requests();
    }
    let before = [0, 1].map(|at| sides[at].processor().unwrap_or_default());
    let began = Instant::now();
    loop {
        for at in turns {
            sides[at].slice(asked.kind, asked.step, SLICE).await?;
        }
        if began.elapsed() >= time {
            break;
        }
    }
    // Whatever is still done for a request after its answer counts as well: both are read at the end.
    Ok([0, 1].map(|at| Needed {
        processor: sides[at]
            .processor()
            .unwrap_or_default()
            .saturating_sub(before[at]),
        times: sides[at].requests().times,
    }))
}

/// Whether a build cannot be compared, and why.
fn failed(sides: &mut [Side; 2], step: &Step) -> Option<(Ending, String)> {
    for side in sides {
        if let Some(ended) = side.ended() {
            let why = format!("the {} build {ended} during `{}`", side.name, step.text());
            return Some((Ending::BrokeOff, why));
        }
        let failures = side.failures();
        if !failures.is_empty() {
            let failures = failures.join("; ");
            let why = format!(
                "the {} build does not do `{}`: {failures}",
                side.name,
                step.text()
            );
            return Some((Ending::Invalid, why));
        }
    }
    None
}

impl Needed {
    /// Processor time of a request, in seconds.
    pub fn processor(&self) -> f64 {
        self.processor.as_secs_f64() / self.times.len().max(1) as f64
    }

    /// The mean of the middle half of the times, in seconds: as robust as the median, and finer than the
    /// microseconds that are recorded.
    pub fn time(&self) -> f64 {
        let quantiles = (25..=75).map(|percent| f64::from(percent) / 100.0);
        let sum: u64 = quantiles
            .clone()
            .map(|q| self.times.value_at_quantile(q))
            .sum();
        sum as f64 / quantiles.count() as f64 / 1e6
    }
}
