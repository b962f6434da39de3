//! The shadow policy: a second policy that decides beside the live one, without effect, so that everybody sees
//! what it would change before anybody applies it.

use std::collections::{HashMap, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use chrono::{DateTime, Utc};
use metrics::Counter;

use crate::error::{Error, Result};
use crate::metrics::{Direction, SHADOW_COMPARED, SHADOW_DIVERGENCES, SHADOW_LOADED};
use crate::policies::{Live, PolicyFile};
use crate::rbac::{Assignment, Decided, Question};
use crate::store::StoredPolicy;

/// The last decisions that differed which are kept as examples.
const EXAMPLES: usize = 100;

/// A decision that the shadow policy would change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// When it was made.
    pub at: DateTime<Utc>,
    /// The subject: its type and id.
    pub subject: (String, String),
    /// The action.
    pub action: String,
    /// The resource: its type and id.
    pub resource: (String, String),
    /// What the shadow policy would change.
    pub direction: Direction,
}

/// What was compared since the shadow policy was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Whether there is a shadow policy.
    pub loaded: bool,
    /// One of how many decisions is compared.
    pub every: u32,
    /// The decisions that were compared.
    pub compared: u64,
    /// Those that the shadow policy would change, by direction.
    pub gains: u64,
    /// The same.
    pub losses: u64,
    /// The last of them, the latest first.
    pub examples: Vec<Divergence>,
}

#[derive(Default)]
struct Seen {
    compared: u64,
    gains: u64,
    losses: u64,
    examples: VecDeque<Divergence>,
    /// By permission and direction.
    counters: HashMap<(String, &'static str), Counter>,
}

/// A policy file whose decisions are compared with the live one's.
pub struct Shadow {
    path: PathBuf,
    every: u32,
    policy: ArcSwapOption<Live>,
    turn: AtomicU64,
    seen: Mutex<Seen>,
}

impl Shadow {
    /// Compares one of `every` decisions with those of the policy in this file, once it is read.
    #[must_use]
    pub fn new(path: PathBuf, every: u32) -> Self {
        Self {
            path,
            every: every.max(1),
            policy: ArcSwapOption::empty(),
            turn: AtomicU64::new(0),
            seen: Mutex::default(),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the file, and forgets what was compared with an earlier one. On an error nothing is compared.
    ///
    /// # Errors
    /// When the file cannot be read, or is no policy.
    pub fn read(&self) -> Result<()> {
        let read = read(&self.path);
        *self.seen() = Seen::default();
        SHADOW_LOADED.set((), if read.is_ok() { 1.0 } else { 0.0 });
        let (policy, outcome) = match read {
            Ok(policy) => (Some(Arc::new(policy)), Ok(())),
            Err(error) => (None, Err(error)),
        };
        self.policy.store(policy);
        outcome
    }

    /// Compares a decision of the live policy about a subject with these assignments.
    pub(super) fn compare(
        &self,
        assignments: impl FnOnce() -> Vec<Assignment>,
        question: &Question<'_>,
        decided: Decided,
        now: DateTime<Utc>,
    ) {
        let policy = self.policy.load();
        let Some(policy) = &*policy else { return };
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        if !turn.is_multiple_of(u64::from(self.every)) {
            return;
        }
        let micros = now.timestamp_micros();
        let held = policy.snapshot.held(&assignments(), micros);
        let would = policy.snapshot.decide(&held, question);
        SHADOW_COMPARED.inc(());
        let mut seen = self.seen();
        seen.compared += 1;
        if would.allows() == decided.allows() {
            return;
        }
        let direction = if would.allows() {
            seen.gains += 1;
            Direction::Gain
        } else {
            seen.losses += 1;
            Direction::Loss
        };
        let label = policy.label(question);
        let counter = seen
            .counters
            .entry((label.to_owned(), direction.word()))
            .or_insert_with(|| SHADOW_DIVERGENCES.series(&[label, direction.word()]));
        counter.increment(1);
        seen.examples.truncate(EXAMPLES - 1);
        seen.examples.push_front(Divergence {
            at: now,
            subject: (
                question.subject.kind.to_owned(),
                question.subject.id.to_owned(),
            ),
            action: question.action.name.to_owned(),
            resource: (
                question.resource.kind.to_owned(),
                question.resource.id.to_owned(),
            ),
            direction,
        });
    }

    /// What was compared so far.
    #[must_use]
    pub fn comparison(&self) -> Comparison {
        let seen = self.seen();
        Comparison {
            loaded: self.policy.load().is_some(),
            every: self.every,
            compared: seen.compared,
            gains: seen.gains,
            losses: seen.losses,
            examples: seen.examples.iter().cloned().collect(),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Counts and examples are whole after every step.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> Result<Live> {
    let shown = path.display();
    let fault = |error: &dyn std::fmt::Display| Error::internal(format!("{shown}: {error}"));
    let text = fs::read_to_string(path).map_err(|error| fault(&error))?;
    let file: PolicyFile = yaml_serde::from_str(&text).map_err(|error| fault(&error))?;
    let file = file.read().map_err(|error| fault(&error))?;
    let live = Live::of_change(file.rows(&StoredPolicy::default()));
    live.map_err(|error| fault(&format!("{error:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rbac::{Action, Entity, Properties};

    fn question(action: &'static str) -> Question<'static> {
        Question {
            subject: Entity::bare("user", "alice"),
            action: Action {
                name: action,
                properties: Properties::default(),
            },
            resource: Entity::bare("posts", "7"),
        }
    }

    #[test]
    fn decisions_that_differ_are_counted_and_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("policy.yaml");
        let shadow = Shadow::new(path.clone(), 2);
        let compare = |action, decided| {
            for _ in 0..2 {
                shadow.compare(Vec::new, &question(action), decided, DateTime::UNIX_EPOCH);
            }
        };
        assert!(shadow.read().is_err());
        compare("read", Decided::NotGranted);
        assert_eq!(shadow.comparison().compared, 0);
        let policy = "permissions: {posts:read: ''}\nroles: {everyone: {grants: [posts:read]}}\n";
        fs::write(&path, policy).expect("written");
        shadow.read().expect("a policy");
        compare("read", Decided::NotGranted);
        compare("read", Decided::Granted);
        compare("write", Decided::ConditionHolds);
        compare("write", Decided::UnknownPermission);
        let found = shadow.comparison();
        assert!(found.loaded);
        assert_eq!((found.compared, found.gains, found.losses), (4, 1, 1));
        let examples: Vec<_> = found.examples.iter().collect();
        assert_eq!(examples[0].direction, Direction::Loss);
        assert_eq!(examples[0].action, "write");
        assert_eq!(examples[1].direction, Direction::Gain);
        for _ in 0..EXAMPLES {
            compare("write", Decided::Granted);
        }
        assert_eq!(shadow.comparison().examples.len(), EXAMPLES);
        // Another file, another comparison.
        fs::write(&path, "roles: {admin: {}}").expect("written");
        assert!(shadow.read().is_err());
        assert_eq!(
            shadow.comparison(),
            Comparison {
                every: 2,
                ..Comparison::default()
            }
        );
    }
}
