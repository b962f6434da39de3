//! The paths in the table of tests at the head of the suite exist, and it covers every folder.

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn table_of_tests_names_existing_files_and_every_folder() {
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite");
    let table = include_str!("../main.rs");
    let rows = table.lines().filter(|line| line.starts_with("//! | "));
    let mut folders = BTreeSet::new();
    for row in rows.skip(1) {
        let places = row.rsplit(" | ").next().expect("a second column");
        for place in places.split('`').skip(1).step_by(2) {
            assert!(suite.join(place).exists(), "{place}: {row}");
            folders.extend(place.split('/').next().map(str::to_owned));
        }
    }
    for entry in std::fs::read_dir(&suite).expect("the suite") {
        let name = entry.expect("readable").file_name();
        let name = name.to_str().expect("UTF-8");
        assert!(name == "main.rs" || folders.contains(name), "{name}");
    }
}
