//! TLS, HTTP/2, and a service under a path.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use testkit::ports::free_port;
use testkit::process::Process;

use crate::harness::{Lab, Run, Service, get, until};

const SHORT: [&str; 7] = [
    "--users",
    "2",
    "--spawn-rate",
    "10",
    "--run-time",
    "2s",
    "--quiet",
];

/// Certificate and key for this machine, below a folder.
fn certificate(folder: &Path) -> [PathBuf; 2] {
    let [config, certificate, key] =
        ["tls.conf", "tls.crt", "tls.key"].map(|name| folder.join(name));
    let text = "[req]\nprompt = no\ndistinguished_name = name\nx509_extensions = more\n[name]\nCN = lab\n\
                [more]\nsubjectAltName = IP:127.0.0.1\nbasicConstraints = CA:FALSE\n";
    std::fs::write(&config, text).expect("written");
    let made = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "2", "-newkey", "ec"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1", "-config"])
        .arg(&config)
        .arg("-out")
        .arg(&certificate)
        .arg("-keyout")
        .arg(&key)
        .output()
        .expect("openssl runs");
    assert!(made.status.success(), "{made:?}");
    [certificate, key]
}

/// A run on a server with TLS, whose certificate it trusts by this file.
fn run_with_tls(ca: &Path, [certificate, key]: &[PathBuf; 2], more: &[&str]) -> Run {
    let settings = [
        format!("TLS_CERT={}", certificate.display()),
        format!("TLS_KEY={}", key.display()),
    ];
    let mut lab = Lab::spawning("peak").args(&SHORT).args(more);
    for setting in &settings {
        lab = lab.args(&["--set", setting]);
    }
    lab.args(&["--ca", ca.to_str().expect("UTF-8")]).run()
}

fn holds(run: &Run) {
    assert_eq!(run.code, 0, "{run}");
    let result = run.result();
    assert_eq!(result["held"], true, "{run}");
    assert!(result["users"]["count"].as_u64() > Some(0), "{run}");
}

#[test]
#[ignore = "takes long and needs openssl: scripts/test"]
fn https_is_spoken_in_both_versions_with_servers_that_are_trusted() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = certificate(folder.path());
    holds(&run_with_tls(&files[0], &files, &[]));
    holds(&run_with_tls(&files[0], &files, &["--http2"]));

    let other = tempfile::tempdir().expect("a folder");
    let [stranger, _] = certificate(other.path());
    let run = run_with_tls(&stranger, &files, &[]);
    assert_eq!(run.code, 2, "{run}");
    assert!(
        run.stderr
            .contains("/health cannot be reached (invalid peer certificate"),
        "{run}"
    );
    assert!(run.stderr.contains("--ca who vouches for it?"), "{run}");
}

#[test]
#[ignore = "takes long: scripts/test"]
fn http2_is_spoken_without_tls() {
    holds(
        &Lab::spawning("rbac-mix")
            .args(&SHORT)
            .args(&["--users", "10", "--http2"])
            .run(),
    );
}

/// nginx with the published lines in front of a service that knows its path.
fn under_a_path() -> (Service, Process, String, TempDir) {
    let port = free_port();
    let public = format!("http://127.0.0.1:{port}/auth");
    let settings = [
        ("PUBLIC_URL", public.as_str()),
        ("TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let service = Service::start(&settings);
    let locations = include_str!("../../../docs/nginx-path.conf");
    let upstream = service.api().replace("http://", "");
    let locations = locations.replace("127.0.0.1:8000", &upstream);
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path().display();
    let whole = format!(
        "daemon off; master_process off; pid {place}/nginx.pid; events {{}}\n\
         http {{ access_log off; client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;\n\
         fastcgi_temp_path {place}/f; uwsgi_temp_path {place}/u; scgi_temp_path {place}/s;\n\
         server {{ listen 127.0.0.1:{port};\n{locations} }} }}"
    );
    let file = folder.path().join("nginx.conf");
    std::fs::write(&file, whole).expect("written");
    let program = std::env::var("NGINX_PROGRAM")
        .expect("NGINX_PROGRAM must name the program: run scripts/test");
    let mut command = Command::new(program);
    command.args(["-e", "stderr", "-c"]).arg(&file);
    let nginx = Process::start("nginx", &mut command, folder.path()).expect("nginx starts");
    until("nginx answers", || get(&format!("{public}/health")));
    (service, nginx, public, folder)
}

#[test]
#[ignore = "takes long and needs nginx: scripts/test"]
fn service_under_a_path_is_reconciled() {
    let (service, _nginx, public, _folder) = under_a_path();
    for host in [public.clone(), format!("{public}/")] {
        let run = service
            .lab("rbac-mix")
            .args(&SHORT)
            .args(&["--users", "10"]);
        holds(&run.args(&["--host", &host]).run());
    }
    let elsewhere = public.replace("/auth", "/nowhere");
    let run = service.lab("peak").args(&["--host", &elsewhere]).run();
    assert_eq!(run.code, 2, "{run}");
    assert!(run.stderr.contains("/nowhere/health answered 404"), "{run}");
}
