//! What more replicas on the same machine would hold, from what fewer did.

use super::filled::Place;
use super::form::{Found, Predicted};

/// Share of a machine's cores that can be used before queues grow without end.
const FULL: f64 = 0.97;

/// The rate that `to` replicas should hold where `from` held this. They bring threads and connections of their own;
/// the machine's cores they share with the lab and with all that stands behind them.
#[must_use]
pub fn predict(found: &Found, from: usize, to: usize, place: Place) -> Option<Predicted> {
    let rate = found.rate?;
    let more = rate * to as f64 / from as f64;
    let held = found.held.as_ref()?.resources.as_ref()?;
    let machine = held
        .machine_cores
        .filter(|used| *used > 0.0 && place.shared);
    let room = machine.map(|used| rate * (FULL * place.cores as f64 / used).max(1.0));
    let (rate, because) = match room {
        Some(room) if room < more => (
            room,
            format!(
                "the machine: {:.2} of its {} cores were in use at {rate}/s, and {room:.0}/s fill it",
                machine.unwrap_or_default(),
                place.cores
            ),
        ),
        _ => (
            more,
            format!(
                "{to} times what each of {from} held: {:.1}/s",
                rate / from as f64
            ),
        ),
    };
    Some(Predicted { rate, because })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::capacity::form::Probe;
    use crate::capacity::search::Outcome;
    use crate::resources::Resources;

    fn found(machine_cores: Option<f64>) -> Found {
        Found {
            rate: Some(40.0),
            held: Some(Probe {
                rate: 40.0,
                outcome: Outcome::Held,
                per_second: 40.0,
                p99_ms: 90.0,
                complaints: Vec::new(),
                resources: Some(Resources {
                    machine_cores,
                    ..Resources::default()
                }),
                folder: PathBuf::new(),
            }),
            ..Found::default()
        }
    }

    fn predicted(machine_cores: Option<f64>, cores: usize, shared: bool) -> f64 {
        let place = Place { cores, shared };
        predict(&found(machine_cores), 1, 2, place)
            .expect("known")
            .rate
    }

    #[test]
    fn replicas_add_up_until_the_machine_is_full() {
        assert!((predicted(Some(1.1), 8, true) - 80.0).abs() < 1e-9);
        // 2 × 0.97 cores are 1.76 times what was in use.
        assert!((predicted(Some(1.1), 2, true) - 70.545).abs() < 0.001);
        // A full machine holds no more with two of them, and no less.
        assert!((predicted(Some(2.0), 2, true) - 40.0).abs() < 1e-9);
    }

    #[test]
    fn machine_of_the_lab_says_nothing_of_a_service_elsewhere() {
        assert!((predicted(Some(2.0), 2, false) - 80.0).abs() < 1e-9);
        assert!((predicted(None, 2, true) - 80.0).abs() < 1e-9);
        assert_eq!(
            predict(
                &Found::default(),
                1,
                2,
                Place {
                    cores: 2,
                    shared: true
                }
            ),
            None
        );
    }
}
