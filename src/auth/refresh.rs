//! Refresh: exchanges a refresh token, once, for a new pair of tokens.
//!
//! The chain of tokens must not fork, and two cases must still work: two tabs that refresh at the same
//! moment, and a client that lost the response. `store/replay.rs` has the rule.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::client_mark::{ClientMarks, RefreshingClient};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::limits::Throttle;
use crate::metrics::{RefreshResult, ReuseAction};
use crate::rbac::Scope;
use crate::sessions::{AfterCommit, Issue, Sessions, TokenPair, may_act};
use crate::store::{EndReason, Replay, Rotation, RotationRequest, Store, TokenPlace};
use crate::tokens::RefreshToken;

/// The refresh flow.
pub struct Refresh {
    store: Store,
    limits: Arc<Throttle>,
    sessions: Arc<Sessions>,
    marks: ClientMarks,
    clock: Clock,
}

/// The outcome of a refresh.
struct Ended {
    result: RefreshResult,
    user: Option<Uuid>,
    session: Option<Uuid>,
    /// The action taken for a token that was presented again.
    replay: Option<ReuseAction>,
    pair: Option<TokenPair>,
}

impl Ended {
    const fn refused(result: RefreshResult, user: Option<Uuid>) -> Self {
        Self {
            result,
            user,
            session: None,
            replay: None,
            pair: None,
        }
    }

    /// Counts and logs the refresh.
    fn report(&self) {
        Event::Refresh {
            result: self.result,
            user: self.user,
            session: self.session,
            replay: self.replay,
        }
        .emit();
    }
}

impl Refresh {
    /// The flow over these services.
    #[must_use]
    pub const fn new(
        store: Store,
        limits: Arc<Throttle>,
        sessions: Arc<Sessions>,
        marks: ClientMarks,
        clock: Clock,
    ) -> Self {
        Self {
            store,
            limits,
            sessions,
            marks,
            clock,
        }
    }

    /// Rotates a refresh token. Returns a new pair, or `None` if the token is invalid, whatever the
    /// reason. `scope` limits the session further, including its earlier access tokens; nothing widens
    /// it.
    ///
    /// # Errors
    /// [`Error::RateLimited`], and when the database does not answer.
    pub async fn refresh(
        &self,
        client: RefreshingClient<'_>,
        presented: &str,
        scope: Scope,
    ) -> Result<Option<TokenPair>> {
        let outcome = self.attempt(client, presented, scope).await;
        match &outcome {
            Ok(ended) => ended.report(),
            Err(Error::RateLimited(_)) => Ended::refused(RefreshResult::RateLimited, None).report(),
            Err(_) => Ended::refused(RefreshResult::Error, None).report(),
        }
        Ok(outcome?.pair)
    }

    /// Checks the limits; the lookup between them finds the session to limit.
    async fn attempt(
        &self,
        client: RefreshingClient<'_>,
        presented: &str,
        scope: Scope,
    ) -> Result<Ended> {
        // Before the first await: a use of the session after this request came in must not count as
        // earlier.
        let now = self.clock.now();
        let admitted = self.limits.refresh(client.source).await?;
        let token = RefreshToken::parse(presented);
        let place = match &token {
            Some(token) => self.store.session_of_token(token.hash()).await?,
            None => None,
        };
        let family = place.map(|place| place.session);
        self.limits.refresh_family(admitted, family).await?;
        match (token, place) {
            (Some(token), Some(place)) => self.rotate(&token, place, client, now, scope).await,
            _ => Ok(Ended::refused(RefreshResult::UnknownToken, None)),
        }
    }

    async fn rotate(
        &self,
        token: &RefreshToken,
        place: TokenPlace,
        client: RefreshingClient<'_>,
        now: DateTime<Utc>,
        scope: Scope,
    ) -> Result<Ended> {
        let next = RefreshToken::generate()?;
        let lifetimes = self.sessions.lifetimes();
        let request = RotationRequest {
            presented: token.hash(),
            next: next.hash(),
            sealed_next: token.seal_successor(place.session, place.generation + 1, &next)?,
            at: now,
            idle_ttl: lifetimes.session_idle,
            grace: lifetimes.grace,
            client: self.marks.mark(place.session, client),
            scope,
        };
        let rotation = self.rotate_and_store(&request).await?;
        let (refreshed, current, replay) = match rotation {
            Rotation::Rotated(refreshed) => (refreshed, next, None),
            Rotation::Replayed {
                refreshed,
                sealed_successor,
                replay,
            } => {
                let generation = refreshed.generation;
                let opened = token.open_successor(place.session, generation, &sealed_successor);
                let Some(current) = opened else {
                    // Damaged, or sealed by a version that is unknown here. The session remains for
                    // the client that received the successor.
                    let user = Some(refreshed.user.id);
                    return Ok(Ended::refused(RefreshResult::Unreadable, user));
                };
                (refreshed, current, Some(replay))
            }
            refused => return Ok(refuse(&refused)),
        };
        let user = &refreshed.user;
        let issue = Issue {
            session: place.session,
            generation: refreshed.generation,
            scope: refreshed.scope,
            at: now,
            session_ends_at: refreshed.ends_at,
        };
        let pair = self.sessions.issue(user, &issue, current.into_string())?;
        Ok(Ended {
            result: RefreshResult::Success,
            user: Some(user.id),
            session: Some(place.session),
            replay: replay.map(|replay| match replay {
                Replay::Unused => ReuseAction::UnusedReplay,
                Replay::Grace => ReuseAction::GraceReplay,
            }),
            pair: Some(pair),
        })
    }

    /// Rotates, and commits if the rotation changed anything. An account that may not act is treated
    /// like an unknown token and rolled back, so the token stays valid.
    async fn rotate_and_store(&self, request: &RotationRequest) -> Result<Rotation> {
        let mut tx = self.store.transaction().await?;
        let rotation = match tx.rotate(request).await {
            Ok(rotation) => rotation,
            Err(error) => {
                tx.rollback().await;
                return Err(error);
            }
        };
        let rotation = match rotation.user() {
            Some(user) if !may_act(user) => Rotation::Unknown,
            _ => rotation,
        };
        let due = if let Rotation::Reused { session, user, .. } = rotation {
            Some(AfterCommit::of(user).sessions_ended(vec![session], EndReason::Reuse))
        } else {
            rotation
                .refreshed()
                .filter(|_| request.scope != Scope::EVERYTHING)
                .map(|to| AfterCommit::of(to.user.id).session_narrowed(to.session))
        };
        if rotation.must_commit() {
            tx.commit().await?;
        } else {
            tx.rollback().await;
        }
        if let Some(due) = due {
            self.sessions.carry_out(due).await;
        }
        Ok(rotation)
    }
}

/// Counts a refresh of a page that may not make it.
pub fn foreign() {
    Ended::refused(RefreshResult::ForeignOrigin, None).report();
}

fn refuse(rotation: &Rotation) -> Ended {
    match *rotation {
        Rotation::Expired { user } => Ended::refused(RefreshResult::Expired, Some(user)),
        Rotation::Ended { user } => Ended::refused(RefreshResult::Revoked, Some(user)),
        Rotation::Disabled { user } => Ended::refused(RefreshResult::Disabled, Some(user)),
        Rotation::Reused {
            session,
            user,
            successor_used,
        } => Ended {
            session: Some(session),
            replay: Some(if successor_used {
                ReuseAction::FamilyRevoked
            } else {
                ReuseAction::FamilyRevokedUnused
            }),
            ..Ended::refused(RefreshResult::Reused, Some(user))
        },
        Rotation::Unknown | Rotation::Rotated(_) | Rotation::Replayed { .. } => {
            Ended::refused(RefreshResult::UnknownToken, None)
        }
    }
}
