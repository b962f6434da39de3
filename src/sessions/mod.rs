//! Sessions: authorizing callers, issuing tokens, listing and ending sessions.

mod after_commit;
mod caller;
pub mod decisions;
mod first_use;
mod power;
mod principals;

use std::sync::Arc;
use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;
use uuid::Uuid;

use self::first_use::FirstUse;
use self::principals::Principals;
use crate::cache::Cache;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::metrics::{Decision, RBAC_DECISION_DURATION, VerificationResult};
use crate::policies::Policies;
use crate::rbac::{Permission, Scope};
use crate::request_context::is_synthetic;
use crate::store::{EndReason, NewSession, Session, Store, User};
use crate::tokens::{self, Claims, RefreshToken, Tokens};

pub use self::after_commit::AfterCommit;
pub use self::caller::{Caller, Need, Refusal};
pub use self::power::escalation;
pub use self::principals::{Account, KnownAccount};

/// The scope of tokens that change an initial password and do nothing else.
pub const PASSWORD_CHANGE: &str = "password:change";
/// The maximum stored length of the client's `User-Agent`.
pub const MAX_USER_AGENT_CHARS: usize = 200;

/// Lifetimes of sessions and their tokens, and the maximum number of sessions.
#[derive(Clone, Copy, Debug)]
pub struct Lifetimes {
    /// A session ends when it was not refreshed for this long.
    pub session_idle: TimeDelta,
    /// A session ends after this long in any case.
    pub session: TimeDelta,
    /// How long the previous refresh token is still honoured although its successor was used.
    pub grace: TimeDelta,
    /// The most sessions of one account.
    pub most: u32,
}

impl Lifetimes {
    /// The idle and the absolute deadline of a session that starts now.
    #[must_use]
    pub fn ends(&self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        (
            now + self.session_idle.min(self.session),
            now + self.session,
        )
    }
}

/// The tokens that a login or a refresh returns.
pub struct TokenPair {
    /// The signed JWT.
    pub access_token: String,
    /// The opaque token for the next refresh.
    pub refresh_token: String,
    /// Lifetime of the access token, in seconds.
    pub expires_in: i64,
    /// The scope of the access token, if it is limited.
    pub scope: Option<String>,
}

/// The session that tokens are issued for.
pub struct Issue {
    /// The session.
    pub session: Uuid,
    /// The number of refreshes so far.
    pub generation: i64,
    /// The session's share of the account's permissions.
    pub scope: Scope,
    /// The current time.
    pub at: DateTime<Utc>,
    /// When the session expires at the latest.
    pub session_ends_at: DateTime<Utc>,
}

/// The sessions of all accounts.
pub struct Sessions {
    store: Store,
    tokens: Arc<Tokens>,
    policies: Arc<Policies>,
    principals: Principals,
    first_use: FirstUse,
    lifetimes: Lifetimes,
    clock: Clock,
}

impl Sessions {
    /// Sessions in this store; principals are cached in process and in `cache`.
    #[must_use]
    pub fn new(
        store: Store,
        cache: &Cache,
        tokens: Arc<Tokens>,
        policies: Arc<Policies>,
        lifetimes: Lifetimes,
        clock: Clock,
    ) -> Self {
        Self {
            principals: Principals::new(cache, Arc::clone(&policies), clock.clone()),
            policies,
            first_use: FirstUse::new(),
            store,
            tokens,
            lifetimes,
            clock,
        }
    }

    /// The lifetimes of sessions.
    #[must_use]
    pub const fn lifetimes(&self) -> &Lifetimes {
        &self.lifetimes
    }

    /// Applies the invalidations that other replicas publish, and reads the signing keys when they have
    /// changed, for as long as the future lives. Ends at once when replicas share no cache.
    pub async fn listen(&self) {
        let key_change = Notify::new();
        let reloading = async {
            loop {
                key_change.notified().await;
                // A failure is counted; the next periodic reading comes within seconds.
                let _ = self.tokens.keys().reload().await;
            }
        };
        tokio::select! {
            () = self.principals.listen(&key_change) => {}
            () = reloading => {}
        }
    }

    /// Sets the gauges of the caches. Called before each scrape.
    pub fn observe(&self) {
        self.tokens.observe();
        self.principals.observe();
        self.first_use.observe();
    }

    /// Finds the caller of an access token and decides whether it meets the need. The caller's
    /// permissions are those of the account within the scope of the session. With an initial password
    /// only its change is allowed.
    ///
    /// # Errors
    /// Why the caller is refused.
    pub async fn authorize(&self, token: &str, need: impl Into<Need>) -> Result<Caller, Refusal> {
        let now = self.clock.now();
        let claims = self.tokens.verify(token, now).await;
        let claims = claims.map_err(Refusal::Token)?;
        let start = Instant::now();
        let (account, cache) = self
            .principals
            .find(&self.store, claims.sid, claims.sub, now)
            .await
            .map_err(Refusal::Error)?;
        let Some(account) = account.filter(|account| may_act(account.user.id)) else {
            tokens::count(VerificationResult::Revoked);
            return Err(Refusal::Token(VerificationResult::Revoked));
        };
        tokens::count(VerificationResult::Valid);
        let (need, own) = (need.into(), Permission::Authenticated);
        let (permission, decision) = match need {
            Need::Permission(permission) => (permission, account.authority.decide(permission)),
            Need::AnyScope => (own, Decision::Allow),
            Need::PasswordChange => (own, account.authority.decide(own)),
        };
        let password_first =
            account.user.must_change_password() && !matches!(need, Need::PasswordChange);
        let decision = if password_first {
            Decision::Deny
        } else {
            decision
        };
        if !is_synthetic() {
            RBAC_DECISION_DURATION.observe(cache, start.elapsed());
        }
        let allowed = decisions::decide(permission, &account, decision);
        if allowed && permission != own {
            self.note_use(&account, permission, now);
        }
        if let Some(generation) = claims.generation {
            let first_use = &self.first_use;
            first_use
                .note(&self.store, claims.sid, generation, now)
                .await;
        }
        if !allowed {
            return Err(if password_first {
                Refusal::PasswordChange
            } else {
                Refusal::Permission(permission)
            });
        }
        Ok(Caller {
            account,
            session: claims.sid,
        })
    }

    /// The account and the session of an access token, if the token is valid. Whether the session is
    /// active is not checked.
    #[must_use]
    pub fn of_access_token(&self, token: &str) -> Option<(Uuid, Uuid)> {
        let claims = self.tokens.read(token, self.clock.now())?;
        Some((claims.sub, claims.sid))
    }

    /// The tokens of a session: a new access token beside this refresh token. With an initial password
    /// the access token names no roles, because other services verify it, too.
    ///
    /// # Errors
    /// When signing fails: a defect.
    pub fn issue(&self, user: &User, issue: &Issue, refresh_token: String) -> Result<TokenPair> {
        let authority = self.authority(user, issue.at);
        let password_first = user.must_change_password();
        // Services that read the roles must not grant a limited token the account's full permissions.
        let roles: &[String] = if password_first || issue.scope.narrows(&authority) {
            &[]
        } else {
            &user.roles
        };
        let (session, generation) = (issue.session, issue.generation);
        let mut claims: Claims = self
            .tokens
            .claims(user.id, session, generation, roles, issue.at);
        let permissions = if password_first {
            vec![PASSWORD_CHANGE]
        } else {
            authority.within(issue.scope).names()
        };
        let scope = permissions.join(" ");
        let limited = password_first || issue.scope != Scope::EVERYTHING;
        if self.tokens.options().permissions {
            claims.permissions = Some(permissions.into_iter().map(str::to_owned).collect());
        }
        claims.scope = Some(scope.clone());
        // Services that only verify the signature must not accept it longer than this service does.
        claims.exp = claims.exp.min(issue.session_ends_at.timestamp());
        Ok(TokenPair {
            access_token: self.tokens.sign(&claims)?,
            refresh_token,
            expires_in: claims.exp - claims.iat,
            scope: limited.then_some(scope),
        })
    }

    /// The first tokens of a session that [`Sessions::new_session`] made and that is stored.
    ///
    /// # Errors
    /// As [`Sessions::issue`].
    pub fn issue_first(
        &self,
        user: &User,
        session: &NewSession,
        refresh_token: RefreshToken,
    ) -> Result<TokenPair> {
        let issue = Issue {
            session: session.id,
            generation: 0,
            scope: session.scope,
            at: session.at,
            session_ends_at: session.expires_at,
        };
        self.issue(user, &issue, refresh_token.into_string())
    }

    /// A session that starts now, to be stored, and its first refresh token.
    ///
    /// # Errors
    /// When the random generator fails.
    pub fn new_session(
        &self,
        user: Uuid,
        user_agent: &str,
        scope: Scope,
        now: DateTime<Utc>,
    ) -> Result<(NewSession, RefreshToken)> {
        let token = RefreshToken::generate()?;
        let (idle_expires_at, expires_at) = self.lifetimes.ends(now);
        let session = NewSession {
            id: Uuid::now_v7(),
            user,
            token_hash: token.hash(),
            user_agent: user_agent.chars().take(MAX_USER_AGENT_CHARS).collect(),
            at: now,
            idle_expires_at,
            expires_at,
            scope,
        };
        Ok((session, token))
    }

    /// The caller's active sessions, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<Session>> {
        self.store.sessions(caller.id(), self.clock.now()).await
    }

    /// Ends one of the caller's sessions.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not an active session of the caller.
    pub async fn end_own(&self, caller: &Caller, session: Uuid) -> Result<()> {
        let reason = EndReason::SessionEnded;
        if self.end(caller.id(), session, reason).await? {
            Ok(())
        } else {
            Err(Error::NotFound("session"))
        }
    }

    /// Ends every session of an account, as an administrator.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is no such account, [`Error::Escalation`].
    pub async fn end_all_as_admin(&self, actor: &Account, user: Uuid) -> Result<()> {
        let found = self.store.user(user).await?;
        self.check_reach(actor, &found.ok_or(Error::NotFound("user"))?)?;
        self.end_all(user, EndReason::Admin).await
    }

    /// Ends a session of an account. Returns whether it was active.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end(&self, user: Uuid, session: Uuid, reason: EndReason) -> Result<bool> {
        let mut tx = self.store.transaction().await?;
        let ended = tx
            .end_session(session, user, reason, self.clock.now())
            .await
            .map(|ended| {
                let sessions = ended.then_some(session).into_iter().collect();
                (
                    ended,
                    AfterCommit::of(user).sessions_ended(sessions, reason),
                )
            });
        let (ended, due) = tx.finish(ended).await?;
        self.carry_out(due).await;
        Ok(ended)
    }

    /// Ends every session of an account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_all(&self, user: Uuid, reason: EndReason) -> Result<()> {
        let mut tx = self.store.transaction().await?;
        let ended = tx
            .end_sessions(user, reason, self.clock.now())
            .await
            .map(|ended| AfterCommit::of(user).sessions_ended(ended, reason));
        let due = tx.finish(ended).await?;
        self.carry_out(due).await;
        Ok(())
    }
}

/// The account of the synthetic probe: it may act only in the probe's own requests.
pub use crate::store::PROBE_ACCOUNT;

/// Whether an account may act in the current request.
#[must_use]
pub fn may_act(user: Uuid) -> bool {
    user != PROBE_ACCOUNT || is_synthetic()
}
