//! Refresh: a new pair of tokens for a refresh token, which is thereby used up.
//!
//! The chain must not fork, and honest clients must go on: two tabs that refresh at the same moment, and
//! one whose answer was lost. `store/replay.rs` has the rule.

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

/// How a refresh ended.
struct Ended {
    result: RefreshResult,
    user: Option<Uuid>,
    session: Option<Uuid>,
    /// What was done about a token that came a second time.
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

    /// Rotates a refresh token: a new pair, or `None` when it is not good, whatever the reason. `scope`
    /// narrows the session further, and its earlier access tokens with it; nothing widens it.
    ///
    /// # Errors
    /// [`Error::RateLimited`], and when the database does not answer.
    pub async fn refresh(
        &self,
        client: RefreshingClient<'_>,
        presented: &str,
        scope: Scope,
    ) -> Result<Option<TokenPair>> {
        let (ended, outcome) = match self.attempt(client, presented, scope).await {
            Ok(mut ended) => {
                let pair = ended.pair.take();
                (ended, Ok(pair))
            }
            Err(error) => {
                let result = match error {
                    Error::RateLimited(_) => RefreshResult::RateLimited,
                    _ => RefreshResult::Error,
                };
                (Ended::refused(result, None), Err(error))
            }
        };
        Event::Refresh {
            result: ended.result,
            user: ended.user,
            session: ended.session,
            replay: ended.replay,
        }
        .emit();
        outcome
    }

    /// The limits, and between them the lookup that tells which session is limited.
    async fn attempt(
        &self,
        client: RefreshingClient<'_>,
        presented: &str,
        scope: Scope,
    ) -> Result<Ended> {
        // Before anything is waited for: what happens to the session from now on is not this request's
        // past.
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
        let (user, generation, ends_at, scope, living, replay) = match rotation {
            Rotation::Rotated {
                user,
                generation,
                ends_at,
                scope,
                ..
            } => (user, generation, ends_at, scope, next, None),
            Rotation::Replayed {
                user,
                generation,
                ends_at,
                sealed_successor,
                replay,
                scope,
                ..
            } => {
                let opened = token.open_successor(place.session, generation, &sealed_successor);
                let Some(living) = opened else {
                    // Sealed by a version that is unknown here, or damaged. The session goes on for
                    // whoever got the successor.
                    return Ok(Ended::refused(RefreshResult::Unreadable, Some(user.id)));
                };
                (user, generation, ends_at, scope, living, Some(replay))
            }
            refused => return Ok(refuse(&refused)),
        };
        let session = place.session;
        let issue = Issue {
            session,
            generation,
            scope,
            at: now,
            session_ends_at: ends_at,
        };
        let pair = self.sessions.issue(&user, &issue, living.into_string())?;
        Ok(Ended {
            result: RefreshResult::Success,
            user: Some(user.id),
            session: Some(session),
            replay: replay.map(|replay| match replay {
                Replay::Unused => ReuseAction::UnusedReplay,
                Replay::Grace => ReuseAction::GraceReplay,
            }),
            pair: Some(pair),
        })
    }

    /// Rotates, and stores what has to be stored. An account that may not act is answered like an
    /// unknown token before anything is stored, so the token stays as good as it was.
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
        let due = match rotation {
            Rotation::Reused { session, user, .. } => {
                Some(AfterCommit::of(user).sessions_ended(vec![session], EndReason::Reuse))
            }
            Rotation::Rotated {
                session, ref user, ..
            }
            | Rotation::Replayed {
                session, ref user, ..
            } if request.scope != Scope::EVERYTHING => {
                Some(AfterCommit::of(user.id).session_narrowed(session))
            }
            _ => None,
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
        Rotation::Unknown | Rotation::Rotated { .. } | Rotation::Replayed { .. } => {
            Ended::refused(RefreshResult::UnknownToken, None)
        }
    }
}
