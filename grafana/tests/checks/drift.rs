//! The committed generated files are up to date.

use std::collections::BTreeSet;
use std::path::PathBuf;

use grafana::generate;
use grafana::rules::Links;

const COMMAND: &str = "cargo run -p grafana -- generate";

#[test]
fn generated_files_are_current() {
    let files = generate::all(&Links::default()).expect("generated");
    assert!(files.len() > 5, "{} files", files.len());
    for file in &files {
        let committed = std::fs::read_to_string(generate::folder().join(&file.path));
        let same = committed.unwrap_or_default() == file.text;
        let path = file.path.display();
        assert!(same, "{path} differs: bring it up to date with `{COMMAND}`");
    }
}

#[test]
fn folders_hold_generated_files_only() {
    let files = generate::all(&Links::default()).expect("generated");
    let generated: BTreeSet<PathBuf> = files.into_iter().map(|file| file.path).collect();
    for folder in ["dashboards", "rules"] {
        let entries = std::fs::read_dir(generate::folder().join(folder)).expect("a folder");
        for entry in entries {
            let entry = entry.expect("an entry");
            let path = PathBuf::from(folder).join(entry.file_name());
            let is_file = entry.file_type().expect("a type").is_file();
            let known = !is_file || generated.contains(&path);
            assert!(known, "{} is not generated: `{COMMAND}`", path.display());
        }
    }
}
