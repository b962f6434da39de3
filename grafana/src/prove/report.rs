//! The result of the proof, as Markdown and as JSON.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;
use testkit::machine::{Machine, revision};

use super::alerts::Found;
use super::identities::Identity;
use super::pace::Pace;
use super::panels::{Asked, Outcome, Window};
use crate::Result;
use crate::prometheus::Prometheus;
use crate::rules;

/// A time span, in seconds since the epoch.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Span {
    /// Start.
    pub from: f64,
    /// End.
    pub to: f64,
}

/// The cost of a scrape of the service.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Scrape {
    /// Number of series, maximum.
    pub series: f64,
    /// Seconds that Prometheus waited: median and maximum.
    pub seconds: (f64, f64),
    /// Seconds that the service took to render it: median and maximum.
    pub render_seconds: (f64, f64),
}

impl Scrape {
    /// Measures it over a window.
    ///
    /// # Errors
    /// When Prometheus does not answer.
    pub async fn of(prometheus: &Prometheus, window: Window) -> Result<Self> {
        let over = async |function: &str, metric: &str| -> Result<f64> {
            let range = (window.to - window.from).max(1.0).round();
            let expr = format!("max({function} {metric}{{job=\"auth\"}}[{range}s]))");
            let answer = prometheus.query(&expr, window.to).await?;
            Ok(answer.first().ok_or("there is no scrape")?)
        };
        let both = async |metric: &str| -> Result<(f64, f64)> {
            let median = over("quantile_over_time(0.5,", metric).await?;
            Ok((median, over("max_over_time(", metric).await?))
        };
        Ok(Self {
            series: over("max_over_time(", "scrape_samples_scraped").await?,
            seconds: both("scrape_duration_seconds").await?,
            render_seconds: both("auth_metrics_render_duration_seconds").await?,
        })
    }
}

/// The whole result.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    machine: Machine,
    revision: String,
    /// The time scale.
    pace: u32,
    /// Panels' results on an idle service.
    pub idle: Vec<Asked>,
    /// Panels' results under load.
    pub panels: Vec<Asked>,
    /// Rules' results under load.
    pub rules: Vec<Asked>,
    /// Sums that must be equal.
    pub identities: Vec<Identity>,
    /// The cost of a scrape.
    pub scrape: Scrape,
    /// Length of a scrape in bytes, uncompressed.
    pub bytes: usize,
    /// Series before and after thousands of paths that do not exist.
    pub series_of_scan: (usize, usize),
    /// Active requests after the last client has gone.
    pub in_flight: f64,
    /// Number of disconnects that were counted.
    pub left: f64,
    /// Whether the load lab passed.
    pub load_held: bool,
    /// The load lab's output.
    #[serde(skip)]
    pub load: String,
    /// Alerts that fired while the service was idle.
    pub firing_idle: Vec<String>,
    /// Alerts that fired under the usual load.
    pub firing_load: Vec<String>,
    /// The faults and their alerts.
    pub faults: Vec<Found>,
    /// Alerts that kept firing after the last repair.
    pub unresolved: Vec<String>,
}

impl Report {
    /// An empty report.
    #[must_use]
    pub fn new(pace: Pace) -> Self {
        Self {
            machine: Machine::this(),
            revision: revision(),
            pace: pace.0,
            idle: Vec::new(),
            panels: Vec::new(),
            rules: Vec::new(),
            identities: Vec::new(),
            scrape: Scrape::default(),
            bytes: 0,
            series_of_scan: (0, 0),
            in_flight: 0.0,
            left: 0.0,
            load_held: false,
            load: String::new(),
            firing_idle: Vec::new(),
            firing_load: Vec::new(),
            faults: Vec::new(),
            unresolved: Vec::new(),
        }
    }

    /// Every failed expectation; `ignore_speed` leaves out alerts on slowness.
    #[must_use]
    pub fn complaints(&self, ignore_speed: bool) -> Vec<String> {
        let mut all = Vec::new();
        let bad = |asked: &&Asked| matches!(asked.outcome, Outcome::Empty | Outcome::Failed);
        let asked = [
            ("idle", &self.idle),
            ("under load", &self.panels),
            ("under load", &self.rules),
        ];
        for (when, list) in asked {
            for Asked {
                place,
                expr,
                outcome,
                problem,
                ..
            } in list.iter().filter(bad)
            {
                all.push(format!("{when}: {place}: {outcome:?} {problem}: {expr}"));
            }
        }
        for identity in self.identities.iter().filter(|identity| !identity.holds()) {
            let Identity {
                what, left, right, ..
            } = identity;
            all.push(format!("{what}: {left} and {right}"));
        }
        let (before, after) = self.series_of_scan;
        if before != after {
            all.push(format!(
                "paths that do not exist made series: {before} and then {after}"
            ));
        }
        if self.in_flight != 0.0 {
            all.push(format!(
                "{} requests are in flight for ever",
                self.in_flight
            ));
        }
        if self.left == 0.0 {
            all.push("aborted requests were not counted".to_owned());
        }
        if !self.load_held {
            all.push(format!("the load lab failed:\n{}", self.load));
        }
        let speed = |name: &&String| !(ignore_speed && SPEED.contains(&name.as_str()));
        for (when, names) in [
            ("idle", &self.firing_idle),
            ("under load", &self.firing_load),
        ] {
            for name in names.iter().filter(speed) {
                all.push(format!("{when}: {name} fires"));
            }
        }
        for found in &self.faults {
            let fault = found.fault;
            let starved = ignore_speed && found.turned_away > 0.0;
            let excused = |name: &&String| starved && LOOKED_UP.contains(&name.as_str());
            let missing = found.missing().filter(|name| !excused(name));
            let missing = missing.map(|name| (name, "does not fire"));
            let already = found.already.iter().filter(speed);
            let already = already.map(|name| (name, "fired before"));
            let unexpected = found.unexpected.iter().filter(speed);
            let unexpected = unexpected.map(|name| (name, "fires"));
            let complaints = missing.chain(already).chain(unexpected);
            all.extend(complaints.map(|(name, what)| format!("{fault}: {name} {what}")));
        }
        let going_on = self.unresolved.iter().filter(speed);
        all.extend(going_on.map(|name| format!("{name} keeps firing")));
        all
    }

    /// The report as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = self.write_markdown(&mut out);
        out
    }

    fn write_markdown(&self, out: &mut String) -> std::fmt::Result {
        let Machine {
            processor,
            cores,
            memory_mib,
            system,
        } = &self.machine;
        writeln!(out, "# Panels and rules against a real Prometheus\n")?;
        writeln!(
            out,
            "{processor}, {cores} cores, {memory_mib} MiB, {system}; commit {}.",
            self.revision
        )?;
        writeln!(
            out,
            "Rules ran {} times as fast as the clock, scraped as many times as often; times below are \
             the clock's.\n",
            self.pace
        )?;
        writeln!(
            out,
            "| Asked | | Data | Quiet, as declared | Empty | Failed |\n|---|---|---|---|---|---|"
        )?;
        let tables = [
            ("Panels, idle", &self.idle),
            ("Panels, under load", &self.panels),
            ("Rules, under load", &self.rules),
        ];
        for (what, list) in tables {
            let count = |outcome| list.iter().filter(|asked| asked.outcome == outcome).count();
            writeln!(
                out,
                "| {what} | {} | {} | {} | {} | {} |",
                list.len(),
                count(Outcome::Data),
                count(Outcome::Quiet),
                count(Outcome::Empty),
                count(Outcome::Failed)
            )?;
        }
        let held = self
            .identities
            .iter()
            .filter(|identity| identity.holds())
            .count();
        writeln!(
            out,
            "\n{held} of {} identities hold.",
            self.identities.len()
        )?;
        let Scrape {
            series,
            seconds,
            render_seconds,
        } = self.scrape;
        let millis = |(median, most): (f64, f64)| {
            format!(
                "{:.1} ms at the median and {:.0} ms at most",
                median * 1e3,
                most * 1e3
            )
        };
        writeln!(
            out,
            "A scrape has {series} series and {} KiB. It takes {}; in the service, {}.",
            self.bytes / 1024,
            millis(seconds),
            millis(render_seconds)
        )?;
        let list = |names: &[String]| {
            if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            }
        };
        writeln!(
            out,
            "Alerts while idle: {}. Alerts under the usual load: {}.",
            list(&self.firing_idle),
            list(&self.firing_load)
        )?;
        writeln!(out, "There are {} alerts.\n", rules::alerts().len())?;
        self.write_faults(out)
    }

    fn write_faults(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "| Fault | Alert | Seconds until it fired | Beside it |\n|---|---|---|---|"
        )?;
        for found in &self.faults {
            let beside: Vec<_> = found.beside.iter().map(String::as_str).collect();
            for (name, seconds) in &found.fired {
                let seconds = match seconds {
                    _ if found.already.contains(name) => "fired before".to_owned(),
                    Some(seconds) => seconds.to_string(),
                    None => "never".to_owned(),
                };
                writeln!(
                    out,
                    "| {} | {name} | {seconds} | {} |",
                    found.fault,
                    beside.join(", ")
                )?;
            }
        }
        Ok(())
    }

    /// Writes `report.md` and `report.json` into a folder.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        std::fs::write(folder.join("report.md"), self.markdown())?;
        let json = serde_json::to_string_pretty(self)?;
        std::fs::write(folder.join("report.json"), json + "\n")?;
        Ok(())
    }
}

/// Alerts on logins that reached the lookup: a machine too slow for hashing sheds them before, and
/// [`SPEED`] has the alert on that.
const LOOKED_UP: [&str; 1] = ["AuthCredentialStuffing"];
/// Alerts that a slow machine raises under normal load: logins are late or shed, Redis times out.
const SPEED: [&str; 10] = [
    "AuthAvailabilityBudgetBurn",
    "AuthJourneyBudgetBurn",
    "AuthJourneyFailing",
    "AuthPasswordHashQueueSaturated",
    "AuthPasswordHashShedding",
    "AuthPasswordLatencyBudgetBurn",
    // The two alerts on fallbacks for Redis: limits, and everything else.
    "AuthRateLimiterDegraded",
    "AuthRedisFallbacks",
    "AuthRuntimeBlocked",
    "AuthTokenLatencyBudgetBurn",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The finding for an alert that did not fire, with the number of logins shed.
    fn missing(alert: &str, turned_away: f64, ignore_speed: bool) -> bool {
        let mut report = Report::new(Pace(15));
        report.faults.push(Found {
            fault: "a fault",
            mended: 0.0,
            turned_away,
            fired: [(alert.to_owned(), None)].into(),
            already: std::collections::BTreeSet::new(),
            beside: std::collections::BTreeSet::new(),
            unexpected: std::collections::BTreeSet::new(),
        });
        let complaint = format!("a fault: {alert} does not fire");
        report.complaints(ignore_speed).contains(&complaint)
    }

    #[test]
    fn missing_alert_is_reported_unless_the_machine_is_too_slow() {
        for (turned_away, ignore_speed, missed) in [
            (0.0, false, true),
            (0.0, true, true),
            (9.0, false, true),
            (9.0, true, false),
        ] {
            let found = missing("AuthCredentialStuffing", turned_away, ignore_speed);
            assert_eq!(found, missed, "{turned_away} {ignore_speed}");
        }
        assert!(missing("AuthPasswordHashShedding", 9.0, true));
    }
}
