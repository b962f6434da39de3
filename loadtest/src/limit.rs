//! Bounds of times, in what the machine can do.

use std::fmt;
use std::str::FromStr;

use crate::times::millis;
use crate::yardstick::Yardstick;

/// A time: so many seconds, hashes and bare round trips.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limit {
    seconds: f64,
    hashes: f64,
    round_trips: f64,
}

impl Limit {
    /// So many seconds, whatever the machine.
    #[must_use]
    pub const fn seconds(seconds: f64) -> Self {
        Self {
            seconds,
            hashes: 0.0,
            round_trips: 0.0,
        }
    }

    /// So many password hashes.
    #[must_use]
    pub const fn hashes(hashes: f64) -> Self {
        Self {
            seconds: 0.0,
            hashes,
            round_trips: 0.0,
        }
    }

    /// So many bare round trips.
    #[must_use]
    pub const fn round_trips(round_trips: f64) -> Self {
        Self {
            seconds: 0.0,
            hashes: 0.0,
            round_trips,
        }
    }

    /// So many seconds more, as a queue may hold a request.
    #[must_use]
    pub const fn and_seconds(self, seconds: f64) -> Self {
        Self { seconds, ..self }
    }

    /// Whether it depends on the machine.
    #[must_use]
    pub const fn depends(self) -> bool {
        self.hashes > 0.0 || self.round_trips > 0.0
    }

    /// On this machine, in milliseconds.
    #[must_use]
    pub fn millis(self, machine: &Yardstick) -> f64 {
        self.seconds * 1e3
            + self.hashes * machine.hash_ms
            + self.round_trips * machine.round_trip_ms
    }

    /// In words, with the time on this machine.
    #[must_use]
    pub fn on(self, machine: &Yardstick) -> String {
        if self.hashes + self.round_trips > 0.0 {
            format!("{self} ({})", millis(self.millis(machine)))
        } else {
            self.to_string()
        }
    }
}

impl FromStr for Limit {
    type Err = String;

    /// Reads what depends on the machine: `4 hashes`, `12 round trips`.
    fn from_str(text: &str) -> Result<Self, String> {
        let number = |unit| text.strip_suffix(unit)?.trim().parse::<f64>().ok();
        let limit = number("hashes")
            .map(Self::hashes)
            .or_else(|| Some(Self::round_trips(number("round trips")?)));
        limit
            .filter(|limit| limit.hashes + limit.round_trips > 0.0)
            .ok_or_else(|| format!("`{text}` must be a number of hashes or round trips"))
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.seconds > 0.0 {
            parts.push(millis(self.seconds * 1e3));
        }
        for (value, unit) in [(self.hashes, "hashes"), (self.round_trips, "round trips")] {
            if value > 0.0 {
                parts.push(format!("{value} {unit}"));
            }
        }
        f.write_str(&parts.join(" + "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limit_is_a_time_of_the_machine() {
        let machine = Yardstick {
            hash_ms: 20.0,
            round_trip_ms: 0.1,
        };
        let limit = Limit::hashes(5.0).and_seconds(2.0);
        assert_eq!(limit.on(&machine), "2.00 s + 5 hashes (2.10 s)");
        let limit = Limit::round_trips(10.0);
        assert_eq!(limit.on(&machine), "10 round trips (1.00 ms)");
        assert_eq!("10 round trips".parse(), Ok(limit));
        assert_eq!("2.5 hashes".parse(), Ok(Limit::hashes(2.5)));
        for wrong in ["25ms", "hashes", "-1 hashes", "NaN hashes"] {
            assert!(wrong.parse::<Limit>().is_err(), "{wrong}");
        }
    }
}
