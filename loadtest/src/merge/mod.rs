//! Makes one result of those of several generators that asked the same server at the same time: their measurements
//! are added up, and judged and reconciled once.

mod refusal;
mod seconds;
mod source;
mod sum;

use std::path::{Path, PathBuf};

use crate::Result;
use crate::ending::{Ending, Failure};
use crate::expectation::Expectations;
use crate::figures::figures;
use crate::judge::{Case, Counted, judge};
use crate::pacer::Arrivals;
use crate::resources::Resources;
use crate::result::{Cores, Load, ReplicaResult, RunResult, VERSION};
use crate::shared::Generator;
use crate::usage::Usage;
use crate::yardstick::Yardstick;
use crate::{histograms, report, setup};
use source::Source;
use sum::Sum;

/// Merges these results, each `result.json` or the folder that it is in, and reports what came out.
///
/// # Errors
/// When they cannot be added up; as a sentence.
pub fn merge(places: &[PathBuf], out: Option<&Path>) -> Result<Ending, Failure> {
    let results = places.iter().map(|place| RunResult::read(place));
    let results: Result<Vec<_>> = results.collect();
    let results = results.map_err(Failure::NotStarted)?;
    let sources = refusal::checked(&results).map_err(Failure::NotStarted)?;
    let merged = merged(&sources).map_err(Failure::NotStarted)?;
    let folder = folder(&merged, places, out).map_err(Failure::NotStarted)?;
    report::publish(&merged, &folder)
}

/// The folder of the merged result, where nothing of an earlier one is left.
fn folder(merged: &RunResult, places: &[PathBuf], out: Option<&Path>) -> Result<PathBuf> {
    let what = format!("{}-merged", merged.scenario);
    let folder = setup::folder_of(out, &what, &setup::run_id(setup::now()))?;
    for place in places {
        let place = place.canonicalize()?;
        let own = if place.is_dir() {
            Some(place.as_path())
        } else {
            place.parent()
        };
        if own == Some(&folder) {
            let place = place.display();
            return Err(format!("the merged result would take the place of {place}").into());
        }
    }
    report::clear(&folder)?;
    Ok(folder)
}

/// The result of all.
fn merged(sources: &[Source<'_>]) -> Result<RunResult> {
    let first = sources.first().ok_or("there is nothing to merge")?;
    let sum = Sum::of(sources)?;
    let mut result = RunResult {
        histograms: histograms::stored(&sum.statistics)?,
        delay: [0.5, 0.95, 0.99, 1.0].map(|q| sum.delay.millis(q)),
        ..described(sources, figures(&sum.statistics, &sum.server))
    };
    result.resources = resources(sources, &sum);
    let expected = Expectations::read(&first.shared.expected)?;
    let case = Case {
        expected: &expected,
        saturates: first.shared.saturates,
        ignore_speed: first.shared.ignore_speed,
        statistics: &sum.statistics,
        own: &sum.own,
        goose: None,
        server: &sum.server,
        counted: Counted::Alone,
        delay: &sum.delay,
    };
    judge(&mut result, &case);
    for source in sources {
        // What each has found out by itself: that its users and goose counted the same.
        let own = source.result.identities.iter();
        let own = own.filter(|one| result.identities.iter().all(|all| all.name != one.name));
        let own = own.map(|one| {
            let mut one = one.clone();
            one.name = format!("{} (run {})", one.name, source.result.run_id);
            one
        });
        let own: Vec<_> = own.collect();
        result.identities.extend(own);
    }
    let invalid = result.generators.iter().find_map(|one| {
        let why = one.invalid.as_ref()?;
        Some(format!("run {}: {why}", one.run_id))
    });
    result.ending = match &invalid {
        Some(_) => Ending::Invalid,
        None if result.complaints().is_empty() => Ending::Held,
        None => Ending::Missed,
    };
    result.because = invalid;
    result.held = result.ending == Ending::Held;
    Ok(result)
}

/// The figures, with what is known of the runs beside them.
fn described(sources: &[Source<'_>], figures: RunResult) -> RunResult {
    let results = || sources.iter().map(|source| source.result);
    let mut revisions: Vec<_> = results().map(|one| one.revision.as_str()).collect();
    revisions.dedup();
    let ids: Vec<_> = results().map(|one| one.run_id.as_str()).collect();
    let mut scrape = figures.scrape;
    scrape.bytes = results().map(|one| one.scrape.bytes).max().unwrap_or(0);
    let first = sources.iter().min_by(|a, b| a.from.total_cmp(&b.from));
    let first = first.map(|source| source.result);
    RunResult {
        version: VERSION,
        scenario: first.map(|one| one.scenario.clone()).unwrap_or_default(),
        description: first.and_then(|one| one.description.clone()),
        machine: first.map(|one| one.machine.clone()).unwrap_or_default(),
        started: first.map(|one| one.started.clone()).unwrap_or_default(),
        run_id: ids.join("+"),
        revision: revisions.join(", "),
        load: load(sources),
        yardstick: yardstick(sources),
        cores: cores(sources),
        memory: results().find_map(|one| one.memory),
        replicas: replicas(sources),
        arrivals: arrivals(sources),
        timeline: seconds::merged(sources),
        generators: sources.iter().map(generator).collect(),
        scrape,
        ..figures
    }
}

fn generator(source: &Source<'_>) -> Generator {
    let result = source.result;
    let invalid = (result.ending == Ending::Invalid).then(|| {
        let because = result.because.clone();
        because.unwrap_or_else(|| "the lab was starved".to_owned())
    });
    Generator {
        run_id: result.run_id.clone(),
        began: source.shared.began.clone(),
        seconds: result.seconds,
        revision: result.revision.clone(),
        machine: result.machine.clone(),
        users: result.load.users,
        requests: result.requests,
        cores: result.cores.map(|cores| cores.lab),
        delay: result.delay,
        invalid,
    }
}

/// Users and their rates together; the longest of their times.
fn load(sources: &[Source<'_>]) -> Load {
    let loads = || sources.iter().map(|source| &source.result.load);
    Load {
        users: loads().map(|load| load.users).sum(),
        rate: loads().map(|load| load.rate).sum(),
        run_time: loads().map(|load| load.run_time).fold(0.0, f64::max),
        seed: loads().next().map(|load| load.seed).unwrap_or_default(),
        arrivals: loads().flat_map(|load| load.arrivals.clone()).collect(),
        settings: Vec::new(),
    }
}

/// What the fastest of the machines can do: who measures while others ask already finds a slower one.
fn yardstick(sources: &[Source<'_>]) -> Yardstick {
    let least = |of: fn(&Yardstick) -> f64| {
        let each = sources.iter().map(|source| of(&source.result.yardstick));
        each.fold(f64::INFINITY, f64::min)
    };
    Yardstick {
        hash_ms: least(|one| one.hash_ms),
        round_trip_ms: least(|one| one.round_trip_ms),
    }
}

/// Those of all labs, and of the server as the lab beside it has measured them.
fn cores(sources: &[Source<'_>]) -> Option<Cores> {
    let each = || sources.iter().map(|source| source.result.cores);
    Some(Cores {
        lab: each().map(|cores| Some(cores?.lab)).sum::<Option<f64>>()?,
        server: each().find_map(|cores| cores?.server),
    })
}

fn resources(sources: &[Source<'_>], sum: &Sum) -> Option<Resources> {
    let seconds = sum.statistics.steady.seconds();
    let used = |source: &Source<'_>| {
        let resources = source.result.resources?;
        Some(resources.lab_cores? * resources.seconds)
    };
    let lab = sources.iter().map(used).sum::<Option<f64>>();
    let used = lab.map(|lab| Usage {
        lab,
        server: None,
        machine: None,
    });
    Resources::of(&sum.server.steady()?, seconds, used)
}

/// From the least that a process had answered before a run to the most after one.
fn replicas(sources: &[Source<'_>]) -> Vec<ReplicaResult> {
    let each: Vec<_> = sources.iter().map(Source::replicas).collect();
    let Some(first) = each.first() else {
        return Vec::new();
    };
    let replicas = first.iter().enumerate().map(|(at, &replica)| {
        let of = |replica: &ReplicaResult| {
            let before = replica.answered_before?;
            Some((before, before + replica.requests))
        };
        let all = each.iter().filter_map(|all| of(all.get(at).copied()?));
        let enclosing = all.reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
        let Some((least, most)) = enclosing else {
            return replica.clone();
        };
        ReplicaResult {
            answered_before: Some(least),
            requests: most - least,
            ..replica.clone()
        }
    });
    replicas.collect()
}

/// What became of all, by kind of users.
fn arrivals(sources: &[Source<'_>]) -> Vec<Arrivals> {
    let mut sums: Vec<Arrivals> = Vec::new();
    for source in sources {
        let id = &source.result.run_id;
        for one in &source.result.arrivals {
            let mut one = one.clone();
            one.reason = one.reason.map(|reason| format!("run {id}: {reason}"));
            let Some(sum) = sums.iter_mut().find(|sum| sum.kind == one.kind) else {
                sums.push(one);
                continue;
            };
            sum.rates = format!("{} + {}", sum.rates, one.rates);
            sum.users += one.users;
            sum.due += one.due;
            sum.begun += one.begun;
            sum.reached &= one.reached;
            sum.late_ms = sum.late_ms.max(one.late_ms);
            sum.reason = match (sum.reason.take(), one.reason) {
                (Some(one), Some(other)) => Some(format!("{one}; {other}")),
                (one, other) => one.or(other),
            };
        }
    }
    sums
}

#[cfg(test)]
mod tests;
