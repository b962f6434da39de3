//! Notices within two seconds that the server is gone: its process has ended, or nobody listens any more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use testkit::exposition::Exposition;

use crate::spawn::Server;
use crate::stop::Stop;
use crate::target::Target;

/// Time from one look to the next.
const INTERVAL: Duration = Duration::from_millis(250);
/// Looks in a row at which nobody listens, before the server is gone: a connection may be refused once.
const IN_A_ROW: u32 = 3;
/// When the process of a server began, in seconds since 1970.
const STARTED: &str = "process_start_time_seconds";

/// The lab's own server, which is also looked at while it runs.
pub type Shared = Arc<Mutex<Server>>;

/// Looks at the server until it, or one of its replicas, is gone, and then stops the run.
pub async fn watch(server: Option<Shared>, target: Target, stop: Stop) {
    let mut absent = vec![0; target.replicas.len()];
    let mut clock = tokio::time::interval(INTERVAL);
    loop {
        clock.tick().await;
        if let Some(server) = &server {
            let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(ended) = server.ended() {
                return stop.server_gone(format!("the server {ended}"));
            }
            continue;
        }
        for (at, replica) in target.replicas.iter().enumerate() {
            absent[at] = if replica.listens().await {
                0
            } else {
                absent[at] + 1
            };
            if absent[at] >= IN_A_ROW {
                let which = name(&target, at);
                return stop.server_gone(format!("{which} refuses connections"));
            }
        }
    }
}

/// The server, or which of its replicas.
#[must_use]
pub fn name(target: &Target, at: usize) -> String {
    match target.replicas.as_slice() {
        [_] => "the server".to_owned(),
        all => format!("the replica {}", all[at].ops()),
    }
}

/// Which replica of the second scrapes is another process than in the first.
#[must_use]
pub fn restarted(before: &[Exposition], after: &[Exposition]) -> Option<usize> {
    let mut pairs = before.iter().zip(after);
    pairs.position(|(before, after)| {
        // Half a second is more than the clock is read anew.
        (after.sum(STARTED, &[]) - before.sum(STARTED, &[])).abs() > 0.5
    })
}

#[cfg(test)]
mod tests {
    use testkit::ports::free_port;
    use tokio::net::TcpListener;

    use super::*;
    use crate::connection::Connection;
    use crate::stop::Reason;

    fn nobody() -> String {
        format!("http://127.0.0.1:{}", free_port())
    }

    async fn reason(ops: &[String]) -> Reason {
        let connection = Connection::new(None, false, INTERVAL).expect("a connection");
        let target = Target::new(&ops[0], ops, &connection).expect("URLs");
        let stop = Stop::new();
        watch(None, target, stop.clone()).await;
        stop.reason().expect("stopped").0
    }

    #[tokio::test]
    async fn server_that_nobody_listens_for_is_gone() {
        let words = "the server refuses connections".to_owned();
        assert_eq!(reason(&[nobody()]).await, Reason::Server(words));
    }

    #[tokio::test]
    async fn replica_that_is_gone_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bound");
        let address = listener.local_addr().expect("an address");
        let (here, gone) = (format!("http://{address}"), nobody());
        let words = format!("the replica {gone}/ refuses connections");
        assert_eq!(reason(&[here, gone]).await, Reason::Server(words));
    }

    #[test]
    fn other_process_is_a_restart() {
        let at =
            |seconds: &str| Exposition::parse(&format!("{STARTED} {seconds}\n")).expect("a series");
        let before = ["1764374400.25", "1764374401.5"].map(at);
        assert_eq!(restarted(&before, &before), None);
        let after = ["1764374400.25", "1764374409.5"].map(at);
        assert_eq!(restarted(&before, &after), Some(1));
    }
}
