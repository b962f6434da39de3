//! The rules of the source: the direction of imports, the places of crates, forbidden words and lints.

mod circles;
mod code;

use std::collections::BTreeSet;
use std::path::Path;

use code::{File, behind, files, lab, members, names_crate, sources};

/// The modules of the library, from the outside in. A module may use what stands below it, and
/// nothing beside it.
const TIERS: [&[&str]; 16] = [
    &["cli"],
    &["app"],
    &["probe"],
    &["telemetry", "api"],
    &["auth"],
    &["jobs", "accounts", "decisions"],
    &["sessions"],
    &["limits", "policies", "tokens"],
    &["hashing", "secrets"],
    &["rbac", "store", "cache"],
    &["events"],
    &["metrics"],
    &["request_context"],
    &["config"],
    &["error"],
    &["clock", "rate"],
];

/// Imports between modules of one tier, each with its reason.
const BESIDE: [(&str, &str, &str); 1] = [(
    "store",
    "rbac",
    "the roles that the store protects, such as the last administrator's, are named in one place",
)];

/// Crates and the only places that may use them.
const CRATES: [(&[&str], &[&str]); 10] = [
    (
        &["poem", "poem_openapi"],
        &["src/api/", "src/app/", "src/probe/"],
    ),
    (&["sqlx"], &["src/store/"]),
    (&["jsonwebtoken"], &["src/tokens/"]),
    (&["argon2"], &["src/hashing/"]),
    (&["quick_cache"], &["src/cache/", "src/rbac/snapshot.rs"]),
    (&["redis"], &["src/cache/redis"]),
    (&["rustls"], &["src/cache/redis", "src/app/tls/"]),
    (
        &["tokio_rustls"],
        &["src/app/tls/", "src/app/server/stream.rs", "src/probe/"],
    ),
    (&["clap"], &["src/cli/", "src/config"]),
    (&["dotenvy"], &["src/cli/mod.rs"]),
];

/// The types of the metrics facade that a module may keep; only the catalogue creates them.
const HANDLES: [&str; 3] = ["Counter", "Gauge", "Histogram"];

/// Where metrics are made.
const CATALOGUE: &str = "crates/catalogue/src/metrics/";

const LONGEST: usize = 400;

/// The files and folders that may be at the top level.
const TOP_LEVEL: [&str; 29] = [
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
    // Files that tools expect there.
    "Cargo.lock",
    "CONTRIBUTING.md",
    "Dockerfile",
    "LICENSE",
    "benches",
    "crates",
    "build.rs",
    "clippy.toml",
    "deny.toml",
    "docs",
    "scripts",
    "tests",
    ".ci",
    ".dockerignore",
    ".cargo",
    ".editorconfig",
    ".gitattributes",
    ".github",
    ".gitignore",
    ".spectral.yaml",
];

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
        // This many steps up is the crate itself.
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
        assert!(needed, "no import needs {from} -> {to} any more ({reason})");
    }
}

#[test]
fn every_module_has_a_tier() {
    let lib = sources().into_iter().find(|file| file.path == "src/lib.rs");
    let lib = lib.expect("the library").code();
    let modules: Vec<_> = lib
        .lines()
        .filter_map(|line| {
            let private = line.strip_prefix("pub(crate) mod ");
            private.or(line.strip_prefix("pub mod "))?.strip_suffix(';')
        })
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
            assert!(!users.is_empty(), "no file uses {name}");
            for File { path, .. } in users {
                let allowed = places.iter().any(|place| path.starts_with(place));
                assert!(allowed, "{path} uses {name}, which belongs to {places:?}");
            }
        }
    }
}

#[test]
fn load_lab_knows_the_service_by_http_only() {
    for file in lab() {
        assert!(!file.code().contains("rbac_sentinel"), "{}", file.path);
    }
    let manifest = files()
        .into_iter()
        .find(|file| file.path == "loadtest/Cargo.toml");
    let manifest = manifest.expect("the lab");
    let paths = manifest.text.match_indices("path = \"");
    for (at, word) in paths {
        let path = &manifest.text[at + word.len()..];
        assert!(
            path.starts_with("../crates/"),
            "the service is not linked: {path}"
        );
    }
}

#[test]
fn testkit_links_neither_the_service_nor_another_crate_from_here() {
    let manifest = files()
        .into_iter()
        .find(|file| file.path == "crates/testkit/Cargo.toml");
    let manifest = manifest.expect("the test kit").text;
    let (_, dependencies) = manifest.split_once("[dependencies]").expect("some");
    for word in ["path = ", "goose", "tokio"] {
        assert!(
            !dependencies.contains(word),
            "everything would build {word}"
        );
    }
}

#[test]
fn load_lab_users_are_determined_by_the_seed() {
    for file in lab() {
        let code = file.code();
        let own = ["rand::rng(", "random()", "thread_rng"].map(|word| code.contains(word));
        assert!(!own.contains(&true), "{} draws its own chances", file.path);
        // The password of a server that is gone after the run.
        let fresh = code.contains("from_os_rng");
        assert!(
            !fresh || file.path == "loadtest/src/setup.rs",
            "{}",
            file.path
        );
    }
}

#[test]
fn metrics_are_created_by_the_catalogue_only() {
    let mut files = members();
    files.retain(|file| file.path.starts_with("crates/"));
    let inside = files
        .iter()
        .filter(|file| file.path.starts_with(CATALOGUE))
        .count();
    assert!(inside > 20, "the catalogue is not in {CATALOGUE}");
    for file in sources().into_iter().chain(files) {
        let module = file.path.starts_with(CATALOGUE);
        let code = file.code();
        for name in behind(&code, "use metrics::").iter().filter(|_| !module) {
            assert!(HANDLES.contains(name), "{} uses metrics::{name}", file.path);
        }
        // The one place that installs the recorder; unit tests have recorders of their own.
        let absolute = !behind(&code, "::metrics::").is_empty();
        let test = file.path.ends_with("/tests.rs");
        let allowed = module || test || file.path == "src/telemetry/recorder.rs";
        assert!(!absolute || allowed, "{} uses ::metrics", file.path);
    }
}

#[test]
fn event_names_come_from_the_list() {
    for file in sources() {
        let literal = file.code().contains("event = \"");
        assert!(
            !literal,
            "{}: put the name into catalogue::event_names",
            file.path
        );
    }
}

#[test]
fn folder_of_modules_has_its_root_inside() {
    let files: BTreeSet<String> = files().into_iter().map(|file| file.path).collect();
    for path in files.iter().filter(|path| path.ends_with(".rs")) {
        let folder = path.trim_end_matches("rs").replace(".", "/");
        let beside = files.range(folder.clone()..).next();
        let beside = beside.filter(|file| file.starts_with(&folder));
        assert_eq!(beside, None, "{path}: move it to {folder}mod.rs");
    }
}

#[test]
fn files_are_at_most_400_lines() {
    for File { path, text } in files() {
        if !path.ends_with(".rs") {
            continue;
        }
        let lines = text.lines().count();
        assert!(lines <= LONGEST, "{path} has {lines} lines: split it");
    }
}

#[test]
fn unsafe_code_is_forbidden() {
    let roots = [
        "src/lib.rs",
        "src/main.rs",
        "loadtest/src/lib.rs",
        "loadtest/src/main.rs",
        "grafana/src/lib.rs",
        "grafana/src/main.rs",
    ];
    for file in sources().into_iter().chain(members()) {
        let inner = file.path.starts_with("crates/")
            && ["/src/lib.rs", "/src/main.rs"].map(|root| file.path.ends_with(root)) != [false; 2];
        if inner || roots.contains(&file.path.as_str()) {
            let forbids = file.text.contains("\n#![forbid(unsafe_code)]\n");
            assert!(forbids, "{}", file.path);
        }
    }
}

#[test]
fn no_todo_and_no_lint_allowed_without_reason() {
    // In pieces, so that this file does not contain them.
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
fn no_file_names_one_machine_or_mirror() {
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
fn top_level_holds_the_layout_only() {
    for File { path, .. } in files() {
        let top = path.split('/').next().unwrap_or_default();
        assert!(
            TOP_LEVEL.contains(&top),
            "{path} has no place in the layout"
        );
    }
}
