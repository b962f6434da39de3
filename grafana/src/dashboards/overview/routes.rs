//! Traffic, errors and latency by route.

use super::count;
use crate::dashboard::{Color, Link, Panel, Unit, Variable, View};
use crate::select::{
    DURATION, ERROR, ROUTE, USERS, all_of, or_zero, per_second, ratio, shown_quantile,
};
use crate::slo::AVAILABILITY;

pub(super) const ROUTES: Variable = Variable {
    name: "route",
    label: "Route",
    query: "label_values(http_server_request_duration_seconds_count{job=~\"$job\", instance=~\"$instance\"}, http_route)",
};

/// Links to this dashboard with the clicked series' route.
pub(super) const TO_ROUTE: Link = Link {
    title: "This route alone",
    url: "/d/auth-overview?${datasource:queryparam}&${job:queryparam}&${instance:queryparam}&var-route=${__field.labels.http_route:percentencode}&${__url_time_range}",
};

pub(super) fn panels() -> Vec<Panel> {
    let of = all_of(&[ROUTE, USERS]);
    let all = per_second("http_route", &count(), &of);
    let bad = per_second("http_route", &count(), &all_of(&[&of, ERROR]));
    let size = "http_server_response_body_size_bytes";
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "P95 by route",
            "Click a route to see only that one. One slow route: *Statement P95* on Dependencies \
             shows its statements. /login, /register and /users/me/password together: hashing. \
             All: the machine.",
        )
        .query(
            "{{http_route}}",
            shown_quantile(0.95, "http_route", DURATION, &of),
        )
        .link(TO_ROUTE.title, TO_ROUTE.url)
        .quiet("no traffic")
        .size(12, 9),
        Panel::new(
            View::TimeSeries,
            Unit::Ratio,
            "Error ratio by route",
            "Share of 5xx by route. One route: look for its request ids in the log at level error. \
             Routes with a password: *Hash work refused*. All routes that need the database: \
             *Dependency up*, both on Dependencies.",
        )
        .runbook(&["budget-burn"])
        .query("{{http_route}}", ratio(&or_zero(&bad, &all), &all))
        .steps(&[(AVAILABILITY.budget, Color::Warn)])
        .range(Some(0.0), None)
        .link(TO_ROUTE.title, TO_ROUTE.url)
        .quiet("no traffic")
        .size(12, 9),
        Panel::new(
            View::TimeSeries,
            Unit::RequestRate,
            "Requests by route",
            "Requests to the chosen routes. A route that stops while others continue: its clients \
             fail (*Error ratio by route*, *Aborted by client*), or the proxy no longer forwards \
             it.",
        )
        .query("{{http_route}}", all)
        .link(TO_ROUTE.title, TO_ROUTE.url),
        Panel::new(
            View::TimeSeries,
            Unit::RequestRate,
            "Aborted by client",
            "Clients that disconnected before the response. Their timeout is shorter than the \
             response takes: see *P95 by route* and the proxy's timeout.",
        )
        .query(
            "{{http_route}}",
            per_second("http_route", "http_server_requests_aborted_total", ROUTE),
        ),
        Panel::new(
            View::TimeSeries,
            Unit::Bytes,
            "Response size P95 by route",
            "If the size of lists grows, a client reads the accounts page by page: see *RBAC \
             decisions* on Authentication.",
        )
        .query(
            "{{http_route}}",
            shown_quantile(0.95, "http_route", size, ROUTE),
        )
        .quiet("no traffic"),
    ]
}
