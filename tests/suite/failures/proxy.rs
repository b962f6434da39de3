//! One of two replicas behind a proxy stops while requests come in.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Builder, PASSWORD, PATIENCE, Server, Signal, postgres, until};
use testkit::haproxy::HaProxy;

/// A real HAProxy in front of replicas.
fn proxy(folder: &Path, replicas: &[&Server]) -> HaProxy {
    let host = |url: &str| url.trim_start_matches("http://").to_owned();
    let addresses = replicas.iter();
    let addresses: Vec<_> = addresses
        .map(|replica| (host(&replica.api), host(&replica.ops)))
        .collect();
    let program = std::env::var("HAPROXY")
        .expect("HAPROXY must name the proxy's program: run scripts/test, which sees to it");
    HaProxy::start(Path::new(&program), folder, &addresses, |_| {}).expect("the proxy starts")
}

fn replica(url: &str, delay: Duration) -> Builder {
    Server::builder()
        .on_postgres(url)
        .env("PUBLIC_URL", "https://auth.example.com")
        .env("SHUTDOWN_DELAY", &format!("{}s", delay.as_secs()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and HAProxy: scripts/test"]
async fn stopping_one_of_two_replicas_behind_a_proxy_fails_no_request() {
    let start = Instant::now();
    let mut delay = Duration::from_secs(2);
    // Once is enough, unless the machine is so slow that the proxy does not notice in time.
    while !no_request_fails(delay).await {
        assert!(start.elapsed() < PATIENCE, "the proxy never notices");
        delay *= 2;
    }
}

/// Stops one replica, which keeps answering for this time. Returns whether the proxy noticed in time; if it
/// did, no request failed.
async fn no_request_fails(delay: Duration) -> bool {
    let folder = tempfile::tempdir().expect("a folder");
    let url = postgres::schema_of(folder.path()).await;
    let mut leaving = replica(&url, delay).start().await;
    let staying = replica(&url, delay).start().await;
    let proxy = proxy(folder.path(), &[&leaving, &staying]);

    let (stop, answered) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let mut clients = Vec::new();
    for number in 0..8 {
        let name = format!("client{number}");
        let user = staying.user(&name).await;
        let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
        let base = proxy.url();
        clients.push(tokio::spawn(async move {
            // One connection to the proxy, kept alive, as browsers and gateways do.
            let http = reqwest::Client::new();
            let mut tokens = json!({ "access_token": user.access, "refresh_token": user.refresh });
            let mut failed = Vec::new();
            while !stop.load(Ordering::SeqCst) {
                let me = http
                    .get(format!("{base}/users/me"))
                    .bearer_auth(tokens["access_token"].as_str().expect("a token"));
                let refresh = http
                    .post(format!("{base}/refresh"))
                    .json(&json!({ "refresh_token": tokens["refresh_token"] }));
                let login = http
                    .post(format!("{base}/login"))
                    .form(&[("username", name.as_str()), ("password", PASSWORD)]);
                for (what, request) in [("me", me), ("refresh", refresh), ("login", login)] {
                    match request.send().await {
                        Ok(answer) if answer.status() == 200 => {
                            answered.fetch_add(1, Ordering::SeqCst);
                            if what == "refresh" {
                                tokens = answer.json().await.expect("tokens");
                            }
                        }
                        Ok(answer) => failed.push(format!("{what}: {}", answer.status())),
                        Err(error) => failed.push(format!("{what}: {error}")),
                    }
                }
            }
            failed
        }));
    }
    let more = async |count: u64| {
        let target = answered.load(Ordering::SeqCst) + count;
        until("answered", async || {
            answered.load(Ordering::SeqCst) >= target
        })
        .await;
    };
    more(200).await;
    leaving.signal(Signal::TERM);
    let signalled = Instant::now();
    until("the proxy has noticed", async || proxy.up() == 1).await;
    // The other half is for requests that the proxy sent before.
    let noticed = signalled.elapsed() < delay / 2;
    assert_eq!(leaving.wait_exit().await, Some(0));
    let at_exit = answered.load(Ordering::SeqCst);
    more(200).await;
    stop.store(true, Ordering::SeqCst);
    let mut failed = Vec::new();
    for client in clients {
        failed.extend(client.await.expect("no panic"));
    }
    println!(
        "{} answered, {at_exit} until the exit",
        answered.load(Ordering::SeqCst)
    );
    assert!(failed.is_empty() || !noticed, "{failed:?}");
    assert_eq!(proxy.up(), 1);
    noticed
}
