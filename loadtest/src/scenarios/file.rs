//! Scenarios as TOML.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use super::actions::{Step, range_of_seconds};
use super::scenario::{Class, Scenario};
use crate::description::{Description, Reference};
use crate::expectation::Expectations;
use crate::rates::{self, Schedule};

/// The most users of a run.
const MOST_USERS: usize = 20_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Option<String>,
    #[serde(default)]
    about: String,
    #[serde(default)]
    bottleneck: String,
    users: usize,
    #[serde(default = "ten")]
    users_per_second: f64,
    #[serde(default = "one_minute")]
    run_time: String,
    #[serde(default)]
    saturates: bool,
    #[serde(default)]
    limits: bool,
    #[serde(default)]
    unscraped: bool,
    #[serde(default)]
    accounts: usize,
    #[serde(default)]
    settings: BTreeMap<String, String>,
    #[serde(default = "no_failures")]
    expect: Vec<String>,
    reference: Option<Reference>,
    kind: Vec<Kind>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kind {
    name: String,
    #[serde(default = "one")]
    weight: usize,
    wait: Option<String>,
    rate: Option<String>,
    stages: Option<String>,
    #[serde(default)]
    begin: String,
    steps: BTreeMap<String, u32>,
}

fn ten() -> f64 {
    10.0
}

fn one() -> usize {
    1
}

fn one_minute() -> String {
    "1m".to_owned()
}

fn no_failures() -> Vec<String> {
    vec!["no failures".to_owned()]
}

/// Reads a scenario. `name` is its name if it gives itself none.
///
/// # Errors
/// Names the field, and the rule that it breaks.
pub fn parse(text: &str, name: &str) -> Result<Scenario, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
    let at = |field: &str, problem: String| format!("{field}: {problem}");
    if file.kind.is_empty() {
        return Err(at("kind", "there must be at least one".to_owned()));
    }
    let weights: usize = file.kind.iter().map(|kind| kind.weight).sum();
    if !(1..=MOST_USERS).contains(&file.users) || file.users < weights {
        let problem = format!(
            "must be from 1 to {MOST_USERS}, and at least {weights}, the sum of the weights, so that all \
             kinds take part"
        );
        return Err(at("users", problem));
    }
    if !(0.1..=10_000.0).contains(&file.users_per_second) {
        return Err(at(
            "users_per_second",
            "must be from 0.1 to 10000".to_owned(),
        ));
    }
    let run_time = humantime::parse_duration(&file.run_time).ok();
    let run_time = run_time.filter(|time| *time >= Duration::from_secs(1));
    let run_time = run_time.ok_or_else(|| {
        at(
            "run_time",
            format!(
                "`{}` must be a time of at least 1s, as in 30s or 5m",
                file.run_time
            ),
        )
    })?;
    let expected = Expectations::read(&file.expect).map_err(|problem| at("expect", problem))?;
    let mut scenario = Scenario {
        name: file.name.unwrap_or_else(|| name.to_owned()),
        description: Description {
            about: file.about,
            bottleneck: file.bottleneck,
            reference: file.reference,
        },
        users: file.users,
        rate: file.users_per_second,
        run_time,
        expected,
        expect: file.expect,
        saturates: file.saturates,
        limits: file.limits,
        unscraped: file.unscraped,
        settings: file.settings.into_iter().collect(),
        accounts: file.accounts,
        classes: Vec::new(),
    };
    if !scenario
        .name
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
    {
        let problem = format!(
            "`{}` must consist of letters, digits, - _ and .",
            scenario.name
        );
        return Err(at("name", problem));
    }
    for kind in file.kind {
        let name = kind.name.clone();
        let class = class(kind).map_err(|problem| format!("kind `{name}`: {problem}"))?;
        if scenario.classes.iter().any(|other| other.name == name) {
            return Err(format!("kind `{name}`: name: there are two of it"));
        }
        scenario.classes.push(class);
    }
    Ok(scenario)
}

fn class(kind: Kind) -> Result<Class, String> {
    let field = |name: &'static str| move |problem: String| format!("{name}: {problem}");
    if kind.weight == 0 {
        return Err(field("weight")("must be at least 1".to_owned()));
    }
    let arrivals = match (&kind.rate, &kind.stages) {
        (Some(_), Some(_)) => return Err("rate and stages: there can be one of them".to_owned()),
        (Some(rate), None) => Some(Schedule::Steady(rates::rate(rate).map_err(field("rate"))?)),
        (None, Some(stages)) => Some(Schedule::Stages(stages.parse().map_err(field("stages"))?)),
        (None, None) => None,
    };
    if arrivals.is_some() && kind.wait.is_some() {
        return Err("wait: arrivals at a rate do not wait for one another".to_owned());
    }
    let wait = kind.wait.as_deref().map(range_of_seconds);
    let mut steps = Vec::new();
    for (text, weight) in &kind.steps {
        let step = Step::parse(text).map_err(field("steps"))?;
        if step.is_empty() || *weight == 0 {
            return Err(field("steps")(format!(
                "`{text}` must do something at least once"
            )));
        }
        steps.push((*weight, step));
    }
    if steps.is_empty() {
        return Err(field("steps")("there must be at least one".to_owned()));
    }
    Ok(Class {
        name: kind.name,
        weight: kind.weight,
        wait: wait.transpose().map_err(field("wait"))?,
        arrivals,
        begin: Step::parse(&kind.begin).map_err(field("begin"))?,
        steps,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"
        users = 4
        expect = ["no failures", "p99.9 of GET /users/me < 20ms", "denials are counted"]
        [[kind]]
        name = "reader"
        wait = "100ms..1s"
        begin = "arrive"
        steps = { "GET /users/me" = 3, "GET /admin-only = 403; pause 1s" = 1 }
        [[kind]]
        name = "visitor"
        rate = "5/s"
        steps = { "leave; arrive" = 1 }
    "#;

    #[test]
    fn users_waits_steps_and_expectations_are_read() {
        let scenario = parse(WHOLE, "mine").expect("a scenario");
        assert_eq!((scenario.name.as_str(), scenario.users), ("mine", 4));
        assert_eq!(scenario.run_time, Duration::from_mins(1));
        let sizes = [
            scenario.expected.objectives.len(),
            scenario.expected.thresholds.len(),
            scenario.expected.facts.len(),
        ];
        assert_eq!(sizes, [1, 1, 1]);
        let reader = &scenario.classes[0];
        assert_eq!(reader.wait, Some((0.1, 1.0)));
        assert_eq!(
            reader.steps.iter().map(|(weight, _)| weight).sum::<u32>(),
            4
        );
        let visitor = &scenario.classes[1];
        assert_eq!(visitor.arrivals, Some(Schedule::Steady(5.0)));
    }

    #[test]
    fn mistakes_are_named_with_field_and_rule() {
        for (from, to, complaint) in [
            ("users = 4", "usres = 4", "unknown field `usres`"),
            ("users = 4", "", "missing field `users`"),
            (
                "users = 4",
                "users = 1",
                "users: must be from 1 to 20000, and at least 2",
            ),
            (
                "users = 4",
                "users = 4\nrun_time = \"5\"",
                "run_time: `5` must be a time",
            ),
            (
                "users = 4",
                "users = 4\nusers_per_second = 0",
                "users_per_second: must be from 0.1",
            ),
            (
                "users = 4",
                "users = 4\nname = \"a/b\"",
                "name: `a/b` must consist of",
            ),
            (
                "100ms..1s",
                "1s..100ms",
                "kind `reader`: wait: `1s..100ms` must be",
            ),
            ("5/s", "5", "kind `visitor`: rate: `5` must be a rate"),
            (
                "\"arrive\"",
                "\"arive\"",
                "kind `reader`: begin: `arive` is no action; these are: arrive",
            ),
            (
                "GET /users/me\"",
                "GET /users/you\"",
                "kind `reader`: steps: `GET /users/you` is no action",
            ),
            (
                "= 403;",
                "= 4;",
                "steps: `GET /admin-only = 4`: behind = there must be a status",
            ),
            ("= 3,", "= 0,", "steps: `GET /users/me` must do something"),
            (
                "name = \"visitor\"",
                "name = \"reader\"",
                "kind `reader`: name: there are two",
            ),
            (
                "rate = \"5/s\"",
                "rate = \"5/s\"\nwait = \"1s\"",
                "kind `visitor`: wait: arrivals",
            ),
            ("no failures", "no falures", "expect: `no falures`: "),
        ] {
            assert!(WHOLE.contains(from), "{from}");
            let error = parse(&WHOLE.replace(from, to), "mine").expect_err(complaint);
            assert!(error.contains(complaint), "{error} ≠ {complaint}");
        }
    }
}
