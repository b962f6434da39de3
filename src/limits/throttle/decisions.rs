//! The limits of questions about permissions. Another service asks them for all of its users, from one
//! address, so its account is counted and not its address. Callers that are no account, or not one that may
//! ask, are counted by address: apart from other requests, so that neither keeps the other out.

use uuid::Uuid;

use super::{ACCOUNT, SOURCE, Throttle, allow};
use crate::cache::{Counted, Permit};
use crate::error::Result;
use crate::limits::source::Source;
use crate::metrics::{Backend, Limiter};
use crate::rate::Rate;

/// The name of the counters of callers that were refused.
const REFUSED: &str = "refused";

impl Throttle {
    /// Checks the limit of questions by the account that asks them. In process, as for every request: a
    /// question that the caches answer makes no round trip.
    ///
    /// # Errors
    /// [`Error::RateLimited`](crate::error::Error::RateLimited).
    pub fn decisions(&self, user: Uuid) -> Result<()> {
        if self.is_exempt() {
            return Ok(());
        }
        let rate = self.rates.decisions_account;
        let counted = Counted {
            limiter: Limiter::Decisions.word(),
            dimension: ACCOUNT,
            digest: user.into_bytes(),
        };
        let permit = self.here.try_acquire_one(&counted, rate);
        Self::decide(
            Limiter::Decisions,
            Backend::Memory,
            [(ACCOUNT, rate, permit)],
        )?;
        allow(Limiter::Decisions, Backend::Memory);
        Ok(())
    }

    /// Checks that the callers of this source may still be refused, before a token is verified for one.
    ///
    /// # Errors
    /// [`Error::RateLimited`](crate::error::Error::RateLimited).
    pub fn expect_caller(&self, source: &Source) -> Result<()> {
        if self.is_exempt() {
            return Ok(());
        }
        let answers = source.networks().map(|network| {
            let counted = Counted {
                limiter: REFUSED,
                dimension: network.word(),
                digest: network.octets(),
            };
            let rate = network.share(self.rates.general);
            (SOURCE, rate, self.here.peek(&counted, rate))
        });
        let answers: Vec<(&'static str, Rate, Permit)> = answers.collect();
        Self::decide(Limiter::General, Backend::Memory, answers)
    }

    /// Counts a caller of this source that was refused.
    ///
    /// # Errors
    /// [`Error::RateLimited`](crate::error::Error::RateLimited).
    pub fn note_refused_caller(&self, source: &Source) -> Result<()> {
        self.count_here(Limiter::General, REFUSED, self.rates.general, source)
    }
}
