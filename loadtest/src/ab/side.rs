//! One of the two builds: its server, and the users that ask it.

use std::path::PathBuf;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use goose::config::GooseConfiguration;
use goose::goose::GooseUser;
use testkit::machine;

use crate::connection::{Connection, base};
use crate::guard::Guard;
use crate::recorder::{Interval, Recorder};
use crate::scenarios::{Scenario, Step};
use crate::setup;
use crate::spawn::{Plan, Server};
use crate::state::{Account, Shared, UserState, new_account};
use crate::stop::Stop;
use crate::target::Target;
use crate::user::User;
use crate::{Result, beneath};

/// Longer than any comparison.
const FAR: Duration = Duration::from_hours(24);
/// Time limit of a request.
const TIMEOUT: Duration = Duration::from_mins(1);
/// User number of the administrator: beyond those of the users and of prepared accounts.
const ADMIN: usize = 9_000_000;

/// A build that is compared.
pub struct Side {
    /// Its name in the report.
    pub name: &'static str,
    plan: Plan,
    guard: Guard,
    run: String,
    seed: u64,
    admin: Account,
    accounts: Vec<Account>,
    /// How many there are of each kind.
    users: usize,
    /// The users, by kind; goose's part of one is made anew for each server.
    kinds: Vec<Vec<(Option<GooseUser>, UserState)>>,
    up: Option<Up>,
}

/// Its server, while that runs.
struct Up {
    server: Server,
    recorder: Arc<Recorder>,
}

impl Side {
    /// This program, whose server has not been started yet.
    ///
    /// # Errors
    /// When its guard cannot be started.
    pub fn new(
        name: &'static str,
        program: PathBuf,
        settings: Vec<(String, String)>,
        run: &str,
        (users, seed): (usize, u64),
    ) -> Result<Self> {
        Ok(Self {
            name,
            plan: Plan {
                program: Some(program),
                settings,
                ..Plan::default()
            },
            guard: Guard::start()?,
            run: run.to_owned(),
            seed,
            admin: new_account(run, ADMIN, 0, &mut setup::unpredictable()),
            accounts: Vec::new(),
            users,
            kinds: Vec::new(),
            up: None,
        })
    }

    /// Starts its server, with the data of the time before, and lets its users begin.
    ///
    /// # Errors
    /// When the server does not start, or they cannot begin.
    pub async fn start(&mut self, scenario: &Scenario, stop: &Stop) -> Result<()> {
        let (plan, guard, run) = (self.plan.clone(), self.guard.clone(), self.run.clone());
        let new = self.kinds.is_empty();
        let admin = new.then(|| self.admin.clone());
        let start = move || match admin {
            Some(admin) => plan.start(&guard, &run, &admin),
            None => plan.start_again(&guard, &run),
        };
        let server = tokio::task::spawn_blocking(start).await??;
        let connection = Connection::new(None, false, TIMEOUT)?;
        let target = Target::new(server.api(), &[server.ops().to_owned()], &connection)?;
        target.wait_ready().await?;
        if new {
            self.accounts =
                setup::prepare(&target, &self.run, self.seed, scenario.accounts).await?;
        }
        let recorder = Arc::new(Recorder::new([].into()));
        let shared = Arc::new(Shared {
            run: self.run.clone(),
            base: base(&target.api),
            connection: None,
            seed: self.seed,
            ramp: Duration::ZERO,
            length: FAR,
            began: OnceLock::new(),
            arrivals: None,
            ready: AtomicUsize::new(0),
            stepping: AtomicUsize::new(0),
            admin: self.admin.clone(),
            accounts: self.accounts.clone(),
            sessions: scenario.classes.iter().map(|_| Mutex::default()).collect(),
            recorder: Arc::clone(&recorder),
            stop: stop.clone(),
        });
        let goose = configuration()?;
        let connect = || GooseUser::single(target.api.clone(), &goose);
        for (goose_user, state) in self.kinds.iter_mut().flatten() {
            // As somebody whose connection has broken.
            state.shared = Arc::clone(&shared);
            *goose_user = Some(connect()?);
        }
        for (kind, class) in scenario.classes.iter().enumerate().filter(|_| new) {
            let mut users = Vec::new();
            for number in 0..self.users {
                let mut goose_user = connect()?;
                let state = UserState::new(kind * self.users + number, Arc::clone(&shared));
                let mut user = User::new(&mut goose_user, state);
                class.begin.take(&mut user).await;
                let (_, state) = user.into_parts();
                users.push((Some(goose_user), state));
            }
            self.kinds.push(users);
        }
        self.up = Some(Up { server, recorder });
        Ok(())
    }

    /// Lets the users of a kind take a step again and again for this time, at least once each.
    ///
    /// # Errors
    /// When the lab fails.
    pub async fn slice(&mut self, kind: usize, step: &Step, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        let users = std::mem::take(&mut self.kinds[kind]).into_iter();
        let tasks = users.map(|(goose_user, state)| {
            let step = step.clone();
            tokio::spawn(async move {
                let Some(mut goose_user) = goose_user else {
                    return (None, state);
                };
                let mut user = User::new(&mut goose_user, state);
                loop {
                    step.take(&mut user).await;
                    if Instant::now() >= until || user.is_over() {
                        break;
                    }
                }
                let (_, state) = user.into_parts();
                (Some(goose_user), state)
            })
        });
        let tasks: Vec<_> = tasks.collect();
        for task in tasks {
            let user = task.await?;
            self.kinds[kind].push(user);
        }
        Ok(())
    }

    /// Processor time of its server so far.
    #[must_use]
    pub fn processor(&self) -> Option<Duration> {
        machine::processor_time(self.up.as_ref()?.server.pid())
    }

    /// The requests since this was asked before.
    pub fn requests(&self) -> Interval {
        self.up
            .as_ref()
            .map(|up| up.recorder.interval())
            .unwrap_or_default()
    }

    /// What went wrong, in words.
    #[must_use]
    pub fn failures(&self) -> Vec<String> {
        let Some(up) = &self.up else {
            return Vec::new();
        };
        let statistics = up.recorder.statistics();
        let failures = statistics.failures.iter();
        let failures = failures.map(|((route, status, word), failures)| {
            let status = status.map_or_else(|| "nothing".to_owned(), |status| status.to_string());
            format!(
                "{} answered {status} ({word}) {} times",
                route.name(),
                failures.count
            )
        });
        let unsent = statistics.unsent.iter();
        let unsent = unsent
            .map(|((route, why), count)| format!("{} not sent {count} times: {why}", route.name()));
        failures.chain(unsent).collect()
    }

    /// How its server ended by itself, if it has.
    pub fn ended(&mut self) -> Option<String> {
        self.up.as_mut()?.server.ended()
    }

    /// Stops its server.
    ///
    /// # Errors
    /// When it does not end in time, or not well.
    pub async fn stop(&mut self, stop: &Stop) -> Result<()> {
        let Some(mut up) = self.up.take() else {
            return Ok(());
        };
        // Their connections end first, so that nobody waits for them.
        for (goose_user, _) in self.kinds.iter_mut().flatten() {
            *goose_user = None;
        }
        let stop = stop.clone();
        tokio::task::spawn_blocking(move || up.server.stop(&stop)).await?
    }

    /// Ends whatever is left of it.
    pub fn end(mut self) {
        self.up = None;
        self.guard.end();
    }
}

/// Goose's configuration of a user outside of its runs.
fn configuration() -> Result<GooseConfiguration> {
    let mut configuration = beneath::configuration(&[])?;
    configuration.timeout = Some(TIMEOUT.as_secs().to_string());
    configuration.quiet = 3;
    configuration.no_gzip = true;
    Ok(configuration)
}
