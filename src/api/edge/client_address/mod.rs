//! The client's address.
//!
//! Anybody can write any address into a header, so headers count only from proxies that the operator
//! trusts. Each proxy appends the address of its peer: read from the right, the first address that is
//! not a trusted proxy is the client's, and everything left of it is unverified.

use std::net::{IpAddr, SocketAddr};

use poem::Request;
use poem::http::header::FORWARDED;
use poem::http::{HeaderMap, HeaderName, HeaderValue};

use crate::config::Networks;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The client's address; `None` if its connection has none.
///
/// Reads `X-Forwarded-For`, and `Forwarded` (RFC 7239) only without it: a proxy that writes one must
/// remove the other.
#[must_use]
pub fn client(request: &Request, proxies: &Networks) -> Option<IpAddr> {
    Some(resolve(peer(request)?, request.headers(), proxies))
}

/// Whether the request comes from a trusted proxy.
#[must_use]
pub fn is_from_proxy(request: &Request, proxies: &Networks) -> bool {
    peer(request).is_some_and(|peer| proxies.contain(peer.to_canonical()))
}

/// Whether the request seems to come through an untrusted proxy, whose clients would all have one
/// address.
#[must_use]
pub fn seems_forwarded(request: &Request, proxies: &Networks) -> bool {
    peer(request).is_some_and(|peer| forwarded_from_near(peer, request.headers(), proxies))
}

/// The address at the other end of the connection.
fn peer(request: &Request) -> Option<IpAddr> {
    Some(request.remote_addr().as_socket_addr()?.ip())
}

fn resolve(peer: IpAddr, headers: &HeaderMap, proxies: &Networks) -> IpAddr {
    let peer = peer.to_canonical();
    if !proxies.contain(peer) {
        return peer;
    }
    if headers.contains_key(X_FORWARDED_FOR) {
        let entries = lines(headers, X_FORWARDED_FOR);
        let entries = entries.flat_map(|line| line.rsplit(|byte| *byte == b','));
        nearest(peer, entries.map(host), proxies)
    } else {
        let elements = lines(headers, FORWARDED).flat_map(|line| line.rsplit(unquoted(b',')));
        nearest(peer, elements.map(forwarded_for), proxies)
    }
}

/// Only a peer in a private network is likely to be a proxy: anyone on the internet can send such
/// headers.
fn forwarded_from_near(peer: IpAddr, headers: &HeaderMap, proxies: &Networks) -> bool {
    let near = match peer.to_canonical() {
        IpAddr::V4(address) => address.is_private() || address.is_loopback(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_loopback(),
    };
    let forwarded = || headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(FORWARDED);
    near && forwarded() && !proxies.contain(peer)
}

/// The first hop, from the nearest on, that is not a trusted proxy, or the last before an invalid
/// entry.
fn nearest(peer: IpAddr, hops: impl Iterator<Item = Option<IpAddr>>, proxies: &Networks) -> IpAddr {
    let mut address = peer;
    for hop in hops.map_while(|hop| hop) {
        address = hop;
        if !proxies.contain(hop) {
            break;
        }
    }
    address
}

/// The lines of a header as bytes, the last one first: one invalid entry must not make the others
/// unreadable.
fn lines(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &[u8]> {
    let lines = headers.get_all(name).into_iter().rev();
    lines.map(HeaderValue::as_bytes)
}

/// An address with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`,
/// `[2001:db8::1]:80`.
fn host(text: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(text.trim_ascii()).ok()?;
    let with_port = || Some(text.parse::<SocketAddr>().ok()?.ip());
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: Option<IpAddr> = text.parse().ok();
    let address = address
        .or_else(with_port)
        .or_else(|| in_brackets().map(IpAddr::V6))?;
    Some(address.to_canonical())
}

/// The address in one element of `Forwarded`, such as `for="[2001:db8::1]:80";proto=https`.
fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    let mut values = element.split(unquoted(b';')).filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (pair[..at].trim_ascii(), &pair[at + 1..]);
        name.eq_ignore_ascii_case(b"for").then_some(value)
    });
    let value = values.next()?.trim_ascii();
    if values.next().is_some() {
        return None;
    }
    match value.strip_prefix(b"\"") {
        Some(rest) => host(rest.strip_suffix(b"\"")?),
        None => host(value),
    }
}

/// Finds a separator outside of quotes, from either end.
fn unquoted(separator: u8) -> impl FnMut(&u8) -> bool {
    let mut quoted = false;
    move |byte| {
        quoted ^= *byte == b'"';
        *byte == separator && !quoted
    }
}

#[cfg(test)]
mod tests;
