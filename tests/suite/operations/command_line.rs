//! Options: their sources, and how `--help` and `config` print them.

use std::path::Path;

use catalogue::options::OPTIONS;

use super::{run, success, text};
use crate::harness::{Server, program};

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn help_documents_every_option_and_variable() {
    let folder = folder();
    let help = success(program(folder.path()).args(["serve", "--help"]));
    for name in OPTIONS {
        assert!(help.contains(&format!("[env: {name}")), "{name}");
        let flag = format!("--{}", name.to_lowercase().replace('_', "-"));
        let (_, about) = help
            .split_once(&flag)
            .unwrap_or_else(|| panic!("no {flag}"));
        let about = about.lines().nth(1).unwrap_or_default().trim();
        assert!(about.len() > 10, "{flag} is not explained: {about:?}");
    }
    let short = success(program(folder.path()).arg("--help"));
    for command in ["serve", "admin", "openapi", "metrics", "calibrate", "keys"] {
        assert!(short.contains(command), "{command}");
    }
}

#[test]
fn help_hides_secrets_of_the_environment() {
    let folder = folder();
    let mut command = program(folder.path());
    for name in ["SECRET_KEY", "HS256_KEY", "ADMIN_PASSWORD"] {
        command.env(name, "hunter2");
    }
    for name in ["DATABASE_URL", "REDIS_URL"] {
        command.env(name, "hunter2");
    }
    let help = success(command.args(["serve", "--help"]));
    assert!(!help.contains("hunter2"), "{help}");
}

#[test]
fn config_prints_every_option_and_masks_secrets() {
    let folder = folder();
    let mut command = program(folder.path());
    command
        .env("SECRET_KEY", "hunter2-hunter2-hunter2-hunter2-hunter2")
        .env("ADMIN_PASSWORD", "hunter2")
        .env("DATABASE_URL", "sqlite://hunter2.db")
        .env("REDIS_URL", "redis://:hunter2@localhost")
        .env("ADMIN_EMAIL", "margaret@example.com")
        .env("SIGNING_ALG", "HS256")
        .env("HS256_KEY", "hunter2-hunter2-hunter2-hunter2-hunter2");
    let printed = success(command.arg("config"));
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(!printed.contains("margaret"), "{printed}");
    assert!(printed.contains("SECRET_KEY=***\n"), "{printed}");
    let lines = printed.lines();
    let mut names: Vec<_> = lines.filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    assert_eq!(names, OPTIONS);
}

#[test]
fn dotenv_is_read_from_the_working_directory_below_the_environment() {
    let folder = folder();
    let file = "TOKEN_AUDIENCE=from-file\nSESSION_TTL=20d\n";
    std::fs::write(folder.path().join(".env"), file).expect("written");
    let mut command = program(folder.path());
    let printed = success(command.env("TOKEN_AUDIENCE", "from-env").arg("config"));
    assert!(printed.contains("TOKEN_AUDIENCE=from-env\n"), "{printed}");
    assert!(printed.contains("SESSION_TTL=20days\n"), "{printed}");
    let mut command = program(folder.path());
    let printed = success(command.args(["config", "--session-ttl", "25d"]));
    assert!(printed.contains("TOKEN_AUDIENCE=from-file\n"), "{printed}");
    assert!(printed.contains("SESSION_TTL=25days\n"), "a flag wins");
}

#[test]
fn dotenv_of_parent_folders_is_ignored() {
    let folder = folder();
    std::fs::write(folder.path().join(".env"), "TOKEN_AUDIENCE=not-mine\n").expect("written");
    let below = folder.path().join("below");
    std::fs::create_dir(&below).expect("made");
    let printed = success(program(&below).arg("config"));
    assert!(!printed.contains("not-mine"), "{printed}");
}

#[test]
fn malformed_dotenv_is_a_usage_error() {
    let folder = folder();
    std::fs::write(folder.path().join(".env"), "this is no assignment\n").expect("written");
    let output = run(program(folder.path()).arg("config"));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains(".env"));
}

#[test]
fn unknown_arguments_are_a_usage_error() {
    let folder = folder();
    for args in [
        &["--no-such-option"][..],
        &["serve", "--no-such-option"],
        &["no-such-command"],
        &["--hash-iterations", "0"],
        &["--signing-alg", "none"],
        &["--api-addr", "nowhere"],
        &["admin"],
        &["admin", "create"],
    ] {
        let output = run(program(folder.path()).args(args));
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert_eq!(text(&output.stdout), "", "{args:?}");
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn version_is_that_of_the_package() {
    let folder = folder();
    let printed = success(program(folder.path()).arg("--version"));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(printed, format!("rbac-sentinel {version}\n"));
}

#[tokio::test]
async fn healthcheck_answers_by_exit_code() {
    let server = Server::start().await;
    let folder = server.path();
    let ops = server.ops.trim_start_matches("http://").to_owned();
    let check = |folder: &Path| {
        let mut command = program(folder);
        let output = run(command.env("OPS_ADDR", &ops).arg("healthcheck"));
        output.status.code()
    };
    assert_eq!(check(&folder), Some(0));
    let folder = server.stop().await;
    assert_eq!(check(folder.path()), Some(1));
}
