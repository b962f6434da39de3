//! Refresh: a new pair of tokens for a refresh token, which is thereby used up.
//!
//! Two tabs may refresh at the same moment with the same token. Both must go on, and the chain must
//! not fork: the immediately previous token is honoured within the grace period, with the same
//! successor. Anything older is reuse and ends the family.

use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::limits::{Source, Throttle};
use crate::metrics::RefreshResult;
use crate::sessions::{AfterCommit, Sessions, TokenPair, may_act};
use crate::store::{EndReason, Rotation, RotationRequest, Store};
use crate::tokens::RefreshToken;

/// The refresh flow.
pub struct Refresh {
    store: Store,
    limits: Arc<Throttle>,
    sessions: Arc<Sessions>,
    clock: Clock,
}

/// How a refresh ended.
struct Ended {
    result: RefreshResult,
    user: Option<Uuid>,
    session: Option<Uuid>,
    /// The immediately previous token came again within the grace period.
    replay: bool,
    pair: Option<TokenPair>,
}

impl Ended {
    const fn refused(result: RefreshResult, user: Option<Uuid>) -> Self {
        Self {
            result,
            user,
            session: None,
            replay: false,
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
        clock: Clock,
    ) -> Self {
        Self {
            store,
            limits,
            sessions,
            clock,
        }
    }

    /// Rotates a refresh token: a new pair, or `None` when it is not good, whatever the reason.
    /// A token that was used before ends the whole session, but for the immediately previous one
    /// within the grace period.
    ///
    /// # Errors
    /// [`Error::RateLimited`], and when the database does not answer.
    pub async fn refresh(&self, source: &Source, presented: &str) -> Result<Option<TokenPair>> {
        let ended = match self.limits.refresh(source, presented).await {
            Ok(()) => self.rotate(presented).await,
            Err(error) => Err(error),
        };
        let (ended, outcome) = match ended {
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

    async fn rotate(&self, presented: &str) -> Result<Ended> {
        let Some(token) = RefreshToken::parse(presented) else {
            return Ok(Ended::refused(RefreshResult::UnknownToken, None));
        };
        let next = RefreshToken::generate()?;
        let now = self.clock.now();
        let lifetimes = self.sessions.lifetimes();
        let request = RotationRequest {
            presented: token.hash(),
            next: next.hash(),
            sealed_next: token.seal_successor(&next)?,
            at: now,
            idle_ttl: lifetimes.session_idle,
            grace: lifetimes.grace,
        };
        let rotation = self.rotate_and_store(&request).await?;
        let (session, user, ends_at, living, replay) = match rotation {
            Rotation::Rotated {
                session,
                user,
                ends_at,
            } => (session, user, ends_at, next, false),
            Rotation::Replayed {
                session,
                user,
                ends_at,
                sealed_successor,
            } => {
                let living = token
                    .open_successor(&sealed_successor)
                    .ok_or_else(|| Error::internal("a sealed successor does not open"))?;
                (session, user, ends_at, living, true)
            }
            refused => return Ok(refuse(&refused)),
        };
        let pair = self
            .sessions
            .issue(&user, session, living.into_string(), now, ends_at)?;
        Ok(Ended {
            result: RefreshResult::Success,
            user: Some(user.id),
            session: Some(session),
            replay,
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
            Rotation::Reused { session, user } => {
                Some(AfterCommit::of(user).sessions_ended(vec![session], EndReason::Reuse))
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
        Rotation::Reused { session, user } => Ended {
            session: Some(session),
            ..Ended::refused(RefreshResult::Reused, Some(user))
        },
        Rotation::Unknown | Rotation::Rotated { .. } | Rotation::Replayed { .. } => {
            Ended::refused(RefreshResult::UnknownToken, None)
        }
    }
}
