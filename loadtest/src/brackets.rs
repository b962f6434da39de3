//! The two sides' times against each other.
//!
//! The users' quantiles are exact, the server's are known up to a bucket, and a user's time contains
//! what the server's does not: the network and the generator itself. So they are not compared by
//! equality: the users' value must lie between the server's and that plus what may lie between them.

use testkit::exposition::Buckets;

use crate::delay::Delay;
use crate::ledger::Times;
use crate::reconcile::Identity;

/// What the users' time may contain more than the server's on one machine, in seconds: connecting,
/// the kernel, the generator's own work. How late the machine wakes either side comes on top.
const BETWEEN: f64 = 0.002;
/// How many samples must lie beyond a quantile for it to mean anything.
const ENOUGH: f64 = 10.0;
/// The quantiles that are compared.
const QUANTILES: [f64; 3] = [0.5, 0.95, 0.99];

/// Compares the times of one operation. Where the machine is full (no `delay`) the users' times contain
/// waits that the server cannot see, and only the other side is judged: nobody has an answer before it
/// was given.
#[must_use]
pub fn bracket(
    operation: &str,
    users: &Times,
    server: &Buckets,
    delay: Option<&Delay>,
) -> Vec<Identity> {
    let mut identities = Vec::new();
    for q in QUANTILES {
        if server.count * (1.0 - q) < ENOUGH {
            continue;
        }
        let value = users.value_at_quantile(q) as f64 / 1e6;
        let above = two_above(server, value);
        let not_later = share(server, above) >= q;
        let not_earlier = delay.is_none_or(|delay| {
            let below = just_under(server, value - BETWEEN - delay.at(q));
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

/// The means: the users' is not below the server's, and where the machine is not full it is not far
/// above.
#[must_use]
pub fn means(users: &Times, server: &Buckets, delay: Option<&Delay>) -> Option<Identity> {
    let between = users.mean() / 1e6 - server.mean()?;
    let most = delay.map(|delay| BETWEEN + delay.mean());
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

/// The share of samples that are at most this bound.
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
    use crate::ledger::times;

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

    fn delay(saturates: bool) -> Option<Delay> {
        (!saturates).then(Delay::none)
    }

    fn held(micros: u64, saturates: bool) -> bool {
        let delay = delay(saturates);
        let identities = bracket("GET /", &users(micros), &server(), delay.as_ref());
        assert_eq!(identities.len(), 3);
        identities.iter().all(|identity| identity.held)
    }

    #[test]
    fn what_lies_in_the_servers_bucket_or_a_little_above_agrees() {
        assert!(held(4_000, false));
        assert!(held(6_500, false));
    }

    #[test]
    fn users_who_are_much_slower_than_the_server_disagree_unless_the_machine_is_full() {
        assert!(!held(20_000, false));
        assert!(held(20_000, true));
    }

    #[test]
    fn nobody_is_faster_than_the_server() {
        assert!(!held(400, false));
        assert!(!held(400, true));
    }

    #[test]
    fn a_quantile_of_few_samples_is_not_judged() {
        let few = Buckets {
            count: 100.0,
            ..server()
        };
        assert_eq!(bracket("GET /", &users(4_000), &few, None).len(), 1);
    }

    #[test]
    fn means_are_in_order() {
        let held = |micros, saturates| {
            let delay = delay(saturates);
            means(&users(micros), &server(), delay.as_ref())
                .expect("samples")
                .held
        };
        assert!(held(4_500, false));
        assert!(!held(3_500, false));
        assert!(!held(7_500, false));
        assert!(held(7_500, true));
    }
}
