//! A run of the load lab: client and server side by side.

use testkit::lab_metrics::DURATION as CLIENT_DURATION;

use crate::dashboard::{Color, Dashboard, Panel, Row, Unit, Variable, View};
use crate::select::{
    DURATION, LAB_RUN, RANGE, SHOWN, gauge, hash_slots_in_use, or_zero, per_second,
    per_second_of_service, ratio, shown_quantile, some_quantile, user_requests,
};

/// The dashboard.
pub(super) fn dashboard() -> Dashboard {
    let row = |title, panels| Row { title, panels };
    Dashboard {
        uid: "auth-loadtest",
        title: "Load test",
        description: "A run of the load lab: its virtual users beside the service's metrics.",
        variables: vec![
            Variable {
                name: "loadtest_job",
                label: "Lab job",
                query: "label_values(loadtest_run_info, job)",
            },
            Variable {
                name: "run_id",
                label: "Run",
                query: "label_values(loadtest_run_info{job=~\"$loadtest_job\"}, run_id)",
            },
        ],
        rows: vec![
            row("The run", run()),
            row("Users and server", both_sides()),
            row("Cost on the server", cost()),
        ],
    }
}

/// The rate of the load lab's histogram series, grouped by `by`.
fn lab(by: &str, series: &str, more: &str) -> String {
    let by = if by.is_empty() {
        String::new()
    } else {
        format!(" by ({by}) ")
    };
    let of = if more.is_empty() {
        LAB_RUN.to_owned()
    } else {
        format!("{LAB_RUN}, {more}")
    };
    format!("sum{by}(rate({CLIENT_DURATION}_{series}{{{of}}}[{RANGE}]))")
}

fn run() -> Vec<Panel> {
    let requests = format!(
        "sum by (request, outcome) (increase({CLIENT_DURATION}_count{{{LAB_RUN}}}[$__range])) > 0"
    );
    vec![
        Panel::new(
            View::Table,
            Unit::Number,
            "Run",
            "The runs in the time shown. Choose one above; otherwise the figures of several are \
             added up. Check that the revision is clean and equal to *Version* on Overview.",
        )
        .query(
            "",
            format!("max by (run_id, scenario, git_revision) (last_over_time(loadtest_run_info{{{LAB_RUN}}}[$__range]))"),
        )
        .columns(&[
            ("run_id", "Run"),
            ("scenario", "Scenario"),
            ("git_revision", "Revision"),
        ])
        .quiet("no run"),
        Panel::new(
            View::Table,
            Unit::Number,
            "Requests by name",
            "Requests in the time shown. refused is load shed with Retry-After. failure is every \
             other unexpected result: the run's report.md lists them, *Failed and refused \
             requests* shows when.",
        )
        .query("", requests)
        .columns(&[
            ("request", "Request"),
            ("outcome", "Outcome"),
            ("Value", "Requests"),
        ])
        .decimals(0)
        .quiet("no run"),
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "Virtual users",
            "Active virtual users. Fewer than in the scenario: they are still starting, or the lab \
             lacks CPU or file descriptors; then *Client minus server mean* also rises.",
        )
        .query("{{run_id}}", format!("sum by (run_id) (loadtest_users{{{LAB_RUN}}})"))
        .quiet("no run"),
    ]
}

fn both_sides() -> Vec<Panel> {
    let client = |q| some_quantile(q, "", CLIENT_DURATION, LAB_RUN);
    let failed = lab("", "count", r#"outcome="failure""#);
    let refused = lab("", "count", r#"outcome="refused""#);
    let all = lab("", "count", "");
    let client_mean = ratio(&lab("", "sum", ""), &all);
    let server_mean = ratio(
        &per_second("", &format!("{DURATION}_sum"), &user_requests()),
        &per_second("", &format!("{DURATION}_count"), &user_requests()),
    );
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::RequestRate,
            "Offered and served rate",
            "Both sides count the same requests. If they differ for longer than a scrape interval, \
             the server has other clients (*Top endpoints by traffic*), or requests do not reach \
             it (*Connections cut off*), both on Overview.",
        )
        .query("offered by users", all.clone())
        .query(
            "served by the service",
            per_second("", &format!("{DURATION}_count"), &user_requests()),
        )
        .quiet("no run")
        .size(12, 8),
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Latency: client beside server",
            "Both use the same buckets, so the quantiles have the same error. Only the client \
             high: the network, or a lab that lacks CPU; then the figures do not describe the \
             service. Both high: *Hash slots in use during run* and *Pool in use during run*.",
        )
        .query("client P50", client(0.5))
        .query("client P95", client(0.95))
        .query(
            "server P50",
            shown_quantile(0.5, "", DURATION, &user_requests()),
        )
        .query(
            "server P95",
            shown_quantile(0.95, "", DURATION, &user_requests()),
        )
        .quiet("no run")
        .size(12, 8),
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Client minus server mean",
            "The share of the network, the lab itself and the wait for a connection. Below 2 ms on \
             one machine. Above that the lab lacks CPU: use fewer *Virtual users*, or a second \
             machine.",
        )
        .query("difference", format!("{client_mean} - {server_mean}"))
        .steps(&[(0.002, Color::Warn)])
        .range(None, None)
        .quiet("no run")
        .size(12, 8),
        Panel::new(
            View::TimeSeries,
            Unit::Ratio,
            "Failed and refused requests",
            "failed must be 0; the run's report lists the unexpected responses. refused is load \
             shed by the service: *Hash work refused* on Dependencies.",
        )
        .query("failed", ratio(&or_zero(&failed, &all), &all))
        .query("refused", ratio(&or_zero(&refused, &all), &all))
        .range(Some(0.0), None)
        .quiet("no run")
        .size(12, 8),
    ]
}

fn cost() -> Vec<Panel> {
    let used =
        format!("sum(db_client_connections{{{SHOWN}, db_client_connection_state=\"used\"}})");
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "CPU seconds per request",
            "Rises with the share of logins. A step at the same load comes from the new revision: \
             compare *Hash duration quantiles* on Dependencies, then profile.",
        )
        .query(
            "service",
            ratio(
                &per_second_of_service("", "process_cpu_seconds_total"),
                &per_second("", &format!("{DURATION}_count"), ""),
            ),
        )
        .step("1m")
        .quiet("no traffic"),
        Panel::new(
            View::TimeSeries,
            Unit::Ratio,
            "Hash slots in use during run",
            "At 100 % hashing limits this load, and the latency is time in the queue: use fewer \
             logins a second, or more cores and `HASH_THREADS`.",
        )
        .runbook(&["hash-queue"])
        .query("in use", hash_slots_in_use())
        .steps(&[(0.9, Color::Warn)]),
        Panel::new(
            View::TimeSeries,
            Unit::Ratio,
            "Pool in use during run",
            "At 100 % the database limits this load: *Statements by time spent* on Dependencies \
             shows which statements.",
        )
        .runbook(&["db-pool"])
        .query(
            "in use",
            ratio(&used, &gauge("", "db_client_connection_max", "")),
        )
        .steps(&[(0.9, Color::Bad)]),
    ]
}
