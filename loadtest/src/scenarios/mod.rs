//! The scenarios, one file each.

mod burst;
mod fastapi_auth;
mod login_storm;
mod peak;
mod rbac_mix;
mod refresh_storm;
mod scenario;
mod sentinel;
mod soak;
mod stuffing;

use std::fmt::Write as _;

use clap::ValueEnum;

pub use scenario::{Class, Reference, Scenario};

/// Names of the scenarios on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// 50 users of a website and its administration, as FastAuth-RBAC-Sentinel published it
    Sentinel,
    /// 300 users register, log in and read, as FastAPI-Authentication-System published it
    #[value(name = "fastapi-auth-300")]
    FastapiAuth300,
    /// The same with 500 users
    #[value(name = "fastapi-auth-500")]
    FastapiAuth500,
    /// The same with 800 users who start slowly
    #[value(name = "fastapi-auth-800")]
    FastapiAuth800,
    /// The same with 400 users who start fast
    FastapiAuthBurst,
    /// 1,000 users within ten seconds
    #[value(name = "burst-1000")]
    Burst1000,
    /// More logins than can be hashed, beside a few reads
    LoginStorm,
    /// Every session is refreshed at the same moment, some from two tabs
    RefreshStorm,
    /// Guessed passwords from many addresses, beside normal users
    Stuffing,
    /// Reads, pages of accounts and denials in known proportions
    RbacMix,
    /// As many reads as the machine can do
    Peak,
    /// Moderate load for an hour
    Soak,
}

impl Name {
    /// The scenario.
    #[must_use]
    pub const fn scenario(self) -> &'static Scenario {
        match self {
            Self::Sentinel => &sentinel::SCENARIO,
            Self::FastapiAuth300 => &fastapi_auth::WITH_300,
            Self::FastapiAuth500 => &fastapi_auth::WITH_500,
            Self::FastapiAuth800 => &fastapi_auth::WITH_800,
            Self::FastapiAuthBurst => &fastapi_auth::BURST,
            Self::Burst1000 => &burst::SCENARIO,
            Self::LoginStorm => &login_storm::SCENARIO,
            Self::RefreshStorm => &refresh_storm::SCENARIO,
            Self::Stuffing => &stuffing::SCENARIO,
            Self::RbacMix => &rbac_mix::SCENARIO,
            Self::Peak => &peak::SCENARIO,
            Self::Soak => &soak::SCENARIO,
        }
    }
}

/// List of all scenarios, as text.
#[must_use]
pub fn list() -> String {
    let mut text = String::new();
    for name in Name::value_variants() {
        let scenario = name.scenario();
        let _ = writeln!(text, "{}\n    {}", scenario.name, scenario.about);
        let _ = writeln!(
            text,
            "    {} users, {} a second, then {}",
            scenario.users,
            scenario.rate,
            humantime::format_duration(scenario.run_time)
        );
        if let Some(reference) = &scenario.reference {
            let _ = writeln!(text, "    published by {}", reference.system);
        }
        for objective in scenario.objectives {
            let _ = writeln!(text, "    target: {objective}");
        }
        for fact in scenario.facts {
            let _ = writeln!(text, "    expected: {}", fact.name);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn scenario_names_match_the_command_line() {
        for name in Name::value_variants() {
            let asked = name.to_possible_value().expect("shown");
            assert_eq!(asked.get_name(), name.scenario().name);
        }
        let names: BTreeSet<_> = Name::value_variants()
            .iter()
            .map(|name| name.scenario().name)
            .collect();
        assert_eq!(names.len(), Name::value_variants().len());
    }

    #[test]
    fn scenarios_have_users_objectives_and_valid_pauses() {
        for name in Name::value_variants() {
            let scenario = name.scenario();
            let classes = (scenario.classes)();
            let weights: usize = classes.iter().map(|class| class.weight).sum();
            assert!(
                weights > 0 && scenario.users >= weights,
                "{}: all kinds take part",
                scenario.name
            );
            assert!(
                !scenario.objectives.is_empty(),
                "{}: something is expected",
                scenario.name
            );
            for class in classes {
                assert!(
                    class
                        .wait
                        .is_none_or(|(least, most)| 0.0 < least && least <= most)
                );
            }
            assert!(list().contains(scenario.about));
        }
    }
}
