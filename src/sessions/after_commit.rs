//! The work due once a change is stored.

use uuid::Uuid;

use super::Sessions;
use crate::events::Event;
use crate::store::EndReason;

/// The work due after a commit: cache entries to invalidate, events to emit. It is built in the unit of
/// work and dropped with a rollback.
#[must_use = "other replicas use stale cache entries until it is carried out"]
pub struct AfterCommit {
    user: Uuid,
    account: bool,
    sessions: Vec<Uuid>,
    events: Vec<Event>,
}

impl AfterCommit {
    /// Nothing yet, for a change of this account.
    pub const fn of(user: Uuid) -> Self {
        Self {
            user,
            account: false,
            sessions: Vec::new(),
            events: Vec::new(),
        }
    }

    /// The account itself changed, or its roles did.
    pub const fn account_changed(mut self) -> Self {
        self.account = true;
        self
    }

    /// These sessions of the account ended; one event says so, if there are any.
    pub fn sessions_ended(mut self, sessions: Vec<Uuid>, reason: EndReason) -> Self {
        if !sessions.is_empty() {
            self.events.push(Event::SessionsEnded {
                reason: reason.into(),
                user: self.user,
                count: sessions.len() as u64,
            });
            self.sessions.extend(sessions);
        }
        self
    }

    /// The scope of this session was narrowed.
    pub fn session_narrowed(mut self, session: Uuid) -> Self {
        self.sessions.push(session);
        self
    }

    /// Adds an event. Events are emitted in the order in which they were added.
    pub fn event(mut self, event: Event) -> Self {
        self.events.push(event);
        self
    }
}

impl Sessions {
    /// Does the work due after a commit: invalidates cache entries and emits events.
    pub async fn carry_out(&self, due: AfterCommit) {
        if due.account {
            self.principals.invalidate_account(due.user).await;
        }
        if !due.sessions.is_empty() {
            self.principals
                .invalidate_sessions(due.user, &due.sessions)
                .await;
        }
        due.events.into_iter().for_each(Event::emit);
    }
}
