//! The faults of a stack.

use std::collections::BTreeSet;

use yaml_serde::Value;

use super::files::{Stack, at, list, mapping, string};
use super::{monitoring, networks, pins};

/// The service and the port of this machine.
const PUBLISHED: [(&str, &str); 6] = [
    ("alertmanager", "9093"),
    ("grafana", "3000"),
    ("mailpit", "8025"),
    ("pgadmin", "5050"),
    ("prometheus", "9090"),
    ("proxy", "8000"),
];

pub fn of(stack: &Stack) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, service) in stack.services() {
        let mut own = whole(service);
        own.extend(waits(stack, service));
        own.extend(mounts(stack, service));
        faults.extend(own.iter().map(|fault| format!("{name}: {fault}")));
    }
    faults.extend(published(stack));
    faults.extend(declarations(stack));
    faults.extend(documentation(stack));
    faults.extend(monitoring::scraping(stack));
    faults.extend(monitoring::retention(stack));
    faults.extend(monitoring::memory(stack));
    faults.extend(monitoring::preview(stack));
    faults.extend(monitoring::provisioning(stack));
    faults.extend(monitoring::mail(stack));
    faults.extend(database(stack));
    faults.extend(networks::reach(stack));
    faults.extend(networks::declared(stack));
    faults.extend(pins::dockerfile(stack));
    faults.extend(pins::actions(stack));
    faults
}

fn has_healthcheck(service: &Value) -> bool {
    !list(service, "healthcheck/test").is_empty()
}

/// Services that run once on demand need no restart policy and no health check.
fn runs_once(service: &Value) -> bool {
    !list(service, "profiles").is_empty() && at(service, "restart") == "no"
}

fn whole(service: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let image = string(at(service, "image"));
    let is_built = at(service, "build").is_mapping() && image.ends_with(":local");
    if !is_built && !pins::is_pinned(image) {
        faults.push(format!("image {image} is not pinned to a version"));
    }
    if !runs_once(service) {
        if at(service, "restart") != "unless-stopped" {
            faults.push("restart is not unless-stopped".to_owned());
        }
        if !has_healthcheck(service) {
            faults.push("no healthcheck".to_owned());
        }
    }
    if at(service, "mem_limit").is_null() {
        faults.push("no mem_limit".to_owned());
    }
    if string(at(service, "cap_drop/0")) != "ALL" {
        faults.push("cap_drop is not ALL".to_owned());
    }
    if string(at(service, "security_opt/0")) != "no-new-privileges:true" {
        faults.push("security_opt is not no-new-privileges".to_owned());
    }
    if at(service, "logging/options/max-size").is_null() {
        faults.push("logs are not bounded".to_owned());
    }
    // Compose writes an inline `content` into the container.
    let gets_inline_file = !list(service, "configs").is_empty();
    if at(service, "read_only") != &Value::Bool(true) && !gets_inline_file {
        faults.push("neither read_only nor in need of an inline file".to_owned());
    }
    faults
}

fn waits(stack: &Stack, service: &Value) -> Vec<String> {
    let services = stack.services();
    let mut faults = Vec::new();
    if at(service, "depends_on").is_sequence() {
        faults.push("depends_on is a list, which waits for nothing".to_owned());
    }
    for (name, how) in mapping(service, "depends_on").into_iter().flatten() {
        let name = string(name);
        let until = string(at(how, "condition"));
        if until != "service_healthy" {
            faults.push(format!("waits for {name} until {until}"));
        }
        match services.get(name) {
            None => faults.push(format!("waits for {name}, which is not there")),
            Some(other) if !has_healthcheck(other) => {
                faults.push(format!("waits for {name}, which has no healthcheck"));
            }
            Some(_) => {}
        }
    }
    faults
}

fn mounts(stack: &Stack, service: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let volumes = stack.declared("volumes");
    for mount in list(service, "volumes") {
        let mut parts = string(mount).split(':');
        let source = parts.next().unwrap_or_default();
        if !source.starts_with('.') {
            if !volumes.contains(source) {
                faults.push(format!("volume {source} is not declared"));
            }
            continue;
        }
        if !stack.root.join(source).exists() {
            faults.push(format!("{source} is not in the repository"));
        }
        if parts.nth(1) != Some("ro") {
            faults.push(format!("{source} is mounted writable"));
        }
    }
    let configs = stack.declared("configs");
    for config in list(service, "configs") {
        let source = string(at(config, "source"));
        if !configs.contains(source) {
            faults.push(format!("config {source} is not declared"));
        }
    }
    faults
}

fn published(stack: &Stack) -> Vec<String> {
    let mut faults = Vec::new();
    let mut found = BTreeSet::new();
    for (name, service) in stack.services() {
        for port in list(service, "ports") {
            let port = string(port);
            match port
                .strip_prefix("127.0.0.1:")
                .and_then(|rest| rest.split_once(':'))
            {
                Some((here, _)) => drop(found.insert((name, here))),
                None => faults.push(format!("{name}: port {port} is not bound to 127.0.0.1")),
            }
        }
    }
    if found != BTreeSet::from(PUBLISHED) {
        faults.push(format!("published ports: {found:?}"));
    }
    // A fixed name or host port allows one replica only.
    for key in ["container_name", "ports"] {
        if !at(&stack.compose, &format!("services/api/{key}")).is_null() {
            faults.push(format!("api: {key} forbids --scale"));
        }
    }
    faults
}

fn declarations(stack: &Stack) -> Vec<String> {
    let mut faults = Vec::new();
    let services = stack.services();
    let of_all = |key| {
        services
            .values()
            .flat_map(move |service| list(service, key))
    };
    let volumes: BTreeSet<&str> = of_all("volumes")
        .filter_map(|mount| string(mount).split(':').next())
        .collect();
    let configs: BTreeSet<&str> = of_all("configs")
        .map(|config| string(at(config, "source")))
        .collect();
    for (kind, used) in [("volume", volumes), ("config", configs)] {
        for name in stack.declared(&format!("{kind}s")).difference(&used) {
            faults.push(format!("{kind} {name} is not used"));
        }
    }
    faults
}

fn documentation(stack: &Stack) -> Vec<String> {
    let mut faults = Vec::new();
    let documented = stack.documented();
    let variables = stack.variables();
    for &(name, default) in &variables {
        let Some(default) = default else {
            faults.push(format!("${{{name}}} has no default"));
            continue;
        };
        match documented.get(name) {
            None => faults.push(format!("{name}: not in docs/operations.md, \"The stack\"")),
            Some(&said) if said != default => faults.push(format!(
                "{name}: `{said}` in the documentation, `{default}` in the compose file"
            )),
            Some(_) => {}
        }
    }
    for name in documented.keys() {
        if !variables.iter().any(|(used, _)| used == name) {
            faults.push(format!("{name}: not in the compose file, but documented"));
        }
    }
    faults
}

/// The superuser, its database and its password.
const SUPERUSER: &str = "rbac_sentinel";

/// The roles that scripts/database-roles makes: service, exporter and pgAdmin each have their own.
fn database(stack: &Stack) -> Vec<String> {
    let compose = &stack.compose;
    let mut faults = Vec::new();
    let postgres = at(compose, "services/postgres/environment");
    let name = string(at(postgres, "POSTGRES_DB"));
    if at(postgres, "POSTGRES_USER") != SUPERUSER {
        faults.push(format!("postgres: the superuser is not {SUPERUSER}"));
    }
    let password = |role: &str| string(at(postgres, &format!("POSTGRES_{role}PASSWORD")));
    let passwords = ["", "SERVICE_", "EXPORTER_", "READER_"].map(password);
    let distinct = BTreeSet::from(passwords);
    if distinct.len() < passwords.len() || distinct.contains("") {
        faults.push("postgres: roles share a password, or have none".to_owned());
    }
    let [superuser, service, exporter, reader] = passwords;
    let server = at(&stack.servers, "Servers/1");
    for (key, expected) in [
        ("Host", Value::from("postgres")),
        ("Port", Value::from(5432)),
        ("MaintenanceDB", Value::from(name)),
        ("Username", Value::from("rbac_reader")),
    ] {
        if at(server, key) != &expected {
            faults.push(format!("servers.json: {key} is not that of postgres"));
        }
    }
    let pgpass = string(at(compose, "configs/pgpass/content"));
    if pgpass.trim_end() != format!("postgres:5432:*:rbac_reader:{reader}") {
        faults.push("pgpass does not open the database".to_owned());
    }
    let url = format!("postgres://rbac_service:{service}@postgres:5432/{name}");
    if string(at(compose, "services/api/environment/DATABASE_URL")) != url {
        faults.push(format!("api: DATABASE_URL is not {url}"));
    }
    for (key, expected) in [
        (
            "DATA_SOURCE_URI",
            format!("postgres:5432/{name}?sslmode=disable"),
        ),
        ("DATA_SOURCE_USER", "rbac_exporter".to_owned()),
        ("DATA_SOURCE_PASS", exporter.to_owned()),
    ] {
        let path = format!("services/postgres-exporter/environment/{key}");
        if string(at(compose, &path)) != expected {
            faults.push(format!("postgres-exporter: {key} is not {expected}"));
        }
    }
    let script = "./scripts/database-roles:/docker-entrypoint-initdb.d/roles.sh:ro";
    let mounts = list(compose, "services/postgres/volumes");
    if !mounts.iter().any(|mount| string(mount) == script) {
        faults.push("postgres: scripts/database-roles is not run on an empty volume".to_owned());
    }
    // With the braces: the other passwords begin with the same words.
    for (other, service) in stack.services() {
        let text = yaml_serde::to_string(service).expect("YAML");
        if other != "postgres" && text.contains(superuser) {
            faults.push(format!("{other}: has the superuser's password"));
        }
    }
    faults
}
