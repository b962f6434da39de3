//! Gauges that every request raises and lowers.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use metrics::{Gauge, Key};

use super::family::{Family, Handle, Kind, LabelSet};

/// A gauge that counts what is there now.
///
/// The recorder keeps gauges as floats, which threads that change one at the same time have to try
/// again and again; here it is an integer, and the recorder is told when somebody looks.
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
        reason = "what is there at a time stays far below 2^53"
    )]
    fn show(&self) {
        let count = self.0.count.load(Ordering::Relaxed);
        self.0.shown.set(count as f64);
    }
}

impl<L: LabelSet> Family<Level, L> {
    /// Tells the recorder. Called before each scrape.
    pub fn show(&self) {
        self.handles().iter().for_each(Level::show);
    }
}
