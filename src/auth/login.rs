//! Login with a password.

use uuid::Uuid;

use super::hash_gate::Verdict;
use super::password::Password;
use super::refresh::RefreshToken;
use super::throttle::Source;
use super::{Auth, TokenPair, canary, gate_error};
use crate::error::{Error, Result};
use crate::events::Event;
use crate::metrics::{LoginResult, Outcome};
use crate::rbac::Authority;
use crate::store::{Credentials, NewSession};

/// The longest password that is worth hashing: no account has a longer one.
const MAX_PASSWORD_CHARS: usize = 128;
/// How much of what a client calls itself is kept.
const MAX_USER_AGENT_CHARS: usize = 200;

/// How a login ended, for the one exit.
struct End {
    result: LoginResult,
    user: Option<Uuid>,
    session: Option<Uuid>,
}

/// An account whose password was just proven.
struct Checked {
    credentials: Credentials,
    /// Its hash deserves to be renewed.
    outdated: bool,
}

impl Auth {
    /// Logs somebody in. Who is refused learns nothing about why: unknown, wrong and disabled take
    /// the same work and give the same `None`.
    ///
    /// # Errors
    /// [`Error::RateLimited`], [`Error::Overloaded`], and when the database does not answer.
    pub async fn login(
        &self,
        source: &Source,
        name: &str,
        password: Password,
        user_agent: &str,
    ) -> Result<Option<(TokenPair, Authority)>> {
        let mut end = End {
            result: LoginResult::Error,
            user: None,
            session: None,
        };
        let outcome = match self.admit_login(source, name).await {
            Ok(()) => self.try_login(name, &password, user_agent, &mut end).await,
            Err(error) => Err(error),
        };
        if let Err(error) = &outcome {
            end.result = match error {
                Error::Overloaded { .. } => LoginResult::Overloaded,
                Error::RateLimited(_) => LoginResult::RateLimited,
                _ => LoginResult::Error,
            };
        }
        Event::Login {
            result: end.result,
            user: end.user,
            session: end.session,
        }
        .emit();
        outcome
    }

    /// Counts a login request that was malformed.
    pub fn login_malformed(&self) {
        Event::Login {
            result: LoginResult::InvalidRequest,
            user: None,
            session: None,
        }
        .emit();
    }

    async fn admit_login(&self, source: &Source, name: &str) -> Result<()> {
        self.ask_gate()?;
        self.throttle.login(source, name).await
    }

    async fn try_login(
        &self,
        name: &str,
        password: &Password,
        user_agent: &str,
        end: &mut End,
    ) -> Result<Option<(TokenPair, Authority)>> {
        // A second round is needed only when the stored hash changed between its check and the
        // start of the session: another login of the same account renewed it.
        for _ in 0..2 {
            let Some(checked) = self.check(name, password, end).await? else {
                return Ok(None);
            };
            if let Some(started) = self.start(&checked, password, user_agent, end).await? {
                return Ok(Some(started));
            }
        }
        Ok(None)
    }

    /// Checks name, password and state, in this order; unknown names cost what known ones cost.
    async fn check(
        &self,
        name: &str,
        password: &Password,
        end: &mut End,
    ) -> Result<Option<Checked>> {
        let found = self.store.credentials(name).await?;
        let found = found.filter(|credentials| canary::may_act(credentials.user.id));
        end.user = found.as_ref().map(|credentials| credentials.user.id);
        // No account has such a password, and a megabyte is not worth hashing.
        let too_long = password.expose().chars().count() > MAX_PASSWORD_CHARS;
        let Some(credentials) = found.filter(|_| !too_long) else {
            end.result = match end.user {
                Some(_) => LoginResult::BadPassword,
                None => LoginResult::UnknownUser,
            };
            let stand_in = if too_long {
                Password::new("")
            } else {
                password.clone()
            };
            self.gate.dummy_verify(stand_in).await.map_err(gate_error)?;
            return Ok(None);
        };
        let stored = credentials.password_hash.clone();
        let verdict = self
            .gate
            .verify(password.clone(), stored)
            .await
            .map_err(gate_error)?;
        let Verdict::Match { outdated } = verdict else {
            end.result = LoginResult::BadPassword;
            return Ok(None);
        };
        if credentials.user.disabled {
            end.result = LoginResult::Disabled;
            return Ok(None);
        }
        Ok(Some(Checked {
            credentials,
            outdated,
        }))
    }

    /// Starts the session; `None` when the account changed since it was checked.
    async fn start(
        &self,
        checked: &Checked,
        password: &Password,
        user_agent: &str,
        end: &mut End,
    ) -> Result<Option<(TokenPair, Authority)>> {
        let Checked {
            credentials:
                Credentials {
                    user,
                    password_hash,
                },
            outdated,
        } = checked;
        // Without capacity for a hash with today's parameters the login goes on.
        let renewed = if *outdated {
            self.gate.hash(password.clone()).await.ok()
        } else {
            None
        };
        let now = self.clock.now();
        let session = Uuid::now_v7();
        let token = RefreshToken::generate()?;
        let new = NewSession {
            id: session,
            user: user.id,
            token_hash: token.hash(),
            user_agent: user_agent.chars().take(MAX_USER_AGENT_CHARS).collect(),
            at: now,
            idle_expires_at: now + self.lifetimes.session_idle.min(self.lifetimes.session),
            expires_at: now + self.lifetimes.session,
        };
        if !self
            .store
            .start_session(&new, password_hash, renewed.as_deref())
            .await?
        {
            end.result = LoginResult::BadPassword;
            return Ok(None);
        }
        // It shows when its owner last logged in.
        self.principals.forget_account(user.id).await;
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
        let pair = self.pair(user, session, token.into_string(), now, new.expires_at)?;
        end.result = LoginResult::Success;
        end.session = Some(session);
        Ok(Some((pair, Authority::of(&user.roles))))
    }
}
