//! Login attempts, counted in Redis.

use std::time::Duration;

use super::link::misunderstood;
use super::{LATEST, Redis, millis, scripts};
use crate::cache::gcra::whole_micros;
use crate::cache::login::{LoginCounters, LoginDecision, LoginState, Way};
use crate::error::Result;
use crate::metrics::{DEPENDENCY_FALLBACKS, Fallback, RedisOperation};

impl Redis {
    pub(in crate::cache) async fn try_login(
        &self,
        wanted: &LoginCounters,
    ) -> Result<LoginDecision> {
        let mut call = scripts::LOGIN.prepare_invoke();
        call.key(self.counter(&wanted.known));
        call.key(self.counter(&wanted.waits));
        call.arg(whole_micros(wanted.wait_after_denial));
        call.arg(whole_micros(wanted.wait_after_guess));
        for (group, counted, rate) in &wanted.counters {
            call.key(self.counter(counted));
            call.arg(*group as u8)
                .arg(rate.interval())
                .arg(rate.burst());
        }
        let reply: Vec<i64> = self.link.script(RedisOperation::Permits, &call).await?;
        let [now, known, waits_until, way, full_at @ ..] = reply.as_slice() else {
            return Err(misunderstood());
        };
        if full_at.len() != wanted.counters.len() || !(0..LATEST).contains(now) {
            return Err(misunderstood());
        }
        // The script cannot reply with a later time: limit it.
        let counters = wanted.counters.iter().zip(full_at);
        let state = LoginState {
            now: *now,
            known: *known == 1,
            waits_until: (*waits_until).clamp(*now, LATEST),
            full_at: counters
                .map(|((.., rate), at)| rate.full_at(Some(*at), *now))
                .collect(),
        };
        let way = Way::from_group(*way);
        Ok(wanted.decision(&state, way))
    }

    /// The decision of Redis, unless this replica's own count denies it: see [`Redis::confirmed`].
    pub(in crate::cache) fn confirmed_login(
        &self,
        wanted: &LoginCounters,
        decision: LoginDecision,
    ) -> LoginDecision {
        let LoginDecision::Admitted(way) = decision else {
            return decision;
        };
        let own: Vec<_> = wanted
            .taken(way)
            .map(|(_, counted, rate)| (counted.clone(), rate.with_double_burst()))
            .collect();
        let own = self.local().try_acquire(&own);
        let denied = own.iter().filter(|permit| !permit.allowed);
        let Some(wait) = denied.map(|permit| permit.retry_after).max() else {
            return decision;
        };
        DEPENDENCY_FALLBACKS.inc(Fallback::CounterReset);
        LoginDecision::AccountLimited(wait)
    }

    pub(in crate::cache) async fn login_succeeded(
        &self,
        wanted: &LoginCounters,
        way: Way,
        time: Duration,
    ) -> Result<()> {
        let mut call = scripts::LOGIN_SUCCEEDED.prepare_invoke();
        call.key(self.counter(&wanted.known));
        call.key(self.counter(&wanted.waits));
        call.arg(millis(time));
        for (counted, rate) in wanted.given_back(way) {
            call.key(self.counter(counted));
            call.arg(rate.interval());
        }
        self.link.script(RedisOperation::Permits, &call).await
    }
}
