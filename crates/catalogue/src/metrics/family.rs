//! Families of series with cached handles.
//!
//! A family is declared once, as a `static`; its label values come from types, so a series that was
//! not foreseen does not compile. Nothing outside this crate makes a series.

use std::marker::PhantomData;
use std::sync::OnceLock;

use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata};

use super::desc::{Desc, Kind, LabelDesc};
use super::label_set::LabelSet;

/// The recorder's handle of a series.
pub trait Handle: Clone + Send + Sync + 'static {
    /// The metric type behind the handle.
    const KIND: Kind;
    /// Registers the series, which creates it with the value 0.
    fn register(key: &Key) -> Self;
}

const METADATA: Metadata<'static> = Metadata::new("rbac_sentinel", Level::INFO, None);

impl Handle for Counter {
    const KIND: Kind = Kind::Counter;
    fn register(key: &Key) -> Self {
        metrics::with_recorder(|recorder| recorder.register_counter(key, &METADATA))
    }
}

impl Handle for Gauge {
    const KIND: Kind = Kind::Gauge;
    fn register(key: &Key) -> Self {
        metrics::with_recorder(|recorder| recorder.register_gauge(key, &METADATA))
    }
}

impl Handle for Histogram {
    const KIND: Kind = Kind::Histogram;
    fn register(key: &Key) -> Self {
        metrics::with_recorder(|recorder| recorder.register_histogram(key, &METADATA))
    }
}

fn series<H: Handle>(
    name: &'static str,
    labels: impl Iterator<Item = (&'static str, String)>,
) -> H {
    let labels: Vec<Label> = labels.map(|(k, v)| Label::new(k, v)).collect();
    H::register(&Key::from_parts(name, labels))
}

/// The interface of every family.
pub trait Metric: Sync {
    /// Name, type, unit, help, buckets.
    fn desc(&self) -> &Desc;
    /// The labels and their values.
    fn labels(&self) -> Vec<LabelDesc>;
    /// Creates every series that can be known at this point, with the value 0.
    fn zero(&self);
}

/// A family whose label values are all known at compile time.
///
/// Handles are registered once and kept: recording is an array index and an atomic.
pub struct Family<H, L> {
    desc: Desc,
    handles: OnceLock<Box<[H]>>,
    labels: PhantomData<fn(L)>,
}

impl<H: Handle, L: LabelSet> Family<H, L> {
    pub(super) const fn new(
        name: &'static str,
        unit: &'static str,
        help: &'static str,
        buckets: &'static [f64],
    ) -> Self {
        Self {
            desc: Desc {
                name,
                kind: H::KIND,
                unit,
                help,
                buckets,
            },
            handles: OnceLock::new(),
            labels: PhantomData,
        }
    }

    /// The handle of one series.
    #[must_use]
    pub fn with(&self, labels: L) -> &H {
        &self.handles()[labels.index()]
    }

    pub(super) fn handles(&self) -> &[H] {
        self.handles.get_or_init(|| {
            let names = L::names();
            (0..L::COUNT)
                .map(|index| {
                    let values = L::values_at(index).into_iter().map(str::to_owned);
                    series(self.desc.name, names.iter().copied().zip(values))
                })
                .collect()
        })
    }
}

impl<L: LabelSet> Family<Counter, L> {
    /// Counts one.
    pub fn inc(&self, labels: L) {
        self.with(labels).increment(1);
    }
}

impl<L: LabelSet> Family<Histogram, L> {
    /// Records one duration, in seconds.
    pub fn observe(&self, labels: L, duration: std::time::Duration) {
        self.with(labels).record(duration.as_secs_f64());
    }
}

impl<L: LabelSet> Family<Gauge, L> {
    /// Sets the value.
    pub fn set(&self, labels: L, value: f64) {
        self.with(labels).set(value);
    }
}

impl<H: Handle, L: LabelSet> Metric for Family<H, L> {
    fn desc(&self) -> &Desc {
        &self.desc
    }

    fn labels(&self) -> Vec<LabelDesc> {
        let names = L::names();
        let mut labels: Vec<LabelDesc> = names
            .iter()
            .map(|name| LabelDesc {
                name,
                values: Vec::new(),
                bound: "",
            })
            .collect();
        for index in 0..L::COUNT {
            for (label, value) in labels.iter_mut().zip(L::values_at(index)) {
                if !label.values.contains(&value) {
                    label.values.push(value);
                }
            }
        }
        labels
    }

    fn zero(&self) {
        self.handles();
    }
}

/// A family with label values that are known only at run time (routes, statement names, key ids), though
/// bounded. The owner of the values registers its series at start.
pub struct OpenFamily<H> {
    desc: Desc,
    labels: &'static [(&'static str, &'static str)],
    handle: PhantomData<fn() -> H>,
}

impl<H: Handle> OpenFamily<H> {
    pub(super) const fn new(
        name: &'static str,
        unit: &'static str,
        help: &'static str,
        buckets: &'static [f64],
        labels: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self {
            desc: Desc {
                name,
                kind: H::KIND,
                unit,
                help,
                buckets,
            },
            labels,
            handle: PhantomData,
        }
    }

    /// Registers one series; `values` in the order of the label names. Keep the handle.
    ///
    /// A label with an empty value is left out, which means the same to Prometheus.
    ///
    /// # Panics
    /// When the number of values is not the number of labels.
    #[must_use]
    pub fn series(&self, values: &[&str]) -> H {
        assert_eq!(values.len(), self.labels.len(), "{}", self.desc.name);
        series(
            self.desc.name,
            self.labels
                .iter()
                .zip(values)
                .filter(|(_, value)| !value.is_empty())
                .map(|((name, _), value)| (*name, (*value).to_owned())),
        )
    }
}

impl<H: Handle> Metric for OpenFamily<H> {
    fn desc(&self) -> &Desc {
        &self.desc
    }

    fn labels(&self) -> Vec<LabelDesc> {
        self.labels
            .iter()
            .map(|(name, bound)| LabelDesc {
                name,
                values: Vec::new(),
                bound,
            })
            .collect()
    }

    fn zero(&self) {}
}
