//! Variables are substituted, comparisons found and results judged correctly.

use std::collections::BTreeMap;

use super::*;
use crate::prometheus::Series;

const WINDOW: Window = Window {
    from: 1000.0,
    to: 1061.2504,
    step: 0.25,
};

#[test]
fn variables_are_replaced() {
    for (expr, expanded) in [
        ("rate(x[$__rate_interval])", "rate(x[1000ms])"),
        ("rate(x[$__interval])", "rate(x[1000ms])"),
        ("increase(x[$__range])", "increase(x[61250ms])"),
        (
            r#"x{job=~"$job", instance=~"$instance"}"#,
            r#"x{job=~".+", instance=~".+"}"#,
        ),
        (
            r#"x{job=~"$loadtest_job", run_id=~"$run_id"}"#,
            r#"x{job=~".+", run_id=~".+"}"#,
        ),
        // `$1` in a replacement is not a variable.
        (
            r#"label_replace(x, "class", "${1}xx", "code", "(.)..")"#,
            r#"label_replace(x, "class", "${1}xx", "code", "(.)..")"#,
        ),
    ] {
        assert_eq!(expand(expr, WINDOW), expanded);
    }
    let moment = Window {
        to: 1000.0,
        ..WINDOW
    };
    assert_eq!(expand("x[$__range]", moment), "x[1000ms]");
}

#[test]
fn no_panel_keeps_a_variable() {
    for dashboard in dashboards::all() {
        for target in dashboard.panels().flat_map(|panel| &panel.targets) {
            let expr = expand(&target.expr, WINDOW);
            assert!(!expr.replace("${1}", "").contains('$'), "{expr}");
            assert!(promql_parser::parser::parse(&expr).is_ok(), "{expr}");
        }
    }
}

#[test]
fn inputs_of_comparisons_are_found() {
    let two = ["a", "b"].map(ToOwned::to_owned).to_vec();
    for expr in [
        "a > 1 and b > 2",
        "(a > 1) and (b >= 2)",
        "a == 0 or b != 1",
        "a > 1 unless on (job) b < 2",
        "max by (job) (a > 1 and b > 2)",
    ] {
        assert_eq!(operands(expr), two, "{expr}");
    }
    assert_eq!(operands("x / (y > 0) > 0.5"), ["x / (y > 0)"]);
    assert_eq!(
        operands("sum by (job) (rate(x[5m])) > 2 * sum by (job) (rate(x[5m] offset 1d))"),
        ["sum by (job) (rate(x[5m]))"]
    );
    // No comparison, and past values cannot be queried.
    for expr in ["absent(up)", "a", "1 +"] {
        assert!(operands(expr).is_empty(), "{expr}");
    }
}

fn answer(series: &[&[f64]]) -> Answer {
    let point = |value: &f64| (1000.0, *value);
    let series = series.iter().map(|values| Series {
        labels: BTreeMap::new(),
        points: values.iter().map(point).collect(),
    });
    Answer {
        series: series.collect(),
        warnings: Vec::new(),
    }
}

fn judged(answer: Result<Answer>, needed: bool) -> Asked {
    let sane = |value| (0.0..=1.0).contains(&value);
    judge("a panel".to_owned(), "x".to_owned(), answer, needed, sane)
}

#[test]
fn values_are_classified() {
    let asked = judged(
        Ok(answer(&[&[0.5, f64::NAN, 0.25], &[f64::NAN], &[1.0]])),
        true,
    );
    assert_eq!(asked.outcome, Outcome::Data, "{}", asked.problem);
    assert_eq!((asked.series, asked.values), (2, Some((0.25, 1.0))));

    for nothing in [&[][..], &[&[][..]], &[&[f64::NAN][..]]] {
        assert_eq!(judged(Ok(answer(nothing)), true).outcome, Outcome::Empty);
        assert_eq!(judged(Ok(answer(nothing)), false).outcome, Outcome::Quiet);
    }
    for odd in [1.5, -0.1, f64::INFINITY] {
        let asked = judged(Ok(answer(&[&[0.5], &[odd]])), false);
        assert_eq!(asked.outcome, Outcome::Failed, "{odd}");
        assert_eq!(asked.problem, format!("{odd} cannot be"));
    }
}

#[test]
fn query_with_warning_fails() {
    let failed = judged(Err("no such function".into()), false);
    assert_eq!(failed.outcome, Outcome::Failed);
    assert_eq!(failed.problem, "no such function");

    let mut odd = answer(&[&[0.5]]);
    odd.warnings = vec!["not a counter".to_owned(), "twice".to_owned()];
    let failed = judged(Ok(odd), false);
    assert_eq!(failed.outcome, Outcome::Failed);
    assert_eq!(failed.problem, "not a counter; twice");
}

#[test]
fn panels_bound_their_values() {
    let panel = |view, unit| Panel::new(view, unit, "a title", "a description");
    let ratio = panel(View::TimeSeries, Unit::Ratio);
    assert!(sane(&ratio, 0.0) && sane(&ratio, 1.0 + SLACK / 2.0));
    assert!(!sane(&ratio, 1.01) && !sane(&ratio, -0.01));
    let dial = panel(View::Gauge, Unit::Ratio);
    assert!(sane(&dial, -3.0), "a budget is overspent");
    let time = panel(View::Stat, Unit::Seconds);
    assert!(sane(&time, LONGEST - 1.0) && !sane(&time, LONGEST) && !sane(&time, -1.0));
    let difference = time.range(None, None);
    assert!(sane(&difference, -1.0) && !sane(&difference, LONGEST));
}

#[test]
fn declared_quiet_panel_may_be_empty() {
    assert!(needed(Idle::Shown, false) && needed(Idle::Shown, true));
    assert!(!needed(Idle::Empty, false) && needed(Idle::Empty, true));
}

#[test]
fn metric_without_values_in_this_stack_may_be_empty_under_load() {
    let judged = |expr: &str| {
        judge(
            String::new(),
            expr.to_owned(),
            Ok(answer(&[])),
            true,
            |_| true,
        )
    };
    let certificate = format!("min({} > 0) - time()", ABSENT[0]);
    assert_eq!(judged(&certificate).outcome, Outcome::Quiet);
    assert_eq!(judged("min(up > 0)").outcome, Outcome::Empty);
}
