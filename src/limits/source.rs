//! Where a request comes from.

use std::net::IpAddr;

use crate::rate::Rate;

/// Where a request comes from: an IPv4 address, or the first 64 bits of an IPv6 address, which is
/// what one customer of a provider has at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source([u8; 16]);

/// The networks of an IPv6 source that are limited: bytes of the prefix, and how many times the rate it
/// has. A customer often has 56 bits or 48, and could otherwise be 256 or 65,536 sources. The shares are
/// far smaller, because neighbours in such a network are rare.
const PREFIXES: [(usize, u32); 3] = [(8, 1), (7, 4), (6, 16)];

/// One of the networks that a source is in.
#[derive(Clone, Copy)]
pub(super) struct Network {
    octets: [u8; 16],
    prefix: Option<usize>,
    share: u32,
}

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().octets()),
            IpAddr::V6(address) => Self(prefix(address.octets(), 8)),
        }
    }
}

impl Source {
    /// An address of version 4 cannot be mistaken: the last 64 bits of all others are zero.
    const fn is_v4(&self) -> bool {
        self.0[10] == 0xff
    }

    /// The networks that are limited, the smallest first: one of IPv4, three of IPv6.
    pub(super) fn networks(&self) -> impl Iterator<Item = Network> + use<> {
        let octets = self.0;
        let v4 = self.is_v4().then_some(Network {
            octets,
            prefix: None,
            share: 1,
        });
        let prefixes = if v4.is_some() { &[] } else { &PREFIXES[..] };
        v4.into_iter()
            .chain(prefixes.iter().map(move |(bytes, share)| Network {
                octets: prefix(octets, *bytes),
                prefix: Some(*bytes),
                share: *share,
            }))
    }

    /// The network that the address belongs to: an IPv4 address without its last byte, the first 48
    /// bits of an IPv6 address.
    #[must_use]
    pub fn network(&self) -> [u8; 16] {
        prefix(self.0, if self.is_v4() { 15 } else { 6 })
    }

    /// The source itself.
    pub(super) const fn octets(&self) -> &[u8; 16] {
        &self.0
    }

    /// The IPv4 address, or the largest IPv6 network that one customer has: as a stranger, who could
    /// otherwise come from 65,536 sources that nobody has seen before.
    pub(super) fn customer(&self) -> [u8; 16] {
        if self.is_v4() {
            self.0
        } else {
            prefix(self.0, 6)
        }
    }
}

impl Network {
    pub(super) const fn octets(&self) -> [u8; 16] {
        self.octets
    }

    /// A byte that tells the same octets of different lengths apart.
    pub(super) const fn tag(&self) -> u8 {
        match self.prefix {
            None | Some(8) => b's',
            Some(7) => b'5',
            Some(_) => b'4',
        }
    }

    /// The same as a word.
    pub(super) const fn word(&self) -> &'static str {
        match self.prefix {
            None | Some(8) => "source",
            Some(7) => "source56",
            Some(_) => "source48",
        }
    }

    /// What the network may do at this rate of one source.
    pub(super) const fn share(&self, rate: Rate) -> Rate {
        Rate {
            count: rate.count.saturating_mul(self.share),
            period: rate.period,
        }
    }
}

fn prefix(mut octets: [u8; 16], bytes: usize) -> [u8; 16] {
    octets[bytes..].fill(0);
    octets
}
