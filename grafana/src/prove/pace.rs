//! Scaled time: the shipped rules with every duration divided by the same number.
//!
//! Scraped as many times as often, a rule over five minutes sees in twenty seconds what it would see in
//! five minutes: the same number of scrapes, in the same proportions.

use std::time::Duration;

use promql_parser::parser::{Expr, Offset};

/// How many times faster than in production.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace(pub u32);

impl Pace {
    /// A scaled duration.
    #[must_use]
    pub fn of(self, duration: Duration) -> Duration {
        duration / self.0.max(1)
    }

    /// A scaled duration as text, such as `5m`; `None` for other text.
    fn text(self, text: &str) -> Option<String> {
        let duration = humantime::parse_duration(text).ok()?;
        let starts = text.starts_with(|c: char| c.is_ascii_digit());
        starts.then(|| format!("{}ms", self.of(duration).as_millis()))
    }

    /// An expression: its ranges, subqueries and offsets.
    ///
    /// # Errors
    /// When it is not PromQL.
    pub fn expr(self, expr: &str) -> crate::Result<String> {
        let mut parsed = promql_parser::parser::parse(expr)?;
        walk(&mut parsed, &mut |expr| match expr {
            Expr::Subquery(subquery) => {
                subquery.range = self.of(subquery.range);
                subquery.step = subquery.step.map(|step| self.of(step));
                self.offset(&mut subquery.offset);
            }
            Expr::VectorSelector(selector) => self.offset(&mut selector.offset),
            Expr::MatrixSelector(selector) => {
                selector.range = self.of(selector.range);
                self.offset(&mut selector.vs.offset);
            }
            _ => {}
        });
        Ok(parsed.to_string())
    }

    fn offset(self, offset: &mut Option<Offset>) {
        if let Some(Offset::Pos(by) | Offset::Neg(by)) = offset {
            *by = self.of(*by);
        }
    }

    /// A file of rules.
    ///
    /// # Errors
    /// When it is not a file of rules.
    pub fn rules(self, yaml: &str) -> crate::Result<String> {
        let mut document: yaml_serde::Value = yaml_serde::from_str(yaml)?;
        let groups = document
            .get_mut("groups")
            .and_then(|groups| groups.as_sequence_mut());
        for group in groups.ok_or("a file without groups")? {
            self.field(group, "interval");
            let rules = group
                .get_mut("rules")
                .and_then(|rules| rules.as_sequence_mut());
            for rule in rules.ok_or("a group without rules")? {
                self.field(rule, "for");
                self.field(rule, "keep_firing_for");
                let expr = rule.get("expr").and_then(|expr| expr.as_str());
                let expr = self.expr(expr.ok_or("a rule without an expression")?)?;
                rule["expr"] = expr.into();
            }
        }
        Ok(yaml_serde::to_string(&document)?)
    }

    fn field(self, of: &mut yaml_serde::Value, name: &str) {
        let text = of.get(name).and_then(|value| value.as_str());
        if let Some(scaled) = text.and_then(|text| self.text(text)) {
            of[name] = scaled.into();
        }
    }
}

/// Calls `each` with an expression and every expression in it.
fn walk(expr: &mut Expr, each: &mut impl FnMut(&mut Expr)) {
    each(expr);
    match expr {
        Expr::Aggregate(aggregate) => {
            walk(&mut aggregate.expr, each);
            if let Some(parameter) = &mut aggregate.param {
                walk(parameter, each);
            }
        }
        Expr::Unary(unary) => walk(&mut unary.expr, each),
        Expr::Binary(binary) => {
            walk(&mut binary.lhs, each);
            walk(&mut binary.rhs, each);
        }
        Expr::Paren(paren) => walk(&mut paren.expr, each),
        Expr::Subquery(subquery) => walk(&mut subquery.expr, each),
        Expr::Call(call) => {
            for argument in &mut call.args.args {
                walk(argument, each);
            }
        }
        Expr::VectorSelector(_)
        | Expr::MatrixSelector(_)
        | Expr::NumberLiteral(_)
        | Expr::StringLiteral(_)
        | Expr::Extension(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use promql_parser::label::Matchers;

    use super::*;

    #[test]
    fn scales_every_duration_of_an_expression() {
        let paced = |expr| Pace(15).expr(expr).expect("PromQL");
        assert_eq!(paced("rate(x[5m])"), "rate(x[20s])");
        assert_eq!(
            paced("sum(rate(a_total{b=~\"[0-9]+|o\"}[1h] offset 1d)) or on (job) b"),
            "sum(rate(a_total{b=~\"[0-9]+|o\"}[4m] offset 1h36m)) or on (job) b"
        );
        assert_eq!(
            paced("max_over_time(x[10m:1m])"),
            "max_over_time(x[40s:4s])"
        );
        assert_eq!(paced("rate(x[10s])"), "rate(x[666ms])");
        assert!(Pace(15).expr("rate(").is_err());
    }

    /// Parses, with label matchers in the order in which they are printed.
    fn parsed(expr: &str) -> Expr {
        let mut parsed = promql_parser::parser::parse(expr).expect("PromQL");
        let sort = |matchers: &mut Matchers| {
            matchers.matchers.sort_by_key(ToString::to_string);
        };
        walk(&mut parsed, &mut |expr| match expr {
            Expr::VectorSelector(selector) => sort(&mut selector.matchers),
            Expr::MatrixSelector(selector) => sort(&mut selector.vs.matchers),
            _ => {}
        });
        parsed
    }

    #[test]
    fn prints_expressions_as_they_were_parsed() {
        let groups = crate::rules::all().into_iter().flat_map(|file| file.groups);
        let mut count = 0;
        for group in groups {
            let records = group.records.into_iter().map(|record| record.expr);
            for expr in records.chain(group.alerts.into_iter().map(|alert| alert.expr)) {
                let printed = Pace(1).expr(&expr).expect("PromQL");
                assert_eq!(parsed(&printed), parsed(&expr), "{expr}");
                count += 1;
            }
        }
        assert!(count > 50, "{count} expressions");
    }

    #[test]
    fn rules_keep_all_but_their_durations() {
        let yaml = "groups:\n- name: a\n  rules:\n  - alert: B\n    expr: x > 5\n    for: 2m\n    labels:\n      severity: page\n";
        let paced = Pace(15).rules(yaml).expect("rules");
        assert_eq!(paced, yaml.replace("2m", "8000ms"));
    }
}
