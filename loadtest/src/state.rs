//! State of a virtual user: its account, its session, and its random numbers. All of it follows from the
//! seed and the user's number, so that a run can be repeated.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use goose::goose::GooseUser;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::connection::Connection;
use crate::recorder::Recorder;
use crate::stop::Stop;

/// An end that is not known yet.
const FAR: Duration = Duration::from_hours(1);
/// Share of an access token's lifetime after which it is renewed.
const RENEW_AFTER: f64 = 0.8;

/// Credentials of an account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Username.
    pub username: String,
    /// Password.
    pub password: String,
}

impl Account {
    /// E-mail address, in a domain that cannot exist (RFC 2606).
    #[must_use]
    pub fn email(&self) -> String {
        format!("{}@load.invalid", self.username)
    }
}

/// Tokens from a login or refresh.
#[derive(Clone, Debug)]
pub struct Tokens {
    /// The access token.
    pub access: String,
    /// The refresh token.
    pub refresh: String,
    stale: Instant,
}

impl Tokens {
    /// Tokens whose access token expires after this lifetime.
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

/// State that all users of a run share.
#[derive(Debug)]
pub struct Shared {
    /// Id of the run: part of every username, so that runs never share data.
    pub run: String,
    /// URL of the API, without a slash at the end.
    pub base: String,
    /// How users connect, unless as goose does by itself.
    pub connection: Option<Connection>,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Time until all users have started.
    pub ramp: Duration,
    /// Length of the run, from its first user on, or from the first arrival.
    pub length: Duration,
    /// When the first user started.
    pub began: OnceLock<Instant>,
    /// When arrivals at a rate begin, once all users are ready for them.
    pub arrivals: Option<OnceLock<Instant>>,
    /// Users that have taken their first step.
    pub ready: AtomicUsize,
    /// Users that are within a step.
    pub stepping: AtomicUsize,
    /// The administrator.
    pub admin: Account,
    /// Accounts registered before the run, for the scenario.
    pub accounts: Vec<Account>,
    /// Sessions shared by several users, for scenarios with those.
    pub sessions: Vec<Mutex<Option<Tokens>>>,
    /// Records every request.
    pub recorder: Arc<Recorder>,
    /// Ends the run before its time.
    pub stop: Stop,
}

impl Shared {
    /// When the first user started.
    pub fn started(&self) -> Instant {
        *self.began.get_or_init(Instant::now)
    }

    /// Whether all users have started by then, and arrivals at a rate have begun.
    pub fn is_steady(&self, now: Instant) -> bool {
        match &self.arrivals {
            None => now >= self.started() + self.ramp,
            Some(origin) => origin.get().is_some_and(|origin| now >= *origin),
        }
    }

    /// Whether users begin no further step.
    pub fn is_over(&self) -> bool {
        self.stop.reason().is_some() || Instant::now() >= self.deadline()
    }

    /// When users begin no further step, unless the run is stopped.
    pub fn deadline(&self) -> Instant {
        match &self.arrivals {
            None => self.started() + self.length,
            Some(origin) => match origin.get() {
                Some(origin) => *origin + self.length,
                None => Instant::now() + FAR,
            },
        }
    }
}

/// One virtual user's own state.
#[derive(Clone, Debug)]
pub struct UserState {
    /// Which of the run's users, from 0.
    pub index: usize,
    /// Its random numbers.
    pub rng: ChaCha8Rng,
    /// Accounts that it has made up so far.
    made: u32,
    /// Its account.
    pub account: Option<Account>,
    /// Its session.
    pub tokens: Option<Tokens>,
    /// Usual pause between two of its current steps, for the correction of coordinated omission.
    pub pace: Option<Duration>,
    /// Requests without an answer since the last one with.
    pub unanswered: u32,
    /// When its next request was due, if that is known.
    pub due: Option<Instant>,
    /// Time that it waited because it was refused, within this step.
    pub told: Duration,
    /// Client address that it claims, as a trusted proxy.
    pub source: Option<String>,
    /// State shared with the other users.
    pub shared: Arc<Shared>,
}

impl UserState {
    /// The user of this number.
    #[must_use]
    pub fn new(index: usize, shared: Arc<Shared>) -> Self {
        Self {
            index,
            rng: rng(shared.seed, index),
            made: 0,
            account: None,
            tokens: None,
            pace: None,
            unanswered: 0,
            due: None,
            told: Duration::ZERO,
            source: None,
            shared,
        }
    }

    /// A new account.
    pub fn new_account(&mut self) -> Account {
        self.made += 1;
        new_account(&self.shared.run, self.index, self.made, &mut self.rng)
    }
}

/// Random numbers of a user: the same for the same seed and number.
#[must_use]
pub fn rng(seed: u64, index: usize) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(index as u64);
    rng
}

/// The `number`th account of a user. The password follows from the random numbers alone; the name also
/// contains the run, so that two runs with one seed do not collide.
pub fn new_account(run: &str, index: usize, number: u32, rng: &mut ChaCha8Rng) -> Account {
    const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let letters = (0..20).map(|_| char::from(LETTERS[rng.random_range(0..LETTERS.len())]));
    Account {
        username: format!("lt-{run}-{index}-{number}"),
        password: letters.collect(),
    }
}

/// Where a [`GooseUser`] keeps its state between two transactions.
#[derive(Clone)]
pub(crate) struct Slot(pub(crate) Option<UserState>);

/// Takes the state out of goose's user; it is put back after the transaction.
pub(crate) fn take(goose_user: &mut GooseUser) -> Option<UserState> {
    goose_user.get_session_data_mut::<Slot>()?.0.take()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seed_and_number_determine_the_user() {
        let draw = |seed, index| {
            let mut rng = rng(seed, index);
            let account = new_account("a", index, 1, &mut rng);
            (account.username, account.password, rng.random::<u64>())
        };
        assert_eq!(draw(1, 7), draw(1, 7));
        assert_ne!(draw(1, 7).1, draw(1, 8).1);
        assert_ne!(draw(1, 7).1, draw(2, 7).1);
    }

    #[test]
    fn runs_with_the_same_seed_share_no_username() {
        let name = |run| new_account(run, 3, 1, &mut rng(1, 3)).username;
        assert_ne!(name("a"), name("b"));
    }
}
