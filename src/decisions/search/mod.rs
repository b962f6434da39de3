//! Searches: which subjects, resources or actions would be allowed.
//!
//! A search looks where the policy says that something may be allowed, and decides what it finds there as an
//! evaluation would: so the two never disagree. The work for a page is bounded: a page may be short, or even
//! empty, although another follows.

mod actions;
mod page;
mod resources;
mod subjects;
mod token;

use std::sync::Arc;

use super::registry::Registered;
use super::{Decisions, USER};
use crate::error::Result;
use crate::policies::Live;
use crate::rbac::{Held, Question};
use crate::sessions::KnownAccount;
use crate::store::Side;

pub use self::page::{MOST, Page, Position};
pub use self::token::PageTokens;

use self::page::{Gathering, Stage};

/// Candidates of one reading.
const BATCH: u32 = 250;

/// A question whose subject, resource or action is to be found.
struct Asked<'a> {
    question: Question<'a>,
    live: &'a Live,
    now: i64,
}

impl Asked<'_> {
    /// Whether it would be allowed to this subject.
    fn allows_subject(&self, held: &Held, id: &str, registered: &Registered) -> bool {
        let mut question = self.question;
        question.subject.id = id;
        question.subject.properties = registered.beside(self.question.subject.properties);
        self.live.snapshot.decide(held, &question).allows()
    }

    /// Whether it would be allowed with this resource.
    fn allows_resource(&self, held: &Held, id: &str, registered: &Registered) -> bool {
        let mut question = self.question;
        question.resource.id = id;
        question.resource.properties = registered.beside(self.question.resource.properties);
        self.live.snapshot.decide(held, &question).allows()
    }
}

/// A subject as a search finds it.
struct Subject {
    /// What it holds; `None` for a disabled account, which may do nothing.
    held: Option<Arc<Held>>,
    is_account: bool,
}

impl Decisions {
    /// The policy of a search.
    fn live(&self) -> Arc<Live> {
        self.sessions.policies().kept()
    }

    /// A subject, as an evaluation knows it.
    async fn subject(&self, live: &Live, kind: &str, id: &str) -> Result<Subject> {
        let account = self.account(kind, id).await?;
        let now = self.clock.micros();
        Ok(match account {
            KnownAccount::Enabled(account) => Subject {
                held: Some(account.power_by(live, now).held),
                is_account: true,
            },
            KnownAccount::Disabled => Subject {
                held: None,
                is_account: true,
            },
            KnownAccount::None => Subject {
                held: Some(Arc::new(live.snapshot.held(&[], now))),
                is_account: false,
            },
        })
    }

    /// Whether a search knows subjects of this type: those of others are never results.
    fn knows_subjects(&self, kind: &str) -> bool {
        kind == USER || self.registry.caller_wins(Side::Subject, kind).is_some()
    }
}
