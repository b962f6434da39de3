//! Rate limits of the flows, by the client's address and by the account.
//!
//! All limits of a request are charged atomically, before any lookup: an account that does not exist is
//! limited like one that does, and if one limit refuses, none is charged.
//!
//! Addresses, names and tokens are counted under a keyed hash: the counters contain no personal data.

mod decisions;
mod login;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use uuid::Uuid;

pub use self::login::{LoginTicket, Named};
use super::source::{Network, Source};
use crate::cache::{Cache, Counted, Memory, Permit, Remembered};
use crate::clock::Clock;
use crate::config::{RateLimits, Switch};
use crate::error::{Error, Limited, Result};
use crate::events::Event;
use crate::metrics::{Backend, LimitDecision, Limiter, RATE_LIMITS};
use crate::rate::Rate;
use crate::request_context::is_synthetic;
use crate::secrets::keyed_digest;

/// The number of sources counted at the edge.
const CAPACITY: usize = 100_000;
const SOURCE: &str = "source";
const ACCOUNT: &str = "account";

/// The admission of a source to refresh. The decision is counted once its token's family is known.
#[must_use = "the family has a limit, too"]
pub struct Admitted(Option<Backend>);

/// The subject of a counter, with its kind: the same text may be a username and an address.
#[derive(Clone, Copy)]
enum Subject<'a> {
    Source(Network),
    /// An unknown login name.
    Name(&'a str),
    Username(&'a str),
    Email(&'a str),
    /// A session: a family of refresh tokens.
    Family(Uuid),
    User(Uuid),
}

/// The rate limits.
pub struct Throttle {
    rates: RateLimits,
    key: hmac::Key,
    cache: Arc<Cache>,
    /// For requests of any kind: always in process, so that a warm read makes no round trip.
    here: Memory,
    /// The accounts of recent login names.
    names: Remembered<Named>,
    /// Sources whose logins are currently denied, and where that was counted.
    denied: Remembered<Backend>,
}

impl Throttle {
    /// Limits with these rates, counted in this cache under names hashed with this key.
    #[must_use]
    pub fn new(rates: RateLimits, key: &[u8], cache: Arc<Cache>, clock: Clock) -> Self {
        Self {
            rates,
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            cache,
            here: Memory::new(clock.clone(), CAPACITY),
            names: Remembered::new(clock.clone(), CAPACITY),
            denied: Remembered::new(clock, CAPACITY),
        }
    }

    /// Whether anything is limited.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.rates.rate_limits == Switch::On
    }

    /// The synthetic probe is exempt: it must not compete with users for permits.
    fn is_exempt(&self) -> bool {
        !self.is_on() || is_synthetic()
    }

    /// Checks the general limit of a request.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn general(&self, source: &Source) -> Result<()> {
        self.count_here(Limiter::General, "general", self.rates.general, source)
    }

    /// Checks the limit of preflight requests: as many as requests of any kind, and counted apart from
    /// them. A browser that may not ask could not tell its page why the request itself is refused.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn preflight(&self, source: &Source) -> Result<()> {
        self.count_here(Limiter::General, "preflight", self.rates.general, source)
    }

    /// Asks whether a page of the documentation may be sent to this source: they are large.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn page(&self, source: &Source) -> Result<()> {
        self.count_here(Limiter::Pages, "pages", self.rates.pages_source, source)
    }

    /// Counts in process by source, under this name.
    fn count_here(
        &self,
        limiter: Limiter,
        name: &'static str,
        rate: Rate,
        source: &Source,
    ) -> Result<()> {
        if self.is_exempt() {
            return Ok(());
        }
        let mut networks = source.networks().map(|network| {
            let counted = Counted {
                limiter: name,
                dimension: network.word(),
                // The local counter needs no digest: it does not leave the process.
                digest: network.octets(),
            };
            (counted, network.share(rate))
        });
        match (networks.next(), networks.next()) {
            (Some((counted, rate)), None) => {
                let permit = self.here.try_acquire_one(&counted, rate);
                Self::decide(limiter, Backend::Memory, [(SOURCE, rate, permit)])?;
            }
            (first, second) => {
                let wanted: Vec<_> = first.into_iter().chain(second).chain(networks).collect();
                let permits = self.here.try_acquire(&wanted);
                let answers = wanted.into_iter().zip(permits);
                let answers = answers.map(|((_, rate), permit)| (SOURCE, rate, permit));
                Self::decide(limiter, Backend::Memory, answers)?;
            }
        }
        allow(limiter, Backend::Memory);
        Ok(())
    }

    /// Checks the limits of a registration, by source, username and address.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub async fn register(&self, source: &Source, username: &str, email: &str) -> Result<()> {
        let (username, email) = (username.to_lowercase(), email.to_lowercase());
        let mut wanted = by_source(source, self.rates.register_source);
        wanted.push((Subject::Username(&username), self.rates.register_account));
        wanted.push((Subject::Email(&email), self.rates.register_account));
        self.ask(Limiter::Register, &wanted).await
    }

    /// Checks the limit of refreshes by source. It comes before the lookup of the token's family, so
    /// that random tokens only use up the source's own permits.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub async fn refresh(&self, source: &Source) -> Result<Admitted> {
        let wanted = by_source(source, self.rates.refresh_source);
        self.acquire(Limiter::Refresh, &wanted).await.map(Admitted)
    }

    /// Checks the limit of refreshes of one session, if the token belongs to one.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub async fn refresh_family(&self, admitted: Admitted, family: Option<Uuid>) -> Result<()> {
        let mut backend = admitted.0;
        if let Some(family) = family {
            let wanted = [(Subject::Family(family), self.rates.refresh_account)];
            backend = self.acquire(Limiter::Refresh, &wanted).await?;
        }
        if let Some(backend) = backend {
            allow(Limiter::Refresh, backend);
        }
        Ok(())
    }

    /// Checks the limit of revocations by source.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub async fn revoke(&self, source: &Source) -> Result<()> {
        let wanted = by_source(source, self.rates.revoke_source);
        self.ask(Limiter::Revoke, &wanted).await
    }

    /// Checks the limits of a change of username or address by the account's owner: those of a
    /// registration of the new ones, because the response reveals whether they are taken, and one by
    /// account.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub async fn profile(
        &self,
        source: &Source,
        user: Uuid,
        username: Option<&str>,
        email: Option<&str>,
    ) -> Result<()> {
        let (username, email) = (
            username.map(str::to_lowercase),
            email.map(str::to_lowercase),
        );
        let mut wanted = by_source(source, self.rates.register_source);
        wanted.push((Subject::User(user), self.rates.profile_account));
        let rate = self.rates.register_account;
        wanted.extend(username.iter().map(|name| (Subject::Username(name), rate)));
        wanted.extend(email.iter().map(|email| (Subject::Email(email), rate)));
        self.ask(Limiter::Profile, &wanted).await
    }

    /// Checks the limits of a proof of the current password, by account.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub async fn password(&self, user: Uuid) -> Result<()> {
        let wanted = [(Subject::User(user), self.rates.password_account)];
        self.ask(Limiter::Password, &wanted).await
    }

    /// Checks a limit by account that no flow checks: of what an administrator does to accounts, and of
    /// one's own sessions. The others are their flows'.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub async fn by_account(&self, limiter: Limiter, user: Uuid) -> Result<()> {
        let rate = match limiter {
            Limiter::Admin => self.rates.admin_account,
            Limiter::Revoke => self.rates.revoke_account,
            Limiter::Sessions => self.rates.sessions_account,
            _ => return Ok(()),
        };
        self.ask(limiter, &[(Subject::User(user), rate)]).await
    }

    async fn ask(&self, limiter: Limiter, wanted: &[(Subject<'_>, Rate)]) -> Result<()> {
        if let Some(backend) = self.acquire(limiter, wanted).await? {
            allow(limiter, backend);
        }
        Ok(())
    }

    /// Charges limits, and returns where they were counted. A refusal is counted here, a permit by the
    /// caller.
    async fn acquire(
        &self,
        limiter: Limiter,
        wanted: &[(Subject<'_>, Rate)],
    ) -> Result<Option<Backend>> {
        if self.is_exempt() {
            return Ok(None);
        }
        let name = |(subject, rate): &(Subject<'_>, Rate)| (self.counted(limiter, *subject), *rate);
        let named: Vec<(Counted, Rate)> = wanted.iter().map(name).collect();
        let (permits, backend) = self.cache.try_acquire(&named).await;
        let answers = wanted.iter().zip(permits);
        let answers = answers.map(|((subject, rate), permit)| (subject.dimension(), *rate, permit));
        Self::decide(limiter, backend, answers)?;
        Ok(Some(backend))
    }

    fn counted(&self, limiter: Limiter, subject: Subject<'_>) -> Counted {
        Counted {
            limiter: limiter.word(),
            dimension: subject.dimension(),
            digest: self.digest(subject),
        }
    }

    fn digest(&self, subject: Subject<'_>) -> [u8; 16] {
        let octets;
        let (kind, value) = match &subject {
            Subject::Source(network) => {
                octets = network.octets();
                (network.tag(), &octets[..])
            }
            Subject::Name(name) => (b'n', name.as_bytes()),
            Subject::Username(name) => (b'u', name.as_bytes()),
            Subject::Email(email) => (b'e', email.as_bytes()),
            Subject::Family(session) => (b'f', &session.as_bytes()[..]),
            Subject::User(user) => (b'a', &user.as_bytes()[..]),
        };
        keyed_digest(&self.key, [&[kind], value])
    }

    /// The refusal by the limit with the longest wait.
    fn decide(
        limiter: Limiter,
        backend: Backend,
        answers: impl IntoIterator<Item = (&'static str, Rate, Permit)>,
    ) -> Result<()> {
        let refusals = answers.into_iter().filter(|(.., permit)| !permit.allowed);
        let Some((dimension, rate, permit)) =
            refusals.max_by_key(|(.., permit)| permit.retry_after)
        else {
            return Ok(());
        };
        Err(Self::refuse(
            limiter,
            dimension,
            backend,
            (rate, permit.retry_after),
        ))
    }

    fn refuse(
        limiter: Limiter,
        dimension: &'static str,
        backend: Backend,
        (rate, retry_after): (Rate, Duration),
    ) -> Error {
        Event::RateLimited {
            limiter,
            dimension,
            backend,
        }
        .emit();
        Error::RateLimited(Limited {
            limiter: limiter.word(),
            dimension,
            rate,
            retry_after,
        })
    }
}

fn allow(limiter: Limiter, backend: Backend) {
    RATE_LIMITS.inc((limiter, (LimitDecision::Allow, backend)));
}

/// The source's networks, each with its share of the rate.
fn by_source(source: &Source, rate: Rate) -> Vec<(Subject<'static>, Rate)> {
    let networks = source.networks();
    networks
        .map(|network| (Subject::Source(network), network.share(rate)))
        .collect()
}

impl Subject<'_> {
    const fn dimension(&self) -> &'static str {
        match self {
            Self::Source(_) => SOURCE,
            _ => ACCOUNT,
        }
    }
}

#[cfg(test)]
mod tests;
