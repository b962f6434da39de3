//! Many connections, and more than the limit.

use std::net::Ipv4Addr;

use futures_util::stream;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

use super::{connect, ended};
use crate::harness::{ADMIN_PASSWORD, Answer, Builder, Client, Server, http, until};
use crate::http2::Http2;

const API: [(&str, &str); 1] = [("listener", "api")];

/// A connection that got an answer and is kept alive.
async fn kept(server: &Server) -> TcpStream {
    let mut stream = connect(server).await;
    let answer = ask(&mut stream, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    stream
}

/// Sends a request on a connection that is kept alive, and reads the first bytes of the answer.
async fn ask(stream: &mut TcpStream, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut buffer = vec![0; 64 * 1024];
    let read = stream.read(&mut buffer).await.expect("answered");
    String::from_utf8_lossy(&buffer[..read]).into_owned()
}

/// A login over this connection, which is kept alive.
async fn log_in_on(stream: &mut TcpStream) -> String {
    let body = format!("username=admin&password={ADMIN_PASSWORD}");
    let head = "POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded";
    ask(
        stream,
        &format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()),
    )
    .await
}

async fn gauge(server: &Server, name: &str, labels: &[(&str, &str)]) -> f64 {
    server.metrics().await.sum(name, labels)
}

async fn ops(server: &Server, path: &str) -> u16 {
    let answer = http().get(format!("{}{path}", server.ops)).send().await;
    answer.expect("answered").status().as_u16()
}

#[tokio::test]
async fn connection_over_the_limit_answers_503_and_others_go_on() {
    const MOST: usize = 8;
    let server = Builder::default()
        .env("MAX_CONNECTIONS", &MOST.to_string())
        .env("CLIENT_TIMEOUT", "10m")
        .start()
        .await;
    assert_eq!(
        gauge(&server, "http_server_connection_max", &API).await,
        8.0
    );
    let mut streams = Vec::new();
    for _ in 0..MOST {
        streams.push(kept(&server).await);
    }
    assert_eq!(
        gauge(&server, "http_server_open_connections", &API).await,
        8.0
    );

    let answer = server.anon().get("/health").await;
    answer.problem(503, "overloaded");
    let login = server.anon().login("admin", ADMIN_PASSWORD).await;
    login.oauth(503, "temporarily_unavailable");
    for answer in [&answer, &login] {
        let wait: u32 = answer.header("retry-after").parse().expect("whole seconds");
        assert!(wait >= 1);
        assert_eq!(answer.header("connection"), "close");
    }
    until("counted", || async { ended(&server, "refused").await >= 2 }).await;
    assert_eq!(ended(&server, "refused").await, 2);
    // No login was attempted.
    assert_eq!(gauge(&server, "auth_logins_total", &[]).await, 0.0);
    let mut first = streams.remove(0);
    let answer = log_in_on(&mut first).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(ops(&server, "/readyz").await, 200);

    // In a flood, every connection still gets an answer: the service's or a refusal.
    let mut flood = Vec::new();
    for _ in 0..200 {
        flood.push(connect(&server).await);
    }
    assert_eq!(ops(&server, "/readyz").await, 200);
    let answer = server.anon().get("/health").await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    drop(flood);

    drop(first);
    until("served", || async {
        server.anon().get("/health").await.status == 200
    })
    .await;
}

#[tokio::test]
async fn descriptors_are_reserved_for_probes_and_database() {
    let server = Builder::default()
        .under(&["prlimit", "--nofile=64:256"])
        .env("CLIENT_TIMEOUT", "10m")
        .start()
        .await;
    // The service has raised its own limit; with so few descriptors clients get half of them.
    assert_eq!(gauge(&server, "process_max_fds", &[]).await, 256.0);
    assert_eq!(
        gauge(&server, "http_server_connection_max", &API).await,
        128.0
    );
    let mut streams = Vec::new();
    for _ in 0..128 {
        streams.push(kept(&server).await);
    }
    for _ in 0..272 {
        streams.push(connect(&server).await);
    }
    for path in ["/readyz", "/livez", "/metrics"] {
        assert_eq!(ops(&server, path).await, 200, "{path}");
    }
    let answer = log_in_on(&mut streams[0]).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let metrics = server.metrics().await;
    assert!(metrics.sum("process_open_fds", &[]) < 256.0);
    assert_eq!(metrics.sum("http_server_accept_errors_total", &[]), 0.0);
    assert_eq!(metrics.sum("auth_dependency_up", &[]), 1.0);
}

#[tokio::test]
async fn maximum_that_descriptors_do_not_allow_is_warned_about() {
    // Of 256 descriptors clients get 128.
    for (most, warned) in [(None, false), (Some("128"), false), (Some("129"), true)] {
        let mut builder = Builder::default().under(&["prlimit", "--nofile=64:256"]);
        if let Some(most) = most {
            builder = builder.env("MAX_CONNECTIONS", most);
        }
        let server = builder.start().await;
        let most = gauge(&server, "http_server_connection_max", &API).await;
        assert_eq!(most, 128.0);
        let log = server.log();
        let warning = "MAX_CONNECTIONS exceeds";
        assert_eq!(log.contains(warning), warned, "{log}");
    }
}

/// A connection from another address of this machine.
async fn connect_from(server: &Server, source: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    let source: Ipv4Addr = source.parse().expect("an address");
    socket.bind((source, 0).into()).expect("bound");
    let address = server.api.trim_start_matches("http://");
    let address = address.parse().expect("an address");
    socket.connect(address).await.expect("connects")
}

const HEALTH: &str = "GET /health HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn one_source_has_a_share_of_the_connections_and_trusted_proxies_have_more() {
    const SHARE: usize = 4;
    let server = Builder::default()
        .env("MAX_CONNECTIONS_PER_SOURCE", &SHARE.to_string())
        .env("TRUSTED_PROXIES", "127.0.0.3")
        .env("CLIENT_TIMEOUT", "10m")
        .start()
        .await;
    let mut streams = Vec::new();
    for _ in 0..SHARE {
        streams.push(kept(&server).await);
    }
    let answer = server.anon().get("/health").await;
    answer.problem(503, "overloaded");
    assert_eq!(
        answer.json["detail"],
        "too many connections or requests from this address"
    );
    assert_eq!(answer.header("connection"), "close");
    until("counted", || async { ended(&server, "source").await >= 1 }).await;
    assert_eq!(ended(&server, "source").await, 1);
    assert_eq!(ended(&server, "refused").await, 0);

    // Others do not notice: another client, and a proxy with many.
    let mut others = vec![connect_from(&server, "127.0.0.2").await];
    for _ in 0..2 * SHARE {
        others.push(connect_from(&server, "127.0.0.3").await);
    }
    for stream in &mut others {
        let answer = ask(stream, HEALTH).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }

    // A flood is closed without an answer, and each connection is counted.
    let before = ended(&server, "source").await;
    let mut flood = Vec::new();
    for _ in 0..200 {
        flood.push(connect(&server).await);
    }
    drop(flood);
    until("counted", || async {
        ended(&server, "source").await >= before + 200
    })
    .await;
    assert_eq!(ended(&server, "source").await, before + 200);

    streams.pop();
    until("room again", || async {
        server.anon().get("/health").await.status == 200
    })
    .await;
}

#[tokio::test]
async fn head_over_16_kib_answers_431() {
    let server = Server::start().await;
    for (length, status) in [(15 * 1024, "200 "), (17 * 1024, "431 ")] {
        let mut stream = connect(&server).await;
        let cookie = "c".repeat(length);
        let head = format!("GET /health HTTP/1.1\r\nHost: x\r\nCookie: {cookie}\r\n\r\n");
        let answer = ask(&mut stream, &head).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
    let mut connection = Http2::open(&server).await;
    for (length, expected) in [(15 * 1024, 200), (17 * 1024, 431)] {
        let head = [("cookie", "c".repeat(length))];
        let answer = connection.send_with(("GET", "/health"), &head, stream::empty());
        assert_eq!(answer.await.0, expected, "{length}");
    }
}

/// The number of connections that this machine allows one process, at most this many.
fn most_connections(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, raised).expect("a process may raise it so far");
    let allowed = limit.maximum.and_then(|limit| usize::try_from(limit).ok());
    // The server reserves some for itself, and other tests need some.
    allowed.map_or(wanted, |allowed| {
        wanted.min(allowed * 3 / 4).min(allowed.saturating_sub(600))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_idle_connections_cost_little_memory_and_block_nobody() {
    const WANTED: usize = 10_000;
    /// Of memory, in bytes: hyper keeps its buffers for as long as a connection lives.
    const EACH: f64 = 48.0 * 1024.0;
    let count = most_connections(WANTED);
    println!("{count} connections of {WANTED}");
    assert!(
        count >= 400,
        "this machine allows {count} connections: raise the limit of open files"
    );
    let server = Builder::default()
        .env("CLIENT_TIMEOUT", "10m")
        .start()
        .await;
    let alice = server.user("alice").await;
    alice.warm_up().await;
    let before = server.metrics().await;
    let memory =
        |metrics: &crate::harness::Metrics| metrics.sum("process_resident_memory_bytes", &[]);

    let mut streams = Vec::new();
    for (used, what) in [(false, "silent"), (true, "used")] {
        let memory_before = memory(&server.metrics().await);
        let opened = open(&server, count / 2, used).await;
        streams.extend(opened);
        let all = u32::try_from(streams.len()).map(f64::from).expect("few");
        until("all open", || async {
            gauge(&server, "http_server_open_connections", &API).await >= all
        })
        .await;
        let grown = memory(&server.metrics().await) - memory_before;
        let each = grown * 2.0 / f64::from(u32::try_from(count).expect("few"));
        println!("an idle connection that is {what} takes {each:.0} bytes");
        assert!(each < EACH, "{each} bytes");
    }
    served(&server, &alice).await;

    drop(streams);
    let fds = before.sum("process_open_fds", &[]);
    until("closed again", || async {
        let metrics = server.metrics().await;
        metrics.sum("http_server_open_connections", &API) == 0.0
            && metrics.sum("process_open_fds", &[]) <= fds + 10.0
    })
    .await;
    served(&server, &alice).await;
}

/// Opens this many connections, and gets an answer on each if `used`.
async fn open(server: &Server, count: usize, used: bool) -> Vec<TcpStream> {
    const BATCHES: usize = 20;
    let mut opening = JoinSet::new();
    for batch in 0..BATCHES {
        let number = count / BATCHES + usize::from(batch < count % BATCHES);
        let address = server.api.trim_start_matches("http://").to_owned();
        opening.spawn(async move {
            let mut streams = Vec::new();
            for _ in 0..number {
                let mut stream = TcpStream::connect(&address).await.expect("connects");
                if used {
                    let answer = ask(&mut stream, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await;
                    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
                }
                streams.push(stream);
            }
            streams
        });
    }
    opening.join_all().await.into_iter().flatten().collect()
}

/// Logins, reads and `/readyz` succeed.
async fn served(server: &Server, user: &Client) {
    let login: Answer = server.anon().login("admin", ADMIN_PASSWORD).await;
    assert_eq!(login.status, 200, "{}", login.text);
    assert_eq!(user.get("/users/me").await.status, 200);
    assert_eq!(ops(server, "/readyz").await, 200);
}
