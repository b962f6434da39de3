//! What more replicas on the same machine would hold, from what fewer did.

use super::filled::Place;
use super::form::{Found, Predicted};

/// Share of a machine's cores that can be used before queues grow without end.
const FULL: f64 = 0.97;

/// The rate that `to` replicas should hold where `from` held this. They bring threads and connections of their own;
/// the machine's cores they share with the lab and with all that stands behind them. `slowdown` is how much longer
/// the service's work takes where it does so much more of it at the same time.
#[must_use]
pub fn predict(
    found: &Found,
    from: usize,
    to: usize,
    place: Place,
    slowdown: f64,
) -> Option<Predicted> {
    let rate = found.rate?;
    let more = rate * to as f64 / from as f64 / slowdown;
    let held = found.held.as_ref()?.resources.as_ref()?;
    let machine = held
        .machine_cores
        .filter(|used| *used > 0.0 && place.shared);
    let room = machine.map(|used| {
        // What the others need stays as it is.
        let each = (used + held.server_cores * (slowdown - 1.0)) / rate;
        (FULL * place.cores as f64 / each).max(rate / slowdown)
    });
    let slower = if slowdown > 1.005 {
        format!(", and hashes beside each other take {slowdown:.2} times as long")
    } else {
        String::new()
    };
    let (rate, because) = match room {
        Some(room) if room < more => (
            room,
            format!(
                "the machine: {:.2} of its {} cores were in use at {rate}/s{slower}; {room:.0}/s fill it",
                machine.unwrap_or_default(),
                place.cores
            ),
        ),
        _ => (
            more,
            format!(
                "{to} times what each of {from} held: {:.1}/s{slower}",
                rate / from as f64
            ),
        ),
    };
    Some(Predicted {
        rate,
        at_least: found.at_least,
        because,
    })
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
                    server_cores: 1.0,
                    ..Resources::default()
                }),
                folder: PathBuf::new(),
            }),
            ..Found::default()
        }
    }

    fn slowed(machine_cores: Option<f64>, cores: usize, shared: bool, slowdown: f64) -> f64 {
        let place = Place { cores, shared };
        predict(&found(machine_cores), 1, 2, place, slowdown)
            .expect("known")
            .rate
    }

    fn predicted(machine_cores: Option<f64>, cores: usize, shared: bool) -> f64 {
        slowed(machine_cores, cores, shared, 1.0)
    }

    #[test]
    fn hashes_that_slow_each_other_down_make_less_of_the_machine() {
        assert!((slowed(None, 2, true, 1.25) - 64.0).abs() < 1e-9);
        // The service's core becomes 1.25 of them, the rest stays: 1.94 of 1.35 cores.
        assert!((slowed(Some(1.1), 2, true, 1.25) - 57.481).abs() < 0.001);
    }

    #[test]
    fn prediction_from_a_bound_is_a_bound() {
        let place = Place {
            cores: 8,
            shared: true,
        };
        for at_least in [false, true] {
            let found = Found {
                at_least,
                ..found(Some(1.1))
            };
            let predicted = predict(&found, 1, 2, place, 1.0).expect("known");
            assert_eq!(predicted.at_least, at_least);
        }
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
                },
                1.0
            ),
            None
        );
    }
}
