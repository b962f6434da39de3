//! A run as a table for people.

use std::fmt::Write as _;

use crate::description::{Description, Reference};
use crate::result::{Figures, RunResult};
use crate::scenarios::find;

/// Explanation of the first table.
pub(super) const EXPLANATION: &str = "Users' times run from sending a request to the last byte of its answer, the server's until the \
     answer is handed over. *Corrected* adds the requests that a user did not send while it waited for \
     an answer longer than its usual pause (coordinated omission); users without a pause have no schedule \
     to fall behind. *Refused* is 503 or 429 with Retry-After.";

/// What the scenario of a result is: as the result says, or for an older one as it is now.
pub(super) fn scenario(result: &RunResult) -> Option<Description> {
    let now = || Some(find(&result.scenario).ok()?.description);
    result.description.clone().or_else(now)
}

/// Milliseconds with two or no decimals, by size.
pub(super) fn millis(value: f64) -> String {
    match value {
        0.0..10.0 => format!("{value:.2} ms"),
        10.0..1_000.0 => format!("{value:.0} ms"),
        _ => format!("{:.2} s", value / 1e3),
    }
}

/// A share in percent.
pub(super) fn percent(value: f64) -> String {
    format!("{:.2} %", value * 100.0)
}

fn or_dash(value: Option<String>) -> String {
    value.unwrap_or_else(|| "–".to_owned())
}

/// The report of a run.
#[must_use]
pub fn report(result: &RunResult) -> String {
    let mut text = format!("# {}\n\n", result.scenario);
    conditions(&mut text, result);
    sides(&mut text, result);
    operations(&mut text, result);
    expectations(&mut text, result);
    counters(&mut text, result);
    text
}

fn conditions(text: &mut String, result: &RunResult) {
    let (load, machine, about) = (&result.load, &result.machine, &result.about);
    if let Some(scenario) = scenario(result) {
        let _ = writeln!(text, "{}.\n", scenario.about);
    }
    let _ = writeln!(
        text,
        "{} users, {} a second, then {} s; seed {}; run {} of {}.",
        load.users, load.rate, load.run_time, load.seed, result.run_id, result.started
    );
    let _ = writeln!(
        text,
        "Lab: commit {}, {} cores of {}, {} MiB, {}.",
        result.revision, machine.cores, machine.processor, machine.memory_mib, machine.system
    );
    let _ = writeln!(
        text,
        "Server: {} ({}), {}, {}, {} hashes at a time{}{}.\n",
        about.version,
        about.revision,
        about.backends(),
        about.hash_parameters,
        about.hash_permits,
        if result.spawned {
            ", on the same machine"
        } else {
            ""
        },
        load.settings
            .iter()
            .fold(String::new(), |all, one| format!("{all}, `{one}`"))
    );
}

/// The reference, the users and the server beside each other.
fn sides(text: &mut String, result: &RunResult) {
    let reference = scenario(result).and_then(|scenario| scenario.reference);
    let _ = writeln!(
        text,
        "| | Requests | Requests/s | P50 | P95 | P99 | Failed | Refused |"
    );
    let _ = writeln!(text, "|---|---:|---:|---:|---:|---:|---:|---:|");
    if let Some(reference) = &reference {
        published(text, reference);
    }
    let shares = [percent(result.failed), percent(result.refused)];
    row(text, "users", &result.users, &shares);
    let dash = ["–".to_owned(), "–".to_owned()];
    row(text, "users, corrected", &result.corrected, &dash);
    row(text, "server", &result.server, &dash);
    text.push('\n');
    let _ = writeln!(text, "{EXPLANATION}\n");
    if let Some(cores) = &result.cores {
        let _ = write!(
            text,
            "Cores in use: {:.2} by the server, {:.2} by the lab, of {}. ",
            cores.server, cores.lab, result.machine.cores
        );
    }
    let _ = write!(text, "Hash threads busy: {}.", percent(result.hashing));
    if let Some(memory) = &result.memory {
        let _ = write!(
            text,
            " Memory of the server: {:.0} MiB at the start, {:.0} at most, {:.0} at the end.",
            memory.start, memory.peak, memory.end
        );
    }
    let [_, late95, late99] = result.delay;
    let _ = write!(
        text,
        " The lab was woken late by {} (P95), {} (P99).",
        millis(late95),
        millis(late99)
    );
    let _ = writeln!(
        text,
        " Metrics: {} series, {} KiB a scrape.\n",
        result.scrape.series_after,
        result.scrape.bytes / 1024
    );
}

fn published(text: &mut String, reference: &Reference) {
    let time = |seconds: Option<f64>| or_dash(seconds.map(|seconds| millis(seconds * 1e3)));
    let _ = writeln!(
        text,
        "| published: {} | – | {} | {} | {} | {} | {} | – |",
        reference.system,
        or_dash(reference.per_second.map(|rate| format!("{rate}"))),
        time(reference.p50),
        time(reference.p95),
        time(reference.p99),
        or_dash(reference.failed.map(percent)),
    );
}

fn row(text: &mut String, name: &str, figures: &Figures, shares: &[String; 2]) {
    let _ = writeln!(
        text,
        "| {name} | {} | {:.1} | {} | {} | {} | {} | {} |",
        figures.count,
        figures.per_second,
        millis(figures.p50_ms),
        millis(figures.p95_ms),
        millis(figures.p99_ms),
        shares[0],
        shares[1],
    );
}

fn operations(text: &mut String, result: &RunResult) {
    let _ = writeln!(
        text,
        "| Operation | Answers | Users: P50 | P95 | P99 | Server: P50 | P95 | P99 |"
    );
    let _ = writeln!(text, "|---|---|---:|---:|---:|---:|---:|---:|");
    for operation in &result.operations {
        let statuses = operation
            .statuses
            .iter()
            .map(|(status, count)| format!("{status}: {count}"));
        let statuses: Vec<_> = statuses.collect();
        let users = &operation.users;
        let server = operation.server.as_ref();
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} |",
            operation.name,
            statuses.join(", "),
            millis(users.p50_ms),
            millis(users.p95_ms),
            millis(users.p99_ms),
            or_dash(server.map(|figures| millis(figures.p50_ms))),
            or_dash(server.map(|figures| millis(figures.p95_ms))),
            or_dash(server.map(|figures| millis(figures.p99_ms))),
        );
    }
    text.push('\n');
    for (operation, status, word, count) in &result.failures {
        let _ = writeln!(
            text,
            "- failed: {operation} answered {status} ({word}) {count} times"
        );
    }
    if !result.failures.is_empty() {
        text.push('\n');
    }
}

fn expectations(text: &mut String, result: &RunResult) {
    let mark = |held| if held { "held" } else { "**missed**" };
    let _ = writeln!(text, "| Expected | | Found |\n|---|---|---|");
    for verdict in &result.verdicts {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            verdict.name,
            mark(verdict.held),
            verdict.detail
        );
    }
    for identity in &result.identities {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            identity.name,
            mark(identity.held),
            identity.detail
        );
    }
    text.push('\n');
}

fn counters(text: &mut String, result: &RunResult) {
    for (metric, rises) in &result.counters {
        let rises = rises
            .iter()
            .map(|(labels, rise)| format!("{labels}: {rise}"));
        let rises: Vec<_> = rises.collect();
        let _ = writeln!(text, "- `{metric}`: {}", rises.join(", "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Verdict;

    #[test]
    fn table_compares_users_server_and_reference() {
        let figures = |p95_ms| Figures {
            count: 100,
            per_second: 72.4,
            p50_ms: 0.3,
            p95_ms,
            ..Figures::default()
        };
        let result = RunResult {
            scenario: "sentinel".to_owned(),
            users: figures(21.0),
            server: figures(20.0),
            verdicts: vec![Verdict {
                name: "P50".to_owned(),
                held: false,
                detail: "2 ms".to_owned(),
            }],
            ..RunResult::default()
        };
        let text = report(&result);
        let published = "| published: FastAuth-RBAC-Sentinel | – | 70.9 | 15 ms | 340 ms | 460 ms | 0.40 % | – |";
        assert!(text.contains(published), "{text}");
        assert!(
            text.contains("| users | 100 | 72.4 | 0.30 ms | 21 ms | 0.00 ms | 0.00 % | 0.00 % |"),
            "{text}"
        );
        assert!(text.contains("| P50 | **missed** | 2 ms |"), "{text}");
    }

    #[test]
    fn milliseconds_have_decimals_by_size() {
        assert_eq!(millis(0.123_4), "0.12 ms");
        assert_eq!(millis(340.4), "340 ms");
        assert_eq!(millis(14_000.0), "14.00 s");
    }
}
