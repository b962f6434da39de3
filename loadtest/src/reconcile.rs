//! Identities: users, goose and server counted the same requests, and the server's counters agree with
//! each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use testkit::exposition::Between;

use crate::own::Rows;
use crate::statistics::Statistics;
use crate::target::REQUESTS;

/// An equation between counts, and whether it holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub struct Identity {
    /// The equation.
    pub name: String,
    /// Whether it holds.
    pub held: bool,
    /// The figures.
    pub detail: String,
}

impl Identity {
    /// Two equal counts.
    fn equal(name: &str, left: f64, right: f64) -> Self {
        let held = (left - right).abs() < 0.5;
        Self {
            name: name.to_owned(),
            held,
            detail: format!("{left} = {right}"),
        }
    }

    /// A count equal to another one that is known up to a range.
    fn within(name: &str, count: f64, least: f64, most: f64) -> Self {
        if (most - least).abs() < 0.5 {
            return Self::equal(name, least, count);
        }
        Self {
            name: name.to_owned(),
            held: least <= count && count <= most,
            detail: format!("{least} ≤ {count} ≤ {most}"),
        }
    }
}

/// Requests by operation and status, as goose counted them.
pub type Counts = BTreeMap<(String, String), u64>;

/// All identities. Goose's counts are missing where it was cut off. What the lab itself asked for counts with what
/// its users did, as far as the server counted it between the two scrapes.
#[must_use]
pub fn reconcile(
    statistics: &Statistics,
    own: &Rows,
    goose: Option<&Counts>,
    server: &Between,
) -> Vec<Identity> {
    let mut identities = vec![requests(statistics, own, server)];
    identities.extend(alone(statistics, goose));
    identities.push(histogram_is_whole(server));
    identities.extend(flows(server));
    identities
}

/// Those that need nothing of the server.
#[must_use]
pub fn alone(statistics: &Statistics, goose: Option<&Counts>) -> Vec<Identity> {
    let mut identities = vec![everything_answered(statistics)];
    identities.extend(goose.map(|goose| by_goose(statistics, goose)));
    identities
}

/// Where two tables of counts differ.
fn differences(left: &Counts, right: &Counts) -> Vec<String> {
    let keys: BTreeSet<_> = left.keys().chain(right.keys()).collect();
    let of = |counts: &Counts, key| counts.get(key).copied().unwrap_or_default();
    keys.into_iter()
        .filter(|key| of(left, key) != of(right, key))
        .map(|key| {
            let (operation, status) = key;
            format!(
                "{operation} {status}: {} ≠ {}",
                of(left, key),
                of(right, key)
            )
        })
        .collect()
}

fn compare(name: &str, left: &Counts, right: &Counts) -> Identity {
    let differences = differences(left, right);
    let detail = if differences.is_empty() {
        format!(
            "{} requests in {} rows",
            left.values().sum::<u64>(),
            left.len()
        )
    } else {
        differences.join("; ")
    };
    Identity {
        name: name.to_owned(),
        held: differences.is_empty(),
        detail,
    }
}

/// The users' counts. Requests without an answer have the status 0, as in goose.
fn seen(statistics: &Statistics) -> Counts {
    let mut counts = Counts::new();
    for ((route, status, _), row) in statistics.rows() {
        let key = (route.name(), status.unwrap_or_default().to_string());
        *counts.entry(key).or_default() += row.times.len();
    }
    for ((route, _), count) in &statistics.unsent {
        let key = (route.name(), "0".to_owned());
        *counts.entry(key).or_default() += count;
    }
    counts
}

/// The server's counts.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counters are whole and rise"
)]
fn answered(server: &Between) -> Counts {
    let labels = [
        "http_request_method",
        "http_route",
        "http_response_status_code",
    ];
    let rises = server.rises(&format!("{REQUESTS}_count"), &labels);
    let rows = rises.into_iter().map(|(labels, rise)| {
        let operation = format!("{} {}", labels[0], labels[1]);
        ((operation, labels[2].clone()), rise.round() as u64)
    });
    rows.collect()
}

fn requests(statistics: &Statistics, own: &Rows, server: &Between) -> Identity {
    let mut seen = seen(statistics);
    // The server cannot know that an answer did not arrive; another identity covers those.
    seen.retain(|(_, status), _| status != "0");
    for ((operation, status), times) in own {
        let key = (operation.clone(), status.to_string());
        *seen.entry(key).or_default() += times.len();
    }
    compare(
        "requests by operation and status: users = server",
        &seen,
        &answered(server),
    )
}

fn everything_answered(statistics: &Statistics) -> Identity {
    let without = statistics.count(|(_, status, _)| status.is_none());
    let unsent = statistics.unsent();
    let mut detail = format!("{without} were not");
    if unsent > 0 {
        let _ = write!(detail, ", {unsent} more could not be sent");
    }
    Identity {
        name: "every request was answered".to_owned(),
        held: without + unsent == 0,
        detail,
    }
}

fn by_goose(statistics: &Statistics, goose: &Counts) -> Identity {
    compare(
        "requests by operation and status: users = goose",
        &seen(statistics),
        goose,
    )
}

/// The infinite bucket holds all samples, and buckets are cumulative.
fn histogram_is_whole(server: &Between) -> Identity {
    let buckets = server.buckets(REQUESTS, &[]);
    let last = buckets.cumulated.last().map_or(0.0, |(_, count)| *count);
    let rising = buckets
        .cumulated
        .is_sorted_by(|left, right| left.1 <= right.1);
    let mut identity = Identity::equal("+Inf bucket = count, buckets rise", last, buckets.count);
    identity.held &= rising;
    identity
}

/// Identities between the counters of HTTP and of the flows.
fn flows(server: &Between) -> Vec<Identity> {
    let http = |labels: &[(&str, &str)]| server.rise(&format!("{REQUESTS}_count"), labels);
    let route = |route| ("http_route", route);
    let status = |status| ("http_response_status_code", status);
    let success = ("outcome", "success");
    let deny = |name| server.rise(name, &[("decision", "deny")]);
    let tokens = |kind, grant| {
        let labels = [("token_type", kind), ("grant", grant)];
        server.rise("auth_tokens_issued_total", &labels)
    };
    let logins = |labels: &[(&str, &str)]| server.rise("auth_logins_total", labels);
    let login = http(&[route("/login"), status("200")]);
    let refresh = http(&[route("/refresh"), status("200")]);
    // Refused and malformed logins were not hashed.
    let got_to_the_gate = ["none", "bad_password", "unknown_user", "disabled"]
        .map(|reason| logins(&[("reason", reason)]))
        .iter()
        .sum();
    // Logins that failed with an error may have been hashed or not.
    let unknown = logins(&[("reason", "error")]);
    let hashes = |operation| {
        let labels = [("operation", operation)];
        server.rise("auth_password_hash_duration_seconds_count", &labels)
    };
    vec![
        Identity::equal("logins: HTTP = flow", http(&[route("/login")]), logins(&[])),
        Identity::equal("successful logins: HTTP = flow", login, logins(&[success])),
        Identity::equal(
            "successful logins = access tokens",
            login,
            tokens("access", "password"),
        ),
        Identity::equal(
            "successful logins = refresh tokens",
            login,
            tokens("refresh", "password"),
        ),
        Identity::within(
            "logins that hashed = hashes verified",
            hashes("verify") + hashes("dummy_verify"),
            got_to_the_gate,
            got_to_the_gate + unknown,
        ),
        Identity::equal(
            "registrations: HTTP = flow",
            http(&[route("/register")]),
            server.rise("auth_registrations_total", &[]),
        ),
        Identity::equal(
            "refreshes: HTTP = flow",
            http(&[route("/refresh")]),
            server.rise("auth_token_refreshes_total", &[]),
        ),
        Identity::equal(
            "successful refreshes = access tokens",
            refresh,
            tokens("access", "refresh"),
        ),
        Identity::equal(
            "403 = denials",
            http(&[status("403")]),
            server.rise("auth_rbac_decisions_total", &[("outcome", "deny")]),
        ),
        Identity::equal(
            "429 = limits that refused",
            http(&[status("429")]),
            deny("auth_rate_limit_decisions_total"),
        ),
        Identity::equal(
            "panics = 0",
            server.rise("http_server_panics_total", &[]),
            0.0,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use testkit::exposition::Exposition;

    use super::*;
    use crate::outcome::Outcome;
    use crate::recorder::{Recorder, Sample};
    use crate::routes::Route;
    use crate::statistics::times;

    fn statistics(statuses: &[Option<u16>]) -> Statistics {
        let recorder = Recorder::new(BTreeMap::new());
        for status in statuses {
            recorder.record(&Sample {
                route: Route::Login,
                status: *status,
                outcome: Outcome::Success,
                time: Duration::from_millis(1),
                steady: true,
                pace: None,
                since_due: None,
                word: None,
                request_id: None,
            });
        }
        recorder.statistics()
    }

    /// A server that has answered logins, and has counted everything else that belongs to them.
    fn server(answered: u32, logins: u32) -> Between {
        let labels =
            "http_request_method=\"POST\",http_route=\"/login\",http_response_status_code=\"200\"";
        let text = format!(
            "{REQUESTS}_bucket{{{labels},le=\"0.5\"}} {answered}\n\
             {REQUESTS}_bucket{{{labels},le=\"+Inf\"}} {answered}\n\
             {REQUESTS}_count{{{labels}}} {answered}\n\
             auth_logins_total{{outcome=\"success\",reason=\"none\"}} {logins}\n\
             auth_tokens_issued_total{{token_type=\"access\",grant=\"password\"}} {logins}\n\
             auth_tokens_issued_total{{token_type=\"refresh\",grant=\"password\"}} {logins}\n\
             auth_password_hash_duration_seconds_count{{operation=\"verify\"}} {logins}\n"
        );
        Between {
            before: Exposition::default(),
            after: Exposition::parse(&text).expect("series"),
        }
    }

    fn goose(status: &str, count: u64) -> Counts {
        Counts::from([(("POST /login".to_owned(), status.to_owned()), count)])
    }

    fn broken(statistics: &Statistics, goose: &Counts, server: &Between) -> Vec<String> {
        let identities = reconcile(statistics, &Rows::new(), Some(goose), server);
        identities
            .into_iter()
            .filter(|one| !one.held)
            .map(|one| format!("{} ({})", one.name, one.detail))
            .collect()
    }

    #[test]
    fn same_requests_on_all_sides_agree() {
        let statistics = statistics(&[Some(200), Some(200)]);
        assert_eq!(
            broken(&statistics, &goose("200", 2), &server(2, 2)),
            [""; 0]
        );
    }

    #[test]
    fn request_missing_on_one_side_is_named() {
        let two = statistics(&[Some(200), Some(200)]);
        let complaints = broken(&two, &goose("200", 2), &server(3, 3));
        assert_eq!(
            complaints,
            ["requests by operation and status: users = server (POST /login 200: 2 ≠ 3)"]
        );
        let complaints = broken(&two, &goose("200", 1), &server(2, 2));
        assert_eq!(
            complaints,
            ["requests by operation and status: users = goose (POST /login 200: 2 ≠ 1)"]
        );
        let complaints = broken(&two, &goose("200", 2), &server(2, 1));
        assert_eq!(complaints.len(), 4, "{complaints:?}");
        assert!(complaints[0].starts_with("logins: HTTP = flow (2 = 1)"));
    }

    #[test]
    fn what_the_lab_asked_for_itself_counts_with_its_users() {
        let mut own = Rows::new();
        let mut once = times();
        once.record(900).expect("in range");
        own.insert(("POST /login".to_owned(), 200), once);
        let all = requests(&statistics(&[Some(200)]), &own, &server(2, 2));
        assert!(all.held, "{all:?}");
    }

    #[test]
    fn status_seen_only_by_users_is_named() {
        let other = statistics(&[Some(200), Some(400)]);
        let complaints = broken(&other, &goose("200", 1), &server(1, 1));
        assert!(
            complaints[0].contains("POST /login 400: 1 ≠ 0"),
            "{complaints:?}"
        );
    }

    #[test]
    fn unanswered_request_breaks_its_own_identity() {
        let lost = statistics(&[Some(200), None]);
        let mut goose = goose("200", 1);
        goose.insert(("POST /login".to_owned(), "0".to_owned()), 1);
        assert_eq!(
            broken(&lost, &goose, &server(1, 1)),
            ["every request was answered (1 were not)"]
        );
    }
}
