//! What the build knows and the program reports in `auth_build_info`.

use std::process::Command;

fn output(command: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(command).args(args).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}

fn main() {
    // A change of migrations alone must rebuild what embeds them.
    println!("cargo::rerun-if-changed=migrations");
    // Grows with every commit and checkout; Cargo would rebuild always if it were named but absent.
    let log = ".git/logs/HEAD";
    if std::path::Path::new(log).exists() {
        println!("cargo::rerun-if-changed={log}");
    }
    println!("cargo::rerun-if-env-changed=BUILD_REVISION");
    let unknown = || "unknown".to_owned();
    let env = |name: &str| std::env::var(name).ok();
    let revision = env("BUILD_REVISION")
        .or_else(|| output("git", &["rev-parse", "--short=12", "HEAD"]))
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
