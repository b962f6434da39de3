//! The host of a request. A proxy and the service may interpret a missing or repeated host differently
//! (RFC 9112 section 3.2, RFC 9113 section 8.3.1).

use poem::Request;
use poem::http::uri::Authority;
use poem::http::{Version, header};

use crate::api::problem::Problem;

/// Refuses a request that does not name exactly one host. HTTP/1.0 may omit it.
///
/// # Errors
/// 400.
pub fn check(request: &Request) -> Result<(), Problem> {
    let mut named = request.headers().get_all(header::HOST).iter();
    let refuse = |why: &str| Err(Problem::malformed().detail(why));
    let (host, more) = (named.next(), named.next());
    if more.is_some() {
        return refuse("the request has more than one Host");
    }
    let host = match host.map(|host| Authority::try_from(host.as_bytes())) {
        // No header may name an account.
        Some(Ok(host)) if !host.as_str().contains('@') => Some(host),
        Some(_) => return refuse("Host is not a host with or without a port"),
        None => None,
    };
    if request.version() < Version::HTTP_2 {
        // The absolute form of the request line names a host, too, and still needs the header.
        return match host {
            None if request.version() == Version::HTTP_11 => refuse("the request has no Host"),
            _ => Ok(()),
        };
    }
    match (request.uri().authority(), host) {
        (None, None) => refuse("the request has neither :authority nor Host"),
        (Some(authority), Some(host)) if *authority != host => {
            refuse(":authority and Host are different")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(version: Version, uri: &str, hosts: &[&str]) -> bool {
        let request = Request::builder()
            .version(version)
            .uri(uri.parse().expect("a URI"));
        let request = hosts
            .iter()
            .fold(request, |request, host| request.header(header::HOST, *host));
        check(&request.finish()).is_ok()
    }

    #[test]
    fn request_names_exactly_one_host() {
        let (one, two) = (Version::HTTP_11, Version::HTTP_2);
        for (version, uri, hosts, expected) in [
            (one, "/", &["a.example"][..], true),
            (one, "/", &["a.example:8000"], true),
            (one, "/", &["[::1]:8000"], true),
            (one, "/", &[], false),
            (one, "/", &["a.example", "b.example"], false),
            (one, "/", &["a.example", "a.example"], false),
            (one, "/", &[""], false),
            (one, "/", &["a.example, b.example"], false),
            (one, "/", &["user@a.example"], false),
            (one, "/", &["a.example/path"], false),
            (one, "http://a.example/", &[], false),
            (one, "http://a.example/", &["a.example"], true),
            (Version::HTTP_10, "/", &[], true),
            (Version::HTTP_10, "/", &["a.example", "b.example"], false),
            (two, "http://a.example/", &[], true),
            (two, "/", &["a.example"], true),
            (two, "/", &[], false),
            (two, "/", &["a.example", "b.example"], false),
            (two, "http://a.example/", &["A.example"], true),
            (two, "http://a.example/", &["b.example"], false),
        ] {
            let found = allowed(version, uri, hosts);
            assert_eq!(found, expected, "{version:?} {uri} {hosts:?}");
        }
    }
}
