//! The replicas and their health.

use crate::dashboard::{Color, Panel, Unit, View};
use crate::select::{SHOWN, of_service, over_range};

pub(super) fn panels() -> Vec<Panel> {
    vec![
        Panel::new(
            View::Stat,
            Unit::Ratio,
            "Instances ready",
            "Share of the replicas that Prometheus knows. Below 100 %: a replica is down, \
             starting, or cannot reach its database, see *Dependency up* on Dependencies.",
        )
        .runbook(&["not-ready"])
        .query(
            "",
            format!(
                "sum(auth_ready{{{SHOWN}}}) / count({})",
                of_service(&format!("up{{{SHOWN}}}"))
            ),
        )
        .rising_steps(&[(0.5, Color::Warn), (1.0, Color::Good)])
        .missing("no instance is scraped")
        .size(4, 5),
        Panel::new(
            View::Stat,
            Unit::Seconds,
            "Youngest since start",
            "Uptime of the replica that started last. Short without a deploy: it crashes and is \
             restarted; read the last lines of its log and see *Resident memory* on \
             Dependencies.",
        )
        .runbook(&["restarts"])
        .query(
            "",
            format!(
                "time() - max({})",
                of_service(&format!("process_start_time_seconds{{{SHOWN}}}"))
            ),
        )
        .missing("no instance is scraped")
        .size(4, 5),
        Panel::new(
            View::Stat,
            Unit::Count,
            "Panics",
            "Panics in the time shown; must be 0. Each is a bug, caught and answered with 500: \
             find it in the log at level error and report it; *Error ratio by route* shows the \
             route.",
        )
        .runbook(&["panic"])
        .query("", over_range("", "http_server_panics_total", ""))
        .steps(&[(0.5, Color::Bad)])
        .decimals(0)
        .missing("no instance is scraped")
        .size(4, 5),
        Panel::new(
            View::Table,
            Unit::Number,
            "Version",
            "More than one line for longer than a deploy takes: the deploy is stuck; *Instances \
             ready* shows whether the new replicas become ready.",
        )
        .query(
            "",
            format!(
                "count by (version, revision, rust_version, target) (auth_build_info{{{SHOWN}}})"
            ),
        )
        .columns(&[
            ("version", "Version"),
            ("revision", "Revision"),
            ("rust_version", "Rust"),
            ("target", "Target"),
            ("Value", "Instances"),
        ])
        .widths(&[("Version", 90), ("Rust", 90), ("Instances", 90)])
        .missing("no instance is scraped")
        .size(12, 5),
    ]
}
