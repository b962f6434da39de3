//! A run as a table for people.

use std::fmt::Write as _;

use super::several::generators;
use crate::description::{Description, Reference};
use crate::result::{Failure, ReplicaResult, RunResult};
use crate::scenarios::find;
use crate::shared::NOT_COMPARED;
use crate::times::{Figures, millis};

/// Explanation of the first table.
pub(super) const EXPLANATION: &str = "Users' times run from sending a request to the last byte of its answer, the server's until the \
     answer is handed over; they are those of successes, and *refused* (503 or 429 with Retry-After) has a \
     row of its own. The *ramp*, in which users start, is kept out of all other rows. *Corrected* adds the \
     requests that a user did not send while it waited for an answer longer than the usual pause of that \
     step (coordinated omission); steps without a pause have no schedule to fall behind. The server's times \
     come from buckets: `~` is interpolated, `<`, `>` and `≤` are bounds. Shares that failed or were refused \
     are of the whole run.";

/// What is compared, unless others asked the server, too.
pub(super) const COMPARISON: &str = "Requests by operation and status, users = server";

/// What the scenario of a result is: as the result says, or for an older one as it is now.
pub(super) fn scenario(result: &RunResult) -> Option<Description> {
    let now = || Some(find(&result.scenario).ok()?.description);
    result.description.clone().or_else(now)
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
    let because = result.because.as_ref();
    let because = because.map_or_else(String::new, |because| format!(": {because}"));
    let _ = writeln!(text, "**{}**{because}.\n", result.ending.word());
    conditions(&mut text, result);
    sides(&mut text, result);
    operations(&mut text, result);
    expectations(&mut text, result);
    counters(&mut text, result);
    text
}

fn conditions(text: &mut String, result: &RunResult) {
    let load = &result.load;
    if let Some(scenario) = scenario(result) {
        let _ = writeln!(text, "{}.\n", scenario.about);
    }
    let _ = writeln!(
        text,
        "{} users, {} a second, then {} s; seed {}; run {} of {}.",
        load.users, load.rate, load.run_time, load.seed, result.run_id, result.started
    );
    if let Some(generators) = generators(result) {
        let _ = writeln!(text, "{generators}");
    }
    let _ = writeln!(text, "Lab: commit {}, {}.", result.revision, result.machine);
    let _ = writeln!(
        text,
        "The machine hashes a password in {} and makes a bare round trip in {}.",
        millis(result.yardstick.hash_ms),
        millis(result.yardstick.round_trip_ms)
    );
    let _ = writeln!(
        text,
        "Server: {}{}{}.\n",
        result.about,
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
        "| | Requests | Requests/s | P50 | P95 | P99 | P99.9 | Longest | Failed | Refused |"
    );
    let _ = writeln!(text, "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    if let Some(reference) = &reference {
        published(text, reference);
    }
    let shares = [percent(result.failed), percent(result.refused)];
    row(text, "users", &result.users, &shares);
    let dash = ["–".to_owned(), "–".to_owned()];
    row(text, "users, corrected", &result.corrected, &dash);
    if result.shared.is_none() {
        row(text, "server", &result.server, &dash);
    }
    for (name, figures) in [
        ("refused", &result.refusals),
        ("failed", &result.failing),
        ("ramp", &result.ramp),
    ] {
        if figures.count > 0 {
            row(text, name, figures, &dash);
        }
    }
    text.push('\n');
    let _ = writeln!(text, "{EXPLANATION}\n");
    if let Some(cores) = &result.cores {
        let server = cores.server;
        let server = server.map_or_else(String::new, |used| format!("{used:.2} by the server, "));
        let _ = write!(
            text,
            "Cores in use: {server}{:.2} by the lab, of {}. ",
            cores.lab, result.machine.cores
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
    text.push_str(&replicas(result).unwrap_or_default());
    let [_, late95, late99, latest] = result.delay;
    let _ = write!(
        text,
        " The lab was woken late by {} (P95), {} (P99), {} at most.",
        millis(late95),
        millis(late99),
        millis(latest)
    );
    let _ = writeln!(
        text,
        " Metrics: {} series, {} KiB a scrape.\n",
        result.scrape.series_after,
        result.scrape.bytes / 1024
    );
}

/// Who answered how much, and the sum of their memory; nothing of a single process.
pub(super) fn replicas(result: &RunResult) -> Option<String> {
    let memory = |one: &ReplicaResult| one.memory_mib;
    let all = &result.replicas;
    let largest = all
        .iter()
        .max_by(|one, other| memory(one).total_cmp(&memory(other)));
    let largest = largest.filter(|_| all.len() > 1)?;
    let each = all
        .iter()
        .map(|one| format!("{} answered {}", one.ops, one.requests));
    let each: Vec<_> = each.collect();
    Some(format!(
        " {} replicas: {}; at the end {:.0} MiB together, of which {} holds the most, {:.0} MiB.",
        all.len(),
        each.join(", "),
        all.iter().map(memory).sum::<f64>(),
        largest.ops,
        largest.memory_mib
    ))
}

fn published(text: &mut String, reference: &Reference) {
    let time = |seconds: Option<f64>| or_dash(seconds.map(|seconds| millis(seconds * 1e3)));
    let _ = writeln!(
        text,
        "| published: {} | – | {} | {} | {} | {} | – | – | {} | – |",
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
        "| {name} | {} | {:.1} | {} | {} |",
        figures.count,
        figures.per_second,
        figures.columns().join(" | "),
        shares.join(" | "),
    );
}

fn operations(text: &mut String, result: &RunResult) {
    let _ = writeln!(
        text,
        "| Operation | Answers | Successes | P50 | P95 | P99 | P99.9 | Longest | Server: P50 | P95 | P99 |"
    );
    let _ = writeln!(
        text,
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|"
    );
    for operation in &result.operations {
        let statuses = operation
            .statuses
            .iter()
            .map(|(status, count)| format!("{status}: {count}"));
        let statuses: Vec<_> = statuses.collect();
        let server = operation.server.unwrap_or_default().columns();
        let place = if operation.ramp { " in the ramp" } else { "" };
        let _ = writeln!(
            text,
            "| `{}`{place} | {} | {} | {} | {} |",
            operation.name,
            statuses.join(", "),
            operation.users.count,
            operation.users.columns().join(" | "),
            server[..3].join(" | "),
        );
        if operation.refusals.count > 0 {
            let _ = writeln!(
                text,
                "| `{}`{place}, refused | | {} | {} | – | – | – |",
                operation.name,
                operation.refusals.count,
                operation.refusals.columns().join(" | "),
            );
        }
    }
    text.push('\n');
    for failure in &result.failures {
        let _ = writeln!(text, "- {}", describe(failure));
    }
    if !result.failures.is_empty() {
        text.push('\n');
    }
}

/// A kind of failures, in a sentence.
pub(super) fn describe(failure: &Failure) -> String {
    let Failure {
        operation,
        status,
        word,
        count,
        request_ids,
        ..
    } = failure;
    if !failure.sent {
        return format!("not sent: {operation} {count} times: {word}");
    }
    let ids = if request_ids.is_empty() {
        String::new()
    } else {
        format!("; request ids: {}", request_ids.join(", "))
    };
    match status {
        0 => format!("failed: {operation} was not answered {count} times: {word}"),
        status => format!("failed: {operation} answered {status} ({word}) {count} times{ids}"),
    }
}

fn expectations(text: &mut String, result: &RunResult) {
    let mark = |held| if held { "held" } else { "**missed**" };
    let _ = writeln!(text, "| Expected | | Found |\n|---|---|---|");
    for (name, held, detail) in result.expectations() {
        let _ = writeln!(text, "| {name} | {} | {detail} |", mark(held));
    }
    text.push('\n');
    if result.shared.is_some() {
        let _ = writeln!(text, "{COMPARISON}: {NOT_COMPARED}.\n");
    }
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
        let published = "| published: FastAuth-RBAC-Sentinel | – | 70.9 | 15 ms | 340 ms | 460 ms | – | – | 0.40 % | – |";
        assert!(text.contains(published), "{text}");
        assert!(
            text.contains("| users | 100 | 72.4 | 0.30 ms | 21 ms | 0.00 ms | 0.00 ms | 0.00 ms | 0.00 % | 0.00 % |"),
            "{text}"
        );
        assert!(text.contains("| P50 | **missed** | 2 ms |"), "{text}");
    }

    #[test]
    fn failures_can_be_looked_up_and_have_a_cause() {
        let failure = Failure {
            operation: "POST /login".to_owned(),
            status: 500,
            word: "internal".to_owned(),
            sent: true,
            count: 7,
            request_ids: vec!["a1".to_owned(), "b2".to_owned()],
        };
        assert_eq!(
            describe(&failure),
            "failed: POST /login answered 500 (internal) 7 times; request ids: a1, b2"
        );
        let unsent = Failure {
            word: "too many open files".to_owned(),
            sent: false,
            ..failure
        };
        assert_eq!(
            describe(&unsent),
            "not sent: POST /login 7 times: too many open files"
        );
    }
}
