//! The connections of each source: one address cannot take those of all others.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use crate::config::Networks;

/// What counts as one source in IPv6: what one customer of a provider has at least.
const NETWORK: u128 = !(u64::MAX as u128);

type Counts = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// How many connections each source has open.
pub(super) struct Sources {
    most: usize,
    exempt: Networks,
    open: Counts,
}

/// A connection of a source, counted until it is dropped.
pub(super) struct Held(Option<(IpAddr, Counts)>);

impl Sources {
    /// Each source may have so many. Proxies are exempt, for they have those of all their clients.
    pub(super) fn new(most: usize, proxies: Networks) -> Self {
        Self {
            most,
            exempt: proxies,
            open: Arc::default(),
        }
    }

    /// Counts a connection; none when its source has as many as it may.
    pub(super) fn hold(&self, remote: IpAddr) -> Option<Held> {
        let remote = remote.to_canonical();
        if self.exempt.contain(remote) {
            return Some(Held(None));
        }
        let source = source(remote);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.get(&source).copied().unwrap_or(0);
        if count >= self.most {
            return None;
        }
        open.insert(source, count + 1);
        Some(Held(Some((source, Arc::clone(&self.open)))))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some((source, open)) = &self.0 else {
            return;
        };
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(source) {
            *count -= 1;
            if *count == 0 {
                open.remove(source);
            }
        }
    }
}

fn source(remote: IpAddr) -> IpAddr {
    match remote {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK).into(),
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
        assert!(open.is_empty(), "sources that left are forgotten: {open:?}");
    }

    #[test]
    fn trusted_proxy_holds_as_many_as_it_opens() {
        let sources = Sources::new(1, "192.0.2.0/24".parse().expect("a network"));
        let held: Vec<_> = (0..10)
            .map_while(|_| sources.hold(address("::ffff:192.0.2.7")))
            .collect();
        assert_eq!(held.len(), 10);
    }
}
