//! Traffic and errors: the first row.

use super::routes::TO_ROUTE;
use super::{count, seconds};
use crate::dashboard::{Color, Panel, Unit, View};
use crate::select::{
    DURATION, ERROR, all_of, or_zero, over_range, per_second, ratio, shown_quantile, user_requests,
};
use crate::slo::{AVAILABILITY, PAIRS, PASSWORD_BOUND, TOKEN_BOUND};

pub(super) fn panels() -> Vec<Panel> {
    let rate = per_second("", &count(), &user_requests());
    let errors = per_second("", &count(), &all_of(&[&user_requests(), ERROR]));
    let top = per_second(
        "http_request_method, http_route",
        &count(),
        &user_requests(),
    );
    vec![
        Panel::new(
            View::Stat,
            Unit::Count,
            "Total requests",
            "Requests of users in the time shown, without health checks and the synthetic login \
             probe. If the number is far from what you expect: *Traffic by status class*, then \
             *Instances ready*.",
        )
        .query("", over_range("", &count(), &user_requests()))
        .size(4, 7),
        Panel::new(
            View::Stat,
            Unit::RequestRate,
            "Requests per second",
            "A sudden drop without errors means that users do not reach the service: check the \
             proxy in front and *Connections in use* on Dependencies. A sudden rise: *Top \
             endpoints by traffic*, then *Logins by reason* on Authentication.",
        )
        .query("", rate.clone())
        .size(4, 7),
        Panel::new(
            View::Stat,
            Unit::Seconds,
            "P95 latency",
            "All routes together, so a larger share of logins raises it. See *P95 by route*: if \
             only logins are slow, *Hash queue wait P95*; if all are, *Pool wait and use P95* or \
             *Tokio scheduling delay P99*, all on Dependencies. Yellow above the objective of the \
             token path, red above that of the password path.",
        )
        .query("P95", shown_quantile(0.95, "", DURATION, &user_requests()))
        .query("P50", shown_quantile(0.5, "", DURATION, &user_requests()))
        .steps(&[
            (seconds(TOKEN_BOUND), Color::Warn),
            (seconds(PASSWORD_BOUND), Color::Bad),
        ])
        .quiet("no traffic")
        .size(6, 7),
        Panel::new(
            View::Stat,
            Unit::Ratio,
            "Error rate",
            "Share of 5xx responses, including load shedding. Yellow: above what the objective \
             allows in the long run. Red: a month's budget would be spent in two days. See *Error \
             ratio by route*, then *Hash work refused* and *Dependency errors* on Dependencies.",
        )
        .runbook(&["budget-burn"])
        .query("", ratio(&or_zero(&errors, &rate), &rate))
        .steps(&[
            (AVAILABILITY.budget, Color::Warn),
            (AVAILABILITY.budget * PAIRS[0].burn, Color::Bad),
        ])
        .range(Some(0.0), None)
        .quiet("no traffic")
        .size(3, 7),
        Panel::new(
            View::BarGauge,
            Unit::RequestRate,
            "Top endpoints by traffic",
            "Click a bar to see only that route below. Many requests to unmatched are a scan. One \
             route far above its usual rate is a client in a loop: *Rate-limit denials by limiter* \
             on Authentication shows whether it is limited, the proxy's log shows which client it \
             is.",
        )
        .query(
            "{{http_request_method}} {{http_route}}",
            format!("topk(8, {top} > 0)"),
        )
        .link(TO_ROUTE.title, TO_ROUTE.url)
        .quiet("no traffic")
        .size(7, 7),
    ]
}
