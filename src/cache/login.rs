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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_767_225_600_000_000;
    const GROUPS: [(Group, &str); 7] = [
        (Group::Source, "source"),
        (Group::Trusted, "trusted"),
        (Group::Device, "device"),
        (Group::Known, "known"),
        (Group::Stranger, "stranger"),
        (Group::Open, "open"),
        (Group::Reserved, "reserved"),
    ];

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    const fn counted(dimension: &'static str) -> Counted {
        Counted {
            limiter: "login",
            dimension,
            digest: [0; 16],
        }
    }

    /// One counter of each of these groups, and when it has its next permit, in seconds from now.
    fn asked(waits: &[(Group, i64)]) -> (LoginCounters, LoginState) {
        let rate = Rate {
            count: 1,
            period: seconds(1),
        };
        let counter = |group| {
            let dimension = GROUPS.iter().find(|(other, _)| *other == group);
            (group, counted(dimension.expect("a group").1), rate)
        };
        let counters = LoginCounters {
            known: counted("is known"),
            waits: counted("waits"),
            counters: waits.iter().map(|(group, _)| counter(*group)).collect(),
            wait_after_denial: seconds(7),
            wait_after_guess: seconds(9),
        };
        let state = LoginState {
            now: NOW,
            known: true,
            waits_until: NOW,
            full_at: waits
                .iter()
                .map(|(_, wait)| NOW + wait * 1_000_000)
                .collect(),
        };
        (counters, state)
    }

    fn decided(counters: &LoginCounters, state: &LoginState) -> LoginDecision {
        counters.decision(state, counters.way(state))
    }

    #[test]
    fn ways_have_the_numbers_of_their_groups() {
        let ways: Vec<_> = (-1..8).map(Way::from_group).collect();
        let (device, known) = (Some(Way::Device), Some(Way::Known));
        let (open, reserved) = (Some(Way::Open), Some(Way::Reserved));
        let expected = [None, None, None, device, known, None, open, reserved, None];
        assert_eq!(ways, expected);
    }

    #[test]
    fn a_guess_takes_from_its_groups_and_gets_back_all_but_the_sources() {
        let (counters, _) = asked(&GROUPS.map(|(group, _)| (group, 0)));
        for (way, taken, is_of_strangers) in [
            (Way::Device, ["source", "trusted", "device"], false),
            (Way::Known, ["source", "trusted", "known"], false),
            (Way::Open, ["source", "stranger", "open"], true),
            (Way::Reserved, ["source", "stranger", "reserved"], true),
        ] {
            let names = counters.taken(way).map(|(_, counted, _)| counted.dimension);
            assert_eq!(names.collect::<Vec<_>>(), taken, "{way:?}");
            let back = counters.given_back(way).map(|(counted, _)| counted);
            let names: Vec<_> = back.map(|counted| counted.dimension).collect();
            assert_eq!(names, taken[1..], "{way:?}");
            assert_eq!(way.is_of_strangers(), is_of_strangers, "{way:?}");
        }
    }

    #[test]
    fn the_most_trusted_way_that_is_open_admits() {
        use Group::{Device, Known, Open, Reserved, Source, Stranger, Trusted};
        for (closed, way) in [
            (&[][..], Some(Way::Device)),
            (&[Device], Some(Way::Known)),
            (&[Device, Known], Some(Way::Open)),
            (&[Trusted], Some(Way::Open)),
            (&[Trusted, Open], Some(Way::Reserved)),
            (&[Trusted, Open, Reserved], None),
            (&[Trusted, Stranger], None),
            (&[Stranger], Some(Way::Device)),
            (&[Source], None),
        ] {
            let wait = |group| i64::from(closed.contains(&group));
            let (counters, state) = asked(&GROUPS.map(|(group, _)| (group, wait(group))));
            assert_eq!(counters.way(&state), way, "{closed:?}");
        }
    }

    #[test]
    fn the_way_of_known_sources_is_for_those_alone() {
        let (counters, mut state) = asked(&[(Group::Known, 0)]);
        assert_eq!(counters.way(&state), Some(Way::Known));
        state.known = false;
        assert_eq!(counters.way(&state), None);
        let nothing = LoginDecision::AccountLimited(Duration::ZERO);
        assert_eq!(decided(&counters, &state), nothing, "it is not offered");
    }

    #[test]
    fn a_reserved_turn_is_for_those_who_rested() {
        let (counters, mut state) = asked(&[(Group::Reserved, 0)]);
        for (waits, decision) in [
            (0, LoginDecision::Admitted(Way::Reserved)),
            // Whoever asks in vain waits for longer.
            (1, LoginDecision::AccountLimited(seconds(7))),
            (8_000_000, LoginDecision::AccountLimited(seconds(8))),
        ] {
            state.waits_until = NOW + waits;
            assert_eq!(decided(&counters, &state), decision, "{waits}");
        }
    }

    #[test]
    fn a_denial_says_the_shortest_wait() {
        use Group::{Device, Known, Open, Reserved, Source, Stranger, Trusted};
        let account = |wait| LoginDecision::AccountLimited(seconds(wait));
        for (waits, decision) in [
            (
                &[(Source, 3), (Open, 0)][..],
                LoginDecision::SourceLimited(seconds(3)),
            ),
            (
                &[(Source, 3), (Open, 9)],
                LoginDecision::SourceLimited(seconds(3)),
            ),
            (&[(Source, 0), (Open, 4), (Stranger, 1)], account(4)),
            (&[(Source, 0), (Open, 1), (Stranger, 4)], account(4)),
            (&[(Device, 6), (Known, 5), (Open, 8)], account(5)),
            (&[(Device, 2), (Trusted, 6)], account(6)),
            (&[(Open, 30), (Reserved, 2)], account(7)),
            (&[(Open, 30), (Reserved, 20)], account(20)),
            (&[(Source, 0)], account(0)),
        ] {
            let (counters, mut state) = asked(waits);
            state.waits_until = NOW + 1;
            assert_eq!(decided(&counters, &state), decision, "{waits:?}");
        }
    }

    #[test]
    fn only_strangers_have_to_rest_and_no_turn_makes_the_rest_shorter() {
        let (counters, mut state) = asked(&[]);
        for (waits, way, next) in [
            (0, Some(Way::Device), None),
            (0, Some(Way::Known), None),
            (0, Some(Way::Open), Some(9_000_000)),
            (0, Some(Way::Reserved), Some(9_000_000)),
            (0, None, Some(7_000_000)),
            (8_000_000, None, Some(8_000_000)),
            (8_000_000, Some(Way::Open), Some(9_000_000)),
        ] {
            state.waits_until = NOW + waits;
            let found = counters.next_wait(&state, way);
            assert_eq!(found, next.map(|next| NOW + next), "{waits} {way:?}");
        }
    }
}
