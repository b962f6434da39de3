//! The objectives, and the arithmetic of burn rates.
//!
//! Windows and factors are those of the SRE workbook's multiwindow, multi-burn-rate alerts.

/// An objective over 30 days.
#[derive(Clone, Copy, Debug)]
pub struct Slo {
    /// Its name in recorded series.
    pub name: &'static str,
    /// The name of its alerts.
    pub alert: &'static str,
    /// The definition of a good event.
    pub good: &'static str,
    /// The recorded ratio of bad events, without its window.
    pub record: &'static str,
    /// The share of bad events that is allowed, 0 to 1.
    pub budget: f64,
}

/// Requests answered without a server error.
pub const AVAILABILITY: Slo = Slo {
    name: "availability",
    alert: "AuthAvailabilityBudgetBurn",
    good: "answered without a 5xx, all routes but probes",
    record: "job:auth_sli_availability_errors:ratio_rate",
    budget: 0.001,
};

/// Latency of requests that take a token.
pub const TOKEN_LATENCY: Slo = Slo {
    name: "token_latency",
    alert: "AuthTokenLatencyBudgetBurn",
    good: "not a 5xx and within 25 ms on the server",
    record: "job:auth_sli_token_slow:ratio_rate",
    budget: 0.01,
};

/// Latency of requests that hash a password.
pub const PASSWORD_LATENCY: Slo = Slo {
    name: "password_latency",
    alert: "AuthPasswordLatencyBudgetBurn",
    good: "not a 5xx and within 500 ms on the server",
    record: "job:auth_sli_password_slow:ratio_rate",
    budget: 0.01,
};

/// Success of the synthetic probe's whole journey.
pub const JOURNEY: Slo = Slo {
    name: "journey",
    alert: "AuthJourneyBudgetBurn",
    good: "all four steps of the canary succeed",
    record: "job:auth_sli_journey_errors:ratio_rate",
    budget: 0.001,
};

/// The bound of a fast answer on the token path, in seconds. It must be a bucket's bound, and not a
/// whole number.
pub const TOKEN_BOUND: &str = "0.025";
/// The bound of a fast answer on the password path, in seconds.
pub const PASSWORD_BOUND: &str = "0.5";

/// The recorded windows, shortest first.
pub const WINDOWS: [&str; 7] = ["5m", "30m", "1h", "2h", "6h", "1d", "3d"];

/// A pair of windows: an alert fires when the budget burns this fast over both.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// Burn rate: 1 spends the budget in 30 days.
    pub burn: f64,
    /// The long window.
    pub long: &'static str,
    /// The short window, so that the alert resolves soon.
    pub short: &'static str,
    /// Whether it pages.
    pub pages: bool,
}

/// Fastest burn first.
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
