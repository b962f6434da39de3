//! Time at a faster pace: rules as they are shipped, with every duration divided by the same number.
//!
//! Scraped as many times as often, a rule over five minutes sees in twenty seconds what it would see in
//! five minutes: the same number of scrapes, in the same proportions.

use std::time::Duration;

/// How many times faster than the clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace(pub u32);

impl Pace {
    /// A duration at this pace.
    #[must_use]
    pub fn of(self, duration: Duration) -> Duration {
        duration / self.0.max(1)
    }

    /// A text in Prometheus' words, such as `5m`; nothing when it is none.
    fn text(self, text: &str) -> Option<String> {
        let duration = humantime::parse_duration(text).ok()?;
        let starts = text.starts_with(|c: char| c.is_ascii_digit());
        starts.then(|| format!("{}ms", self.of(duration).as_millis()))
    }

    /// An expression: its ranges, subqueries and offsets.
    #[must_use]
    pub fn expr(self, expr: &str) -> String {
        let mut out = String::new();
        let mut rest = expr;
        while let Some(at) = rest.find(['[', 'o']) {
            let (before, found) = rest.split_at(at);
            out.push_str(before);
            if let Some((scaled, after)) = self.range(found).or_else(|| self.offset(found)) {
                out.push_str(&scaled);
                rest = after;
            } else {
                out.push_str(&found[..1]);
                rest = &found[1..];
            }
        }
        out + rest
    }

    /// `[5m]` or `[1h:5m]`, and what comes behind it.
    fn range(self, text: &str) -> Option<(String, &str)> {
        let (inner, after) = text.strip_prefix('[')?.split_once(']')?;
        let parts: Option<Vec<String>> = inner
            .split(':')
            .map(|part| {
                if part.is_empty() {
                    Some(String::new())
                } else {
                    self.text(part)
                }
            })
            .collect();
        Some((format!("[{}]", parts?.join(":")), after))
    }

    /// `offset 1d`, and what comes behind it.
    fn offset(self, text: &str) -> Option<(String, &str)> {
        let rest = text.strip_prefix("offset ")?;
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        let scaled = self.text(&rest[..end])?;
        Some((format!("offset {scaled}"), &rest[end..]))
    }

    /// A whole file of rules.
    ///
    /// # Errors
    /// When it is none.
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
                let expr = self.expr(expr.ok_or("a rule without an expression")?);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_duration_of_an_expression_is_shorter() {
        let pace = Pace(15);
        let shorter = |expr: &str| pace.expr(expr);
        assert_eq!(shorter("rate(x[5m])"), "rate(x[20000ms])");
        assert_eq!(
            shorter("sum(rate(a_total{b=~\"[0-9]+|o\"}[1h] offset 1d)) or on (job) b"),
            "sum(rate(a_total{b=~\"[0-9]+|o\"}[240000ms] offset 5760000ms)) or on (job) b"
        );
        assert_eq!(
            shorter("max_over_time(x[10m:1m])"),
            "max_over_time(x[40000ms:4000ms])"
        );
    }

    #[test]
    fn rules_keep_all_but_their_durations() {
        let yaml = "groups:\n- name: a\n  rules:\n  - alert: B\n    expr: x > 5\n    for: 2m\n    labels:\n      severity: page\n";
        let paced = Pace(15).rules(yaml).expect("rules");
        assert_eq!(paced, yaml.replace("2m", "8000ms"));
    }
}
