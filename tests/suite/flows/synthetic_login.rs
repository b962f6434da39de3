//! The synthetic probe: its journeys are counted, users' metrics do not include them, and others cannot
//! use its account.

use clap::Parser as _;
use rbac_sentinel::testing::app::Services;
use rbac_sentinel::testing::auth::{Attempt, RefreshingClient};
use rbac_sentinel::testing::clock::Clock;
use rbac_sentinel::testing::config::Config;
use rbac_sentinel::testing::hashing::Password;
use rbac_sentinel::testing::limits::Source;
use rbac_sentinel::testing::metrics::VerificationResult;
use rbac_sentinel::testing::probe::{USERNAME, password};
use rbac_sentinel::testing::rbac::{Permission, Scope};
use rbac_sentinel::testing::request_context::{RequestContext, RequestId, in_request};
use rbac_sentinel::testing::secrets::{Purpose, derive};
use rbac_sentinel::testing::sessions::{PROBE_ACCOUNT, Refusal, TokenPair};
use serde_json::json;

use crate::harness::{Answer, SECRET_KEY, Server, Signal, until};

const RUNS: &str = "auth_canary_runs_total";
const REQUESTS: &str = "http_server_request_duration_seconds_count";

/// A server with a synthetic login every second.
async fn server() -> Server {
    let server = Server::builder()
        .env("SECRET_KEY", SECRET_KEY)
        .env("CANARY", "on")
        .env("CANARY_INTERVAL", "1s")
        // A probe that counted against these limits would fail soon.
        .env("RATE_LIMITS", "on")
        .env("RATE_LIMIT_GENERAL", "30/1h")
        .env("RATE_LIMIT_LOGIN_SOURCE", "10/1h")
        .env("RATE_LIMIT_LOGIN_ACCOUNT", "1/1h")
        .env("RATE_LIMIT_REFRESH_SOURCE", "1/1h");
    server.start().await
}

async fn runs(server: &Server, step: &str, outcome: &str) -> f64 {
    let labels = [("step", step), ("outcome", outcome)];
    server.metrics().await.sum(RUNS, &labels)
}

/// Waits for this many more.
async fn more(server: &Server, step: &str, outcome: &str, count: f64) {
    let before = runs(server, step, outcome).await;
    let what = format!("{count} more of {step} {outcome}");
    until(&what, async || {
        runs(server, step, outcome).await >= before + count
    })
    .await;
}

#[tokio::test]
async fn synthetic_logins_are_counted_apart_from_users() {
    let mut server = server().await;
    more(&server, "logout", "success", 3.0).await;
    let metrics = server.metrics().await;
    for step in ["login", "me", "refresh", "logout"] {
        assert_eq!(
            runs(&server, step, "failure").await,
            0.0,
            "{}",
            server.log()
        );
        let route = if step == "me" {
            "/users/me"
        } else {
            &format!("/{step}")
        };
        let labels = [("http_route", route), ("user_agent_synthetic_type", "test")];
        assert!(metrics.sum(REQUESTS, &labels) >= 3.0, "{step}");
    }
    let synthetic = [("user_agent_synthetic_type", "test")];
    let synthetic = metrics.sum(REQUESTS, &synthetic);
    assert_eq!(metrics.sum(REQUESTS, &[]), synthetic);
    for of_users in [
        "auth_logins_total",
        "auth_token_refreshes_total",
        "auth_tokens_issued_total",
        "auth_tokens_revoked_total",
        "auth_token_verifications_total",
        "auth_token_verification_duration_seconds_count",
        "auth_rbac_decisions_total",
        "auth_rbac_decision_duration_seconds_count",
        "auth_rate_limit_decisions_total",
        "auth_registrations_total",
        "auth_user_changes_total",
        "http_server_response_body_size_bytes_count",
        "http_server_requests_aborted_total",
        "auth_log_events_total",
    ] {
        let labels: &[_] = match of_users {
            // The first administrator was created before the first request.
            "auth_user_changes_total" => &[("actor", "owner")],
            // A busy machine is warned about: its Redis or database is slow.
            "auth_log_events_total" => &[("level", "error")],
            _ => &[],
        };
        assert_eq!(metrics.sum(of_users, labels), 0.0, "{of_users}");
    }
    let hashes = |operation| {
        let labels = [("operation", operation)];
        metrics.sum("auth_password_hash_duration_seconds_count", &labels)
    };
    assert_eq!(hashes("verify") + hashes("dummy_verify"), 0.0);
    assert!(hashes("canary_verify") >= 3.0);
    // The probe leaves no session behind.
    let removed = [("db_query_summary", "remove_session")];
    let removed = metrics.sum("db_client_operation_duration_seconds_count", &removed);
    assert!(removed >= 3.0, "{removed}");

    server.signal(Signal::TERM);
    assert_eq!(server.wait_exit().await, Some(0));
    let log = server.log();
    for word in ["authn_login", "canary_failed", USERNAME] {
        assert!(!log.contains(word), "{word}: {log}");
    }
}

#[tokio::test]
async fn synthetic_login_is_off_by_default() {
    let server = Server::start().await;
    assert!(!server.metrics().await.0.contains("auth_canary_runs_total{"));
    let accounts = server.admin().await.get("/admin/users").await;
    assert_eq!(accounts.status, 200);
    assert!(!accounts.text.contains(USERNAME), "{}", accounts.text);
}

#[tokio::test]
async fn synthetic_login_failure_is_counted_and_logged_by_step() {
    let server = server().await;
    more(&server, "logout", "success", 1.0).await;
    let admin = server.admin().await;
    let path = format!("/admin/users/{PROBE_ACCOUNT}");
    let set = async |disabled: bool| {
        let answer = admin.patch(&path, &json!({ "disabled": disabled })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    set(true).await;
    more(&server, "login", "failure", 2.0).await;
    let line = server.log();
    let line = line.lines().find(|line| line.contains("canary_failed"));
    let line = line.expect("a line");
    assert!(
        line.contains("\"step\":\"login\"") && line.contains("the response had status 400"),
        "{line}"
    );
    set(false).await;
    more(&server, "logout", "success", 2.0).await;
    // Also after the account was deleted.
    assert_eq!(admin.delete(&path).await.status, 204);
    more(&server, "login", "failure", 1.0).await;
    more(&server, "logout", "success", 2.0).await;
}

#[tokio::test]
async fn synthetic_account_holds_no_role_and_keeps_its_name() {
    let server = server().await;
    more(&server, "logout", "success", 1.0).await;
    let admin = server.admin().await;
    let path = format!("/admin/users/{PROBE_ACCOUNT}");
    for role in ["admin", "user"] {
        let answer = admin.put(&format!("{path}/roles/{role}")).await;
        answer.problem(409, "conflict");
    }
    for change in [
        json!({ "username": "renamed" }),
        json!({ "email": "renamed@example.com" }),
    ] {
        admin.patch(&path, &change).await.problem(409, "conflict");
    }
    more(&server, "logout", "success", 2.0).await;
}

#[tokio::test]
async fn synthetic_account_is_unusable_outside_the_probe() {
    let server = server().await;
    more(&server, "logout", "success", 1.0).await;
    let anon = server.anon();
    let key = derive(SECRET_KEY.as_bytes(), Purpose::ProbePassword).expect("derives");
    let password = password(&key);
    anon.login(USERNAME, &password)
        .await
        .oauth(400, "invalid_grant");
    for guess in ["", "test", &"A".repeat(43)] {
        let form = [
            ("username", "\"canary\"@rbac-sentinel.invalid"),
            ("password", &password),
        ];
        let request = anon.request(reqwest::Method::POST, "/login");
        let request = request.header("x-canary", guess).form(&form);
        let answer = Answer::of(request).await;
        // The rate limit of the account may apply by now, as to every account.
        assert!([400, 429].contains(&answer.status), "{}", answer.text);
    }
    let metrics = server.metrics().await;
    let unknown = [("reason", "unknown_user")];
    assert_eq!(metrics.sum("auth_logins_total", &unknown), 2.0);
    let limited = [("reason", "rate_limited")];
    assert_eq!(metrics.sum("auth_logins_total", &limited), 2.0);
    assert_eq!(metrics.sum("auth_logins_total", &[]), 4.0);
    let dummies = [("operation", "dummy_verify")];
    let dummies = metrics.sum("auth_password_hash_duration_seconds_count", &dummies);
    assert_eq!(dummies, 2.0);
}

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    config: Config,
}

/// Runs a flow as the answer to a request.
async fn request<T>(synthetic: bool, flow: impl Future<Output = T>) -> T {
    let context = RequestContext {
        id: RequestId::new(0, 0),
        client_id: None,
        address: None,
        route: "/",
        synthetic,
    };
    in_request(context, flow).await
}

#[tokio::test]
async fn synthetic_tokens_are_accepted_in_the_probes_requests_only() {
    crate::store::recorder();
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("data").display().to_string();
    let config = Cli::parse_from([
        "serve",
        "--data-dir",
        &folder,
        "--secret-key",
        SECRET_KEY,
        "--hash-memory-kib",
        "64",
        "--hash-iterations",
        "1",
        "--allow-insecure",
    ]);
    let services = Services::open(&config.config, Clock::system()).await;
    let services = services.expect("opens");
    let account = services.probe_account().expect("derives");
    let login_flow = services.login();
    let refresh_flow = services.refresh().expect("derives");
    let sessions = &services.sessions;
    account.ensure().await.expect("made");
    account.ensure().await.expect("there");
    let source = Source::from(std::net::IpAddr::from([127, 0, 0, 1]));
    let client = RefreshingClient {
        source: &source,
        user_agent: "a test",
    };
    let login = async |synthetic| -> Option<TokenPair> {
        let secret = Password::new(account.password());
        let login = login_flow.login(Attempt {
            source: &source,
            name: USERNAME,
            password: secret,
            user_agent: "a test",
            device: None,
            scope: Scope::EVERYTHING,
        });
        let login = request(synthetic, login).await.expect("asked");
        login.map(|login| login.pair)
    };
    assert!(login(false).await.is_none());
    let pair = login(true).await.expect("tokens");

    let asks = async |synthetic, permission| {
        request(
            synthetic,
            sessions.authorize(&pair.access_token, permission),
        )
        .await
    };
    let own = asks(true, Permission::Authenticated).await.expect("itself");
    assert_eq!(own.id(), PROBE_ACCOUNT);
    for permission in Permission::ALL {
        let refusal = asks(false, *permission).await.expect_err("nobody");
        let revoked = matches!(refusal, Refusal::Token(VerificationResult::Revoked));
        assert!(revoked, "{permission:?}: {refusal:?}");
        if *permission != Permission::Authenticated {
            let refusal = asks(true, *permission).await.expect_err("it has no role");
            assert!(matches!(refusal, Refusal::Permission(_)), "{refusal:?}");
        }
    }
    let refresh = refresh_flow.refresh(client, &pair.refresh_token, Scope::EVERYTHING);
    assert!(request(false, refresh).await.expect("asked").is_none());
    // Refused before anything was stored: the token is still valid.
    let refresh = refresh_flow.refresh(client, &pair.refresh_token, Scope::EVERYTHING);
    assert!(request(true, refresh).await.expect("asked").is_some());

    // Another secret, another password: the account gets it.
    let pair = login(true).await.expect("tokens");
    account.renew().await.expect("renewed");
    assert!(login(true).await.is_some());
    // Its sessions ended with the old password.
    let me = sessions.authorize(&pair.access_token, Permission::Authenticated);
    let refusal = request(true, me).await.expect_err("ended");
    assert!(
        matches!(refusal, Refusal::Token(VerificationResult::Revoked)),
        "{refusal:?}"
    );
}
