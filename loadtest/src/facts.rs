//! Expectations of the server's counters.

use testkit::exposition::Between;

use crate::result::Verdict;

/// Expected behaviour of a counter.
#[derive(Clone, Copy, Debug)]
enum Rule {
    Still,
    Moved,
    /// A gauge at zero after the run.
    Zero,
}

/// An expectation of the server's counters.
#[derive(Clone, Copy, Debug)]
pub struct Fact {
    /// In words.
    pub name: &'static str,
    metric: &'static str,
    labels: &'static [(&'static str, &'static str)],
    rule: Rule,
}

impl Fact {
    /// The queue of the hash gate is empty.
    pub const IDLE_GATE: Self = Self {
        name: "the hash gate's queue is empty afterwards",
        metric: "auth_password_hash_queue_depth",
        labels: &[],
        rule: Rule::Zero,
    };
    /// The hash gate refused logins.
    pub const SHED: Self = Self::moved(
        "the hash gate sheds load",
        "auth_password_hash_rejected_total",
        &[],
    );
    /// Requests were denied.
    pub const DENIALS: Self = Self::moved(
        "denials are counted",
        "auth_rbac_decisions_total",
        &[("outcome", "deny")],
    );
    /// Rate limits refused logins.
    pub const LIMITED: Self = Self::moved(
        "the limits of logins refuse",
        "auth_rate_limit_decisions_total",
        &[("limiter", "login"), ("decision", "deny")],
    );
    /// Unknown usernames and wrong passwords are counted separately.
    pub const UNKNOWN_USERS: Self = Self::moved(
        "unknown users are counted",
        "auth_logins_total",
        &[("reason", "unknown_user")],
    );
    /// As [`Self::UNKNOWN_USERS`].
    pub const BAD_PASSWORDS: Self = Self::moved(
        "bad passwords are counted",
        "auth_logins_total",
        &[("reason", "bad_password")],
    );
    /// No session was ended for token reuse.
    pub const NO_FAMILY_REVOKED: Self = Self {
        name: "no session is lost",
        metric: "auth_refresh_reuse_detected_total",
        labels: &[("action", "family_revoked")],
        rule: Rule::Still,
    };
    /// Second use of a token whose successor was not used yet.
    pub const TWO_TABS: Self = Self::moved(
        "second uses of a token are answered",
        "auth_refresh_reuse_detected_total",
        &[("action", "unused_replay")],
    );

    const fn moved(
        name: &'static str,
        metric: &'static str,
        labels: &'static [(&'static str, &'static str)],
    ) -> Self {
        Self {
            name,
            metric,
            labels,
            rule: Rule::Moved,
        }
    }

    /// Judges by the server's counters.
    #[must_use]
    pub fn judge(&self, server: &Between) -> Verdict {
        let value = match self.rule {
            Rule::Zero => server.after.sum(self.metric, self.labels),
            Rule::Still | Rule::Moved => server.rise(self.metric, self.labels),
        };
        let held = match self.rule {
            Rule::Still | Rule::Zero => value == 0.0,
            Rule::Moved => value > 0.0,
        };
        Verdict {
            name: self.name.to_owned(),
            held: held && server.after.has(self.metric),
            detail: format!("{} {value}", self.metric),
        }
    }
}

#[cfg(test)]
mod tests {
    use testkit::exposition::Exposition;

    use super::*;

    #[test]
    fn facts_are_judged_by_counters() {
        let look = |text: &str| Exposition::parse(text).expect("series");
        let server = Between {
            before: look("auth_password_hash_rejected_total 1\nauth_password_hash_queue_depth 0\n"),
            after: look("auth_password_hash_rejected_total 1\nauth_password_hash_queue_depth 3\n"),
        };
        assert!(!Fact::SHED.judge(&server).held);
        assert!(!Fact::IDLE_GATE.judge(&server).held);
        // A counter that is not there says nothing, and that is not enough.
        assert!(!Fact::NO_FAMILY_REVOKED.judge(&server).held);
    }
}
