//! The limits of logins.
//!
//! Every login counts for its source. Its cost for the account depends on the client: a device or
//! source that has logged in to the account before has permits of its own. Unknown clients share a
//! budget, of which a part is reserved for clients that have not just tried. So an attacker cannot lock
//! an owner out, and all unknown clients together guess no faster than the account's limit.

use std::time::Duration;

use uuid::Uuid;

use super::{ACCOUNT, SOURCE, Source, Subject, Throttle};
use crate::cache::{Counted, Group, LoginCounters, LoginDecision, Way};
use crate::error::Result;
use crate::limits::Device;
use crate::metrics::Limiter;
use crate::rate::Rate;
use crate::secrets::keyed_digest;

/// One in so many of the account's permits is reserved for unknown clients that have not just tried.
const RESERVED_SHARE: u32 = 3;
/// Reserved permits have no burst, so that many unknown clients at once do not take them all.
const RESERVED_TURNS: Rate = Rate {
    count: 1,
    period: Duration::from_secs(30),
};
/// After a denial an unknown client gets a reserved permit only after this pause. A person needs that
/// long to type; a program that keeps trying never pauses.
const WAIT_AFTER_DENIAL: Duration = Duration::from_secs(10);
/// The pause after a wrong password, so that others get their turn.
const WAIT_AFTER_GUESS: Duration = Duration::from_hours(1);
/// The factor on the rate of one device or known source for all of an account's together.
const TRUSTED_SHARE: u32 = 10;
/// How long a source stays known after a login.
const KNOWN_FOR: Duration = Duration::from_hours(30 * 24);
/// How long the account of a login name is cached, so that a denied login needs no query.
const NAME_FOR: Duration = Duration::from_mins(1);
/// The longest time for which a source's denial is cached without checking its counter.
const DENIAL_FOR: Duration = Duration::from_mins(1);

/// The result of looking up a name.
#[derive(Clone, Copy)]
pub struct Named(pub Option<Uuid>);

/// An admitted login, to be credited if its password is right.
pub struct LoginTicket {
    wanted: LoginCounters,
    way: Way,
}

impl Throttle {
    /// Refuses a source whose logins are currently denied, before any lookup.
    ///
    /// # Errors
    /// [`Error::RateLimited`](crate::error::Error::RateLimited).
    pub fn login_source(&self, source: &Source) -> Result<()> {
        if self.is_exempt() {
            return Ok(());
        }
        let Some((left, backend)) = self.denied.left(source.octets()) else {
            return Ok(());
        };
        Err(Self::refuse(
            Limiter::Login,
            SOURCE,
            backend,
            (self.rates.login_source, left),
        ))
    }

    /// The account of a login name, if it was looked up a moment ago.
    #[must_use]
    pub fn account_of(&self, name: &str) -> Option<Named> {
        self.names.get(&self.digest(Subject::Name(&typed(name))))
    }

    /// Caches which account a login name belongs to.
    pub fn remember_account(&self, name: &str, account: Option<Uuid>) {
        if !self.is_exempt() {
            let digest = self.digest(Subject::Name(&typed(name)));
            self.names.insert(digest, Named(account), NAME_FOR);
        }
    }

    /// Checks the limits of a login, by source and account. An unknown name is counted like an account.
    /// An exempt login gets no ticket. With `recount` the source, and another account than this one,
    /// were already charged.
    ///
    /// # Errors
    /// [`Error::RateLimited`](crate::error::Error::RateLimited).
    pub async fn login(
        &self,
        source: &Source,
        name: &str,
        account: Option<Uuid>,
        device: Option<Device>,
        recount: bool,
    ) -> Result<Option<LoginTicket>> {
        if self.is_exempt() {
            return Ok(None);
        }
        let mut wanted = self.login_counters(source, name, account, device);
        if recount {
            wanted
                .counters
                .retain(|(group, ..)| *group != Group::Source);
        }
        let (decision, backend) = self.cache.try_login(&wanted).await;
        let (dimension, rate, wait) = match decision {
            LoginDecision::Admitted(way) => {
                if !recount {
                    super::allow(Limiter::Login, backend);
                }
                return Ok(Some(LoginTicket { wanted, way }));
            }
            LoginDecision::SourceLimited(wait) => {
                self.denied
                    .insert(*source.octets(), backend, wait.min(DENIAL_FOR));
                (SOURCE, self.rates.login_source, wait)
            }
            LoginDecision::AccountLimited(wait) => (ACCOUNT, self.rates.login_account, wait),
        };
        Err(Self::refuse(
            Limiter::Login,
            dimension,
            backend,
            (rate, wait),
        ))
    }

    /// Records a successful login: returns the account's permit and makes the source known.
    pub async fn login_succeeded(&self, ticket: &LoginTicket) {
        let LoginTicket { wanted, way } = ticket;
        self.cache.login_succeeded(wanted, *way, KNOWN_FOR).await;
    }

    fn login_counters(
        &self,
        source: &Source,
        name: &str,
        account: Option<Uuid>,
        device: Option<Device>,
    ) -> LoginCounters {
        let name = typed(name);
        let account = account.map_or_else(
            || self.digest(Subject::Name(&name)),
            |id| self.digest(Subject::User(id)),
        );
        let counted = |dimension, digest| Counted {
            limiter: Limiter::Login.word(),
            dimension,
            digest,
        };
        let customer = source.customer();
        let rates = &self.rates;
        let reserved = Rate {
            count: rates.login_account.count / RESERVED_SHARE,
            ..rates.login_account
        };
        let open = Rate {
            count: rates.login_account.count - reserved.count,
            ..rates.login_account
        };
        let trusted = Rate {
            count: rates.login_known.count.saturating_mul(TRUSTED_SHARE),
            ..rates.login_known
        };
        let stranger = keyed_digest(&self.key, [b"c", &account, &customer]);
        let known = keyed_digest(&self.key, [b"k", &account, source.octets()]);
        let mut counters: Vec<_> = super::by_source(source, rates.login_source)
            .into_iter()
            .map(|(subject, rate)| (Group::Source, self.counted(Limiter::Login, subject), rate))
            .collect();
        counters.push((Group::Trusted, counted("trusted", account), trusted));
        if let Some(device) = device {
            let device = keyed_digest(&self.key, [b"d", &account, device.id()]);
            counters.push((Group::Device, counted("device", device), rates.login_known));
        }
        counters.push((Group::Known, counted("known", known), rates.login_known));
        counters.push((
            Group::Stranger,
            counted("stranger", stranger),
            rates.login_stranger,
        ));
        counters.push((Group::Open, counted(ACCOUNT, account), open));
        if reserved.count > 0 {
            counters.push((Group::Reserved, counted("reserved", account), reserved));
            counters.push((Group::Reserved, counted("turn", account), RESERVED_TURNS));
        }
        LoginCounters {
            known: counted("source-known", known),
            waits: counted("stranger-waits", stranger),
            counters,
            wait_after_denial: WAIT_AFTER_DENIAL,
            wait_after_guess: WAIT_AFTER_GUESS,
        }
    }
}

/// The normalised name.
fn typed(name: &str) -> String {
    name.trim().to_lowercase()
}
