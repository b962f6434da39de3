//! Annotations on panels: deploys, alerts, load tests. All come from Prometheus.

use super::Color;
use crate::select::{LAB_RUN, SHOWN};

/// An annotation on all panels of a dashboard.
#[derive(Clone, Debug)]
pub struct Annotation {
    /// The name of its switch.
    pub name: &'static str,
    /// Its colour, as Grafana names it.
    pub color: &'static str,
    /// PromQL: each series is marked as a region while it exists.
    pub expr: String,
    /// Whether the value is the time, in milliseconds, rather than the sample's timestamp.
    pub value_is_time: bool,
    /// Its title, with labels in double braces.
    pub title: &'static str,
    /// Its text.
    pub text: &'static str,
}

/// All annotations; `of_run` for the dashboard with a variable for the load lab's run.
pub(super) fn all(of_run: bool) -> Vec<Annotation> {
    let run = if of_run {
        format!("{{{LAB_RUN}}}")
    } else {
        String::new()
    };
    vec![
        Annotation {
            name: "Deploys and starts",
            color: Color::Plain.name(),
            // The start time rather than its change, so that new replicas are marked and no start falls
            // between two steps.
            expr: format!(
                "1000 * process_start_time_seconds{{{SHOWN}}} \
                 * on (job, instance) group_left (version, revision) auth_build_info{{{SHOWN}}}"
            ),
            value_is_time: true,
            title: "started {{version}}",
            text: "{{revision}} on {{instance}}",
        },
        Annotation {
            name: "Pages",
            color: Color::Bad.name(),
            expr: r#"ALERTS{alertname=~"Auth.+", alertstate="firing", severity="page"}"#.to_owned(),
            value_is_time: false,
            title: "{{alertname}}",
            text: "on {{job}}",
        },
        Annotation {
            name: "Load tests",
            color: "purple",
            expr: format!("loadtest_run_active{run} == 1"),
            value_is_time: false,
            title: "load test",
            text: "{{run_id}}",
        },
    ]
}
