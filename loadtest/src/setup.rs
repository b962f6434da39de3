//! Preparation of a run: the server, its administrator, accounts, a folder for the reports.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use testkit::exposition::Exposition;
use testkit::machine::resident_bytes;

use crate::Result;
use crate::attack::Load;
use crate::cli::Options;
use crate::connection::Connection;
use crate::guard::Guard;
use crate::live::Ramp;
use crate::memory::Watch;
use crate::rates::{Rates, Schedule};
use crate::scenarios::Scenario;
use crate::spawn::{Plan, Server, reported};
use crate::state::{Account, new_account};
use crate::target::Target;

/// User number of accounts that are registered before the run: beyond those of real users.
const PREPARED: usize = 1_000_000;
/// Accounts registered at a time: more than a server hashes at a time.
const AT_A_TIME: usize = 8;

/// The current time.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "the start of a run is the clock's time"
)]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// The time at that moment, by the clock as it is now.
#[must_use]
pub fn at(moment: Instant) -> DateTime<Utc> {
    now() - moment.elapsed()
}

/// Random numbers that nobody can foresee: for what ends with the run, and an order that must be chance's.
#[must_use]
pub fn unpredictable() -> ChaCha8Rng {
    ChaCha8Rng::from_os_rng()
}

/// Id of a run: its start time in a few letters.
#[must_use]
pub fn run_id(started: DateTime<Utc>) -> String {
    const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut rest = started.timestamp_millis().unsigned_abs();
    let mut letters = Vec::new();
    while rest > 0 {
        letters.push(DIGITS[usize::try_from(rest % 36).unwrap_or_default()]);
        rest /= 36;
    }
    letters
        .iter()
        .rev()
        .map(|letter| char::from(*letter))
        .collect()
}

/// The same for a run beside others, which may begin in the same moment: with letters of its own.
#[must_use]
pub fn shared_run_id(started: DateTime<Utc>) -> String {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut rng = unpredictable();
    let letters = (0..4).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())]));
    run_id(started) + &letters.collect::<String>()
}

/// Folder of the reports.
///
/// # Errors
/// When the folder cannot be made.
pub fn folder(options: &Options, scenario: &Scenario, run_id: &str) -> Result<PathBuf> {
    folder_of(options.out.as_deref(), &scenario.name, run_id)
}

/// The folder that was asked for, or one below the target folder.
///
/// # Errors
/// When the folder cannot be made.
pub fn folder_of(out: Option<&Path>, what: &str, run_id: &str) -> Result<PathBuf> {
    let folder = out.map_or_else(
        || {
            let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
            let target = std::env::var_os("CARGO_TARGET_DIR")
                .map_or_else(|| workspace.join("target"), PathBuf::from);
            target.join("loadtest").join(format!("{what}-{run_id}"))
        },
        Path::to_owned,
    );
    std::fs::create_dir_all(&folder)
        .map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
    Ok(folder.canonicalize()?)
}

/// The server under test, ready.
#[derive(Debug)]
pub struct ServerUnderTest {
    /// The lab's own server, with --spawn.
    pub server: Option<Server>,
    /// Its processes, as far as they are known.
    pub pids: Vec<u32>,
    /// Samples their memory.
    pub watch: Option<Watch>,
    /// Client of it.
    pub target: Target,
    /// Its administrator.
    pub admin: Account,
    /// The metrics of each replica before the lab's first request, where others ask it, too.
    pub before: Option<Vec<Exposition>>,
}

/// Finds the server, or starts one with a guard, and checks that a run on it is valid.
///
/// # Errors
/// Names the problem.
pub async fn server(
    options: &Options,
    scenario: &Scenario,
    run_id: &str,
    connection: &Connection,
    guard: Option<&Guard>,
) -> Result<ServerUnderTest> {
    if scenario.keeps_time() && (options.rate.is_some() || options.stages.is_some()) {
        let name = &scenario.name;
        return Err(format!("the users of {name} wait for each other: they have no rate").into());
    }
    let under_test = match guard {
        Some(guard) => start(options, scenario, run_id, connection, guard).await?,
        None => find(options, connection).await?,
    };
    under_test.target.check_admin(&under_test.admin).await?;
    check_limits(options, &under_test.target, scenario).await?;
    Ok(under_test)
}

/// Settings of a server that the lab starts: the scenario's, then those of --set.
fn settings(options: &Options, scenario: &Scenario) -> Vec<(String, String)> {
    let settings = scenario.settings.iter().cloned();
    settings.chain(options.plan.settings.clone()).collect()
}

/// The same for the report.
#[must_use]
pub fn reported_settings(options: &Options, scenario: &Scenario) -> Vec<String> {
    settings(options, scenario).iter().map(reported).collect()
}

async fn start(
    options: &Options,
    scenario: &Scenario,
    run_id: &str,
    connection: &Connection,
    guard: &Guard,
) -> Result<ServerUnderTest> {
    let plan = Plan {
        settings: settings(options, scenario),
        ..options.plan.clone()
    };
    // Random: the server ends with the run.
    let admin = new_account(run_id, PREPARED, 0, &mut unpredictable());
    let (guard, run, account) = (guard.clone(), run_id.to_owned(), admin.clone());
    // It waits for processes; meanwhile a signal may end the run.
    let start = move || plan.start(&guard, &run, &account);
    let server = tokio::task::spawn_blocking(start).await??;
    let has_tls = options
        .plan
        .settings
        .iter()
        .any(|(name, _)| name == "TLS_CERT");
    let scheme = if has_tls { "https" } else { "http" };
    let api = server.api().replacen("http", scheme, 1);
    let target = Target::new(&api, &[server.ops().to_owned()], connection)?;
    target.wait_ready().await?;
    Ok(ServerUnderTest {
        watch: Some(Watch::start(vec![server.pid()])),
        pids: vec![server.pid()],
        server: Some(server),
        target,
        admin,
        before: None,
    })
}

async fn find(options: &Options, connection: &Connection) -> Result<ServerUnderTest> {
    let target = Target::new(&options.host, &options.ops, connection)?;
    if !target.is_here() && !options.i_own_this_host {
        return Err(format!(
            "{} is not on this machine: --i-own-this-host confirms that it may be put under load",
            options.host
        )
        .into());
    }
    let admin = options.administrator.account()?;
    if let Some(pid) = options
        .pids
        .iter()
        .find(|pid| resident_bytes(**pid).is_none())
    {
        return Err(format!("--pid {pid}: there is no such process on this machine").into());
    }
    target.check_ops().await?;
    // Of several generators, the one that reads first has asked for nothing before, and neither have the others.
    let before = if options.shared {
        Some(target.each().await?)
    } else {
        None
    };
    target.check_api().await?;
    Ok(ServerUnderTest {
        server: None,
        watch: (!options.pids.is_empty()).then(|| Watch::start(options.pids.clone())),
        pids: options.pids.clone(),
        target,
        admin,
        before,
    })
}

/// Rate limits would falsify a run whose users share one address; scenarios about limits need them.
async fn check_limits(options: &Options, target: &Target, scenario: &Scenario) -> Result<()> {
    match (target.has_rate_limits().await?, scenario.limits) {
        (true, false) if !options.allow_limits => Err("the server has rate limits, which would refuse users that all come from one address: start it with RATE_LIMITS=off".into()),
        (false, true) => Err("the server has no rate limits, which this scenario is about: start it with RATE_LIMITS=on and this machine in TRUSTED_PROXIES".into()),
        _ => Ok(()),
    }
}

/// The load, from scenario and options.
#[must_use]
pub fn load(options: &Options, scenario: &Scenario) -> Load {
    let users = options.users.and_then(|users| usize::try_from(users).ok());
    let run_time = options.run_time.unwrap_or(scenario.run_time);
    let plan = options.rate.map(Schedule::Steady);
    let plan = plan.or_else(|| options.stages.clone().map(Schedule::Stages));
    let arrivals = plan.map(|plan| plan.over(run_time));
    let length = arrivals.as_ref().map_or(run_time, Rates::length);
    Load {
        ramp: Ramp {
            users: users.unwrap_or(scenario.users),
            rate: options.spawn_rate.unwrap_or(scenario.rate),
        },
        run_time: length.max(Duration::from_secs(1)),
        arrivals,
        timeout: options.timeout,
    }
}

/// Registers the accounts that a scenario needs before the run.
///
/// # Errors
/// When one is refused.
pub async fn prepare(
    target: &Target,
    run_id: &str,
    seed: u64,
    count: usize,
) -> Result<Vec<Account>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let accounts: Vec<_> = (0..count)
        .map(|number| {
            new_account(
                run_id,
                PREPARED + 1 + number,
                rng.random_range(0..100),
                &mut rng,
            )
        })
        .collect();
    for some in accounts.chunks(AT_A_TIME) {
        let tasks: Vec<_> = some
            .iter()
            .map(|account| {
                let (target, account) = (target.clone(), account.clone());
                tokio::spawn(async move { target.register(&account).await })
            })
            .collect();
        for task in tasks {
            task.await??;
        }
    }
    Ok(accounts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_that_begin_in_the_same_moment_share_no_names() {
        let started = now();
        let ids = [shared_run_id(started), shared_run_id(started)];
        assert_ne!(ids[0], ids[1]);
        for id in ids {
            assert!(id.starts_with(&run_id(started)), "{id}");
        }
    }
}
