//! The timelines of several generators as one, by the seconds since the first user of all came.
//!
//! Seconds of different labs overlap in part. What is counted is shared between the seconds that it falls into, in
//! proportion and to the last request. Percentiles of a second do not add up: the greatest of the labs' is at
//! least that of all.

use super::source::Source;
use crate::timeline::Second;

/// The part of a second that must fall into another one for its percentiles and gauges to be of it: a bit less than
/// half, so that each has some.
const PART: f64 = 0.4;

/// The timeline of all.
#[must_use]
pub fn merged(sources: &[Source<'_>]) -> Vec<Second> {
    let each = sources
        .iter()
        .map(|source| (source.from, source.result.timeline.as_slice()));
    added(&each.collect::<Vec<_>>())
}

/// Adds up timelines that begin so many seconds after the first one.
fn added(timelines: &[(f64, &[Second])]) -> Vec<Second> {
    let ends = timelines
        .iter()
        .filter_map(|(from, seconds)| Some(from + seconds.last()?.at));
    let end = ends.fold(0.0, f64::max);
    let mut all: Vec<Second> = (0..whole(end.ceil()))
        .map(|number| {
            let at = (number as f64 + 1.0).min(end);
            Second {
                at,
                length: at - number as f64,
                ..Second::default()
            }
        })
        .collect();
    for (from, seconds) in timelines {
        let mut users = vec![0; all.len()];
        for second in *seconds {
            spread(&mut all, &mut users, from + second.at, second);
        }
        for (sum, users) in all.iter_mut().zip(users) {
            sum.users += users;
        }
    }
    all
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "seconds of a run, which are whole and not negative"
)]
fn whole(seconds: f64) -> usize {
    seconds.max(0.0) as usize
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of a count"
)]
fn part(count: u64, share: f64) -> u64 {
    (count as f64 * share).round() as u64
}

/// Adds a second that ends then.
fn spread(all: &mut [Second], users: &mut [usize], end: f64, second: &Second) {
    let begin = (end - second.length).max(0.0);
    let mut given = 0.0;
    for (at, sum) in all.iter_mut().enumerate().skip(whole(begin.floor())) {
        if at as f64 >= end {
            break;
        }
        // Up to the end of this one; the last takes the rest.
        let until = if end - begin > 0.0 {
            ((at as f64 + 1.0 - begin) / (end - begin)).min(1.0)
        } else {
            1.0
        };
        for (sum, count) in [
            (&mut sum.successes, second.successes),
            (&mut sum.refused, second.refused),
            (&mut sum.failed, second.failed),
        ] {
            *sum += part(count, until) - part(count, given);
        }
        let length = end - begin;
        if (until - given) * length >= PART * length.min(1.0) {
            users[at] = users[at].max(second.users);
            greatest(sum, second);
        }
        given = until;
    }
}

fn greatest(sum: &mut Second, second: &Second) {
    for (sum, other) in [
        (&mut sum.p50_ms, second.p50_ms),
        (&mut sum.p95_ms, second.p95_ms),
        (&mut sum.p99_ms, second.p99_ms),
        (&mut sum.max_ms, second.max_ms),
    ] {
        *sum = match (*sum, other) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
    }
    // All see the same server; the one beside it its processor time as well.
    let cores = |second: &Second| second.server.and_then(|server| server.cores);
    if sum.server.is_none() || (cores(sum).is_none() && cores(second).is_some()) {
        sum.server = second.server.or(sum.server);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timeline::ServerSecond;

    fn second(at: f64, successes: u64, p95_ms: f64) -> Second {
        Second {
            at,
            length: 1.0,
            users: 5,
            successes,
            p95_ms: Some(p95_ms),
            ..Second::default()
        }
    }

    #[test]
    fn seconds_that_overlap_in_part_share_what_was_counted_to_the_last_request() {
        let one = [second(1.0, 101, 3.0), second(2.0, 100, 3.0)];
        let other = [second(1.0, 42, 9.0), second(2.0, 40, 1.0)];
        let all = added(&[(0.0, &one), (0.25, &other)]);
        let counts: Vec<_> = all.iter().map(|second| second.successes).collect();
        assert_eq!(counts, [101 + 32, 100 + 10 + 30, 10]);
        assert_eq!(counts.iter().sum::<u64>(), 283);
        let ends: Vec<_> = all
            .iter()
            .map(|second| (second.at, second.length))
            .collect();
        assert_eq!(ends, [(1.0, 1.0), (2.0, 1.0), (2.25, 0.25)]);
    }

    #[test]
    fn users_are_those_of_all_labs_and_percentiles_the_greatest() {
        let one = [second(1.0, 1, 3.0), second(2.0, 1, 3.0)];
        let other = [second(1.0, 1, 9.0), second(2.0, 1, 1.0)];
        let all = added(&[(0.0, &one), (1.0, &other)]);
        let users: Vec<_> = all.iter().map(|second| second.users).collect();
        assert_eq!(users, [5, 10, 5]);
        let p95: Vec<_> = all.iter().map(|second| second.p95_ms).collect();
        assert_eq!(p95, [Some(3.0), Some(9.0), Some(1.0)]);
    }

    #[test]
    fn server_is_that_of_the_lab_beside_it() {
        let seen = |cores| {
            Some(ServerSecond {
                cores,
                ..ServerSecond::default()
            })
        };
        let of = |server| Second {
            server,
            ..second(1.0, 1, 1.0)
        };
        let (far, near, blind) = ([of(seen(None))], [of(seen(Some(1.5)))], [of(None)]);
        let all = added(&[(0.0, &blind), (0.0, &far), (0.0, &near), (0.0, &blind)]);
        assert_eq!(all[0].server, seen(Some(1.5)));
        assert!(added(&[(0.0, &[])]).is_empty());
    }
}
