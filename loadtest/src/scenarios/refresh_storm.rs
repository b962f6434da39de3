//! All sessions are refreshed at the same moment. Two of three users share a session, like two tabs of a
//! browser, and send the same token at the same time. They read once both have their answer: a token is
//! given a second time after its use in one generation, not in two in a row.

use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::outcome::Outcome;
use crate::state::Tokens;
use crate::user::User;

/// Time from one storm to the next.
const ROUND: Duration = Duration::from_secs(2);
/// Time from a storm until its users read.
const PAUSE: Duration = Duration::from_millis(800);
/// Time before a storm at which its token is read.
const BEFORE: Duration = Duration::from_millis(400);

/// The action by which users wait for each other.
pub(super) const WITH_ALL_OTHERS: &str = "refresh with all others";

/// The session of a user: of three users, the first two share one.
const fn shared_session(index: usize) -> usize {
    index / 3 * 2 + index % 3 / 2
}

fn tokens<'a>(user: &'a User<'_>) -> MutexGuard<'a, Option<Tokens>> {
    let session = &user.state.shared.sessions[shared_session(user.state.index)];
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a session, or takes part in one.
pub(super) async fn open(user: &mut User<'_>) {
    // The second tab of a pair uses the session of the first.
    if user.state.index % 3 != 1 {
        user.register_and_login().await;
        let opened = user.state.tokens.clone();
        *tokens(user) = opened;
    }
}

/// Refreshes at the same moment as all others, and then reads.
pub(super) async fn refresh(user: &mut User<'_>) {
    user.state.pace = Some(ROUND);
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
