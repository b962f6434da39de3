//! Checks the rules with `promtool`, runs their unit tests, and checks that no test is missing.
//!
//! A group's name in `rules/tests` is `subject: case, detail`. Its alerts are those that it expects;
//! where alerts share a name, the subject ends in the window.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::promtool::{self, AlertTest, Group, TestFile, files, read};
use grafana::generate;
use grafana::lint::{Document, Rule};

fn rule_files() -> Vec<PathBuf> {
    let folder = generate::folder().join("rules");
    let mut all = files(&folder);
    all.extend(files(&folder.join("compat")));
    all
}

fn test_files() -> Vec<PathBuf> {
    files(&generate::folder().join("rules/tests"))
}

#[test]
#[ignore = "needs promtool: scripts/test"]
fn promtool_accepts_the_rules() {
    let mut args = vec!["check".into(), "rules".into()];
    args.extend(["--lint=all".into(), "--lint-fatal".into()]);
    args.extend(rule_files());
    promtool::run(&args);
}

#[test]
#[ignore = "needs promtool: scripts/test"]
fn promtool_accepts_the_configuration() {
    let config = generate::folder().join("../prometheus.yml");
    promtool::run(&["check".into(), "config".into(), config]);
}

#[test]
#[ignore = "needs promtool: scripts/test"]
fn promtool_tests_pass() {
    std::thread::scope(|scope| {
        for file in test_files() {
            scope.spawn(move || promtool::run(&["test".into(), "rules".into(), file]));
        }
    });
}

#[test]
fn every_rule_file_has_tests() {
    let tested: BTreeSet<PathBuf> = test_files()
        .iter()
        .flat_map(|path| {
            let folder = path.parent().expect("a folder").to_owned();
            let file: TestFile = read(path);
            let named = file.rule_files.into_iter();
            named.map(move |name| folder.join(name).canonicalize().expect("it exists"))
        })
        .collect();
    let all = rule_files();
    assert!(all.len() > 6, "{} files of rules", all.len());
    for path in all {
        let path = path.canonicalize().expect("it exists");
        assert!(tested.contains(&path), "{} is not tested", path.display());
    }
}

fn rules() -> Vec<Rule> {
    let documents = rule_files().into_iter().map(|path| read::<Document>(&path));
    let groups = documents.flat_map(|document| document.groups);
    groups.flat_map(|group| group.rules).collect()
}

fn tests() -> Vec<(Duration, Group)> {
    let all = test_files();
    let files = all.iter().map(|path| read::<TestFile>(path));
    files
        .flat_map(|file| {
            let step = file.evaluation_interval;
            file.tests.into_iter().map(move |group| (step, group))
        })
        .collect()
}

#[test]
fn every_record_has_a_value_in_a_test() {
    let tests = tests();
    let queries = || tests.iter().flat_map(|(_, group)| &group.promql_expr_test);
    let records: Vec<String> = rules().into_iter().filter_map(|rule| rule.record).collect();
    assert!(records.len() > 28, "{} records", records.len());
    for record in records {
        let asked = queries()
            .filter(|query| !query.exp_samples.is_empty())
            .any(|query| words(&query.expr).any(|word| word == record));
        assert!(asked, "no test says what {record} is");
    }
}

/// The names in an expression.
fn words(expr: &str) -> impl Iterator<Item = &str> {
    expr.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':')
}

/// The cases that every alert needs.
const CASES: [&str; 4] = ["fires", "just below", "idle", "missing series"];
/// The additional case of an alert with a minimum number of events.
const GUARD: &str = "low traffic";

/// The missing cases of a rule.
fn gaps(rule: &Rule, tests: &[(Duration, Group)]) -> Vec<String> {
    let Some(alert) = &rule.alert else {
        return Vec::new();
    };
    let window = rule.labels.get("window");
    let concerned = |group: &Group| {
        let subject = group.name.split(':').next().unwrap_or_default();
        let about = window.is_none_or(|window| subject.split(' ').any(|word| word == window));
        about && group.of(alert).next().is_some()
    };
    let of_case = |case: &str| {
        let named = |group: &Group| {
            let (_, rest) = group.name.split_once(": ").unwrap_or_default();
            rest.strip_prefix(case)
                .is_some_and(|more| more.is_empty() || more.starts_with(", "))
        };
        let all = tests.iter();
        all.filter(|(_, group)| named(group) && concerned(group))
            .collect::<Vec<_>>()
    };
    let silent = |group: &Group| group.of(alert).all(|test| test.exp_alerts.is_empty());
    let fires = |test: &&AlertTest| test.exp_alerts.iter().any(|fired| fired.is(rule));

    let mut gaps = Vec::new();
    let mut expect = |holds: bool, what: &str| {
        if !holds {
            let window = window.map(String::as_str).unwrap_or_default();
            gaps.push(format!("{alert} {window}: {what}"));
        }
    };
    let from_to = of_case(CASES[0]).into_iter().any(|(step, group)| {
        let first = group.of(alert).filter(fires).map(|test| test.eval_time);
        first.min().is_some_and(|first| {
            let not_yet = |test: &AlertTest| test.eval_time + *step == first;
            let over = |test: &AlertTest| test.eval_time > first;
            let silent = || group.of(alert).filter(|test| !fires(test));
            silent().any(not_yet) && silent().any(over)
        })
    });
    expect(
        from_to,
        "fires, not a step earlier, and no longer at the end",
    );
    let below = of_case(CASES[1]);
    expect(
        !below.is_empty()
            && below
                .iter()
                .all(|(_, group)| silent(group) && group.moves()),
        "just below: silent, with values",
    );
    let idle = of_case(CASES[2]);
    expect(
        !idle.is_empty() && idle.iter().all(|(_, group)| silent(group)),
        "idle: silent",
    );
    let missing = of_case(CASES[3]);
    let right = if rule.expr.contains("absent(") {
        missing
            .iter()
            .any(|(_, group)| group.of(alert).any(|test| fires(&test)))
    } else {
        missing.iter().any(|(_, group)| silent(group))
    };
    expect(right, "missing series");
    let guarded = rule.expr.contains("\nand") && rule.expr.contains("increase(");
    let quiet = of_case(GUARD);
    expect(
        !guarded || (!quiet.is_empty() && quiet.iter().all(|(_, group)| silent(group))),
        "low traffic: silent",
    );
    gaps
}

#[test]
fn every_alert_has_all_cases() {
    let (rules, tests) = (rules(), tests());
    assert!(rules.iter().filter(|rule| rule.alert.is_some()).count() > 40);
    let gaps: Vec<String> = rules.iter().flat_map(|rule| gaps(rule, &tests)).collect();
    assert!(gaps.is_empty(), "not shown:\n{}", gaps.join("\n"));
}

/// Each case is reported as missing when its tests are removed.
#[test]
fn missing_cases_are_found() {
    let rules = rules();
    let guarded = "AuthTokenSignatureFailures";
    let rule = rules
        .iter()
        .find(|rule| rule.alert.as_deref() == Some(guarded));
    let rule = rule.expect("there is one");
    for case in CASES.into_iter().chain([GUARD]) {
        let mut tests = tests();
        tests.retain(|(_, group)| !group.name.starts_with(&format!("{guarded}: {case}")));
        assert_eq!(gaps(rule, &tests).len(), 1, "{case}");
    }
    let without = |alter: fn(&mut Vec<AlertTest>)| {
        let mut tests = tests();
        for (_, group) in &mut tests {
            if group.name.starts_with(&format!("{guarded}: fires")) {
                alter(&mut group.alert_rule_test);
            }
        }
        gaps(rule, &tests)
    };
    assert_eq!(without(|_| ()), Vec::<String>::new());
    assert_eq!(without(|tests| drop(tests.pop())).len(), 1, "its end");
    assert_eq!(without(|tests| drop(tests.remove(0))).len(), 1, "not yet");
}

#[test]
fn tested_alerts_exist() {
    let names: BTreeSet<String> = rules().into_iter().filter_map(|rule| rule.alert).collect();
    for (_, group) in tests() {
        for test in group.alert_rule_test {
            let known = names.contains(&test.alertname);
            assert!(known, "{}: there is no {}", group.name, test.alertname);
        }
    }
}

#[test]
fn group_names_are_unique() {
    let mut names = BTreeSet::new();
    for (_, group) in tests() {
        let name = group.name;
        assert!(names.insert(name.clone()), "{name} comes twice");
    }
}

/// Without an order promtool evaluates groups in any order, and an alert may see the previous step's
/// ratio.
#[test]
fn tests_with_records_and_alerts_order_their_groups() {
    for path in test_files() {
        let file: TestFile = read(&path);
        let folder = path.parent().unwrap_or_else(|| Path::new("."));
        let named = file.rule_files.iter().map(|name| folder.join(name));
        let groups: Vec<String> = named
            .flat_map(|path| read::<Document>(&path).groups)
            .map(|group| group.name)
            .collect();
        let given = file.rule_files.len() == 1 || file.group_eval_order == groups;
        assert!(given, "{} must list {groups:?}", path.display());
    }
}
