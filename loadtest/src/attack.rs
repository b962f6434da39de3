//! Runs a scenario with goose.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario as GooseScenario, Transaction, TransactionFunction};
use goose::{GooseAttack, GooseError, GooseScheduler};
use rand::Rng as _;

use crate::live::Ramp;
use crate::pacer::Pacer;
use crate::rates::Rates;
use crate::reconcile::Counts;
use crate::recorder::Recorder;
use crate::scenarios::{Class, Scenario, Step};
use crate::state::{Account, Shared, Slot, UserState, take};
use crate::stop::Stop;
use crate::user::User;
use crate::{Error, Result};

/// Seconds that goose runs longer than the users, which end the run themselves, to the millisecond.
const MARGIN: Duration = Duration::from_secs(2);
/// Time after the ramp within which all users should be ready for arrivals.
const READY_LIMIT: Duration = Duration::from_mins(1);
/// Time within which steps end after the last arrival: beyond the clients' timeout.
const STEP_LIMIT: Duration = Duration::from_secs(65);
/// Time after which a user without an arrival lets goose look up.
const LOOK_UP: Duration = Duration::from_millis(200);

/// The load.
#[derive(Clone, Debug)]
pub struct Load {
    /// How users are started.
    pub ramp: Ramp,
    /// Run time after all have started.
    pub run_time: Duration,
    /// Rates at which steps begin, instead of the scenario's pauses and rates.
    pub arrivals: Option<Rates>,
    /// Time after which a request counts as not answered.
    pub timeout: Duration,
}

impl Load {
    /// Its length: from the first user on, or from the first arrival if arrivals have a rate.
    #[must_use]
    pub fn length(&self, kinds: &[Kind]) -> Duration {
        if kinds.iter().any(|kind| kind.pacer.is_some()) {
            self.run_time
        } else {
            self.ramp.time() + self.run_time
        }
    }
}

/// A kind of users, and their arrivals if they have a rate.
#[derive(Clone, Debug)]
pub struct Kind {
    class: Arc<Class>,
    /// Lets them begin.
    pub pacer: Option<Arc<Pacer>>,
}

impl Kind {
    /// The kinds of a scenario under this load.
    #[must_use]
    pub fn all(scenario: &Scenario, load: &Load) -> Vec<Self> {
        let classes = &scenario.classes;
        let weights: usize = classes.iter().map(|class| class.weight).sum();
        let kind = |class: &Class| {
            let share = class.weight as f64 / weights as f64;
            let rates = match &load.arrivals {
                Some(rates) => Some(rates.share(share)),
                None => class.arrivals.as_ref().map(|plan| plan.over(load.run_time)),
            };
            Self {
                pacer: rates.map(|rates| Arc::new(Pacer::new(rates))),
                class: Arc::new(class.clone()),
            }
        };
        classes.iter().map(kind).collect()
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.class.name
    }

    /// Its rates, in words.
    #[must_use]
    pub fn rates(&self) -> Option<String> {
        let pacer = self.pacer.as_ref()?;
        Some(format!("{} {}", self.name(), pacer.rates()))
    }

    /// The usual pause between two steps, where the end of one begins it.
    fn pace(&self) -> Option<Duration> {
        let pace = self.class.pace();
        pace.filter(|_| self.pacer.is_none())
    }
}

/// What all users of a run share, from its load; the administrator is the one of the server.
#[must_use]
pub fn shared(load: &Load, kinds: &[Kind], recorder: &Arc<Recorder>, admin: Account) -> Shared {
    let open = kinds.iter().any(|kind| kind.pacer.is_some());
    Shared {
        run: String::new(),
        base: String::new(),
        connection: None,
        seed: 0,
        ramp: load.ramp.time(),
        length: load.length(kinds),
        began: OnceLock::new(),
        arrivals: open.then(OnceLock::new),
        ready: AtomicUsize::new(0),
        stepping: AtomicUsize::new(0),
        admin,
        accounts: Vec::new(),
        sessions: (0..load.ramp.users).map(|_| Mutex::new(None)).collect(),
        recorder: Arc::clone(recorder),
        stop: Stop::new(),
    }
}

/// Runs a scenario; returns goose's own counts of its requests.
///
/// # Errors
/// When goose cannot start, or cannot write its report.
pub async fn attack(
    kinds: &[Kind],
    load: &Load,
    configuration: GooseConfiguration,
    shared: &Arc<Shared>,
) -> Result<Counts> {
    let attack = attack_of(kinds, load, configuration, shared).map_err(|error| explain(&error))?;
    let pacers: Vec<_> = kinds.iter().filter_map(|kind| kind.pacer.clone()).collect();
    let conductor = tokio::spawn(conduct(pacers, load.ramp, Arc::clone(shared)));
    let metrics = Box::pin(attack.execute()).await;
    conductor.abort();
    let metrics = metrics.map_err(|error| explain(&error))?;
    let mut counts = Counts::new();
    for request in metrics.requests.values() {
        for (status, count) in &request.status_code_counts {
            let key = (
                format!("{} {}", request.method, request.path),
                status.to_string(),
            );
            *counts.entry(key).or_default() += *count as u64;
        }
    }
    Ok(counts)
}

/// Lets arrivals begin once all users are ready for them, and ends the run after the last.
async fn conduct(pacers: Vec<Arc<Pacer>>, ramp: Ramp, shared: Arc<Shared>) {
    let Some(begin) = &shared.arrivals else {
        return;
    };
    let ready = || shared.ready.load(Ordering::Relaxed) >= ramp.users;
    poll(ramp.time() + READY_LIMIT, ready).await;
    let origin = *begin.get_or_init(Instant::now);
    let end = shared.deadline();
    for pacer in pacers {
        std::thread::spawn(move || pacer.run(origin, end));
    }
    tokio::time::sleep_until(end.into()).await;
    let idle = || shared.stepping.load(Ordering::Relaxed) == 0;
    poll(STEP_LIMIT, idle).await;
    goose::trigger_killswitch("the last arrival is served");
}

/// Waits until something is true, but not longer than this.
async fn poll(most: Duration, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + most;
    while !is_so() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn explain(error: &GooseError) -> Error {
    format!("goose: {error}").into()
}

fn attack_of(
    kinds: &[Kind],
    load: &Load,
    mut configuration: GooseConfiguration,
    shared: &Arc<Shared>,
) -> std::result::Result<GooseAttack, GooseError> {
    configuration.host = Some(shared.base.clone());
    configuration.timeout = Some(load.timeout.as_secs_f64().to_string());
    configuration.users = Some(load.ramp.users);
    configuration.increase_rate = Some(load.ramp.rate.to_string());
    let mut run_time = load.run_time + MARGIN;
    if shared.arrivals.is_some() {
        // The conductor ends it.
        run_time += READY_LIMIT + STEP_LIMIT;
    }
    configuration.run_time = Some(run_time.as_secs().to_string());
    // Otherwise goose drops the requests of the ramp-up, which the server counts.
    configuration.no_reset_metrics = true;
    // Steps contain waits, so their times mean nothing.
    configuration.no_transaction_metrics = true;
    configuration.no_scenario_metrics = true;
    // The lab prints its own report and corrects for coordinated omission itself: goose takes the time
    // of a loop for its cadence, and these loops contain waits.
    configuration.no_print_metrics = true;
    configuration.quiet = 3;
    configuration.no_telnet = true;
    configuration.no_gzip = true;
    let mut attack = GooseAttack::initialize_with_config(configuration)?
        .set_scheduler(GooseScheduler::RoundRobin);
    for kind in kinds {
        let users = GooseScenario::new(kind.name())
            .set_weight(kind.class.weight)?
            .register_transaction(
                Transaction::new(start(kind.clone(), shared))
                    .set_name("start")
                    .set_on_start(),
            )
            .register_transaction(Transaction::new(step(kind.clone())).set_name("step"));
        attack = attack.register_scenario(users);
    }
    Ok(attack)
}

fn start(kind: Kind, shared: &Arc<Shared>) -> TransactionFunction {
    let shared = Arc::clone(shared);
    Arc::new(move |goose_user: &mut GooseUser| {
        let (kind, shared) = (kind.clone(), Arc::clone(&shared));
        Box::pin(async move {
            // The first user starts the clock.
            shared.started();
            if let Some(connection) = &shared.connection {
                goose_user.set_client_builder(connection.client()).await?;
            }
            if let Some(pacer) = &kind.pacer {
                pacer.join();
            }
            let index = goose_user.weighted_users_index;
            let state = UserState::new(index, Arc::clone(&shared));
            let mut user = User::new(goose_user, state);
            kind.class.begin.take(&mut user).await;
            shared.ready.fetch_add(1, Ordering::Relaxed);
            put_back(user);
            Ok(())
        })
    })
}

fn step(kind: Kind) -> TransactionFunction {
    Arc::new(move |goose_user: &mut GooseUser| {
        let kind = kind.clone();
        Box::pin(async move {
            let Some(state) = take(goose_user) else {
                return Ok(());
            };
            let mut user = User::new(goose_user, state);
            if user.is_over() {
                // Goose is about to end the run.
                tokio::time::sleep(Duration::from_millis(50)).await;
            } else if let Some(pacer) = &kind.pacer {
                arrive(&kind, pacer, &mut user).await;
            } else {
                take_step(&kind, &mut user).await;
                if let Some((least, most)) = kind.class.wait {
                    let seconds = user.state.rng.random_range(least..=most);
                    user.wait(Duration::from_secs_f64(seconds)).await;
                }
            }
            put_back(user);
            Ok(())
        })
    })
}

/// Takes the next arrival, if there is one soon.
async fn arrive(kind: &Kind, pacer: &Pacer, user: &mut User<'_>) {
    match tokio::time::timeout(LOOK_UP, pacer.next()).await {
        Ok(Some(due)) => {
            user.state.due = Some(due);
            user.state.told = Duration::ZERO;
            let began = Instant::now();
            take_step(kind, user).await;
            pacer.done(began.elapsed(), user.state.told);
        }
        // Arrivals are over; the conductor ends the run.
        Ok(None) => tokio::time::sleep(Duration::from_millis(50)).await,
        // Goose looks between steps whether the run was interrupted.
        Err(_) => {}
    }
}

/// One of these steps, by chance.
fn choose<'a>(steps: &'a [(u32, Step)], user: &mut User<'_>) -> &'a Step {
    let all: u32 = steps.iter().map(|(weight, _)| weight).sum();
    let drawn = match steps {
        [_] => 0,
        _ => user.state.rng.random_range(0..all),
    };
    pick(steps, drawn)
}

/// The choice that a number below the sum of all weights falls on.
fn pick<T>(choices: &[(u32, T)], drawn: u32) -> &T {
    let mut below = 0;
    let falls_on = |(weight, _): &&(u32, T)| {
        below += weight;
        drawn < below
    };
    &choices.iter().find(falls_on).unwrap_or(&choices[0]).1
}

async fn take_step(kind: &Kind, user: &mut User<'_>) {
    let shared = Arc::clone(&user.state.shared);
    shared.stepping.fetch_add(1, Ordering::Relaxed);
    // The first step has none: nobody arrives again and again.
    user.state.pace = kind.pace();
    choose(&kind.class.steps, user).take(user).await;
    shared.stepping.fetch_sub(1, Ordering::Relaxed);
}

fn put_back(user: User<'_>) {
    let (goose_user, state) = user.into_parts();
    goose_user.set_session_data(Slot(Some(state)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_picked_in_proportion() {
        let choices = [(3, 'a'), (1, 'b'), (2, 'c')];
        let picked: String = (0..6).map(|drawn| *pick(&choices, drawn)).collect();
        assert_eq!(picked, "aaabcc");
    }
}
