//! The proof: runs the service, a real Prometheus and the load lab, queries every panel and rule,
//! reconciles counters, injects faults, and expects the right alerts.

mod alerts;
mod client;
mod faults;
mod identities;
mod pace;
mod panels;
mod ports;
mod report;
mod scraping;
mod service_metrics;
mod stack;
mod users;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use testkit::exposition::Between;

pub use self::faults::Fault;
pub use self::pace::Pace;
pub use self::panels::{Asked, Outcome};
pub use self::report::Report;
pub use self::stack::Programs;

use self::alerts::{Found, POLL_INTERVAL, watch};
use self::client::Client;
use self::panels::Window;
use self::report::{Scrape, Span};
use self::scraping::SCRAPE;
use self::service_metrics::ServiceMetrics;
use self::stack::{ADMIN_PASSWORD, Stack};
use crate::Result;

/// Observation time of the idle service.
const IDLE: Duration = Duration::from_secs(15);
/// Timeout for a moment without active requests.
const QUIETEST: Duration = Duration::from_mins(1);
/// Lead time of background users before queries: a few scrapes.
const SETTLE: Duration = Duration::from_secs(3);

/// Options of the proof.
#[derive(Clone, Debug)]
pub struct Options {
    /// The programs.
    pub programs: Programs,
    /// The time scale.
    pub pace: Pace,
    /// Duration of the load lab's run.
    pub load: Duration,
    /// The faults.
    pub faults: Vec<Fault>,
    /// Allow alerts on slowness, on machines whose speed is not representative.
    pub ignore_speed: bool,
    /// Folder of the report.
    pub out: PathBuf,
    /// A program to run at the end, while Prometheus still answers.
    pub then: Option<PathBuf>,
}

/// Seconds since the epoch.
#[expect(
    clippy::disallowed_methods,
    reason = "Prometheus keeps the clock's time"
)]
fn now() -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds fit in 53 bits")]
    let millis = chrono::Utc::now().timestamp_millis() as f64;
    millis / 1e3
}

fn say(text: &str) {
    eprintln!("--- {text}");
}

/// Runs the proof; writes `report.md` and `report.json`.
///
/// # Errors
/// When it cannot run. Findings are in the report.
pub async fn prove(options: &Options) -> Result<Report> {
    std::fs::create_dir_all(&options.out)?;
    let folder = tempfile::tempdir()?;
    say("starting PostgreSQL, Redis, the service, exporters and Prometheus");
    let mut stack = Stack::start(options.programs.clone(), folder.path(), options.pace).await?;
    let mut report = Report::new(options.pace);
    let outcome = phases(options, &mut stack, &mut report).await;
    if let Err(error) = outcome {
        let log = std::fs::read_to_string(folder.path().join("server-0.log")).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(20).collect();
        return Err(format!(
            "{error}\nthe service's log, newest first:\n{}",
            tail.join("\n")
        )
        .into());
    }
    report.write(&options.out)?;
    Ok(report)
}

async fn phases(options: &Options, stack: &mut Stack, report: &mut Report) -> Result<()> {
    let began = now();
    let metrics = ServiceMetrics::new(&stack.ops())?;
    idle(stack, report).await?;
    let before = metrics.settled().await?;
    let load = under_load(options, stack, report).await?;
    say("making known numbers of mistakes");
    let client = Arc::new(Client::new(&stack.api())?);
    users::prepare(&client).await?;
    let counted = Arc::new(Client::new(&stack.api())?);
    let start = metrics.settled().await?;
    users::mistakes(&counted).await?;
    // The first request creates the route's series.
    users::scan(&counted, 1).await?;
    let one = metrics.settled().await?;
    users::scan(&counted, users::PATHS).await?;
    let end = metrics.settled().await?;
    report.series_of_scan = (one.series.len(), end.series.len());
    report.bytes = end.bytes;
    let between = Between {
        before: start,
        after: end,
    };
    report.identities = identities::identities(&between, &counted.answers());
    report
        .identities
        .extend(identities::histograms(&between.after));
    users::disconnect(&client).await;
    report.in_flight = in_flight(&metrics).await?;
    report.left = metrics
        .now()
        .await?
        .sum("http_server_requests_aborted_total", &[])
        - before.sum("http_server_requests_aborted_total", &[]);

    // Panels over the last seconds must see users, too.
    let background = users::background(&client);
    tokio::time::sleep(SETTLE).await;
    look(stack, report, load.from).await?;
    for fault in &options.faults {
        say(fault.name());
        let found = watch(stack, &client, *fault, options.pace).await?;
        if *fault == Fault::HashGateSaturated {
            let little = identities::little(&stack.prometheus, found.mended).await?;
            report.identities.push(little);
        }
        report.faults.push(found);
    }
    report.unresolved = alerts::wait_until_quiet(stack, options.pace, |_| true).await?;
    drop(background);
    if let Some(program) = &options.then {
        then(program, stack, load, began, &options.out)?;
    }
    Ok(())
}

/// The smallest number of active requests seen: the synthetic probe's come and go, and on a slow machine
/// one is nearly always active.
async fn in_flight(metrics: &ServiceMetrics) -> Result<f64> {
    let deadline = Instant::now() + QUIETEST;
    loop {
        let now = metrics.now().await?;
        let active = now.sum("http_server_active_requests", &[]);
        if active == 0.0 || Instant::now() > deadline {
            return Ok(active);
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// Queries an idle service.
async fn idle(stack: &Stack, report: &mut Report) -> Result<()> {
    say("querying an idle service");
    tokio::time::sleep(IDLE).await;
    let window = Window {
        from: now() - IDLE.as_secs_f64() / 2.0,
        to: now(),
        step: stack.pace.of(SCRAPE).as_secs_f64(),
    };
    report.idle = panels::panels(&stack.prometheus, window, false).await?;
    report.firing_idle = Found::names(&stack.prometheus.firing().await?);
    Ok(())
}

/// Runs the load lab; returns its time span.
async fn under_load(options: &Options, stack: &Stack, report: &mut Report) -> Result<Span> {
    say("running the load lab");
    let from = now();
    let out = options.out.join("load");
    let mut lab = Command::new(stack.lab());
    lab.args([
        "sentinel",
        "--allow-limits",
        "--ignore-speed",
        "--quiet",
        "--host",
        &stack.api(),
    ])
    .args(["--ops", &stack.ops(), "--out"])
    .arg(&out)
    .args(["--metrics-addr", &format!("127.0.0.1:{}", stack.ports.lab)])
    .args([
        "--run-time",
        &format!("{}s", options.load.as_secs()),
        "--linger",
        "2s",
    ])
    .env("LOADTEST_ADMIN_PASSWORD", ADMIN_PASSWORD);
    let log = std::fs::File::create(options.out.join("load.log"))?;
    let mut lab = lab.stdout(log.try_clone()?).stderr(log).spawn()?;
    let mut seen = std::collections::BTreeSet::new();
    let status = loop {
        seen.extend(Found::names(&stack.prometheus.firing().await?));
        if let Some(status) = lab.try_wait()? {
            break status;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    let reported = std::fs::read_to_string(options.out.join("load.log"))?;
    if status.code().is_none_or(|code| code > 1) {
        return Err(format!("the load lab did not run: {reported}").into());
    }
    report.load_held = status.success();
    report.load = reported;
    report.firing_load = seen.into_iter().collect();
    Ok(Span { from, to: now() })
}

/// Queries every panel and rule over the time since the load began.
async fn look(stack: &Stack, report: &mut Report, from: f64) -> Result<()> {
    say("querying every panel and rule");
    let to = now();
    let window = Window {
        from,
        to,
        step: stack.pace.of(SCRAPE).as_secs_f64(),
    };
    report.panels = panels::panels(&stack.prometheus, window, true).await?;
    report.rules = panels::rules(&stack.prometheus, to).await?;
    report.scrape = Scrape::of(&stack.prometheus, window).await?;
    Ok(())
}

/// Runs the follow-up program while Prometheus still answers.
fn then(program: &Path, stack: &Stack, load: Span, began: f64, out: &Path) -> Result<()> {
    say("running the follow-up program");
    let started = Instant::now();
    let status = Command::new(program)
        .env("PROMETHEUS_URL", stack.prometheus.base())
        .env("LOAD_FROM", load.from.to_string())
        .env("LOAD_TO", load.to.to_string())
        .env("PROOF_FROM", began.to_string())
        .env("PROOF_TO", now().to_string())
        .env("SCRAPE_INTERVAL", stack.pace.scrape())
        .env("OUT", out)
        .status()?;
    if status.success() {
        say(&format!(
            "handed over for {} s",
            started.elapsed().as_secs()
        ));
        return Ok(());
    }
    Err(format!("{} ended with {status}", program.display()).into())
}
