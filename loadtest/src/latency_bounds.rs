//! Bounds of the users' latencies.
//!
//! A user's latency is the server's plus the network and the generator, and the server's quantiles are
//! known up to a histogram bucket. So the users' quantile must lie between the server's and the server's
//! plus an allowance.

use testkit::exposition::Buckets;

use crate::delay::Delay;
use crate::reconcile::Identity;
use crate::statistics::Times;

/// Allowance for connecting, the kernel and the generator on one machine, in seconds. Scheduling delay
/// is added to it.
const CLIENT_OVERHEAD: f64 = 0.002;
/// The same where the machine is full: there users also wait until the server gets to read what they sent.
const FULL_OVERHEAD: f64 = 0.25;
/// Samples that must lie beyond a quantile for it to be judged.
const MIN_BEYOND: f64 = 10.0;
/// Quantiles that are compared.
const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// By how much users may be slower than the server.
#[derive(Clone, Copy, Debug)]
pub struct Allowance<'a> {
    overhead: f64,
    delay: &'a Delay,
}

impl<'a> Allowance<'a> {
    /// With this delay of the lab; more where the scenario fills the machine.
    #[must_use]
    pub const fn new(delay: &'a Delay, saturates: bool) -> Self {
        let overhead = if saturates {
            FULL_OVERHEAD
        } else {
            CLIENT_OVERHEAD
        };
        Self { overhead, delay }
    }
}

/// Compares the quantiles of one operation. Without an allowance only the lower bound is judged.
#[must_use]
pub fn quantiles(
    operation: &str,
    users: &Times,
    server: &Buckets,
    allowance: Option<Allowance<'_>>,
) -> Vec<Identity> {
    let mut identities = Vec::new();
    for q in QUANTILES {
        if server.count * (1.0 - q) < MIN_BEYOND {
            continue;
        }
        let value = users.value_at_quantile(q) as f64 / 1e6;
        let above = two_above(server, value);
        let not_later = share(server, above) >= q;
        let not_earlier = allowance.is_none_or(|Allowance { overhead, delay }| {
            let below = just_under(server, value - overhead - delay.at(q));
            below.is_none_or(|below| share(server, below) < q)
        });
        identities.push(Identity {
            name: format!("{operation}: P{:.0} of users and server", q * 100.0),
            held: not_later && not_earlier,
            detail: format!(
                "users {:.3} ms, server {:.3} ms",
                value * 1e3,
                server.quantile(q).unwrap_or_default() * 1e3
            ),
        });
    }
    identities
}

/// Compares the means. Without an allowance only the lower bound is judged.
#[must_use]
pub fn means(
    users: &Times,
    server: &Buckets,
    allowance: Option<Allowance<'_>>,
) -> Option<Identity> {
    let between = users.mean() / 1e6 - server.mean()?;
    let most = allowance.map(|Allowance { overhead, delay }| overhead + delay.mean());
    Some(Identity {
        name: match most {
            None => "mean of the users ≥ mean of the server".to_owned(),
            Some(most) => format!(
                "mean of the users − mean of the server: 0 to {:.1} ms",
                most * 1e3
            ),
        },
        held: between >= 0.0 && most.is_none_or(|most| between < most),
        detail: format!("{:.3} ms", between * 1e3),
    })
}

/// Share of samples up to this bound.
fn share(server: &Buckets, bound: f64) -> f64 {
    let of = server.cumulated.iter().find(|(le, _)| *le >= bound);
    of.map_or(1.0, |(_, count)| count / server.count)
}

/// The second bound above a value.
fn two_above(server: &Buckets, value: f64) -> f64 {
    let above = server.cumulated.iter().filter(|(bound, _)| *bound >= value);
    above
        .take(2)
        .last()
        .map_or(f64::INFINITY, |(bound, _)| *bound)
}

/// The bound just under a value, if there is one.
fn just_under(server: &Buckets, value: f64) -> Option<f64> {
    let under = server
        .cumulated
        .iter()
        .rev()
        .find(|(bound, _)| *bound < value);
    under.map(|(bound, _)| *bound)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::times;

    /// A thousand samples, all in the bucket up to 5 ms.
    fn server() -> Buckets {
        Buckets {
            cumulated: vec![
                (0.001, 0.0),
                (0.0025, 0.0),
                (0.005, 1000.0),
                (0.01, 1000.0),
                (0.025, 1000.0),
                (f64::INFINITY, 1000.0),
            ],
            sum: 4.0,
            count: 1000.0,
        }
    }

    /// A thousand samples of this many microseconds.
    fn users(micros: u64) -> Times {
        let mut times = times();
        times.record_n(micros, 1000).expect("in range");
        times
    }

    fn held(micros: u64, saturates: bool) -> bool {
        let delay = Delay::none();
        let allowance = Allowance::new(&delay, saturates);
        let identities = quantiles("GET /", &users(micros), &server(), Some(allowance));
        assert_eq!(identities.len(), 3);
        identities.iter().all(|identity| identity.held)
    }

    #[test]
    fn users_within_the_allowance_agree() {
        assert!(held(4_000, false));
        assert!(held(6_500, false));
    }

    #[test]
    fn slower_users_disagree_and_a_full_machine_may_explain_a_quarter_of_a_second() {
        assert!(!held(20_000, false));
        assert!(held(20_000, true));
        assert!(!held(3_768_000, true));
        let unbounded = quantiles("GET /", &users(3_768_000), &server(), None);
        assert!(unbounded.iter().all(|identity| identity.held));
    }

    #[test]
    fn users_faster_than_the_server_disagree() {
        assert!(!held(400, false));
        assert!(!held(400, true));
    }

    #[test]
    fn quantile_of_few_samples_is_not_judged() {
        let few = Buckets {
            count: 100.0,
            ..server()
        };
        assert_eq!(quantiles("GET /", &users(4_000), &few, None).len(), 1);
    }

    #[test]
    fn means_are_within_the_allowance() {
        let held = |micros, saturates| {
            let delay = Delay::none();
            let allowance = Allowance::new(&delay, saturates);
            means(&users(micros), &server(), Some(allowance))
                .expect("samples")
                .held
        };
        assert!(held(4_500, false));
        assert!(!held(3_500, false));
        assert!(!held(7_500, false));
        assert!(held(7_500, true));
        assert!(!held(400_000, true));
    }
}
