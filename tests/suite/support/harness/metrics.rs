//! Reads a scrape.

use testkit::exposition::Exposition;

/// A scrape.
pub struct Metrics(pub String);

impl Metrics {
    /// Its series.
    #[track_caller]
    pub fn parsed(&self) -> Exposition {
        Exposition::parse(&self.0).expect("series")
    }

    /// The sum of a metric's series that have all of these labels.
    #[track_caller]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        // Parses only these lines: tests poll.
        let lines = self.0.lines().filter(|line| line.starts_with(name));
        let lines = lines.collect::<Vec<_>>().join("\n");
        let series = Exposition::parse(&lines).expect("series");
        assert!(series.has(name), "there is no metric {name}");
        series.sum(name, labels)
    }
}
