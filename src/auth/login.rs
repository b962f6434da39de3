//! Login with a password.

use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::events::Event;
use crate::hashing::{HashGate, MAX_PASSWORD_CHARS, Password, Verdict};
use crate::limits::{Devices, LoginTicket, Named, Source, Throttle};
use crate::metrics::{LoginResult, Outcome};
use crate::rbac::Scope;
use crate::sessions::{AfterCommit, Sessions, TokenPair, may_act};
use crate::store::{Credentials, EndReason, NewSession, Store, Tx};

/// The login flow.
pub struct Login {
    store: Store,
    hashing: HashGate,
    limits: Arc<Throttle>,
    devices: Arc<Devices>,
    sessions: Arc<Sessions>,
    clock: Clock,
}

/// A login request.
pub struct Attempt<'a> {
    /// The client's address.
    pub source: &'a Source,
    /// Username or e-mail address.
    pub name: &'a str,
    /// The password.
    pub password: Password,
    /// The client's `User-Agent`.
    pub user_agent: &'a str,
    /// The device cookie that the client sent.
    pub device: Option<&'a str>,
    /// The requested scope.
    pub scope: Scope,
}

/// The result of a login.
pub struct LoggedIn {
    /// The tokens.
    pub pair: TokenPair,
    /// The device's new cookie.
    pub device: String,
}

/// An attempt within the limits.
struct Admitted {
    found: Option<Credentials>,
    ticket: Option<LoginTicket>,
}

/// The outcome of an attempt.
enum Ended {
    /// With a session.
    Started { session: Uuid, logged_in: LoggedIn },
    /// Without one. The caller is not told why.
    Refused(LoginResult),
    /// The stored hash changed between its check and the start of the session.
    HashChanged,
}

/// An account whose password was just verified.
struct Proven {
    credentials: Credentials,
    /// Whether its hash has old parameters and is renewed.
    outdated: bool,
}

impl Login {
    /// The flow over these services.
    #[must_use]
    pub const fn new(
        store: Store,
        hashing: HashGate,
        limits: Arc<Throttle>,
        devices: Arc<Devices>,
        sessions: Arc<Sessions>,
        clock: Clock,
    ) -> Self {
        Self {
            store,
            hashing,
            limits,
            devices,
            sessions,
            clock,
        }
    }

    /// Logs in. A refusal has no reason: an unknown name, a wrong password and a disabled account take
    /// the same work and give `None`. The session gets the permissions of `scope` that the account
    /// holds.
    ///
    /// # Errors
    /// [`Error::RateLimited`], [`Error::Overloaded`], and when the database does not answer.
    pub async fn login(&self, attempt: Attempt<'_>) -> Result<Option<LoggedIn>> {
        let (user, ended) = match self.admit(&attempt).await {
            Ok(admitted) => self.attempt(&attempt, admitted).await,
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
            Ended::Started { logged_in, .. } => Some(logged_in),
            Ended::Refused(_) | Ended::HashChanged => None,
        })
    }

    /// Load shedding before limits, limits before the hash. The limits need the account, because its
    /// username and e-mail address count together. The lookup is cached for a moment, so that guesses
    /// at one name do not cost a query each.
    async fn admit(&self, attempt: &Attempt<'_>) -> Result<Admitted> {
        self.hashing.check_capacity()?;
        self.limits.login_source(attempt.source)?;
        if let Some(Named(account)) = self.limits.account_of(attempt.name) {
            let ticket = self.charge(attempt, account, false).await?;
            let found = self.look_up(attempt.name).await?;
            if found.as_ref().map(|found| found.user.id) == account {
                return Ok(Admitted { found, ticket });
            }
            // The name now belongs to another account: count it for that one.
            return self.charge_found(attempt, found, true).await;
        }
        let found = self.look_up(attempt.name).await?;
        self.charge_found(attempt, found, false).await
    }

    async fn charge_found(
        &self,
        attempt: &Attempt<'_>,
        found: Option<Credentials>,
        recount: bool,
    ) -> Result<Admitted> {
        let account = found.as_ref().map(|found| found.user.id);
        self.limits.remember_account(attempt.name, account);
        let ticket = self.charge(attempt, account, recount).await?;
        Ok(Admitted { found, ticket })
    }

    async fn charge(
        &self,
        attempt: &Attempt<'_>,
        account: Option<Uuid>,
        recount: bool,
    ) -> Result<Option<LoginTicket>> {
        let device = attempt.device.and_then(|cookie| {
            // The same work without an account.
            let device = self.devices.recognise(cookie, account.unwrap_or_default());
            device.filter(|_| account.is_some())
        });
        let Attempt { source, name, .. } = attempt;
        let limits = &self.limits;
        limits.login(source, name, account, device, recount).await
    }

    async fn look_up(&self, name: &str) -> Result<Option<Credentials>> {
        let found = self.store.credentials(name).await?;
        Ok(found.filter(|found| may_act(found.user.id)))
    }

    /// The account of that name, if there is one, and the outcome of the login.
    async fn attempt(
        &self,
        attempt: &Attempt<'_>,
        admitted: Admitted,
    ) -> (Option<Uuid>, Result<Ended>) {
        let Admitted { mut found, ticket } = admitted;
        let mut user = found.as_ref().map(|found| found.user.id);
        let mut ended = self.prove(found, attempt).await;
        if matches!(ended, Ok(Ended::HashChanged)) {
            // Another login of the same account renewed the hash.
            found = match self.look_up(attempt.name).await {
                Ok(found) => found,
                Err(error) => return (user, Err(error)),
            };
            user = found.as_ref().map(|found| found.user.id);
            ended = self.prove(found, attempt).await;
        }
        if let (Ok(Ended::Started { .. }), Some(ticket)) = (&ended, &ticket) {
            self.limits.login_succeeded(ticket).await;
        }
        (user, ended)
    }

    /// Checks password and state, in this order. Unknown names take as long as known ones.
    async fn prove(&self, found: Option<Credentials>, attempt: &Attempt<'_>) -> Result<Ended> {
        let password = &attempt.password;
        // No account has a password of this length, and hashing a megabyte is expensive.
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
        if credentials.user.initial_password_expired(self.clock.now()) {
            return Ok(Ended::Refused(LoginResult::InitialPasswordExpired));
        }
        let proven = Proven {
            credentials,
            outdated,
        };
        self.start(&proven, attempt).await
    }

    /// Starts the session, unless the account changed since it was checked.
    async fn start(&self, proven: &Proven, attempt: &Attempt<'_>) -> Result<Ended> {
        let Proven {
            credentials:
                Credentials {
                    user,
                    password_hash,
                },
            outdated,
        } = proven;
        // Without capacity for a renewed hash the login continues.
        let renewed = if *outdated {
            self.hashing.hash(attempt.password.clone()).await.ok()
        } else {
            None
        };
        let now = self.clock.now();
        let device = self.devices.issue(user.id)?;
        // A role granted later must not widen a limited session.
        let sessions = &self.sessions;
        let scope = attempt.scope.held_by(&sessions.authority(user, now));
        let (new, token) = sessions.new_session(user.id, attempt.user_agent, scope, now)?;
        let mut tx = self.store.transaction().await?;
        let started = self
            .start_in(&mut tx, &new, password_hash, renewed.as_deref())
            .await;
        let Some(due) = tx.finish(started).await? else {
            return Ok(Ended::HashChanged);
        };
        self.sessions.carry_out(due).await;
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
        let pair = sessions.issue_first(user, &new, token)?;
        Ok(Ended::Started {
            session: new.id,
            logged_in: LoggedIn { pair, device },
        })
    }

    /// Starts the session and ends the oldest beyond the maximum. Returns the work due after the
    /// commit; `None` when the account changed.
    async fn start_in(
        &self,
        tx: &mut Tx,
        new: &NewSession,
        hash: &str,
        renewed: Option<&str>,
    ) -> Result<Option<AfterCommit>> {
        if !tx.start_session(new, hash, renewed).await? {
            return Ok(None);
        }
        let most = self.sessions.lifetimes().most;
        let ended = tx.end_oldest_sessions(new.user, most, new.at).await?;
        // The account shows when its owner last logged in.
        let due = AfterCommit::of(new.user)
            .account_changed()
            .sessions_ended(ended, EndReason::SessionLimit);
        Ok(Some(due))
    }
}

/// Counts a login request that was malformed.
pub fn malformed() {
    refused(LoginResult::InvalidRequest);
}

/// Counts a login request of a page that may not make it.
pub fn foreign() {
    refused(LoginResult::ForeignOrigin);
}

fn refused(result: LoginResult) {
    Event::Login {
        result,
        user: None,
        session: None,
    }
    .emit();
}
