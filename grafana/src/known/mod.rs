//! The known metrics: those that a panel or a rule may name.

pub mod exporters;

use std::collections::{BTreeMap, BTreeSet};

use catalogue::endpoints::{OPERATIONS, PAGES};
use catalogue::metrics::{CATALOGUE, CanaryStep, Kind, SyntheticType};
use catalogue::permissions::Permission;
use testkit::lab_metrics;

/// The exporter of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The service, by its catalogue.
    Service,
    /// The load lab.
    LoadLab,
    /// Prometheus itself, for every target or every alert.
    Prometheus,
    /// The exporter that is scraped as this job.
    Exporter(&'static str),
    /// One of our recording rules.
    Rule,
}

/// One metric by its base name: without `_bucket`, `_sum`, `_count`.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: Kind,
    /// Its labels with their values; empty where the values are not a closed set.
    pub labels: BTreeMap<String, Vec<String>>,
    /// The upper bounds of its buckets as they are exported.
    pub bounds: Vec<String>,
    /// Its exporter.
    pub source: Source,
}

/// All of them, by name.
#[derive(Clone, Debug)]
pub struct AllKnown(BTreeMap<String, Known>);

/// A parsed series name.
#[derive(Clone, Copy, Debug)]
pub struct Part<'a> {
    /// The metric.
    pub metric: &'a Known,
    /// Whether the series is cumulative: a counter, or a part of a histogram.
    pub rises: bool,
    /// Whether it has the label `le`.
    pub bucket: bool,
}

fn labels(names: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    names
        .iter()
        .map(|(name, values)| {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            ((*name).to_owned(), values)
        })
        .collect()
}

fn words(of: impl Iterator<Item = &'static str>) -> Vec<String> {
    of.map(str::to_owned).collect()
}

/// The values of a label whose set is open in the catalogue, where they can be derived here.
fn open_values(label: &str) -> Vec<String> {
    match label {
        "http_route" => {
            let endpoints = OPERATIONS.iter().chain(PAGES);
            let routes: BTreeSet<_> = endpoints.map(|endpoint| endpoint.template).collect();
            words(routes.into_iter().chain(["unmatched"]))
        }
        "step" => words(CanaryStep::ALL.iter().map(|step| step.word())),
        "user_agent_synthetic_type" => words(SyntheticType::ALL.iter().map(|kind| kind.word())),
        "permission" => {
            let all = Permission::ALL.iter();
            words(all.map(|permission| permission.name()))
        }
        _ => Vec::new(),
    }
}

/// Bounds as the exporter writes them.
fn bounds(of: &[f64]) -> Vec<String> {
    of.iter().map(ToString::to_string).collect()
}

/// The load lab's metrics; its histogram has the bounds of the service's.
fn load_lab() -> Vec<Known> {
    let requests = CATALOGUE
        .iter()
        .find(|metric| metric.desc().name == crate::select::DURATION)
        .map_or(&[][..], |metric| metric.desc().buckets);
    let run: &[(&str, &[&str])] = &[("job", &[]), ("instance", &[]), ("run_id", &[])];
    let info: &[(&str, &[&str])] = &[("scenario", &[]), ("git_revision", &[])];
    let request: &[(&str, &[&str])] = &[
        ("request", &[]),
        ("outcome", &["success", "refused", "failure"]),
    ];
    let all: [(_, _, &[_], _); 4] = [
        (lab_metrics::USERS, Kind::Gauge, &[], &[][..]),
        (lab_metrics::ACTIVE, Kind::Gauge, &[], &[]),
        (lab_metrics::INFO, Kind::Gauge, info, &[]),
        (lab_metrics::DURATION, Kind::Histogram, request, requests),
    ];
    let known = all.into_iter().map(|(name, kind, own, buckets)| Known {
        name: name.to_owned(),
        kind,
        labels: labels(&[run, own].concat()),
        bounds: bounds(buckets),
        source: Source::LoadLab,
    });
    known.collect()
}

impl AllKnown {
    /// The metrics of the catalogue, the load lab, the exporters and Prometheus.
    /// [`AllKnown::with_recorded`] adds recorded series.
    #[must_use]
    pub fn new() -> Self {
        let target: &[(&str, &[&str])] = &[("job", &[]), ("instance", &[])];
        let mut all = BTreeMap::new();
        let mut add = |known: Known| {
            all.insert(known.name.clone(), known);
        };
        for metric in CATALOGUE {
            let desc = metric.desc();
            let mut own = labels(target);
            for label in metric.labels() {
                let mut values: Vec<String> = label
                    .values
                    .iter()
                    .map(|value| (*value).to_owned())
                    .collect();
                values.extend(open_values(label.name));
                own.insert(label.name.to_owned(), values);
            }
            add(Known {
                name: desc.name.to_owned(),
                kind: desc.kind,
                labels: own,
                bounds: bounds(desc.buckets),
                source: Source::Service,
            });
        }
        load_lab().into_iter().for_each(&mut add);
        for (job, name, kind, own) in exporters::METRICS {
            let mut all = labels(target);
            all.extend(own.iter().map(|label| ((*label).to_owned(), Vec::new())));
            add(Known {
                name: name.to_owned(),
                kind,
                labels: all,
                bounds: Vec::new(),
                source: Source::Exporter(job),
            });
        }
        let states: &[&str] = &["pending", "firing"];
        let alert: &[(&str, &[&str])] = &[
            ("alertname", &[]),
            ("alertstate", states),
            ("severity", &["page", "ticket", "info"]),
            ("window", &[]),
        ];
        let own = [
            ("up", labels(target)),
            ("scrape_samples_scraped", labels(target)),
            ("scrape_duration_seconds", labels(target)),
            ("ALERTS", labels(&[target, alert].concat())),
        ];
        for (name, labels) in own {
            add(Known {
                name: name.to_owned(),
                kind: Kind::Gauge,
                labels,
                bounds: Vec::new(),
                source: Source::Prometheus,
            });
        }
        Self(all)
    }

    /// Adds the series that rules record: ratios and rates by job.
    #[must_use]
    pub fn with_recorded(mut self, names: impl IntoIterator<Item = String>) -> Self {
        for name in names {
            let known = Known {
                name: name.clone(),
                kind: Kind::Gauge,
                labels: labels(&[("job", &[])]),
                bounds: Vec::new(),
                source: Source::Rule,
            };
            self.0.insert(name, known);
        }
        self
    }

    /// The metric behind a series' name.
    #[must_use]
    pub fn find(&self, series: &str) -> Option<Part<'_>> {
        if let Some(metric) = self.0.get(series) {
            // A histogram has no series with its bare name.
            return (metric.kind != Kind::Histogram).then_some(Part {
                metric,
                rises: metric.kind == Kind::Counter,
                bucket: false,
            });
        }
        ["_bucket", "_sum", "_count"].iter().find_map(|suffix| {
            let metric = self.0.get(series.strip_suffix(suffix)?)?;
            (metric.kind == Kind::Histogram).then_some(Part {
                metric,
                rises: true,
                bucket: *suffix == "_bucket",
            })
        })
    }

    /// All of them, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = &Known> {
        self.0.values()
    }
}

impl Default for AllKnown {
    fn default() -> Self {
        Self::new()
    }
}
