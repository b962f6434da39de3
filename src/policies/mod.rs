//! The live policy: read from the database, ready for decisions, and replaced as a whole when it changes.
//!
//! The database has its version, which each change raises. A replica reads the version twice a second, and
//! with each principal that it loads: one that is newer makes it read the policy before it decides.

mod file;
mod stored;

use std::collections::BTreeMap;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::Mutex;

use crate::clock::{Clock, epoch_seconds};
use crate::error::{Error, Result};
use crate::metrics::{
    POLICY_LAST_READ, POLICY_RELOADS, POLICY_UNLABELLED, POLICY_VERSION, PolicyReload,
};
use crate::rbac::{Assignment, Authority, Held, Policy, PolicyFault, Question, Snapshot, Usage};
use crate::store::{EntityType, Side, Store, StoredPolicy};

pub use self::file::{IF, PolicyFile};

/// Permissions with a label of their own.
const LABELLED: usize = 200;

/// A policy that is in use.
pub struct Live {
    /// Its permissions and roles.
    pub policy: Policy,
    /// The same, ready for decisions.
    pub snapshot: Snapshot,
    /// What is known of roles beside that, by name.
    pub roles: BTreeMap<String, RoleAbout>,
    /// The descriptions of permissions of other services, by name.
    pub permissions: BTreeMap<String, String>,
    /// Sets of roles that exclude each other, by name.
    pub exclusions: BTreeMap<String, Exclusion>,
    /// The types of registered entities.
    pub entity_types: EntityTypes,
}

/// Types of registered entities, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntityTypes {
    subjects: BTreeMap<String, EntityType>,
    resources: BTreeMap<String, EntityType>,
}

impl EntityTypes {
    fn new(types: Vec<EntityType>) -> Self {
        let mut known = Self::default();
        for new in types {
            let of_side = match new.side {
                Side::Subject => &mut known.subjects,
                Side::Resource => &mut known.resources,
            };
            of_side.insert(new.kind.clone(), new);
        }
        known
    }

    /// Those of one side.
    #[must_use]
    pub const fn of(&self, side: Side) -> &BTreeMap<String, EntityType> {
        match side {
            Side::Subject => &self.subjects,
            Side::Resource => &self.resources,
        }
    }
}

/// What is known of a role beside its grants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RoleAbout {
    /// What it is for.
    pub description: String,
    /// Whether it belongs to the service.
    pub built_in: bool,
}

/// Roles of which an account holds at most one, inherited ones included (NIST RBAC: static separation of
/// duty).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exclusion {
    /// What it is for.
    pub description: String,
    /// The roles, in the order of their names.
    pub roles: Vec<String>,
}

/// What an account may do.
#[derive(Clone)]
pub struct Power {
    /// At this service.
    pub authority: Authority,
    /// Everywhere.
    pub held: Arc<Held>,
}

impl Live {
    /// Makes a stored policy ready.
    ///
    /// # Errors
    /// When it has a fault, which only a change by hand can bring about.
    pub fn of(stored: StoredPolicy) -> Result<Self> {
        Self::of_change(stored).map_err(|fault| {
            Error::internal(format!("the stored policy cannot be used: {fault:?}"))
        })
    }

    /// Makes a policy ready that is about to be stored.
    ///
    /// # Errors
    /// The first fault.
    pub fn of_change(stored: StoredPolicy) -> Result<Self, PolicyFault> {
        stored::live(stored)
    }

    /// The permission that a question is about, as a label: the first 200 by name have their own, so that the
    /// number of series has a bound.
    #[must_use]
    pub fn label(&self, question: &Question<'_>) -> &str {
        match self.snapshot.permission_asked(question) {
            None => "unknown",
            Some((place, name)) if place < LABELLED => name,
            Some(_) => "other",
        }
    }

    /// Whether an account with these assignments has two roles that exclude each other, inherited ones
    /// included, at a time in microseconds since 1970.
    #[must_use]
    pub fn is_excluded(&self, assignments: &[Assignment], now: i64) -> bool {
        let living = assignments.iter().filter(|given| given.lives(now));
        let held = self
            .snapshot
            .inherited(living.map(|given| given.role.as_str()));
        let of = |exclusion: &&Exclusion| {
            let roles = exclusion.roles.iter();
            let both = roles.filter(|role| held.contains(&role.as_str()));
            both.count() > 1
        };
        self.exclusions.values().any(|exclusion| of(&exclusion))
    }

    /// What an account with these assignments may do, at a time in microseconds since 1970.
    #[must_use]
    pub fn power(&self, assignments: &[Assignment], now: i64) -> Power {
        let held = self.snapshot.held(assignments, now);
        Power {
            authority: self.snapshot.authority(&held, assignments, now),
            held: Arc::new(held),
        }
    }
}

/// The policy of the service.
pub struct Policies {
    store: Store,
    clock: Clock,
    live: ArcSwap<Live>,
    /// Locked while it is read, so that an older reading never replaces a newer one.
    reading: Mutex<()>,
    /// Use of grants by policies that were replaced.
    used: std::sync::Mutex<Usage>,
}

impl Policies {
    /// Reads the policy.
    ///
    /// # Errors
    /// When the database does not answer, or the stored policy has a fault.
    pub async fn open(store: Store, clock: Clock) -> Result<Self> {
        let live = build(store.policy().await?).await?;
        let policies = Self {
            store,
            clock,
            live: ArcSwap::from_pointee(live),
            reading: Mutex::default(),
            used: std::sync::Mutex::default(),
        };
        policies.observe_reading();
        Ok(policies)
    }

    /// The policy as last read.
    pub fn current(&self) -> Guard<Arc<Live>> {
        self.live.load()
    }

    /// The policy as last read, to be kept for longer than a moment.
    pub fn kept(&self) -> Arc<Live> {
        self.live.load_full()
    }

    /// The policy, read anew if it is older than this version.
    ///
    /// # Errors
    /// As [`Policies::follow`].
    pub async fn at_least(&self, version: i64) -> Result<Arc<Live>> {
        let live = self.kept();
        if live.snapshot.version() >= version.unsigned_abs() {
            return Ok(live);
        }
        self.follow().await?;
        Ok(self.kept())
    }

    /// Reads the policy if its version has changed. On an error the one in use stays so.
    ///
    /// # Errors
    /// When the database does not answer, or the stored policy has a fault.
    pub async fn follow(&self) -> Result<()> {
        let followed = self.read_if_newer().await;
        match &followed {
            Ok(false) => self.observe_reading(),
            Ok(true) => {
                POLICY_RELOADS.inc(PolicyReload::Done);
                self.observe_reading();
            }
            Err(_) => POLICY_RELOADS.inc(PolicyReload::Failed),
        }
        followed.map(|_| ())
    }

    async fn read_if_newer(&self) -> Result<bool> {
        let _reading = self.reading.lock().await;
        let version = self.store.policy_version().await?;
        // A database that was restored has an older one.
        if version.unsigned_abs() == self.current().snapshot.version() {
            return Ok(false);
        }
        self.install(build(self.store.policy().await?).await?);
        Ok(true)
    }

    /// Uses a policy that this replica has stored, unless a newer one is in use already.
    pub async fn changed(&self, live: Live) {
        let _reading = self.reading.lock().await;
        if live.snapshot.version() > self.current().snapshot.version() {
            self.install(live);
            self.observe_reading();
        }
    }

    fn install(&self, live: Live) {
        let replaced = self.live.swap(Arc::new(live));
        self.add_usage(replaced.snapshot.take_usage());
    }

    /// What was used since the last time.
    #[must_use]
    pub fn take_usage(&self) -> Usage {
        let of_live = self.kept().snapshot.take_usage();
        self.add_usage(of_live);
        std::mem::take(&mut *self.used())
    }

    /// Puts back what could not be stored.
    pub fn add_usage(&self, usage: Usage) {
        self.used().extend(usage);
    }

    fn used(&self) -> std::sync::MutexGuard<'_, Usage> {
        // Sets, whole after every step.
        self.used
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn observe_reading(&self) {
        // Versions are small.
        #[expect(
            clippy::cast_precision_loss,
            reason = "a gauge; no policy changes 2^52 times"
        )]
        POLICY_VERSION.set((), self.current().snapshot.version() as f64);
        let permissions = self.current().policy.permissions.len();
        let unlabelled = u32::try_from(permissions.saturating_sub(LABELLED)).unwrap_or(u32::MAX);
        POLICY_UNLABELLED.set((), f64::from(unlabelled));
        POLICY_LAST_READ.set((), epoch_seconds(self.clock.now()));
    }
}

/// Makes a stored policy ready, away from the threads that answer requests: a large one takes a tenth of a
/// second.
async fn build(stored: StoredPolicy) -> Result<Live> {
    tokio::task::spawn_blocking(|| Live::of(stored))
        .await
        .map_err(Error::internal)?
}
