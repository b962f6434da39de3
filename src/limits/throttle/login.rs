//! The limits of logins.
//!
//! Every login counts for its source. What it takes of the account depends on who asks: a device or a
//! source that logged in to the account before has permits of its own, and strangers share a budget, of
//! which a part is reserved for those who have not just had a turn. So nobody keeps an owner out, and
//! all strangers together guess no faster than the account's limit.

use std::time::Duration;

use uuid::Uuid;

use super::{ACCOUNT, SOURCE, Source, Subject, Throttle};
use crate::cache::{Counted, Group, LoginCounters, LoginDecision, Way};
use crate::error::Result;
use crate::limits::Device;
use crate::metrics::Limiter;
use crate::rate::Rate;
use crate::secrets::keyed_digest;

/// One in so many of the account's permits is reserved for strangers who have not just had a turn.
const RESERVED_SHARE: u32 = 3;
/// Reserved permits come singly, so that strangers who all come at once do not take them all.
const RESERVED_TURNS: Rate = Rate {
    count: 1,
    period: Duration::from_secs(30),
};
/// A stranger who asked in vain gets a reserved turn only after this rest. A person who types needs as
/// long; a program that hammers never rests.
const WAIT_AFTER_DENIAL: Duration = Duration::from_secs(10);
/// After a wrong guess it is others' turn.
const WAIT_AFTER_GUESS: Duration = Duration::from_hours(1);
/// How many times the permits of one device or known source all of an account's have together.
const TRUSTED_SHARE: u32 = 10;
/// How long a source is known after a login.
const KNOWN_FOR: Duration = Duration::from_hours(30 * 24);
/// How long the account of a typed name is remembered, so that a denied login asks no database.
const NAME_FOR: Duration = Duration::from_mins(1);
/// The longest time for which a source's denial is remembered without asking its counter.
const DENIAL_FOR: Duration = Duration::from_mins(1);

/// What the look-up of a name found.
#[derive(Clone, Copy)]
pub struct Named(pub Option<Uuid>);

/// A login that was admitted, for when its password turns out to be right.
pub struct LoginTicket {
    wanted: LoginCounters,
    way: Way,
}

impl Throttle {
    /// Refuses a source whose logins are denied for now, before anything is looked up.
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

    /// The account of a typed name, if it was looked up a moment ago.
    #[must_use]
    pub fn account_of(&self, name: &str) -> Option<Named> {
        self.names.get(&self.digest(Subject::Name(&typed(name))))
    }

    /// Remembers which account a typed name belongs to.
    pub fn remember_account(&self, name: &str, account: Option<Uuid>) {
        if !self.is_exempt() {
            let digest = self.digest(Subject::Name(&typed(name)));
            self.names.insert(digest, Named(account), NAME_FOR);
        }
    }

    /// Checks the limits of a login, by source and account. A name without an account is counted like an
    /// account. Nothing is given to one that is exempt. With `recount` the source was charged before, and
    /// another account than this one.
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

    /// Remembers that a login was right: it gives the account's permit back and makes the source known.
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

/// The name as it is compared.
fn typed(name: &str) -> String {
    name.trim().to_lowercase()
}
