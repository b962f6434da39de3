//! Origins of web pages as options (RFC 6454): scheme, host and port, as browsers write them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::Url;

/// An origin such as `https://app.example.com`, in the spelling of browsers, which is compared byte by
/// byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// A text is not an origin.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OriginError {
    /// All origins.
    #[error(
        "must not be *: the scripts of any page could then log its visitors in and act for them; \
         list the origins of your own pages"
    )]
    Everybody,
    /// What sandboxed pages and files send.
    #[error("must not be null: sandboxed pages of every origin send it")]
    Null,
    /// A default port.
    #[error("must not have the default port of its scheme: browsers leave it out")]
    DefaultPort,
    /// Anything else.
    #[error(
        "must be origins such as https://app.example.com, separated by commas: scheme, host in \
         lower-case ASCII and a port if it is not the default, without a path or a slash at the end"
    )]
    Malformed,
}

impl Origin {
    /// The origin as browsers send it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The origin of an address, if it has one.
    #[must_use]
    pub fn of_url(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        url.origin().ascii_serialization().parse().ok()
    }

    /// Whether its pages come by TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// Whether it is on the browser's own machine, which browsers treat like TLS.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let host = self.0.split_once("://").map_or("", |(_, host)| host);
        let (host, _) = split_port(host);
        let address = host.trim_start_matches('[').trim_end_matches(']');
        host == "localhost"
            || host.ends_with(".localhost")
            || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }
}

/// A host and the port after it.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        // Not within an IPv6 address.
        Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        match text {
            "*" => return Err(OriginError::Everybody),
            "null" => return Err(OriginError::Null),
            _ => {}
        }
        let (scheme, host) = text.split_once("://").ok_or(OriginError::Malformed)?;
        let default = match scheme {
            "https" => "443",
            "http" => "80",
            _ => return Err(OriginError::Malformed),
        };
        let (name, port) = split_port(host);
        if port == Some(default) {
            return Err(OriginError::DefaultPort);
        }
        let is_port = |port: &str| {
            let digits = port.bytes().all(|byte| byte.is_ascii_digit());
            digits && !port.starts_with('0') && port.parse::<u16>().is_ok()
        };
        let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
        let is_host = match name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
        {
            // In the one spelling that browsers use.
            Some(six) => six
                .parse::<std::net::Ipv6Addr>()
                .is_ok_and(|address| address.to_string() == six),
            None => name
                .split('.')
                .all(|label| !label.is_empty() && label.chars().all(letter)),
        };
        if !is_host || !port.is_none_or(is_port) {
            return Err(OriginError::Malformed);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Origins, separated by commas where they are configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins(Vec<Origin>);

impl Origins {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Origin> {
        self.0.iter()
    }
}

impl FromStr for Origins {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let origins = text.split(',').map(|origin| origin.trim().parse());
        origins.collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Origins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origins: Vec<_> = self.iter().map(Origin::as_str).collect();
        f.write_str(&origins.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_read_as_browsers_write_them() {
        for text in [
            "",
            "https://app.example.com",
            "https://app.example.com:8443,http://localhost:3000",
            "http://127.0.0.1:8000",
            "http://[::1]:8000",
            "https://xn--bcher-kva.example",
        ] {
            let origins: Origins = text.parse().expect(text);
            assert_eq!(origins.to_string(), text);
        }
        let spaced: Origins = " https://a.example , https://b.example "
            .parse()
            .expect("two");
        assert_eq!(spaced.to_string(), "https://a.example,https://b.example");
    }

    #[test]
    fn what_no_browser_would_send_is_refused_with_the_reason() {
        use OriginError::{DefaultPort, Everybody, Malformed, Null};
        for (text, error) in [
            ("*", Everybody),
            ("https://a.example,*", Everybody),
            ("null", Null),
            ("https://a.example:443", DefaultPort),
            ("http://a.example:80", DefaultPort),
            ("https://*.example.com", Malformed),
            ("https://*", Malformed),
            ("a.example", Malformed),
            ("https://", Malformed),
            ("https://a.example/", Malformed),
            ("https://a.example/path", Malformed),
            ("https://a.example?", Malformed),
            ("https://user@a.example", Malformed),
            ("https://A.example", Malformed),
            ("HTTPS://a.example", Malformed),
            ("https://b\u{fc}cher.example", Malformed),
            ("https://a..example", Malformed),
            ("https://a.example:", Malformed),
            ("https://a.example:0", Malformed),
            ("https://a.example:080", Malformed),
            ("https://a.example:65536", Malformed),
            ("https://[::0001]", Malformed),
            ("https://[::1", Malformed),
            ("file://", Malformed),
            ("ws://a.example", Malformed),
            ("https://a.example,", Malformed),
            ("https://a.example\r\nX: y", Malformed),
        ] {
            assert_eq!(text.parse::<Origins>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn address_has_the_origin_that_its_pages_have() {
        for (url, origin) in [
            ("https://Example.com/auth", Some("https://example.com")),
            ("https://example.com:443", Some("https://example.com")),
            ("http://example.com:443", Some("http://example.com:443")),
            ("HTTP://127.0.0.1:80/", Some("http://127.0.0.1")),
            ("http://[::1]:8000?x", Some("http://[::1]:8000")),
            ("file:///etc", None),
            ("http://127.0.0.1:0", None),
            ("example.com", None),
            ("https://", None),
        ] {
            let found = Origin::of_url(url);
            assert_eq!(found.as_ref().map(Origin::as_str), origin, "{url}");
        }
    }

    #[test]
    fn only_the_own_machine_is_a_loopback() {
        for (url, loopback) in [
            ("http://localhost:3000", true),
            ("http://app.localhost", true),
            ("http://127.0.0.1:8000", true),
            ("http://[::1]", true),
            ("http://0.0.0.0:8000", false),
            ("http://localhost.example.com", false),
            ("http://127.0.0.1.example.com", false),
            ("http://192.0.2.1", false),
        ] {
            let origin = Origin::of_url(url).expect(url);
            assert_eq!(origin.is_loopback(), loopback, "{url}");
        }
    }
}
