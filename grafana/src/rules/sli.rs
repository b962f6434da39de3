//! Recorded series: the ratio of bad events of each objective, over every window.

use super::{Group, Record, RuleFile};
use crate::select::{
    DURATION, ERROR, NO_ERROR, USERS, or_zero, password_path, token_path, user_requests,
};
use crate::slo::{
    AVAILABILITY, JOURNEY, PASSWORD_BOUND, PASSWORD_LATENCY, Slo, TOKEN_BOUND, TOKEN_LATENCY,
    WINDOWS,
};

const RUNS: &str = "auth_canary_runs_total";

/// The measurement of an objective.
pub(super) struct Sli {
    /// The objective.
    pub slo: &'static Slo,
    /// The counter of all its events, as a selector.
    pub events: String,
    /// The end of the alert's summary, after the share of bad events.
    pub failing: &'static str,
    group: &'static str,
    bad: Bad,
}

/// How bad events are counted.
enum Bad {
    /// By this selector.
    Counted(String),
    /// As all events without these good ones.
    AllBut(String),
}

/// All of them.
pub(super) fn all() -> [Sli; 4] {
    let requests = user_requests();
    let answers = |routes| format!("{DURATION}_count{{{routes}, {USERS}, {NO_ERROR}}}");
    // Errors count for availability alone.
    let fast = |routes, bound| {
        let of = format!("{routes}, {USERS}, {NO_ERROR}, le=\"{bound}\"");
        Bad::AllBut(format!("{DURATION}_bucket{{{of}}}"))
    };
    [
        Sli {
            slo: &AVAILABILITY,
            events: format!("{DURATION}_count{{{requests}}}"),
            failing: "of requests got a server error",
            group: "auth-sli-availability",
            bad: Bad::Counted(format!("{DURATION}_count{{{requests}, {ERROR}}}")),
        },
        Sli {
            slo: &TOKEN_LATENCY,
            events: answers(token_path()),
            failing: "of token requests took longer than 25 ms",
            group: "auth-sli-token-latency",
            bad: fast(token_path(), TOKEN_BOUND),
        },
        Sli {
            slo: &PASSWORD_LATENCY,
            events: answers(password_path()),
            failing: "of password requests took longer than 500 ms",
            group: "auth-sli-password-latency",
            bad: fast(password_path(), PASSWORD_BOUND),
        },
        // A journey begins with a login and ends with the first step that fails: there are as many
        // journeys as logins, and each fails at most once.
        Sli {
            slo: &JOURNEY,
            events: format!("{RUNS}{{step=\"login\"}}"),
            failing: "of the synthetic login probe's runs failed",
            group: "auth-sli-journey",
            bad: Bad::Counted(format!("{RUNS}{{outcome=\"failure\"}}")),
        },
    ]
}

impl Sli {
    /// The share of bad events.
    fn ratio(&self, window: &str) -> String {
        let rate = |series: &str| format!("sum by (job) (rate({series}[{window}]))");
        let all = rate(&self.events);
        match &self.bad {
            Bad::Counted(bad) => format!("{}\n/\n{all}", or_zero(&rate(bad), &all)),
            Bad::AllBut(good) => format!("1 - {}\n/\n{all}", rate(good)),
        }
    }
}

pub(super) fn file() -> RuleFile {
    let record = |sli: &Sli, window: &str| Record {
        name: format!("{}{window}", sli.slo.record),
        expr: sli.ratio(window),
    };
    let groups = all().into_iter().map(|sli| Group {
        name: sli.group,
        records: WINDOWS.iter().map(|window| record(&sli, window)).collect(),
        alerts: Vec::new(),
    });
    RuleFile {
        name: "sli.yml",
        about: "Service level indicators: the ratio of bad events by job, over every window.",
        groups: groups.collect(),
    }
}
