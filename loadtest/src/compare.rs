//! Puts two results beside each other.

use std::fmt::Write as _;
use std::path::Path;

use crate::Result;
use crate::baseline::differences;
use crate::ending::Ending;
use crate::key_figures::{KeyFigure, key_figures};
use crate::result::RunResult;

/// The comparison of two results, each `result.json` or the folder that it is in, as a table in Markdown.
/// `force` compares runs that are not alike, too, and says in what.
///
/// # Errors
/// When one is no result, or they are not alike.
pub fn compare(files: [&Path; 2], force: bool) -> Result<String> {
    let (a, b) = (RunResult::read(files[0])?, RunResult::read(files[1])?);
    let mut unlike = differences(&a, &b);
    for (name, result) in [("A", &a), ("B", &b)] {
        if !matches!(result.ending, Ending::Held | Ending::Missed) {
            unlike.push(format!("{name} {}", came_to_nothing(result)));
        }
    }
    if !force && !unlike.is_empty() {
        let unlike = unlike.join("; ");
        return Err(format!("these runs cannot be compared (--force does it): {unlike}").into());
    }
    Ok(table([&a, &b], &unlike))
}

fn came_to_nothing(result: &RunResult) -> String {
    let because = result.because.as_deref().unwrap_or("nobody knows why");
    format!("{}: {because}", result.ending.word())
}

fn table(runs: [&RunResult; 2], unlike: &[String]) -> String {
    let mut text = format!("# {}: two runs\n\n", runs[0].scenario);
    for (name, run) in ["A", "B"].iter().zip(runs) {
        let about = &run.about;
        let _ = writeln!(
            text,
            "- {name}: run {} of {}, server {} ({}), {}",
            run.run_id,
            run.started,
            about.version,
            about.revision,
            run.ending.word()
        );
    }
    for difference in unlike {
        let _ = writeln!(text, "- **not alike**: {difference}");
    }
    text.push_str("\n| | A | B | Change |\n|---|---:|---:|---:|\n");
    let [a, b] = runs.map(key_figures);
    for one in &a {
        let other = b.iter().find(|other| other.name == one.name);
        row(&mut text, Some(one), other);
    }
    for one in b
        .iter()
        .filter(|one| a.iter().all(|other| other.name != one.name))
    {
        row(&mut text, None, Some(one));
    }
    text.push_str(
        "\nTimes are those of successes after the ramp. One run each: what chance alone would change is not known. \
         `--repeat` shows it, and `ab` decides whether two builds differ.\n",
    );
    text
}

fn row(text: &mut String, a: Option<&KeyFigure>, b: Option<&KeyFigure>) {
    let name = a.or(b).map_or("", |one| &one.name);
    let show = |one: Option<&KeyFigure>| {
        one.map_or_else(|| "–".to_owned(), |one| one.unit.show(one.value))
    };
    let change = a
        .zip(b)
        .map_or_else(|| "–".to_owned(), |(a, b)| change(a.value, b.value));
    let _ = writeln!(text, "| {name} | {} | {} | {change} |", show(a), show(b));
}

/// The change from one value to another, in percent.
fn change(from: f64, to: f64) -> String {
    if from.to_bits() == to.to_bits() {
        "=".to_owned()
    } else if from == 0.0 {
        "from nothing".to_owned()
    } else {
        format!("{:+.1} %", (to / from - 1.0) * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::result::{VERSION, sample};

    /// Writes a result into a folder of its own.
    fn write(folder: &Path, name: &str, result: &RunResult) -> PathBuf {
        let folder = folder.join(name);
        std::fs::create_dir(&folder).expect("made");
        let json = serde_json::to_string(result).expect("JSON");
        std::fs::write(folder.join("result.json"), json).expect("written");
        folder
    }

    fn result(p95_ms: f64, per_second: f64) -> RunResult {
        let mut result = sample(p95_ms, per_second, 0.0);
        result.version = VERSION;
        result.corrected.count = 1;
        result
    }

    #[test]
    fn values_stand_beside_each_other_with_their_change() {
        let folder = tempfile::tempdir().expect("a folder");
        let a = write(folder.path(), "a", &result(20.0, 70.0));
        let b = write(folder.path(), "b", &result(25.0, 70.0));
        let table = compare([&a, &b.join("result.json")], false).expect("alike");
        for row in [
            "| P95 of all, corrected | 20 ms | 25 ms | +25.0 % |",
            "| goodput | 70.0/s | 70.0/s | = |",
        ] {
            assert!(table.contains(row), "{table}");
        }
        assert_eq!(change(0.0, 2.0), "from nothing");
    }

    #[test]
    fn unlike_runs_are_compared_by_force_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut other = result(25.0, 70.0);
        other.load.seed = 7;
        other.ending = Ending::Interrupted;
        other.because = Some("interrupted at 2 s of 9".to_owned());
        let a = write(folder.path(), "a", &result(20.0, 70.0));
        let b = write(folder.path(), "b", &other);
        let error = compare([&a, &b], false).expect_err("unlike").to_string();
        let reason = "seed 0, not 7; B interrupted: interrupted at 2 s of 9";
        assert!(error.ends_with(reason), "{error}");
        let table = compare([&a, &b], true).expect("forced");
        assert!(
            table.contains("- **not alike**: seed 0, not 7\n"),
            "{table}"
        );
    }
}
