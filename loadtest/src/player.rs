//! Who a virtual user is: the accounts, and the chances that decide what it does next. All of it
//! follows from the seed and the user's number, so that a run can be repeated.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use goose::goose::GooseUser;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::ledger::Ledger;

/// How much of an access token's life is used before it is renewed.
const RENEW_AFTER: f64 = 0.8;

/// What an account logs in with.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its name.
    pub username: String,
    /// Its password.
    pub password: String,
}

impl Account {
    /// Its address: of a domain that cannot exist (RFC 2606).
    #[must_use]
    pub fn email(&self) -> String {
        format!("{}@load.invalid", self.username)
    }
}

/// What a login or a refresh gave.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    stale: Instant,
}

impl Tokens {
    /// Tokens whose access token lives this long from now.
    #[must_use]
    pub fn new(access: String, refresh: String, lifetime: Duration) -> Self {
        let stale = Instant::now() + lifetime.mul_f64(RENEW_AFTER);
        Self {
            access,
            refresh,
            stale,
        }
    }

    /// Whether the access token should be renewed.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        Instant::now() >= self.stale
    }
}

/// What all users of a run share.
#[derive(Debug)]
pub struct Shared {
    /// Tells the data of this run from that of every other: a part of every name.
    pub run: String,
    /// What the chances follow from.
    pub seed: u64,
    /// How long the run lasts from its first user on.
    pub length: Duration,
    /// When the first user began.
    pub began: OnceLock<Instant>,
    /// The administrator.
    pub admin: Account,
    /// Accounts that the scenario had made beforehand.
    pub accounts: Vec<Account>,
    /// Sessions that several users hold, for scenarios in which they do.
    pub families: Vec<Mutex<Option<Tokens>>>,
    /// What everybody saw.
    pub ledger: Arc<Ledger>,
}

impl Shared {
    /// When the users began.
    pub fn started(&self) -> Instant {
        *self.began.get_or_init(Instant::now)
    }

    /// When nobody begins anything more.
    pub fn deadline(&self) -> Instant {
        self.started() + self.length
    }
}

/// One virtual user's own state.
#[derive(Clone, Debug)]
pub struct Player {
    /// Which of the run's users, from 0.
    pub index: usize,
    /// What it draws its chances from.
    pub chance: ChaCha8Rng,
    /// How many accounts it has made up.
    made: u32,
    /// The account that it is.
    pub account: Option<Account>,
    /// Its session.
    pub tokens: Option<Tokens>,
    /// How long it usually waits between two requests: what it did not send while it waited for an
    /// answer is judged by that.
    pub pace: Option<Duration>,
    /// The address that it seems to come from, behind a proxy that is believed.
    pub source: Option<String>,
    /// What it shares with the others.
    pub shared: Arc<Shared>,
}

impl Player {
    /// The user of this number.
    #[must_use]
    pub fn new(index: usize, pace: Option<Duration>, shared: Arc<Shared>) -> Self {
        Self {
            index,
            chance: chance(shared.seed, index),
            made: 0,
            account: None,
            tokens: None,
            pace,
            source: None,
            shared,
        }
    }

    /// An account that nobody has.
    pub fn make_up(&mut self) -> Account {
        self.made += 1;
        make_up(&self.shared.run, self.index, self.made, &mut self.chance)
    }
}

/// The chances of a user: the same for the same seed and number.
#[must_use]
pub fn chance(seed: u64, index: usize) -> ChaCha8Rng {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    chance.set_stream(index as u64);
    chance
}

/// The account of this number of a user. The password follows from the chances alone, the name also
/// from the run, so that two runs with one seed do not meet.
pub fn make_up(run: &str, index: usize, number: u32, chance: &mut ChaCha8Rng) -> Account {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters = (0..20).map(|_| char::from(LETTERS[chance.random_range(0..LETTERS.len())]));
    Account {
        username: format!("lt-{run}-{index}-{number}"),
        password: letters.collect(),
    }
}

/// Where a [`GooseUser`] keeps its player between two transactions.
#[derive(Clone)]
pub(crate) struct Slot(pub(crate) Option<Player>);

/// Takes the player out of its user; it is given back after the transaction.
pub(crate) fn take(user: &mut GooseUser) -> Option<Player> {
    user.get_session_data_mut::<Slot>()?.0.take()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_number_give_the_same_user_again() {
        let draw = |seed, index| {
            let mut chance = chance(seed, index);
            let account = make_up("a", index, 1, &mut chance);
            (account.username, account.password, chance.random::<u64>())
        };
        assert_eq!(draw(1, 7), draw(1, 7));
        assert_ne!(draw(1, 7).1, draw(1, 8).1);
        assert_ne!(draw(1, 7).1, draw(2, 7).1);
    }

    #[test]
    fn two_runs_with_one_seed_share_no_name() {
        let name = |run| make_up(run, 3, 1, &mut chance(1, 3)).username;
        assert_ne!(name("a"), name("b"));
    }
}
