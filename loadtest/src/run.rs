//! A run, from the first check to the verdict.

use std::time::{Duration, Instant};

use chrono::SecondsFormat;
use goose::config::GooseConfiguration;
use testkit::exposition::Exposition;

use crate::attack::{Kind, Load};
use crate::cli::Options;
use crate::connection::Connection;
use crate::drive::{Begun, Observed, drive, phase};
use crate::ending::{Ending, Failure};
use crate::figures::figures;
use crate::guard::Guard;
use crate::judge::{Case, Counted, judge};
use crate::repeat::repeat;
use crate::resources::Resources;
use crate::result::{self, Cores, RunResult, VERSION};
use crate::runtime::block_on;
use crate::scenarios::Scenario;
use crate::setup::{self, ServerUnderTest};
use crate::shared::{OwnRequest, SharedRun};
use crate::statistics::Part;
use crate::stop::{Reason, Stop};
use crate::times::Figures;
use crate::{Result, baseline, beneath, files, histograms, report, validity};

/// Runs a scenario; returns how it ended.
///
/// # Errors
/// When there was no run, or it was lost; as a sentence.
pub fn run(options: &Options) -> Result<Ending, Failure> {
    if options.repeat > 1 {
        return repeat(options);
    }
    block_on(run_async(options))
}

async fn run_async(options: &Options) -> Result<Ending, Failure> {
    let stop = Stop::new();
    let run = Run::new(options).map_err(Failure::NotStarted)?;
    let guard = if options.spawn {
        Some(Guard::start().map_err(Failure::NotStarted)?)
    } else {
        None
    };
    let ending = run.carry_out(&stop, guard.as_ref()).await;
    if let Some(guard) = guard {
        guard.end();
    }
    ending
}

/// What is known of a run before it begins.
struct Run<'a> {
    options: &'a Options,
    scenario: &'a Scenario,
    id: String,
    started: String,
    folder: std::path::PathBuf,
    load: Load,
    earlier: Option<RunResult>,
    connection: Connection,
    goose: GooseConfiguration,
}

impl<'a> Run<'a> {
    fn new(options: &'a Options) -> Result<Self> {
        let scenario = options.scenario.as_ref().ok_or("which scenario?")?;
        let started = setup::now();
        let id = if options.shared {
            setup::shared_run_id(started)
        } else {
            setup::run_id(started)
        };
        let folder = setup::folder(options, scenario, &id)?;
        let load = setup::load(options, scenario);
        let earlier = options.baseline.as_deref().map(RunResult::read);
        let earlier = earlier.transpose();
        // What an earlier run has left there would be taken for this one's.
        report::clear(&folder)?;
        let run = Self {
            options,
            scenario,
            id,
            started: started.to_rfc3339_opts(SecondsFormat::Secs, true),
            folder,
            load,
            earlier: earlier?,
            connection: Connection::new(options.ca.as_deref(), options.http2, options.timeout)?,
            goose: beneath::configuration(&options.goose)?,
        };
        if let Some(earlier) = &run.earlier {
            baseline::check(earlier, &scenario.name, &run.load(), options.spawn)?;
        }
        files::raise(run.load.ramp.users)?;
        Ok(run)
    }

    async fn carry_out(&self, stop: &Stop, guard: Option<&Guard>) -> Result<Ending, Failure> {
        stop.on_signals().map_err(Failure::NotStarted)?;
        if guard.is_some() {
            phase(self.options, "the server is started");
        }
        let server = setup::server(
            self.options,
            self.scenario,
            &self.id,
            &self.connection,
            guard,
        );
        let Some(under_test) = stop.unless(server).await else {
            return self.interrupted_early();
        };
        let under_test = under_test.map_err(Failure::NotStarted)?;
        self.measure(stop, under_test).await
    }

    async fn measure(&self, stop: &Stop, under_test: ServerUnderTest) -> Result<Ending, Failure> {
        let begun = Begun {
            run_id: &self.id,
            connection: self.connection.clone(),
            goose: self.goose.clone(),
            stop: stop.clone(),
        };
        let observed = drive(self.options, self.scenario, &self.load, begun, under_test);
        let Some(observed) = observed.await? else {
            return self.interrupted_early();
        };
        let mut result = self.result(&observed);
        result.histograms = histograms::stored(&observed.statistics).map_err(Failure::Lab)?;
        self.judge(&mut result, &observed);
        if self.options.shared {
            share(&mut result, self.shared(&observed).map_err(Failure::Lab)?);
        }
        if let Some(earlier) = &self.earlier {
            let against = baseline::compare(&result, earlier, self.options.tolerance / 100.0);
            result.verdicts.extend(against);
        }
        let starved =
            validity::starved(&result, self.scenario.saturates, self.options.ignore_speed);
        let (ending, because) = match (observed.stopped, starved) {
            (Some((reason, at)), _) => ended(reason, at, observed.began, observed.length),
            (None, Some(why)) => (Ending::Invalid, Some(why)),
            (None, None) if result.complaints().is_empty() => (Ending::Held, None),
            (None, None) => (Ending::Missed, None),
        };
        result.held = ending == Ending::Held;
        result.ending = ending;
        result.because = because;
        report::publish(&result, &self.folder)
    }

    fn result(&self, observed: &Observed) -> RunResult {
        let seconds = observed.statistics.seconds();
        RunResult {
            revision: observed.revision.clone(),
            yardstick: observed.yardstick,
            cores: observed.used.map(|used| Cores {
                lab: used.lab / seconds,
                server: used.server.map(|server| server / seconds),
            }),
            resources: observed.server.steady().and_then(|steady| {
                let seconds = observed.statistics.steady.seconds();
                Resources::of(&steady, seconds, observed.used_steadily)
            }),
            memory: observed.memory,
            replicas: observed.replicas.clone(),
            arrivals: observed.arrivals.clone(),
            timeline: observed.seconds.clone(),
            delay: [0.5, 0.95, 0.99, 1.0].map(|q| observed.delay.millis(q)),
            ..self.described(figures(&observed.statistics, &observed.server))
        }
    }

    fn judge(&self, result: &mut RunResult, observed: &Observed) {
        let mut expected = self.scenario.expected.clone();
        expected.thresholds.extend(&self.options.thresholds);
        let case = Case {
            expected: &expected,
            saturates: self.scenario.saturates,
            ignore_speed: self.options.ignore_speed,
            statistics: &observed.statistics,
            own: &observed.own,
            goose: observed.goose.as_ref(),
            server: &observed.server,
            counted: match (observed.scraped, self.options.shared) {
                (false, _) => Counted::Unread,
                (true, true) => Counted::Shared,
                (true, false) => Counted::Alone,
            },
            delay: &observed.delay,
        };
        judge(result, &case);
    }

    /// What the merge with other generators' results needs.
    fn shared(&self, observed: &Observed) -> Result<SharedRun> {
        let since = |moment: Instant| moment.saturating_duration_since(observed.began);
        let span = |part: &Part| {
            let (first, last) = part.span?;
            Some([first, last].map(|moment| since(moment).as_secs_f64()))
        };
        let own = observed.own.iter().map(|((operation, status), times)| {
            Ok(OwnRequest {
                operation: operation.clone(),
                status: *status,
                measured: histograms::written(times)?,
            })
        });
        let thresholds = self.options.thresholds.iter().map(ToString::to_string);
        let (scrapes, statistics) = (&observed.server, &observed.statistics);
        Ok(SharedRun {
            began: setup::at(observed.began).to_rfc3339_opts(SecondsFormat::Millis, true),
            ramp: span(&statistics.ramp),
            steady: span(&statistics.steady),
            own: own.collect::<Result<_>>()?,
            delay: histograms::written(observed.delay.times())?,
            expected: self
                .scenario
                .expect
                .iter()
                .cloned()
                .chain(thresholds)
                .collect(),
            saturates: self.scenario.saturates,
            ignore_speed: self.options.ignore_speed,
            before: scrapes.whole.before.text(),
            middle: scrapes.middle.as_ref().map(Exposition::text),
            after: observed.scraped.then(|| scrapes.whole.after.text()),
        })
    }

    /// A result with what was known before the run.
    fn described(&self, result: RunResult) -> RunResult {
        RunResult {
            version: VERSION,
            scenario: self.scenario.name.clone(),
            description: Some(self.scenario.description.clone()),
            run_id: self.id.clone(),
            started: self.started.clone(),
            spawned: self.options.spawn,
            load: self.load(),
            ..result
        }
    }

    /// The load as the report has it.
    fn load(&self) -> result::Load {
        result::Load {
            users: self.load.ramp.users,
            rate: self.load.ramp.rate,
            run_time: self.load.run_time.as_secs_f64(),
            seed: self.options.seed,
            arrivals: Kind::all(self.scenario, &self.load)
                .iter()
                .filter_map(Kind::rates)
                .collect(),
            settings: if self.options.spawn {
                setup::reported_settings(self.options, self.scenario)
            } else {
                Vec::new()
            },
        }
    }

    /// Reports a run that ended before its first request.
    fn interrupted_early(&self) -> Result<Ending, Failure> {
        let result = self.described(RunResult {
            ending: Ending::Interrupted,
            because: Some("interrupted during preparation, before the first request".to_owned()),
            ..RunResult::default()
        });
        report::publish(&result, &self.folder)
    }
}

/// Leaves out what the server measured of other generators' requests.
fn share(result: &mut RunResult, shared: SharedRun) {
    result.server = Figures::default();
    for operation in &mut result.operations {
        operation.server = None;
    }
    result.shared = Some(shared);
}

/// How a run ended before its time, and when.
fn ended(
    reason: Reason,
    at: Instant,
    began: Instant,
    length: Duration,
) -> (Ending, Option<String>) {
    let at = at.saturating_duration_since(began);
    let place = if at > length {
        format!("after {} s, while settling", length.as_secs())
    } else {
        format!("at {} s of {}", at.as_secs(), length.as_secs())
    };
    match reason {
        Reason::Signal => (Ending::Interrupted, Some(format!("interrupted {place}"))),
        Reason::Server(words) => (Ending::BrokeOff, Some(format!("{words} {place}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn end_before_its_time_says_when_and_why() {
        let began = Instant::now();
        let said = |reason, seconds| {
            let at = began + Duration::from_secs(seconds);
            let (ending, because) = ended(reason, at, began, Duration::from_mins(5));
            format!("{}: {}", ending.word(), because.expect("a reason"))
        };
        assert_eq!(
            said(Reason::Signal, 12),
            "interrupted: interrupted at 12 s of 300"
        );
        assert_eq!(
            said(Reason::Signal, 301),
            "interrupted: interrupted after 300 s, while settling"
        );
        assert_eq!(
            said(Reason::Server("the server ended (signal: 9)".to_owned()), 8),
            "broke off: the server ended (signal: 9) at 8 s of 300"
        );
    }
}
