//! File descriptors: without free ones the service can neither accept connections nor open its
//! database. So it raises its limit as far as the system allows, and reserves some.

use crate::config::Clients;

/// Descriptors for clients beyond the limit, so that they get a 503.
pub const REFUSALS: usize = 64;
/// Descriptors for the operational listener.
pub const OPS_CONNECTIONS: usize = 64;
/// Descriptors reserved for the ops listener, refusals, the database and the runtime.
const RESERVED: u64 = 512;

/// The maximum of client connections: as configured, limited by the descriptors.
pub fn connections(clients: &Clients) -> usize {
    let wanted = u64::from(clients.max_connections());
    let limit = raise_limit();
    let allowed = limit.map_or(wanted, |limit| wanted.min(share(limit)));
    if allowed < wanted && clients.max_connections.is_some() {
        tracing::warn!(
            allowed,
            "MAX_CONNECTIONS exceeds the process' limit of open files: raise that limit"
        );
    }
    usize::try_from(allowed).unwrap_or(usize::MAX)
}

/// The clients' share of the descriptors: never less than half.
fn share(limit: u64) -> u64 {
    limit.saturating_sub(RESERVED).max(limit / 2)
}

/// Raises the soft limit to the hard limit; `None` when there is none. The usual soft limit of 1,024 is
/// kept low for programs that use `select`.
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
        // Some systems allow less than their hard limit.
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
    fn clients_get_at_least_half_of_the_descriptors() {
        assert_eq!(share(64), 32);
        assert_eq!(share(1024), 512);
        assert_eq!(share(20_000), 19_488);
    }
}
