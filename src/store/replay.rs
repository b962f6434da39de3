//! The decision about a refresh token that is presented again. Without I/O.
//!
//! A client that lost the response presents the parent of a token that was never used. A thief presents
//! it while the owner continues to use the session. So the parent is honoured
//!
//! - as long as neither the successor nor its access token was used, however late;
//! - within the grace period although its access token was used, once a generation, and only for a
//!   client of the same kind in the same network: two tabs do so.
//!
//! Everything else ends the session: a token whose successor was rotated itself, and suspicious replays
//! in two generations in a row.

/// Why a replay is honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replay {
    /// Nobody has used the successor.
    Unused,
    /// Its access token was used, within the grace period.
    Grace,
}

/// The history of a replayed token and its successor.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own, and any may go with any"
)]
pub(super) struct Past {
    /// Its successor is the current token.
    pub is_parent: bool,
    /// An access token issued with the successor was used before the replay came.
    pub was_used: bool,
    /// It was rotated within the grace period.
    pub in_grace: bool,
    /// The replay comes from the kind and network of client that rotated it.
    pub same_client: bool,
    /// How many generations ago the last suspicious replay was: 0 is the current one.
    pub generations_since_suspicion: Option<i64>,
}

/// The decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The client gets the successor again.
    Honour {
        /// Why.
        replay: Replay,
        /// Whether the replay is suspicious: a thief could have made it, too.
        suspicious: bool,
    },
    /// The session ends.
    End {
        /// Whether the successor or its access token had been used.
        successor_used: bool,
    },
}

impl Past {
    /// Decides.
    pub(super) fn judge(self) -> Verdict {
        let successor_used = !self.is_parent || self.was_used;
        // A repeated request within the grace period, or by the same client, is not suspicious.
        let suspicious = successor_used || !(self.in_grace || self.same_client);
        let in_a_row = suspicious && self.generations_since_suspicion == Some(1);
        let first_here = self.generations_since_suspicion != Some(0);
        let in_grace = self.in_grace && self.same_client && first_here;
        if !self.is_parent || in_a_row || (successor_used && !in_grace) {
            return Verdict::End { successor_used };
        }
        let replay = if successor_used {
            Replay::Grace
        } else {
            Replay::Unused
        };
        Verdict::Honour { replay, suspicious }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOST_ANSWER: Past = Past {
        is_parent: true,
        was_used: false,
        in_grace: false,
        same_client: true,
        generations_since_suspicion: None,
    };
    const TWO_TABS: Past = Past {
        was_used: true,
        in_grace: true,
        ..LOST_ANSWER
    };

    fn honoured(replay: Replay, suspicious: bool) -> Verdict {
        Verdict::Honour { replay, suspicious }
    }

    const fn ended(successor_used: bool) -> Verdict {
        Verdict::End { successor_used }
    }

    #[test]
    fn parent_of_unused_successor_is_honoured_however_late_and_often() {
        for generations_since_suspicion in [None, Some(0), Some(1), Some(2)] {
            let again = Past {
                generations_since_suspicion,
                ..LOST_ANSWER
            };
            assert_eq!(again.judge(), honoured(Replay::Unused, false), "{again:?}");
        }
    }

    #[test]
    fn late_replay_by_another_client_is_honoured_but_not_in_two_generations() {
        for (generations_since_suspicion, verdict) in [
            (None, honoured(Replay::Unused, true)),
            (Some(0), honoured(Replay::Unused, true)),
            (Some(1), ended(false)),
            (Some(2), honoured(Replay::Unused, true)),
        ] {
            let elsewhere = Past {
                same_client: false,
                generations_since_suspicion,
                ..LOST_ANSWER
            };
            assert_eq!(elsewhere.judge(), verdict, "{elsewhere:?}");
        }
        let at_once = Past {
            same_client: false,
            in_grace: true,
            generations_since_suspicion: Some(1),
            ..LOST_ANSWER
        };
        assert_eq!(at_once.judge(), honoured(Replay::Unused, false));
    }

    #[test]
    fn parent_of_used_successor_is_honoured_in_grace_once_a_generation_for_the_same_client() {
        assert_eq!(TWO_TABS.judge(), honoured(Replay::Grace, true));
        let late = Past {
            in_grace: false,
            ..TWO_TABS
        };
        let elsewhere = Past {
            same_client: false,
            ..TWO_TABS
        };
        for past in [late, elsewhere] {
            assert_eq!(past.judge(), ended(true), "{past:?}");
        }
        for (generations_since_suspicion, verdict) in [
            (Some(0), ended(true)),
            (Some(1), ended(true)),
            (Some(2), honoured(Replay::Grace, true)),
        ] {
            let again = Past {
                generations_since_suspicion,
                ..TWO_TABS
            };
            assert_eq!(again.judge(), verdict, "{again:?}");
        }
    }

    #[test]
    fn token_whose_successor_was_rotated_is_never_honoured() {
        for past in [LOST_ANSWER, TWO_TABS] {
            let older = Past {
                is_parent: false,
                ..past
            };
            assert_eq!(older.judge(), ended(true), "{older:?}");
        }
    }
}
