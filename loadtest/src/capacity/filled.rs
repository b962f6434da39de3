//! What filled first: the evidence of the lowest rate that did not hold.

use super::form::{Filled, Probe, Resource};
use super::search::Outcome;
use crate::percents::shown;
use crate::resources::Resources;
use crate::times::millis;

/// Share from which a resource is full: queues before it grow fast.
const FULL: f64 = 0.9;
/// Share of their core that hash threads lack when others have it.
const LACKING: f64 = 0.25;
/// The same of a pool that one waits for.
const POOL_FULL: f64 = 0.8;
/// A wait for a connection that nobody has who finds one free, in milliseconds.
const LONG_WAIT: f64 = 50.0;
/// Share of a pool in use below which a wait for it says nothing of its size.
const POOL_USED: f64 = 0.2;
/// A command of a Redis that has time takes far less, in milliseconds.
const LONG_COMMAND: f64 = 10.0;
/// Commands for each success from which Redis decides how long 99 of 100 take.
const OFTEN: f64 = 0.01;
/// Share of a machine's cores from which lab, service and all behind it wait for one.
const CROWDED: f64 = 0.85;

/// Where the runs took place.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Cores of the lab's machine.
    pub cores: usize,
    /// Whether the service is on it, too.
    pub shared: bool,
}

/// What filled first, from the run that did not hold. Nothing if nothing that is watched was full.
#[must_use]
pub fn first(missed: &Probe, place: Place) -> Option<Filled> {
    let used = missed.resources.as_ref();
    let found = |resource, evidence: String| Some(Filled { resource, evidence });
    if let Some(used) = used.filter(|used| used.limited > 0.0) {
        let evidence = format!("they denied {} requests", used.limited);
        return found(Resource::RateLimits, evidence);
    }
    let starved = |what: &str| missed.complaints.iter().find(|one| one.contains(what));
    if missed.outcome == Outcome::Starved {
        let evidence = missed.complaints.first().cloned().unwrap_or_default();
        return found(Resource::Lab, evidence);
    }
    if let Some(complaint) = starved("the lab was starved") {
        return found(Resource::Lab, complaint.clone());
    }
    let used = used?;
    others(used, place)
        .or_else(|| hash_threads(used))
        // Where the processor is full, everything is waited for.
        .or_else(|| of_the_machine(used, place))
        .or_else(|| behind_the_service(used, missed.per_second))
        .or_else(|| {
            let pool = starved("users were busy")?;
            // They were, because answers took long; but nothing says for what.
            found(Resource::Lab, pool.clone())
        })
}

/// Whether other programs had the processor while the service wanted it: hash threads that are busy without using
/// a core wait for one.
fn others(used: &Resources, place: Place) -> Option<Filled> {
    let machine = used.machine_cores.filter(|_| place.shared)?;
    let lab = used.lab_cores.unwrap_or_default();
    let others = machine - lab - used.server_cores;
    let lacking = used.hashing * used.hash_threads - used.server_cores;
    if machine < FULL * place.cores as f64
        || others < lacking / 2.0
        || lacking < LACKING * used.hash_threads
    {
        return None;
    }
    let evidence = format!(
        "they used {others:.2} of {} cores, and busy hash threads lacked {lacking:.2}",
        place.cores
    );
    Some(Filled {
        resource: Resource::Others,
        evidence,
    })
}

fn hash_threads(used: &Resources) -> Option<Filled> {
    if used.hash_refused > 0.0 || used.hashing >= FULL {
        let wait = used.hash_wait_p99_ms.map_or_else(String::new, |wait| {
            format!(
                ", and 99 of 100 logins waited for one up to {}",
                millis(wait)
            )
        });
        let evidence = format!(
            "{} of {} were busy{wait}; {} were refused",
            shown(used.hashing),
            used.hash_threads,
            used.hash_refused
        );
        return Some(Filled {
            resource: Resource::HashGate,
            evidence,
        });
    }
    None
}

/// What the service waits for, if it asks it often enough for that to matter.
fn behind_the_service(used: &Resources, per_second: f64) -> Option<Filled> {
    let found = |resource, evidence: String| Some(Filled { resource, evidence });
    let wait = used.connection_wait_p99_ms.unwrap_or_default();
    let busy = used.connections_busy / used.connections.max(1.0);
    let waited = wait >= LONG_WAIT && busy >= POOL_USED;
    if used.connection_timeouts > 0.0 || busy >= POOL_FULL || waited {
        let evidence = format!(
            "{:.1} of {} were borrowed on average, 99 of 100 waited for one up to {}, {} in vain",
            used.connections_busy,
            used.connections,
            millis(wait),
            used.connection_timeouts
        );
        return found(Resource::Connections, evidence);
    }
    let command = used.redis_p99_ms.unwrap_or_default();
    if command >= LONG_COMMAND && used.redis_per_second >= OFTEN * per_second {
        let evidence = format!(
            "99 of 100 commands took up to {}, at {:.0} a second",
            millis(command),
            used.redis_per_second
        );
        return found(Resource::Redis, evidence);
    }
    None
}

/// Whether the processor is full, and with whose work.
fn of_the_machine(used: &Resources, place: Place) -> Option<Filled> {
    let cores = place.cores as f64;
    let lab = used.lab_cores.unwrap_or_default();
    let all = if place.shared {
        used.machine_cores.unwrap_or(lab + used.server_cores)
    } else {
        lab
    };
    let full = if place.shared { CROWDED } else { FULL };
    if all < full * cores {
        return None;
    }
    let evidence = format!(
        "{all:.2} of {} cores were in use, {lab:.2} of them by the lab and {:.2} by the service",
        place.cores, used.server_cores
    );
    let resource = if place.shared && used.server_cores >= lab {
        Resource::Processor
    } else {
        Resource::Lab
    };
    Some(Filled { resource, evidence })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const HERE: Place = Place {
        cores: 2,
        shared: true,
    };

    fn probe(resources: Resources) -> Probe {
        Probe {
            rate: 80.0,
            outcome: Outcome::Missed,
            per_second: 70.0,
            p99_ms: 900.0,
            complaints: vec!["missed: P99".to_owned()],
            resources: Some(resources),
            folder: PathBuf::new(),
        }
    }

    fn calm() -> Resources {
        Resources {
            hash_threads: 2.0,
            hashing: 0.4,
            connections: 10.0,
            connections_busy: 0.5,
            server_cores: 0.5,
            lab_cores: Some(0.3),
            machine_cores: Some(0.9),
            redis_per_second: 100.0,
            redis_p99_ms: Some(0.4),
            ..Resources::default()
        }
    }

    fn resource(resources: Resources) -> Option<Resource> {
        first(&probe(resources), HERE).map(|filled| filled.resource)
    }

    #[test]
    fn each_resource_is_known_by_its_own_evidence() {
        assert_eq!(resource(calm()), None);
        for (resources, expected) in [
            (
                Resources {
                    hashing: 0.97,
                    ..calm()
                },
                Resource::HashGate,
            ),
            (
                Resources {
                    hash_refused: 3.0,
                    ..calm()
                },
                Resource::HashGate,
            ),
            (
                Resources {
                    connection_timeouts: 1.0,
                    ..calm()
                },
                Resource::Connections,
            ),
            (
                Resources {
                    connections_busy: 9.5,
                    ..calm()
                },
                Resource::Connections,
            ),
            (
                Resources {
                    connections_busy: 2.5,
                    connection_wait_p99_ms: Some(80.0),
                    ..calm()
                },
                Resource::Connections,
            ),
            (
                Resources {
                    redis_p99_ms: Some(25.0),
                    ..calm()
                },
                Resource::Redis,
            ),
            (
                Resources {
                    limited: 1.0,
                    hashing: 1.0,
                    ..calm()
                },
                Resource::RateLimits,
            ),
            (
                Resources {
                    server_cores: 1.2,
                    lab_cores: Some(0.6),
                    machine_cores: Some(1.95),
                    ..calm()
                },
                Resource::Processor,
            ),
            (
                Resources {
                    server_cores: 0.7,
                    lab_cores: Some(1.1),
                    machine_cores: Some(1.95),
                    ..calm()
                },
                Resource::Lab,
            ),
        ] {
            assert_eq!(resource(resources), Some(expected), "{resources:?}");
        }
    }

    #[test]
    fn what_is_hardly_asked_is_not_what_filled() {
        for resources in [
            Resources {
                connection_wait_p99_ms: Some(98.0),
                ..calm()
            },
            Resources {
                redis_p99_ms: Some(45.0),
                redis_per_second: 0.5,
                ..calm()
            },
        ] {
            assert_eq!(resource(resources), None, "{resources:?}");
            // Nor where the processor is full, so that all is waited for.
            let crowded = Resources {
                lab_cores: Some(0.8),
                machine_cores: Some(1.73),
                ..resources
            };
            assert_eq!(resource(crowded), Some(Resource::Lab), "{crowded:?}");
        }
    }

    #[test]
    fn hash_threads_without_a_core_were_kept_from_it() {
        let busy = Resources {
            hashing: 0.97,
            machine_cores: Some(2.0),
            ..calm()
        };
        let kept = Resources {
            server_cores: 0.3,
            ..busy
        };
        assert_eq!(resource(kept), Some(Resource::Others));
        let had = Resources {
            server_cores: 1.6,
            ..busy
        };
        assert_eq!(resource(had), Some(Resource::HashGate));
    }

    #[test]
    fn lab_on_another_machine_is_full_by_its_own_work() {
        let elsewhere = Place {
            shared: false,
            ..HERE
        };
        let resources = Resources {
            server_cores: 7.0,
            lab_cores: Some(1.9),
            ..calm()
        };
        let filled = first(&probe(resources), elsewhere).expect("full");
        assert_eq!(filled.resource, Resource::Lab);
        let resources = Resources {
            server_cores: 7.9,
            lab_cores: Some(0.4),
            ..calm()
        };
        assert_eq!(first(&probe(resources), elsewhere), None);
    }

    #[test]
    fn starved_lab_is_named_whatever_else_is_full() {
        let mut starved = probe(Resources {
            hashing: 1.0,
            ..calm()
        });
        starved.outcome = Outcome::Starved;
        starved.complaints = vec!["the lab was starved: it was woken late".to_owned()];
        let filled = first(&starved, HERE).expect("full");
        assert_eq!(filled.resource, Resource::Lab);
        assert!(filled.evidence.contains("woken late"));
    }
}
