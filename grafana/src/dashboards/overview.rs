//! Is it well, and for whom not?

use crate::dashboard::{Color, Dashboard, Panel, Row, Unit, View};
use crate::select::{D, R, S, X, or_zero, quantile, ratio};

/// The dashboard.
pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "auth-overview",
        title: "Overview and SLO",
        description: "Whether users are served, how fast, and how much of the error budget is left.",
        variables: Vec::new(),
        rows: vec![Row {
            title: "Traffic",
            panels: traffic(),
        }],
    }
}

fn traffic() -> Vec<Panel> {
    let of = format!("{S}, {X}");
    let rate = format!("sum(rate({D}_count{{{of}}}[{R}]))");
    let errors = format!("sum(rate({D}_count{{{of}, http_response_status_code=~\"5..\"}}[{R}]))");
    vec![
        Panel::new(
            View::Stat,
            Unit::Count,
            "Total requests",
            "Requests of users in the time shown. When it is far from what you expect, look at \
             Traffic by status class.",
        )
        .query("", format!("sum(increase({D}_count{{{of}}}[$__range]))")),
        Panel::new(
            View::Stat,
            Unit::Ratio,
            "Error rate",
            "Answers with 5xx. Above 0.1 % the budget burns: look at Burn rate by window, then at \
             Dependencies and saturation.",
        )
        .query("", ratio(&or_zero(&errors, &rate), &rate))
        .steps(&[(0.001, Color::Warn), (0.0144, Color::Bad)])
        .quiet("no traffic"),
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Latency quantiles",
            "P95 above 25 ms with few logins: look at P95 by route.",
        )
        .query("P50", quantile(0.5, "", D, &of, R))
        .query("P95", quantile(0.95, "", D, &of, R))
        .quiet("no traffic"),
    ]
}
