//! The recorder: counters and gauges are those of the exporter, histograms are our own.
//!
//! The exporter keeps the samples of a histogram in lists, which a scrape empties. A sample that is added to a
//! list in the moment in which it is taken away is lost (metrics-util 0.20: half a million of 80 million, by four
//! threads on two cores), and the lists need memory until somebody empties them. Requests are counted by the
//! histogram of their durations, and each counts.

mod buckets;
mod text;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{
    Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SetRecorderError, SharedString,
    Unit,
};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use self::buckets::Buckets;
use super::desc::{Desc, Kind};
use super::families::CATALOGUE;

/// The series of one histogram, by their labels as text.
struct Family {
    desc: Desc,
    series: BTreeMap<String, Arc<Buckets>>,
}

/// Every histogram, by its name.
type Histograms = Mutex<BTreeMap<&'static str, Family>>;

/// The recorder of the catalogue's metrics.
pub struct CatalogueRecorder {
    exporter: PrometheusRecorder,
    histograms: Arc<Histograms>,
}

/// Reads what a recorder has recorded.
#[derive(Clone)]
pub struct MetricsHandle {
    exporter: PrometheusHandle,
    histograms: Arc<Histograms>,
}

impl Default for CatalogueRecorder {
    fn default() -> Self {
        let of_catalogue = CATALOGUE.iter().map(|metric| *metric.desc());
        let histograms = of_catalogue.filter(|desc| desc.kind == Kind::Histogram);
        let families = histograms.map(|desc| {
            let series = BTreeMap::new();
            (desc.name, Family { desc, series })
        });
        Self {
            exporter: PrometheusBuilder::new().build_recorder(),
            histograms: Arc::new(Mutex::new(families.collect())),
        }
    }
}

impl CatalogueRecorder {
    /// A handle to what it records.
    #[must_use]
    pub fn handle(&self) -> MetricsHandle {
        MetricsHandle {
            exporter: self.exporter.handle(),
            histograms: Arc::clone(&self.histograms),
        }
    }

    /// Makes it the recorder of this process.
    ///
    /// # Errors
    /// When there is one already.
    pub fn install(self) -> Result<MetricsHandle, SetRecorderError<Self>> {
        let handle = self.handle();
        metrics::set_global_recorder(self)?;
        Ok(handle)
    }
}

impl MetricsHandle {
    /// Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = self.exporter.render();
        let histograms = self.histograms.lock();
        // A panic under the lock could only be one of the allocator.
        let histograms = histograms.unwrap_or_else(PoisonError::into_inner);
        for Family { desc, series } in histograms.values() {
            if !series.is_empty() {
                text::family(&mut text, desc, series);
            }
        }
        text
    }
}

impl Recorder for CatalogueRecorder {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.exporter.describe_counter(name, unit, text);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, text: SharedString) {
        self.exporter.describe_gauge(name, unit, text);
    }

    // The catalogue describes them.
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, metadata: &Metadata<'_>) -> Counter {
        self.exporter.register_counter(key, metadata)
    }

    fn register_gauge(&self, key: &Key, metadata: &Metadata<'_>) -> Gauge {
        self.exporter.register_gauge(key, metadata)
    }

    fn register_histogram(&self, key: &Key, metadata: &Metadata<'_>) -> Histogram {
        let mut histograms = self
            .histograms
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(family) = histograms.get_mut(key.name()) else {
            // A library's own.
            return self.exporter.register_histogram(key, metadata);
        };
        let bounds = family.desc.buckets;
        let series = family.series.entry(text::labels(key));
        let buckets = series.or_insert_with(|| Arc::new(Buckets::new(bounds)));
        Histogram::from_arc(Arc::clone(buckets))
    }
}
