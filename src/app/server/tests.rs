use poem::Request;
use poem::endpoint::make;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;

use super::*;
use crate::config::Networks;

/// How many clients wait when the service is told to stop. Clients accepted earlier are not lost; that
/// all are accepted earlier has a chance of 1 in 2^32.
const CLIENTS: usize = 32;

fn limits(connections: usize, refusals: usize, per_source: usize) -> ConnectionLimits {
    ConnectionLimits {
        client_timeout: Duration::from_mins(1),
        idle_timeout: Duration::from_mins(1),
        connections,
        refusals,
        per_source,
        proxies: Networks::default(),
    }
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

/// A client that has sent its request.
async fn asking(address: std::net::SocketAddr) -> TcpStream {
    let mut client = TcpStream::connect(address).await.expect("connected");
    client.write_all(REQUEST).await.expect("sent");
    client
}

/// What the client is answered; nothing if it is disconnected.
async fn answer(client: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    // A reset is no answer.
    let _ = client.read_to_end(&mut answer).await;
    String::from_utf8(answer).expect("UTF-8")
}

/// A server whose handler waits for a permit, and where it listens.
async fn gated(limits: ConnectionLimits) -> (std::net::SocketAddr, Arc<Semaphore>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let endpoint = make(move |request: Request| {
        let gate = Arc::clone(&closed);
        async move {
            if request.data::<Refused>().is_some() {
                return Response::builder().body("refused");
            }
            let _permit = gate.acquire().await.expect("open");
            Response::builder().body("served")
        }
    });
    let stop = std::future::pending::<()>();
    let listener = (listener, Listener::Api);
    tokio::spawn(serve(
        listener,
        None,
        endpoint,
        limits,
        stop,
        Duration::ZERO,
    ));
    (address, gate)
}

#[tokio::test]
async fn one_source_takes_half_of_the_refusals() {
    let (address, gate) = gated(limits(8, 4, 1)).await;
    let mut served = asking(address).await;
    // Two are kept until they send a request.
    let mut silent = Vec::new();
    for _ in 0..2 {
        silent.push(TcpStream::connect(address).await.expect("connected"));
    }
    assert_eq!(answer(&mut asking(address).await).await, "");
    for mut client in silent {
        client.write_all(REQUEST).await.expect("sent");
        let answer = answer(&mut client).await;
        assert!(answer.ends_with("refused"), "{answer}");
    }
    gate.add_permits(1);
    assert!(answer(&mut served).await.ends_with("served"));
}

#[tokio::test]
async fn client_waits_where_nobody_is_refused() {
    let (address, gate) = gated(limits(1, 0, 8)).await;
    let mut clients = [asking(address).await, asking(address).await];
    // The server gets many turns in which it could refuse the second.
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    gate.add_permits(1);
    for client in &mut clients {
        let answer = answer(client).await;
        assert!(answer.ends_with("served"), "{answer}");
    }
}

#[tokio::test]
async fn clients_in_the_backlog_are_served_at_shutdown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(asking(address).await);
    }
    let limits = limits(CLIENTS, 1, CLIENTS);
    let endpoint = make(|_| async { Response::builder().body("served") });
    let stopped = std::future::ready(());
    let grace = Duration::from_mins(1);
    serve(
        (listener, Listener::Api),
        None,
        endpoint,
        limits,
        stopped,
        grace,
    )
    .await
    .expect("served");
    for mut client in clients {
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.expect("no reset");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.ends_with("served"), "{answer}");
    }
}
