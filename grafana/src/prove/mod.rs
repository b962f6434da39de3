//! The proof: the service, a real Prometheus and the load lab, all of it running; every panel and rule
//! is asked, counters are added up, things are broken, and the right alerts must fire.

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

use self::alerts::{Found, LOOK, watch};
use self::client::Client;
use self::panels::Window;
use self::report::{Scrape, Span};
use self::scraping::SCRAPE;
use self::service_metrics::ServiceMetrics;
use self::stack::{ADMIN_PASSWORD, Stack};
use crate::Result;

/// How long an idle service is looked at.
const IDLE: Duration = Duration::from_secs(15);
/// How long a moment without requests may take to come.
const QUIETEST: Duration = Duration::from_mins(1);
/// How long users are there before anybody looks: a few scrapes.
const SETTLE: Duration = Duration::from_secs(3);

/// How the proof shall be.
#[derive(Clone, Debug)]
pub struct Options {
    /// The programs that are needed.
    pub programs: Programs,
    /// How much faster than the clock.
    pub pace: Pace,
    /// How long the load lab runs.
    pub load: Duration,
    /// What is broken.
    pub faults: Vec<Fault>,
    /// Alerts on speed may fire: for machines whose speed says nothing.
    pub ignore_speed: bool,
    /// Where the report goes.
    pub out: PathBuf,
    /// A program to run at the end, while Prometheus can still be asked.
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
/// When it cannot take place. What it finds is in the report.
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
    say("what users do wrong, a known number of times");
    let client = Arc::new(Client::new(&stack.api())?);
    users::prepare(&client).await?;
    let counted = Arc::new(Client::new(&stack.api())?);
    let start = metrics.settled().await?;
    users::mischief(&counted).await?;
    // The first is what the route's series is made for.
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
    users::leave(&client).await;
    report.in_flight = in_flight(&metrics).await?;
    report.left = metrics
        .now()
        .await?
        .sum("http_server_requests_aborted_total", &[])
        - before.sum("http_server_requests_aborted_total", &[]);

    // What is asked for now shall see somebody: a panel of the last seconds, too.
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
    report.unresolved = alerts::calm(stack, options.pace, |_| true).await?;
    drop(background);
    if let Some(program) = &options.then {
        then(program, stack, load, began, &options.out)?;
    }
    Ok(())
}

/// Requests being answered at the quietest moment: the canary's come and go, and on a slow machine one is
/// nearly always there.
async fn in_flight(metrics: &ServiceMetrics) -> Result<f64> {
    let deadline = Instant::now() + QUIETEST;
    loop {
        let now = metrics.now().await?;
        let active = now.sum("http_server_active_requests", &[]);
        if active == 0.0 || Instant::now() > deadline {
            return Ok(active);
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Looks at a service that nobody uses.
async fn idle(stack: &Stack, report: &mut Report) -> Result<()> {
    say("looking at an idle service");
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

/// Lets the load lab run; gives when.
async fn under_load(options: &Options, stack: &Stack, report: &mut Report) -> Result<Span> {
    say("the load lab drives it");
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

/// Asks every panel and every rule about the time since the load began.
async fn look(stack: &Stack, report: &mut Report, from: f64) -> Result<()> {
    say("asking every panel and every rule");
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

/// Hands over to a program while there is something to ask.
fn then(program: &Path, stack: &Stack, load: Span, began: f64, out: &Path) -> Result<()> {
    say("handing over");
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
