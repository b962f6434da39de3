//! Sources of requests: client networks.

use std::net::IpAddr;

use crate::rate::Rate;

/// The source of a request: an IPv4 address, or the first 64 bits of an IPv6 address, the smallest
/// network of one customer of a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source([u8; 16]);

/// The IPv6 networks that are limited: length of the prefix in bytes, and the factor on the rate. A
/// customer often has a 56-bit or 48-bit prefix, and could otherwise act as 256 or 65,536 sources. The
/// factors are far smaller, because few customers share such a network.
const PREFIXES: [(usize, u32); 3] = [(8, 1), (7, 4), (6, 16)];

/// One of the networks of a source.
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
    /// IPv4 addresses are unambiguous: the last 64 bits of all others are zero.
    const fn is_v4(&self) -> bool {
        self.0[10] == 0xff
    }

    /// The networks that are limited, smallest first: one for IPv4, three for IPv6.
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

    /// The source as an unknown client: the IPv4 address, or the largest IPv6 network of one customer,
    /// who could otherwise use 65,536 new sources.
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

    /// A byte that distinguishes equal octets of different prefix lengths.
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

    /// The network's rate, given the rate of one source.
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
