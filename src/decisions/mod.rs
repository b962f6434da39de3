//! The policy decision point: answers the questions of other services, about any subject and resource.
//!
//! A subject of the type `user` whose id is that of an account has the account's roles; every subject has
//! the grants of the role `everyone`. A decision is counted where it is made.

mod counted;
pub mod registry;
pub mod search;
mod shadow;

use std::sync::Arc;

use uuid::Uuid;

use self::registry::Registry;
use crate::clock::Clock;
use crate::error::Result;
use crate::rbac::{Assignment, Decided, Question, Reach};
use crate::sessions::{KnownAccount, Sessions};
use crate::store::Store;

pub use self::counted::{count_invalid, initialise, label};
pub use self::shadow::{Divergence, Shadow};

/// The type of subjects whose ids are those of accounts.
pub const USER: &str = "user";

/// Answers questions.
pub struct Decisions {
    store: Store,
    sessions: Arc<Sessions>,
    registry: Arc<Registry>,
    shadow: Option<Arc<Shadow>>,
    clock: Clock,
}

/// A decision, and what led to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The decision with its reason.
    pub decided: Decided,
    /// The ways to the permission, those that fail too.
    pub ways: Vec<Path>,
}

/// A way from a subject to a grant of the permission that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// The assigned role, its ancestors, and last the one with the grant.
    pub roles: Vec<String>,
    /// Where the assignment holds, as text: `everywhere`, `type` or `type/id`.
    pub reach: String,
    /// Whether the assignment is for this resource.
    pub covers: bool,
    /// The condition of the grant, as text.
    pub condition: Option<String>,
    /// The comparisons of the condition that do not hold, as text.
    pub failing: Vec<String>,
}

impl Decisions {
    /// Answers by the live policy, and knows accounts by these sessions' caches.
    #[must_use]
    pub fn new(
        store: Store,
        sessions: Arc<Sessions>,
        shadow: Option<Arc<Shadow>>,
        clock: Clock,
    ) -> Self {
        let policies = Arc::clone(sessions.policies());
        Self {
            registry: Arc::new(Registry::new(store.clone(), policies, clock.clone())),
            store,
            sessions,
            shadow,
            clock,
        }
    }

    /// The policy that decisions are compared with, if there is one.
    #[must_use]
    pub const fn shadow(&self) -> Option<&Arc<Shadow>> {
        self.shadow.as_ref()
    }

    /// The registered subjects and resources.
    #[must_use]
    pub const fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    /// The decision on a question.
    ///
    /// # Errors
    /// When the subject is an account that is not cached, or an entity of a registered type is not, and the
    /// database does not answer.
    pub async fn decide(&self, question: &Question<'_>) -> Result<Decided> {
        let known = self.registry.complete(question).await?;
        let question = &known.question(question);
        let subject = &question.subject;
        let account = self.account(subject.kind, subject.id).await?;
        // After the account, which may have made a newer policy necessary.
        let live = self.sessions.policies().current();
        let now = self.clock.micros();
        let decided = match &account {
            KnownAccount::Enabled(account) if account.held.is_current(&live.snapshot, now) => {
                live.snapshot.decide_and_note(&account.held, question)
            }
            KnownAccount::Enabled(account) => {
                let held = account.power_by(&live, now).held;
                live.snapshot.decide_and_note(&held, question)
            }
            KnownAccount::Disabled => Decided::SubjectDisabled,
            KnownAccount::None => {
                let held = live.snapshot.held(&[], now);
                live.snapshot.decide_and_note(&held, question)
            }
        };
        counted::count(live.label(question), label(decided));
        if let Some(shadow) = &self.shadow
            && decided != Decided::SubjectDisabled
        {
            let assignments = || match &account {
                KnownAccount::Enabled(account) => account.user.assignments(),
                KnownAccount::Disabled | KnownAccount::None => Vec::new(),
            };
            shadow.compare(assignments, question, decided, self.clock.now());
        }
        Ok(decided)
    }

    /// The decision on a question, and what led to it.
    ///
    /// # Errors
    /// As [`Decisions::decide`].
    pub async fn explain(&self, question: &Question<'_>) -> Result<Explanation> {
        let known = self.registry.complete(question).await?;
        let question = &known.question(question);
        let subject = &question.subject;
        let assignments: Vec<Assignment> = match self.account(subject.kind, subject.id).await? {
            KnownAccount::Enabled(account) => account.user.assignments(),
            KnownAccount::None => Vec::new(),
            KnownAccount::Disabled => {
                return Ok(Explanation {
                    decided: Decided::SubjectDisabled,
                    ways: Vec::new(),
                });
            }
        };
        let live = self.sessions.policies().kept();
        let now = self.clock.micros();
        let held = live.snapshot.held(&assignments, now);
        let ways = live.snapshot.ways(&assignments, question, now);
        let path = |way: crate::rbac::Way<'_>| Path {
            roles: way.roles.iter().map(|role| (*role).to_owned()).collect(),
            reach: reach_text(way.reach),
            covers: way.covers,
            condition: way.condition,
            failing: way.failing,
        };
        Ok(Explanation {
            decided: live.snapshot.decide(&held, question),
            ways: ways.into_iter().map(path).collect(),
        })
    }
}

impl Decisions {
    /// What there is of a subject's account.
    async fn account(&self, kind: &str, id: &str) -> Result<KnownAccount> {
        match account_id(kind, id) {
            Some(id) => self.sessions.account(id).await,
            None => Ok(KnownAccount::None),
        }
    }
}

/// The account that a subject is, if it can be one.
fn account_id(kind: &str, id: &str) -> Option<Uuid> {
    // One spelling only: the subject of another spelling would be another subject elsewhere.
    let parsed = (kind == USER).then(|| Uuid::try_parse(id).ok()).flatten()?;
    let mut text = Uuid::encode_buffer();
    let spelt: &str = parsed.hyphenated().encode_lower(&mut text);
    (spelt == id).then_some(parsed)
}

fn reach_text(reach: &Reach) -> String {
    match reach {
        Reach::Everywhere => "everywhere".to_owned(),
        Reach::Type(kind) => kind.clone(),
        Reach::Resource { kind, id } => format!("{kind}/{id}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_has_one_spelling() {
        let id = "0190f3c8-0000-7000-8000-00000000000a";
        assert!(account_id("user", id).is_some());
        for (kind, id) in [
            ("User", id),
            ("service", id),
            ("user", "0190F3C8-0000-7000-8000-00000000000A"),
            ("user", "0190f3c800007000800000000000000a"),
            ("user", "{0190f3c8-0000-7000-8000-00000000000a}"),
            ("user", "alice"),
            ("user", ""),
        ] {
            assert_eq!(account_id(kind, id), None, "{kind} {id}");
        }
    }
}
