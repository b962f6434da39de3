//! Bounds of figures in words: `p99.9 of GET /users/me < 2ms`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use testkit::exposition::Between;

use crate::figures::success_times;
use crate::limit::Limit;
use crate::outcome::Outcome;
use crate::result::Verdict;
use crate::routes::Route;
use crate::statistics::{Key, Statistics};
use crate::verdict::Objective;
use crate::yardstick::Yardstick;

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Measure {
    /// Of the times of successes, corrected for coordinated omission.
    Quantile(f64),
    /// Their mean.
    Mean,
    /// The longest of them.
    Longest,
    /// Successes a second.
    Goodput,
    /// Number of requests.
    Requests,
    /// Share that failed.
    Failed,
    /// Share that was refused.
    Refused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compare {
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// Signs, of which the longer ones come first.
const SIGNS: [(&str, Compare); 6] = [
    ("<=", Compare::AtMost),
    (">=", Compare::AtLeast),
    ("≤", Compare::AtMost),
    ("≥", Compare::AtLeast),
    ("<", Compare::Below),
    (">", Compare::Above),
];

/// The value that a figure is compared with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    /// Of a time.
    Time(Limit),
    /// Of requests a second, of requests, or of a share.
    Number(f64),
}

impl Bound {
    /// On this machine, in seconds where it is a time.
    fn on(self, machine: &Yardstick) -> f64 {
        match self {
            Self::Time(limit) => limit.millis(machine) / 1e3,
            Self::Number(number) => number,
        }
    }
}

/// A bound of a figure: `p99.9 of GET /users/me < 2ms`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Threshold {
    measure: Measure,
    /// Of one operation, or of all.
    route: Option<Route>,
    /// As the server measures it.
    server: bool,
    compare: Compare,
    bound: Bound,
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |problem: String| {
            format!(
                "`{text}`: {problem}; such as `p99.9 of GET /users/me < 2ms`, `p99 of POST /login on the \
                 server <= 50ms`, `mean < 5ms`, `longest < 1s`, `goodput > 100/s`, `failed <= 0.1%`, \
                 `refused of POST /login < 5%` or `requests >= 1000`"
            )
        };
        let sign = SIGNS.iter().find_map(|(sign, compare)| {
            let (left, right) = text.split_once(sign)?;
            Some((left.trim(), *compare, right.trim()))
        });
        let (left, compare, right) =
            sign.ok_or_else(|| wrong("must contain <, <=, > or >=".to_owned()))?;
        let (left, server) = match left.strip_suffix("on the server") {
            Some(left) => (left.trim(), true),
            None => (left, false),
        };
        let (name, operation) = match left.split_once(" of ") {
            Some((name, operation)) => (name.trim(), Some(operation.trim())),
            None => (left, None),
        };
        let route = operation.map(|operation| {
            Route::named(operation).ok_or_else(|| {
                let all: Vec<_> = Route::ALL.iter().map(|route| route.name()).collect();
                wrong(format!(
                    "`{operation}` is no operation of {}",
                    all.join(", ")
                ))
            })
        });
        let measure = measure(name).ok_or_else(|| wrong(format!("`{name}` is no figure")))?;
        if server && !measure.is_time() {
            return Err(wrong("the server's times alone can be bounded".to_owned()));
        }
        let bound = measure.read(right);
        Ok(Self {
            measure,
            route: route.transpose()?,
            server,
            compare,
            bound: bound.ok_or_else(|| wrong(format!("`{right}` is no {}", measure.unit())))?,
        })
    }
}

fn measure(name: &str) -> Option<Measure> {
    let lower = name.to_lowercase();
    Some(match lower.as_str() {
        "median" => Measure::Quantile(0.5),
        "mean" => Measure::Mean,
        "longest" | "max" => Measure::Longest,
        "goodput" => Measure::Goodput,
        "requests" => Measure::Requests,
        "failed" => Measure::Failed,
        "refused" => Measure::Refused,
        _ => {
            let percent: f64 = lower.strip_prefix('p')?.parse().ok()?;
            // As few digits as it was given with.
            let q = (percent * 1e4).round() / 1e6;
            (q > 0.0 && q < 1.0).then_some(Measure::Quantile(q))?
        }
    })
}

impl Measure {
    const fn is_time(self) -> bool {
        matches!(self, Self::Quantile(_) | Self::Mean | Self::Longest)
    }

    const fn unit(self) -> &'static str {
        match self {
            Self::Quantile(_) | Self::Mean | Self::Longest => "time, as in 2ms",
            Self::Goodput => "rate, as in 100/s",
            Self::Requests => "number",
            Self::Failed | Self::Refused => "share, as in 0.1%",
        }
    }

    fn read(self, text: &str) -> Option<Bound> {
        let number = |text: &str| {
            let number: f64 = text.trim().parse().ok()?;
            (number.is_finite() && number >= 0.0).then_some(number)
        };
        match self {
            Self::Quantile(_) | Self::Mean | Self::Longest => {
                // In what the machine can do.
                if let Ok(limit) = text.parse() {
                    return Some(Bound::Time(limit));
                }
                let units = [("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0)];
                let seconds = units
                    .iter()
                    .find_map(|(unit, seconds)| Some(number(text.strip_suffix(unit)?)? * seconds));
                return seconds.map(Limit::seconds).map(Bound::Time);
            }
            Self::Goodput => number(text.strip_suffix("/s")?),
            Self::Requests => number(text),
            Self::Failed | Self::Refused => match text.strip_suffix('%') {
                Some(percent) => Some(number(percent)? / 100.0),
                None => number(text).filter(|share| *share <= 1.0),
            },
        }
        .map(Bound::Number)
    }

    fn show(self, value: f64) -> String {
        match self {
            Self::Quantile(_) | Self::Mean | Self::Longest => {
                let time = Duration::from_secs_f64(value);
                // Three digits after the point, as far as they say something.
                let millis = format!("{:.3}", time.as_secs_f64() * 1e3);
                let millis = millis.trim_end_matches('0').trim_end_matches('.');
                format!("{millis} ms")
            }
            Self::Goodput => format!("{value:.1}/s"),
            Self::Requests => format!("{value}"),
            Self::Failed | Self::Refused => format!("{:.3} %", value * 100.0),
        }
    }
}

impl Threshold {
    /// The lab's own objective that says the same, if there is one.
    #[must_use]
    pub fn objective(&self) -> Option<Objective> {
        let (Compare::AtMost, Bound::Time(bound)) = (self.compare, self.bound) else {
            return None;
        };
        let is = |percent: f64| self.measure == Measure::Quantile(percent / 100.0);
        match (self.route, self.server) {
            (None, false) if is(50.0) => Some(Objective::p50(bound)),
            (None, false) if is(95.0) => Some(Objective::p95(bound)),
            (Some(route), true) if is(99.0) => Some(Objective::server_p99(route, bound)),
            _ => None,
        }
    }

    /// Whether it is the server that measures it.
    #[must_use]
    pub const fn is_of_server(&self) -> bool {
        self.server
    }

    /// Whether it depends on the machine's speed.
    const fn is_speed(&self) -> bool {
        self.measure.is_time() || matches!(self.measure, Measure::Goodput | Measure::Requests)
    }

    /// The figure; none if there is nothing to measure.
    fn value(&self, users: &Statistics, server: Option<&Between>) -> Option<f64> {
        if self.server {
            let buckets = success_times(&users.steady, server?, self.route);
            return match self.measure {
                Measure::Quantile(q) => buckets.quantile(q),
                Measure::Longest => buckets.quantile(1.0),
                _ => buckets.mean(),
            };
        }
        let of = |route: Route| self.route.is_none_or(|only| only == route);
        let count = |which: Option<Outcome>| {
            users.count(|(route, _, outcome)| of(*route) && which.is_none_or(|one| one == *outcome))
        };
        let (steady, all) = (&users.steady, count(None));
        let share = |outcome| (all > 0).then(|| count(Some(outcome)) as f64 / all as f64);
        match self.measure {
            Measure::Goodput => {
                let is = |(route, _, outcome): &Key| of(*route) && *outcome == Outcome::Success;
                let seconds = steady.seconds();
                (seconds > 0.0).then(|| steady.times(is).0.len() as f64 / seconds)
            }
            Measure::Requests => Some(all as f64),
            Measure::Failed => share(Outcome::Failure),
            Measure::Refused => share(Outcome::Refused),
            Measure::Quantile(_) | Measure::Mean | Measure::Longest => {
                let success = |route, outcome| of(route) && outcome == Outcome::Success;
                let (_, times) = steady.times(|(route, _, outcome)| success(*route, *outcome));
                let micros = match self.measure {
                    Measure::Quantile(q) => times.value_at_quantile(q) as f64,
                    Measure::Longest => times.max() as f64,
                    _ => times.mean(),
                };
                (!times.is_empty()).then_some(micros / 1e6)
            }
        }
    }

    /// Compares with the figures of a run, of whose server these are the metrics after the ramp.
    #[must_use]
    pub fn judge(
        &self,
        users: &Statistics,
        server: Option<&Between>,
        machine: &Yardstick,
        ignore_speed: bool,
    ) -> Verdict {
        let bound = self.bound.on(machine);
        let value = self.value(users, server);
        let held = value.is_some_and(|value| match self.compare {
            Compare::Below => value < bound,
            Compare::AtMost => value <= bound,
            Compare::Above => value > bound,
            Compare::AtLeast => value >= bound,
        });
        let mut detail = match value {
            Some(value) => self.measure.show(value),
            None => "there was nothing to measure".to_owned(),
        };
        let ignored = ignore_speed && self.is_speed();
        if ignored {
            detail.push_str(" (not judged)");
        }
        Verdict {
            name: match self.bound {
                Bound::Time(limit) if limit.depends() => {
                    format!("{self} ({})", self.measure.show(bound))
                }
                _ => self.to_string(),
            },
            held: held || ignored,
            detail,
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.measure {
            Measure::Quantile(q) => write!(f, "P{}", (q * 1e6).round() / 1e4)?,
            Measure::Mean => f.write_str("mean")?,
            Measure::Longest => f.write_str("longest")?,
            Measure::Goodput => f.write_str("goodput")?,
            Measure::Requests => f.write_str("requests")?,
            Measure::Failed => f.write_str("failed")?,
            Measure::Refused => f.write_str("refused")?,
        }
        if let Some(route) = self.route {
            write!(f, " of {}", route.name())?;
        }
        if self.server {
            f.write_str(" on the server")?;
        }
        let sign = match self.compare {
            Compare::Below => "<",
            Compare::AtMost => "≤",
            Compare::Above => ">",
            Compare::AtLeast => "≥",
        };
        match self.bound {
            Bound::Time(limit) if limit.depends() => write!(f, " {sign} {limit}"),
            bound => {
                let bound = bound.on(&Yardstick::default());
                write!(f, " {sign} {}", self.measure.show(bound))
            }
        }
    }
}

#[cfg(test)]
mod tests;
