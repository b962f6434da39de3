//! What a plan is made from: what one replica can do, and what each request costs.

use crate::Result;
use crate::capacity::form::{Capacity, Found, Resource, Stand, Work};

/// How far a figure is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// As it is.
    Exact,
    /// It may be more.
    AtLeast,
    /// It may be less.
    AtMost,
}

/// What one replica can do of a kind of work, and what that takes.
#[derive(Clone, Debug)]
pub struct Ability {
    /// Requests a second.
    pub rate: f64,
    /// Whether it may do more or less.
    pub bound: Bound,
    /// What filled first.
    pub filled: Option<Resource>,
    /// What each request takes; nothing where no run could tell.
    pub cost: Option<Cost>,
    /// Where the rate comes from.
    pub from: String,
}

/// What one request takes of what the replicas share, and of their processors.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Processor time, in seconds.
    pub processor: f64,
    /// Time for which it holds a connection to the database, in seconds.
    pub connection: f64,
    /// Commands of Redis.
    pub redis: f64,
}

/// What a plan is made from.
#[derive(Clone, Debug)]
pub struct Basis {
    /// Logins.
    pub logins: Option<Ability>,
    /// Reads.
    pub reads: Option<Ability>,
    /// Resident memory of a replica under load, in MiB, and where it comes from.
    pub memory: Option<(f64, String)>,
    /// Whether the database was PostgreSQL, and whether there was a Redis.
    pub servers: (bool, bool),
}

/// What `calibrate` said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Logins a second with all hash threads busy.
    pub logins: f64,
    /// Hash threads.
    pub threads: f64,
    /// Memory of the hashes, in MiB.
    pub memory: f64,
}

impl Calibration {
    /// Reads what `rbac-sentinel calibrate` prints.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(text: &str) -> Result<Self> {
        let before = |words: &str| -> Option<f64> {
            let (head, _) = text.split_once(words)?;
            head.split_whitespace().next_back()?.parse().ok()
        };
        let read = || {
            Some(Self {
                logins: before(" logins per second")?,
                threads: before(" hash threads")?,
                memory: before(" MiB of memory")?,
            })
        };
        read().ok_or_else(|| "this is not what `rbac-sentinel calibrate` prints".into())
    }
}

impl Basis {
    /// From a search: from the stand with the fewest replicas, which are in each other's way least.
    ///
    /// # Errors
    /// When it found nothing.
    pub fn of(capacity: &Capacity) -> Result<Self> {
        let fewest = capacity.stands.iter().min_by_key(|stand| stand.replicas);
        let stand = fewest.ok_or("nothing was found: the search did not come so far")?;
        let [logins, reads] = Work::ALL.map(|work| work_of(stand, stand.of(work)?));
        if logins.is_none() && reads.is_none() {
            return Err("no rate held: there is nothing to plan with".into());
        }
        let held = stand.works.iter().filter_map(|found| {
            let used = found.held.as_ref()?.resources?;
            Some(used.memory_mib / stand.replicas as f64)
        });
        let memory = held.max_by(f64::total_cmp);
        Ok(Self {
            logins,
            reads,
            memory: memory.map(|memory| (memory, "held at the highest rate".to_owned())),
            servers: (stand.about.database == "PostgreSQL", stand.about.redis),
        })
    }

    /// From what the machine of the replicas can hash alone.
    #[must_use]
    pub fn of_calibration(calibration: Calibration) -> Self {
        let logins = Ability {
            rate: calibration.logins,
            // No login waits there, and none takes anything but its hash.
            bound: Bound::AtMost,
            filled: Some(Resource::HashGate),
            cost: None,
            from: "calibrate, with all hash threads busy".to_owned(),
        };
        Self {
            logins: Some(logins),
            reads: None,
            memory: Some((
                calibration.memory,
                "the hashes alone, by calibrate".to_owned(),
            )),
            servers: (true, true),
        }
    }

    /// The same on the machine of the replicas, of which `calibrate` says how many logins it can hash: as near to
    /// that as the search came to what the hash threads could do where it ran.
    ///
    /// # Errors
    /// When the search says nothing of hashes.
    pub fn on(mut self, calibration: Calibration, capacity: &Capacity) -> Result<Self> {
        let nothing = "capacity.json has no logins that could be compared with calibrate";
        let logins = self.logins.as_mut().ok_or(nothing)?;
        let fewest = capacity.stands.iter().min_by_key(|stand| stand.replicas);
        let found = fewest
            .and_then(|stand| stand.of(Work::Logins))
            .ok_or(nothing)?;
        let used = found.held.as_ref().and_then(|held| held.resources);
        let used = used.ok_or(nothing)?;
        let hash = used.hash_ms.filter(|hash| *hash > 0.0).ok_or(nothing)?;
        let could = used.hash_threads * 1e3 / hash;
        let near = (found.rate.ok_or(nothing)? / could).min(1.0);
        logins.rate = calibration.logins * near;
        logins.from = format!(
            "calibrate: {:.1}/s with {} hash threads; of what the hash threads could do the search reached {:.0} %",
            calibration.logins,
            calibration.threads,
            near * 100.0
        );
        Ok(self)
    }
}

fn replicas_in_words(number: usize) -> String {
    match number {
        1 => "one replica".to_owned(),
        more => format!("{more} replicas"),
    }
}

fn work_of(stand: &Stand, found: &Found) -> Option<Ability> {
    let replicas = stand.replicas as f64;
    let rate = found.rate?;
    let used = found.held.as_ref().and_then(|held| {
        let used = held.resources?;
        (held.per_second > 0.0).then(|| Cost {
            processor: used.server_cores / held.per_second,
            connection: used.connections_busy / held.per_second,
            redis: used.redis_per_second / held.per_second,
        })
    });
    Some(Ability {
        rate: rate / replicas,
        bound: if found.at_least {
            Bound::AtLeast
        } else {
            Bound::Exact
        },
        filled: found.filled.as_ref().map(|filled| filled.resource),
        cost: used,
        from: format!(
            "measured on {}: {}",
            replicas_in_words(stand.replicas),
            found.shown()
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "Argon2id, m=19456 KiB t=2 p=1, 4 hash threads\n\nThreads  Hashes/s  Efficiency\n      4     180.5       97.0%\n\n\
                           One hash alone takes 20.1 ms. Full load takes 76 MiB of memory and can serve 180.5 logins per second.\n";

    #[test]
    fn calibration_is_read_as_it_is_printed() {
        let read = Calibration::parse(PRINTED).expect("a calibration");
        assert_eq!((read.logins, read.threads, read.memory), (180.5, 4.0, 76.0));
        assert!(Calibration::parse("nothing of it").is_err());
    }

    #[test]
    fn calibration_alone_is_the_most_that_can_be() {
        let basis = Basis::of_calibration(Calibration::parse(PRINTED).expect("read"));
        let logins = basis.logins.expect("known");
        assert_eq!((logins.rate, logins.bound), (180.5, Bound::AtMost));
        assert!(basis.reads.is_none());
    }

    #[test]
    fn search_that_found_nothing_is_no_basis() {
        assert!(Basis::of(&Capacity::default()).is_err());
        let capacity = Capacity {
            stands: vec![Stand::default()],
            ..Capacity::default()
        };
        let error = Basis::of(&capacity).expect_err("nothing held");
        assert!(error.to_string().starts_with("no rate held"));
    }
}
