//! Open files: each user needs one for its connection.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Result;

/// What the lab opens besides: its reports, its metrics, its server's log, the runtime.
const OTHERS: u64 = 64;

/// Raises the soft limit of open files to the hard one; refuses a run with more users than that allows.
///
/// # Errors
/// When there are too few for the users.
pub fn raise(users: usize) -> Result<()> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let allowed = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        // Some systems have no such number of files for anybody.
        Err(_) => limit.current,
    };
    check(users as u64, allowed)
}

fn check(users: u64, allowed: Option<u64>) -> Result<()> {
    match allowed {
        Some(allowed) if users + OTHERS > allowed => Err(format!(
            "{users} users need {} open files, and {allowed} are allowed: raise the hard limit (`ulimit -Hn`), or take fewer users",
            users + OTHERS
        )
        .into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_users_are_refused_with_both_numbers() {
        assert!(check(900, Some(1024)).is_ok());
        assert!(check(1_000_000, None).is_ok());
        let error = check(1000, Some(1024)).expect_err("too many").to_string();
        assert!(
            error.starts_with("1000 users need 1064 open files, and 1024 are allowed"),
            "{error}"
        );
    }
}
