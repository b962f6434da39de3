//! The objectives, and the arithmetic of burn rates.
//!
//! Windows and factors are those of the SRE workbook's multiwindow, multi-burn-rate alerts.

/// An objective over 30 days.
#[derive(Clone, Copy, Debug)]
pub struct Slo {
    /// The middle of its recorded names and the beginning of its alerts.
    pub name: &'static str,
    /// What its alerts are called: `AuthAvailability` and so on.
    pub alert: &'static str,
    /// A good event, in words.
    pub good: &'static str,
    /// The recorded ratio of bad events, without its window.
    pub record: &'static str,
    /// The share of bad events that is allowed, 0 to 1.
    pub budget: f64,
}

/// Not answered with a server error.
pub const AVAILABILITY: Slo = Slo {
    name: "availability",
    alert: "AuthAvailabilityBudgetBurn",
    good: "answered without a 5xx, all routes but probes",
    record: "job:auth_sli_availability_errors:ratio_rate",
    budget: 0.001,
};

/// Fast where a token suffices.
pub const TOKEN_LATENCY: Slo = Slo {
    name: "token_latency",
    alert: "AuthTokenLatencyBudgetBurn",
    good: "not a 5xx and within 25 ms on the server",
    record: "job:auth_sli_token_slow:ratio_rate",
    budget: 0.01,
};

/// Fast enough where a password is hashed.
pub const PASSWORD_LATENCY: Slo = Slo {
    name: "password_latency",
    alert: "AuthPasswordLatencyBudgetBurn",
    good: "not a 5xx and within 500 ms on the server",
    record: "job:auth_sli_password_slow:ratio_rate",
    budget: 0.01,
};

/// A user's whole journey works, by the canary.
pub const JOURNEY: Slo = Slo {
    name: "journey",
    alert: "AuthJourneyBudgetBurn",
    good: "all four steps of the canary succeed",
    record: "job:auth_sli_journey_errors:ratio_rate",
    budget: 0.001,
};

/// The bound of a fast answer on the token path, in seconds: a bucket's bound, and no whole number.
pub const TOKEN_BOUND: &str = "0.025";
/// The bound of a fast answer on the password path, in seconds.
pub const PASSWORD_BOUND: &str = "0.5";

/// All windows that are recorded, from the shortest.
pub const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

/// Two windows over which the budget must burn so fast for an alert.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// How many times faster than what lasts 30 days.
    pub burn: f64,
    /// Over this window.
    pub long: &'static str,
    /// And still now, over this one.
    pub short: &'static str,
    /// Whether somebody is woken for it.
    pub pages: bool,
}

/// From the fastest burn to the slowest.
pub const PAIRS: [Pair; 4] = [
    Pair {
        burn: 14.4,
        long: "1h",
        short: "5m",
        pages: true,
    },
    Pair {
        burn: 6.0,
        long: "6h",
        short: "30m",
        pages: true,
    },
    Pair {
        burn: 3.0,
        long: "1d",
        short: "2h",
        pages: false,
    },
    Pair {
        burn: 1.0,
        long: "3d",
        short: "6h",
        pages: false,
    },
];
