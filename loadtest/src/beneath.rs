//! Options of goose that are passed on.

use clap::Parser as _;
use goose::config::GooseConfiguration;

use crate::Result;

/// What the lab sets itself, because its own figures depend on it.
const OURS: [&str; 26] = [
    "--host",
    "-H",
    "--users",
    "-u",
    "--increase-rate",
    "-r",
    "--increase-time",
    "-s",
    "--run-time",
    "-t",
    "--decrease-rate",
    "--decrease-time",
    "--iterations",
    "--test-plan",
    "--run-shape",
    "--scenarios",
    "--no-metrics",
    "--no-reset-metrics",
    "--co-mitigation",
    "--threshold",
    "--no-autostart",
    "--accept-invalid-certs",
    "--sticky-follow",
    "--timeout",
    "--list",
    "--version",
];

/// Goose's configuration with these options.
///
/// # Errors
/// Names an option that goose does not know, or that is the lab's.
pub fn configuration(words: &[String]) -> Result<GooseConfiguration> {
    for word in words {
        let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
        if OURS.contains(&name) {
            return Err(format!(
                "behind --: {name} is set by the lab, which has options of its own"
            )
            .into());
        }
    }
    let words = std::iter::once("goose").chain(words.iter().map(String::as_str));
    GooseConfiguration::try_parse_from(words)
        .map_err(|error| format!("behind --: goose says {}", error.to_string().trim()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<GooseConfiguration> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        configuration(&words)
    }

    #[test]
    fn options_of_goose_are_read_and_those_of_the_lab_refused() {
        let read_on = read(&["--request-log", "requests.csv", "--throttle-requests=50"]);
        let read_on = read_on.expect("goose's");
        assert_eq!(read_on.request_log.as_deref(), Some("requests.csv"));
        assert_eq!(read_on.throttle_requests, Some(50));
        let complaint = |words: &[&str]| read(words).map(drop).expect_err("refused").to_string();
        assert!(complaint(&["--users=5"]).contains("--users is set by the lab"));
        assert!(complaint(&["--reqest-log", "x"]).contains("--reqest-log"));
    }
}
