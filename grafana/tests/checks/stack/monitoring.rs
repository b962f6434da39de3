//! Faults on the way from a metric to a dashboard and a mail.

use std::collections::BTreeSet;

use super::files::{Stack, at, list, string};

/// Alertmanager's default retention.
const NOTIFICATIONS_HOURS: u32 = 120;

/// Objectives are over 30 days: with half as much again a whole past month can be seen.
const RETENTION_DAYS: u32 = 45;

/// Whether there is a service with this name whose definition mentions this port.
fn listens(stack: &Stack, host: &str, port: &str) -> Option<String> {
    let services = stack.services();
    let Some(service) = services.get(host) else {
        return Some(format!("{host} is no service"));
    };
    let definition = yaml_serde::to_string(service).expect("YAML");
    let named = definition.split(':').skip(1).any(|rest| {
        let digits = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        &rest[..digits] == port
    });
    (!named).then(|| format!("{host} does not listen on {port}"))
}

pub fn scraping(stack: &Stack) -> Vec<String> {
    let file = &stack.prometheus;
    let mut targets = BTreeSet::new();
    let managers = list(file, "alerting/alertmanagers").iter();
    for job in list(file, "scrape_configs").iter().chain(managers) {
        for group in list(job, "static_configs") {
            for target in list(group, "targets") {
                let (host, port) = string(target).split_once(':').unwrap_or_default();
                let own = host == "localhost";
                targets.insert((if own { "prometheus" } else { host }, port.to_owned()));
            }
        }
        for group in list(job, "dns_sd_configs") {
            let port = at(group, "port").as_u64().unwrap_or_default().to_string();
            for name in list(group, "names") {
                targets.insert((string(name), port.clone()));
            }
        }
    }
    let mut faults = Vec::new();
    for (host, port) in &targets {
        faults.extend(listens(stack, host, port).map(|fault| format!("prometheus.yml: {fault}")));
    }
    for name in stack.services().into_keys() {
        let has_metrics = ["api", "loadtest", "prometheus"].contains(&name);
        if (has_metrics || name.ends_with("-exporter"))
            && !targets.iter().any(|(host, _)| *host == name)
        {
            faults.push(format!("prometheus.yml: {name} is not scraped"));
        }
    }
    // Paths of rules are relative to the configuration file.
    for pattern in list(file, "rule_files") {
        let pattern = string(pattern);
        let folder = pattern.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mount = format!("./{folder}:/etc/prometheus/{folder}:ro");
        let mounted = list(&stack.compose, "services/prometheus/volumes");
        if !mounted.iter().any(|volume| string(volume) == mount) {
            faults.push(format!("prometheus.yml: no folder of {pattern} is mounted"));
        }
    }
    faults
}

/// The value of an option in a service's command.
fn option<'a>(stack: &'a Stack, service: &str, name: &str) -> Option<&'a str> {
    let command = list(&stack.compose, &format!("services/{service}/command"));
    let mut options = command.iter().map(string);
    options.find_map(|option| option.strip_prefix(name)?.strip_prefix('='))
}

/// A duration in the notation of Prometheus and Alertmanager, in hours.
fn hours(time: &str) -> Option<u32> {
    let (count, unit) = time.split_at_checked(time.len().checked_sub(1)?)?;
    let factor = match unit {
        "d" => 24,
        "h" => 1,
        _ => return None,
    };
    count.parse::<u32>().ok()?.checked_mul(factor)
}

pub fn retention(stack: &Stack) -> Vec<String> {
    let mut faults = Vec::new();
    match option(stack, "prometheus", "--storage.tsdb.retention.time") {
        None => faults.push("prometheus: no retention is set".to_owned()),
        Some(time) if hours(time).is_none_or(|hours| hours < RETENTION_DAYS * 24) => {
            faults.push(format!("prometheus: a retention of {time} is too short"));
        }
        Some(_) => {}
    }
    let kept = match option(stack, "alertmanager", "--data.retention") {
        Some(time) => hours(time).unwrap_or_default(),
        None => NOTIFICATIONS_HOURS,
    };
    let route = at(&stack.alertmanager, "route");
    let routes = list(route, "routes").iter().chain([route]);
    let repeats = routes.filter_map(|route| hours(string(at(route, "repeat_interval"))));
    if repeats.max().is_none_or(|longest| longest >= kept) {
        faults.push("Alertmanager: what it told is forgotten before it may be repeated".to_owned());
    }
    faults
}

/// The preview's packages have the version of the shipped Grafana.
pub fn preview(stack: &Stack) -> Vec<String> {
    let image = string(at(&stack.compose, "services/grafana/image"));
    let image = image.split('@').next().unwrap_or_default();
    let packages = at(&stack.preview, "dependencies");
    let drawn = ["@grafana/data", "@grafana/ui"].map(|name| string(&packages[name]));
    let others = drawn
        .iter()
        .filter(|drawn| !image.ends_with(&format!(":{drawn}")));
    others
        .map(|drawn| format!("the preview draws with {drawn}, and shipped is {image}"))
        .collect()
}

/// The alert on memory uses the container's limit.
pub fn memory(stack: &Stack) -> Vec<String> {
    let limit = string(at(&stack.compose, "services/api/mem_limit"));
    let known = format!("{}g", grafana::rules::MEMORY_LIMIT_GIB);
    if limit == known {
        return Vec::new();
    }
    vec![format!(
        "api: mem_limit is {limit}, and {known} in AuthMemoryGrowth"
    )]
}

pub fn provisioning(stack: &Stack) -> Vec<String> {
    let mut faults = Vec::new();
    let interval = string(at(&stack.prometheus, "global/scrape_interval"));
    let sources = list(&stack.datasources, "datasources");
    for source in sources {
        let url = string(at(source, "url"));
        let address = url
            .strip_prefix("http://")
            .and_then(|rest| rest.split_once(':'));
        let (host, port) = address.unwrap_or_default();
        faults.extend(listens(stack, host, port).map(|fault| format!("Grafana: {fault}")));
        if at(source, "type") == "prometheus" {
            let said = string(at(source, "jsonData/timeInterval"));
            if said != interval {
                faults.push(format!(
                    "Grafana: timeInterval of Prometheus is {said}, scrape_interval {interval}"
                ));
            }
            let manager = at(source, "jsonData/alertmanagerUid");
            if !sources.iter().any(|other| at(other, "uid") == manager) {
                let manager = string(manager);
                faults.push(format!(
                    "Grafana: alertmanagerUid {manager} is no data source"
                ));
            }
        }
    }
    let mounted = list(&stack.compose, "services/grafana/volumes");
    let path = string(at(&stack.provider, "providers/0/options/path"));
    for (source, target) in [
        ("./grafana/dashboards", path),
        (
            "./grafana/provisioning/datasources",
            "/etc/grafana/provisioning/datasources",
        ),
        (
            "./grafana/provisioning/dashboards",
            "/etc/grafana/provisioning/dashboards",
        ),
    ] {
        let mount = format!("{source}:{target}:ro");
        if !mounted.iter().any(|volume| string(volume) == mount) {
            faults.push(format!("Grafana: {source} is not mounted at {target}"));
        }
    }
    faults
}

pub fn mail(stack: &Stack) -> Vec<String> {
    let file = &stack.alertmanager;
    let mut faults = Vec::new();
    let (host, _) = string(at(file, "global/smtp_smarthost"))
        .split_once(':')
        .unwrap_or_default();
    if !stack.services().contains_key(host) {
        faults.push(format!("alertmanager.yml: {host} is no service"));
    }
    let names: BTreeSet<&str> = list(file, "receivers")
        .iter()
        .map(|receiver| string(at(receiver, "name")))
        .collect();
    if names != BTreeSet::from(["info", "page", "ticket"]) {
        faults.push(format!("alertmanager.yml: receivers are {names:?}"));
    }
    faults
}
