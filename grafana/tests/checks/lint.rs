//! The shipped files satisfy every rule, and every rule can be broken.

use std::collections::BTreeSet;

use grafana::known::AllKnown;
use grafana::lint::{Findings, Place, Shipped, Targets, check, coverage, dashboard, rules};
use grafana::rules::Links;
use grafana::{dashboard as model, dashboards, generate};
use serde_json::{Value, json};

#[test]
fn shipped_files_have_no_findings() {
    let shipped = Shipped::read(generate::folder()).expect("readable");
    assert!(shipped.dashboards.len() >= 4, "dashboards");
    assert!(shipped.rules.len() >= 3, "rules");
    let findings = shipped.lint().expect("readable");
    let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "{}", list.join("\n"));
}

/// The rules that an expression breaks.
fn broken(place: Place, expr: &str) -> BTreeSet<&'static str> {
    let mut findings = Findings::new();
    check(expr, place, &AllKnown::new(), &mut findings);
    findings
        .into_list()
        .iter()
        .map(|finding| finding.rule)
        .collect()
}

#[test]
fn sound_expressions_have_no_findings() {
    for expr in [
        "sum by (job) (rate(auth_logins_total{outcome=\"failure\"}[5m])) > 5",
        "auth_ready == 0 and on (job, instance) up == 1",
        "histogram_quantile(0.5, sum by (le, job) (rate(auth_password_hash_duration_seconds_bucket[5m])))",
        "sum by (job) (rate(auth_password_hash_duration_seconds_bucket{le=\"0.025\"}[5m]))",
        "absent(auth_logins_total)",
        "(sum by (job) (auth_ready) or vector(0)) < 1",
        "rate(http_server_request_duration_seconds_count{http_route=~\"/login|/register\"}[5m])",
    ] {
        assert_eq!(broken(Place::Rule, expr), BTreeSet::new(), "{expr}");
    }
    let panel =
        "sum(rate(auth_logins_total{job=~\"$job\", instance=~\"$instance\"}[$__rate_interval]))";
    assert_eq!(broken(Place::Panel, panel), BTreeSet::new());
}

#[test]
fn every_rule_for_expressions_can_be_broken() {
    for (expr, rule) in [
        ("sum(", "target-promql"),
        ("rate(auth_logons_total[5m])", "metric-known"),
        ("auth_password_hash_duration_seconds", "metric-known"),
        ("rate(auth_logins_total{kind=\"x\"}[5m])", "label-known"),
        (
            "sum by (route) (rate(auth_logins_total[5m]))",
            "label-known",
        ),
        ("auth_ready and on (pod) up", "label-known"),
        (
            "rate(auth_logins_total{outcome=\"succes\"}[5m])",
            "value-known",
        ),
        (
            "rate(auth_logins_total{reason=~\"lockd|bad\"}[5m])",
            "value-known",
        ),
        (
            "rate(http_server_request_duration_seconds_count{http_route=\"/signin\"}[5m])",
            "value-known",
        ),
        (
            "rate(auth_logins_total{outcome=~\"failure\"}[5m])",
            "regex-needed",
        ),
        (
            "rate(auth_password_hash_duration_seconds_bucket{le=\"0.02500\"}[5m])",
            "le-known",
        ),
        (
            "rate(auth_password_hash_duration_seconds_bucket{le=\"1\"}[5m])",
            "le-fraction",
        ),
        ("rate(auth_ready[5m])", "rate-counter"),
        ("auth_logins_total > 5", "target-counter-agg"),
        ("rate(sum(auth_ready)[5m:1m])", "rate-of-sum"),
        ("rate(auth_logins_total[30s])", "range-scrapes"),
        (
            "histogram_quantile(0.5, sum by (job) (rate(auth_password_hash_duration_seconds_bucket[5m])))",
            "quantile-le",
        ),
        (
            "sum by (job) (auth_ready) / sum(auth_ready)",
            "matching-labels",
        ),
        ("auth_ready and sum by (job) (up)", "matching-labels"),
    ] {
        assert!(broken(Place::Rule, expr).contains(rule), "{rule}: {expr}");
    }
    for (expr, rule) in [
        ("sum(auth_ready{instance=~\"$instance\"})", "target-job"),
        ("sum(auth_ready{job=~\"$job\"})", "target-instance"),
        (
            "sum(auth_ready{job=~\".*\", instance=~\"$instance\"})",
            "target-job",
        ),
        ("sum(loadtest_users{job=~\"$job\"})", "target-job"),
        ("sum(pg_up{job=~\"$job\"})", "target-job"),
        ("sum(redis_up{job=\"postgres\"})", "target-job"),
        (
            "sum(rate(auth_logins_total{job=~\"$job\", instance=~\"$instance\"}[5m]))",
            "target-rate-interval",
        ),
        (
            "sum(rate(auth_logins_total{job=~\"$job\", instance=~\"$instance\"}[$__range]))",
            "target-rate-interval",
        ),
    ] {
        assert!(broken(Place::Panel, expr).contains(rule), "{rule}: {expr}");
    }
}

/// The first dashboard, changed.
fn changed(change: impl Fn(&mut Value)) -> BTreeSet<&'static str> {
    let shipped = Shipped::read(generate::folder()).expect("readable");
    let known = shipped.known().expect("rules");
    let first = dashboards::all().into_iter().next().expect("a dashboard");
    let mut json: Value =
        serde_json::from_str(&model::json(&first, &Links::default().runbook)).expect("JSON");
    change(&mut json);
    let findings = dashboard("changed.json", &json.to_string(), &known);
    findings.iter().map(|finding| finding.rule).collect()
}

/// A change of a dashboard, and the rule that it breaks.
type Change = (fn(&mut Value), &'static str);

#[test]
fn every_rule_for_dashboards_can_be_broken() {
    assert_eq!(changed(|_| {}), BTreeSet::new());
    let changes: [Change; 29] = [
        (|d| d["editable"] = json!(true), "uneditable-dashboard"),
        (|d| d["schemaVersion"] = json!(39), "schema"),
        (|d| d["uid"] = json!(""), "dashboard-about"),
        (|d| d["graphTooltip"] = json!(0), "shared-crosshair"),
        (|d| d["links"] = json!([]), "dashboard-links"),
        (|d| d["__inputs"] = json!([]), "no-inputs"),
        (|d| d["panels"] = json!([]), "panels"),
        (|d| d["annotations"]["list"] = json!([]), "annotations"),
        (
            |d| d["annotations"]["list"][1]["expr"] = json!("changes(nothing[1m])"),
            "metric-known",
        ),
        (
            |d| d["templating"]["list"][0]["label"] = json!("Source"),
            "template-datasource",
        ),
        (
            |d| d["templating"]["list"][1]["label"] = json!("job"),
            "template-job",
        ),
        (
            |d| d["templating"]["list"][2]["name"] = json!("host"),
            "template-instance",
        ),
        (
            |d| d["templating"]["list"][1]["allValue"] = json!(".*"),
            "template-query",
        ),
        (
            |d| d["templating"]["list"][1]["refresh"] = json!(1),
            "template-on-time-change-reload",
        ),
        (
            |d| d["templating"]["list"][1]["query"] = json!("label_values(x, job)"),
            "template-label-promql",
        ),
        (
            |d| d["panels"][1]["datasource"]["uid"] = json!("prometheus"),
            "panel-datasource",
        ),
        (
            |d| d["panels"][1]["title"] = json!(""),
            "panel-title-description",
        ),
        (
            |d| d["panels"][1]["description"] = json!("Requests."),
            "panel-title-description",
        ),
        (
            |d| d["panels"][1]["fieldConfig"]["defaults"]["unit"] = json!("furlong"),
            "panel-units",
        ),
        (
            |d| d["panels"][1]["fieldConfig"]["defaults"]["noValue"] = json!(""),
            "panel-no-value",
        ),
        (
            |d| {
                d["panels"][1]["fieldConfig"]["defaults"]["thresholds"]["steps"] =
                    json!([{"value": 1, "color": "red"}])
            },
            "thresholds",
        ),
        (
            |d| d["panels"][1]["targets"] = json!([]),
            "panel-no-targets",
        ),
        (
            |d| {
                let target = d["panels"][1]["targets"][0].clone();
                d["panels"][1]["targets"] = json!(vec![target; 13]);
            },
            "panel-targets",
        ),
        (
            |d| {
                let target = d["panels"][1]["targets"][0].clone();
                d["panels"][1]["targets"] = json!([target, target]);
            },
            "unique-ids",
        ),
        (
            |d| d["panels"][2]["id"] = d["panels"][1]["id"].clone(),
            "unique-ids",
        ),
        (
            |d| d["panels"][2]["gridPos"] = d["panels"][1]["gridPos"].clone(),
            "grid-overlap",
        ),
        (|d| d["panels"][1]["gridPos"]["w"] = json!(25), "grid"),
        (
            |d| d["panels"][1]["targets"][0]["expr"] = json!("sum(auth_ready{job=~\"$jobs\"})"),
            "variables",
        ),
        (
            |d| {
                d["panels"][1]["targets"][0]["instant"] = json!(false);
                d["panels"][1]["targets"][0]["expr"] = json!(
                    "sum(increase(auth_logins_total{job=~\"$job\", instance=~\"$instance\"}[$__range]))"
                );
            },
            "instant",
        ),
    ];
    for (change, rule) in changes {
        let broken = changed(change);
        assert!(broken.contains(rule), "{rule}: {broken:?}");
    }
}

const ALERTS: &str = "
groups:
- name: a
  interval: 1m
  rules:
  - record: job:auth_logins:rate5m
    expr: sum by (job) (rate(auth_logins_total[5m]))
  - alert: AuthA
    expr: auth_ready == 0
    for: 5m
    labels: {severity: page}
    annotations:
      summary: '{{ $labels.instance }} is not ready'
      description: Look at it.
      runbook_url: docs/runbook.md#ready
      dashboard_url: http://localhost:3000/d/auth-overview
";

fn of_rules(text: &str) -> BTreeSet<&'static str> {
    let targets = Targets {
        runbook: BTreeSet::from(["ready".to_owned()]),
        dashboards: BTreeSet::from(["auth-overview".to_owned()]),
    };
    let files = [("rules.yml".to_owned(), text.to_owned())];
    let findings = rules(&files, &targets, &AllKnown::new());
    findings.iter().map(|finding| finding.rule).collect()
}

#[test]
fn every_rule_for_rules_can_be_broken() {
    assert_eq!(of_rules(ALERTS), BTreeSet::new());
    for (old, new, rule) in [
        ("rules:", "rulez:", "yaml"),
        ("interval: 1m", "interval: 10m", "group-interval"),
        (
            "job:auth_logins:rate5m",
            "auth_logins_rate5m",
            "record-name",
        ),
        (
            "record: job:auth_logins:rate5m\n",
            "labels: {}\n",
            "rule-kind",
        ),
        ("auth_ready == 0", "auth_ready", "alert-comparison"),
        (
            "auth_ready == 0\n    for: 5m",
            "absent(auth_ready)",
            "alert-absent-for",
        ),
        ("severity: page", "severity: critical", "alert-severity"),
        (
            "severity: page",
            "severity: page, value: '{{ $value }}'",
            "alert-label-template",
        ),
        ("$labels.instance", "$labels.pod", "alert-template"),
        (
            "{{ $labels.instance }}",
            "{{ $labels.instance",
            "alert-template",
        ),
        ("      description: Look at it.\n", "", "alert-annotations"),
        ("#ready", "#readiness", "alert-runbook"),
        ("/d/auth-overview", "/d/overview", "alert-dashboard"),
        ("auth_ready == 0", "auth_reedy == 0", "metric-known"),
    ] {
        let text = ALERTS.replacen(old, new, 1);
        assert_ne!(text, ALERTS, "{old}");
        let broken = of_rules(&text);
        assert!(broken.contains(rule), "{rule}: {broken:?}");
    }
    let twice = format!(
        "{ALERTS}{}",
        ALERTS.trim_start().trim_start_matches("groups:\n")
    );
    let broken = of_rules(&twice);
    assert!(
        broken.contains("unique-rule") && broken.contains("unique-group"),
        "{broken:?}"
    );
}

#[test]
fn unused_metric_is_found() {
    let known = AllKnown::new();
    let explore = |list: &'static [(&'static str, &'static str)], exprs: &[&str]| {
        let findings = coverage(exprs.iter().copied(), list, &known);
        findings
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let all = explore(&[], &["auth_ready"]);
    assert!(all.contains("auth_users is on no panel"), "{all}");
    assert!(!all.contains("auth_ready "), "{all}");
    let marked = &[
        ("auth_users", "somebody looks at it now and then"),
        ("auth_x", "why"),
    ];
    let marked = explore(marked, &["auth_users"]);
    assert!(marked.contains("auth_users is shown"), "{marked}");
    assert!(marked.contains("there is no auth_x"), "{marked}");
    assert!(marked.contains("explore-reason: auth_x"), "{marked}");
}
