//! What cannot be added up, and why.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset};
use testkit::exposition::Exposition;

use super::source::Source;
use crate::Result;
use crate::ending::Ending;
use crate::result::RunResult;
use crate::shared::SharedRun;

/// So many seconds are no other start of a process: its clock may be read anew.
const SAME_START: f64 = 0.5;

/// These results, if they can be added up.
///
/// # Errors
/// Why they cannot, in a sentence.
pub fn checked(results: &[RunResult]) -> Result<Vec<Source<'_>>> {
    if results.len() < 2 {
        return Err("one result alone cannot be merged: name those of all generators".into());
    }
    let mut ids = BTreeSet::new();
    if let Some(twice) = results.iter().find(|one| !ids.insert(&one.run_id)) {
        let id = &twice.run_id;
        return Err(format!("run {id} is given twice: its requests would count twice").into());
    }
    let sources = sources(results)?;
    let (first, others) = sources.split_first().ok_or("there is nothing to merge")?;
    for other in others {
        if let Some(what) = unlike(first, other) {
            let (one, other) = (&first.result.run_id, &other.result.run_id);
            return Err(format!("runs {one} and {other} cannot be added up: {what}").into());
        }
    }
    at_once(&sources)?;
    Ok(sources)
}

fn sources(results: &[RunResult]) -> Result<Vec<Source<'_>>> {
    let mut shared = Vec::new();
    for result in results {
        let (one, after) = complete(result)?;
        shared.push((result, one, after, began(result, one)?));
    }
    let first = shared.iter().map(|(.., began)| *began).min();
    let sources = shared.into_iter().map(|(result, shared, after, began)| {
        let since = first.map(|first| began - first).unwrap_or_default();
        let middle = shared.middle.as_deref().map(Exposition::parse);
        Ok(Source {
            result,
            shared,
            from: since.as_seconds_f64(),
            before: Exposition::parse(&shared.before)?,
            middle: middle.transpose()?,
            after: Exposition::parse(after)?,
        })
    });
    sources.collect()
}

/// What a run has left for the merge, and the server's metrics after it.
fn complete(result: &RunResult) -> Result<(&SharedRun, &str)> {
    let id = &result.run_id;
    if matches!(result.ending, Ending::Interrupted | Ending::BrokeOff) {
        let because = result.because.as_deref().unwrap_or("nobody knows why");
        let word = result.ending.word();
        return Err(format!("run {id} did not come to its end: {word}: {because}").into());
    }
    let Some(shared) = &result.shared else {
        return Err(format!(
            "run {id} was not --shared: it has compared the server's counts with its own requests"
        )
        .into());
    };
    let after = shared.after.as_deref();
    let after =
        after.ok_or_else(|| format!("run {id} could not read the server's counts afterwards"))?;
    Ok((shared, after))
}

fn began(result: &RunResult, shared: &SharedRun) -> Result<DateTime<FixedOffset>> {
    let began = DateTime::parse_from_rfc3339(&shared.began);
    began.map_err(|_| {
        let (id, began) = (&result.run_id, &shared.began);
        format!("run {id} does not say when it began: `{began}`").into()
    })
}

/// In what two runs differ that must not.
fn unlike(one: &Source<'_>, other: &Source<'_>) -> Option<String> {
    let (a, b) = (one.result, other.result);
    if a.scenario != b.scenario {
        return Some(format!("one is of {}, one of {}", a.scenario, b.scenario));
    }
    let about = |result: &RunResult| result.description.as_ref().map(|one| one.about.clone());
    if about(a) != about(b) || one.shared.saturates != other.shared.saturates {
        return Some(format!(
            "they are of two scenarios of the name {}",
            a.scenario
        ));
    }
    if one.shared.expected != other.shared.expected {
        return Some("something else was expected of them".to_owned());
    }
    if one.shared.ignore_speed != other.shared.ignore_speed {
        return Some("speed was judged in one of them only".to_owned());
    }
    server(one, other)
}

/// In what their servers differ.
fn server(one: &Source<'_>, other: &Source<'_>) -> Option<String> {
    let (a, b) = (&one.result.about, &other.result.about);
    if (&a.version, &a.revision) != (&b.version, &b.revision) {
        return Some(format!(
            "they asked servers of two builds, {} ({}) and {} ({})",
            a.version, a.revision, b.version, b.revision
        ));
    }
    if a != b {
        return Some("they asked servers of different settings".to_owned());
    }
    let (a, b) = (one.replicas(), other.replicas());
    if a.len() != b.len() {
        return Some(format!(
            "one was told of {} replicas of the server, one of {}",
            a.len(),
            b.len()
        ));
    }
    let mut pairs = a.iter().zip(&b);
    let differs = pairs.any(|(a, b)| (a.started - b.started).abs() > SAME_START);
    differs.then(|| "they asked two servers, or one that was started again between".to_owned())
}

/// Whether all were under way at the same time.
fn at_once(sources: &[Source<'_>]) -> Result<()> {
    let mut spans = Vec::new();
    for source in sources {
        let id = &source.result.run_id;
        let span = source.span();
        let [first, last] = span.ok_or_else(|| format!("run {id} has sent nothing"))?;
        spans.push((id, first, last));
    }
    let latest = spans.iter().max_by(|one, other| one.1.total_cmp(&other.1));
    let earliest = spans.iter().min_by(|one, other| one.2.total_cmp(&other.2));
    match latest.zip(earliest) {
        Some(((late, first, _), (early, _, last))) if first >= last => Err(format!(
            "the runs were never under way at the same time: {early} had ended when {late} began"
        )
        .into()),
        _ => Ok(()),
    }
}
