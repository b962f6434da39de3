//! Checks an expression against the known metrics.

use std::time::Duration;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{
    AggregateExpr, BinaryExpr, Call, Expr, LabelModifier, VectorMatchCardinality, VectorSelector,
};

use super::Findings;
use super::labels::{Labels, labels, selected};
use crate::known::{AllKnown, Known, Part, Source};

/// The shortest range of a rate in a rule: four scrapes.
const FOUR_SCRAPES: Duration = Duration::from_mins(1);

/// The place of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On a panel, with the dashboard's variables.
    Panel,
    /// In a rule.
    Rule,
}

/// Replaces Grafana's variables while an expression is parsed.
const RATE_INTERVAL: &str = "97s";
const RANGE: &str = "89m";

/// Parses an expression as Prometheus would get it.
///
/// # Errors
/// When it is not PromQL.
pub fn parse(expr: &str) -> Result<Expr, String> {
    let expr = expr
        .replace("$__rate_interval", RATE_INTERVAL)
        .replace("$__range", RANGE);
    promql_parser::parser::parse(&expr)
}

/// Checks an expression.
pub fn check(text: &str, place: Place, known: &AllKnown, findings: &mut Findings) {
    match parse(text) {
        Ok(expr) => Checker {
            place,
            known,
            findings,
        }
        .walk(&expr, Around::default()),
        Err(error) => findings.add("target-promql", format!("{error}: {text}")),
    }
}

/// The context of a part of an expression.
#[derive(Clone, Copy, Debug, Default)]
struct Around<'a> {
    /// The function whose argument it is, looking through parentheses.
    function: Option<&'a str>,
}

struct Checker<'a> {
    place: Place,
    known: &'a AllKnown,
    findings: &'a mut Findings,
}

impl Checker<'_> {
    fn walk(&mut self, expr: &Expr, around: Around<'_>) {
        match expr {
            Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            Expr::Unary(unary) => self.walk(&unary.expr, around),
            Expr::Paren(paren) => self.walk(&paren.expr, around),
            Expr::Subquery(subquery) => {
                self.findings.expect(
                    !around.function.is_some_and(is_rate),
                    "rate-of-sum",
                    format!("a rate of something that is no counter: {subquery}"),
                );
                self.walk(&subquery.expr, Around::default());
            }
            Expr::Binary(binary) => self.binary(binary),
            Expr::Call(call) => self.call(call),
            Expr::VectorSelector(selector) => self.selector(selector, None, around),
            Expr::MatrixSelector(matrix) => {
                self.selector(&matrix.vs, Some(matrix.range), around);
            }
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
        }
    }

    fn aggregate(&mut self, aggregate: &AggregateExpr) {
        let inner = labels(&aggregate.expr, self.known).unwrap_or_default();
        if let Some(modifier) = &aggregate.modifier {
            for label in &modifier.labels().labels {
                self.findings.expect(
                    inner.contains(label),
                    "label-known",
                    format!("{} has no label {label}", aggregate.expr),
                );
            }
        }
        self.walk(&aggregate.expr, Around::default());
    }

    fn binary(&mut self, binary: &BinaryExpr) {
        let (left, right) = (
            labels(&binary.lhs, self.known),
            labels(&binary.rhs, self.known),
        );
        if let (Some(left), Some(right)) = (left, right) {
            self.matching(binary, &left, &right);
        }
        self.walk(&binary.lhs, Around::default());
        self.walk(&binary.rhs, Around::default());
    }

    /// Vectors match on equal labels: sets of labels that differ never match.
    fn matching(&mut self, binary: &BinaryExpr, left: &Labels, right: &Labels) {
        let modifier = binary.modifier.as_ref();
        let mut lack = |labels: &promql_parser::label::Labels, side: &Labels, what: &str| {
            for label in labels.labels.iter().filter(|label| !side.contains(*label)) {
                let text = format!("the {what} side has no label {label}: {binary}");
                self.findings.add("label-known", text);
            }
        };
        match modifier.and_then(|modifier| modifier.matching.as_ref()) {
            Some(LabelModifier::Include(on)) => {
                lack(on, left, "left");
                lack(on, right, "right");
            }
            Some(LabelModifier::Exclude(but)) => {
                let but: Labels = but.labels.iter().cloned().collect();
                let same = (left - &but) == (right - &but);
                self.findings.expect(
                    same,
                    "matching-labels",
                    format!("{left:?} and {right:?}: {binary}"),
                );
            }
            // A default may have fewer labels: `… or vector(0)`.
            None if binary.op.to_string() == "or" => {}
            None => self.findings.expect(
                left == right,
                "matching-labels",
                format!("{left:?} and {right:?}: {binary}"),
            ),
        }
        match modifier.map(|modifier| &modifier.card) {
            Some(VectorMatchCardinality::ManyToOne(more)) if !more.is_empty() => {
                for label in more.labels.iter().filter(|label| !right.contains(*label)) {
                    let text = format!("the right side has no label {label}: {binary}");
                    self.findings.add("label-known", text);
                }
            }
            Some(VectorMatchCardinality::OneToMany(more)) if !more.is_empty() => {
                for label in more.labels.iter().filter(|label| !left.contains(*label)) {
                    let text = format!("the left side has no label {label}: {binary}");
                    self.findings.add("label-known", text);
                }
            }
            _ => {}
        }
    }

    fn call(&mut self, call: &Call) {
        let name = call.func.name;
        if name == "histogram_quantile" {
            let of = call.args.args.get(1).map(AsRef::as_ref);
            let has_le = of
                .and_then(|of| labels(of, self.known))
                .is_some_and(|labels| labels.contains("le"));
            self.findings
                .expect(has_le, "quantile-le", format!("le is lost before {call}"));
        }
        for arg in &call.args.args {
            self.walk(
                arg,
                Around {
                    function: Some(name),
                },
            );
        }
    }

    fn selector(&mut self, selector: &VectorSelector, range: Option<Duration>, around: Around<'_>) {
        let name = selector.name.as_deref().unwrap_or_default();
        let Some(part) = self.known.find(name) else {
            self.findings
                .add("metric-known", format!("there is no {name}"));
            return;
        };
        self.function(name, part, range, around);
        let own = selected(selector, self.known);
        for matcher in &selector.matchers.matchers {
            if own.contains(&matcher.name) {
                self.matcher(name, part, matcher);
            } else {
                let label = &matcher.name;
                self.findings
                    .add("label-known", format!("{name} has no label {label}"));
            }
        }
        if self.place == Place::Panel {
            self.targets(name, part.metric.source, &selector.matchers.matchers);
        }
    }

    /// `rate` and the like take counters, never gauges.
    fn function(
        &mut self,
        name: &str,
        part: Part<'_>,
        range: Option<Duration>,
        around: Around<'_>,
    ) {
        let function = around.function.unwrap_or_default();
        if is_rate(function) {
            self.findings.expect(
                part.rises,
                "rate-counter",
                format!("{function} of the gauge {name}"),
            );
        } else {
            // `absent`, `changes` and `resets` take any series.
            let asks = ["absent", "absent_over_time", "resets", "changes"].contains(&function);
            self.findings.expect(
                !part.rises || asks,
                "target-counter-agg",
                format!("{name} only rises: take its rate"),
            );
        }
        let Some(range) = range else { return };
        match self.place {
            Place::Rule => self.findings.expect(
                range >= FOUR_SCRAPES,
                "range-scrapes",
                format!("{name} over {range:?} is less than four scrapes"),
            ),
            Place::Panel if is_rate(function) => {
                let interval = range == interval(RATE_INTERVAL);
                let whole = range == interval_of(RANGE, 60) && function == "increase";
                self.findings.expect(
                    interval || whole,
                    "target-rate-interval",
                    format!("{function} of {name} must be over $__rate_interval"),
                );
            }
            Place::Panel => {}
        }
    }

    fn matcher(&mut self, name: &str, part: Part<'_>, matcher: &Matcher) {
        let Matcher {
            op,
            name: label,
            value,
        } = matcher;
        let variable = value.starts_with('$');
        let regex = matches!(op, MatchOp::Re(_) | MatchOp::NotRe(_));
        let needless = regex && !variable && !value.contains(['|', '.', '*', '+', '[', '(', '?']);
        self.findings.expect(
            !needless,
            "regex-needed",
            format!("{name}: {label} is compared with a regex, though {value} is none"),
        );
        if part.bucket && label == "le" {
            let bound = part.metric.bounds.contains(value);
            self.findings
                .expect(bound, "le-known", format!("{name} has no bound {value}"));
            // Some versions of exporters write whole bounds as `1`, others as `1.0`.
            self.findings.expect(
                value.contains('.'),
                "le-fraction",
                format!("{name}: le={value}"),
            );
        }
        self.value(name, part.metric, matcher, variable);
    }

    /// Where a label's values are a closed set, the matched values must be among them.
    fn value(&mut self, name: &str, metric: &Known, matcher: &Matcher, variable: bool) {
        let values = metric.labels.get(&matcher.name);
        let Some(values) = values.filter(|values| !values.is_empty() && !variable) else {
            return;
        };
        let probe = match &matcher.op {
            MatchOp::Equal | MatchOp::NotEqual => {
                matcher.value.is_empty() || values.contains(&matcher.value)
            }
            MatchOp::Re(regex) | MatchOp::NotRe(regex) => {
                values.iter().any(|value| regex.is_match(value))
            }
        };
        self.findings.expect(
            probe,
            "value-known",
            format!("{name}: {} is never {:?}", matcher.name, matcher.value),
        );
    }

    /// Panels select by the dashboard's variables.
    fn targets(&mut self, name: &str, source: Source, matchers: &[Matcher]) {
        let has = |label: &str, variable: &str| {
            let is = |m: &&Matcher| matches!(m.op, MatchOp::Re(_)) && m.name == label;
            let own: Vec<&Matcher> = matchers.iter().filter(is).collect();
            matches!(own.as_slice(), [one] if one.value == variable)
        };
        let needed: &[(&'static str, &str, &str)] = match source {
            Source::Prometheus if name == "ALERTS" => &[],
            Source::Exporter(job) => {
                let is = |m: &Matcher| m.op == MatchOp::Equal && m.name == "job" && m.value == job;
                self.findings.expect(
                    matchers.iter().any(is),
                    "target-job",
                    format!("{name} lacks job=\"{job}\""),
                );
                &[]
            }
            Source::Service | Source::Prometheus => &[
                ("target-job", "job", "$job"),
                ("target-instance", "instance", "$instance"),
            ],
            Source::Rule => &[("target-job", "job", "$job")],
            Source::LoadLab => &[
                ("target-job", "job", "$loadtest_job"),
                ("target-instance", "run_id", "$run_id"),
            ],
        };
        for (rule, label, variable) in needed {
            self.findings.expect(
                has(label, variable),
                rule,
                format!("{name} lacks {label}=~\"{variable}\""),
            );
        }
    }
}

fn is_rate(function: &str) -> bool {
    ["rate", "irate", "increase"].contains(&function)
}

fn interval(text: &str) -> Duration {
    interval_of(text, 1)
}

fn interval_of(text: &str, unit: u64) -> Duration {
    let digits = text.trim_end_matches(|c: char| c.is_alphabetic());
    Duration::from_secs(digits.parse::<u64>().unwrap_or_default() * unit)
}
