//! The counters of a login: they decide which of several budgets a login attempt is taken from.
//!
//! An attempt needs a permit of every counter of its source, and one of four ways. Denied attempts take
//! no permits.

use std::time::Duration;

use super::gcra::{micros, whole_micros};
use super::{Counted, Permit};
use crate::rate::Rate;

/// The use of a counter. The numbers are those of the script in Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// All logins of the source, with any name.
    Source = 0,
    /// The account, for devices and sources that logged in to it before.
    Trusted = 1,
    /// The account on one device.
    Device = 2,
    /// The account from one source that logged in to it before.
    Known = 3,
    /// The account from one source.
    Stranger = 4,
    /// The account, for unknown clients.
    Open = 5,
    /// The account, for unknown clients that have not just tried.
    Reserved = 6,
}

/// The way on which a guess was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// By a device that logged in to the account before.
    Device,
    /// By a source that logged in to the account before.
    Known,
    /// By the account's budget for unknown clients.
    Open,
    /// By the part of it that is reserved for unknown clients that have not just tried.
    Reserved,
}

/// The ways, most trusted first, with the groups that each needs.
const WAYS: [(Way, [Group; 2]); 4] = [
    (Way::Device, [Group::Device, Group::Trusted]),
    (Way::Known, [Group::Known, Group::Trusted]),
    (Way::Open, [Group::Open, Group::Stranger]),
    (Way::Reserved, [Group::Reserved, Group::Stranger]),
];

/// The input of the decision.
#[derive(Clone, Debug)]
pub struct LoginCounters {
    /// Exists while the source counts as one that logged in to the account before.
    pub known: Counted,
    /// Until this time the source gets no reserved permit.
    pub waits: Counted,
    /// The counters. Groups that are not among them are not offered.
    pub counters: Vec<(Group, Counted, Rate)>,
    /// How long a source waits for a reserved turn after a denied request.
    pub wait_after_denial: Duration,
    /// How long it waits after a wrong password.
    pub wait_after_guess: Duration,
}

/// The decision about a guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginDecision {
    /// Admitted on this way.
    Admitted(Way),
    /// The source has to wait for so long, whatever the account.
    SourceLimited(Duration),
    /// No way is open before this wait is over.
    AccountLimited(Duration),
}

/// The stored state before an attempt, and the time.
pub(super) struct LoginState {
    pub(super) now: i64,
    pub(super) known: bool,
    pub(super) waits_until: i64,
    /// When each counter was full, in their order.
    pub(super) full_at: Vec<i64>,
}

impl Way {
    /// The number of the way's own group, as the script in Redis replies.
    pub(super) fn from_group(group: i64) -> Option<Self> {
        let own = |(way, [own, _]): &(Self, [Group; 2])| (*own as i64 == group).then_some(*way);
        WAYS.iter().find_map(own)
    }

    /// Whether a guess on this way takes from the group.
    pub(super) fn takes(self, group: Group) -> bool {
        let needs = |(way, needs): &(Self, [Group; 2])| *way == self && needs.contains(&group);
        group == Group::Source || WAYS.iter().any(needs)
    }

    /// Whether every client may use it.
    pub(super) const fn is_of_strangers(self) -> bool {
        matches!(self, Self::Open | Self::Reserved)
    }
}

impl LoginCounters {
    /// The counters that a guess on this way takes from.
    pub(super) fn taken(&self, way: Way) -> impl Iterator<Item = &(Group, Counted, Rate)> {
        let taken = move |counter: &&(Group, Counted, Rate)| way.takes(counter.0);
        self.counters.iter().filter(taken)
    }

    /// The counters that a right guess on this way gives back: those of the account. A source's logins
    /// count whether they succeed or not, because each costs a hash.
    pub(super) fn given_back(&self, way: Way) -> impl Iterator<Item = (&Counted, Rate)> {
        let of_account = self
            .taken(way)
            .filter(|(group, ..)| *group != Group::Source);
        of_account.map(|(_, counted, rate)| (counted, *rate))
    }

    /// The first way that is open.
    pub(super) fn way(&self, state: &LoginState) -> Option<Way> {
        let open = |group| self.wait(state, group).is_none_or(|wait| wait.is_zero());
        if !open(Group::Source) {
            return None;
        }
        let admits = |(way, groups): &&(Way, [Group; 2])| {
            self.offers(state, *way)
                && (*way != Way::Reserved || state.waits_until <= state.now)
                && groups.iter().all(|group| open(*group))
        };
        WAYS.iter().find(admits).map(|(way, _)| *way)
    }

    /// The decision, where no way was open or this one.
    pub(super) fn decision(&self, state: &LoginState, way: Option<Way>) -> LoginDecision {
        if let Some(way) = way {
            return LoginDecision::Admitted(way);
        }
        let of = |group| self.wait(state, group).unwrap_or_default();
        let source = of(Group::Source);
        if !source.is_zero() {
            return LoginDecision::SourceLimited(source);
        }
        let offered = WAYS.iter().filter(|(way, _)| self.offers(state, *way));
        let waits = offered.map(|(way, [own, shared])| {
            let counters = of(*own).max(of(*shared));
            if *way == Way::Reserved {
                let waits = micros(state.waits_until - state.now);
                counters.max(waits).max(self.wait_after_denial)
            } else {
                counters
            }
        });
        LoginDecision::AccountLimited(waits.min().unwrap_or_default())
    }

    fn offers(&self, state: &LoginState, way: Way) -> bool {
        let own = WAYS.iter().find(|(other, _)| *other == way);
        let has =
            own.is_some_and(|(_, [own, _])| self.counters.iter().any(|(group, ..)| group == own));
        has && (way != Way::Known || state.known)
    }

    /// The longest wait of a group's counters; `None` if there are none.
    fn wait(&self, state: &LoginState, group: Group) -> Option<Duration> {
        let counters = self.counters.iter().zip(&state.full_at);
        let of_group = counters.filter(|((other, ..), _)| *other == group);
        let permits = of_group.map(|((.., rate), full_at)| rate.permit(*full_at, state.now, false));
        permits.map(|Permit { retry_after, .. }| retry_after).max()
    }

    /// Until when the source waits for a reserved turn after this guess; `None` if that is not changed.
    pub(super) fn next_wait(&self, state: &LoginState, way: Option<Way>) -> Option<i64> {
        let wait = match way {
            Some(way) if !way.is_of_strangers() => return None,
            Some(_) => self.wait_after_guess,
            None => self.wait_after_denial,
        };
        Some(state.waits_until.max(state.now + whole_micros(wait)))
    }
}
