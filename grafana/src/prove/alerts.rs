//! Which alerts fire after a fault, and when.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::client::Client;
use super::faults::Fault;
use super::pace::Pace;
use super::stack::Stack;
use crate::Result;
use crate::prometheus::ActiveAlert;

/// Poll interval.
pub const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// Timeout of an alert, in unscaled time.
const TIMEOUT: Duration = Duration::from_mins(30);
/// Time in which further alerts may follow the last expected one, in unscaled time.
const AFTERMATH: Duration = Duration::from_mins(1);
/// Alerts over long windows keep firing: a spent error budget stays spent.
const LINGER: &str = "BudgetBurn";

/// The observed effect of a fault.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// The fault.
    pub fault: &'static str,
    /// When it was repaired, in seconds since the epoch.
    pub mended: f64,
    /// Logins shed by the hash gate meanwhile.
    pub turned_away: f64,
    /// Each alert that had to fire, with the seconds from the fault until it did, in unscaled time.
    pub fired: BTreeMap<String, Option<f64>>,
    /// Expected alerts that fired before the fault: they prove nothing.
    pub already: BTreeSet<String>,
    /// Other alerts that fired and are allowed.
    pub beside: BTreeSet<String>,
    /// Other alerts that fired and are not allowed.
    pub unexpected: BTreeSet<String>,
}

impl Found {
    /// The distinct names of alerts.
    #[must_use]
    pub fn names(alerts: &[ActiveAlert]) -> Vec<String> {
        let names: BTreeSet<&str> = alerts.iter().map(ActiveAlert::name).collect();
        names.into_iter().map(ToOwned::to_owned).collect()
    }

    /// Expected alerts that did not fire.
    pub fn missing(&self) -> impl Iterator<Item = &String> {
        let missing = self.fired.iter().filter(|(_, when)| when.is_none());
        missing.map(|(name, _)| name)
    }
}

/// Injects a fault, waits for its alerts, and repairs it.
///
/// # Errors
/// When the fault cannot be injected or repaired, or Prometheus does not answer.
pub async fn watch(
    stack: &mut Stack,
    client: &Arc<Client>,
    fault: Fault,
    pace: Pace,
) -> Result<Found> {
    // Alerts that fire already are excluded; wait until no alert is pending, or it would be blamed on
    // the fault.
    let matters =
        |alert: &ActiveAlert| alert.state == "pending" || fault.alerts().contains(&alert.name());
    wait_until_quiet(stack, pace, matters).await?;
    let lingering: BTreeSet<String> = Found::names(&stack.prometheus.firing().await?)
        .into_iter()
        .collect();
    let mut fired: BTreeMap<String, Option<f64>> = fault
        .alerts()
        .iter()
        .map(|name| ((*name).to_owned(), None))
        .collect();
    let already = lingering
        .iter()
        .filter(|name| fired.contains_key(*name))
        .cloned()
        .collect();
    let mut others = BTreeSet::new();
    let broken = Instant::now();
    let tasks = fault.inject(stack, client).await?;
    let deadline = broken + pace.of(TIMEOUT);
    let mut last = Instant::now();
    loop {
        let now = Instant::now();
        for name in Found::names(&stack.prometheus.firing().await?) {
            match fired.get_mut(&name) {
                Some(when) if when.is_none() => {
                    let seconds = broken.elapsed().as_secs_f64() * f64::from(pace.0);
                    *when = Some(seconds.round());
                    last = now;
                }
                Some(_) => {}
                None => {
                    if !lingering.contains(&name) {
                        others.insert(name);
                    }
                }
            }
        }
        let all = fired.values().all(Option::is_some);
        if (all && now > last + pace.of(AFTERMATH)) || now > deadline {
            break;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
    let mended = super::now();
    let turned_away = format!(
        "sum(increase(auth_logins_total{{reason=\"overloaded\"}}[{}s]))",
        broken.elapsed().as_secs().max(1)
    );
    let turned_away = stack.prometheus.query(&turned_away, mended).await?;
    drop(tasks);
    fault.heal(stack)?;
    stack.ready().await?;
    let allowed = |name: &String| fault.beside().contains(&name.as_str());
    let (beside, unexpected) = others.into_iter().partition(allowed);
    Ok(Found {
        fault: fault.name(),
        mended,
        turned_away: turned_away.first().unwrap_or_default(),
        fired,
        already,
        beside,
        unexpected,
    })
}

/// Waits until no alert that matters is pending or firing; returns those that are when the time is up.
/// Budget alerts are left out.
///
/// # Errors
/// When Prometheus does not answer.
pub async fn wait_until_quiet(
    stack: &Stack,
    pace: Pace,
    matters: impl Fn(&ActiveAlert) -> bool,
) -> Result<Vec<String>> {
    let deadline = Instant::now() + pace.of(TIMEOUT);
    loop {
        let mut alerts = stack.prometheus.alerts().await?;
        alerts.retain(|alert| !alert.name().contains(LINGER) && matters(alert));
        if alerts.is_empty() || Instant::now() > deadline {
            return Ok(Found::names(&alerts));
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}
