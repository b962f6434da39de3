//! Reads what the server says of itself on `/metrics`.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::client::{Connection, get, runtime};
use crate::{Result, stats};

/// One answer of `/metrics`.
pub struct Scrape(String);

impl Scrape {
    /// Asks the operational listener.
    pub fn take(ops: SocketAddr) -> Result<Self> {
        runtime().block_on(async {
            let mut connection = Connection::open(ops).await?;
            let answer = connection.exchange(&get("/metrics", "none")).await?;
            Ok(Self(String::from_utf8(answer.body.to_vec())?))
        })
    }

    /// The lines of one name that carry a label, as their labels and values.
    fn lines<'a>(
        &'a self,
        name: &'a str,
        label: &'a str,
    ) -> impl Iterator<Item = (&'a str, f64)> + 'a {
        self.0.lines().filter_map(move |line| {
            let rest = line.strip_prefix(name)?;
            let (labels, value) = rest.rsplit_once(' ')?;
            let whole = labels.is_empty() || labels.starts_with('{');
            (whole && labels.contains(label)).then_some((labels, value.parse().ok()?))
        })
    }

    /// The sum of the series of one name that carry a label; an empty label means all.
    pub fn sum(&self, name: &str, label: &str) -> f64 {
        self.lines(name, label).map(|(_, value)| value).sum()
    }

    /// How many series there are.
    pub fn series(&self) -> usize {
        let sample = |line: &&str| !line.is_empty() && !line.starts_with('#');
        self.0.lines().filter(sample).count()
    }

    /// How long the answer is.
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// Observations by upper bound, cumulated; bounds as their bits, which sort as the bounds do.
    fn buckets(&self, name: &str, label: &str) -> BTreeMap<u64, f64> {
        let mut buckets = BTreeMap::new();
        for (labels, value) in self.lines(&format!("{name}_bucket"), label) {
            let bound = labels
                .split_once("le=\"")
                .and_then(|(_, rest)| rest.split_once('"'))
                .and_then(|(bound, _)| bound.parse::<f64>().ok());
            if let Some(bound) = bound {
                *buckets.entry(bound.to_bits()).or_default() += value;
            }
        }
        buckets
    }
}

/// The bounds of the bucket that holds a quantile of what was observed between two scrapes, in
/// milliseconds; nothing when nothing was observed.
pub fn bracket(
    before: &Scrape,
    after: &Scrape,
    name: &str,
    label: &str,
    share: f64,
) -> Option<(f64, f64)> {
    let earlier = before.buckets(name, label);
    let counts: Vec<(f64, f64)> = after
        .buckets(name, label)
        .into_iter()
        .map(|(bound, count)| {
            let known = earlier.get(&bound).copied().unwrap_or_default();
            (f64::from_bits(bound), count - known)
        })
        .collect();
    let total = counts.last()?.1;
    let position = counts
        .iter()
        .position(|(_, count)| *count >= total * share)?;
    let lower = position.checked_sub(1).map_or(0.0, |below| counts[below].0);
    (total > 0.0).then_some((lower * 1e3, counts[position].0 * 1e3))
}

/// How long a scrape takes: as its client sees it, median of some, and what rendering took of it.
pub fn time(ops: SocketAddr) -> Result<(f64, f64)> {
    let mut whole = Vec::new();
    let mut render = Vec::new();
    for _ in 0..20 {
        let start = std::time::Instant::now();
        let scrape = Scrape::take(ops)?;
        whole.push(stats::milliseconds(start.elapsed()));
        // Each answer holds the time of the one before it.
        render.push(scrape.sum("auth_metrics_render_duration_seconds", "") * 1e3);
    }
    Ok((stats::median(&whole), stats::median(&render[1..])))
}
