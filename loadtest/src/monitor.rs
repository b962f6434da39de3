//! Notices within two seconds that the server is gone: its process has ended, or nobody listens any more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use testkit::exposition::Between;
use tokio::net::TcpStream;

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

/// Looks at the server until it is gone, and then stops the run.
pub async fn watch(server: Option<Shared>, target: Target, stop: Stop) {
    let mut absent = 0;
    let mut clock = tokio::time::interval(INTERVAL);
    loop {
        clock.tick().await;
        let gone = match &server {
            Some(server) => server
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .ended(),
            None if listens(&target).await => {
                absent = 0;
                None
            }
            None => {
                absent += 1;
                (absent >= IN_A_ROW).then(|| "refuses connections".to_owned())
            }
        };
        if let Some(words) = gone {
            return stop.server_gone(words);
        }
    }
}

/// Whether somebody listens there. No answer within a second may be an answer later.
async fn listens(target: &Target) -> bool {
    let Ok(addresses) = target.ops.socket_addrs(|| None) else {
        return true;
    };
    let connected = TcpStream::connect(&*addresses);
    let connected = tokio::time::timeout(Duration::from_secs(1), connected).await;
    !matches!(connected, Ok(Err(_)))
}

/// Whether the server of the second scrape is another process than that of the first.
#[must_use]
pub fn was_restarted(server: &Between) -> bool {
    let (before, after) = (
        server.before.sum(STARTED, &[]),
        server.after.sum(STARTED, &[]),
    );
    // Half a second is more than the clock is read anew.
    (after - before).abs() > 0.5
}

#[cfg(test)]
mod tests {
    use testkit::exposition::Exposition;
    use testkit::ports::free_port;

    use super::*;
    use crate::connection::Connection;
    use crate::stop::Reason;

    #[tokio::test]
    async fn server_that_nobody_listens_for_is_gone() {
        let url = format!("http://127.0.0.1:{}", free_port());
        let connection = Connection::new(None, false, INTERVAL).expect("a connection");
        let target = Target::new(&url, &url, &connection).expect("URLs");
        let stop = Stop::new();
        watch(None, target, stop.clone()).await;
        let (reason, _) = stop.reason().expect("stopped");
        assert_eq!(reason, Reason::Server("refuses connections".to_owned()));
    }

    #[test]
    fn other_process_is_a_restart() {
        let at =
            |seconds: &str| Exposition::parse(&format!("{STARTED} {seconds}\n")).expect("a series");
        let between = |before, after| Between {
            before: at(before),
            after: at(after),
        };
        assert!(!was_restarted(&between("1764374400.25", "1764374400.25")));
        assert!(was_restarted(&between("1764374400.25", "1764374409.5")));
    }
}
