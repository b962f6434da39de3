//! The machinery under the catalogue: closed label sets and families of cached handles.
//!
//! This is the only file that talks to the `metrics` facade. A family is declared once, as a
//! `static`; its label values come from types, so a series that was not foreseen does not compile.

use std::marker::PhantomData;
use std::sync::OnceLock;

use metrics::{Counter, Gauge, Histogram, Key, KeyName, Label, Level, Metadata, Unit};

/// A closed set of label values: every combination is known when the program is compiled.
pub trait LabelSet: Copy + Send + Sync + 'static {
    /// How many combinations there are.
    const COUNT: usize;
    /// The label names, in order.
    fn names() -> Vec<&'static str>;
    /// The values of combination `index`, in the order of [`LabelSet::names`].
    fn values_at(index: usize) -> Vec<&'static str>;
    /// The position of this combination.
    fn index(self) -> usize;
}

impl LabelSet for () {
    const COUNT: usize = 1;
    fn names() -> Vec<&'static str> {
        Vec::new()
    }
    fn values_at(_: usize) -> Vec<&'static str> {
        Vec::new()
    }
    fn index(self) -> usize {
        0
    }
}

impl<A: LabelSet, B: LabelSet> LabelSet for (A, B) {
    const COUNT: usize = A::COUNT * B::COUNT;
    fn names() -> Vec<&'static str> {
        [A::names(), B::names()].concat()
    }
    fn values_at(index: usize) -> Vec<&'static str> {
        [
            A::values_at(index / B::COUNT),
            B::values_at(index % B::COUNT),
        ]
        .concat()
    }
    fn index(self) -> usize {
        self.0.index() * B::COUNT + self.1.index()
    }
}

/// Declares an enum whose variants are the only values that its labels can take.
///
/// One enum may feed several labels, so that combinations which cannot happen
/// (`outcome="success", reason="bad_password"`) have no series.
macro_rules! label_set {
    ($(#[$meta:meta])* pub enum $name:ident [$($label:literal),+] {
        $($(#[$vmeta:meta])* $variant:ident = [$($value:literal),+],)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The label values of this variant, in the order of the label names.
            #[must_use]
            pub const fn label_values(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($value),+],)+ }
            }

            /// The last label value: the most specific word for what this variant means.
            #[must_use]
            pub const fn word(self) -> &'static str {
                let values = self.label_values();
                values[values.len() - 1]
            }
        }

        impl $crate::metrics::LabelSet for $name {
            const COUNT: usize = Self::ALL.len();
            fn names() -> Vec<&'static str> { vec![$($label),+] }
            fn values_at(index: usize) -> Vec<&'static str> {
                Self::ALL[index].label_values().to_vec()
            }
            fn index(self) -> usize { self as usize }
        }
    };
}
pub(crate) use label_set;

/// Counter, gauge or histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only rises; the name ends in `_total`.
    Counter,
    /// Goes both ways.
    Gauge,
    /// Classic buckets, so that quantiles can be aggregated over instances.
    Histogram,
}

impl Kind {
    /// The type's name in the text format.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One label of a family: a name and what it can say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelDesc {
    /// The label's name.
    pub name: &'static str,
    /// The possible values where they are known at compile time, in order of declaration.
    pub values: Vec<&'static str>,
    /// For labels whose values are known at start only: what bounds them.
    pub bound: &'static str,
}

/// What the catalogue says of a family.
#[derive(Clone, Copy, Debug)]
pub struct Desc {
    /// The exported name, in full.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// The unit in Prometheus' words: `seconds`, `bytes`, or empty.
    pub unit: &'static str,
    /// One sentence for `# HELP`.
    pub help: &'static str,
    /// Upper bounds of the buckets, in the unit; empty unless a histogram.
    pub buckets: &'static [f64],
}

impl Desc {
    /// Announces help text and unit to the recorder.
    pub fn describe(&self) {
        let unit = match self.unit {
            "seconds" => Some(Unit::Seconds),
            "bytes" => Some(Unit::Bytes),
            _ => None,
        };
        let name = KeyName::from_const_str(self.name);
        metrics::with_recorder(|recorder| match self.kind {
            Kind::Counter => recorder.describe_counter(name, unit, self.help.into()),
            Kind::Gauge => recorder.describe_gauge(name, unit, self.help.into()),
            Kind::Histogram => recorder.describe_histogram(name, unit, self.help.into()),
        });
    }
}

/// A handle that the recorder hands out for one series.
pub trait Handle: Clone + Send + Sync + 'static {
    /// The metric type behind the handle.
    const KIND: Kind;
    /// Registers the series, which is also what makes it appear with the value 0.
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

/// What the catalogue can ask of any family.
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

/// A family some of whose label values are known only once the program runs (routes, statement
/// names, key ids), though bounded even so. The owner of the values registers its series at start.
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
    /// A label without a value is left out: to Prometheus that is the same, and it is shorter.
    ///
    /// # Panics
    /// When the number of values is not the number of labels: a mistake of the caller's code.
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
