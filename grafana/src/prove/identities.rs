//! Reconciliation: counters of one scrape against each other, and against the answers that clients got.

use std::collections::BTreeMap;

use catalogue::metrics::{CATALOGUE, Kind};
use serde::Serialize;
use testkit::exposition::{Between, Exposition};

use crate::Result;
use crate::prometheus::Prometheus;
use crate::select::DURATION;

/// Two figures that must be equal.
#[derive(Clone, Debug, Serialize)]
pub struct Identity {
    /// A label for the comparison.
    pub what: String,
    /// The first figure.
    pub left: f64,
    /// The second figure.
    pub right: f64,
    /// Tolerance, as a share of the greater; 0 where both are counts.
    pub tolerance: f64,
}

impl Identity {
    fn new(what: impl Into<String>, left: f64, right: f64) -> Self {
        Self {
            what: what.into(),
            left,
            right,
            tolerance: 0.0,
        }
    }

    /// Whether they are equal within the tolerance.
    #[must_use]
    pub fn holds(&self) -> bool {
        let greater = self.left.abs().max(self.right.abs());
        (self.left - self.right).abs() <= self.tolerance * greater
    }
}

/// The identities over a time in which these were all answers to clients.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of a few thousand")]
pub fn identities(between: &Between, answers: &BTreeMap<(String, u16), u64>) -> Vec<Identity> {
    let count = format!("{DURATION}_count");
    let rise = |name: &str, labels: &[(&str, &str)]| between.rise(name, labels);
    let mut all = Vec::new();
    for ((route, status), sent) in answers {
        let status = status.to_string();
        let labels = [
            ("http_route", route.as_str()),
            ("http_response_status_code", &status),
        ];
        let what = format!("requests to {route} answered {status}: server and users");
        all.push(Identity::new(what, rise(&count, &labels), *sent as f64));
    }
    let total: u64 = answers.values().sum();
    let requests = rise(&count, &[]);
    all.push(Identity::new(
        "all requests: server and users",
        requests,
        total as f64,
    ));
    let logins = rise("auth_logins_total", &[]);
    let route = rise(&count, &[("http_route", "/login")]);
    all.push(Identity::new(
        "requests to /login and logins counted",
        route,
        logins,
    ));
    let issued = |grant| {
        rise(
            "auth_tokens_issued_total",
            &[("token_type", "access"), ("grant", grant)],
        )
    };
    let success = [("outcome", "success")];
    all.push(Identity::new(
        "logins that succeeded and access tokens issued for passwords",
        rise("auth_logins_total", &success),
        issued("password"),
    ));
    all.push(Identity::new(
        "refreshes that succeeded and access tokens issued for refreshing",
        rise("auth_token_refreshes_total", &success),
        issued("refresh"),
    ));
    all.push(Identity::new(
        "answers 403 and denials",
        rise(&count, &[("http_response_status_code", "403")]),
        rise("auth_rbac_decisions_total", &[("outcome", "deny")]),
    ));
    let hashes = |operation| {
        rise(
            "auth_password_hash_duration_seconds_count",
            &[("operation", operation)],
        )
    };
    let turned_away: f64 = ["overloaded", "rate_limited", "invalid_request", "error"]
        .iter()
        .map(|reason| rise("auth_logins_total", &[("reason", reason)]))
        .sum();
    all.push(Identity::new(
        "hashes verified, and logins that got so far",
        hashes("verify") + hashes("dummy_verify"),
        logins - turned_away,
    ));
    all
}

/// The invariants of every histogram in one scrape: buckets rise, and the last one equals the count.
#[must_use]
pub fn histograms(exposition: &Exposition) -> Vec<Identity> {
    let mut all = Vec::new();
    for metric in CATALOGUE {
        let desc = metric.desc();
        if desc.kind != Kind::Histogram {
            continue;
        }
        let name = desc.name;
        let bucket = format!("{name}_bucket");
        let infinite = exposition.sum(&bucket, &[("le", "+Inf")]);
        let count = exposition.sum(&format!("{name}_count"), &[]);
        all.push(Identity::new(
            format!("{name}: the last bucket and the count"),
            infinite,
            count,
        ));
        let falls = desc.buckets.windows(2).filter(|pair| {
            let at = |bound: f64| exposition.sum(&bucket, &[("le", &bound.to_string())]);
            at(pair[0]) > at(pair[1])
        });
        #[expect(clippy::cast_precision_loss, reason = "a handful of buckets")]
        let falls = falls.count() as f64;
        all.push(Identity::new(
            format!("{name}: buckets that fall"),
            falls,
            0.0,
        ));
    }
    all
}

/// Little's law, while every thread of a replica's hash gate has been busy for thirty seconds: the rate
/// of hashing seconds equals the number of busy threads. A sample may hit a thread between two hashes,
/// so ten samples are too few.
///
/// # Errors
/// When Prometheus does not answer.
pub async fn little(prometheus: &Prometheus, at: f64) -> Result<Identity> {
    let value = async |expr: &str| -> Result<f64> {
        let answer = prometheus.query(expr, at).await?;
        Ok(answer.first().ok_or("nobody hashed")?)
    };
    Ok(Identity {
        what: "seconds of hashing a second, and threads that hash".to_owned(),
        left: value("max(sum by (instance) (rate(auth_password_hash_duration_seconds_sum[30s])))")
            .await?,
        right: value("max(avg_over_time(auth_password_hash_in_flight[30s]))").await?,
        tolerance: 0.1,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_needs_equal_counts() {
        assert!(Identity::new("", 0.0, 0.0).holds());
        assert!(Identity::new("", 7.0, 7.0).holds());
        assert!(!Identity::new("", 7.0, 8.0).holds());
        assert!(!Identity::new("", f64::NAN, f64::NAN).holds());
    }

    #[test]
    fn sampled_identity_has_a_tolerance() {
        let identity = |left, right| Identity {
            tolerance: 0.1,
            ..Identity::new("", left, right)
        };
        assert!(identity(1.9, 2.0).holds() && identity(2.0, 1.9).holds());
        assert!(!identity(1.7, 2.0).holds() && !identity(2.0, 0.0).holds());
    }
}
