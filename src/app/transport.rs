//! Warns at start-up about connections that carry secrets over a network without TLS, and about a missing
//! public address.

use crate::config::{Config, Secret};

/// Warns about a database or Redis on another machine without TLS.
pub fn warn_about_plain_connections(config: &Config) {
    let urls = [&config.database.url, &config.redis.url];
    for (option, url) in ["DATABASE_URL", "REDIS_URL"].into_iter().zip(urls) {
        if url.as_ref().map(Secret::expose).is_some_and(is_plain) {
            tracing::warn!(
                "{option} names another machine without TLS: {}",
                advice(option)
            );
        }
    }
}

/// Warns about an issuer that is no address.
pub fn warn_about_missing_public_url(config: &Config) {
    let listeners = &config.listeners;
    if listeners.public_url.is_none() && listeners.api_addr.ip().is_unspecified() {
        tracing::warn!(
            "API_ADDR accepts connections on every address and PUBLIC_URL is unset: tokens name {} as their \
             issuer, which no client can reach. Set PUBLIC_URL to the address that clients use",
            listeners.issuer()
        );
    }
}

fn advice(option: &str) -> &'static str {
    match option {
        "REDIS_URL" => {
            "others on the network can read and change the data that replicas share; use rediss://"
        }
        _ => "others on the network can read and change accounts; add sslmode=verify-full",
    }
}

/// Whether this URL names another machine and uses no TLS.
fn is_plain(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else {
        return false;
    };
    let (authority, parameters) = rest.split_once(['/', '?']).unwrap_or((rest, ""));
    let (_, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let encrypted = match scheme {
        "redis" => false,
        "postgres" | "postgresql" => ["require", "verify-ca", "verify-full"].iter().any(|mode| {
            let words = parameters.split(['?', '&']);
            words.into_iter().any(|word| {
                word.strip_prefix("sslmode=")
                    .or(word.strip_prefix("ssl-mode="))
                    .is_some_and(|value| value == *mode)
            })
        }),
        _ => true,
    };
    !encrypted && !is_local(host)
}

fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    // Without a host, or with a path, it is a socket of this machine.
    name.is_empty()
        || name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().starts_with("%2f")
        || name
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_connections_to_other_machines_are_known() {
        for (url, plain) in [
            ("redis://127.0.0.1:6379/0", false),
            ("redis://:p@localhost", false),
            ("redis://[::1]:6379", false),
            ("redis://redis:6379/0", true),
            ("redis://user:p%40ss@10.0.0.1/0", true),
            ("redis://localhost@evil.example/0", true),
            ("redis://localhost.evil.example/0", true),
            ("rediss://redis.example.com", false),
            ("postgres://u:p@db/x", true),
            ("postgres://u:p@db/x?sslmode=prefer", true),
            ("postgres://u:p@db/x?sslmode=disable", true),
            ("postgres://u:p@db/x?a=b&sslmode=verify-full", false),
            ("postgresql://db?sslmode=require", false),
            ("postgres:///x?host=/run/postgresql", false),
            ("postgres://%2Frun%2Fpostgresql/x", false),
            ("postgres://127.0.0.1/x", false),
            ("sqlite://x.db", false),
        ] {
            assert_eq!(is_plain(url), plain, "{url}");
        }
    }

    #[test]
    fn advice_names_what_the_option_understands() {
        assert!(advice("REDIS_URL").contains("rediss://"));
        assert!(advice("DATABASE_URL").contains("sslmode=verify-full"));
    }
}
