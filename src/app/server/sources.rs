//! The connections and requests of each source are limited, so that one address cannot use up all. Over
//! HTTP/2 a connection has many requests, which may never end.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Networks;
use crate::limits::Source;

/// Requests in progress for each connection that a source may have.
const REQUESTS: usize = 2;

/// The open connections of a source, and the requests on them.
#[derive(Default)]
struct Count {
    connections: usize,
    requests: Arc<AtomicUsize>,
}

type Counts = Arc<Mutex<HashMap<Source, Count>>>;

/// How many connections each source has open.
pub(super) struct Sources {
    most: usize,
    exempt: Networks,
    open: Counts,
}

/// A connection of a source, counted until it is dropped.
pub(super) struct Held {
    source: Option<(Source, Counts)>,
    requests: Arc<AtomicUsize>,
    most_requests: usize,
}

/// A request of a source, counted until it is dropped.
pub(super) struct Asking(Arc<AtomicUsize>);

impl Asking {
    /// Counts a request; `None` at the limit.
    pub(super) fn begin(requests: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let before = requests.fetch_add(1, Ordering::Relaxed);
        let asking = Self(Arc::clone(requests));
        (before < most).then_some(asking)
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Sources {
    /// Each source may have this many. Proxies are exempt, because they carry the connections of all
    /// their clients.
    pub(super) fn new(most: usize, proxies: Networks) -> Self {
        Self {
            most,
            exempt: proxies,
            open: Arc::default(),
        }
    }

    /// Counts a connection; `None` if its source is at its limit.
    pub(super) fn hold(&self, remote: IpAddr) -> Option<Held> {
        let remote = remote.to_canonical();
        if self.exempt.contain(remote) {
            return Some(Held {
                source: None,
                requests: Arc::default(),
                most_requests: usize::MAX,
            });
        }
        let source = Source::from(remote);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        // A refused connection is open already.
        let count = open.entry(source).or_default();
        if count.connections >= self.most {
            return None;
        }
        count.connections += 1;
        Some(Held {
            requests: Arc::clone(&count.requests),
            source: Some((source, Arc::clone(&self.open))),
            most_requests: self.most.saturating_mul(REQUESTS),
        })
    }
}

impl Held {
    /// Counts a request of the source; `None` at its limit.
    pub(super) fn ask(&self) -> Option<Asking> {
        Asking::begin(&self.requests, self.most_requests)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some((source, open)) = &self.source else {
            return;
        };
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(source) {
            count.connections -= 1;
            if count.connections == 0 {
                open.remove(source);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn source_holds_its_share_and_no_more() {
        let sources = Sources::new(2, Networks::default());
        for (first, same, other) in [
            ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
            ("2001:db8::1", "2001:db8::ffff:0:0:1", "2001:db8:0:1::1"),
        ] {
            let one = sources.hold(address(first)).expect("room");
            let two = sources.hold(address(same)).expect("room");
            assert!(sources.hold(address(first)).is_none(), "{first}");
            assert!(sources.hold(address(same)).is_none(), "{same}");
            assert!(sources.hold(address(other)).is_some(), "{other}");
            drop(one);
            let three = sources.hold(address(first)).expect("room again");
            assert!(sources.hold(address(first)).is_none(), "{first}");
            drop((two, three));
        }
        let open = sources.open.lock().expect("nobody panicked");
        assert!(open.is_empty(), "sources that left are forgotten");
    }

    #[test]
    fn requests_on_all_connections_of_a_source_count_together() {
        let sources = Sources::new(2, Networks::default());
        let hold = |text| sources.hold(address(text)).expect("room");
        let (one, two, other) = (hold("192.0.2.1"), hold("192.0.2.1"), hold("192.0.2.2"));
        let asking = [one.ask(), one.ask(), one.ask(), two.ask()];
        assert!(asking.iter().all(Option::is_some));
        assert!(one.ask().is_none() && two.ask().is_none());
        assert!(other.ask().is_some(), "another source");
        drop(asking);
        assert!(two.ask().is_some(), "they have been answered");
    }

    #[test]
    fn trusted_proxy_holds_as_many_as_it_opens() {
        let sources = Sources::new(1, "192.0.2.0/24".parse().expect("a network"));
        let held: Vec<_> = (0..10)
            .map_while(|_| sources.hold(address("::ffff:192.0.2.7")))
            .collect();
        assert_eq!(held.len(), 10);
        let asking: Vec<_> = (0..10).map_while(|_| held[0].ask()).collect();
        assert_eq!(asking.len(), 10);
    }
}
