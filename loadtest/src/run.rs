//! A run, from the first check to the verdict.

use std::sync::{Arc, Mutex, OnceLock};

use chrono::SecondsFormat;
use testkit::exposition::Between;
use testkit::machine;

use crate::attack::{self, Load};
use crate::cli::Options;
use crate::delay::{Delay, Probe};
use crate::figures::{figures, server_times};
use crate::ledger::{Book, Ledger};
use crate::live::{self, Metrics};
use crate::memory::Memory;
use crate::player::Shared;
use crate::reconcile::{Counts, reconcile};
use crate::result::{self, Cores, RunResult};
use crate::routes::Route;
use crate::scenarios::Scenario;
use crate::setup::{self, Driven};
use crate::target::REQUESTS;
use crate::{Result, baseline, brackets, report};

/// Runs a scenario; gives whether everything held.
///
/// # Errors
/// When there could be no run; as a sentence.
pub fn run(options: &Options) -> Result<bool> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(run_async(options))
}

async fn run_async(options: &Options) -> Result<bool> {
    let scenario = options.scenario.ok_or("which scenario?")?.scenario();
    let started = setup::now();
    let run_id = setup::run_id(started);
    let folder = setup::folder(options, scenario, &run_id)?;
    let load = setup::load(options, scenario, &folder);
    let earlier = options.baseline.as_deref().map(RunResult::read);
    let earlier = earlier.transpose()?;
    if let Some(earlier) = &earlier {
        baseline::check(earlier, scenario.name, load.ramp.users)?;
    }
    let driven = setup::server(options, scenario, &run_id).await?;
    let seen = drive(options, scenario, &load, &run_id, driven).await?;

    let seconds = seen.book.seconds();
    let mut result = RunResult {
        scenario: scenario.name.to_owned(),
        run_id,
        started: started.to_rfc3339_opts(SecondsFormat::Secs, true),
        revision: seen.revision.clone(),
        spawned: options.spawn,
        load: result::Load {
            users: load.ramp.users,
            rate: load.ramp.rate,
            run_time: load.run_time.as_secs_f64(),
            seed: options.seed,
            settings: if options.spawn {
                setup::told_settings(options, scenario)
            } else {
                Vec::new()
            },
        },
        cores: seen.processor_seconds.map(|(lab, server)| Cores {
            lab: lab / seconds,
            server: server / seconds,
        }),
        memory: seen.memory,
        delay: [0.5, 0.95, 0.99].map(|q| seen.delay.millis(q)),
        ..figures(&seen.book, &seen.server)
    };
    judge(&mut result, options, scenario, &seen);
    if let Some(earlier) = &earlier {
        let against = baseline::compare(&result, earlier, options.tolerance / 100.0);
        result.verdicts.extend(against);
    }
    report::write(&result, &folder)?;
    print!("{}", report::markdown::report(&result));
    let place = folder.display();
    println!("\nIn {place}: result.json, report.md, goose.html");
    let complaints = result.complaints();
    for complaint in &complaints {
        eprintln!("loadtest: {complaint}");
    }
    Ok(complaints.is_empty())
}

/// What was seen of a run.
struct Seen {
    revision: String,
    /// By the users.
    book: Book,
    /// By goose.
    goose: Counts,
    /// By the server.
    server: Between,
    /// Of the lab and of its server.
    processor_seconds: Option<(f64, f64)>,
    memory: Option<Memory>,
    delay: Delay,
}

/// Lets the users come, and watches.
async fn drive(
    options: &Options,
    scenario: &Scenario,
    load: &Load,
    run_id: &str,
    driven: Driven,
) -> Result<Seen> {
    let Driven {
        server,
        watch,
        target,
        admin,
    } = driven;
    let accounts = setup::prepare(&target, run_id, options.seed, scenario.accounts).await?;
    let before = target.settled_metrics().await?;
    let revision = machine::revision();
    let bounds = before.bounds(REQUESTS);
    let address = options.metrics_addr;
    let metrics = Metrics::serve(address, &bounds, run_id, scenario.name, &revision)?;
    let metrics = Arc::new(metrics);
    let ledger = Arc::new(Ledger::new(metrics.histograms()));
    let shared = Arc::new(Shared {
        run: run_id.to_owned(),
        seed: options.seed,
        length: load.ramp.time() + load.run_time,
        began: OnceLock::new(),
        admin,
        accounts,
        families: (0..load.ramp.users).map(|_| Mutex::new(None)).collect(),
        ledger: Arc::clone(&ledger),
    });

    let used = || {
        let server = machine::processor_seconds(server.as_ref()?.pid())?;
        Some((machine::processor_seconds(std::process::id())?, server))
    };
    let used_before = used();
    metrics.active(true);
    let probe = Probe::start();
    let progress = tokio::spawn(live::progress(
        Arc::clone(&ledger),
        Arc::clone(&metrics),
        load.ramp,
        shared.length,
        options.quiet,
    ));
    let goose = attack::attack(scenario, load, target.api.as_str(), &shared);
    let goose = Box::pin(goose).await;
    progress.abort();
    metrics.active(false);
    let delay = probe.delay();
    let processor_seconds = used_before
        .zip(used())
        .map(|(before, after)| (after.0 - before.0, after.1 - before.1));
    let after = target.settled_metrics().await?;
    let memory = watch.and_then(|watch| watch.memory());
    tokio::time::sleep(options.linger).await;
    if let Some(server) = server {
        server.stop()?;
    }
    let book = ledger.book();
    if book.span.is_none() {
        return Err("no request was sent: is the run too short for its users to come?".into());
    }
    Ok(Seen {
        revision,
        book,
        goose: goose?,
        server: Between { before, after },
        processor_seconds,
        memory,
        delay,
    })
}

/// Holds the run against everything that is expected of it.
fn judge(result: &mut RunResult, options: &Options, scenario: &Scenario, seen: &Seen) {
    let (book, server) = (&seen.book, &seen.server);
    let delay = (!scenario.saturates && !options.ignore_speed).then_some(&seen.delay);
    result.identities = reconcile(book, &seen.goose, server);
    for route in Route::ALL {
        let (times, _) = book.times(|(of, status, _)| of == route && status.is_some());
        let server = server_times(server, *route);
        let brackets = brackets::bracket(&route.name(), &times, &server, delay);
        result.identities.extend(brackets);
    }
    let (times, _) = book.times(|(_, status, _)| status.is_some());
    let means = brackets::means(&times, &server.buckets(REQUESTS, &[]), delay);
    result.identities.extend(means);
    let objectives = scenario.objectives.iter();
    let objectives = objectives.map(|objective| objective.judge(result, options.ignore_speed));
    let facts = scenario.facts.iter().map(|fact| fact.judge(server));
    let verdicts = objectives.chain(facts).collect();
    result.verdicts = verdicts;
}
