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
        let (state, way) = read(wanted, &reply).ok_or_else(misunderstood)?;
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

/// The state and the way in a reply of the script, if it has the form of one. A later time than
/// the script can reply with is limited.
fn read(wanted: &LoginCounters, reply: &[i64]) -> Option<(LoginState, Option<Way>)> {
    let [now, known, waits_until, way, full_at @ ..] = reply else {
        return None;
    };
    if full_at.len() != wanted.counters.len() || !(0..LATEST).contains(now) {
        return None;
    }
    let counters = wanted.counters.iter().zip(full_at);
    let state = LoginState {
        now: *now,
        known: *known == 1,
        waits_until: (*waits_until).clamp(*now, LATEST),
        full_at: counters
            .map(|((.., rate), at)| rate.full_at(Some(*at), *now))
            .collect(),
    };
    Some((state, Way::from_group(*way)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::{Counted, Group};
    use crate::rate::Rate;

    const NOW: i64 = 1_767_225_600_000_000;

    fn wanted() -> LoginCounters {
        let counted = |dimension| Counted {
            limiter: "login",
            dimension,
            digest: [0; 16],
        };
        let rate = Rate {
            count: 1,
            period: Duration::from_secs(1),
        };
        LoginCounters {
            known: counted("known"),
            waits: counted("waits"),
            counters: vec![
                (Group::Source, counted("source"), rate),
                (Group::Open, counted("open"), rate),
            ],
            wait_after_denial: Duration::from_secs(1),
            wait_after_guess: Duration::from_secs(1),
        }
    }

    #[test]
    fn what_no_script_replies_is_not_understood() {
        for reply in [
            &[][..],
            &[NOW, 1, NOW, 5],
            &[NOW, 1, NOW, 5, NOW],
            &[NOW, 1, NOW, 5, NOW, NOW, NOW],
            &[-1, 1, NOW, 5, NOW, NOW],
            &[LATEST, 1, NOW, 5, NOW, NOW],
            &[i64::MAX, 1, NOW, 5, NOW, NOW],
        ] {
            assert!(read(&wanted(), reply).is_none(), "{reply:?}");
        }
    }

    #[test]
    fn of_a_reply_only_what_can_be_is_believed() {
        let soon = NOW + 1_000_000;
        let (state, way) = read(&wanted(), &[NOW, 1, soon, 5, soon, NOW]).expect("a reply");
        assert_eq!(
            (state.now, state.known, state.waits_until),
            (NOW, true, soon)
        );
        assert_eq!((state.full_at, way), (vec![soon, NOW], Some(Way::Open)));
        for known in [-1, 0, 2] {
            let reply = [NOW, known, i64::MIN, 1, i64::MAX, i64::MIN];
            let (state, way) = read(&wanted(), &reply).expect("a reply");
            assert_eq!((state.known, state.waits_until), (false, NOW));
            assert_eq!((state.full_at, way), (vec![NOW, NOW], None));
        }
        let (state, _) = read(&wanted(), &[0, 1, i64::MAX, 5, 0, 0]).expect("a reply");
        assert_eq!((state.now, state.waits_until), (0, LATEST));
    }
}
