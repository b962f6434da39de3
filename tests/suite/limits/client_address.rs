//! Client addresses, and which proxies are trusted to report them.

use reqwest::Method;

use super::{limits, login};
use crate::harness::{ADMIN_PASSWORD, Answer, Server};

/// A login with these headers; whether it was refused by the limit of its address.
async fn refused(server: &Server, headers: &[(&str, &str)]) -> bool {
    let form = [("username", "admin"), ("password", ADMIN_PASSWORD)];
    let request = server.anon().request(Method::POST, "/login").form(&form);
    let request = headers.iter().fold(request, |request, (name, value)| {
        request.header(*name, *value)
    });
    let answer = Answer::of(request).await;
    if answer.status != 200 {
        answer.oauth_limited("login");
    }
    answer.status != 200
}

const FORWARDED: &str = "x-forwarded-for";

#[tokio::test]
async fn forwarding_headers_of_untrusted_clients_are_ignored() {
    let server = limits(&[("LOGIN_SOURCE", "2/1h")])
        .without("TRUSTED_PROXIES")
        .start()
        .await;
    for (number, address) in ["192.0.2.1", "192.0.2.2", "127.0.0.1", "::1", "x"]
        .iter()
        .enumerate()
    {
        assert_eq!(
            refused(&server, &[(FORWARDED, *address)]).await,
            number >= 1
        );
        let forwarded = format!("for={address}");
        assert_eq!(
            refused(&server, &[("forwarded", forwarded.as_str())]).await,
            number >= 1
        );
    }
    assert!(refused(&server, &[]).await);
    // It looks like a proxy that was forgotten: said once, without an address.
    let log = server.log();
    assert_eq!(log.matches("TRUSTED_PROXIES").count(), 1, "{log}");
    assert!(!log.contains("192.0.2"), "{log}");
}

#[tokio::test]
async fn forwarding_headers_of_trusted_proxies_give_the_client_address() {
    let server = limits(&[("LOGIN_SOURCE", "1/1h")])
        .env("TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8")
        .start()
        .await;
    assert!(!refused(&server, &[(FORWARDED, "192.0.2.1")]).await);
    // Addresses forged by the client stand left of the address that the proxy saw.
    for forged in [
        "192.0.2.1",
        "198.51.100.7, 192.0.2.1",
        "nonsense, 192.0.2.1",
        "198.51.100.8, 192.0.2.1, 10.0.0.3",
        "::ffff:192.0.2.1",
        "192.0.2.1:4711",
    ] {
        assert!(refused(&server, &[(FORWARDED, forged)]).await, "{forged}");
    }
    let lines = [(FORWARDED, "198.51.100.7"), (FORWARDED, "192.0.2.1")];
    assert!(refused(&server, &lines).await);
    assert!(refused(&server, &[("forwarded", "for=192.0.2.1;proto=https")]).await);
    // Those that it invented are still free, and so is the proxy itself.
    for other in ["198.51.100.7", "198.51.100.8"] {
        assert!(!refused(&server, &[(FORWARDED, other)]).await, "{other}");
    }
    assert!(!refused(&server, &[]).await);
    assert!(refused(&server, &[(FORWARDED, "192.0.2.1, nonsense")]).await);
    assert!(
        !server.log().contains("TRUSTED_PROXIES"),
        "{}",
        server.log()
    );
}

#[tokio::test]
async fn ipv6_clients_are_rate_limited_by_64_bit_network() {
    let server = limits(&[("LOGIN_SOURCE", "2/1h")]).start().await;
    let attempt = async |address| {
        login(&server, address, "admin", ADMIN_PASSWORD)
            .await
            .status
    };
    assert_eq!(attempt("2001:db8:0:1::1").await, 200);
    assert_eq!(attempt("2001:db8:0:1:ffff:ffff:ffff:ffff").await, 200);
    for address in [
        "2001:db8:0:1::1",
        "2001:db8:0:1::2",
        "[2001:DB8:0:1::3]:443",
    ] {
        assert_eq!(attempt(address).await, 429, "{address}");
    }
    assert_eq!(attempt("2001:db8:0:2::1").await, 200);
    // IPv4 has no such networks.
    for address in ["192.0.2.1", "192.0.2.2", "192.0.2.3"] {
        assert_eq!(attempt(address).await, 200, "{address}");
    }
}
