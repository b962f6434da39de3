//! Histograms in Prometheus' text format.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use metrics::Key;

use super::buckets::Buckets;
use crate::metrics::desc::Desc;

/// The labels of a series, `name="value"`, with commas between them.
pub(super) fn labels(key: &Key) -> String {
    let each = key.labels().map(|label| {
        let value = label.value().replace('\\', "\\\\");
        let value = value.replace('"', "\\\"").replace('\n', "\\n");
        format!("{}=\"{value}\"", label.key())
    });
    each.collect::<Vec<_>>().join(",")
}

/// Adds a histogram with all of its series.
pub(super) fn family(text: &mut String, desc: &Desc, series: &BTreeMap<String, Arc<Buckets>>) {
    let Desc { name, help, .. } = desc;
    let bounds: Vec<String> = desc.buckets.iter().map(f64::to_string).collect();
    let bounds = || bounds.iter().map(String::as_str).chain(["+Inf"]);
    // Nothing can go wrong in writing to a text.
    let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} histogram\n");
    for (labels, buckets) in series {
        let comma = if labels.is_empty() { "" } else { "," };
        let mut all = 0;
        for (bound, count) in bounds().zip(buckets.cumulative()) {
            all = count;
            let _ = writeln!(
                text,
                "{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {count}"
            );
        }
        let braced = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{labels}}}")
        };
        let sum = buckets.sum();
        let _ = writeln!(text, "{name}_sum{braced} {sum}\n{name}_count{braced} {all}");
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use metrics::{HistogramFn as _, Label};

    use super::*;
    use crate::metrics::Kind;

    const DESC: Desc = Desc {
        name: "answers_seconds",
        kind: Kind::Histogram,
        unit: "seconds",
        help: "Durations.",
        buckets: &[0.005, 1.0],
    };

    #[test]
    fn histogram_is_written_as_prometheus_reads_it() {
        let buckets = || Arc::new(Buckets::new(DESC.buckets));
        let (plain, labelled) = (buckets(), buckets());
        plain.record(0.5);
        labelled.record(0.005);
        labelled.record(2.0);
        let series = BTreeMap::from([
            (String::new(), plain),
            ("route=\"/\",status=\"200\"".to_owned(), labelled),
        ]);
        let mut text = String::new();
        family(&mut text, &DESC, &series);
        let expected = "\
            # HELP answers_seconds Durations.\n\
            # TYPE answers_seconds histogram\n\
            answers_seconds_bucket{le=\"0.005\"} 0\n\
            answers_seconds_bucket{le=\"1\"} 1\n\
            answers_seconds_bucket{le=\"+Inf\"} 1\n\
            answers_seconds_sum 0.5\n\
            answers_seconds_count 1\n\
            answers_seconds_bucket{route=\"/\",status=\"200\",le=\"0.005\"} 1\n\
            answers_seconds_bucket{route=\"/\",status=\"200\",le=\"1\"} 1\n\
            answers_seconds_bucket{route=\"/\",status=\"200\",le=\"+Inf\"} 2\n\
            answers_seconds_sum{route=\"/\",status=\"200\"} 2.005\n\
            answers_seconds_count{route=\"/\",status=\"200\"} 2\n\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn values_of_labels_are_escaped() {
        let label = Label::new("a", "back\\slash \"quoted\"\nline");
        let key = Key::from_parts("name", vec![label, Label::new("b", "")]);
        let expected = "a=\"back\\\\slash \\\"quoted\\\"\\nline\",b=\"\"";
        assert_eq!(labels(&key), expected);
    }
}
