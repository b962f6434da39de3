//! What a comparison of two builds says.

use std::fmt::Write as _;
use std::path::Path;

use serde::Serialize;

use super::paired::Estimate;
use super::rounds::Needed;
use super::{AbResult, ERROR};
use crate::Result;
use crate::median::median;
use crate::report::save;

/// One question and its answer.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The step.
    step: String,
    /// What of it.
    measure: &'static str,
    /// The middle of all rounds, of the old and of the new build, in microseconds.
    micros: [f64; 2],
    /// Logarithm of the ratio of new to old, by round.
    ratios: Vec<f64>,
    /// The same of all rounds, with bounds.
    estimate: Estimate,
    /// In words.
    says: String,
}

impl Comparison {
    fn of(step: &str, measure: &'static str, values: &[[f64; 2]], error: f64) -> Option<Self> {
        let ratios: Vec<f64> = values.iter().map(|[old, new]| (new / old).ln()).collect();
        if ratios.iter().any(|ratio| !ratio.is_finite()) {
            return None;
        }
        let estimate = Estimate::of(&ratios, error)?;
        Some(Self {
            step: step.to_owned(),
            measure,
            micros: [0, 1].map(|at| middle(values.iter().map(|pair| pair[at])) * 1e6),
            ratios,
            says: says(&estimate),
            estimate,
        })
    }

    /// Whether the new build is slower.
    #[must_use]
    pub fn is_slower(&self) -> bool {
        self.estimate.low > 0.0
    }
}

/// Both questions about a step.
pub fn compare(step: &str, rounds: &[&[Needed; 2]], error: f64) -> Vec<Comparison> {
    let values = |of: fn(&Needed) -> f64| -> Vec<_> {
        rounds.iter().map(|[old, new]| [of(old), of(new)]).collect()
    };
    let processor = values(Needed::processor);
    let time = values(Needed::time);
    [("processor time", processor), ("time", time)]
        .into_iter()
        .filter_map(|(measure, values)| Comparison::of(step, measure, &values, error))
        .collect()
}

fn middle(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    median(&values)
}

/// The answer, in words.
fn says(estimate: &Estimate) -> String {
    let Estimate { middle, low, high } = *estimate;
    let percent = |ratio: f64| ratio.exp_m1().abs() * 100.0;
    if low > 0.0 {
        return format!(
            "slower by {:.1} % (95 % interval {:.1} to {:.1} %)",
            percent(middle),
            percent(low),
            percent(high)
        );
    }
    if high < 0.0 {
        return format!(
            "faster by {:.1} % (95 % interval {:.1} to {:.1} %)",
            percent(middle),
            percent(high),
            percent(low)
        );
    }
    // As much as this moves the interval away from nothing wherever chance has put it.
    format!(
        "no difference that this machine can show (at least {:.1} % would have been seen)",
        percent(high - low)
    )
}

/// The report as Markdown.
pub fn text(result: &AbResult) -> String {
    let mut text = format!("# {}: two builds\n\n", result.scenario);
    for (name, binary) in ["old", "new"].iter().zip(&result.binaries) {
        let _ = writeln!(text, "- {name}: {}", binary.display());
    }
    let _ = writeln!(
        text,
        "- {} rounds in {:.0} s, both servers started anew in each; {} cores of {}\n",
        result.rounds, result.seconds, result.machine.cores, result.machine.processor
    );
    text.push_str("| Step | | Old | New | The new build is |\n|---|---|---:|---:|---|\n");
    for one in &result.comparisons {
        let [old, new] = one.micros.map(micros);
        let _ = writeln!(
            text,
            "| {} | {} | {old} | {new} | {} |",
            one.step, one.measure, one.says
        );
    }
    let _ = writeln!(
        text,
        "\nProcessor time is that of the server for one request, and time the user's. All intervals hold together: \
         two equal builds are said to differ in any of these {} lines at most {:.0} times in 100.",
        result.comparisons.len(),
        ERROR * 100.0
    );
    text
}

fn micros(value: f64) -> String {
    match value {
        0.0..1_000.0 => format!("{value:.1} µs"),
        _ => format!("{:.2} ms", value / 1e3),
    }
}

/// The files of a comparison.
pub const FILES: [&str; 2] = ["ab.json", "ab.md"];

/// Writes it into a folder.
pub fn write(result: &AbResult, text: &str, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let json = serde_json::to_string_pretty(result)?;
    save(folder, FILES.into_iter().zip([json, text.to_owned()]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(values: &[[f64; 2]]) -> Comparison {
        Comparison::of("GET /users/me", "time", values, 0.05).expect("enough")
    }

    #[test]
    fn answer_has_its_direction_and_its_bounds() {
        let near = |from: f64, to: f64| -> Vec<[f64; 2]> {
            (0..10)
                .map(|at| [from, to * (1.0 + f64::from(at % 3) / 1e3)])
                .collect()
        };
        let slower = about(&near(1e-4, 1.1e-4));
        assert!(slower.is_slower());
        assert_eq!(
            slower.says,
            "slower by 10.1 % (95 % interval 10.0 to 10.2 %)"
        );
        let faster = about(&near(1.1e-4, 1e-4));
        assert!(!faster.is_slower());
        assert!(
            faster
                .says
                .starts_with("faster by 9.0 % (95 % interval 9.0 to 9.1 %)"),
            "{}",
            faster.says
        );
    }

    #[test]
    fn what_cannot_be_shown_is_said_with_what_could() {
        let values: Vec<[f64; 2]> = (0..12)
            .map(|at| [1.0, if at % 2 == 0 { 1.02 } else { 0.98 }])
            .collect();
        let none = about(&values);
        assert!(!none.is_slower());
        let expected =
            "no difference that this machine can show (at least 4.1 % would have been seen)";
        assert_eq!(none.says, expected);
        assert!(Comparison::of("", "time", &[[1.0, 1.0]; 5], 0.05).is_none());
        assert!(Comparison::of("", "time", &[[0.0, 1.0]; 9], 0.05).is_none());
    }
}
