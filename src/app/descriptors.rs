//! File descriptors: who runs out of them can neither accept nor open a database. So there are as
//! many as the system allows, and clients do not get them all.

use crate::config::Clients;

/// For clients who are one too many, so that they can be told.
pub const REFUSALS: usize = 64;
/// For the operational listener. A handful would do.
pub const OPS_CONNECTIONS: usize = 64;
/// For those, the database's connections and files, and what the runtime needs.
const RESERVED: u64 = 512;

/// The most connections of clients: as many as configured, if there are descriptors for them.
pub fn connections(clients: &Clients) -> usize {
    let wanted = u64::from(clients.max_connections());
    let limit = raise_limit();
    let allowed = limit.map_or(wanted, |limit| wanted.min(share(limit)));
    if allowed < wanted && clients.max_connections.is_some() {
        tracing::warn!(
            allowed,
            "MAX_CONNECTIONS is more than the process may open: raise its limit of open files"
        );
    }
    usize::try_from(allowed).unwrap_or(usize::MAX)
}

/// What clients get of so many descriptors: never less than half.
fn share(limit: u64) -> u64 {
    limit.saturating_sub(RESERVED).max(limit / 2)
}

/// Raises the limit that any process may raise for itself; `None` when there is none. Many systems
/// start programs with 1,024, which is there for programs of another age.
#[cfg(unix)]
fn raise_limit() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        // Some systems allow less than they say.
        Err(_) => limit.current,
    }
}

#[cfg(not(unix))]
fn raise_limit() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_is_left_for_everybody() {
        assert_eq!(share(64), 32);
        assert_eq!(share(1024), 512);
        assert_eq!(share(20_000), 19_488);
    }
}
