use poem::endpoint::make;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::config::Networks;

/// How many clients wait when the service is told to stop. Clients accepted earlier are not lost; that
/// all are accepted earlier has a chance of 1 in 2^32.
const CLIENTS: usize = 32;

#[tokio::test]
async fn clients_in_the_backlog_are_served_at_shutdown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
    let address = listener.local_addr().expect("bound");
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = TcpStream::connect(address).await.expect("connected");
        let request = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        client.write_all(request).await.expect("sent");
        clients.push(client);
    }
    let limits = ConnectionLimits {
        client_timeout: Duration::from_mins(1),
        idle_timeout: Duration::from_mins(1),
        connections: CLIENTS,
        refusals: 1,
        per_source: CLIENTS,
        proxies: Networks::default(),
    };
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
