//! A rate such as `60/1m`: configured, counted by rate limits, and sent to clients that exceed it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The longest period of a configured rate.
const MAX_PERIOD: Duration = Duration::from_hours(31 * 24);
/// The highest count of a configured rate: one a microsecond over the shortest period.
const MAX_COUNT: u32 = 1_000_000;

/// A rate: a burst of `count` at once, refilled evenly over `period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// The size of the burst. 0, which only tests use, allows nothing.
    pub count: u32,
    /// The time in which an empty burst is refilled, to the microsecond.
    pub period: Duration,
}

/// A text is not a rate.
#[derive(Debug, thiserror::Error)]
#[error(
    "must be COUNT/PERIOD such as 60/1m, with a count from 1 to 1000000 and a period from 1s to 31d"
)]
pub struct RateError;

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (count, period) = text.split_once('/').ok_or(RateError)?;
        let count = count.trim().parse().map_err(|_| RateError)?;
        let period = humantime::parse_duration(period).map_err(|_| RateError)?;
        let sound = (1..=MAX_COUNT).contains(&count)
            && (Duration::from_secs(1)..=MAX_PERIOD).contains(&period);
        sound.then_some(Self { count, period }).ok_or(RateError)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let period = humantime::format_duration(self.period).to_string();
        write!(f, "{}/{}", self.count, period.replace(' ', ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_is_parsed_and_printed() {
        for (text, count, seconds) in [
            ("60/1m", 60, 60),
            ("1/1s", 1, 1),
            ("1000000/31d", 1_000_000, 31 * 86_400),
            ("5/1h 30m", 5, 5_400),
            (" 5 / 90s", 5, 90),
        ] {
            let rate: Rate = text.parse().expect(text);
            let period = Duration::from_secs(seconds);
            assert_eq!(rate, Rate { count, period }, "{text}");
        }
        for (text, printed) in [("60/60s", "60/1m"), ("5/90m", "5/1h30m")] {
            let rate: Rate = text.parse().expect(text);
            assert_eq!(rate.to_string(), printed);
            assert_eq!(printed.parse::<Rate>().expect(printed), rate);
        }
    }

    #[test]
    fn invalid_rate_is_rejected() {
        for text in [
            "",
            "60",
            "60/",
            "/1m",
            "0/1m",
            "-1/1m",
            "1000001/1m",
            "60/0s",
            "60/999ms",
            "60/32d",
            "60/1",
            "60/m",
            "1.5/1m",
            "60/1m/1m",
        ] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }
}
