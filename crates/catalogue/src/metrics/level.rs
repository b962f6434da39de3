//! Gauges that every request raises and lowers.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use metrics::{Gauge, Key};

use super::{Family, Handle, Kind, LabelSet};

/// A gauge that is incremented and decremented.
///
/// The recorder keeps gauges as floats, whose compare-and-swap loop retries under contention. This is
/// an atomic integer, copied into the recorder before each scrape.
#[derive(Clone)]
pub struct Level(Arc<Inner>);

struct Inner {
    count: AtomicI64,
    shown: Gauge,
}

impl Handle for Level {
    const KIND: Kind = Kind::Gauge;

    fn register(key: &Key) -> Self {
        Self(Arc::new(Inner {
            count: AtomicI64::new(0),
            shown: Gauge::register(key),
        }))
    }
}

impl Level {
    /// One more.
    pub fn increment(&self) {
        self.0.count.fetch_add(1, Ordering::Relaxed);
    }

    /// One less.
    pub fn decrement(&self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a count of requests in flight stays far below 2^53"
    )]
    fn show(&self) {
        let count = self.0.count.load(Ordering::Relaxed);
        self.0.shown.set(count as f64);
    }
}

impl<L: LabelSet> Family<Level, L> {
    /// Copies the counts into the recorder. Call it before each scrape.
    pub fn show(&self) {
        self.handles().iter().for_each(Level::show);
    }
}
