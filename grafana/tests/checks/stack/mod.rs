//! The compose file and the mounted files agree with each other and with docs/operations.md, and every
//! rule here can be broken.

mod faults;
mod files;
mod isolation;
mod monitoring;
mod networks;
mod pins;

use yaml_serde::Value;

use files::{Stack, at, at_mut};

#[test]
fn shipped_stack_has_no_faults() {
    let stack = Stack::read();
    assert!(stack.services().len() > 10, "services");
    let faults = faults::of(&stack);
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Changes the files in memory and expects this fault, alone or among others.
#[track_caller]
fn broken(fault: &str, change: impl FnOnce(&mut Stack)) {
    let mut stack = Stack::read();
    change(&mut stack);
    let faults = faults::of(&stack);
    let found = faults.iter().any(|found| found.contains(fault));
    assert!(found, "{fault} is not among\n{}", faults.join("\n"));
}

/// Sets the value at a path of the compose file.
#[track_caller]
fn compose(fault: &str, path: &str, yaml: &str) {
    broken(fault, |stack| set(&mut stack.compose, path, yaml));
}

fn set(file: &mut Value, path: &str, yaml: &str) {
    *at_mut(file, path) = yaml_serde::from_str(yaml).expect("YAML");
}

/// Removes the value at a path.
#[track_caller]
fn without(fault: &str, path: &str) {
    let (parent, key) = path.rsplit_once('/').expect("a path");
    broken(fault, |stack| {
        let parent = at_mut(&mut stack.compose, parent).as_mapping_mut();
        let removed = parent.expect("a mapping").remove(key);
        assert!(removed.is_some(), "{path} is there");
    });
}

/// Replaces this text of the compose file.
#[track_caller]
fn replaced(fault: &str, from: &str, to: &str) {
    broken(fault, |stack| {
        assert!(stack.compose_text.contains(from), "{from} is there");
        let text = stack.compose_text.replace(from, to);
        stack.compose = files::compose(&text);
        stack.compose_text = text;
    });
}

#[test]
fn services_are_complete() {
    compose(
        "redis: image redis:latest is not pinned",
        "services/redis/image",
        "redis:latest",
    );
    compose(
        "redis: image redis is not pinned",
        "services/redis/image",
        "redis",
    );
    compose(
        "redis: image redis:8 is not pinned",
        "services/redis/image",
        "redis:8",
    );
    without("grafana: no mem_limit", "services/grafana/mem_limit");
    compose(
        "api: mem_limit is 512m, and 1g in AuthMemoryGrowth",
        "services/api/mem_limit",
        "512m",
    );
    without("grafana: restart", "services/grafana/restart");
    without("grafana: no healthcheck", "services/grafana/healthcheck");
    compose(
        "grafana: no healthcheck",
        "services/grafana/healthcheck",
        "{disable: true}",
    );
    without("grafana: cap_drop", "services/grafana/cap_drop");
    without("grafana: security_opt", "services/grafana/security_opt");
    without("grafana: logs are not bounded", "services/grafana/logging");
    without("redis: neither read_only", "services/redis/read_only");
}

#[test]
fn services_wait_for_healthy_dependencies() {
    compose(
        "api: waits for redis until service_started",
        "services/api/depends_on/redis/condition",
        "service_started",
    );
    compose(
        "api: depends_on is a list",
        "services/api/depends_on",
        "[redis]",
    );
    compose(
        "proxy: waits for loadtest, which has no healthcheck",
        "services/proxy/depends_on",
        "{loadtest: {condition: service_healthy}}",
    );
    compose(
        "proxy: waits for nobody, which is not there",
        "services/proxy/depends_on",
        "{nobody: {condition: service_healthy}}",
    );
}

#[test]
fn only_known_ports_are_published_on_loopback() {
    compose(
        "proxy: port 8000:8000 is not bound to 127.0.0.1",
        "services/proxy/ports",
        "['8000:8000']",
    );
    compose(
        "published ports",
        "services/redis/ports",
        "['127.0.0.1:6379:6379']",
    );
    without("published ports", "services/pgadmin/ports");
    compose(
        "api: container_name forbids --scale",
        "services/api/container_name",
        "api",
    );
    compose(
        "api: ports forbids --scale",
        "services/api/ports",
        "['127.0.0.1:8000:8000']",
    );
}

#[test]
fn mounted_files_exist() {
    compose(
        "pgadmin: ./pgadmin/servers.yaml is not in the repository",
        "services/pgadmin/volumes/0",
        "./pgadmin/servers.yaml:/pgadmin4/servers.json:ro",
    );
    compose(
        "pgadmin: ./pgadmin/servers.json is mounted writable",
        "services/pgadmin/volumes/0",
        "./pgadmin/servers.json:/pgadmin4/servers.json",
    );
    without(
        "postgres: volume postgres is not declared",
        "volumes/postgres",
    );
    compose("volume unused is not used", "volumes/unused", "null");
    without("pgadmin: config pgpass is not declared", "configs/pgpass");
    compose(
        "config unused is not used",
        "configs/unused",
        "{content: x}",
    );
}

#[test]
fn variables_are_documented_with_their_defaults() {
    replaced(
        "GRAFANA_USER: not in",
        "GRAFANA_USER:-admin",
        "GRAFANA_NAME:-admin",
    );
    replaced(
        "GRAFANA_NAME: not in",
        "GRAFANA_USER:-admin",
        "GRAFANA_NAME:-admin",
    );
    replaced(
        "GRAFANA_USER: `admin` in the documentation, `root` in",
        "GRAFANA_USER:-admin",
        "GRAFANA_USER:-root",
    );
    replaced(
        "${GRAFANA_USER} has no default",
        "GRAFANA_USER:-admin",
        "GRAFANA_USER",
    );
}

#[test]
fn prometheus_reaches_its_targets_and_keeps_data() {
    let prometheus = |fault, path: &'static str, yaml: &'static str| {
        broken(fault, |stack| set(&mut stack.prometheus, path, yaml));
    };
    prometheus(
        "prometheus.yml: apis is no service",
        "scrape_configs/0/dns_sd_configs/0/names",
        "[apis]",
    );
    prometheus(
        "prometheus.yml: api does not listen on 9465",
        "scrape_configs/0/dns_sd_configs/0/port",
        "9465",
    );
    prometheus(
        "prometheus.yml: redis-exporter is not scraped",
        "scrape_configs/4/static_configs/0/targets",
        "['postgres-exporter:9187']",
    );
    prometheus(
        "prometheus.yml: alertmanager does not listen on 9094",
        "alerting/alertmanagers/0/static_configs/0/targets",
        "['alertmanager:9094']",
    );
    prometheus(
        "prometheus.yml: no folder of rules/*.yml is mounted",
        "rule_files",
        "['rules/*.yml']",
    );
    prometheus(
        "timeInterval of Prometheus is 15s, scrape_interval 30s",
        "global/scrape_interval",
        "30s",
    );
    replaced(
        "retention of 44d",
        "retention.time=45d",
        "retention.time=44d",
    );
    replaced(
        "prometheus: no retention",
        "      - --storage.tsdb.retention.time=45d\n",
        "",
    );
}

#[test]
fn grafana_and_alertmanager_reach_their_peers() {
    broken("Grafana: prom is no service", |stack| {
        set(
            &mut stack.datasources,
            "datasources/0/url",
            "http://prom:9090",
        );
    });
    broken("Grafana: alertmanager does not listen on 9999", |stack| {
        set(
            &mut stack.datasources,
            "datasources/1/url",
            "http://alertmanager:9999",
        );
    });
    broken("Grafana: alertmanagerUid am is no data source", |stack| {
        set(
            &mut stack.datasources,
            "datasources/0/jsonData/alertmanagerUid",
            "am",
        );
    });
    broken(
        "Grafana: ./grafana/dashboards is not mounted at /dashboards",
        |stack| {
            set(
                &mut stack.provider,
                "providers/0/options/path",
                "/dashboards",
            );
        },
    );
    replaced(
        "Alertmanager: what it told is forgotten before it may be repeated",
        "data.retention=192h",
        "data.retention=120h",
    );
    replaced(
        "Alertmanager: what it told is forgotten before it may be repeated",
        "      - --data.retention=192h\n",
        "",
    );
    broken("alertmanager.yml: mail is no service", |stack| {
        set(
            &mut stack.alertmanager,
            "global/smtp_smarthost",
            "mail:1025",
        );
    });
    broken("alertmanager.yml: receivers", |stack| {
        set(&mut stack.alertmanager, "receivers/0/name", "nobody");
    });
}

#[test]
fn preview_has_the_version_of_shipped_grafana() {
    compose(
        "the preview draws with 13.2.3, and shipped is grafana/grafana:13.2.4",
        "services/grafana/image",
        "grafana/grafana:13.2.4",
    );
}

#[test]
fn pgadmin_has_the_database() {
    for (key, value) in [
        ("Host", "database"),
        ("Port", "5433"),
        ("MaintenanceDB", "postgres"),
        ("Username", "postgres"),
    ] {
        broken(&format!("servers.json: {key}"), |stack| {
            set(&mut stack.servers, &format!("Servers/1/{key}"), value);
        });
    }
}

#[test]
fn paths_in_tests_resolve() {
    let stack = Stack::read();
    assert_eq!(at(&stack.compose, "services/redis/user"), "redis");
    assert_eq!(at(&stack.compose, "services/redis/nothing"), &Value::Null);
}
