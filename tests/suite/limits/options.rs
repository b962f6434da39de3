//! Invalid rates and proxies.

use std::process::Output;

use crate::harness::program;

fn config(name: &str, value: &str) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = program(folder.path());
    let command = command.env(name, value).arg("config");
    command.output().expect("it runs")
}

#[test]
fn invalid_rate_or_network_option_is_rejected() {
    for (name, value, rule) in [
        ("RATE_LIMIT_LOGIN_SOURCE", "60", "COUNT/PERIOD"),
        ("RATE_LIMIT_LOGIN_ACCOUNT", "0/1m", "COUNT/PERIOD"),
        ("RATE_LIMIT_REFRESH_SOURCE", "60/1ms", "COUNT/PERIOD"),
        ("RATE_LIMIT_GENERAL", "many/1m", "COUNT/PERIOD"),
        ("TRUSTED_PROXIES", "localhost", "10.0.0.0/8"),
        ("TRUSTED_PROXIES", "10.0.0.0/8,0.0.0.0/0", "10.0.0.0/8"),
        ("RATE_LIMITS", "maybe", "on, off"),
    ] {
        let output = config(name, value);
        assert_eq!(output.status.code(), Some(2), "{name}={value}");
        let said = String::from_utf8_lossy(&output.stderr);
        let flag = format!("--{}", name.to_lowercase().replace('_', "-"));
        assert!(said.contains(&flag), "{said}");
        assert!(said.contains(rule), "{said}");
    }
}

#[test]
fn config_shows_rate_limits_and_trusted_proxies_as_configurable() {
    for (name, value, shown) in [
        ("RATE_LIMIT_GENERAL", "5/90m", "5/1h30m"),
        (
            "TRUSTED_PROXIES",
            "10.0.0.1, fd00::/8",
            "10.0.0.1/32,fd00::/8",
        ),
        ("TRUSTED_PROXIES", "", "(none)"),
    ] {
        let output = config(name, value);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(&format!("\n{name}={shown}\n")), "{said}");
    }
}
