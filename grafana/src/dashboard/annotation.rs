//! What is marked on panels: deploys, alerts, load tests. All of it comes from Prometheus.

use super::Color;
use crate::select::{LAB_RUN, SHOWN};

/// Something that is marked on all panels of a dashboard.
#[derive(Clone, Debug)]
pub struct Annotation {
    /// What it can be switched off by.
    pub name: &'static str,
    /// Its colour, as Grafana names it.
    pub color: &'static str,
    /// PromQL: what exists is marked, as a region while it exists on.
    pub expr: String,
    /// Whether the value says when, in milliseconds, rather than the sample's own time.
    pub value_is_time: bool,
    /// What it says, with labels in double braces.
    pub title: &'static str,
    /// What it says below.
    pub text: &'static str,
}

/// All of them; `of_run` where a dashboard can be narrowed to a run of the load lab.
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
            // The time itself rather than that it changed: new replicas are marked, too, and no start
            // falls between two steps.
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
