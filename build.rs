//! Build information for `auth_build_info`, and the list of migrations.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn output(command: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(command).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

/// The migrations of one engine as a constant: version, description and text of each.
///
/// # Panics
/// When the folder cannot be read, or a file is not named `NUMBER_WHAT_IT_DOES.sql`.
fn migrations(name: &str, folder: &Path) -> String {
    let entries = fs::read_dir(folder).expect("a folder of migrations");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry of the folder of migrations").path())
        .collect();
    files.sort();
    let mut list = format!("const {name}: Files = &[\n");
    for file in files {
        let parts = file
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".sql")?.split_once('_'))
            .and_then(|(version, words)| Some((version.parse::<i64>().ok()?, words)));
        let Some((version, words)) = parts else {
            panic!("{} is not named like a migration", file.display());
        };
        let description = words.replace('_', " ");
        writeln!(
            list,
            "    ({version}, {description:?}, include_str!({file:?})),"
        )
        .expect("a string takes what is written to it");
    }
    list + "];\n"
}

fn main() {
    // A change of migrations alone must rebuild what embeds them.
    println!("cargo::rerun-if-changed=migrations");
    let path = |name: &str| PathBuf::from(std::env::var_os(name).expect("set by Cargo"));
    let folder = path("CARGO_MANIFEST_DIR").join("migrations");
    let lists = migrations("SQLITE", &folder.join("sqlite"))
        + &migrations("POSTGRES", &folder.join("postgres"));
    fs::write(path("OUT_DIR").join("migrations.rs"), lists).expect("OUT_DIR can be written");
    // An unoptimised build has no revision: every commit would compile the service and its tests again.
    let optimised = std::env::var("OPT_LEVEL").is_ok_and(|level| level != "0");
    // Grows with every commit and checkout; Cargo would rebuild always if it were named but absent.
    // In a linked work tree it is elsewhere.
    let log = output("git", &["rev-parse", "--git-path", "logs/HEAD"]);
    if let Some(log) = log.filter(|log| optimised && Path::new(log).exists()) {
        println!("cargo::rerun-if-changed={log}");
    }
    println!("cargo::rerun-if-env-changed=BUILD_REVISION");
    let unknown = || "unknown".to_owned();
    let env = |name: &str| std::env::var(name).ok();
    let revision = env("BUILD_REVISION")
        .or_else(|| {
            let head = || output("git", &["rev-parse", "--short=12", "HEAD"]);
            optimised.then(head).flatten()
        })
        .unwrap_or_else(unknown);
    let rustc = env("RUSTC").unwrap_or_else(|| "rustc".to_owned());
    let rust = output(&rustc, &["--version"])
        .and_then(|version| version.split(' ').nth(1).map(str::to_owned))
        .unwrap_or_else(unknown);
    println!("cargo::rustc-env=BUILD_REVISION={revision}");
    println!("cargo::rustc-env=BUILD_RUST_VERSION={rust}");
    println!(
        "cargo::rustc-env=BUILD_TARGET={}",
        env("TARGET").unwrap_or_else(unknown)
    );
}
