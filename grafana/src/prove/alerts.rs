//! Which alerts fire after something was broken, and when.

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

/// How often somebody is asked whether it is so yet.
pub const LOOK: Duration = Duration::from_millis(200);
/// No alert may take longer, at the clock's pace.
const PATIENCE: Duration = Duration::from_mins(30);
/// After the last one fired, others may follow for so long, at the clock's pace.
const AFTERMATH: Duration = Duration::from_mins(1);
/// Alerts over long windows go on for as long: an error budget that was spent stays spent.
const LINGER: &str = "BudgetBurn";

/// What was seen of a fault.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// What was broken.
    pub fault: &'static str,
    /// When it was mended, in seconds since the epoch.
    pub mended: f64,
    /// Logins that were turned away meanwhile, because there was no time to hash their passwords.
    pub turned_away: f64,
    /// Each alert that had to fire, with the seconds from the fault until it did, at the clock's pace.
    pub fired: BTreeMap<String, Option<f64>>,
    /// Those of them that fired already, before anything was broken: that they fire says nothing.
    pub already: BTreeSet<String>,
    /// Others that fired, and may.
    pub beside: BTreeSet<String>,
    /// Others that fired, and may not.
    pub unexpected: BTreeSet<String>,
}

impl Found {
    /// The names of alerts, once each.
    #[must_use]
    pub fn names(alerts: &[ActiveAlert]) -> Vec<String> {
        let names: BTreeSet<&str> = alerts.iter().map(ActiveAlert::name).collect();
        names.into_iter().map(ToOwned::to_owned).collect()
    }

    /// Those that had to fire and did not.
    pub fn missing(&self) -> impl Iterator<Item = &String> {
        let missing = self.fired.iter().filter(|(_, when)| when.is_none());
        missing.map(|(name, _)| name)
    }
}

/// Breaks something, waits for its alerts, and mends it.
///
/// # Errors
/// When it cannot be broken or mended, or Prometheus is gone.
pub async fn watch(
    stack: &mut Stack,
    client: &Arc<Client>,
    fault: Fault,
    pace: Pace,
) -> Result<Found> {
    // What fires by now is known to; what is about to would be taken for the fault's.
    let matters =
        |alert: &ActiveAlert| alert.state == "pending" || fault.alerts().contains(&alert.name());
    calm(stack, pace, matters).await?;
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
    let deadline = broken + pace.of(PATIENCE);
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
        tokio::time::sleep(LOOK).await;
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

/// Waits until no alert that matters is pending or fires; gives those that go on. Budgets that were
/// burnt are left out.
///
/// # Errors
/// When Prometheus is gone.
pub async fn calm(
    stack: &Stack,
    pace: Pace,
    matters: impl Fn(&ActiveAlert) -> bool,
) -> Result<Vec<String>> {
    let deadline = Instant::now() + pace.of(PATIENCE);
    loop {
        let mut alerts = stack.prometheus.alerts().await?;
        alerts.retain(|alert| !alert.name().contains(LINGER) && matters(alert));
        if alerts.is_empty() || Instant::now() > deadline {
            return Ok(Found::names(&alerts));
        }
        tokio::time::sleep(LOOK).await;
    }
}
