//! One of two replicas behind a proxy stops while requests come in.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::harness::{Builder, PASSWORD, PATIENCE, Server, Signal, http, postgres, until};
use testkit::ports::free_port;
use testkit::process::Process;

/// A real HAProxy in front of replicas, which checks `/readyz` of each. Killed when dropped.
struct Proxy {
    _process: Process,
    base: String,
    statistics: String,
}

impl Proxy {
    async fn start(folder: &Path, replicas: &[&Server]) -> Self {
        let (port, statistics) = (free_port(), free_port());
        let host = |url: &str| url.trim_start_matches("http://").to_owned();
        let servers: String = replicas
            .iter()
            .enumerate()
            .map(|(number, replica)| {
                let (api, ops) = (host(&replica.api), host(&replica.ops));
                let probe = ops.rsplit(':').next().expect("a port").to_owned();
                format!(
                    "  server replica{number} {api} check port {probe} inter 100ms fall 1 rise 1\n"
                )
            })
            .collect();
        let configuration = format!(
            "defaults\n  mode http\n  timeout connect 60s\n  timeout check 60s\n  timeout client 60s\n  timeout server 60s\n\
             frontend public\n  bind 127.0.0.1:{port}\n  default_backend replicas\n\
             frontend statistics\n  bind 127.0.0.1:{statistics}\n  stats enable\n  stats uri /\n\
             backend replicas\n  balance roundrobin\n  option httpchk GET /readyz\n{servers}"
        );
        let file = folder.join("haproxy.cfg");
        std::fs::write(&file, configuration).expect("written");
        let program = std::env::var("HAPROXY")
            .expect("HAPROXY must name the proxy's program: run scripts/test, which sees to it");
        let mut command = Command::new(program);
        command.arg("-db").arg("-f").arg(&file);
        let process = Process::start("haproxy", &mut command, folder).expect("the proxy starts");
        let proxy = Self {
            _process: process,
            base: format!("http://127.0.0.1:{port}"),
            statistics: format!("http://127.0.0.1:{statistics}/;csv"),
        };
        until("both are up", async || proxy.up().await == replicas.len()).await;
        proxy
    }

    /// How many replicas it sends requests to.
    async fn up(&self) -> usize {
        match http().get(&self.statistics).send().await {
            Ok(answer) => {
                let text = answer.text().await.unwrap_or_default();
                let is_up =
                    |line: &&str| line.starts_with("replicas,replica") && line.contains(",UP,");
                text.lines().filter(is_up).count()
            }
            Err(_) => 0,
        }
    }
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
    let proxy = Proxy::start(folder.path(), &[&leaving, &staying]).await;

    let (stop, answered) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let mut clients = Vec::new();
    for number in 0..8 {
        let name = format!("client{number}");
        let user = staying.user(&name).await;
        let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
        let base = proxy.base.clone();
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
    until("the proxy has noticed", async || proxy.up().await == 1).await;
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
    assert_eq!(proxy.up().await, 1);
    noticed
}
