//! Sources and counters of the rate limits.

use std::net::IpAddr;

use chrono::DateTime;

use super::*;

fn source(text: &str) -> Source {
    Source::from(text.parse::<IpAddr>().expect("an address"))
}

fn throttle(secret: &[u8]) -> Throttle {
    let rate: Rate = "2/1m".parse().expect("a rate");
    let rates = RateLimits::uniform(Switch::On, rate);
    let clock = Clock::manual(DateTime::UNIX_EPOCH);
    let cache = Arc::new(Cache::Memory(Memory::new(clock.clone(), 1000)));
    Throttle::new(rates, secret, cache, clock)
}

#[test]
fn rate_limit_source_is_an_ipv4_address_or_an_ipv6_network() {
    for (one, other, same) in [
        ("192.0.2.1", "192.0.2.1", true),
        ("192.0.2.1", "192.0.2.2", false),
        ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true),
        ("2001:db8::1", "2001:db8:0:1::1", false),
        ("::", "0.0.0.0", false),
        ("::1", "127.0.0.1", false),
    ] {
        assert_eq!(source(one) == source(other), same, "{one} {other}");
    }
}

#[test]
fn rate_limit_counter_names_are_keyed_hashes() {
    let (here, there) = (throttle(b"one"), throttle(b"two"));
    let home = source("192.0.2.1");
    let subjects = [
        Subject::Source(home.networks().next().expect("one")),
        Subject::Name("alice"),
        Subject::Username("alice"),
        Subject::Email("alice"),
        Subject::Family(Uuid::nil()),
        Subject::User(Uuid::nil()),
        Subject::Name("bob"),
    ];
    let digest = |throttle: &Throttle, subject| throttle.counted(Limiter::Login, subject).digest;
    let mut seen = std::collections::HashSet::new();
    for subject in subjects {
        assert_eq!(digest(&here, subject), digest(&throttle(b"one"), subject));
        assert!(seen.insert(digest(&here, subject)));
        assert!(seen.insert(digest(&there, subject)));
    }
    assert!(!seen.contains(home.octets()));
}

#[tokio::test]
async fn rate_limit_reports_the_longest_wait() {
    let mut throttle = throttle(b"one");
    throttle.rates.login_account = "2/1h".parse().expect("a rate");
    throttle.rates.login_stranger = "2/1h".parse().expect("a rate");
    let home = source("192.0.2.1");
    for _ in 0..2 {
        assert!(
            throttle
                .login(&home, "alice", None, None, false)
                .await
                .is_ok()
        );
    }
    let refused = async |throttle: &Throttle, name| match throttle
        .login(&home, name, None, None, false)
        .await
    {
        Err(Error::RateLimited(limited)) => (limited.dimension, limited.retry_after.as_secs()),
        other => panic!("{:?}", other.map(|_| ())),
    };
    assert_eq!(refused(&throttle, "bob").await, (SOURCE, 30));
    throttle.rates.login_source = "100/10m".parse().expect("a rate");
    assert_eq!(refused(&throttle, "alice").await, (ACCOUNT, 1800));
    assert_eq!(refused(&throttle, " ALICE").await, (ACCOUNT, 1800));
}

#[test]
fn ipv6_networks_have_a_share_that_grows_with_their_size() {
    let rate: Rate = "3/1m".parse().expect("a rate");
    let networks = |text: &str| -> Vec<_> {
        let networks = source(text).networks();
        networks
            .map(|network| (network.octets(), network.tag(), network.share(rate).count))
            .collect()
    };
    let octets = |text: &str| text.parse::<std::net::Ipv6Addr>().expect("text").octets();
    assert_eq!(
        networks("2001:db8:1:2345::9"),
        [
            (octets("2001:db8:1:2345::"), b's', 3),
            (octets("2001:db8:1:2300::"), b'5', 12),
            (octets("2001:db8:1::"), b'4', 48),
        ]
    );
    assert_eq!(
        networks("192.0.2.1"),
        [(octets("::ffff:192.0.2.1"), b's', 3)]
    );
}

#[test]
fn questions_count_by_account_and_refused_callers_by_source() {
    let throttle = throttle(b"one");
    let (home, elsewhere) = (source("192.0.2.1"), source("2001:db8::1"));
    for _ in 0..2 {
        for _ in 0..5 {
            assert!(throttle.expect_caller(&home).is_ok(), "it takes no permit");
        }
        assert!(throttle.note_refused_caller(&home).is_ok());
    }
    assert!(throttle.expect_caller(&home).is_err());
    assert!(throttle.note_refused_caller(&home).is_err());
    assert!(throttle.general(&home).is_ok(), "counted apart");
    assert!(throttle.expect_caller(&elsewhere).is_ok());
    let (gateway, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    for _ in 0..2 {
        assert!(throttle.decisions(gateway).is_ok());
    }
    let Err(Error::RateLimited(limited)) = throttle.decisions(gateway) else {
        panic!("three of two");
    };
    assert_eq!((limited.limiter, limited.dimension), ("decisions", ACCOUNT));
    assert!(throttle.decisions(other).is_ok());
}
