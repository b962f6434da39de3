//! The files of the stack, and paths into them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use grafana::generate;
use yaml_serde::{Mapping, Value};

/// docker-compose.yaml and the files that it mounts.
pub struct Stack {
    pub root: PathBuf,
    pub compose_text: String,
    pub compose: Value,
    pub prometheus: Value,
    pub alertmanager: Value,
    pub datasources: Value,
    pub provider: Value,
    pub servers: Value,
    pub preview: Value,
    pub operations: String,
    pub dockerfile: String,
    pub workflow: String,
}

impl Stack {
    pub fn read() -> Self {
        let root = generate::folder().parent().expect("a parent").to_owned();
        let compose_text = text(&root.join("docker-compose.yaml"));
        let yaml =
            |path: &str| -> Value { yaml_serde::from_str(&text(&root.join(path))).expect("YAML") };
        Self {
            compose: compose(&compose_text),
            prometheus: yaml("prometheus.yml"),
            alertmanager: yaml("grafana/alertmanager.yml"),
            datasources: yaml("grafana/provisioning/datasources/prometheus.yml"),
            provider: yaml("grafana/provisioning/dashboards/rbac-sentinel.yml"),
            servers: yaml("pgadmin/servers.json"),
            preview: yaml("grafana/preview/package.json"),
            operations: text(&root.join("docs/operations.md")),
            dockerfile: text(&root.join("Dockerfile")),
            workflow: text(&root.join(".github/workflows/ci.yml")),
            compose_text,
            root,
        }
    }

    pub fn services(&self) -> BTreeMap<&str, &Value> {
        let services = mapping(&self.compose, "services").into_iter().flatten();
        services
            .map(|(name, service)| (string(name), service))
            .collect()
    }

    /// The names declared in this part of the compose file.
    pub fn declared(&self, part: &str) -> BTreeSet<&str> {
        let names = mapping(&self.compose, part).into_iter().flatten();
        names.map(|(name, _)| string(name)).collect()
    }

    /// Each variable of the compose file and its default, if it has one.
    pub fn variables(&self) -> BTreeSet<(&str, Option<&str>)> {
        let lines = self.compose_text.lines();
        lines
            .filter(|line| !line.trim_start().starts_with('#'))
            .flat_map(|line| line.split("${").skip(1))
            .map(|rest| {
                let (inner, _) = rest.split_once('}').expect("a closed variable");
                match inner.split_once(":-") {
                    Some((name, default)) => (name, Some(default)),
                    None => (inner, None),
                }
            })
            .collect()
    }

    /// The rows `| NAME | default | …` in "The stack" of docs/operations.md.
    pub fn documented(&self) -> BTreeMap<&str, &str> {
        let section = self.operations.split_once("\n## The stack\n");
        let section = section.map_or("", |(_, rest)| rest);
        let section = section.split_once("\n## ").map_or(section, |(own, _)| own);
        let rows = section.lines().filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            let name = cells.next()?.strip_suffix('`')?;
            let is_name = name
                .bytes()
                .all(|byte| byte == b'_' || byte.is_ascii_uppercase());
            is_name.then_some((name, cells.next()?.trim_matches('`')))
        });
        rows.collect()
    }
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The compose file with merge keys applied.
pub fn compose(text: &str) -> Value {
    let mut file: Value = yaml_serde::from_str(text).expect("YAML");
    file.apply_merge().expect("merged");
    file
}

/// The value at a path such as `a/0/b`; null where there is none.
pub fn at<'a>(value: &'a Value, path: &str) -> &'a Value {
    path.split('/').fold(value, |value, key| {
        let found = match key.parse::<usize>() {
            Ok(index) if value.is_sequence() => value.get(index),
            _ => value.get(key),
        };
        found.unwrap_or(&Value::Null)
    })
}

/// The same, mutable; creates a missing last key.
#[track_caller]
pub fn at_mut<'a>(value: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('/').fold(value, |value, key| match value {
        Value::Sequence(list) => &mut list[key.parse::<usize>().expect("an index")],
        Value::Mapping(map) => map.entry(key.into()).or_insert(Value::Null),
        _ => panic!("{path}: nothing has the key {key}"),
    })
}

pub fn mapping<'a>(value: &'a Value, path: &str) -> Option<&'a Mapping> {
    at(value, path).as_mapping()
}

pub fn list<'a>(value: &'a Value, path: &str) -> &'a [Value] {
    at(value, path).as_sequence().map_or(&[], Vec::as_slice)
}

pub fn string(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
