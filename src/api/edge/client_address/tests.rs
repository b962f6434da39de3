//! Forged, broken and strange headers.

use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn headers(lines: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let name = HeaderName::try_from(*name).expect("a name");
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
        headers.append(name, value);
    }
    headers
}

fn client_of(peer: &str, lines: &[(&str, &str)], proxies: &str) -> String {
    let proxies = proxies.parse().expect("networks");
    resolve(address(peer), &headers(lines), &proxies).to_string()
}

const PROXIES: &str = "10.0.0.0/8,fd00::/8";

#[test]
fn a_stranger_is_not_believed() {
    for name in ["x-forwarded-for", "forwarded"] {
        for value in ["192.0.2.1", "for=192.0.2.1", "10.0.0.1", "for=10.0.0.1"] {
            let lines = [(name, value)];
            for peer in ["203.0.113.9", "2001:db8::9"] {
                assert_eq!(client_of(peer, &lines, PROXIES), peer);
                assert_eq!(client_of(peer, &lines, ""), peer);
            }
            assert_eq!(client_of("10.0.0.1", &lines, ""), "10.0.0.1");
        }
    }
}

#[test]
fn the_rightmost_address_that_is_no_proxys_is_the_clients() {
    for (value, expected) in [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.1, 10.0.0.2", "192.0.2.1"),
        ("198.51.100.7, 192.0.2.1,10.0.0.2 ,\t10.0.0.3", "192.0.2.1"),
        ("10.0.0.9, 10.0.0.2", "10.0.0.9"),
        ("10.6.6.6, 192.0.2.1", "192.0.2.1"),
        ("192.0.2.1:8080", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443, fd00::2", "2001:db8::1"),
        ("::ffff:192.0.2.1, ::ffff:10.0.0.2", "192.0.2.1"),
        // An invalid entry ends the search; the last good hop is the client.
        ("", "10.0.0.1"),
        ("192.0.2.1, unknown", "10.0.0.1"),
        ("192.0.2.1, 10.0.0.2, nonsense", "10.0.0.1"),
        ("192.0.2.1, nonsense, 10.0.0.2", "10.0.0.2"),
        ("192.0.2.1,, 10.0.0.2", "10.0.0.2"),
        ("192.0.2.1, fe80::1%eth0", "10.0.0.1"),
        ("192.0.2.1, 192.0.2.256", "10.0.0.1"),
        ("192.0.2.1, 10.0.0.2:", "10.0.0.1"),
        ("192.0.2.1, \"10.0.0.2\"", "10.0.0.1"),
        ("192.0.2.1; 10.0.0.2", "10.0.0.1"),
        ("[192.0.2.1]", "10.0.0.1"),
    ] {
        let lines = [("x-forwarded-for", value)];
        assert_eq!(client_of("10.0.0.1", &lines, PROXIES), expected, "{value}");
        assert_eq!(
            client_of("::ffff:10.0.0.1", &lines, PROXIES),
            expected,
            "{value}"
        );
    }
}

#[test]
fn the_lines_of_a_header_are_one_list() {
    let lines = [
        ("x-forwarded-for", "198.51.100.7"),
        ("x-forwarded-for", "192.0.2.1, 10.0.0.3"),
        ("x-forwarded-for", "10.0.0.2"),
    ];
    assert_eq!(client_of("10.0.0.1", &lines, PROXIES), "192.0.2.1");
    let broken = [lines[0], ("x-forwarded-for", "é"), lines[2]];
    assert_eq!(client_of("10.0.0.1", &broken, PROXIES), "10.0.0.2");
}

#[test]
fn forwarded_is_read_where_there_is_no_x_forwarded_for() {
    for (value, expected) in [
        ("for=192.0.2.1", "192.0.2.1"),
        ("For=\"192.0.2.1:80\";proto=https;by=10.0.0.1", "192.0.2.1"),
        (
            "proto=https; FOR=\"[2001:db8::1]:80\", for=10.0.0.2",
            "2001:db8::1",
        ),
        ("for=198.51.100.7, for=192.0.2.1, for=10.0.0.2", "192.0.2.1"),
        ("for=192.0.2.1;host=\"a,b;for=10.0.0.9\"", "192.0.2.1"),
        // A quote that the client left open swallows nothing of what the proxy wrote.
        ("for=\"198.51.100.7, for=192.0.2.1", "192.0.2.1"),
        ("for=192.0.2.1, for=unknown", "10.0.0.1"),
        ("for=192.0.2.1, for=_hidden, for=10.0.0.2", "10.0.0.2"),
        ("for=192.0.2.1, proto=https", "10.0.0.1"),
        ("for=192.0.2.1;for=198.51.100.7", "10.0.0.1"),
        ("for=\"192.0.2.1", "10.0.0.1"),
        ("for=\"192.0.2\\.1\"", "10.0.0.1"),
        ("192.0.2.1", "10.0.0.1"),
        ("", "10.0.0.1"),
    ] {
        let lines = [("forwarded", value)];
        assert_eq!(client_of("10.0.0.1", &lines, PROXIES), expected, "{value}");
    }
    let both = [
        ("forwarded", "for=198.51.100.7"),
        ("x-forwarded-for", "192.0.2.1"),
    ];
    assert_eq!(client_of("10.0.0.1", &both, PROXIES), "192.0.2.1");
    let broken = [both[0], ("x-forwarded-for", "nonsense")];
    assert_eq!(client_of("10.0.0.1", &broken, PROXIES), "10.0.0.1");
}

/// A sequence that looks random and is the same every time (splitmix64).
fn next(state: &mut u64) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    usize::try_from((mixed ^ (mixed >> 27)) >> 33).unwrap_or_default()
}

#[test]
fn whatever_a_client_writes_the_answer_is_what_the_proxy_saw() {
    let pieces = [
        ",",
        ";",
        "\"",
        "\\",
        "=",
        "for",
        "for=",
        "[",
        "]",
        ":",
        " ",
        "\t",
        "10.0.0.9",
        "fd00::9",
        "198.51.100.7",
        "::ffff:10.0.0.8",
        "unknown",
        "_x",
        "é",
        "%",
        "/8",
        "0",
        "for=\"",
    ];
    let mut state = 7;
    for _ in 0..20_000 {
        let length = next(&mut state) % 12;
        let forged: String = (0..length)
            .map(|_| pieces[next(&mut state) % pieces.len()])
            .collect();
        for (name, entry) in [
            ("x-forwarded-for", "192.0.2.1"),
            ("forwarded", "for=192.0.2.1"),
        ] {
            // As one line, as some proxies write it, or as two.
            let joined = format!("{forged},{entry}");
            let one = client_of("10.0.0.1", &[(name, &joined)], PROXIES);
            let two = client_of("10.0.0.1", &[(name, &forged), (name, entry)], PROXIES);
            assert_eq!(one, "192.0.2.1", "{name}: {forged:?}");
            assert_eq!(two, "192.0.2.1", "{name}: {forged:?}");
        }
    }
}

#[test]
fn a_proxy_that_nobody_trusts_is_noticed() {
    let seems = |peer, lines: &[_], proxies: &str| {
        let proxies = proxies.parse().expect("networks");
        forwarded_from_near(address(peer), &headers(lines), &proxies)
    };
    let forwarded = [("x-forwarded-for", "192.0.2.1")];
    for near in ["10.0.0.1", "127.0.0.1", "::1", "fd00::1", "::ffff:10.0.0.1"] {
        assert!(seems(near, &forwarded, ""), "{near}");
        assert!(seems(near, &[("forwarded", "for=192.0.2.1")], ""), "{near}");
        assert!(!seems(near, &[], ""), "{near}");
        assert!(!seems(near, &forwarded, near), "{near}");
    }
    for stranger in ["203.0.113.9", "2001:db8::9"] {
        assert!(!seems(stranger, &forwarded, ""), "{stranger}");
    }
}
