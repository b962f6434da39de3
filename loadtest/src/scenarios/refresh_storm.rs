//! Every session is refreshed at the same moment. Of three users two hold one session, as two tabs of
//! a browser do, and send the same token at the same time.

use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::scenario::{Class, Scenario, step};
use crate::ledger::Outcome;
use crate::player::Tokens;
use crate::verdict::Fact;
use crate::visitor::Visitor;

/// From one storm to the next.
const ROUND: Duration = Duration::from_secs(2);
/// How long before a storm the token is read that is sent in it.
const BEFORE: Duration = Duration::from_millis(400);

pub(super) const SCENARIO: Scenario = Scenario {
    name: "refresh-storm",
    about: "300 users refresh at the same moment every 2 s, two thirds of them in pairs with the same token, and then read",
    story: "The database's writer: all refreshes of a moment stand in one queue, each one a transaction that \
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
        }]
    },
    ..Scenario::BASE
};

/// The session of a user: of three, the first two share one.
const fn family(index: usize) -> usize {
    index / 3 * 2 + index % 3 / 2
}

fn tokens<'a>(visitor: &'a Visitor<'_>) -> MutexGuard<'a, Option<Tokens>> {
    let family = &visitor.player.shared.families[family(visitor.player.index)];
    family.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn open(visitor: &mut Visitor<'_>) {
    // The second tab of a pair comes to the session of the first.
    if visitor.player.index % 3 != 1 {
        visitor.arrive().await;
        let opened = visitor.player.tokens.clone();
        *tokens(visitor) = opened;
    }
}

async fn storm(visitor: &mut Visitor<'_>) {
    let since = visitor.player.shared.started();
    let rounds = (since.elapsed() + BEFORE).as_secs_f64() / ROUND.as_secs_f64();
    let next = since + ROUND.mul_f64(rounds.floor() + 1.0);
    visitor
        .wait(next.saturating_duration_since(Instant::now() + BEFORE))
        .await;
    let held = tokens(visitor).clone();
    visitor
        .wait(next.saturating_duration_since(Instant::now()))
        .await;
    if visitor.is_over() {
        return;
    }
    if let Some(held) = held {
        let answer = visitor.refresh_with(&held.refresh).await;
        if answer.outcome == Outcome::Success && visitor.keep(&answer) {
            let renewed = visitor.player.tokens.clone();
            *tokens(visitor) = renewed;
            visitor.me().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_three_users_the_first_two_share_a_session() {
        let families: Vec<_> = (0..6).map(family).collect();
        assert_eq!(families, [0, 0, 1, 2, 2, 3]);
    }
}
