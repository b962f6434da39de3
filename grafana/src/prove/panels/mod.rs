//! Runs the query of every panel and rule against a real Prometheus.

use promql_parser::parser::Expr;
use serde::Serialize;

use crate::Result;
use crate::dashboard::{Idle, Panel, Target, Unit, View};
use crate::prometheus::{Answer, Prometheus};
use crate::{dashboards, lint};

/// Upper bound of durations on panels during the proof: an hour.
const LONGEST: f64 = 3600.0;
/// Tolerance of ratios, because `rate` extrapolates.
const SLACK: f64 = 1e-6;
/// A query range, in seconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Start.
    pub from: f64,
    /// End.
    pub to: f64,
    /// Step: one scrape interval.
    pub step: f64,
}

/// The outcome of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Finite values in the expected range.
    Data,
    /// No data, as declared.
    Quiet,
    /// No data, though there should be.
    Empty,
    /// No answer, or an impossible value.
    Failed,
}

/// Metrics without values in this stack, whose service serves plain HTTP. The tests of rules and service
/// cover them.
const ABSENT: [&str; 1] = ["http_server_tls_certificate_not_after_timestamp_seconds"];

/// A query and its outcome.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// The dashboard and panel, or the file and rule.
    pub place: String,
    /// The query as sent to Prometheus.
    pub expr: String,
    /// The outcome.
    pub outcome: Outcome,
    /// Number of series with values.
    pub series: usize,
    /// Smallest and greatest value.
    pub values: Option<(f64, f64)>,
    /// The problem, if there is one.
    pub problem: String,
}

/// An expression with its dashboard's variables replaced, each by "all".
#[must_use]
pub fn expand(expr: &str, window: Window) -> String {
    let range = format!("{}ms", ((window.to - window.from) * 1e3).round().max(1e3));
    let rate = format!("{}ms", (window.step * 4e3).round());
    let mut out = expr
        .replace("$__rate_interval", &rate)
        .replace("$__range", &range)
        .replace("$__interval", &rate);
    for dashboard in dashboards::all() {
        for variable in dashboard.all_variables() {
            out = out.replace(&format!("\"${}\"", variable.name), "\".+\"");
        }
    }
    out
}

/// Runs every panel's queries. Under load (`busy`) no result may be empty; otherwise only declared ones.
///
/// # Errors
/// When Prometheus does not answer.
pub async fn panels(prometheus: &Prometheus, window: Window, busy: bool) -> Result<Vec<Asked>> {
    let mut all = Vec::new();
    for dashboard in dashboards::all() {
        for panel in dashboard.panels() {
            for target in &panel.targets {
                let place = format!("{}: {}", dashboard.title, panel.title);
                all.push(ask(prometheus, window, place, panel, target, busy).await);
            }
        }
    }
    if all.is_empty() || !prometheus.is_ready().await {
        return Err("there is nothing to ask, or nobody".into());
    }
    Ok(all)
}

async fn ask(
    prometheus: &Prometheus,
    window: Window,
    place: String,
    panel: &Panel,
    target: &Target,
    busy: bool,
) -> Asked {
    let expr = expand(&target.expr, window);
    let answer = if panel.is_instant() {
        prometheus.query(&expr, window.to).await
    } else {
        let Window { from, to, step } = window;
        prometheus.query_range(&expr, from, to, step).await
    };
    judge(place, expr, answer, needed(panel.idle, busy), |value| {
        sane(panel, value)
    })
}

/// Whether a result must have values.
fn needed(idle: Idle, busy: bool) -> bool {
    match idle {
        Idle::Shown => true,
        Idle::Empty => busy,
    }
}

/// Whether a value is possible on this panel.
fn sane(panel: &Panel, value: f64) -> bool {
    let (least, most) = match panel.view {
        // A gauge's axis does not bound its value: a budget can be overspent.
        View::Gauge => (None, None),
        _ => panel.range,
    };
    let within = least.is_none_or(|least| value >= least - SLACK)
        && most.is_none_or(|most| value <= most + SLACK);
    within && (panel.unit != Unit::Seconds || value < LONGEST)
}

fn judge(
    place: String,
    expr: String,
    answer: Result<Answer>,
    needed: bool,
    sane: impl Fn(f64) -> bool,
) -> Asked {
    let mut asked = Asked {
        place,
        expr,
        outcome: Outcome::Failed,
        series: 0,
        values: None,
        problem: String::new(),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            asked.problem = error.to_string();
            return asked;
        }
    };
    let has_finite = |series: &&crate::prometheus::Series| {
        series.points.iter().any(|(_, value)| value.is_finite())
    };
    asked.series = answer.series.iter().filter(has_finite).count();
    let points = answer.series.iter().flat_map(|series| &series.points);
    let values: Vec<f64> = points
        .map(|(_, value)| *value)
        .filter(|v| !v.is_nan())
        .collect();
    if let Some(odd) = values
        .iter()
        .find(|value| !value.is_finite() || !sane(**value))
    {
        asked.problem = format!("{odd} cannot be");
        return asked;
    }
    if !answer.warnings.is_empty() {
        asked.problem = answer.warnings.join("; ");
        return asked;
    }
    let least = values.iter().copied().reduce(f64::min);
    let most = values.iter().copied().reduce(f64::max);
    asked.values = least.zip(most);
    let needed = needed && !ABSENT.iter().any(|metric| asked.expr.contains(metric));
    asked.outcome = match (asked.values, needed) {
        (Some(_), _) => Outcome::Data,
        (None, true) => Outcome::Empty,
        (None, false) => Outcome::Quiet,
    };
    asked
}

/// Queries every rule and each alert's input: under load the input must have values, or the alert can
/// never fire.
///
/// # Errors
/// When Prometheus does not answer.
pub async fn rules(prometheus: &Prometheus, at: f64) -> Result<Vec<Asked>> {
    let mut all = Vec::new();
    for rule in prometheus.rules().await? {
        let place = format!("{} rule {}", rule.kind, rule.name);
        if rule.health != "ok" {
            all.push(Asked {
                place,
                expr: rule.query,
                outcome: Outcome::Failed,
                series: 0,
                values: None,
                problem: format!("{}: {}", rule.health, rule.error),
            });
            continue;
        }
        let records = rule.kind == "recording";
        let answer = prometheus.query(&rule.query, at).await;
        let ratio = rule.name.contains(":ratio");
        all.push(judge(place, rule.query.clone(), answer, records, |value| {
            !ratio || (-SLACK..=1.0 + SLACK).contains(&value)
        }));
        if records {
            continue;
        }
        for operand in operands(&rule.query) {
            let answer = prometheus.query(&operand, at).await;
            let place = format!("alerting rule {}, compared", rule.name);
            all.push(judge(place, operand, answer, true, |_| true));
        }
    }
    Ok(all)
}

/// The inputs of an alert: the left sides of its comparisons, without vectors that exist only with an
/// offset into the past.
fn operands(expr: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(expr) = lint::parse(expr) {
        collect(&expr, &mut found);
    }
    found
}

fn collect(expr: &Expr, found: &mut Vec<String>) {
    match expr {
        Expr::Paren(paren) => collect(&paren.expr, found),
        Expr::Aggregate(aggregate) => collect(&aggregate.expr, found),
        Expr::Binary(binary) if binary.op.is_set_operator() => {
            collect(&binary.lhs, found);
            collect(&binary.rhs, found);
        }
        Expr::Binary(binary) if binary.op.is_comparison_operator() => {
            found.push(binary.lhs.to_string());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
