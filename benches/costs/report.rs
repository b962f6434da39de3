//! The table.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::common::Result;
use crate::processor::Figure;

/// Nothing but a password hash may cost more, in milliseconds.
const MOST: f64 = 1.0;
/// Operations above this cost need a limit of their own, in milliseconds.
const FREE: f64 = 0.3;

/// Where the table stands in its document.
const MARKS: [&str; 2] = ["<!-- costs: begin -->", "<!-- costs: end -->"];

/// Prints the table and writes both files; without a document only the figures.
pub fn write(
    machine: &Value,
    mut figures: Vec<Figure>,
    document: Option<&Path>,
    json: &Path,
) -> Result<()> {
    figures.sort_by(|a, b| b.milliseconds.total_cmp(&a.milliseconds));
    for figure in &figures {
        println!(
            "{:8.3} ms  {:4.1} hashes  {:<24} {:<40} {:<26} {:?} {}",
            figure.milliseconds,
            figure.hashes,
            figure.case.caller,
            figure.case.operation,
            figure.case.what,
            figure.statuses,
            figure.case.limit,
        );
    }
    let beyond = |bound: f64| {
        let above = figures
            .iter()
            .filter(move |figure| figure.milliseconds > bound);
        above.filter(|figure| figure.hashes == 0.0)
    };
    println!(
        "\nwithout a hash and above {MOST} ms: {}",
        beyond(MOST).count()
    );
    let own = |figure: &&Figure| !["none", "general"].contains(&figure.case.limit.as_str());
    let unlimited = beyond(FREE).filter(|figure| !own(figure)).count();
    println!("without a hash, above {FREE} ms and under the general limit alone: {unlimited}");
    if let Some(folder) = json.parent() {
        fs::create_dir_all(folder)?;
    }
    let list: Vec<_> = figures.iter().map(entry).collect();
    let text = json!({ "machine": machine, "figures": list });
    fs::write(json, format!("{text:#}\n"))?;
    println!("figures: {}", json.display());
    let Some(document) = document else {
        return Ok(());
    };
    if cfg!(debug_assertions) {
        println!(
            "the build is not optimised: the table of {} stays",
            document.display()
        );
        return Ok(());
    }
    let text = fs::read_to_string(document)?;
    let parts = text.split_once(MARKS[0]).and_then(|(before, rest)| {
        let (_, after) = rest.split_once(MARKS[1])?;
        Some((before, after))
    });
    let (before, after) =
        parts.ok_or_else(|| format!("{} has no place for it", document.display()))?;
    let word = |name: &str| machine[name].as_str().unwrap_or("unknown").to_owned();
    let caption = format!(
        "{}, {} cores, {} memory, commit {}",
        word("cpu"),
        machine["cores"],
        word("memory"),
        word("commit"),
    );
    let table = table(&figures);
    let [begin, end] = MARKS;
    fs::write(
        document,
        format!("{before}{begin}\n\n{caption}\n\n{table}\n{end}{after}"),
    )?;
    println!("table: {}", document.display());
    Ok(())
}

fn entry(figure: &Figure) -> Value {
    json!({
        "operation": figure.case.operation,
        "caller": figure.case.caller,
        "request": figure.case.what,
        "limit": figure.case.limit,
        "statuses": figure.statuses,
        "requests": figure.requests,
        "milliseconds": figure.milliseconds,
        "hashes": figure.hashes,
    })
}

/// The most expensive request of each operation and caller.
fn table(figures: &[Figure]) -> String {
    let mut text = "| Processor time | Hashes | Operation | Caller | Request | Status | Limits |\n\
         |---:|---:|:---|:---|:---|:---|:---|\n"
        .to_owned();
    let mut seen = HashSet::new();
    for figure in figures {
        let case = &figure.case;
        if !seen.insert((&case.operation, case.caller)) {
            continue;
        }
        let statuses: Vec<_> = figure.statuses.iter().map(u16::to_string).collect();
        let _ = writeln!(
            text,
            "| {:.3} ms | {:.0} | {} | {} | {} | {} | {} |",
            figure.milliseconds,
            figure.hashes,
            case.operation,
            case.caller,
            case.what,
            statuses.join(", "),
            case.limit,
        );
    }
    text
}
