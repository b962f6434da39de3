//! The scenarios, one TOML file each; what requests alone do not make is in code, one file each.

mod actions;
mod file;
mod login_storm;
mod refresh_storm;
mod scenario;
mod stuffing;

use std::fmt::Write as _;
use std::path::Path;

use crate::verdict::Objective;
pub use actions::Step;
pub use file::parse;
pub use scenario::{Class, Scenario};

macro_rules! built_in {
    ($($name:literal,)*) => {
        &[$(($name, include_str!(concat!("builtin/", $name, ".toml"))),)*]
    };
}

/// The scenarios that the lab brings with it.
const BUILT_IN: &[(&str, &str)] = built_in![
    "sentinel",
    "fastapi-auth-300",
    "fastapi-auth-500",
    "fastapi-auth-800",
    "fastapi-auth-burst",
    "burst-1000",
    "login-storm",
    "refresh-storm",
    "stuffing",
    "rbac-mix",
    "peak",
    "soak",
];

/// The scenario of this name, or in this file.
///
/// # Errors
/// When there is none, or the file is wrong.
pub fn find(name: &str) -> Result<Scenario, String> {
    if let Some((name, text)) = BUILT_IN.iter().find(|(known, _)| *known == name) {
        return file::parse(text, name);
    }
    let path = Path::new(name);
    if path.extension().is_none_or(|extension| extension != "toml") {
        let names: Vec<_> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        return Err(format!(
            "there is no such scenario; there are {}, and files that end in .toml",
            names.join(", ")
        ));
    }
    let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    file::parse(&text, &stem).map_err(|error| format!("{name}: {error}"))
}

/// The text of a built-in scenario, for a file of one's own.
///
/// # Errors
/// When there is none of this name.
pub fn text(name: &str) -> Result<&'static str, String> {
    let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
    let built_in = built_in.ok_or_else(|| format!("there is no scenario {name}"))?;
    Ok(built_in.1)
}

/// List of all scenarios, as text.
///
/// # Errors
/// Never: a test reads all of them.
pub fn list() -> Result<String, String> {
    let mut text = String::new();
    for (name, _) in BUILT_IN {
        let scenario = find(name)?;
        let about = &scenario.description.about;
        let _ = writeln!(text, "{name}\n    {about}");
        let _ = writeln!(
            text,
            "    {} users, {} a second, then {}",
            scenario.users,
            scenario.rate,
            humantime::format_duration(scenario.run_time)
        );
        if let Some(reference) = &scenario.description.reference {
            let _ = writeln!(text, "    published by {}", reference.system);
        }
        let slowest = Objective::slowest(scenario.saturates);
        for objective in scenario.expected.objectives.iter().chain(&slowest) {
            let _ = writeln!(text, "    target: {objective}");
        }
        for threshold in &scenario.expected.thresholds {
            let _ = writeln!(text, "    target: {threshold}");
        }
        for fact in &scenario.expected.facts {
            let _ = writeln!(text, "    expected: {}", fact.name);
        }
        text.push('\n');
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_scenarios_are_valid_and_listed() {
        let list = list().expect("all are valid");
        for (name, _) in BUILT_IN {
            let scenario = find(name).expect(name);
            assert_eq!(&scenario.name, name);
            assert!(
                !scenario.expected.objectives.is_empty(),
                "{name}: something is expected"
            );
            assert!(!scenario.description.about.is_empty(), "{name}");
            assert!(!scenario.description.bottleneck.is_empty(), "{name}");
            assert!(list.contains(&scenario.description.about));
        }
    }

    #[test]
    fn only_the_storm_of_refreshes_keeps_a_time_of_its_own() {
        let keeping = BUILT_IN
            .iter()
            .filter(|(name, _)| find(name).expect(name).keeps_time());
        let keeping: Vec<_> = keeping.map(|(name, _)| *name).collect();
        assert_eq!(keeping, ["refresh-storm"]);
    }

    #[test]
    fn unknown_scenario_and_unreadable_file_are_named() {
        assert!(
            find("sentinal")
                .expect_err("unknown")
                .contains("sentinel, ")
        );
        let missing = find("/nonexistent/mine.toml").expect_err("no file");
        assert!(missing.starts_with("/nonexistent/mine.toml: "), "{missing}");
    }
}
