//! A run as a page: one file that needs no network.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::{Axis, Line, Scale, chart};
use super::markdown::{COMPARISON, EXPLANATION, describe, percent, replicas, scenario};
use super::several::generators;
use crate::result::RunResult;
use crate::shared::NOT_COMPARED;
use crate::timeline::{Second, ServerSecond};
use crate::times::{Figures, millis};

/// The style of all pages.
const STYLE: &str = include_str!("report.css");
/// A silence of a second or more is marked.
const SILENCE: f64 = 1.0;

/// The page.
#[must_use]
pub fn report(result: &RunResult) -> String {
    let complaints = result.complaints();
    let title = format!("{}: {}", result.scenario, result.started);
    let body = html! {
        h1 { (result.scenario) }
        @if let Some(scenario) = scenario(result) { p { (scenario.about) "." } }
        @if complaints.is_empty() && result.because.is_none() {
            p.verdict.held { "Everything held." }
        } @else {
            div.verdict.missed {
                p { "Not as expected:" @if let Some(because) = &result.because { " " (because) "." } }
                ul { @for complaint in &complaints { li { (complaint) } } }
            }
        }
        (conditions(result))
        h2 { "Second by second" }
        (charts(result))
        h2 { "Times" }
        (figures(result))
        p.small { (EXPLANATION.replace(['*', '`'], "")) }
        h2 { "Operations" }
        (operations(result))
        @if !result.failures.is_empty() {
            h2 { "Failures" }
            ul { @for failure in &result.failures { li { (describe(failure)) } } }
        }
        h2 { "Expectations" }
        (expectations(result))
        @if result.shared.is_some() {
            p { (COMPARISON) ": " (NOT_COMPARED.replace('`', "")) "." }
        }
    };
    page(&title, &body)
}

/// A page of this title, with the style of all.
#[must_use]
pub fn page(title: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body { (body) }
        }
    };
    page.into_string()
}

fn conditions(result: &RunResult) -> Markup {
    let load = &result.load;
    html! {
        p.small {
            (load.users) " users, " (load.rate) " a second, then " (load.run_time) " s; seed " (load.seed)
            "; run " (result.run_id) " of " (result.started) ". Lab: commit " (result.revision) ", "
            (result.machine) ". Server: " (result.about)
            @if result.spawned { ", on the same machine" }
            @for setting in &load.settings { ", " code { (setting) } }
            "."
            @if let Some(replicas) = replicas(result) { (replicas) }
            @if let Some(generators) = generators(result) { " " (generators) }
        }
    }
}

fn charts(result: &RunResult) -> Markup {
    let seconds = &result.timeline;
    if seconds.is_empty() {
        return html! { p { "The run was over within a second." } };
    }
    let axis = Axis {
        at: seconds.iter().map(|second| second.at).collect(),
        ramp: result.load.users as f64 / result.load.rate,
        silence: (result.silence.seconds >= SILENCE).then_some({
            (
                result.silence.at,
                result.silence.at + result.silence.seconds,
            )
        }),
    };
    let users = |name, class, value: fn(&Second) -> Option<f64>| Line {
        name,
        class,
        values: seconds.iter().map(value).collect(),
    };
    let server = |name, class, value: fn(&ServerSecond) -> Option<f64>| Line {
        name,
        class,
        values: seconds
            .iter()
            .map(|second| second.server.as_ref().and_then(value))
            .collect(),
    };
    html! {
        (chart("Requests a second", count, &axis, Scale::Linear, &[
            users("successes", "a", |s| Some(s.successes as f64 / s.length)),
            users("refused", "b", |s| Some(s.refused as f64 / s.length)),
            users("failed", "c", |s| Some(s.failed as f64 / s.length)),
            server("answered by the server", "d", |s| Some(s.per_second)),
        ]))
        (chart("Times of successes", millis, &axis, Scale::Logarithmic, &[
            users("P50", "a", |s| s.p50_ms),
            users("P95", "b", |s| s.p95_ms),
            users("P99", "e", |s| s.p99_ms),
            users("longest", "c", |s| s.max_ms),
            server("P95 of the server, all answers", "d", |s| s.p95_ms),
        ]))
        (chart("Hash gate", count, &axis, Scale::Linear, &[
            server("hashes in progress", "a", |s| Some(s.hashing)),
            server("waiting", "b", |s| Some(s.waiting)),
        ]))
        (chart("Refusals a second", count, &axis, Scale::Linear, &[
            users("users: 429 or 503 with Retry-After", "b", |s| Some(s.refused as f64 / s.length)),
            server("server: 429 and 503", "d", |s| Some(s.refused_per_second)),
        ]))
        @if seconds.iter().any(|s| s.server.is_some_and(|s| s.cores.is_some())) {
            (chart("Cores in use by the server", cores, &axis, Scale::Linear, &[
                server("cores", "a", |s| s.cores),
            ]))
        }
        (chart("Memory of the server", mebibytes, &axis, Scale::Linear, &[
            server("resident", "a", |s| Some(s.memory_mib)),
        ]))
        (chart("Users", count, &axis, Scale::Linear, &[
            users("that have come", "a", |s| Some(s.users as f64)),
        ]))
    }
}

fn count(value: f64) -> String {
    if value < 10.0 && value.fract() != 0.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

fn cores(value: f64) -> String {
    format!("{value:.2}")
}

fn mebibytes(value: f64) -> String {
    format!("{value:.0} MiB")
}

fn figures(result: &RunResult) -> Markup {
    let row = |name: &str, figures: &Figures| {
        html! {
            tr {
                th { (name) } td { (figures.count) } td { (format!("{:.1}", figures.per_second)) }
                @for column in figures.columns() { td { (column) } }
            }
        }
    };
    html! {
        div.wide { table {
            thead { tr {
                th {} th { "Requests" } th { "Requests/s" } th { "P50" } th { "P95" } th { "P99" }
                th { "P99.9" } th { "Longest" }
            } }
            tbody {
                (row("users", &result.users))
                (row("users, corrected", &result.corrected))
                @if result.shared.is_none() { (row("server", &result.server)) }
                @for (name, figures) in [
                    ("refused", &result.refusals), ("failed", &result.failing), ("ramp", &result.ramp),
                ] {
                    @if figures.count > 0 { (row(name, figures)) }
                }
            }
        } }
        p {
            "Failed: " (percent(result.failed)) ". Refused: " (percent(result.refused))
            ". Longest time in which nobody was answered: " (format!("{:.2}", result.silence.seconds)) " s."
        }
    }
}

fn operations(result: &RunResult) -> Markup {
    html! {
        div.wide { table {
            thead { tr {
                th { "Operation" } th { "Answers" } th { "Successes" } th { "P50" } th { "P95" } th { "P99" }
                th { "P99.9" } th { "Longest" } th { "Server: P50" } th { "P95" } th { "P99" }
            } }
            tbody { @for operation in &result.operations {
                @let statuses: Vec<_> = operation.statuses.iter()
                    .map(|(status, count)| format!("{status}: {count}")).collect();
                @let server = operation.server.unwrap_or_default().columns();
                tr {
                    th { code { (operation.name) } @if operation.ramp { " in the ramp" } }
                    td { (statuses.join(", ")) } td { (operation.users.count) }
                    @for column in operation.users.columns() { td { (column) } }
                    @for column in &server[..3] { td { (column) } }
                }
            } }
        } }
    }
}

fn expectations(result: &RunResult) -> Markup {
    html! {
        div.wide { table {
            thead { tr { th { "Expected" } th {} th { "Found" } } }
            tbody { @for (name, held, detail) in result.expectations() {
                tr {
                    th { (name) }
                    @if held { td.held { "held" } } @else { td.missed { "missed" } }
                    td { (detail) }
                }
            } }
        } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::Verdict;

    fn run() -> RunResult {
        let second = |at: f64, server| Second {
            at,
            length: 1.0,
            users: 10,
            successes: 100,
            p50_ms: Some(0.4),
            max_ms: Some(20.0),
            server,
            ..Second::default()
        };
        let server = ServerSecond {
            per_second: 100.0,
            memory_mib: 40.0,
            ..ServerSecond::default()
        };
        let mut result = RunResult {
            scenario: "<sentinel>".to_owned(),
            timeline: vec![
                second(1.0, Some(server)),
                second(2.0, None),
                second(3.0, Some(server)),
            ],
            ..RunResult::default()
        };
        result.load.users = 10;
        result.load.rate = 10.0;
        result.silence.at = 1.2;
        result.silence.seconds = 1.5;
        result
    }

    #[test]
    fn page_needs_no_network_and_no_script() {
        let page = report(&run());
        for foreign in ["http://", "https://", "<script", "@import", "url("] {
            assert!(!page.contains(foreign), "{foreign}");
        }
        assert!(page.contains("prefers-color-scheme"));
    }

    #[test]
    fn page_shows_both_sides_the_silence_and_what_was_missed() {
        let mut result = run();
        assert!(report(&result).contains("Everything held."));
        result.verdicts.push(Verdict {
            name: "P50 <= 1 ms".to_owned(),
            held: false,
            detail: "2 ms".to_owned(),
        });
        let page = report(&result);
        assert!(!page.contains("Everything held."));
        for part in [
            "&lt;sentinel&gt;",
            "missed: P50 &lt;= 1 ms: 2 ms",
            "answered by the server",
            "class=\"silence\"",
            "class=\"ramp\"",
            "Hash gate",
            "Memory of the server",
        ] {
            assert!(page.contains(part), "{part}");
        }
        // Its processor time is not known: it is not the lab's own.
        assert!(!page.contains("Cores in use by the server"));
    }
}
