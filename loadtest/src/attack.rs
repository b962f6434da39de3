//! Runs a scenario with goose.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario as GooseScenario, Transaction, TransactionFunction};
use goose::{GooseAttack, GooseError, GooseScheduler};
use rand::Rng as _;

use crate::live::Ramp;
use crate::reconcile::Counts;
use crate::scenarios::{Class, Scenario};
use crate::state::{Shared, Slot, UserState, take};
use crate::user::User;
use crate::{Error, Result};

/// Seconds that goose runs longer than the users, which end the run themselves, to the millisecond.
const MARGIN: u64 = 2;

/// The load.
#[derive(Clone, Debug)]
pub struct Load {
    /// How users are started.
    pub ramp: Ramp,
    /// Run time after all have started.
    pub run_time: Duration,
    /// The file of goose's own report.
    pub html: PathBuf,
}

/// Runs a scenario; returns goose's own counts of its requests.
///
/// # Errors
/// When goose cannot start, or cannot write its report.
pub async fn attack(
    scenario: &Scenario,
    load: &Load,
    host: &str,
    shared: &Arc<Shared>,
) -> Result<Counts> {
    let attack = attack_of(scenario, load, host, shared).map_err(|error| explain(&error))?;
    let metrics = Box::pin(attack.execute())
        .await
        .map_err(|error| explain(&error))?;
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

fn explain(error: &GooseError) -> Error {
    format!("goose: {error}").into()
}

fn attack_of(
    scenario: &Scenario,
    load: &Load,
    host: &str,
    shared: &Arc<Shared>,
) -> std::result::Result<GooseAttack, GooseError> {
    let mut configuration = GooseConfiguration::default();
    configuration.host = Some(host.to_owned());
    configuration.users = Some(load.ramp.users);
    configuration.increase_rate = Some(load.ramp.rate.to_string());
    configuration.run_time = Some((load.run_time.as_secs() + MARGIN).to_string());
    configuration.report_file = vec![load.html.display().to_string()];
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
    for class in (scenario.classes)() {
        let users = GooseScenario::new(class.name)
            .set_weight(class.weight)?
            .register_transaction(
                Transaction::new(start(class, shared))
                    .set_name("start")
                    .set_on_start(),
            )
            .register_transaction(Transaction::new(step(class)).set_name("step"));
        attack = attack.register_scenario(users);
    }
    Ok(attack)
}

fn start(class: Class, shared: &Arc<Shared>) -> TransactionFunction {
    let shared = Arc::clone(shared);
    Arc::new(move |goose_user: &mut GooseUser| {
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            // The first user starts the clock.
            shared.started();
            let state = UserState::new(goose_user.weighted_users_index, class.pace(), shared);
            let mut user = User::new(goose_user, state);
            (class.start)(&mut user).await;
            put_back(user);
            Ok(())
        })
    })
}

fn step(class: Class) -> TransactionFunction {
    Arc::new(move |goose_user: &mut GooseUser| {
        Box::pin(async move {
            let Some(state) = take(goose_user) else {
                return Ok(());
            };
            let mut user = User::new(goose_user, state);
            if user.is_over() {
                // Goose is about to end the run.
                tokio::time::sleep(Duration::from_millis(50)).await;
            } else {
                (class.step)(&mut user).await;
                if let Some((least, most)) = class.wait {
                    let seconds = user.state.rng.random_range(least..=most);
                    user.wait(Duration::from_secs_f64(seconds)).await;
                }
            }
            put_back(user);
            Ok(())
        })
    })
}

fn put_back(user: User<'_>) {
    let (goose_user, state) = user.into_parts();
    goose_user.set_session_data(Slot(Some(state)));
}
