//! The measurements of several generators as those of one.

use std::time::{Duration, Instant};

use testkit::exposition::{Between, Exposition};

use super::source::Source;
use crate::Result;
use crate::delay::Delay;
use crate::figures::Scrapes;
use crate::histograms::{StoredHistogram, read};
use crate::outcome::Outcome;
use crate::own::Rows;
use crate::result::Failure;
use crate::routes::Route;
use crate::silence::LongestSilence;
use crate::statistics::{IDS, Key, Part, Row, Statistics, Times, times};
use crate::target::REQUESTS;

/// What was measured by all.
#[derive(Debug)]
pub struct Sum {
    /// The users' measurements.
    pub statistics: Statistics,
    /// What the labs themselves asked for.
    pub own: Rows,
    /// The server's metrics: the earliest before a run, the latest after one.
    pub server: Scrapes,
    /// How late the labs were woken.
    pub delay: Delay,
}

impl Sum {
    /// Adds up.
    ///
    /// # Errors
    /// When a histogram cannot be read, or an operation is unknown.
    pub fn of(sources: &[Source<'_>]) -> Result<Self> {
        let mut statistics = Statistics::default();
        let mut own = Rows::new();
        let mut late = times();
        // All spans are relative to the first user of all.
        let base = Instant::now();
        for source in sources {
            users(&mut statistics, source, base)?;
            for row in &source.shared.own {
                let key = (row.operation.clone(), row.status);
                add(own.entry(key).or_insert_with(times), &row.measured)?;
            }
            add(&mut late, &source.shared.delay)?;
        }
        statistics.silence = silence(sources);
        Ok(Self {
            statistics,
            own,
            server: scrapes(sources)?,
            delay: Delay::of(late),
        })
    }
}

/// Adds a stored histogram to another one.
fn add(sum: &mut Times, stored: &str) -> Result<()> {
    sum.add(read(stored)?)
        .map_err(|error| format!("a histogram cannot be added: {error}").into())
}

fn users(sum: &mut Statistics, source: &Source<'_>, base: Instant) -> Result<()> {
    let shared = source.shared;
    for (part, span) in [
        (&mut sum.ramp, shared.ramp),
        (&mut sum.steady, shared.steady),
    ] {
        extend(
            part,
            span.map(|span| span.map(|at| base + after(source.from + at))),
        );
    }
    for stored in &source.result.histograms {
        let part = if stored.ramp {
            &mut sum.ramp
        } else {
            &mut sum.steady
        };
        let row = part.rows.entry(key(stored)?).or_insert_with(Row::empty);
        add(&mut row.times, &stored.measured)?;
        add(&mut row.corrected, &stored.corrected)?;
    }
    for failure in &source.result.failures {
        failed(sum, failure)?;
    }
    Ok(())
}

/// A time that is not before the first user.
fn after(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

fn extend(part: &mut Part, span: Option<[Instant; 2]>) {
    if let Some([first, last]) = span {
        let (earliest, latest) = part.span.unwrap_or((first, last));
        part.span = Some((earliest.min(first), latest.max(last)));
    }
}

fn route(name: &str) -> Result<Route> {
    Route::named(name).ok_or_else(|| format!("this lab knows no operation {name}").into())
}

fn key(stored: &StoredHistogram) -> Result<Key> {
    let outcome = Outcome::of_word(&stored.outcome);
    let outcome = outcome.ok_or_else(|| format!("there is no outcome {}", stored.outcome))?;
    let status = (stored.status > 0).then_some(stored.status);
    Ok((route(&stored.operation)?, status, outcome))
}

fn failed(sum: &mut Statistics, failure: &Failure) -> Result<()> {
    let (route, word) = (route(&failure.operation)?, failure.word.clone());
    if !failure.sent {
        *sum.unsent.entry((route, word)).or_default() += failure.count;
        return Ok(());
    }
    let status = (failure.status > 0).then_some(failure.status);
    let failures = sum.failures.entry((route, status, word)).or_default();
    failures.count += failure.count;
    let ids = failure.request_ids.iter().cloned();
    failures.request_ids.extend(ids);
    failures.request_ids.truncate(IDS);
    Ok(())
}

/// The longest that one of them noticed: of the others it is not known that they were answered meanwhile.
fn silence(sources: &[Source<'_>]) -> LongestSilence {
    let first = |source: &Source<'_>| source.span().map_or(source.from, |[first, _]| first);
    let earliest = sources.iter().map(first).fold(f64::INFINITY, f64::min);
    let each = sources.iter().map(|source| LongestSilence {
        at: source.result.silence.at + first(source) - earliest,
        ..source.result.silence
    });
    let longest = each.max_by(|one, other| one.seconds.total_cmp(&other.seconds));
    longest.unwrap_or_default()
}

/// By what the server had answered then, which needs no clocks that agree. Each lab reads its metrics before its own
/// first request and after its last one, so the least and the most of all enclose the requests of all.
fn scrapes(sources: &[Source<'_>]) -> Result<Scrapes> {
    let answered = |scrape: &&Exposition| scrape.sum(&format!("{REQUESTS}_count"), &[]);
    let least = |one: &&Exposition, other: &&Exposition| answered(one).total_cmp(&answered(other));
    let before = sources.iter().map(|source| &source.before).min_by(least);
    let after = sources.iter().map(|source| &source.after).max_by(least);
    let middles: Option<Vec<_>> = sources
        .iter()
        .map(|source| source.middle.as_ref())
        .collect();
    let middle = middles.and_then(|all| all.into_iter().max_by(least));
    let (before, after) = before.zip(after).ok_or("there is nothing to merge")?;
    Ok(Scrapes {
        whole: Between {
            before: before.clone(),
            after: after.clone(),
        },
        middle: middle.cloned(),
    })
}
