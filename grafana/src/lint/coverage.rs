//! Every metric and every recorded series is used.

use std::collections::BTreeSet;

use promql_parser::parser::Expr;
use promql_parser::util::{ExprVisitor, walk_expr};

use super::expr::parse;
use super::{Finding, Findings};
use crate::known::{AllKnown, Source};

/// The metrics in expressions.
struct Names<'a> {
    known: &'a AllKnown,
    found: BTreeSet<String>,
}

impl ExprVisitor for Names<'_> {
    type Error = std::convert::Infallible;

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, Self::Error> {
        let selector = match expr {
            Expr::VectorSelector(selector) => selector,
            Expr::MatrixSelector(matrix) => &matrix.vs,
            _ => return Ok(true),
        };
        let name = selector.name.as_deref().unwrap_or_default();
        if let Some(part) = self.known.find(name) {
            self.found.insert(part.metric.name.clone());
        }
        Ok(true)
    }
}

/// Every metric of the service and the load lab, and every recorded series, is on a panel, in a rule, or
/// listed in [`crate::explore`]; and the list has no other entries.
#[must_use]
pub fn coverage<'a>(
    exprs: impl Iterator<Item = &'a str>,
    explore: &[(&str, &str)],
    known: &AllKnown,
) -> Vec<Finding> {
    let mut names = Names {
        known,
        found: BTreeSet::new(),
    };
    for expr in exprs.filter_map(|expr| parse(expr).ok()) {
        let Ok(_) = walk_expr(&mut names, &expr);
    }
    let used = names.found;
    let mut findings = Findings::new();
    findings.at("catalogue", "");
    for metric in known.iter().filter(|m| m.source != Source::Prometheus) {
        let marked = explore.iter().any(|(name, _)| *name == metric.name);
        let name = &metric.name;
        findings.expect(
            used.contains(name) || marked,
            "metric-shown",
            format!("{name} is on no panel and in no rule"),
        );
        findings.expect(
            !(used.contains(name) && marked),
            "explore-needed",
            format!("{name} is shown: it is not for exploring alone"),
        );
    }
    for (name, reason) in explore {
        findings.expect(
            known.iter().any(|metric| metric.name == *name),
            "explore-needed",
            format!("there is no {name}"),
        );
        findings.expect(reason.len() > 20, "explore-reason", (*name).to_owned());
    }
    findings.into_list()
}
