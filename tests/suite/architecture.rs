//! The rules of the source: which way imports point, who may use which crate, what is not written.

use std::path::Path;
use std::process::Command;

/// The modules of the library, from the outside in. A module may use what stands below it, and
/// nothing beside it.
const TIERS: [&[&str]; 6] = [
    &["app"],
    &["telemetry", "api"],
    &["auth", "mail"],
    &["rbac", "store", "cache"],
    &["events"],
    &["metrics", "error", "clock", "config"],
];

/// Imports between modules of one tier, each with its reason.
const BESIDE: [(&str, &str, &str); 1] = [(
    "store",
    "rbac",
    "the roles that the store protects, such as the last administrator's, are named in one place",
)];

/// Crates and the only places that may use them.
const CRATES: [(&[&str], &[&str]); 8] = [
    (
        &["poem", "poem_openapi"],
        &["src/api/", "src/app.rs", "src/app/"],
    ),
    (&["sqlx"], &["src/store/"]),
    (&["jsonwebtoken"], &["src/auth/token", "src/auth/keys"]),
    (&["argon2"], &["src/auth/password", "src/auth/hash_gate"]),
    (&["quick_cache"], &["src/cache/"]),
    (&["redis", "rustls"], &["src/cache/redis"]),
    (&["clap"], &["src/main.rs", "src/config"]),
    (&["dotenvy"], &["src/main.rs"]),
];

/// The types of the metrics facade that a module may keep; what makes them is the catalogue's.
const HANDLES: [&str; 3] = ["Counter", "Gauge", "Histogram"];

const LONGEST: usize = 400;

/// What may stand at the top level.
const TOP_LEVEL: [&str; 26] = [
    // The layout.
    "Cargo.toml",
    "src",
    "migrations",
    "prometheus.yml",
    "grafana",
    "loadtest",
    "docker-compose.yaml",
    "pgadmin",
    "README.md",
    // What tools expect beside it.
    "Cargo.lock",
    "Dockerfile",
    "LICENSE",
    "benches",
    "build.rs",
    "clippy.toml",
    "deny.toml",
    "docs",
    "scripts",
    "tests",
    ".ci",
    ".dockerignore",
    ".editorconfig",
    ".gitattributes",
    ".github",
    ".gitignore",
    ".spectral.yaml",
];

/// A file of the repository.
struct File {
    path: String,
    text: String,
}

impl File {
    /// The text without comments.
    fn code(&self) -> String {
        let lines = self.text.lines().filter_map(|line| {
            let code = line.split(" // ").next().unwrap_or_default();
            (!code.trim_start().starts_with("//")).then_some(code)
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The code without its tests.
    fn shipped(&self) -> String {
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
    fn module(&self) -> Vec<&str> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        path.split('/').filter(|name| *name != "mod").collect()
    }
}

/// Every file that is or could be committed, with its text if it is one.
fn files() -> Vec<File> {
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
        // What is deleted but not committed yet is still listed.
        .filter(|path| root.join(path).exists())
        .map(|path| File {
            path: path.to_owned(),
            text: std::fs::read_to_string(root.join(path)).unwrap_or_default(),
        })
        .collect()
}

fn sources() -> Vec<File> {
    let mut files = files();
    files.retain(|file| file.path.starts_with("src/") && file.path.ends_with(".rs"));
    assert!(files.len() > 20, "the sources are not found");
    files
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word(text: &str) -> &str {
    let text = text.trim_start();
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

/// The names right behind a path's beginning: `a` and `b` of `{a::x, b::{y, z}}`.
fn heads(rest: &str) -> Vec<&str> {
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
fn behind<'a>(code: &'a str, beginning: &str) -> Vec<&'a str> {
    let begins = |at: usize| !code[..at].ends_with(|c| is_word(c) || c == ':');
    code.match_indices(beginning)
        .filter(|(at, _)| begins(*at))
        .flat_map(|(at, _)| heads(&code[at + beginning.len()..]))
        .filter(|name| !name.is_empty())
        .collect()
}

/// Whether the code names a crate: `name::` or `::name::`, not `other::name::`.
fn names_crate(code: &str, name: &str) -> bool {
    let path = format!("{name}::");
    let import = format!("use {name};");
    code.contains(&import)
        || code.match_indices(&path).any(|(at, _)| {
            let before = &code[..at];
            let before = before.strip_suffix("::").unwrap_or(before);
            !before.ends_with(is_word)
        })
}

fn tier(module: &str) -> usize {
    TIERS
        .iter()
        .position(|tier| tier.contains(&module))
        .unwrap_or_else(|| panic!("give the module `{module}` a place in TIERS"))
}

fn may_use(from: &str, to: &str) -> bool {
    let beside = |(a, b, _): &(&str, &str, &str)| (*a, *b) == (from, to);
    from == to || tier(from) < tier(to) || BESIDE.iter().any(beside)
}

#[test]
fn the_rules_can_read_paths() {
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

#[test]
fn imports_point_one_way() {
    let mut wrong = Vec::new();
    let mut used = Vec::new();
    for file in sources() {
        let module = file.module();
        let from = module[0];
        if from == "main" || from == "lib" {
            continue;
        }
        let code = file.shipped();
        // So many steps up is the crate itself.
        let up = "super::".repeat(module.len());
        for to in behind(&code, "crate::")
            .into_iter()
            .chain(behind(&code, &up))
        {
            if !may_use(from, to) {
                wrong.push(format!("{} uses {to}", file.path));
            }
            used.push((from.to_owned(), to.to_owned()));
        }
    }
    assert!(
        wrong.is_empty(),
        "{wrong:#?}\nimports point downwards only: {TIERS:?}"
    );
    assert!(used.len() > 50, "imports are not found: {used:?}");
    for (from, to, reason) in BESIDE {
        let needed = used
            .iter()
            .any(|(a, b)| (a.as_str(), b.as_str()) == (from, to));
        assert!(needed, "nobody needs {from} -> {to} any more ({reason})");
    }
}

#[test]
fn every_module_has_a_place() {
    let lib = sources().into_iter().find(|file| file.path == "src/lib.rs");
    let lib = lib.expect("the library").code();
    let modules: Vec<_> = lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .collect();
    assert!(modules.len() > 10, "{modules:?}");
    for module in modules {
        tier(module);
    }
}

#[test]
fn each_crate_is_used_in_its_place_alone() {
    for (names, places) in CRATES {
        for name in names {
            let mut users = sources();
            users.retain(|file| names_crate(&file.code(), name));
            assert!(!users.is_empty(), "nobody uses {name}");
            for File { path, .. } in users {
                let allowed = places.iter().any(|place| path.starts_with(place));
                assert!(allowed, "{path} uses {name}, which belongs to {places:?}");
            }
        }
    }
}

#[test]
fn metrics_are_made_by_the_catalogue_alone() {
    for file in sources() {
        let module = file.module()[0] == "metrics";
        let code = file.code();
        for name in behind(&code, "use metrics::").iter().filter(|_| !module) {
            assert!(HANDLES.contains(name), "{} uses metrics::{name}", file.path);
        }
        // The one place that installs the recorder; unit tests have recorders of their own.
        let absolute = !behind(&code, "::metrics::").is_empty();
        let test = file.path.ends_with("/tests.rs");
        let allowed = module || test || file.path == "src/telemetry.rs";
        assert!(!absolute || allowed, "{} uses ::metrics", file.path);
    }
}

#[test]
fn a_file_has_one_subject() {
    for File { path, text } in sources() {
        let lines = text.lines().count();
        assert!(lines <= LONGEST, "{path} has {lines} lines: split it");
    }
}

#[test]
fn unsafe_code_is_forbidden() {
    let roots = ["src/lib.rs", "src/main.rs"];
    for file in sources() {
        if roots.contains(&file.path.as_str()) {
            let forbids = file.text.contains("\n#![forbid(unsafe_code)]\n");
            assert!(forbids, "{}", file.path);
        }
    }
}

#[test]
fn nothing_is_left_unfinished_or_allowed_without_a_reason() {
    // In pieces, so that this file does not hold them.
    let words = [
        (concat!("TO", "DO"), "do it, or leave the note elsewhere"),
        (concat!("FIX", "ME"), "fix it"),
        (concat!("un", "implemented!"), "implement it"),
        (concat!("to", "do!("), "implement it"),
        (
            concat!("[al", "low("),
            "use #[expect(lint, reason = \"…\")]",
        ),
    ];
    for File { path, text } in files() {
        if Path::new(&path).extension().is_some_and(|ext| ext == "rs") {
            for (word, instead) in words {
                assert!(!text.contains(word), "{path} holds {word}: {instead}");
            }
        }
    }
}

#[test]
fn nothing_depends_on_one_machine_or_one_mirror() {
    let words = [
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/Use", "rs/"),
        concat!("index.", "crates.io"),
        concat!("static.", "crates.io"),
        concat!("registry.", "npmjs.org"),
        concat!("pypi", ".org"),
        concat!("python", "hosted.org"),
    ];
    for File { path, text } in files() {
        for word in words {
            assert!(!text.contains(word), "{path} holds {word}");
        }
        if path == "Cargo.lock" {
            let source = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
            for line in text.lines().filter(|line| line.starts_with("source = ")) {
                assert_eq!(line, source);
            }
        }
    }
}

#[test]
fn only_the_layout_stands_at_the_top_level() {
    for File { path, .. } in files() {
        let top = path.split('/').next().unwrap_or_default();
        assert!(
            TOP_LEVEL.contains(&top),
            "{path} has no place in the layout"
        );
    }
}
