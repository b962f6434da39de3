//! A run, from the first check to the verdict.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use chrono::SecondsFormat;
use goose::config::GooseConfiguration;
use testkit::exposition::{Between, Exposition};
use testkit::machine;
use tokio::task::JoinHandle;

use crate::attack::{self, Kind, Load};
use crate::cli::Options;
use crate::connection::{Connection, base};
use crate::delay::{Delay, DelayProbe};
use crate::figures::{Scrapes, figures, server_times_of};
use crate::latency_bounds::{self, Allowance};
use crate::live::{self, Metrics, Ramp};
use crate::memory::Memory;
use crate::output::{print, say};
use crate::pacer::Arrivals;
use crate::reconcile::{Counts, reconcile};
use crate::recorder::Recorder;
use crate::result::{self, Cores, RunResult};
use crate::routes::Route;
use crate::scenarios::Scenario;
use crate::setup::{self, ServerUnderTest};
use crate::state::Shared;
use crate::statistics::Statistics;
use crate::target::{REQUESTS, Target};
use crate::thresholds::Threshold;
use crate::verdict::{Objective, availability};
use crate::yardstick::Yardstick;
use crate::{Result, baseline, beneath, expectation, report};

/// How often it is looked whether the ramp is over.
const LOOK: Duration = Duration::from_millis(20);

/// Runs a scenario; returns whether everything held.
///
/// # Errors
/// When there was no run; as a sentence.
pub fn run(options: &Options) -> Result<bool> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(run_async(options))
}

async fn run_async(options: &Options) -> Result<bool> {
    let scenario = options.scenario.as_ref().ok_or("which scenario?")?;
    let started = setup::now();
    let run_id = setup::run_id(started);
    let folder = setup::folder(options, scenario, &run_id)?;
    let load = setup::load(options, scenario, &folder);
    let earlier = options.baseline.as_deref().map(RunResult::read);
    let earlier = earlier.transpose()?;
    if let Some(earlier) = &earlier {
        let asked = reported_load(options, scenario, &load);
        baseline::check(earlier, &scenario.name, &asked, options.spawn)?;
    }
    let connection = Connection::new(options.ca.as_deref(), options.http2, options.timeout)?;
    let goose = beneath::configuration(&options.goose)?;
    if options.spawn {
        phase(options, "the server is started");
    }
    let under_test = setup::server(options, scenario, &run_id, &connection).await?;
    let begun = Begun {
        run_id: &run_id,
        connection,
        goose,
    };
    let observed = drive(options, scenario, &load, begun, under_test).await?;

    let seconds = observed.statistics.seconds();
    let mut result = RunResult {
        scenario: scenario.name.clone(),
        description: Some(scenario.description.clone()),
        run_id,
        started: started.to_rfc3339_opts(SecondsFormat::Secs, true),
        revision: observed.revision.clone(),
        spawned: options.spawn,
        load: reported_load(options, scenario, &load),
        yardstick: observed.yardstick,
        cores: observed.processor_seconds.map(|(lab, server)| Cores {
            lab: lab / seconds,
            server: server / seconds,
        }),
        memory: observed.memory,
        arrivals: observed.arrivals.clone(),
        delay: [0.5, 0.95, 0.99].map(|q| observed.delay.millis(q)),
        ..figures(&observed.statistics, &observed.server)
    };
    judge(&mut result, options, scenario, &observed);
    if let Some(earlier) = &earlier {
        let against = baseline::compare(&result, earlier, options.tolerance / 100.0);
        result.verdicts.extend(against);
    }
    let complaints = result.complaints();
    result.held = complaints.is_empty();
    report::write(&result, &folder)?;
    print(&report::markdown::report(&result));
    let place = folder.display();
    print(&format!(
        "\nIn {place}: result.json, report.md, goose.html\n"
    ));
    for complaint in &complaints {
        say(&format!("loadtest: {complaint}"));
    }
    Ok(result.held)
}

/// Says what is happening where nothing is to be seen.
fn phase(options: &Options, what: &str) {
    if !options.quiet {
        say(what);
    }
}

/// The load as the report has it.
fn reported_load(options: &Options, scenario: &Scenario, load: &Load) -> result::Load {
    result::Load {
        users: load.ramp.users,
        rate: load.ramp.rate,
        run_time: load.run_time.as_secs_f64(),
        seed: options.seed,
        settings: if options.spawn {
            setup::reported_settings(options, scenario)
        } else {
            Vec::new()
        },
    }
}

/// Measurements of a run.
struct Observed {
    revision: String,
    /// The users' measurements.
    statistics: Statistics,
    /// Goose's counts.
    goose: Counts,
    /// The server's metrics.
    server: Scrapes,
    yardstick: Yardstick,
    /// Processor time of the lab and of its server.
    processor_seconds: Option<(f64, f64)>,
    memory: Option<Memory>,
    delay: Delay,
    arrivals: Vec<Arrivals>,
}

/// What is settled before the server is.
struct Begun<'a> {
    run_id: &'a str,
    connection: Connection,
    /// Goose's own options.
    goose: GooseConfiguration,
}

/// Runs the users and measures.
async fn drive(
    options: &Options,
    scenario: &Scenario,
    load: &Load,
    begun: Begun<'_>,
    under_test: ServerUnderTest,
) -> Result<Observed> {
    let run_id = begun.run_id;
    let ServerUnderTest {
        server,
        watch,
        target,
        admin,
    } = under_test;
    if scenario.accounts > 0 {
        phase(
            options,
            &format!("{} accounts are registered", scenario.accounts),
        );
    }
    let yardstick = Yardstick::measure(target.far()).await?;
    let accounts = setup::prepare(&target, run_id, options.seed, scenario.accounts).await?;
    let before = target.settled_metrics().await?;
    let revision = machine::revision();
    let bounds = before.bounds(REQUESTS);
    let address = options.metrics_addr;
    let metrics = Metrics::serve(address, &bounds, run_id, &scenario.name, &revision)?;
    let metrics = Arc::new(metrics);
    let recorder = Arc::new(Recorder::new(metrics.histograms()));
    let kinds = Kind::all(scenario, load);
    let open = kinds.iter().any(|kind| kind.pacer.is_some());
    let shared = Arc::new(Shared {
        run: run_id.to_owned(),
        base: base(&target.api),
        connection: (options.http2 || target.api.scheme() == "https").then_some(begun.connection),
        seed: options.seed,
        ramp: load.ramp.time(),
        length: load.length(&kinds),
        began: OnceLock::new(),
        arrivals: open.then(OnceLock::new),
        ready: AtomicUsize::new(0),
        stepping: AtomicUsize::new(0),
        admin,
        accounts,
        sessions: (0..load.ramp.users).map(|_| Mutex::new(None)).collect(),
        recorder: Arc::clone(&recorder),
    });

    let used = || {
        let server = machine::processor_seconds(server.as_ref()?.pid())?;
        Some((machine::processor_seconds(std::process::id())?, server))
    };
    let used_before = used();
    let Ramp { users, rate } = load.ramp;
    phase(options, &format!("{users} users start, {rate} a second"));
    metrics.active(true);
    let probe = DelayProbe::start();
    let progress = tokio::spawn(live::progress(
        Arc::clone(&recorder),
        Arc::clone(&metrics),
        load.ramp,
        shared.length,
        options.quiet,
    ));
    let middle = tokio::spawn(after_ramp(Arc::clone(&shared), target.clone()));
    let goose = attack::attack(&kinds, load, begun.goose, &shared);
    let goose = Box::pin(goose).await;
    progress.abort();
    metrics.active(false);
    let delay = probe.delay();
    let processor_seconds = used_before
        .zip(used())
        .map(|(before, after)| (after.0 - before.0, after.1 - before.1));
    phase(
        options,
        "the last answers are awaited, and the server's metrics",
    );
    let after = target.settled_metrics().await?;
    let memory = watch.and_then(|watch| watch.memory());
    if !options.linger.is_zero() {
        phase(options, "the lab's metrics stay up for the last scrape");
    }
    tokio::time::sleep(options.linger).await;
    if let Some(server) = server {
        phase(options, "the server is stopped");
        server.stop()?;
    }
    let statistics = recorder.statistics();
    if statistics.span().is_none() {
        return Err("no request was sent: is the run too short for its users to come?".into());
    }
    let arrivals = kinds.iter().filter_map(|kind| {
        let pacer = kind.pacer.as_ref()?;
        Some(Arrivals::of(kind.name(), pacer, &delay))
    });
    Ok(Observed {
        arrivals: arrivals.collect(),
        revision,
        statistics,
        goose: goose?,
        server: Scrapes {
            middle: ended(middle).await,
            whole: Between { before, after },
        },
        yardstick,
        processor_seconds,
        memory,
        delay,
    })
}

/// The server's metrics once all users have started.
async fn after_ramp(shared: Arc<Shared>, target: Target) -> Option<Exposition> {
    while !shared.is_steady(Instant::now()) {
        tokio::time::sleep(LOOK).await;
    }
    target.metrics().await.ok()
}

/// What a task has found, if it has ended.
async fn ended<T>(task: JoinHandle<Option<T>>) -> Option<T> {
    if !task.is_finished() {
        task.abort();
    }
    task.await.ok().flatten()
}

/// Judges the run: identities, latency bounds, objectives, facts.
fn judge(result: &mut RunResult, options: &Options, scenario: &Scenario, observed: &Observed) {
    let (statistics, server) = (&observed.statistics, &observed.server);
    let server = &server.whole;
    let allowance = Allowance::new(&observed.delay, scenario.saturates);
    let allowance = (!options.ignore_speed).then_some(allowance);
    result.identities = reconcile(statistics, &observed.goose, server);
    for route in Route::ALL {
        let (times, _) = statistics.times(|(of, status, _)| of == route && status.is_some());
        let server = server_times_of(server, *route);
        let bounds = latency_bounds::quantiles(&route.name(), &times, &server, allowance);
        result.identities.extend(bounds);
    }
    let (times, _) = statistics.times(|(_, status, _)| status.is_some());
    let means = latency_bounds::means(&times, &server.buckets(REQUESTS, &[]), allowance);
    result.identities.extend(means);
    let slowest = Objective::slowest(scenario.saturates);
    let objectives = scenario.objectives.iter().chain(&slowest);
    let objectives = objectives.map(|objective| objective.judge(result, options.ignore_speed));
    let facts = scenario.facts.iter().map(|fact| fact.judge(server));
    let arrivals = result.arrivals.iter();
    let arrivals = arrivals.map(|arrivals| expectation::rate(arrivals, options.ignore_speed));
    let thresholds = scenario.thresholds.iter().chain(&options.thresholds);
    let judge = |one: &Threshold| one.judge(statistics, server, options.ignore_speed);
    let thresholds = thresholds.map(judge);
    let mut verdicts = vec![availability(result)];
    verdicts.extend(objectives.chain(thresholds).chain(facts).chain(arrivals));
    result.verdicts = verdicts;
}
