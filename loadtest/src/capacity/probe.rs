//! One run at a rate: a process of its own, as any other run of the lab.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::form::{Probe, Work};
use super::options::Options;
use super::search::Outcome;
use super::stand::Address;
use crate::Result;
use crate::child::{this_program, wait};
use crate::ending::Ending;
use crate::report::save;
use crate::result::RunResult;
use crate::stop::Stop;

/// Time that a step may take on average while all users of the pool can still keep up: beyond it the objectives are
/// missed anyway.
const LOGIN: Duration = Duration::from_millis(400);
const READ: Duration = Duration::from_millis(10);
/// Users at least and at most.
const USERS: (f64, f64) = (8.0, 400.0);
/// Hashes that a user needs to begin, and the share of the hash threads that may be busy with it.
const HASHES: f64 = 2.0;
const BUSY: f64 = 0.5;

/// What all runs have in common.
#[derive(Debug)]
pub struct Runs<'a> {
    /// The options.
    pub options: &'a Options,
    /// The servers.
    pub address: Address,
    /// Hashes that they do a second, about.
    pub hashes_per_second: f64,
    /// The folder of the runs.
    pub folder: PathBuf,
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// With an answer.
    Answered(Box<Probe>),
    /// Without, and why.
    Broken(Ending, String),
}

impl Work {
    /// The scenario of such work.
    const fn scenario(self) -> (&'static str, &'static str) {
        match self {
            Self::Logins => ("logins.toml", include_str!("logins.toml")),
            Self::Reads => ("reads.toml", include_str!("reads.toml")),
        }
    }

    /// Users that can keep up with a rate.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a small positive number"
    )]
    fn users(self, rate: f64) -> u32 {
        let step = match self {
            Self::Logins => LOGIN,
            Self::Reads => READ,
        };
        let (least, most) = USERS;
        (rate * step.as_secs_f64()).ceil().clamp(least, most) as u32
    }
}

impl Runs<'_> {
    /// Runs it at this rate; `number` counts the runs.
    ///
    /// # Errors
    /// When it did not take place, or the lab failed.
    pub fn run(&self, work: Work, rate: f64, number: usize, stop: &Stop) -> Result<Ended> {
        let folder = self.folder.join(format!("{}-{number}", work.word()));
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
        let (name, text) = work.scenario();
        save(&self.folder, [(name, text.to_owned())])?;
        let said = folder.join("lab.log");
        let mut child = this_program()?
            .arg(self.folder.join(name))
            .args(self.words(work, rate))
            .arg("--out")
            .arg(&folder)
            .env("LOADTEST_ADMIN_PASSWORD", &self.address.admin.password)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&said)?)
            .spawn()?;
        wait(&mut child, stop)?;
        let Ok(result) = RunResult::read(&folder.join("result.json")) else {
            if stop.reason().is_some() {
                return Ok(Ended::Broken(Ending::Interrupted, "interrupted".to_owned()));
            }
            let said = std::fs::read_to_string(&said).unwrap_or_default();
            return Err(format!("there was no run at {rate}/s: {}", said.trim()).into());
        };
        Ok(judged(rate, &folder, &result))
    }

    fn words(&self, work: Work, rate: f64) -> Vec<String> {
        let Address { host, admin, .. } = &self.address;
        let users = work.users(rate);
        let a_second = (self.hashes_per_second * BUSY / HASHES).clamp(0.5, 1_000.0);
        let mut words: Vec<String> = ["--host", host, "--admin-username", &admin.username]
            .map(str::to_owned)
            .to_vec();
        let mut add = |name: &str, value: String| words.extend([name.to_owned(), value]);
        for ops in &self.address.ops {
            add("--ops", ops.clone());
        }
        for pid in &self.address.pids {
            add("--pid", pid.to_string());
        }
        add("--rate", format!("{rate}/s"));
        add("--run-time", format!("{}ms", self.options.step.as_millis()));
        add("--users", users.to_string());
        add("--spawn-rate", format!("{a_second:.1}"));
        add("--seed", self.options.seed.to_string());
        add("--metrics-addr", "127.0.0.1:0".to_owned());
        let flags = [
            ("--quiet", true),
            ("--allow-limits", self.options.allow_limits),
            ("--i-own-this-host", self.options.i_own_this_host),
        ];
        let flags = flags.iter().filter(|(_, set)| *set);
        words.extend(flags.map(|(name, _)| (*name).to_owned()));
        words
    }
}

/// What a run says of its rate.
fn judged(rate: f64, folder: &Path, result: &RunResult) -> Ended {
    let because = || result.because.clone().unwrap_or_default();
    let outcome = match result.ending {
        Ending::Held => Outcome::Held,
        Ending::Missed if only_the_lab_was_slow(result) => Outcome::Starved,
        Ending::Missed => Outcome::Missed,
        Ending::Invalid => Outcome::Starved,
        Ending::BrokeOff | Ending::Interrupted => return Ended::Broken(result.ending, because()),
    };
    let mut complaints: Vec<_> = result.because.iter().cloned().collect();
    complaints.extend(result.complaints());
    Ended::Answered(Box::new(Probe {
        rate,
        outcome,
        per_second: result.users.per_second,
        p99_ms: result.corrected.p99_ms,
        complaints,
        resources: result.resources,
        folder: folder.to_owned(),
    }))
}

/// Whether the users were slower than the server says, and nothing else went wrong.
fn only_the_lab_was_slow(result: &RunResult) -> bool {
    let of_times = |name: &str| name.ends_with(" of users and server") || name.starts_with("mean ");
    let mut broken = result.identities.iter().filter(|one| !one.held);
    result.verdicts.iter().all(|one| one.held) && broken.all(|one| of_times(&one.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::Identity;
    use crate::result::{Verdict, sample};
    use crate::scenarios;

    #[test]
    fn scenarios_of_the_search_are_valid() {
        for work in Work::ALL {
            let (name, text) = work.scenario();
            let scenario = scenarios::parse(text, work.word()).expect(name);
            assert_eq!(
                scenario.expected.thresholds.len() + scenario.expected.objectives.len(),
                3
            );
        }
    }

    #[test]
    fn pool_grows_with_the_rate_within_bounds() {
        assert_eq!(Work::Logins.users(1.0), 8);
        assert_eq!(Work::Logins.users(100.0), 40);
        assert_eq!(Work::Reads.users(5_000.0), 50);
        assert_eq!(Work::Logins.users(100_000.0), 400);
    }

    fn outcome(ending: Ending, identity: Option<&str>, held: bool) -> Option<Outcome> {
        let mut result = sample(20.0, 70.0, 0.0);
        result.ending = ending;
        result.verdicts.push(Verdict {
            name: "P99".to_owned(),
            held,
            detail: String::new(),
        });
        result.identities.extend(identity.map(|name| Identity {
            name: name.to_owned(),
            held: false,
            detail: String::new(),
        }));
        match judged(10.0, Path::new("x"), &result) {
            Ended::Answered(probe) => Some(probe.outcome),
            Ended::Broken(..) => None,
        }
    }

    #[test]
    fn slow_lab_is_told_from_a_slow_service() {
        let times = Some("POST /login: P99 of users and server");
        assert_eq!(outcome(Ending::Held, None, true), Some(Outcome::Held));
        assert_eq!(outcome(Ending::Missed, None, false), Some(Outcome::Missed));
        assert_eq!(outcome(Ending::Missed, times, true), Some(Outcome::Starved));
        assert_eq!(outcome(Ending::Missed, times, false), Some(Outcome::Missed));
        let counts = Some("logins: HTTP = flow");
        assert_eq!(outcome(Ending::Missed, counts, true), Some(Outcome::Missed));
        assert_eq!(outcome(Ending::Invalid, None, true), Some(Outcome::Starved));
        assert_eq!(outcome(Ending::BrokeOff, None, true), None);
    }
}
