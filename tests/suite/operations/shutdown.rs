//! Shutdown: no accepted request is lost, and no client can delay the end for ever.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use reqwest::{Method, RequestBuilder};

use crate::harness::{
    ADMIN_PASSWORD, Answer, Client, PASSWORD, Server, Signal, http, program, until,
};

async fn status(url: String) -> u16 {
    http()
        .get(url)
        .send()
        .await
        .map_or(0, |answer| answer.status().as_u16())
}

/// Waits until `/readyz` tells load balancers to send no more requests.
async fn until_not_ready(server: &Server) {
    until("not ready", || async {
        status(format!("{}/readyz", server.ops)).await == 503
    })
    .await;
}

/// A client that keeps its connection alive.
fn keeping() -> reqwest::Client {
    let builder = reqwest::Client::builder().pool_max_idle_per_host(1);
    builder.build().expect("a client")
}

fn me(http: &reqwest::Client, user: &Client) -> RequestBuilder {
    let token = user.access.as_deref().expect("logged in");
    let url = format!("{}/users/me", user.base);
    http.get(url).bearer_auth(token)
}

#[tokio::test]
async fn drain_answers_with_connection_close_until_a_second_signal() {
    let mut server = Server::builder().env("SHUTDOWN_DELAY", "10m").start().await;
    let alice = server.user("alice").await;
    let http = keeping();
    let answer = Answer::of(me(&http, &alice)).await;
    assert_eq!((answer.status, answer.header("connection")), (200, ""));

    server.signal(Signal::TERM);
    until_not_ready(&server).await;
    assert_eq!(status(format!("{}/livez", server.ops)).await, 200);
    until("told to reconnect elsewhere", || async {
        let answer = Answer::of(me(&http, &alice)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.header("connection") == "close"
    })
    .await;
    let answer = server.register("bob").await;
    assert_eq!((answer.status, answer.header("connection")), (201, "close"));
    let ops = server.ops.trim_start_matches("http://").to_owned();
    let mut health = program(&server.path());
    let health = super::run(health.args(["healthcheck", "--ops-addr", &ops]));
    assert_eq!(health.status.code(), Some(1));

    server.signal(Signal::TERM);
    assert_eq!(server.wait_exit().await, Some(130));
}

/// Logins that wait for the one slow thread of the hash gate when the signal comes.
async fn queued_logins_are_answered_after(signal: Signal) {
    let mut server = Server::builder()
        .env("HASH_MEMORY_KIB", "65536")
        .env("HASH_ITERATIONS", "3")
        .env("HASH_THREADS", "1")
        .env("HASH_DEADLINE", "10m")
        .env("SHUTDOWN_TIMEOUT", "10m")
        .start()
        .await;
    let logins: Vec<_> = (0..12)
        .map(|_| {
            let anon = server.anon();
            tokio::spawn(async move {
                let answer = anon.login("admin", ADMIN_PASSWORD).await;
                (Instant::now(), answer)
            })
        })
        .collect();
    until("all accepted", || async {
        let metrics = server.metrics().await;
        let done = metrics.sum("auth_logins_total", &[]);
        let active = metrics.sum("http_server_active_requests", &[]);
        active + done >= 12.0
    })
    .await;
    let signalled = Instant::now();
    server.signal(signal);
    let mut late = 0;
    for login in logins {
        let (answered, answer) = login.await.expect("joins");
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(answer.json["access_token"].is_string(), "{}", answer.text);
        late += usize::from(answered > signalled);
    }
    assert_ne!(late, 0, "none was in flight");
    assert_eq!(server.wait_exit().await, Some(0));
}

#[tokio::test]
async fn shutdown_answers_queued_logins_after_sigterm() {
    queued_logins_are_answered_after(Signal::TERM).await;
}

#[tokio::test]
async fn shutdown_answers_queued_logins_after_ctrl_c() {
    queued_logins_are_answered_after(Signal::INT).await;
}

/// Requests, until a load balancer would have stopped sending any.
#[derive(Default)]
struct Load {
    signalled: AtomicBool,
    stopped: AtomicBool,
    answers: AtomicUsize,
}

impl Load {
    /// The next answer; none after the shutdown.
    async fn next(&self, request: RequestBuilder) -> Option<Answer> {
        self.answers.fetch_add(1, Ordering::SeqCst);
        if self.stopped.load(Ordering::SeqCst) {
            return None;
        }
        match request.send().await {
            Ok(answer) => Some(Answer::read(answer).await),
            // On a slow machine the delay has passed: the server accepts no more connections.
            Err(error) if error.is_connect() && self.signalled.load(Ordering::SeqCst) => None,
            Err(error) => panic!("{error:?}"),
        }
    }
}

async fn read_on(user: Client, load: Arc<Load>) {
    let http = keeping();
    while let Some(answer) = load.next(me(&http, &user)).await {
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json["username"], "alice");
    }
}

async fn log_in_on(anon: Client, load: Arc<Load>) {
    let form = [("username", "alice"), ("password", PASSWORD)];
    let login = || anon.request(Method::POST, "/login").form(&form);
    while let Some(answer) = load.next(login()).await {
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
}

async fn register_on(anon: Client, task: usize, load: Arc<Load>) -> Vec<String> {
    let mut acknowledged = Vec::new();
    loop {
        let name = format!("user-{task}-{}", acknowledged.len());
        let email = format!("{name}@example.com");
        let body = serde_json::json!({ "username": name, "email": email, "password": PASSWORD });
        let request = anon.request(Method::POST, "/register").json(&body);
        let Some(answer) = load.next(request).await else {
            return acknowledged;
        };
        assert_eq!(answer.status, 201, "{}", answer.text);
        acknowledged.push(name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_under_load_fails_no_request_and_loses_no_registration() {
    let mut server = Server::builder().env("SHUTDOWN_DELAY", "2s").start().await;
    let alice = server.user("alice").await;
    let load = Arc::new(Load::default());
    let (mut others, mut registrations) = (Vec::new(), Vec::new());
    for task in 0..3 {
        others.push(tokio::spawn(read_on(alice.clone(), Arc::clone(&load))));
        others.push(tokio::spawn(log_in_on(server.anon(), Arc::clone(&load))));
        let registration = register_on(server.anon(), task, Arc::clone(&load));
        registrations.push(tokio::spawn(registration));
    }
    until("under load", || async {
        load.answers.load(Ordering::SeqCst) > 200
    })
    .await;
    load.signalled.store(true, Ordering::SeqCst);
    server.signal(Signal::TERM);
    until_not_ready(&server).await;
    load.stopped.store(true, Ordering::SeqCst);
    for other in others {
        other.await.expect("every answer was good");
    }
    let mut acknowledged = Vec::new();
    for registration in registrations {
        acknowledged.extend(registration.await.expect("every answer was good"));
    }
    assert_eq!(server.wait_exit().await, Some(0));

    let server = Server::builder().dir(server.into_dir()).start().await;
    assert!(!acknowledged.is_empty());
    for name in acknowledged {
        server.login(&name, PASSWORD).await;
    }
}

/// A connection that sends this and then hangs.
fn hang(base: &str, sent: &str) -> TcpStream {
    let address = base.trim_start_matches("http://");
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.write_all(sent.as_bytes()).expect("sent");
    stream
}

#[tokio::test]
async fn shutdown_deadline_cuts_off_hanging_clients() {
    let mut server = Server::builder()
        .env("SHUTDOWN_TIMEOUT", "1s")
        .env("CLIENT_TIMEOUT", "10m")
        .start()
        .await;
    let half_head = "GET /livez HTTP/1.1\r\nHost: x\r\nX-Half: ";
    let half_body = "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\
                     Content-Type: application/x-www-form-urlencoded\r\n\r\nusername=";
    let mut hanging = [
        hang(&server.api, half_head),
        hang(&server.api, half_body),
        hang(&server.ops, half_head),
    ];
    // The body's request is in flight, and will never be complete.
    until("in flight", || async {
        let metrics = server.metrics().await;
        metrics.sum("http_server_active_requests", &[]) >= 1.0
    })
    .await;
    server.signal(Signal::TERM);
    // Within the timeout of the tests, which is far shorter than that of the clients.
    assert_eq!(server.wait_exit().await, Some(0));
    for stream in &mut hanging {
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(!rest.starts_with(b"HTTP/1.1 2"), "nothing was complete");
    }
}

#[tokio::test]
async fn shutdown_does_not_wait_for_idle_connections() {
    let mut server = Server::builder()
        .env("SHUTDOWN_TIMEOUT", "10m")
        .start()
        .await;
    let _silent = hang(&server.api, "");
    let http = keeping();
    let url = format!("{}/health", server.api);
    let answer = Answer::of(http.get(&url)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    server.signal(Signal::TERM);
    assert_eq!(server.wait_exit().await, Some(0));
    let gone = http.get(&url).send().await;
    assert!(gone.is_err(), "the server still answers");
}
