//! The objectives: remaining budgets and burn rates.

use super::{bucket, count};
use crate::dashboard::{Color, Panel, Unit, View};
use crate::select::{
    ERROR, NO_ERROR, USERS, all_of, or_zero, over_range, password_path, per_second, ratio,
    token_path, user_requests,
};
use crate::slo::{
    AVAILABILITY, JOURNEY, PAIRS, PASSWORD_BOUND, PASSWORD_LATENCY, Slo, TOKEN_BOUND,
    TOKEN_LATENCY, WINDOWS,
};

/// The error ratio of all requests over the shown range.
fn errors_over_range() -> String {
    let all = over_range("", &count(), &user_requests());
    let bad = over_range("", &count(), &all_of(&[&user_requests(), ERROR]));
    ratio(&or_zero(&bad, &all), &all)
}

/// The remaining budget of an objective, by events rather than by time.
fn budget_left(bad: &str, slo: &Slo) -> String {
    format!("clamp_min(1 - {bad} / {}, -1)", slo.budget)
}

/// The share of slow answers on these routes over the shown range.
fn slow_over_range(routes: &str, bound: &str) -> String {
    let of = all_of(&[routes, USERS, NO_ERROR]);
    let fast = all_of(&[&of, &format!("le=\"{bound}\"")]);
    let all = over_range("", &count(), &of);
    let fast = over_range("", &bucket(), &fast);
    format!("(1 - {})", ratio(&fast, &all))
}

/// The share of fast answers on these routes.
fn fast_share(routes: &str, bound: &str) -> String {
    let of = all_of(&[routes, USERS, NO_ERROR]);
    let fast = all_of(&[&of, &format!("le=\"{bound}\"")]);
    ratio(
        &per_second("", &bucket(), &fast),
        &per_second("", &count(), &of),
    )
}

/// The burn rate over this window.
fn burn(slo: &Slo, window: &str) -> String {
    format!(
        "max({}{window}{{job=~\"$job\"}}) / {}",
        slo.record, slo.budget
    )
}

/// Thresholds at the burn rates of the alerts, lowest first.
fn burn_steps() -> Vec<(f64, Color)> {
    let color = |pages| if pages { Color::Bad } else { Color::Warn };
    let steps = PAIRS.iter().rev();
    steps.map(|pair| (pair.burn, color(pair.pages))).collect()
}

pub(super) fn panels() -> Vec<Panel> {
    let mut lines = objectives_now();
    lines.extend(objectives_course());
    lines
}

fn objectives_now() -> Vec<Panel> {
    // A journey begins with a login, and ends with the first step that fails.
    let runs = over_range("", "auth_canary_runs_total", r#"step="login""#);
    let failed = over_range("", "auth_canary_runs_total", r#"outcome="failure""#);
    let journey = ratio(&or_zero(&failed, &runs), &runs);
    let fire = r#"max by (alertname, severity, window) (ALERTS{alertname=~"Auth.+", alertstate="firing"})"#;
    vec![
        Panel::new(
            View::Stat,
            Unit::Ratio,
            "Availability over the range",
            "Share of requests in the time shown without a 5xx response. Objective: 99.9 % over 30 \
             days. Red: *Burn rate by window* shows whether the budget still burns, then see \
             *Error ratio by route*.",
        )
        .runbook(&["budget-burn"])
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
            "The budget left if the objectives covered the time shown; choose 30 days for the real \
             budget. Below 0 the objective is missed, and -100 % stands for everything worse: stop \
             risky changes; *Burn rate by window* shows when the budget was spent.",
        )
        .runbook(&["budget-burn"])
        .query(
            "Availability",
            budget_left(&errors_over_range(), &AVAILABILITY),
        )
        .query(
            "Token path",
            budget_left(&slow_over_range(&token_path(), TOKEN_BOUND), &TOKEN_LATENCY),
        )
        .query(
            "Password path",
            budget_left(
                &slow_over_range(&password_path(), PASSWORD_BOUND),
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
            "Alerts firing now. Begin with those that page. For a budget burn see *Burn rate by \
             window*. In Alertmanager every alert links its section of docs/runbook.md and its \
             dashboard.",
        )
        .query("", fire)
        .columns(&[
            ("alertname", "Alert"),
            ("severity", "Severity"),
            ("window", "Window"),
        ])
        .widths(&[("Severity", 80), ("Window", 80)])
        .quiet("none fires")
        .size(8, 7),
    ]
}

fn objectives_course() -> Vec<Panel> {
    let course = |slo: &Slo, title, description| {
        Panel::new(View::TimeSeries, Unit::Ratio, title, description)
            .rising_steps(&[(1.0 - slo.budget, Color::Good)])
            .range(None, Some(1.0))
            .soft(Some(0.95), None)
            .quiet("no traffic")
    };
    let burns = |title, description| {
        Panel::new(View::TimeSeries, Unit::Number, title, description)
            .steps(&burn_steps())
            .soft(None, Some(PAIRS[0].burn))
            .legend_beside()
            .quiet("no traffic")
            .size(12, 9)
    };
    let mut availability = burns(
        "Burn rate by window",
        "At 1, a month's error budget lasts a month. A long window and its short window both above \
         a line: the budget burns now. A short one alone ends soon. See *Error ratio by route*, \
         and look for a start or deploy where it began.",
    )
    .runbook(&["budget-burn"]);
    for window in WINDOWS {
        availability = availability.query(window, burn(&AVAILABILITY, window));
    }
    let mut others = burns(
        "Burn rate of latency and journey",
        "The burn rates of the other objectives. Token path: *Pool wait and use P95* and *Tokio \
         scheduling delay P99* on Dependencies. Password path: *Hash queue wait P95* there. \
         Journey: *Synthetic login success*.",
    )
    .runbook(&["budget-burn"]);
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
            &TOKEN_LATENCY,
            "Token path within 25 ms",
            "Share of requests with a token and no password, without 5xx, answered within 25 ms. \
             Objective: 99 %. If it falls: *P95 by route*, then *Pool wait and use P95*, *Cache \
             hit ratio* and *Tokio scheduling delay P99* on Dependencies.",
        )
        .runbook(&["budget-burn"])
        .query("within 25 ms", fast_share(&token_path(), TOKEN_BOUND)),
        course(
            &PASSWORD_LATENCY,
            "Password path within 500 ms",
            "Share of logins, registrations and password changes, without 5xx, answered within 500 \
             ms. Objective: 99 %. If it falls, work waits for hashing: *Hash queue wait P95* and \
             *Hash slots in use* on Dependencies; give `HASH_THREADS` more cores or add a \
             replica.",
        )
        .runbook(&["budget-burn"])
        .query(
            "within 500 ms",
            fast_share(&password_path(), PASSWORD_BOUND),
        ),
        course(
            &JOURNEY,
            "Synthetic login success",
            "The synthetic login probe logs in, reads its account, refreshes and logs out. Begin \
             with the first step that fails: login: *Logins by reason*, me: *Token verification \
             failures*, refresh: *Refresh outcomes*, all on Authentication.",
        )
        .runbook(&["journey"])
        .query("{{step}}", ratio(&passed, &steps))
        .quiet("no canary"),
    ]
}
