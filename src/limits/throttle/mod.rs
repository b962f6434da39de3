//! Rate limits of the flows, by the client's address and by the account.
//!
//! All limits of a request are charged atomically, before any lookup: an account that does not exist is
//! limited like one that does, and if one limit refuses, none is charged.
//!
//! Addresses, names and tokens are counted under a keyed hash: the counters do not tell who came.

use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::hmac;
use uuid::Uuid;

use super::log_throttle::LogThrottle;
use crate::cache::{Cache, Counted, Memory, Permit};
use crate::clock::Clock;
use crate::config::{RateLimits, Switch};
use crate::error::{Error, Limited, Result};
use crate::events::Event;
use crate::metrics::{Backend, LimitDecision, Limiter, RATE_LIMITS};
use crate::rate::Rate;
use crate::request_context::is_synthetic;

/// How many sources are counted at the edge.
const CAPACITY: usize = 100_000;
const SOURCE: &str = "source";
const ACCOUNT: &str = "account";

/// Where a request comes from: an IPv4 address, or the first 64 bits of an IPv6 address, which is
/// what one customer of a provider has at least.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Source([u8; 16]);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().octets()),
            IpAddr::V6(address) => {
                let mut octets = address.octets();
                octets[8..].fill(0);
                Self(octets)
            }
        }
    }
}

impl Source {
    /// The network that the address belongs to: an IPv4 address without its last byte, the first 48
    /// bits of an IPv6 address.
    #[must_use]
    pub fn network(&self) -> [u8; 16] {
        let mut octets = self.0;
        let mapped = octets.starts_with(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]);
        octets[if mapped { 15 } else { 6 }..].fill(0);
        octets
    }
}

/// That a source may refresh. The decision is counted once its token's family is known.
#[must_use = "the family has a limit, too"]
pub struct Admitted(Option<Backend>);

/// The subject of a counter, with its kind: the same text may be a username and an address.
#[derive(Clone, Copy)]
enum Subject<'a> {
    Source(&'a Source),
    /// The name or address typed at login.
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
    log: LogThrottle,
    clock: Clock,
}

impl Throttle {
    /// Limits these rates, counted in this cache under names hashed with this key.
    #[must_use]
    pub fn new(rates: RateLimits, key: &[u8], cache: Arc<Cache>, clock: Clock) -> Self {
        Self {
            rates,
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            cache,
            here: Memory::new(clock.clone(), CAPACITY),
            log: LogThrottle::default(),
            clock,
        }
    }

    /// Whether anything is limited.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.rates.rate_limits == Switch::On
    }

    /// The synthetic probe is exempt: it tests whether users get through and must not compete with them.
    fn is_exempt(&self) -> bool {
        !self.is_on() || is_synthetic()
    }

    /// Asks whether a request of any kind may go on.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub fn general(&self, source: &Source) -> Result<()> {
        if self.is_exempt() {
            return Ok(());
        }
        let rate = self.rates.general;
        let limiter = Limiter::General;
        let counted = Counted {
            limiter: limiter.word(),
            dimension: SOURCE,
            // It does not leave the process.
            digest: source.0,
        };
        let permit = self.here.try_acquire_one(&counted, rate);
        self.decide(limiter, Backend::Memory, [(SOURCE, rate, permit)])?;
        allow(limiter, Backend::Memory);
        Ok(())
    }

    /// Checks the limits of a login, by source and by the name as it was typed.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub async fn login(&self, source: &Source, name: &str) -> Result<()> {
        let name = name.to_lowercase();
        let wanted = [
            (Subject::Source(source), self.rates.login_source),
            (Subject::Name(&name), self.rates.login_account),
        ];
        self.ask(Limiter::Login, &wanted).await
    }

    /// Checks the limits of a registration, by source, username and address.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub async fn register(&self, source: &Source, username: &str, email: &str) -> Result<()> {
        let (username, email) = (username.to_lowercase(), email.to_lowercase());
        let wanted = [
            (Subject::Source(source), self.rates.register_source),
            (Subject::Username(&username), self.rates.register_account),
            (Subject::Email(&email), self.rates.register_account),
        ];
        self.ask(Limiter::Register, &wanted).await
    }

    /// Checks the limit of refreshes by source. It comes before the lookup that tells the token's
    /// family: strangers with random tokens spend what is theirs.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub async fn refresh(&self, source: &Source) -> Result<Admitted> {
        let wanted = [(Subject::Source(source), self.rates.refresh_source)];
        self.acquire(Limiter::Refresh, &wanted).await.map(Admitted)
    }

    /// Checks the limit of refreshes of one session, where the token belongs to one.
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

    /// Checks the limits of a proof of the current password, by account.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub async fn password(&self, user: Uuid) -> Result<()> {
        let wanted = [(Subject::User(user), self.rates.password_account)];
        self.ask(Limiter::Password, &wanted).await
    }

    async fn ask(&self, limiter: Limiter, wanted: &[(Subject<'_>, Rate)]) -> Result<()> {
        if let Some(backend) = self.acquire(limiter, wanted).await? {
            allow(limiter, backend);
        }
        Ok(())
    }

    /// Charges limits, and says where they were counted. A refusal is counted here, a permit by the
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
        self.decide(limiter, backend, answers)?;
        Ok(Some(backend))
    }

    fn counted(&self, limiter: Limiter, subject: Subject<'_>) -> Counted {
        let mut hash = hmac::Context::with_key(&self.key);
        let (kind, value) = match &subject {
            Subject::Source(Source(octets)) => (b's', &octets[..]),
            Subject::Name(name) => (b'n', name.as_bytes()),
            Subject::Username(name) => (b'u', name.as_bytes()),
            Subject::Email(email) => (b'e', email.as_bytes()),
            Subject::Family(session) => (b'f', &session.as_bytes()[..]),
            Subject::User(user) => (b'a', &user.as_bytes()[..]),
        };
        hash.update(&[kind]);
        hash.update(value);
        let mut digest = [0; 16];
        digest.copy_from_slice(&hash.sign().as_ref()[..16]);
        Counted {
            limiter: limiter.word(),
            dimension: subject.dimension(),
            digest,
        }
    }

    /// The one refusal: with the limit that takes longest.
    fn decide(
        &self,
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
        Event::RateLimited {
            limiter,
            dimension,
            backend,
            line: self.log.line(limiter, self.clock.now()),
        }
        .emit();
        Err(Error::RateLimited(Limited {
            limiter: limiter.word(),
            dimension,
            rate,
            retry_after: permit.retry_after,
        }))
    }
}

fn allow(limiter: Limiter, backend: Backend) {
    RATE_LIMITS.inc((limiter, (LimitDecision::Allow, backend)));
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
