//! Refusals in the log: a flood of requests must not flood the log or displace other lines.
//!
//! For each source and reason one line a second is written, with the number of refusals. Only so many
//! sources are distinguished; refusals of further ones are folded by reason only.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use tracing::info;

use crate::clock::Clock;
use crate::request_context::{ClientAddress, current_request};

/// The maximum of distinct sources and reasons, and so of lines a second; beyond it one line a reason.
const CAPACITY: usize = 200;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    event: &'static str,
    reason: &'static str,
    source: Option<ClientAddress>,
}

struct Window {
    /// The second of the last line.
    second: i64,
    /// The refusals since then.
    refusals: u64,
}

#[derive(Default)]
struct Table(HashMap<Key, Window>);

impl Table {
    /// Counts a refusal. Returns the number for a log line, if one is due.
    fn count(&mut self, mut key: Key, now: i64) -> Option<u64> {
        if self.0.len() >= CAPACITY && !self.0.contains_key(&key) {
            key.source = None;
        }
        match self.0.get_mut(&key) {
            Some(window) if window.second == now => {
                window.refusals += 1;
                None
            }
            Some(window) => {
                window.second = now;
                Some(std::mem::take(&mut window.refusals) + 1)
            }
            None => {
                let window = Window {
                    second: now,
                    refusals: 0,
                };
                self.0.insert(key, window);
                Some(1)
            }
        }
    }

    /// Ends the windows before this second. Returns the refusals not logged yet.
    fn end(&mut self, before: i64) -> Vec<(Key, u64)> {
        let ended = self.0.extract_if(|_, window| window.second < before);
        ended
            .map(|(key, window)| (key, window.refusals))
            .filter(|(_, refusals)| *refusals > 0)
            .collect()
    }
}

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(Mutex::default);

fn with_table<T>(work: impl FnOnce(&mut Table) -> T) -> T {
    work(&mut TABLE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Counts a refusal of the current request. Returns the number for a log line, if one is due.
pub(super) fn refusal(event: &'static str, reason: &'static str) -> Option<u64> {
    let key = Key {
        event,
        reason,
        source: current_request().and_then(|request| request.address),
    };
    with_table(|table| table.count(key, Clock::system().now().timestamp()))
}

/// Writes the last count of each window that has ended. Called every second.
pub fn end_windows() {
    write(Clock::system().now().timestamp());
}

/// Writes all counts that are left. Called when the service stops.
pub fn end_all_windows() {
    write(i64::MAX);
}

fn write(before: i64) {
    for (key, refusals) in with_table(|table| table.end(before)) {
        let Key {
            event,
            reason,
            source,
        } = key;
        let address = source.and_then(ClientAddress::shown);
        if let Some(address) = address {
            info!(event, reason, refusals, client.address = address, "refused");
        } else {
            info!(event, reason, refusals, "refused");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn key(reason: &'static str, source: u32) -> Key {
        Key {
            event: "a_refusal",
            reason,
            source: Some(ClientAddress(IpAddr::V4(Ipv4Addr::from(source)))),
        }
    }

    #[test]
    fn source_and_reason_have_one_line_a_second_that_counts_every_refusal() {
        let mut table = Table::default();
        assert_eq!(table.count(key("a", 1), 7), Some(1));
        for _ in 0..9 {
            assert_eq!(table.count(key("a", 1), 7), None);
        }
        assert_eq!(table.count(key("b", 1), 7), Some(1));
        assert_eq!(table.count(key("a", 2), 7), Some(1));
        assert_eq!(table.count(key("a", 1), 8), Some(10));
        assert_eq!(table.count(key("a", 1), 8), None);
        assert!(table.end(8).is_empty(), "nothing is left of the others");
        let last = table.end(9);
        assert_eq!(last.len(), 1);
        assert_eq!(last[0].1, 1);
        assert!(table.0.is_empty());
    }

    #[test]
    fn refusals_of_many_sources_fold_by_reason() {
        let mut table = Table::default();
        let mut lines = 0;
        let mut counted = 0;
        for source in 0..100_000 {
            if let Some(refusals) = table.count(key("a", source), 7) {
                lines += 1;
                counted += refusals;
            }
        }
        assert!(lines <= CAPACITY + 1, "{lines}");
        assert!(table.0.len() <= CAPACITY + 1);
        let rest = table.end(8);
        assert_eq!(rest.len(), 1);
        assert_eq!(counted + rest[0].1, 100_000, "nothing is lost");
    }
}
