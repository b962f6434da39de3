//! Both engines get the same schema: the same files, with the same text.

use std::collections::BTreeMap;
use std::path::Path;

/// The migrations of one engine by file name.
fn migrations(engine: &str) -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("migrations")
        .join(engine);
    let files = std::fs::read_dir(folder).expect("the folder");
    let read = |file: std::io::Result<std::fs::DirEntry>| {
        let file = file.expect("readable");
        let text = std::fs::read_to_string(file.path()).expect("UTF-8");
        (file.file_name().into_string().expect("UTF-8"), text)
    };
    files.map(read).collect()
}

#[test]
fn migrations_of_both_databases_match_but_for_explained_differences() {
    let (sqlite, postgres) = (migrations("sqlite"), migrations("postgres"));
    assert!(!sqlite.is_empty());
    assert!(sqlite.keys().eq(postgres.keys()));
    for (name, text) in &sqlite {
        let other = &postgres[name];
        if text == other {
            continue;
        }
        let reason = [text, other].into_iter().find_map(|text| {
            let first = text.lines().next().unwrap_or_default();
            first.strip_prefix("-- differs: ")
        });
        assert!(
            reason.is_some_and(|reason| reason.len() > 20),
            "{name} differs: why?"
        );
    }
}

#[test]
fn migration_differences_are_few_lines() {
    let (sqlite, postgres) = (migrations("sqlite"), migrations("postgres"));
    let portable = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .filter(|line| !line.starts_with("-- differs: "));
        lines
            .map(|line| line.replace(" COLLATE \"C\"", ""))
            .collect()
    };
    for (name, text) in &sqlite {
        assert_eq!(portable(text), portable(&postgres[name]), "{name}");
    }
}
