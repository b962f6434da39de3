//! All sessions are refreshed at the same moment. Two of three users share a session, like two tabs of a
//! browser, and send the same token at the same time. They read once both have their answer: a token is
//! given a second time after its use in one generation, not in two in a row.

use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::scenario::{Class, Scenario, step};
use crate::recorder::Outcome;
use crate::state::Tokens;
use crate::user::User;
use crate::verdict::Fact;

/// Time from one storm to the next.
const ROUND: Duration = Duration::from_secs(2);
/// Time from a storm until its users read.
const PAUSE: Duration = Duration::from_millis(800);
/// Time before a storm at which its token is read.
const BEFORE: Duration = Duration::from_millis(400);

pub(super) const SCENARIO: Scenario = Scenario {
    name: "refresh-storm",
    about: "300 users refresh at the same moment every 2 s, two thirds of them in pairs with the same token, and then read",
    bottleneck: "The database's writer: all refreshes of a moment stand in one queue, each one a transaction that \
            waits for the disk, so the last one waits for all others. Nothing is hashed, and no session is \
            lost.",
    run_time: Duration::from_mins(1),
    users: 300,
    rate: 50.0,
    facts: &[Fact::NO_FAMILY_REVOKED, Fact::TWO_TABS],
    saturates: true,
    classes: || {
        vec![Class {
            name: "tab",
            weight: 1,
            wait: None,
            start: step!(open),
            step: step!(storm),
            arrivals: None,
        }]
    },
    ..Scenario::BASE
};

/// The session of a user: of three users, the first two share one.
const fn shared_session(index: usize) -> usize {
    index / 3 * 2 + index % 3 / 2
}

fn tokens<'a>(user: &'a User<'_>) -> MutexGuard<'a, Option<Tokens>> {
    let session = &user.state.shared.sessions[shared_session(user.state.index)];
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn open(user: &mut User<'_>) {
    // The second tab of a pair uses the session of the first.
    if user.state.index % 3 != 1 {
        user.register_and_login().await;
        let opened = user.state.tokens.clone();
        *tokens(user) = opened;
    }
}

async fn storm(user: &mut User<'_>) {
    let since = user.state.shared.started();
    let rounds = (since.elapsed() + BEFORE).as_secs_f64() / ROUND.as_secs_f64();
    let next = since + ROUND.mul_f64(rounds.floor() + 1.0);
    user.wait(next.saturating_duration_since(Instant::now() + BEFORE))
        .await;
    let held = tokens(user).clone();
    user.wait(next.saturating_duration_since(Instant::now()))
        .await;
    if user.is_over() {
        return;
    }
    if let Some(held) = held {
        let answer = user.refresh_with(&held.refresh).await;
        if answer.outcome == Outcome::Success && user.store_tokens(&answer) {
            let renewed = user.state.tokens.clone();
            *tokens(user) = renewed;
            user.wait((next + PAUSE).saturating_duration_since(Instant::now()))
                .await;
            user.me().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_two_of_three_users_share_a_session() {
        let sessions: Vec<_> = (0..6).map(shared_session).collect();
        assert_eq!(sessions, [0, 0, 1, 2, 2, 3]);
    }
}
