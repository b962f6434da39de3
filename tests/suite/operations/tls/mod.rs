//! TLS in the service, tested with curl and openssl.

mod files;

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use self::files::Files;
use super::{run, text};
use crate::harness::{ADMIN_PASSWORD, PATIENCE, Server, Signal, program, until};

fn port(server: &Server) -> &str {
    server.api.rsplit(':').next().expect("a port")
}

/// Requests this path with curl, which trusts this certificate: returns its exit status and output.
fn curl(server: &Server, trusted: &Path, path: &str, options: &[&str]) -> (bool, String) {
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "60", "--cacert"])
        .arg(trusted)
        .args(options)
        .arg(format!("https://localhost:{}{path}", port(server)))
        .output()
        .expect("curl runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), said)
}

/// The output of openssl after a handshake with these options.
fn s_client(server: &Server, trusted: &Path, options: &[&str]) -> (bool, String) {
    let output = Command::new("openssl")
        .args(["s_client", "-verify_return_error", "-CAfile"])
        .arg(trusted)
        .args(["-connect", &format!("localhost:{}", port(server))])
        .args(options)
        .stdin(Stdio::null())
        .output()
        .expect("openssl runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.success(), said)
}

/// When the certificate in use expires, as the service has it.
async fn exported_expiry(server: &Server) -> f64 {
    let name = "http_server_tls_certificate_not_after_timestamp_seconds";
    server.metrics().await.sum(name, &[])
}

async fn reloads(server: &Server, outcome: &str) -> f64 {
    let outcome = [("outcome", outcome)];
    let metrics = server.metrics().await;
    metrics.sum("http_server_tls_reloads_total", &outcome)
}

async fn ended(server: &Server, reason: &str) -> f64 {
    let labels = [("listener", "api"), ("reason", reason)];
    let metrics = server.metrics().await;
    metrics.sum("http_server_connections_closed_total", &labels)
}

#[tokio::test]
#[ignore = "needs curl and openssl: scripts/test"]
async fn api_speaks_tls_with_http1_and_http2() {
    let files = Files::new();
    let server = files.server().start().await;
    let trusted = files.certificate("first");
    assert!(
        server.greeting.contains("https://127.0.0.1:"),
        "{}",
        server.greeting
    );
    for (option, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let said = ["--write-out", " %{http_version} %{http_code}"];
        let (_, answer) = curl(
            &server,
            &trusted,
            "/health",
            &[&[option][..], &said].concat(),
        );
        assert!(answer.ends_with(&format!(" {version} 200")), "{answer}");
        let form = format!("username=admin&password={ADMIN_PASSWORD}");
        let options = [option, "--include", "--data", &form];
        let (_, answer) = curl(&server, &trusted, "/login", &options);
        assert!(answer.contains("access_token"), "{answer}");
        assert!(answer.contains("strict-transport-security: "), "{answer}");
    }
    let (_, large) = curl(&server, &trusted, "/openapi.json", &["--http2"]);
    assert!(
        serde_json::from_str::<serde_json::Value>(&large).is_ok(),
        "{} bytes",
        large.len()
    );
    let (trusts, _) = curl(&server, &files.certificate("second"), "/health", &[]);
    assert!(!trusts, "another certificate is not this one");

    let (well, said) = s_client(&server, &trusted, &["-tls1_3", "-alpn", "h2,http/1.1"]);
    assert!(well && said.contains("ALPN protocol: h2"), "{said}");
    let (well, said) = s_client(&server, &trusted, &["-tls1_2", "-alpn", "http/1.1"]);
    assert!(well && said.contains("ALPN protocol: http/1.1"), "{said}");
    let (well, said) = s_client(&server, &trusted, &["-tls1_1"]);
    assert!(!well, "{said}");
}

/// An openssl that keeps its connection. Its answers are in a file.
struct Kept {
    client: Child,
    answers: PathBuf,
}

impl Kept {
    fn open(server: &Server, files: &Files) -> Self {
        let answers = files.path("answers");
        let client = Command::new("openssl")
            .args(["s_client", "-quiet", "-verify_return_error", "-CAfile"])
            .arg(files.certificate("first"))
            .args(["-connect", &format!("localhost:{}", port(server))])
            .stdin(Stdio::piped())
            .stdout(File::create(&answers).expect("made"))
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl runs");
        Self { client, answers }
    }

    /// Asks once more, and waits for so many answers in all.
    async fn ask(&mut self, answers: usize) {
        let request = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let stdin = self.client.stdin.as_mut().expect("piped");
        stdin.write_all(request).expect("sent");
        until("answered", || async {
            let text = fs::read_to_string(&self.answers).unwrap_or_default();
            text.matches("HTTP/1.1 200").count() == answers
        })
        .await;
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = self.client.kill();
        let _ = self.client.wait();
    }
}

#[tokio::test]
#[ignore = "needs curl and openssl: scripts/test"]
async fn changed_certificate_is_used_and_a_bad_one_is_not() {
    let files = Files::new();
    let server = files.server().env("CANARY", "on").start().await;
    let works = |name: &str| curl(&server, &files.certificate(name), "/health", &[]).0;
    let mut kept = Kept::open(&server, &files);
    kept.ask(1).await;
    assert!(works("first") && !works("second"));
    assert_eq!(exported_expiry(&server).await, files.expiry("first"));

    files.install("second", "second");
    until("read again", || async {
        reloads(&server, "success").await == 1.0
    })
    .await;
    assert!(works("second") && !works("first"));
    assert_eq!(exported_expiry(&server).await, files.expiry("second"));
    kept.ask(2).await;

    // No certificate, no key, the key of another, and no file at all.
    let key = fs::read_to_string(files.key("first")).expect("a key");
    let secret = key.lines().nth(1).expect("a line of it").to_owned();
    let mut failed = 0.0;
    for (file, text) in [
        ("tls.crt", Some("hunter2")),
        ("tls.key", Some("hunter2")),
        ("tls.key", None),
    ] {
        match text {
            Some(text) => fs::write(files.path(file), text).expect("written"),
            None => fs::remove_file(files.path(file)).expect("removed"),
        }
        failed += 1.0;
        until("refused", || async {
            reloads(&server, "failure").await == failed
        })
        .await;
        assert!(works("second"), "{file}");
    }
    files.install("second", "first");
    until("refused", || async {
        reloads(&server, "failure").await == 4.0
    })
    .await;
    assert!(works("second"));
    assert_eq!(exported_expiry(&server).await, files.expiry("second"));
    kept.ask(3).await;
    let log = server.log();
    assert!(
        log.contains("TLS_CERT and TLS_KEY cannot be used together"),
        "{log}"
    );
    assert!(!log.contains("hunter2") && !log.contains(&secret), "{log}");

    files.install("first", "first");
    until("read again", || async {
        reloads(&server, "success").await == 2.0
    })
    .await;
    assert!(works("first") && !works("second"));
    kept.ask(4).await;

    // The synthetic login goes through TLS, too.
    let step = [("step", "logout"), ("outcome", "success")];
    until("a journey", || async {
        server.metrics().await.sum("auth_canary_runs_total", &step) >= 1.0
    })
    .await;
    server.stop().await;
}

/// Reads until the server closes.
async fn closed(mut stream: TcpStream) {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    assert!(read.is_ok(), "the server does not close");
}

async fn connect(server: &Server, said: &[u8]) -> TcpStream {
    let address = server.api.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).await.expect("connects");
    stream.write_all(said).await.expect("sent");
    stream
}

/// The beginning of a handshake.
const HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00";

#[tokio::test]
#[ignore = "needs curl and openssl: scripts/test"]
async fn handshake_that_does_not_end_is_cut_off_and_counts_as_a_connection() {
    let files = Files::new();
    let server = files
        .server()
        .env("CLIENT_TIMEOUT", "2s")
        .env("MAX_CONNECTIONS_PER_SOURCE", "2")
        .start()
        .await;
    let slow = [connect(&server, HELLO).await, connect(&server, HELLO).await];
    until("both are open", || async {
        let api = [("listener", "api")];
        server
            .metrics()
            .await
            .sum("http_server_open_connections", &api)
            == 2.0
            || ended(&server, "tls").await > 0.0
    })
    .await;
    let refused = connect(&server, HELLO).await;
    closed(refused).await;
    assert_eq!(ended(&server, "source").await, 1.0);
    for stream in slow {
        closed(stream).await;
    }
    until("counted", || async { ended(&server, "tls").await == 2.0 }).await;

    // Plain HTTP is not a handshake; a client that sends nothing and disconnects is not counted as an
    // attack.
    closed(connect(&server, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await).await;
    until("counted", || async { ended(&server, "tls").await == 3.0 }).await;
    drop(connect(&server, b"").await);
    until("counted", || async {
        ended(&server, "closed").await >= 1.0
    })
    .await;
    let (well, _) = curl(&server, &files.certificate("first"), "/health", &[]);
    assert!(well);
}

#[tokio::test]
#[ignore = "needs curl and openssl: scripts/test"]
async fn public_url_without_tls_is_warned_about() {
    let files = Files::new();
    for (url, warned) in [
        ("http://auth.example.com", true),
        ("https://auth.example.com", false),
    ] {
        let server = files.server().env("PUBLIC_URL", url).start().await;
        let log = server.log();
        assert_eq!(
            log.contains("PUBLIC_URL begins with http://"),
            warned,
            "{log}"
        );
        server.signal(Signal::TERM);
    }
}

#[tokio::test]
#[ignore = "needs curl and openssl: scripts/test"]
async fn key_that_others_may_read_is_refused_and_one_of_a_group_warned_about() {
    let files = Files::new();
    let allow = |mode| {
        let permissions = fs::Permissions::from_mode(mode);
        fs::set_permissions(files.path("tls.key"), permissions).expect("set");
    };
    allow(0o640);
    let server = files.server().start().await;
    let log = server.log();
    assert!(log.contains("TLS_KEY is readable by its group"), "{log}");
    // The same key again, which everybody may read now.
    fs::copy(files.key("first"), files.path("tls.key")).expect("copied");
    allow(0o644);
    until("refused", || async {
        reloads(&server, "failure").await == 1.0
    })
    .await;
    assert!(server.log().contains("can be read by others"));
    server.stop().await;
    let mut start = program(&files.path("."));
    start
        .env("TLS_CERT", files.path("tls.crt"))
        .env("TLS_KEY", files.path("tls.key"))
        .env("DATA_DIR", files.path("data"))
        .env("API_ADDR", "127.0.0.1:0")
        .env("OPS_ADDR", "127.0.0.1:0");
    let output = run(&mut start);
    assert_eq!(output.status.code(), Some(1));
    let complaint = text(&output.stderr);
    assert!(
        complaint.contains("tls.key: can be read by others"),
        "{complaint}"
    );
    allow(0o600);
    let server = files.server().start().await;
    assert!(!server.log().contains("readable by"), "{}", server.log());
}
