//! A scenario as goose runs it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use goose::config::GooseConfiguration;
use goose::goose::{GooseUser, Scenario as GooseScenario, Transaction, TransactionFunction};
use goose::{GooseAttack, GooseError, GooseScheduler};
use rand::Rng as _;

use crate::live::Ramp;
use crate::player::{Player, Shared, Slot, take};
use crate::reconcile::Counts;
use crate::scenarios::{Class, Scenario};
use crate::visitor::Visitor;
use crate::{Error, Result};

/// How much longer goose lets its users run than they themselves go on, in seconds: the end of a run
/// is theirs, to the millisecond.
const MARGIN: u64 = 2;

/// How much load.
#[derive(Clone, Debug)]
pub struct Load {
    /// How users come.
    pub ramp: Ramp,
    /// How long they go on once all are there.
    pub run_time: Duration,
    /// The file of goose's own report.
    pub html: PathBuf,
}

/// Lets the users of a scenario do their work; gives goose's own count of their requests.
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
    // Goose forgets the requests of the users' arrival otherwise, and the server does not.
    configuration.no_reset_metrics = true;
    // Steps contain waits: their times would say nothing.
    configuration.no_transaction_metrics = true;
    configuration.no_scenario_metrics = true;
    // The lab prints what there is to say, and corrects for coordinated omission itself: goose
    // takes the time of a loop for its cadence, and ours contain the waits.
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
    Arc::new(move |user: &mut GooseUser| {
        let shared = Arc::clone(&shared);
        Box::pin(async move {
            // The first one starts the clock.
            shared.started();
            let player = Player::new(user.weighted_users_index, class.pace(), shared);
            let mut visitor = Visitor::new(user, player);
            (class.start)(&mut visitor).await;
            keep(visitor);
            Ok(())
        })
    })
}

fn step(class: Class) -> TransactionFunction {
    Arc::new(move |user: &mut GooseUser| {
        Box::pin(async move {
            let Some(player) = take(user) else {
                return Ok(());
            };
            let mut visitor = Visitor::new(user, player);
            if visitor.is_over() {
                // Goose is about to say so.
                tokio::time::sleep(Duration::from_millis(50)).await;
            } else {
                (class.step)(&mut visitor).await;
                if let Some((least, most)) = class.wait {
                    let seconds = visitor.player.chance.random_range(least..=most);
                    visitor.wait(Duration::from_secs_f64(seconds)).await;
                }
            }
            keep(visitor);
            Ok(())
        })
    })
}

fn keep(visitor: Visitor<'_>) {
    let (user, player) = visitor.leave();
    user.set_session_data(Slot(Some(player)));
}
