//! Login with a password.

use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::hashing::{HashGate, MAX_PASSWORD_CHARS, Password, Verdict};
use crate::limits::{Source, Throttle};
use crate::metrics::{LoginResult, Outcome};
use crate::rbac::{Authority, Scope};
use crate::sessions::{AfterCommit, Issue, Sessions, TokenPair, may_act};
use crate::store::{Credentials, NewSession, Store};
use crate::tokens::RefreshToken;

/// How much of the client's `User-Agent` is kept.
const MAX_USER_AGENT_CHARS: usize = 200;

/// The login flow.
pub struct Login {
    store: Store,
    hashing: HashGate,
    limits: Arc<Throttle>,
    sessions: Arc<Sessions>,
    clock: Clock,
}

/// How an attempt ended.
enum Ended {
    /// With a session.
    Started { session: Uuid, pair: TokenPair },
    /// Without one. The caller learns nothing about why.
    Refused(LoginResult),
    /// The stored hash changed between its check and the start of the session.
    HashChanged,
}

/// An account whose password was just proven.
struct Proven {
    credentials: Credentials,
    /// Its hash deserves to be renewed.
    outdated: bool,
}

impl Login {
    /// The flow over these services.
    #[must_use]
    pub const fn new(
        store: Store,
        hashing: HashGate,
        limits: Arc<Throttle>,
        sessions: Arc<Sessions>,
        clock: Clock,
    ) -> Self {
        Self {
            store,
            hashing,
            limits,
            sessions,
            clock,
        }
    }

    /// Logs in. A refusal does not say why: an unknown name, a wrong password and a disabled account
    /// take the same work and give the same `None`. Of `scope` the session gets what the account may do.
    ///
    /// # Errors
    /// [`Error::RateLimited`], [`Error::Overloaded`], and when the database does not answer.
    pub async fn login(
        &self,
        source: &Source,
        name: &str,
        password: Password,
        user_agent: &str,
        scope: Scope,
    ) -> Result<Option<TokenPair>> {
        let (user, ended) = match self.admit(source, name).await {
            Ok(()) => self.attempt(name, &password, user_agent, scope).await,
            Err(error) => (None, Err(error)),
        };
        let (result, session) = match &ended {
            Ok(Ended::Started { session, .. }) => (LoginResult::Success, Some(*session)),
            Ok(Ended::Refused(result)) => (*result, None),
            Ok(Ended::HashChanged) => (LoginResult::BadPassword, None),
            Err(Error::Overloaded { .. }) => (LoginResult::Overloaded, None),
            Err(Error::RateLimited(_)) => (LoginResult::RateLimited, None),
            Err(_) => (LoginResult::Error, None),
        };
        Event::Login {
            result,
            user,
            session,
        }
        .emit();
        ended.map(|ended| match ended {
            Ended::Started { pair, .. } => Some(pair),
            Ended::Refused(_) | Ended::HashChanged => None,
        })
    }

    /// Load shedding before limits, limits before anything is looked up.
    async fn admit(&self, source: &Source, name: &str) -> Result<()> {
        self.hashing.check_capacity()?;
        self.limits.login(source, name).await
    }

    /// The account of that name, where there is one, and how its login ended.
    async fn attempt(
        &self,
        name: &str,
        password: &Password,
        user_agent: &str,
        scope: Scope,
    ) -> (Option<Uuid>, Result<Ended>) {
        let mut last = (None, Ok(Ended::HashChanged));
        // A second round is needed only when another login of the same account renewed the hash.
        for _ in 0..2 {
            last = match self.store.credentials(name).await {
                Ok(found) => {
                    let found = found.filter(|found| may_act(found.user.id));
                    let user = found.as_ref().map(|found| found.user.id);
                    (user, self.prove(found, password, user_agent, scope).await)
                }
                Err(error) => (None, Err(error)),
            };
            if !matches!(last.1, Ok(Ended::HashChanged)) {
                break;
            }
        }
        last
    }

    /// Checks password and state, in this order; unknown names cost what known ones cost.
    async fn prove(
        &self,
        found: Option<Credentials>,
        password: &Password,
        user_agent: &str,
        scope: Scope,
    ) -> Result<Ended> {
        // No account has such a password, and a megabyte is not worth hashing.
        let too_long = password.expose().chars().count() > MAX_PASSWORD_CHARS;
        let result = match found {
            Some(_) => LoginResult::BadPassword,
            None => LoginResult::UnknownUser,
        };
        let Some(credentials) = found.filter(|_| !too_long) else {
            let stand_in = if too_long {
                Password::new("")
            } else {
                password.clone()
            };
            self.hashing.dummy_verify(stand_in).await?;
            return Ok(Ended::Refused(result));
        };
        let stored = credentials.password_hash.clone();
        let Verdict::Match { outdated } = self.hashing.verify(password.clone(), stored).await?
        else {
            return Ok(Ended::Refused(LoginResult::BadPassword));
        };
        if credentials.user.disabled {
            return Ok(Ended::Refused(LoginResult::Disabled));
        }
        let proven = Proven {
            credentials,
            outdated,
        };
        self.start(&proven, password, user_agent, scope).await
    }

    /// Starts the session, unless the account changed since it was checked.
    async fn start(
        &self,
        proven: &Proven,
        password: &Password,
        user_agent: &str,
        scope: Scope,
    ) -> Result<Ended> {
        let Proven {
            credentials:
                Credentials {
                    user,
                    password_hash,
                },
            outdated,
        } = proven;
        // Without capacity for a hash with today's parameters the login goes on.
        let renewed = if *outdated {
            self.hashing.hash(password.clone()).await.ok()
        } else {
            None
        };
        let now = self.clock.now();
        let session = Uuid::now_v7();
        let token = RefreshToken::generate()?;
        let (idle_expires_at, expires_at) = self.sessions.lifetimes().ends(now);
        let new = NewSession {
            id: session,
            user: user.id,
            token_hash: token.hash(),
            user_agent: user_agent.chars().take(MAX_USER_AGENT_CHARS).collect(),
            at: now,
            idle_expires_at,
            expires_at,
            // A role that the account gets later widens nothing that was narrowed.
            scope: scope.held_by(&Authority::of(&user.roles)),
        };
        let mut tx = self.store.transaction().await?;
        let started = tx
            .start_session(&new, password_hash, renewed.as_deref())
            .await;
        if !tx.finish(started).await? {
            return Ok(Ended::HashChanged);
        }
        // The account shows when its owner last logged in.
        self.sessions
            .carry_out(AfterCommit::of(user.id).account_changed())
            .await;
        if *outdated {
            let outcome = if renewed.is_some() {
                Outcome::Success
            } else {
                Outcome::Failure
            };
            Event::Rehash {
                outcome,
                user: user.id,
            }
            .emit();
        }
        let issue = Issue {
            session,
            generation: 0,
            scope: new.scope,
            at: now,
            session_ends_at: expires_at,
        };
        let pair = self.sessions.issue(user, &issue, token.into_string())?;
        Ok(Ended::Started { session, pair })
    }
}

/// Counts a login request that was malformed.
pub fn malformed() {
    Event::Login {
        result: LoginResult::InvalidRequest,
        user: None,
        session: None,
    }
    .emit();
}
