//! What a search says.

use std::fmt::Write as _;
use std::path::Path;

use super::form::{Capacity, Found, Probe, Resource, Stand, Work};
use super::search::Outcome;
use crate::Result;
use crate::percents::shown;
use crate::report::save;
use crate::resources::Resources;
use crate::times::millis;

/// The files of a search.
pub const FILES: [&str; 2] = ["capacity.json", "capacity.md"];

/// What `at least` means.
const BOUND: &str = "*At least* is a lower bound: the lab filled before the service did, or the search ended before \
                     anything was full. A lab on machines of its own finds more.";

/// Writes it into a folder.
///
/// # Errors
/// When it cannot be written.
pub fn write(capacity: &Capacity, text: &str, folder: &Path) -> Result<()> {
    let json = serde_json::to_string_pretty(capacity)?;
    save(folder, FILES.into_iter().zip([json, text.to_owned()]))
}

/// The report as Markdown.
#[must_use]
pub fn text(capacity: &Capacity) -> String {
    let mut text = "# The highest rates that hold\n\n".to_owned();
    let because = capacity.because.as_ref();
    let because = because.map_or_else(String::new, |because| format!(": {because}"));
    let _ = writeln!(text, "**{}**{because}.\n", capacity.ending.word());
    conditions(&mut text, capacity);
    let _ = writeln!(
        text,
        "| Replicas | | The highest rate | Filled first | Predicted | Measured against it |"
    );
    let _ = writeln!(text, "|---:|---|---:|---|---:|---:|");
    for stand in &capacity.stands {
        for found in &stand.works {
            row(&mut text, stand, found);
        }
    }
    let bounds = capacity.stands.iter().flat_map(|stand| &stand.works);
    if bounds.clone().any(|found| found.at_least) {
        let _ = writeln!(text, "\n{BOUND}");
    }
    for stand in &capacity.stands {
        for found in &stand.works {
            details(&mut text, stand, found);
        }
    }
    text
}

fn conditions(text: &mut String, capacity: &Capacity) {
    let _ = writeln!(
        text,
        "Lab: commit {}, {}; {}. It hashes a password in {} and makes a bare round trip in {}.",
        capacity.revision,
        capacity.machine,
        if capacity.shared {
            "the service is on the same machine"
        } else {
            "the service is on another machine"
        },
        millis(capacity.yardstick.hash_ms),
        millis(capacity.yardstick.round_trip_ms)
    );
    for stand in &capacity.stands {
        let _ = writeln!(
            text,
            "Service: {} in all of {}{}.",
            stand.about,
            stand.replicas,
            if capacity.proxied {
                ", behind a proxy"
            } else {
                ""
            }
        );
    }
    let settings: Vec<_> = capacity
        .settings
        .iter()
        .map(|one| format!("`{one}`"))
        .collect();
    if !settings.is_empty() {
        let _ = writeln!(text, "Settings: {}.", settings.join(", "));
    }
    let _ = writeln!(
        text,
        "Each rate was kept up for {} s; a rate {} above the one that holds did not.\n",
        capacity.step_seconds,
        shown(capacity.precision)
    );
}

fn row(text: &mut String, stand: &Stand, found: &Found) {
    let filled = match (&found.filled, found.rate) {
        (Some(filled), _) => filled.resource.to_string(),
        (None, None) => "–".to_owned(),
        (None, _) if found.missed.is_some() => "nothing that is watched".to_owned(),
        (None, _) => "nothing".to_owned(),
    };
    let predicted = found.predicted.as_ref();
    let predicted = predicted.map(|predicted| {
        let bound = if predicted.at_least { "at least " } else { "" };
        format!("{bound}{:.1}/s", predicted.rate)
    });
    let deviation = found
        .deviation()
        .map(|share| format!("{:+.1} %", share * 100.0));
    let dash = || "–".to_owned();
    let _ = writeln!(
        text,
        "| {} | {} | {} | {filled} | {} | {} |",
        stand.replicas,
        found.work.word(),
        found.shown(),
        predicted.unwrap_or_else(dash),
        deviation.unwrap_or_else(dash)
    );
}

fn details(text: &mut String, stand: &Stand, found: &Found) {
    let replicas = match stand.replicas {
        1 => "one replica".to_owned(),
        more => format!("{more} replicas"),
    };
    let _ = writeln!(text, "\n## {} on {replicas}\n", title(found.work));
    if let Some(filled) = &found.filled {
        let _ = writeln!(
            text,
            "{} filled first: {}.\n",
            capital(filled.resource),
            filled.evidence
        );
    }
    if let Some(predicted) = &found.predicted {
        let _ = writeln!(
            text,
            "Predicted were {:.1}/s, by {}.\n",
            predicted.rate, predicted.because
        );
    }
    let _ = writeln!(
        text,
        "| Rate | Successes/s | P99 | Cores: service | lab | all | Hash threads | Connections | Redis | Memory | |"
    );
    let _ = writeln!(
        text,
        "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|"
    );
    for probe in &found.probes {
        run(text, probe);
    }
}

fn run(text: &mut String, probe: &Probe) {
    let used = probe.resources.unwrap_or_default();
    let outcome = match probe.outcome {
        Outcome::Held => "held".to_owned(),
        Outcome::Missed | Outcome::Starved => probe.complaints.join("; ").replace('|', "\\|"),
    };
    let _ = writeln!(
        text,
        "| {}/s | {:.1} | {} | {} | {outcome} |",
        probe.rate,
        probe.per_second,
        millis(probe.p99_ms),
        columns(&used).join(" | ")
    );
}

fn columns(used: &Resources) -> [String; 7] {
    let cores =
        |cores: Option<f64>| cores.map_or_else(|| "–".to_owned(), |cores| format!("{cores:.2}"));
    [
        cores(Some(used.server_cores)),
        cores(used.lab_cores),
        cores(used.machine_cores),
        shown(used.hashing),
        format!("{:.1} of {}", used.connections_busy, used.connections),
        format!("{:.0}/s", used.redis_per_second),
        format!("{:.0} MiB", used.memory_mib),
    ]
}

const fn title(work: Work) -> &'static str {
    match work {
        Work::Logins => "Logins",
        Work::Reads => "Reads",
    }
}

/// At the head of a sentence.
fn capital(resource: Resource) -> String {
    let words = resource.to_string();
    let mut letters = words.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::capacity::form::{Filled, Predicted};

    #[test]
    fn report_says_bounds_predictions_and_what_filled_first() {
        let probe = Probe {
            rate: 80.0,
            outcome: Outcome::Missed,
            per_second: 71.0,
            p99_ms: 900.0,
            complaints: vec!["missed: p99 of POST /login <= 500ms: 900 ms".to_owned()],
            resources: None,
            folder: PathBuf::new(),
        };
        let logins = Found {
            rate: Some(76.0),
            filled: Some(Filled {
                resource: Resource::HashGate,
                evidence: "97 % of 2 were busy".to_owned(),
            }),
            predicted: Some(Predicted {
                rate: 80.0,
                at_least: false,
                because: "2 times what each of 1 held: 40.0/s".to_owned(),
            }),
            probes: vec![probe],
            ..Found::default()
        };
        let reads = Found {
            work: Work::Reads,
            rate: Some(4000.0),
            at_least: true,
            ..Found::default()
        };
        let capacity = Capacity {
            stands: vec![Stand {
                replicas: 2,
                works: vec![logins, reads],
                ..Stand::default()
            }],
            ..Capacity::default()
        };
        let text = text(&capacity);
        for expected in [
            "| 2 | logins | 76/s | the hash threads | 80.0/s | -5.0 % |",
            "| 2 | reads | at least 4000/s | nothing | – | – |",
            "*At least* is a lower bound",
            "The hash threads filled first: 97 % of 2 were busy.",
            "Predicted were 80.0/s, by 2 times what each of 1 held: 40.0/s.",
            "| 80/s | 71.0 | 900 ms | ",
        ] {
            assert!(text.contains(expected), "{expected}: {text}");
        }
    }
}
