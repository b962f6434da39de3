//! The catalogue: every metric once, with its name, unit, help, closed labels and buckets.
//!
//! The recorder's histograms, zero-initialisation, `docs/metrics.md`, dashboards, rules and tests all derive
//! from [`CATALOGUE`]. To add a metric, add one line to its domain in `families/` and feed it.
//!
//! Names follow OpenTelemetry's semantic conventions in their Prometheus translation for generic
//! subsystems, and the prefix `auth_` for the domain.

mod desc;
mod docs;
mod families;
mod family;
mod label_set;
mod labels;
mod level;
mod recorder;

pub use desc::{Desc, Kind, LabelDesc};
pub use docs::markdown;
pub use families::*;
pub use family::{Family, Handle, Metric, OpenFamily};
pub use label_set::LabelSet;
pub use labels::*;
pub use level::Level;
pub use recorder::{CatalogueRecorder, MetricsHandle};

/// Describes every family and creates every series that can be known at compile time with the
/// value 0, so that rates and alerts see the first event. Call once, after the recorder is set.
pub fn initialise() {
    for metric in CATALOGUE {
        metric.desc().describe();
        metric.zero();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_conventions() {
        let mut seen = std::collections::HashSet::new();
        for metric in CATALOGUE {
            let desc = metric.desc();
            assert!(seen.insert(desc.name), "{} is declared twice", desc.name);
            assert_eq!(
                desc.kind == Kind::Counter,
                desc.name.ends_with("_total"),
                "{}",
                desc.name
            );
            assert_eq!(
                desc.kind == Kind::Histogram,
                !desc.buckets.is_empty(),
                "{}",
                desc.name
            );
            assert!(desc.help.ends_with('.'), "{}", desc.name);
            assert!(
                desc.name.contains(desc.unit),
                "{} lacks its unit",
                desc.name
            );
            assert!(desc.buckets.is_sorted_by(|a, b| a < b), "{}", desc.name);
        }
    }

    #[test]
    fn label_sets_enumerate_without_gaps() {
        let all: Vec<_> = (0..<(LoginMethod, LoginResult)>::COUNT)
            .map(<(LoginMethod, LoginResult)>::values_at)
            .collect();
        assert_eq!(all.len(), LoginResult::ALL.len());
        assert_eq!(all[0], ["password", "success", "none"]);
        assert_eq!(
            (LoginMethod::Password, LoginResult::Error).index(),
            all.len() - 1
        );
    }
}
