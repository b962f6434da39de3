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

/// The subject of a counter, with its kind: the same text may be a username and an address.
#[derive(Clone, Copy)]
enum Subject<'a> {
    Source(&'a Source),
    /// The name or address typed at login.
    Name(&'a str),
    Username(&'a str),
    Email(&'a str),
    Token(&'a str),
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
        self.decide(limiter, Backend::Memory, [(SOURCE, rate, permit)])
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

    /// Checks the limits of a refresh, by source and token.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub async fn refresh(&self, source: &Source, token: &str) -> Result<()> {
        let wanted = [
            (Subject::Source(source), self.rates.refresh_source),
            (Subject::Token(token), self.rates.refresh_account),
        ];
        self.ask(Limiter::Refresh, &wanted).await
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
        if self.is_exempt() {
            return Ok(());
        }
        let name = |(subject, rate): &(Subject<'_>, Rate)| (self.counted(limiter, *subject), *rate);
        let named: Vec<(Counted, Rate)> = wanted.iter().map(name).collect();
        let (permits, backend) = self.cache.try_acquire(&named).await;
        let answers = wanted.iter().zip(permits);
        let answers = answers.map(|((subject, rate), permit)| (subject.dimension(), *rate, permit));
        self.decide(limiter, backend, answers)
    }

    fn counted(&self, limiter: Limiter, subject: Subject<'_>) -> Counted {
        let mut hash = hmac::Context::with_key(&self.key);
        let (kind, value) = match &subject {
            Subject::Source(Source(octets)) => (b's', &octets[..]),
            Subject::Name(name) => (b'n', name.as_bytes()),
            Subject::Username(name) => (b'u', name.as_bytes()),
            Subject::Email(email) => (b'e', email.as_bytes()),
            Subject::Token(token) => (b't', token.as_bytes()),
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

    /// The one exit: counts what was decided, and refuses with the limit that takes longest.
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
            RATE_LIMITS.inc((limiter, (LimitDecision::Allow, backend)));
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
