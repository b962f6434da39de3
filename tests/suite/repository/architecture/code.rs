//! Reads the repository's files, and the paths in Rust code.

use std::path::Path;
use std::process::Command;

/// A file of the repository.
pub struct File {
    pub path: String,
    pub text: String,
}

impl File {
    /// The text without comments.
    pub fn code(&self) -> String {
        let lines = self.text.lines().filter_map(|line| {
            let code = line.split(" // ").next().unwrap_or_default();
            (!code.trim_start().starts_with("//")).then_some(code)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The code without its tests.
    pub fn shipped(&self) -> String {
        if self.path.ends_with("/tests.rs") {
            return String::new();
        }
        let code = self.code();
        let (shipped, _) = code
            .split_once("#[cfg(test)]\nmod tests {")
            .unwrap_or((&code, ""));
        shipped.to_owned()
    }

    /// The path of the module, such as `["api", "guard"]`.
    pub fn module(&self) -> Vec<&str> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        path.split('/').filter(|name| *name != "mod").collect()
    }
}

/// Every file that is or could be committed, with its text if it is one.
pub fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .expect("git runs");
    assert!(output.status.success(), "this must be a git repository");
    let paths = String::from_utf8(output.stdout).expect("UTF-8");
    paths
        .split_terminator('\0')
        // A file that is deleted, but not yet in a commit, is still listed.
        .filter(|path| root.join(path).exists())
        .map(|path| File {
            path: path.to_owned(),
            text: std::fs::read_to_string(root.join(path)).unwrap_or_default(),
        })
        .collect()
}

pub fn sources() -> Vec<File> {
    let mut files = files();
    files.retain(|file| file.path.starts_with("src/") && file.path.ends_with(".rs"));
    assert!(files.len() > 20, "the sources are not found");
    files
}

/// The sources of the load lab.
pub fn lab() -> Vec<File> {
    let mut files = members();
    files.retain(|file| file.path.starts_with("loadtest/"));
    files
}

/// The sources of the other members of the workspace.
pub fn members() -> Vec<File> {
    let all = files();
    let of = |member: &str, least: usize| {
        let inside = |file: &&File| file.path.starts_with(member) && file.path.ends_with(".rs");
        let count = all.iter().filter(inside).count();
        assert!(count > least, "the sources of {member} are not found");
    };
    of("loadtest/", 20);
    of("grafana/", 20);
    of("crates/", 20);
    let mut files = all;
    let places = ["loadtest/", "grafana/", "crates/"];
    files.retain(|file| {
        file.path.ends_with(".rs") && places.iter().any(|place| file.path.starts_with(place))
    });
    files
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

pub fn word(text: &str) -> &str {
    let text = text.trim_start();
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

/// The names right behind a path's beginning: `a` and `b` of `{a::x, b::{y, z}}`.
pub fn heads(rest: &str) -> Vec<&str> {
    let Some(group) = rest.strip_prefix('{') else {
        return vec![word(rest)];
    };
    let (mut depth, mut start, mut heads) = (1, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => {
                heads.push(word(&group[start..at]));
                start = at + 1;
            }
            _ => {}
        }
        if depth == 0 {
            heads.push(word(&group[start..at]));
            break;
        }
    }
    heads
}

/// The names behind each path that begins so.
pub fn behind<'a>(code: &'a str, beginning: &str) -> Vec<&'a str> {
    let begins = |at: usize| !code[..at].ends_with(|c| is_word(c) || c == ':');
    code.match_indices(beginning)
        .filter(|(at, _)| begins(*at))
        .flat_map(|(at, _)| heads(&code[at + beginning.len()..]))
        .filter(|name| !name.is_empty())
        .collect()
}

/// Whether the code names a crate: `name::` or `::name::`, not `other::name::`.
pub fn names_crate(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    let import = format!("use {name};");
    code.contains(&import)
        || code.match_indices(&path).any(|(at, _)| {
            let before = &code[..at];
            let before = before.strip_suffix("::").unwrap_or(before);
            !before.ends_with(is_word)
        })
}

#[test]
fn paths_in_code_are_found() {
    assert_eq!(heads("api::{self, X};"), ["api"]);
    assert_eq!(
        heads("{api, auth::{a, b}, store};"),
        ["api", "auth", "store"]
    );
    let code = "use crate::a::X;\nx(crate::b::y, $crate::c, my_crate::d)";
    assert_eq!(behind(code, "crate::"), ["a", "b", "c"]);
    assert_eq!(behind("super::super::a::X", "super::super::"), ["a"]);
    assert_eq!(behind("super::super::a::X", "super::"), ["super"]);
    assert!(names_crate("x::<::sqlx::Error>", "sqlx"));
    assert!(names_crate("use sqlx::Error;", "sqlx"));
    assert!(!names_crate("crate::sqlx::Error, my_sqlx::Error", "sqlx"));
}
