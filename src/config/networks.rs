//! Addresses and networks as options.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv6Net};

/// The bits in front of an IPv4 address that is written as an IPv6 address.
const MAPPED: u8 = 96;

/// A network, or a single address. IPv4 is kept as IPv4-mapped IPv6: the two spellings of an
/// address are one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network(Ipv6Net);

fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

impl Network {
    fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&mapped(address))
    }
}

/// A text is not a network.
#[derive(Debug, thiserror::Error)]
#[error("must be addresses or networks such as 10.0.0.0/8 or fd00::1, separated by commas")]
pub struct NetworkError;

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let net: IpNet = if text.contains('/') {
            text.parse().map_err(|_| NetworkError)?
        } else {
            text.parse::<IpAddr>().map_err(|_| NetworkError)?.into()
        };
        // To trust every peer would let every client choose its address.
        if net.prefix_len() == 0 {
            return Err(NetworkError);
        }
        let before = if net.addr().is_ipv4() { MAPPED } else { 0 };
        Ipv6Net::new(mapped(net.addr()), before + net.prefix_len())
            .map(Self)
            .map_err(|_| NetworkError)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (address, prefix) = (self.0.addr(), self.0.prefix_len());
        match (address.to_canonical(), prefix.checked_sub(MAPPED)) {
            (IpAddr::V4(address), Some(prefix)) => write!(f, "{address}/{prefix}"),
            _ => write!(f, "{address}/{prefix}"),
        }
    }
}

/// Networks, separated by commas where they are configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(Vec<Network>);

impl Networks {
    /// Whether one of the networks contains the address.
    #[must_use]
    pub fn contain(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromStr for Networks {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let networks = text.split(',').map(str::trim);
        networks
            .filter(|network| !network.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("(none)");
        }
        let networks: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&networks.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn networks(text: &str) -> Networks {
        text.parse().expect("networks")
    }

    fn contain(text: &str, address: &str) -> bool {
        networks(text).contain(address.parse().expect("an address"))
    }

    #[test]
    fn network_contains_addresses_of_its_prefix() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("10.1.2.3/8", "10.9.9.9", "9.255.255.255"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("192.0.2.7/32", "::ffff:192.0.2.7", "::192.0.2.7"),
            ("::ffff:192.0.2.0/120", "192.0.2.9", "192.0.3.9"),
            ("128.0.0.0/1", "203.0.113.1", "127.0.0.1"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::1"),
            ("fd00::1", "fd00::1", "fd00::2"),
            ("10.0.0.0/8, fd00::/8,", "fd12::1", "fe80::1"),
        ] {
            assert!(contain(network, inside), "{network} {inside}");
            assert!(!contain(network, outside), "{network} {outside}");
        }
        assert!(networks("").is_empty() && networks(" , ").is_empty());
        assert!(!contain("", "127.0.0.1"));
    }

    #[test]
    fn invalid_network_is_rejected() {
        for text in [
            "localhost",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0.0/-1",
            "10.0.0.0/8/8",
            "10.0.0",
            "fd00::/129",
            "[::1]",
            "fe80::1%eth0",
            "0.0.0.0/0",
            "::/0",
            "10.0.0.1 10.0.0.2",
        ] {
            assert!(text.parse::<Networks>().is_err(), "{text}");
        }
    }

    #[test]
    fn networks_are_printed_as_configured() {
        for text in ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32,fd00::1/128"] {
            assert_eq!(networks(text).to_string(), text);
        }
        let wide = networks("::ffff:0.0.0.0/90").to_string();
        assert_eq!(networks(&wide), networks("::ffff:0.0.0.0/90"));
        assert_eq!(networks("").to_string(), "(none)");
    }
}
