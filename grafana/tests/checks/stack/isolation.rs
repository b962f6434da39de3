//! Roles of the database, networks and pins: each rule can be broken.

use super::{broken, compose, pins, replaced, set, without};

#[test]
fn database_roles_are_separate() {
    replaced(
        "pgpass does not open",
        "postgres:5432:*:rbac_reader:",
        "postgres:5432:*:rbac_sentinel:",
    );
    replaced(
        "api: DATABASE_URL",
        "@postgres:5432/rbac_sentinel",
        "@postgres:5432/other",
    );
    replaced(
        "api: DATABASE_URL",
        "postgres://rbac_service:",
        "postgres://rbac_sentinel:",
    );
    compose(
        "postgres-exporter: DATA_SOURCE_USER is not rbac_exporter",
        "services/postgres-exporter/environment/DATA_SOURCE_USER",
        "rbac_sentinel",
    );
    compose(
        "postgres-exporter: has the superuser's password",
        "services/postgres-exporter/environment/DATA_SOURCE_PASS",
        "'${POSTGRES_PASSWORD:-development-only}'",
    );
    compose(
        "postgres: roles share a password",
        "services/postgres/environment/POSTGRES_READER_PASSWORD",
        "'${POSTGRES_PASSWORD:-development-only}'",
    );
    compose(
        "postgres: scripts/database-roles is not run",
        "services/postgres/volumes/0",
        "postgres:/var/lib/postgresql",
    );
}

#[test]
fn containers_reach_only_their_neighbours() {
    compose(
        "grafana reaches api",
        "services/grafana/networks",
        "[monitoring, metrics]",
    );
    compose(
        "pgadmin reaches redis",
        "services/pgadmin/networks",
        "[pgadmin, database-admin, cache]",
    );
    compose("mailpit reaches api", "services/mailpit/networks", "[edge]");
    compose(
        "pgadmin reaches api",
        "services/pgadmin/networks",
        "[pgadmin, database]",
    );
    compose(
        "prometheus does not reach api",
        "services/prometheus/networks",
        "[monitoring]",
    );
    compose(
        "proxy does not reach api",
        "services/proxy/networks",
        "{mail: {ipv4_address: 10.0.0.2}}",
    );
    // Without a list both are in the network `default`.
    broken("grafana reaches redis", |stack| {
        set(&mut stack.compose, "services/grafana/networks", "null");
        set(&mut stack.compose, "services/redis/networks", "null");
    });
    compose(
        "newcomer reaches redis",
        "services/newcomer",
        "{image: 'newcomer:1.0', networks: [cache]}",
    );
}

#[test]
fn networks_are_internal_unless_they_publish() {
    compose(
        "redis: network cache is not internal",
        "networks/cache",
        "null",
    );
    compose(
        "network cache is not internal, and publishes nothing",
        "networks/cache/internal",
        "false",
    );
    compose(
        "mailpit: no network lets its port be published",
        "networks/mail",
        "{internal: true}",
    );
    compose("network unused is not used", "networks/unused", "null");
    without("redis: network cache is not declared", "networks/cache");
    compose(
        "grafana: network_mode goes around the networks",
        "services/grafana/network_mode",
        "host",
    );
}

#[test]
fn images_and_actions_are_pinned() {
    for (from, fault) in [
        ("FROM rust:1.95.0-slim-trixie AS", "image rust:1"),
        (
            "FROM gcr.io/distroless/cc-debian13:nonroot AS service",
            "image debian",
        ),
    ] {
        let image = fault.trim_start_matches("image ");
        broken(fault, |stack| {
            let last = from.rsplit(' ').next().expect("a word");
            stack.dockerfile = stack
                .dockerfile
                .replace(from, &format!("FROM {image} {last}"));
        });
    }
    let commit = "actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1";
    for other in ["actions/checkout@v7", "actions/checkout@main"] {
        broken(other, |stack| {
            stack.workflow = stack.workflow.replace(commit, other);
        });
    }
    assert!(pins::is_pinned("redis:8.10.2-alpine"));
    let digest = "0".repeat(64);
    assert!(pins::is_pinned(&format!("redis:8.10.2@sha256:{digest}")));
    assert!(!pins::is_pinned(&format!("redis:8@sha256:{digest}")));
    assert!(!pins::is_pinned("redis:8.10.2@sha256:0"));
}
