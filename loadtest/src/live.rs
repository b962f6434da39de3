//! Progress of a run: a line on the terminal, and metrics for Prometheus.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::time::Duration;

use metrics::{Gauge, Histogram, Key, Label, Level, Metadata, Recorder as _};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};
use testkit::lab_metrics::{ACTIVE, DURATION, INFO, USERS};

use crate::Result;
use crate::outcome::Outcome;
use crate::output::say;
use crate::recorder::Interval;
use crate::routes::Route;

/// The lab's own metrics, served for Prometheus.
pub struct Metrics {
    recorder: PrometheusRecorder,
    run: String,
    users: Gauge,
    active: Gauge,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Metrics")
            .field("run", &self.run)
            .finish_non_exhaustive()
    }
}

/// For registering without the global recorder: each run has one of its own.
static METADATA: Metadata<'static> = Metadata::new("loadtest", Level::INFO, Some("loadtest"));

impl Metrics {
    /// Serves the metrics of this run on this address. The histogram has the server's bounds, so that
    /// both sides' quantiles have the same error.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn serve(
        address: SocketAddr,
        bounds: &[f64],
        run: &str,
        scenario: &str,
        revision: &str,
    ) -> Result<Self> {
        let (recorder, exporter) = PrometheusBuilder::new()
            .with_http_listener(address)
            .set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), bounds)?
            .build()
            .map_err(|error| format!("the lab's metrics cannot be served on {address}: {error}"))?;
        tokio::spawn(exporter);
        recorder.describe_gauge(USERS.into(), None, "Virtual users that are at it.".into());
        recorder.describe_gauge(ACTIVE.into(), None, "1 while a run goes on.".into());
        let help = "Which run it is, as labels; always 1.";
        recorder.describe_gauge(INFO.into(), None, help.into());
        let help = "Time from sending a request to the last byte of its answer.";
        recorder.describe_histogram(DURATION.into(), None, help.into());
        let gauge =
            |name, labels| recorder.register_gauge(&Key::from_parts(name, labels), &METADATA);
        let labels = vec![
            Label::new("run_id", run.to_owned()),
            Label::new("scenario", scenario.to_owned()),
            Label::new("git_revision", revision.to_owned()),
        ];
        gauge(INFO, labels).set(1.0);
        let labels = || vec![Label::new("run_id", run.to_owned())];
        let (users, active) = (gauge(USERS, labels()), gauge(ACTIVE, labels()));
        Ok(Self {
            users,
            active,
            recorder,
            run: run.to_owned(),
        })
    }

    /// A histogram for each operation and outcome, all at zero.
    #[must_use]
    pub fn histograms(&self) -> BTreeMap<(Route, Outcome), Histogram> {
        let pairs = Route::ALL
            .iter()
            .flat_map(|route| Outcome::TIMED.map(|outcome| (*route, outcome)));
        pairs
            .map(|(route, outcome)| {
                let labels = vec![
                    Label::new("run_id", self.run.clone()),
                    Label::new("request", route.name()),
                    Label::new("outcome", outcome.word()),
                ];
                let key = Key::from_parts(DURATION, labels);
                let histogram = self.recorder.register_histogram(&key, &METADATA);
                ((route, outcome), histogram)
            })
            .collect()
    }

    /// Sets whether a run is active.
    pub fn active(&self, active: bool) {
        self.active.set(if active { 1.0 } else { 0.0 });
        if !active {
            self.users.set(0.0);
        }
    }

    /// Sets the number of users.
    pub fn users(&self, users: usize) {
        self.users.set(users as f64);
    }
}

/// How users are started.
#[derive(Clone, Copy, Debug)]
pub struct Ramp {
    /// Number of users.
    pub users: usize,
    /// Users started per second.
    pub rate: f64,
}

impl Ramp {
    /// Time until all have started.
    #[must_use]
    pub fn time(self) -> Duration {
        Duration::from_secs_f64(self.users as f64 / self.rate)
    }

    /// Users started after this time.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive number"
    )]
    pub fn after(self, time: Duration) -> usize {
        let come = (time.as_secs_f64() * self.rate).ceil() as usize;
        come.min(self.users)
    }
}

/// Progress on the terminal: each second on one, fewer lines in a log, but the first one soon.
#[derive(Debug)]
pub struct Progress {
    ramp: Ramp,
    whole: Duration,
    quiet: bool,
    watched: bool,
    /// Seconds that a line stands for.
    every: u32,
    /// Seconds since the last line, and what was in them.
    since: u32,
    unsaid: Interval,
}

impl Progress {
    /// Of a run of this length; says nothing if `quiet`.
    #[must_use]
    pub fn new(ramp: Ramp, whole: Duration, quiet: bool) -> Self {
        let watched = std::io::stderr().is_terminal();
        Self {
            ramp,
            whole,
            quiet,
            watched,
            every: if watched { 1 } else { 2 },
            since: 0,
            unsaid: Interval::default(),
        }
    }

    /// Users that have come after this time.
    #[must_use]
    pub fn users(&self, elapsed: Duration) -> usize {
        self.ramp.after(elapsed)
    }

    /// Adds a second, and prints a line if it is time for one.
    pub fn add(&mut self, elapsed: Duration, second: Interval) {
        self.unsaid.add(second);
        self.since += 1;
        if self.quiet || self.since < self.every {
            return;
        }
        let unsaid = std::mem::take(&mut self.unsaid);
        let millis = |q: f64| unsaid.times.value_at_quantile(q) as f64 / 1e3;
        say(&format!(
            "{:>5} s of {}  {:>5} users  {:>9.1}/s  P50 {:>8.2} ms  P95 {:>8.2} ms  refused {}  failed {}",
            elapsed.as_secs(),
            self.whole.as_secs(),
            self.users(elapsed),
            unsaid.times.len() as f64 / f64::from(self.since),
            millis(0.5),
            millis(0.95),
            unsaid.refused,
            unsaid.failed,
        ));
        self.since = 0;
        self.every = if self.watched { 1 } else { 10 };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ramp_starts_users_at_the_rate_up_to_their_number() {
        let ramp = Ramp {
            users: 50,
            rate: 10.0,
        };
        assert_eq!(ramp.time(), Duration::from_secs(5));
        assert_eq!(ramp.after(Duration::from_millis(950)), 10);
        assert_eq!(ramp.after(Duration::from_mins(1)), 50);
    }
}
