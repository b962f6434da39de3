//! Reads a scrape.

/// A scrape.
pub struct Metrics(pub String);

impl Metrics {
    /// The sum of a family's series that carry all of these labels.
    #[track_caller]
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let wanted: Vec<String> = labels
            .iter()
            .map(|(key, value)| format!("{key}=\"{value}\""))
            .collect();
        let mut found = false;
        let sum = self
            .0
            .lines()
            .filter(|line| {
                line.strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with(['{', ' ']))
            })
            .inspect(|_| found = true)
            .filter(|line| wanted.iter().all(|label| line.contains(label.as_str())))
            .map(|line| {
                line.rsplit(' ')
                    .next()
                    .expect("a value")
                    .parse::<f64>()
                    .expect("a number")
            })
            .sum();
        assert!(found, "there is no metric {name}");
        sum
    }

    /// How many series there are.
    pub fn series(&self) -> usize {
        self.0
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .count()
    }
}
