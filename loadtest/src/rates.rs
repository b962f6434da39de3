//! Rates of arrivals over time: when the next user comes, whether or not the one before is served.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The highest rate, which one machine does not send.
const MOST: f64 = 1_000_000.0;

/// A time with one rate, or with one that rises or falls steadily.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stage {
    /// Arrivals a second at its beginning.
    from: f64,
    /// At its end.
    to: f64,
    /// Its length.
    time: Duration,
}

impl Stage {
    /// Arrivals up to this many seconds after its beginning.
    fn arrivals(self, seconds: f64) -> f64 {
        let slope = (self.to - self.from) / self.time.as_secs_f64();
        self.from * seconds + slope * seconds * seconds / 2.0
    }

    /// Seconds until this many have come; at most as many as come in it.
    fn until(self, arrivals: f64) -> f64 {
        let slope = (self.to - self.from) / self.time.as_secs_f64();
        // The root of the quadratic equation in the form that is exact where the slope is nothing.
        let root = (self.from * self.from + 2.0 * slope * arrivals).max(0.0);
        2.0 * arrivals / (self.from + root.sqrt())
    }
}

/// How users arrive: at one rate as long as the run takes, or in stages.
#[derive(Clone, Debug, PartialEq)]
pub enum Schedule {
    /// So many a second.
    Steady(f64),
    /// One rate after another.
    Stages(Rates),
}

impl Schedule {
    /// The rates of a run of this length.
    #[must_use]
    pub fn over(&self, run_time: Duration) -> Rates {
        match self {
            Self::Steady(rate) => Rates::steady(*rate, run_time),
            Self::Stages(rates) => rates.clone(),
        }
    }
}

/// Rates of arrivals, one after another.
#[derive(Clone, Debug, PartialEq)]
pub struct Rates(Vec<Stage>);

impl Rates {
    /// One rate for this time.
    #[must_use]
    pub fn steady(per_second: f64, time: Duration) -> Self {
        Self(vec![Stage {
            from: per_second,
            to: per_second,
            time,
        }])
    }

    /// The share of them that one kind of users has.
    #[must_use]
    pub fn share(&self, share: f64) -> Self {
        let stages = self.0.iter().map(|stage| Stage {
            from: stage.from * share,
            to: stage.to * share,
            time: stage.time,
        });
        Self(stages.collect())
    }

    /// Their time.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.0.iter().map(|stage| stage.time).sum()
    }

    /// Number of arrivals in all.
    #[must_use]
    pub fn arrivals(&self) -> f64 {
        let each = |stage: &Stage| stage.arrivals(stage.time.as_secs_f64());
        self.0.iter().map(each).sum()
    }

    /// When the `number`th arrival is due, from 0. The first comes half an interval after the beginning,
    /// so that rates add up over the whole time.
    #[must_use]
    pub fn due(&self, number: u64) -> Option<Duration> {
        let mut left = number as f64 + 0.5;
        let mut before = Duration::ZERO;
        for stage in &self.0 {
            let all = stage.arrivals(stage.time.as_secs_f64());
            if left <= all {
                return Some(before + Duration::from_secs_f64(stage.until(left)));
            }
            left -= all;
            before += stage.time;
        }
        None
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, stage) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { "," };
            write!(f, "{separator}{}", stage.from)?;
            if stage.from.to_bits() != stage.to.to_bits() {
                write!(f, "..{}", stage.to)?;
            }
            let time = humantime::format_duration(stage.time).to_string();
            write!(f, "/s:{}", time.replace(' ', ""))?;
        }
        Ok(())
    }
}

impl FromStr for Rates {
    type Err = String;

    /// Reads stages such as `100/s:30s,100..500/s:1m`.
    fn from_str(text: &str) -> Result<Self, String> {
        let stages = text.split(',').map(stage);
        let rates = Self(stages.collect::<Result<_, _>>()?);
        if rates.arrivals() < 1.0 {
            return Err("nobody comes".to_owned());
        }
        Ok(rates)
    }
}

fn stage(text: &str) -> Result<Stage, String> {
    let wrong = || {
        format!(
            "`{text}` must be a rate and a time, as in 100/s:30s, or a slope, as in 0..500/s:1m"
        )
    };
    let (rate, time) = text.trim().split_once(':').ok_or_else(wrong)?;
    let time = humantime::parse_duration(time).map_err(|_| wrong())?;
    let (from, to) = match rate.split_once("..") {
        Some((from, to)) => (parse(from, "/s"), parse(to, "")),
        None => (parse(rate, ""), parse(rate, "")),
    };
    match (from, to) {
        (Ok(from), Ok(to)) if !time.is_zero() => Ok(Stage { from, to, time }),
        _ => Err(wrong()),
    }
}

/// Reads a rate such as `500/s` or `30/m`.
///
/// # Errors
/// When it is none, or not above 0.
pub fn rate(text: &str) -> Result<f64, String> {
    match parse(text, "")? {
        rate if rate > 0.0 => Ok(rate),
        _ => Err(format!("`{text}` must be above 0/s")),
    }
}

fn parse(text: &str, unit: &str) -> Result<f64, String> {
    let whole = format!("{text}{unit}");
    let seconds = [("/s", 1.0), ("/m", 60.0), ("/h", 3600.0)];
    let mut found = seconds.iter().filter_map(|(unit, seconds)| {
        let number: f64 = whole.strip_suffix(unit)?.trim().parse().ok()?;
        (0.0..=MOST).contains(&number).then_some(number / seconds)
    });
    found
        .next()
        .ok_or_else(|| format!("`{text}` must be a rate, as in 500/s, 30/m or 10/h"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(text: &str) -> Rates {
        text.parse().expect(text)
    }

    fn seconds(rates: &Rates, number: u64) -> f64 {
        rates.due(number).expect("it comes").as_secs_f64()
    }

    #[test]
    fn arrivals_are_due_at_even_intervals_and_stages_follow_one_another() {
        let steps = rates("10/s:1s, 100/s:2s");
        assert_eq!(steps.length(), Duration::from_secs(3));
        assert!((steps.arrivals() - 210.0).abs() < 1e-9);
        for (number, at) in [(0, 0.05), (9, 0.95), (10, 1.005), (209, 2.995)] {
            assert!((seconds(&steps, number) - at).abs() < 1e-6, "{number}");
        }
        assert_eq!(steps.due(210), None);
    }

    #[test]
    fn slopes_rise_and_fall_steadily() {
        for (slope, quarter) in [("0..100/s:10s", 125.0), ("100..0/s:10s", 375.0)] {
            let slope = rates(slope);
            assert!((slope.arrivals() - 500.0).abs() < 1e-9);
            let halfway = (0..500).filter(|number| seconds(&slope, *number) < 5.0);
            assert!((halfway.count() as f64 - quarter).abs() <= 1.0);
            assert!(seconds(&slope, 499) <= 10.0);
        }
    }

    #[test]
    fn kinds_share_the_arrivals() {
        let third = rates("30/s:10s").share(1.0 / 3.0);
        assert!((third.arrivals() - 100.0).abs() < 1e-9);
    }

    #[test]
    fn rates_are_read_and_written_alike() {
        for text in ["100/s:30s", "100/s:30s,0..500/s:1m", "0.5/s:1h"] {
            assert_eq!(rates(text).to_string(), text);
        }
        assert!((rate("30/m").expect("a rate") - 0.5).abs() < f64::EPSILON);
    }

    #[test]
    fn what_is_no_rate_is_named() {
        for wrong in ["", "x", "500", "-1/s", "0/s", "NaN/s", "inf/s", "2000000/s"] {
            assert!(rate(wrong).is_err(), "{wrong}");
        }
        for wrong in [
            "100/s", "100:30s", "100/s:0s", "100/s:30", "1..2:1s", "0/s:1s",
        ] {
            let complaint = Rates::from_str(wrong).expect_err(wrong);
            assert!(
                complaint.contains(wrong) || complaint == "nobody comes",
                "{complaint}"
            );
        }
    }
}
