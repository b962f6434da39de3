//! Is it well, and for whom not?

use crate::dashboard::{Color, Dashboard, Link, Panel, Row, Unit, Variable, View};
use crate::select::{
    D, ERROR, NO_ERROR, PASSWORD_PATH, R, ROUTE, S, TOKEN_PATH, USERS, X, all_of, gauge, or_zero,
    over_range, per_second, ratio, shown_quantile,
};
use crate::slo::{
    AVAILABILITY, JOURNEY, PAIRS, PASSWORD_BOUND, PASSWORD_LATENCY, Slo, TOKEN_BOUND,
    TOKEN_LATENCY, WINDOWS,
};

const ROUTES: Variable = Variable {
    name: "route",
    label: "Route",
    query: "label_values(http_server_request_duration_seconds_count{job=~\"$job\", instance=~\"$instance\"}, http_route)",
};

/// To this dashboard, narrowed to the route of the series that was clicked.
const TO_ROUTE: Link = Link {
    title: "This route alone",
    url: "/d/auth-overview?${datasource:queryparam}&${job:queryparam}&${instance:queryparam}&var-route=${__field.labels.http_route:percentencode}&${__url_time_range}",
};

/// The dashboard.
pub(super) fn dashboard() -> Dashboard {
    let row = |title, panels| Row { title, panels };
    Dashboard {
        uid: "auth-overview",
        title: "Overview and SLO",
        description: "Whether users are served, how fast, and how much of the error budget is left.",
        variables: vec![ROUTES],
        rows: vec![
            row("Traffic", traffic()),
            row("Objectives", objectives()),
            row("Latency and load", latency()),
            row("By route: $route", by_route()),
            row("Replicas", replicas()),
        ],
    }
}

fn count() -> String {
    format!("{D}_count")
}

fn bucket() -> String {
    format!("{D}_bucket")
}

fn seconds(bound: &str) -> f64 {
    bound
        .parse()
        .expect("the bound of an objective is a number")
}

/// The share of all requests that were answered with an error, in the time shown.
fn errors_over_range() -> String {
    let all = over_range("", &count(), X);
    let bad = over_range("", &count(), &all_of(&[X, ERROR]));
    ratio(&or_zero(&bad, &all), &all)
}

fn traffic() -> Vec<Panel> {
    let rate = per_second("", &count(), X);
    let errors = per_second("", &count(), &all_of(&[X, ERROR]));
    let top = per_second("http_request_method, http_route", &count(), X);
    vec![
        Panel::new(
            View::Stat,
            Unit::Count,
            "Total requests",
            "Requests of users in the time shown; probes and the canary are left out. When it is far \
             from what you expect: Traffic by status class, then Instances ready.",
        )
        .query("", over_range("", &count(), X))
        .size(4, 7),
        Panel::new(
            View::Stat,
            Unit::RequestRate,
            "Requests per second",
            "A sudden fall with no errors means that users do not reach the service: look at the proxy \
             in front and at Connections in use on Dependencies. A sudden rise: Top endpoints by \
             traffic, then Logins by reason on Authentication.",
        )
        .query("", rate.clone())
        .size(4, 7),
        Panel::new(
            View::Stat,
            Unit::Seconds,
            "P95 latency",
            "Of all routes together, so it rises with the share of logins alone. Look at P95 by route: \
             slow logins only are Hash queue wait P95, everything slow is Pool wait P95 or the \
             scheduling delay, all on Dependencies. Yellow from the objective of the token path on, red \
             from that of the password path on.",
        )
        .query("P95", shown_quantile(0.95, "", D, X))
        .query("P50", shown_quantile(0.5, "", D, X))
        .steps(&[
            (seconds(TOKEN_BOUND), Color::Warn),
            (seconds(PASSWORD_BOUND), Color::Bad),
        ])
        .quiet("no traffic")
        .size(4, 7),
        Panel::new(
            View::Stat,
            Unit::Ratio,
            "Error rate",
            "Answers with 5xx, load shed on purpose among them. Yellow: more than the objective allows \
             for ever; red: a month's budget would be gone in two days. Look at Error ratio by route, \
             then at Hash work refused and Dependency errors on Dependencies. Runbook: budget-burn.",
        )
        .query("", ratio(&or_zero(&errors, &rate), &rate))
        .steps(&[
            (AVAILABILITY.budget, Color::Warn),
            (AVAILABILITY.budget * PAIRS[0].burn, Color::Bad),
        ])
        .range(Some(0.0), None)
        .quiet("no traffic")
        .size(4, 7),
        Panel::new(
            View::BarGauge,
            Unit::RequestRate,
            "Top endpoints by traffic",
            "Click a bar to see that route alone below. Many requests to unmatched are a scan; one route \
             far above its usual place is a client in a loop: look for its address in the proxy's log.",
        )
        .query(
            "{{http_request_method}} {{http_route}}",
            format!("topk(10, {top})"),
        )
        .link(TO_ROUTE.title, TO_ROUTE.url)
        .size(8, 7),
    ]
}

/// How much of an objective's budget is left, by events rather than by time.
fn budget_left(bad: &str, slo: &Slo) -> String {
    format!("1 - {bad} / {}", slo.budget)
}

/// The share of answers on these routes that took longer than this, in the time shown.
fn slow_over_range(routes: &str, bound: &str) -> String {
    let of = all_of(&[routes, USERS, NO_ERROR]);
    let fast = all_of(&[&of, &format!("le=\"{bound}\"")]);
    let all = over_range("", &count(), &of);
    let fast = over_range("", &bucket(), &fast);
    format!("(1 - {})", ratio(&fast, &all))
}

/// The share of answers on these routes that were given within this.
fn fast_share(routes: &str, bound: &str) -> String {
    let of = all_of(&[routes, USERS, NO_ERROR]);
    let fast = all_of(&[&of, &format!("le=\"{bound}\"")]);
    ratio(
        &per_second("", &bucket(), &fast),
        &per_second("", &count(), &of),
    )
}

/// How many times faster than a month's worth the budget burns over this window.
fn burn(slo: &Slo, window: &str) -> String {
    format!(
        "max({}{window}{{job=~\"$job\"}}) / {}",
        slo.record, slo.budget
    )
}

/// From the slowest burn that is alerted on.
fn burn_steps() -> Vec<(f64, Color)> {
    let color = |pages| if pages { Color::Bad } else { Color::Warn };
    let steps = PAIRS.iter().rev();
    steps.map(|pair| (pair.burn, color(pair.pages))).collect()
}

fn objectives() -> Vec<Panel> {
    let mut lines = objectives_now();
    lines.extend(objectives_course());
    lines
}

fn objectives_now() -> Vec<Panel> {
    let runs = over_range("", "auth_canary_runs_total", "");
    let failed = over_range("", "auth_canary_runs_total", r#"outcome="failure""#);
    let journey = ratio(&or_zero(&failed, &runs), &runs);
    let fire = r#"max by (alertname, severity, window) (ALERTS{alertname=~"Auth.+", alertstate="firing"})"#;
    vec![
        Panel::new(
            View::Stat,
            Unit::Ratio,
            "Availability over the range",
            "The share of requests in the time shown that were not answered with 5xx. Objective: 99.9 % \
             over 30 days. Red: look at Burn rate by window for whether it still burns, then at Error \
             ratio by route. Runbook: budget-burn.",
        )
        .query("", format!("1 - {}", errors_over_range()))
        .rising_steps(&[(1.0 - AVAILABILITY.budget, Color::Good)])
        .range(None, Some(1.0))
        .decimals(3)
        .quiet("no traffic")
        .size(5, 7),
        Panel::new(
            View::Gauge,
            Unit::Ratio,
            "Error budget left over the range",
            "What would be left if the objectives were over the time shown: choose 30 days for the true \
             budget. Below nothing the objective is missed: stop risky changes, and look at Burn rate by \
             window for when it went. Runbook: budget-burn.",
        )
        .query("Availability", budget_left(&errors_over_range(), &AVAILABILITY))
        .query(
            "Token path",
            budget_left(&slow_over_range(TOKEN_PATH, TOKEN_BOUND), &TOKEN_LATENCY),
        )
        .query(
            "Password path",
            budget_left(
                &slow_over_range(PASSWORD_PATH, PASSWORD_BOUND),
                &PASSWORD_LATENCY,
            ),
        )
        .query("Journey", budget_left(&journey, &JOURNEY))
        .rising_steps(&[(0.0, Color::Warn), (0.25, Color::Good)])
        .decimals(0)
        .quiet("no traffic")
        .size(11, 7),
        Panel::new(
            View::Table,
            Unit::Count,
            "Firing alerts",
            "What fires now. Begin with what pages; every alert links its section of the runbook and its \
             dashboard in Alertmanager.",
        )
        .query("", fire)
        .columns(&[
            ("alertname", "Alert"),
            ("severity", "Severity"),
            ("window", "Windows"),
        ])
        .quiet("none fires")
        .size(8, 7),
    ]
}

fn objectives_course() -> Vec<Panel> {
    let course = |title, description| {
        Panel::new(View::TimeSeries, Unit::Ratio, title, description)
            .rising_steps(&[(1.0 - TOKEN_LATENCY.budget, Color::Good)])
            .range(None, Some(1.0))
            .quiet("no traffic")
    };
    let burns = |title, description| {
        Panel::new(View::TimeSeries, Unit::Number, title, description)
            .steps(&burn_steps())
            .quiet("no traffic")
            .size(12, 8)
    };
    let mut availability = burns(
        "Burn rate by window",
        "1 spends a month's budget of errors in a month. A long window above a line and its short window \
         above it, too, means that it burns now; a short one alone is over soon. Look at Error ratio by \
         route, and for a start or deploy where it began. Runbook: budget-burn.",
    );
    for window in WINDOWS {
        availability = availability.query(window, burn(&AVAILABILITY, window));
    }
    let mut others = burns(
        "Burn rate of latency and journey",
        "As beside, for the other objectives. Token path: Pool wait P95 and Tokio scheduling delay P99 on \
         Dependencies. Password path: Hash queue wait P95 there. Journey: Canary journey success. \
         Runbook: budget-burn.",
    );
    let legends = [
        (
            "token 5m",
            "token 1h",
            "token 6h",
            "token 3d",
            &TOKEN_LATENCY,
        ),
        (
            "password 5m",
            "password 1h",
            "password 6h",
            "password 3d",
            &PASSWORD_LATENCY,
        ),
        (
            "journey 5m",
            "journey 1h",
            "journey 6h",
            "journey 3d",
            &JOURNEY,
        ),
    ];
    for (minutes, hour, hours, days, slo) in legends {
        others = others
            .query(minutes, burn(slo, "5m"))
            .query(hour, burn(slo, "1h"))
            .query(hours, burn(slo, "6h"))
            .query(days, burn(slo, "3d"));
    }
    let steps = per_second("step", "auth_canary_runs_total", "");
    let passed = per_second("step", "auth_canary_runs_total", r#"outcome="success""#);
    vec![
        availability,
        others,
        course(
            "Token path within 25 ms",
            "Of what a token opens without a password, without 5xx. Objective: 99 %. When it falls: P95 by \
             route, then Pool wait P95, Cache hit ratio and Tokio scheduling delay P99 on Dependencies.",
        )
        .query("within 25 ms", fast_share(TOKEN_PATH, TOKEN_BOUND)),
        course(
            "Password path within 500 ms",
            "Of logins, registrations and changes of passwords, without 5xx. Objective: 99 %. When it \
             falls, work waits for hashing: Hash queue wait P95 and Hash slots in use on Dependencies; \
             give HASH_THREADS more cores or add a replica.",
        )
        .query("within 500 ms", fast_share(PASSWORD_PATH, PASSWORD_BOUND)),
        course(
            "Canary journey success",
            "The service logs itself in, reads, refreshes and logs out. The first step that fails says \
             where to look: login is Logins by reason, me is Token verification failures, refresh is \
             Refresh outcomes, all on Authentication. Runbook: journey.",
        )
        .query("{{step}}", ratio(&passed, &steps))
        .quiet("no canary"),
    ]
}

fn latency() -> Vec<Panel> {
    let status = format!(
        "sum by (class) (label_replace(label_replace(rate({D}_count{{{S}, {X}}}[{R}]), \
         \"class\", \"left before the answer\", \"\", \"\"), \
         \"class\", \"${{1}}xx\", \"http_response_status_code\", \"(.)..\"))"
    );
    let closed = "http_server_connections_closed_total";
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "Latency quantiles",
            "On the server, all routes together. P99 alone high: a few slow routes, see P95 by route. All of \
             them high: the machine or the database, see Dependencies. Compare with the moment of a start.",
        )
        .query("P50", shown_quantile(0.5, "", D, X))
        .query("P95", shown_quantile(0.95, "", D, X))
        .query("P99", shown_quantile(0.99, "", D, X))
        .steps(&[
            (seconds(TOKEN_BOUND), Color::Warn),
            (seconds(PASSWORD_BOUND), Color::Bad),
        ])
        .quiet("no traffic")
        .size(12, 8),
        Panel::new(
            View::Heatmap,
            Unit::Count,
            "Latency heat map",
            "Two bands are usual: reads below, password hashes above. A band that moves up as a whole is a \
             slower machine or database; a new band is a new kind of request or one that waits.",
        )
        .query(
            "{{le}}",
            format!("sum by (le) (increase({D}_bucket{{{S}, {X}}}[{R}]))"),
        )
        .size(12, 8),
        Panel::new(
            View::Stacked,
            Unit::RequestRate,
            "Traffic by status class",
            "More 4xx: Logins by reason and Token verification failures on Authentication tell an attack \
             from a wrong key. 429 alone: Rate-limit denials by limiter. 5xx: Error ratio by route.",
        )
        .query("{{class}}", status),
        Panel::new(
            View::TimeSeries,
            Unit::Count,
            "In-flight requests",
            "Grows when answers take longer than requests come. With the hash queue growing as well it is \
             logins; without, look at Pool pending and timeouts on Dependencies.",
        )
        .query(
            "{{http_request_method}}",
            gauge("http_request_method", "http_server_active_requests", ""),
        ),
        Panel::new(
            View::TimeSeries,
            Unit::EventRate,
            "Connections cut off",
            "By reason. header, body, write and idle are clients that are too slow: an attack by slowness or \
             a bad network, see CLIENT_TIMEOUT. refused is one too many: MAX_CONNECTIONS. accept errors must \
             stay 0: the process lacks file descriptors.",
        )
        .query(
            "{{listener}} {{reason}}",
            per_second("listener, reason", closed, r#"reason!="closed""#),
        )
        .query(
            "{{listener}} accept errors",
            per_second("listener", "http_server_accept_errors_total", ""),
        ),
    ]
}

fn by_route() -> Vec<Panel> {
    let of = all_of(&[ROUTE, USERS]);
    let all = per_second("http_route", &count(), &of);
    let bad = per_second("http_route", &count(), &all_of(&[&of, ERROR]));
    let size = "http_server_response_body_size_bytes";
    vec![
        Panel::new(
            View::TimeSeries,
            Unit::Seconds,
            "P95 by route",
            "Click a route to see it alone. One slow route: Statement P95 on Dependencies names its \
             statements. /login, /register and /users/me/password together: hashing. All: the machine.",
        )
        .query("{{http_route}}", shown_quantile(0.95, "http_route", D, &of))
        .link(TO_ROUTE.title, TO_ROUTE.url)
        .quiet("no traffic")
        .size(12, 9),
        Panel::new(
            View::TimeSeries,
            Unit::Ratio,
            "Error ratio by route",
            "5xx of each route's requests. One route: look for its request ids in the log at level error. \
             Those with a password: Hash work refused. All that need the database: Dependency up.",
        )
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
            "What the chosen routes are asked. A route that stops while others go on: its clients broke, or \
             the proxy no longer forwards it.",
        )
        .query("{{http_route}}", all)
        .link(TO_ROUTE.title, TO_ROUTE.url),
        Panel::new(
            View::TimeSeries,
            Unit::RequestRate,
            "Aborted by client",
            "Clients that went away before the answer. They have a shorter timeout than the answer takes: \
             look at P95 by route and at the proxy's timeout.",
        )
        .query(
            "{{http_route}}",
            per_second("http_route", "http_server_requests_aborted_total", ROUTE),
        ),
        Panel::new(
            View::TimeSeries,
            Unit::Bytes,
            "Response size P95 by route",
            "A list that grows is somebody reading the accounts page by page: see RBAC decisions for \
             users:read on Authentication.",
        )
        .query(
            "{{http_route}}",
            shown_quantile(0.95, "http_route", size, ROUTE),
        )
        .quiet("no traffic"),
    ]
}

fn replicas() -> Vec<Panel> {
    vec![
        Panel::new(
            View::Stat,
            Unit::Ratio,
            "Instances ready",
            "Of those that Prometheus knows. Below 100 %: a replica is down, starting, or has lost its \
             database, see Dependency up on Dependencies. Runbook: not-ready.",
        )
        .query(
            "",
            format!("sum(auth_ready{{{S}}}) / count(up{{{S}}})"),
        )
        .rising_steps(&[(0.5, Color::Warn), (1.0, Color::Good)])
        .missing("no instance is scraped")
        .size(4, 5),
        Panel::new(
            View::Stat,
            Unit::Seconds,
            "Youngest since start",
            "The replica that started last. Short without a deploy: it crashes and is restarted; look at its \
             log's last lines and at Resident memory on Dependencies.",
        )
        .query(
            "",
            format!("time() - max(process_start_time_seconds{{{S}}})"),
        )
        .missing("no instance is scraped")
        .size(4, 5),
        Panel::new(
            View::Stat,
            Unit::Count,
            "Panics",
            "In the time shown; must be 0. Each is a mistake in the program, caught and answered with 500: \
             find it in the log at level error and report it. Runbook: panic.",
        )
        .query("", over_range("", "http_server_panics_total", ""))
        .steps(&[(0.5, Color::Bad)])
        .decimals(0)
        .missing("no instance is scraped")
        .size(4, 5),
        Panel::new(
            View::Table,
            Unit::Count,
            "Version",
            "More than one line for longer than a deploy takes: it is stuck half way.",
        )
        .query(
            "",
            format!("count by (version, revision, rust_version, target) (auth_build_info{{{S}}})"),
        )
        .columns(&[
            ("version", "Version"),
            ("revision", "Revision"),
            ("rust_version", "Rust"),
            ("target", "Target"),
            ("Value", "Instances"),
        ])
        .missing("no instance is scraped")
        .size(12, 5),
    ]
}
