//! The highest rate of logins and of reads at which the service keeps its objectives, and what fills first.
//!
//! Each rate is a run of the lab of its own, in an open model, on servers that go on running: [`stand`] starts or
//! finds them, [`probe`] runs, [`search`] chooses the next rate. [`filled`] names what was full where the service
//! did not hold; [`predict`] says what more replicas should hold before they are asked.

mod filled;
pub mod form;
pub mod options;
pub mod predict;
mod probe;
mod report;
mod search;
mod stand;

use std::path::{Path, PathBuf};
use std::time::Duration;

use testkit::exposition::Exposition;
use testkit::machine::{self, Machine};

use self::filled::Place;
use self::form::{Capacity, Found, Probe, Resource, VERSION, Work};
use self::options::{Only, Options};
use self::predict::predict;
use self::probe::{Ended, Runs};
use self::search::{Outcome, Search};
use self::stand::{SETTINGS, Stand};
use crate::about::About;
use crate::connection::Connection;
use crate::ending::{Ending, Failure};
use crate::output::{print, say};
use crate::report::remove;
use crate::runtime::block_on;
use crate::spawn::reported;
use crate::state::Account;
use crate::stop::{Reason, Stop};
use crate::target::Target;
use crate::yardstick::{self, Yardstick};
use crate::{Result, setup};

/// Time limit of the lab's own requests.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Logins that tell how long a hash takes.
const LOGINS: usize = 3;
/// The lowest and the highest rate that is tried, a second.
const BOUNDS: (f64, f64) = (0.5, 200_000.0);
/// Where a search begins unless it is told, as a share of what could be thought of.
const BEGIN: [f64; 2] = [0.5, 0.25];

/// Searches; returns how it ended.
///
/// # Errors
/// When it cannot begin, or the lab failed.
pub fn run(options: &Options) -> Result<Ending, Failure> {
    block_on(run_async(options))
}

async fn run_async(options: &Options) -> Result<Ending, Failure> {
    let stop = Stop::new();
    stop.on_signals().map_err(Failure::NotStarted)?;
    let id = setup::run_id(setup::now());
    let folder = setup::folder_of(options.out.as_deref(), "capacity", &id);
    let folder = folder.map_err(Failure::NotStarted)?;
    // What an earlier search has left there would be taken for this one's.
    remove(&folder, &report::FILES).map_err(Failure::NotStarted)?;
    let mut capacity = begun(options);
    let mut numbers = options.replicas.clone();
    numbers.sort_unstable();
    numbers.dedup();
    for replicas in numbers {
        if stop.reason().is_some() || capacity.ending != Ending::Held {
            break;
        }
        let measured = measure(options, &mut capacity, replicas, &folder, &stop).await;
        if let (Err(error), None) = (measured, stop.reason()) {
            return Err(if capacity.stands.is_empty() {
                Failure::NotStarted(error)
            } else {
                Failure::Lab(error)
            });
        }
    }
    if matches!(stop.reason(), Some((Reason::Signal, _))) {
        capacity.ending = Ending::Interrupted;
        capacity.because = Some("interrupted: what was found until then follows".to_owned());
    }
    let text = report::text(&capacity);
    print(&text);
    report::write(&capacity, &text, &folder).map_err(Failure::Lab)?;
    print(&format!(
        "\nIn {}: {}\n",
        folder.display(),
        report::FILES.join(", ")
    ));
    if let Some(because) = &capacity.because {
        say(&format!("loadtest: {}: {because}", capacity.ending.word()));
    }
    Ok(capacity.ending)
}

/// What is known before the first run.
fn begun(options: &Options) -> Capacity {
    let own = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = own.iter().chain(&options.plan.settings).map(reported);
    Capacity {
        version: VERSION,
        started: setup::now().to_rfc3339(),
        revision: machine::revision(),
        machine: Machine::this(),
        proxied: options.spawn && options.replicas.iter().any(|number| *number > 1),
        settings: if options.spawn {
            settings.collect()
        } else {
            Vec::new()
        },
        step_seconds: options.step.as_secs_f64(),
        precision: options.precision,
        ..Capacity::default()
    }
}

/// Measures so many replicas; what was found is added as it is found.
async fn measure(
    options: &Options,
    capacity: &mut Capacity,
    replicas: usize,
    folder: &Path,
    stop: &Stop,
) -> Result<()> {
    let mut stand = if options.spawn {
        let what = match replicas {
            1 => "a replica is started".to_owned(),
            more => format!("{more} replicas are started"),
        };
        progress(options, &what);
        Stand::start(options, replicas, capacity.proxied)?
    } else {
        Stand::find(options)?
    };
    let asked = ask(options, capacity, replicas, folder, &mut stand, stop).await;
    let ended = stand.end(stop);
    asked.and(ended)
}

/// Asks a stand for both kinds of work.
async fn ask(
    options: &Options,
    capacity: &mut Capacity,
    replicas: usize,
    folder: &Path,
    stand: &mut Stand,
    stop: &Stop,
) -> Result<()> {
    let connection = Connection::new(None, false, TIMEOUT)?;
    let target = stand.target(&connection)?;
    let Some(seen) = stop.unless(look(&target, &stand.address.admin)).await else {
        return Ok(());
    };
    let (scrape, yardstick) = seen?;
    let about = About::read(&scrape);
    capacity.yardstick = yardstick;
    capacity.shared = options.spawn || target.is_here();
    let place = Place {
        cores: capacity.machine.cores,
        shared: capacity.shared,
    };
    let runs = Runs {
        options,
        address: stand.address.clone(),
        hashes_per_second: hashes_per_second(&scrape, &about, &yardstick),
        folder: below(folder, target.replicas.len()),
    };
    let at = capacity.stands.len();
    let fewer = capacity.stands.last();
    let slowdown = match fewer {
        Some(fewer) => slowdown(fewer.about.hash_permits, about.hash_permits, place).await?,
        None => 1.0,
    };
    capacity.stands.push(form::Stand {
        replicas: if options.spawn {
            replicas
        } else {
            target.replicas.len()
        },
        about,
        works: Vec::new(),
    });
    for work in works(options) {
        let fewer = at.checked_sub(1).map(|before| &capacity.stands[before]);
        let predicted = fewer.and_then(|before| {
            let slowdown = match work {
                Work::Logins => slowdown,
                Work::Reads => 1.0,
            };
            predict(before.of(work)?, before.replicas, replicas, place, slowdown)
        });
        let begin = begin(options, work, &runs, &yardstick);
        let mut found = Found {
            work,
            predicted,
            ..Found::default()
        };
        let ended = search(&runs, begin, &mut found, stop)?;
        if !found.probes.is_empty() {
            conclude(&mut found, place);
            progress(options, &format!("{}: {}", work.word(), found.shown()));
            capacity.stands[at].works.push(found);
        }
        if let Some((ending, why)) = ended {
            let own = stand.ended();
            (capacity.ending, capacity.because) = (ending, Some(own.unwrap_or(why)));
            return Ok(());
        }
    }
    Ok(())
}

/// What the servers say of themselves after some logins, and what this machine can do.
async fn look(target: &Target, admin: &Account) -> Result<(Exposition, Yardstick)> {
    target.check_ready().await?;
    for _ in 0..LOGINS {
        target.check_admin(admin).await?;
    }
    let yardstick = Yardstick::measure(target.far()).await?;
    Ok((target.metrics().await?, yardstick))
}

/// How much longer hashes take on this machine with so many hash threads as now, against before. Nothing is known of
/// a machine elsewhere.
async fn slowdown(before: f64, now: f64, place: Place) -> Result<f64> {
    if !place.shared {
        return Ok(1.0);
    }
    let threads = |permits: f64| {
        (1..place.cores)
            .take_while(|n| (*n as f64) < permits)
            .count()
            + 1
    };
    let (before, now) = (threads(before), threads(now));
    if before == now {
        return Ok(1.0);
    }
    Ok(yardstick::hash_among(now).await? / yardstick::hash_among(before).await?)
}

/// Hashes that the servers do a second, about: by the time of those so far.
fn hashes_per_second(scrape: &Exposition, about: &About, yardstick: &Yardstick) -> f64 {
    let sum = |part: &str| {
        let name = format!("auth_password_hash_duration_seconds_{part}");
        scrape.sum(&name, &[])
    };
    let mean = sum("sum") / sum("count");
    let seconds = if mean > 0.0 {
        mean
    } else {
        yardstick.hash_ms / 1e3
    };
    about.hash_permits.max(1.0) / seconds.max(1e-5)
}

/// Runs at one rate after another until the highest that holds is known, or it has to end.
fn search(
    runs: &Runs<'_>,
    begin: f64,
    found: &mut Found,
    stop: &Stop,
) -> Result<Option<(Ending, String)>> {
    let most = usize::try_from(runs.options.runs).unwrap_or(usize::MAX);
    let mut search = Search::new(begin, BOUNDS, runs.options.precision, most);
    let mut ended = None;
    while let Some(rate) = search.next() {
        let number = found.probes.len() + 1;
        match runs.run(found.work, rate, number, stop)? {
            Ended::Answered(probe) => {
                progress(runs.options, &line(found.work, number, &probe));
                search.tell(rate, probe.outcome);
                found.probes.push(*probe);
            }
            Ended::Broken(ending, why) => {
                ended = Some((ending, why));
                break;
            }
        }
    }
    let known = search.found();
    let last = |rate: Option<f64>, held: bool| {
        let mut probes = found.probes.iter().rev();
        let is = |probe: &&Probe| {
            rate.is_some_and(|rate| probe.rate.total_cmp(&rate).is_eq())
                && (probe.outcome == Outcome::Held) == held
        };
        probes.find(is).cloned()
    };
    let (held, missed) = (last(known.held, true), last(known.given_up, false));
    found.rate = known.held;
    // What a search has not come to is not known.
    found.at_least = known.at_least || ended.is_some();
    (found.held, found.missed) = (held, missed);
    Ok(ended)
}

/// Names what filled first. The lab, and what else the machine does, are no limits of the service.
fn conclude(found: &mut Found, place: Place) {
    let filled = found
        .missed
        .as_ref()
        .and_then(|probe| filled::first(probe, place));
    found.at_least |= filled
        .as_ref()
        .is_some_and(|filled| matches!(filled.resource, Resource::Lab | Resource::Others));
    found.filled = filled;
}

/// A line about a run.
fn line(work: Work, number: usize, probe: &Probe) -> String {
    let outcome = match probe.outcome {
        Outcome::Held => "held".to_owned(),
        Outcome::Missed | Outcome::Starved => probe.complaints.join("; "),
    };
    format!("{} {number}: {}/s: {outcome}", work.word(), probe.rate)
}

fn progress(options: &Options, what: &str) {
    if !options.quiet {
        say(what);
    }
}

fn works(options: &Options) -> Vec<Work> {
    match options.only {
        None => Work::ALL.to_vec(),
        Some(Only::Logins) => vec![Work::Logins],
        Some(Only::Reads) => vec![Work::Reads],
    }
}

/// The rate to begin at.
fn begin(options: &Options, work: Work, runs: &Runs<'_>, yardstick: &Yardstick) -> f64 {
    let [of_hashes, of_round_trips] = BEGIN;
    match work {
        Work::Logins => options
            .logins_from
            .unwrap_or(runs.hashes_per_second * of_hashes),
        Work::Reads => options
            .reads_from
            .unwrap_or(1e3 / yardstick.round_trip_ms.max(0.01) * of_round_trips),
    }
}

/// The folder of the runs on so many replicas.
fn below(folder: &Path, replicas: usize) -> PathBuf {
    folder.join(format!("replicas-{replicas}"))
}
