//! Which labels the result of an expression has.

use std::collections::BTreeSet;

use promql_parser::label::MatchOp;
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality, VectorSelector,
};

use crate::known::AllKnown;

/// Names of labels.
pub type Labels = BTreeSet<String>;

/// The labels of a vector; `None` for a scalar or a string.
#[must_use]
pub fn labels(expr: &Expr, known: &AllKnown) -> Option<Labels> {
    match expr {
        Expr::Aggregate(aggregate) => Some(aggregated(aggregate, known)),
        Expr::Unary(unary) => labels(&unary.expr, known),
        Expr::Paren(paren) => labels(&paren.expr, known),
        Expr::Subquery(subquery) => labels(&subquery.expr, known),
        Expr::Binary(binary) => combined(binary, known),
        Expr::VectorSelector(selector) => Some(selected(selector, known)),
        Expr::MatrixSelector(matrix) => Some(selected(&matrix.vs, known)),
        Expr::Call(call) => called(call, known),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => None,
    }
}

/// The labels of a selector's result: the metric's, and `le` for buckets.
#[must_use]
pub fn selected(selector: &VectorSelector, known: &AllKnown) -> Labels {
    let name = selector.name.as_deref().unwrap_or_default();
    let Some(part) = known.find(name) else {
        return Labels::new();
    };
    let mut labels: Labels = part.metric.labels.keys().cloned().collect();
    if part.bucket {
        labels.insert("le".to_owned());
    }
    labels
}

fn listed(labels: &promql_parser::label::Labels) -> Labels {
    labels.labels.iter().cloned().collect()
}

fn aggregated(aggregate: &AggregateExpr, known: &AllKnown) -> Labels {
    let inner = labels(&aggregate.expr, known).unwrap_or_default();
    // These select series rather than aggregating them.
    if aggregate.op.is_aggregator_with_param() && aggregate.modifier.is_none() {
        return inner;
    }
    match &aggregate.modifier {
        Some(LabelModifier::Include(by)) => listed(by),
        Some(LabelModifier::Exclude(without)) => &inner - &listed(without),
        None => Labels::new(),
    }
}

fn combined(binary: &BinaryExpr, known: &AllKnown) -> Option<Labels> {
    let (left, right) = (labels(&binary.lhs, known), labels(&binary.rhs, known));
    let (left, right) = match (left, right) {
        (Some(left), Some(right)) => (left, right),
        (one, other) => return one.or(other),
    };
    if binary.op.to_string() == "or" {
        return Some(&left | &right);
    }
    let Some(modifier) = &binary.modifier else {
        return Some(left);
    };
    if binary.op.is_set_operator() {
        return Some(left);
    }
    match &modifier.card {
        VectorMatchCardinality::ManyToOne(more) => Some(&left | &listed(more)),
        VectorMatchCardinality::OneToMany(more) => Some(&right | &listed(more)),
        _ => match &modifier.matching {
            Some(LabelModifier::Include(on)) if !binary.op.is_comparison_operator() => {
                Some(listed(on))
            }
            Some(LabelModifier::Exclude(but)) if !binary.op.is_comparison_operator() => {
                Some(&left - &listed(but))
            }
            _ => Some(left),
        },
    }
}

fn called(call: &Call, known: &AllKnown) -> Option<Labels> {
    let vector = || call.args.args.iter().find_map(|arg| labels(arg, known));
    match call.func.name {
        "vector" => Some(Labels::new()),
        "time" | "scalar" | "pi" => None,
        "absent" | "absent_over_time" => Some(absent(&call.args.args)),
        "histogram_quantile" => vector().map(|mut labels| {
            labels.remove("le");
            labels
        }),
        "label_replace" | "label_join" => vector().map(|mut labels| {
            if let Some(Expr::StringLiteral(name)) = call.args.args.get(1).map(AsRef::as_ref) {
                labels.insert(name.val.clone());
            }
            labels
        }),
        _ => vector(),
    }
}

/// The labels of `absent`: those that are matched with one value.
fn absent(args: &[Box<Expr>]) -> Labels {
    let mut expr = args.first().map(AsRef::as_ref);
    loop {
        match expr {
            Some(Expr::VectorSelector(selector)) => {
                let equal = selector.matchers.matchers.iter();
                let equal = equal.filter(|matcher| matches!(matcher.op, MatchOp::Equal));
                return equal.map(|matcher| matcher.name.clone()).collect();
            }
            Some(Expr::Paren(paren)) => expr = Some(&paren.expr),
            // `absent` of anything but a selector has no labels.
            _ => return Labels::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(expr: &str) -> String {
        let expr = promql_parser::parser::parse(expr).expect("PromQL");
        match labels(&expr, &AllKnown::new()) {
            Some(labels) => labels.into_iter().collect::<Vec<_>>().join(" "),
            None => "scalar".to_owned(),
        }
    }

    #[test]
    fn labels_are_derived_from_expression() {
        assert_eq!(of("up"), "instance job");
        assert_eq!(of("sum(up)"), "");
        assert_eq!(of("sum by (job) (up)"), "job");
        assert_eq!(of("sum without (job) (up)"), "instance");
        assert_eq!(of("topk(3, up)"), "instance job");
        assert_eq!(of("1 + 2"), "scalar");
        assert_eq!(of("time() - up"), "instance job");
        assert_eq!(of("vector(0)"), "");
        assert_eq!(of("sum by (job) (up) or vector(0)"), "job");
        assert_eq!(of("up / on (job) up"), "job");
        assert_eq!(of("up > on (job) up"), "instance job");
        assert_eq!(of("up and on (job) up"), "instance job");
        assert_eq!(of("absent(up{job=\"auth\"})"), "job");
        assert_eq!(of("absent(up{job=\"auth\"} == 1)"), "");
        assert_eq!(
            of("label_replace(sum(up), \"x\", \"$1\", \"\", \"(.*)\")"),
            "x"
        );
        assert_eq!(
            of(
                "histogram_quantile(0.5, sum by (le, job) (rate(tokio_runtime_scheduling_delay_seconds_bucket[5m])))"
            ),
            "job"
        );
    }
}
