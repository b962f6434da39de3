//! Reachability: two containers reach each other if they share a network, and only then.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{Stack, at, list, mapping, string};

/// The neighbours of every service, in both directions. Where the service is reached, its operational
/// port is: so Grafana, Mailpit, pgAdmin and Alertmanager stand beside neither `api` nor `redis`.
const NEIGHBOURS: [(&str, &[&str]); 12] = [
    ("alertmanager", &["grafana", "mailpit", "prometheus"]),
    (
        "api",
        &[
            "loadtest",
            "postgres",
            "postgres-exporter",
            "prometheus",
            "proxy",
            "redis",
            "redis-exporter",
        ],
    ),
    ("grafana", &["alertmanager", "prometheus"]),
    (
        "loadtest",
        &["api", "postgres-exporter", "prometheus", "redis-exporter"],
    ),
    ("mailpit", &["alertmanager"]),
    ("pgadmin", &["postgres"]),
    ("postgres", &["api", "pgadmin", "postgres-exporter"]),
    (
        "postgres-exporter",
        &[
            "api",
            "loadtest",
            "postgres",
            "prometheus",
            "redis-exporter",
        ],
    ),
    (
        "prometheus",
        &[
            "alertmanager",
            "api",
            "grafana",
            "loadtest",
            "postgres-exporter",
            "redis-exporter",
        ],
    ),
    ("proxy", &["api"]),
    ("redis", &["api", "redis-exporter"]),
    (
        "redis-exporter",
        &[
            "api",
            "loadtest",
            "postgres-exporter",
            "prometheus",
            "redis",
        ],
    ),
];

/// The networks of every service: a list, or a mapping with addresses.
fn memberships(stack: &Stack) -> BTreeMap<&str, BTreeSet<&str>> {
    let services = stack.services().into_iter();
    services
        .map(|(name, service)| {
            let listed = list(service, "networks").iter().map(string);
            let mapped = mapping(service, "networks").into_iter().flatten();
            let mut own: BTreeSet<&str> =
                listed.chain(mapped.map(|(key, _)| string(key))).collect();
            if own.is_empty() {
                own.insert("default");
            }
            (name, own)
        })
        .collect()
}

pub fn reach(stack: &Stack) -> Vec<String> {
    let members = memberships(stack);
    let expected = BTreeMap::from(NEIGHBOURS);
    let mut faults = Vec::new();
    for (name, own) in &members {
        let reached = members
            .iter()
            .filter(|(other, networks)| *other != name && !networks.is_disjoint(own));
        let reached: BTreeSet<&str> = reached.map(|(other, _)| *other).collect();
        let allowed: BTreeSet<&str> = expected
            .get(name)
            .into_iter()
            .flat_map(|others| others.iter().copied())
            .collect();
        for other in reached.difference(&allowed) {
            faults.push(format!("{name} reaches {other}"));
        }
        for other in allowed.difference(&reached) {
            faults.push(format!("{name} does not reach {other}"));
        }
    }
    faults
}

/// Networks are declared, used, and internal where none of their containers publishes a port.
pub fn declared(stack: &Stack) -> Vec<String> {
    let members = memberships(stack);
    let services = stack.services();
    let declared = stack.declared("networks");
    let mut faults = Vec::new();
    for (name, own) in &members {
        for network in own.difference(&declared) {
            faults.push(format!("{name}: network {network} is not declared"));
        }
        // Each of these goes around the networks.
        for key in ["network_mode", "links", "external_links", "extra_hosts"] {
            if !at(services[name], key).is_null() {
                faults.push(format!("{name}: {key} goes around the networks"));
            }
        }
        let publishes = !list(services[name], "ports").is_empty();
        if publishes && own.iter().all(|network| is_internal(stack, network)) {
            faults.push(format!("{name}: no network lets its port be published"));
        }
    }
    for network in &declared {
        let has_publisher = members
            .iter()
            .any(|(name, own)| own.contains(network) && !list(services[name], "ports").is_empty());
        if !members.values().any(|own| own.contains(network)) {
            faults.push(format!("network {network} is not used"));
        }
        if !is_internal(stack, network) && !has_publisher {
            faults.push(format!(
                "network {network} is not internal, and publishes nothing"
            ));
        }
    }
    // Stores and their exporters reach nothing outside.
    for name in ["postgres", "redis", "postgres-exporter", "redis-exporter"] {
        let own = members.get(name).into_iter().flatten();
        for network in own.filter(|network| !is_internal(stack, network)) {
            faults.push(format!("{name}: network {network} is not internal"));
        }
    }
    faults
}

fn is_internal(stack: &Stack, network: &str) -> bool {
    let internal = at(&stack.compose, &format!("networks/{network}/internal"));
    internal.as_bool().unwrap_or_default()
}
