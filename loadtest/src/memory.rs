//! Memory of the server during a run, measured from outside.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use testkit::machine::resident_bytes;

/// Samples the memory of a server's processes four times a second.
#[derive(Clone, Debug)]
pub struct Watch {
    seen: Arc<Mutex<Vec<(Duration, u64)>>>,
}

impl Watch {
    /// Starts sampling, until the runtime ends.
    #[must_use]
    pub fn start(pids: Vec<u32>) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let watch = Self {
            seen: Arc::clone(&seen),
        };
        tokio::spawn(async move {
            let started = Instant::now();
            let mut clock = tokio::time::interval(Duration::from_millis(250));
            loop {
                clock.tick().await;
                let each = pids.iter().map(|pid| resident_bytes(*pid));
                let Some(bytes) = each.sum() else {
                    return;
                };
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.push((started.elapsed(), bytes));
            }
        });
        watch
    }

    /// The samples so far, summed up.
    #[must_use]
    pub fn memory(&self) -> Option<Memory> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Memory::of(&seen)
    }
}

/// Memory of the server, in MiB.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Memory {
    /// Before the users started.
    pub start: f64,
    /// Maximum.
    pub peak: f64,
    /// After they ended.
    pub end: f64,
    /// Median of the last third of the run minus that of the middle third: 0 once memory has settled.
    pub growth: f64,
}

impl Memory {
    fn of(seen: &[(Duration, u64)]) -> Option<Self> {
        let mib = |bytes: u64| bytes as f64 / f64::from(1024 * 1024);
        let median = |part: &[(Duration, u64)]| {
            let mut bytes: Vec<u64> = part.iter().map(|(_, bytes)| *bytes).collect();
            bytes.sort_unstable();
            bytes.get(bytes.len() / 2).copied().map(mib)
        };
        let third = seen.len() / 3;
        let growth = median(&seen[2 * third..])? - median(&seen[third..2 * third]).unwrap_or(0.0);
        Some(Self {
            start: mib(seen.first()?.1),
            peak: mib(seen.iter().map(|(_, bytes)| *bytes).max()?),
            end: mib(seen.last()?.1),
            growth: if third == 0 { 0.0 } else { growth },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_last_third_minus_middle_third() {
        const MIB: u64 = 1024 * 1024;
        let seen = |sizes: &[u64]| -> Vec<_> {
            sizes
                .iter()
                .map(|size| (Duration::ZERO, size * MIB))
                .collect()
        };
        let flat = Memory::of(&seen(&[20, 30, 40, 40, 41, 40, 40, 40, 41])).expect("seen");
        assert_eq!(
            format!("{} {} {} {}", flat.start, flat.peak, flat.end, flat.growth),
            "20 41 41 0"
        );
        let grown = Memory::of(&seen(&[20, 20, 20, 30, 30, 30, 42, 42, 42])).expect("seen");
        assert_eq!(grown.growth.to_string(), "12");
        assert!(Memory::of(&[]).is_none());
    }
}
