//! Every SQL statement of the service, once, under the name that the metrics show.
//!
//! Only what both SQLite and PostgreSQL understand in the same way. Constants that are read back are
//! cast: PostgreSQL's are 32 bits wide.

use std::future::Future;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use metrics::Histogram;

use crate::error::Result;
use crate::metrics::{DB_DURATION, DbSystem};

/// A named statement.
pub struct Statement {
    /// The name: the value of `db_query_summary`.
    pub name: &'static str,
    /// The text.
    pub sql: &'static str,
    /// One series an engine.
    durations: [OnceLock<Histogram>; DbSystem::ALL.len()],
}

impl Statement {
    const fn new(name: &'static str, sql: &'static str) -> Self {
        Self {
            name,
            sql,
            durations: [const { OnceLock::new() }; DbSystem::ALL.len()],
        }
    }

    fn duration(&self, system: DbSystem) -> &Histogram {
        self.durations[system as usize]
            .get_or_init(|| DB_DURATION.series(&[system.word(), self.name]))
    }

    /// Runs the statement's future and measures it; gives it up after `deadline`.
    pub(super) async fn timed<T>(
        &self,
        system: DbSystem,
        deadline: Option<Duration>,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T, sqlx::Error> {
        let start = Instant::now();
        let result = match deadline {
            Some(deadline) => tokio::time::timeout(deadline, work)
                .await
                .unwrap_or_else(|_| Err(timed_out())),
            None => work.await,
        };
        self.duration(system).record(start.elapsed().as_secs_f64());
        result
    }
}

/// The error of a statement that exceeded its deadline.
fn timed_out() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}

macro_rules! statements {
    ($($ident:ident $name:literal = $($sql:expr),+;)+) => {
        $(pub(super) static $ident: Statement = Statement::new($name, concat!($($sql),+));)+
        /// Every statement; a test prepares and executes each.
        pub static ALL: &[&Statement] = &[$(&$ident),+];
    };
}

/// Creates the duration series of every statement on one engine.
pub(super) fn initialise(system: DbSystem) {
    for statement in ALL {
        statement.duration(system);
    }
}

macro_rules! user_columns {
    () => {
        "u.id, u.username, u.email, u.disabled, u.created_at, u.updated_at, u.last_login_at, \
         (SELECT string_agg(ur.role, ',') FROM user_roles ur WHERE ur.user_id = u.id) AS roles"
    };
}

macro_rules! living_session {
    () => {
        "s.ended_at IS NULL AND s.expires_at > $2 AND s.idle_expires_at > $2"
    };
}

/// Fifty rows of `VALUES`: each pair of parameters through a macro that gives one row, without its
/// parentheses.
macro_rules! fifty_rows {
    ($row:ident: $a:literal $b:literal $(, $c:literal $d:literal)+) => {
        concat!("(", $row!($a $b), ")" $(, ", (", $row!($c $d), ")")+)
    };
}

macro_rules! seeded_account {
    ($id:literal $name:literal) => {
        concat!(
            "$",
            $id,
            ", $",
            $name,
            ", $",
            $name,
            ", $",
            $name,
            " || '@example.com', $",
            $name,
            " || '@example.com', $1, $2, $2"
        )
    };
}

macro_rules! seeded_token {
    ($hash:literal $session:literal) => {
        concat!("$", $hash, ", $", $session, ", 0, $1")
    };
}

statements! {
    PING "ping" = "SELECT 1";
    // SQLite's transactions begin as writers; see there.
    BEGIN "begin" = "BEGIN";
    COMMIT "commit" = "COMMIT";
    ROLLBACK "rollback" = "ROLLBACK";
    // A change that ends as it began is still written. One that changes nothing may not be.
    PROBE_WRITE "probe_write" =
        "INSERT INTO signing_keys (kid, algorithm, sealed_private_key, created_at) \
         VALUES (' probe', '', $1, CURRENT_TIMESTAMP)";
    PROBE_CLEAR "probe_clear" = "DELETE FROM signing_keys WHERE kid = ' probe'";

    INSERT_USER "insert_user" =
        "INSERT INTO users (id, username, username_key, email, email_key, password_hash, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)";
    USER_BY_ID "user_by_id" =
        "SELECT ", user_columns!(), " FROM users u WHERE u.id = $1";
    CREDENTIALS_BY_USERNAME "credentials_by_username" =
        "SELECT ", user_columns!(), ", u.password_hash FROM users u WHERE u.username_key = $1";
    CREDENTIALS_BY_EMAIL "credentials_by_email" =
        "SELECT ", user_columns!(), ", u.password_hash FROM users u WHERE u.email_key = $1";
    CREDENTIALS_BY_ID "credentials_by_id" =
        "SELECT ", user_columns!(), ", u.password_hash FROM users u WHERE u.id = $1";
    LIST_USERS "list_users" =
        "SELECT ", user_columns!(), " FROM users u WHERE u.id > $1 ORDER BY u.id LIMIT $2";
    // Two statements, each a walk along one index that stops when the page is full. One with `OR`
    // would sort everything that a common beginning finds, or read every account for a rare one.
    SEARCH_USERNAMES "search_usernames" =
        "SELECT ", user_columns!(), " FROM users u WHERE u.username_key >= $1 AND u.username_key < $2 \
         ORDER BY u.username_key LIMIT $3";
    SEARCH_EMAILS "search_emails" =
        "SELECT ", user_columns!(), " FROM users u WHERE u.email_key >= $1 AND u.email_key < $2 \
         AND NOT (u.username_key >= $4 AND u.username_key < $2) \
         ORDER BY u.email_key LIMIT $3";
    UPDATE_PROFILE "update_profile" =
        "UPDATE users SET username = $2, username_key = $3, email = $4, email_key = $5, updated_at = $6 \
         WHERE id = $1";
    UPDATE_DISABLED "update_disabled" =
        "UPDATE users SET disabled = $2, updated_at = $3 WHERE id = $1 AND disabled <> $2";
    // Compare and set: a hash that changed meanwhile is not overwritten.
    UPDATE_PASSWORD "update_password" =
        "UPDATE users SET password_hash = $3, updated_at = $4 WHERE id = $1 AND password_hash = $2";
    // Takes the row's lock before anything is read that the change depends on, and before the rows of
    // its sessions: whoever changes an account and its sessions takes the locks in this order.
    LOCK_USER "lock_user" = "UPDATE users SET disabled = disabled WHERE id = $1";
    DELETE_USER "delete_user" = "DELETE FROM users WHERE id = $1";
    // Each along an index: the rows themselves are large.
    COUNT_USERS "count_users" =
        "SELECT (SELECT COUNT(*) FROM users) AS total, \
         (SELECT COUNT(*) FROM users WHERE disabled = TRUE) AS part";

    // Takes the row's lock, so that two changes which could each remove the last administrator wait
    // for one another.
    LOCK_ROLE "lock_role" = "UPDATE roles SET built_in = built_in WHERE name = $1";
    ROLE_EXISTS "role_exists" = "SELECT CAST(1 AS BIGINT) FROM roles WHERE name = $1";
    // Written so that no plan but the walk along the role's holders is cheap: PostgreSQL takes a join
    // of two large tables that needs one row only for a reason to read the accounts one by one.
    OTHER_HOLDERS "other_holders" =
        "SELECT CAST(1 AS BIGINT) FROM user_roles ur WHERE ur.role >= $1 AND ur.role <= $1 AND ur.user_id <> $2 \
         AND (SELECT u.disabled FROM users u WHERE u.id = ur.user_id) = FALSE \
         ORDER BY ur.role, ur.user_id LIMIT 1";
    GRANT_ROLE "grant_role" =
        "INSERT INTO user_roles (user_id, role, granted_at, granted_by) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (user_id, role) DO NOTHING";
    REVOKE_ROLE "revoke_role" = "DELETE FROM user_roles WHERE user_id = $1 AND role = $2";

    // The login's last check and the account's row lock in one: between the password's check and
    // here the account may have been disabled, deleted, or given another password.
    CONFIRM_LOGIN "confirm_login" =
        "UPDATE users SET last_login_at = $3, password_hash = $4 \
         WHERE id = $1 AND password_hash = $2 AND disabled = FALSE";
    INSERT_SESSION "insert_session" =
        "INSERT INTO sessions (id, user_id, generation, user_agent, created_at, last_used_at, idle_expires_at, expires_at) \
         VALUES ($1, $2, 0, $3, $4, $4, $5, $6)";
    INSERT_REFRESH_TOKEN "insert_refresh_token" =
        "INSERT INTO refresh_tokens (token_hash, session_id, generation, issued_at) VALUES ($1, $2, $3, $4)";
    // Finds the family and takes its row's lock: parallel refreshes queue here.
    LOCK_FAMILY "lock_family" =
        "UPDATE sessions SET last_used_at = $2 \
         WHERE id = (SELECT session_id FROM refresh_tokens WHERE token_hash = $1) \
         RETURNING id, user_id, generation, idle_expires_at, expires_at, ended_at";
    REFRESH_TOKEN "refresh_token" =
        "SELECT generation, rotated_at, successor FROM refresh_tokens WHERE token_hash = $1";
    MARK_ROTATED "mark_rotated" =
        "UPDATE refresh_tokens SET rotated_at = $2, successor = $3 WHERE token_hash = $1";
    ADVANCE_FAMILY "advance_family" =
        "UPDATE sessions SET generation = $2, idle_expires_at = $3 WHERE id = $1";
    PRINCIPAL "principal" =
        "SELECT ", user_columns!(), ", s.idle_expires_at AS session_expires_at \
         FROM sessions s JOIN users u ON u.id = s.user_id \
         WHERE s.id = $1 AND u.disabled = FALSE AND ", living_session!();
    LIST_SESSIONS "list_sessions" =
        "SELECT s.id, s.user_agent, s.created_at, s.last_used_at, s.expires_at FROM sessions s \
         WHERE s.user_id = $1 AND ", living_session!(), " ORDER BY s.id DESC LIMIT 200";
    END_SESSION "end_session" =
        "UPDATE sessions SET ended_at = $3, end_reason = $4 WHERE id = $1 AND user_id = $2 AND ended_at IS NULL";
    REMOVE_SESSION "remove_session" =
        "DELETE FROM sessions WHERE id = $1 AND user_id = $2 AND ended_at IS NOT NULL";
    END_SESSIONS "end_sessions" =
        "UPDATE sessions SET ended_at = $2, end_reason = $3 \
         WHERE user_id = $1 AND ended_at IS NULL AND id <> $4 RETURNING id";
    SESSION_OF_TOKEN "session_of_token" =
        "SELECT t.session_id, s.user_id FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id \
         WHERE t.token_hash = $1";
    // The idle deadline is never later than the absolute one.
    COUNT_SESSIONS "count_sessions" =
        "SELECT COUNT(*) FROM sessions WHERE ended_at IS NULL AND idle_expires_at > $1";

    INSERT_SIGNING_KEY "insert_signing_key" =
        "INSERT INTO signing_keys (kid, algorithm, sealed_private_key, created_at) VALUES ($1, $2, $3, $4)";
    SIGNING_KEYS "signing_keys" =
        "SELECT kid, algorithm, sealed_private_key, created_at, retired_at FROM signing_keys \
         WHERE retired_at IS NULL OR retired_at > $1 ORDER BY created_at, kid";
    RETIRE_SIGNING_KEYS "retire_signing_keys" =
        "UPDATE signing_keys SET retired_at = $2 WHERE kid <> $1 AND retired_at IS NULL";

    HOUSEKEEPING "housekeeping" =
        "SELECT holder, started_at, succeeded_at FROM leases WHERE name = 'housekeeping'";
    // Compare and set: of any number of replicas one begins.
    BEGIN_HOUSEKEEPING "begin_housekeeping" =
        "UPDATE leases SET holder = $1, started_at = $2, held_until = $3 \
         WHERE name = 'housekeeping' AND held_until <= $2 AND started_at <= $4";
    RENEW_HOUSEKEEPING "renew_housekeeping" =
        "UPDATE leases SET held_until = $3 WHERE name = 'housekeeping' AND holder = $1 AND held_until > $2";
    END_HOUSEKEEPING "end_housekeeping" =
        "UPDATE leases SET held_until = $2, succeeded_at = $2 \
         WHERE name = 'housekeeping' AND holder = $1 AND held_until > $2";
    REMOVE_REFRESH_TOKENS "remove_refresh_tokens" =
        "DELETE FROM refresh_tokens WHERE token_hash IN (SELECT token_hash FROM refresh_tokens \
         WHERE rotated_at < $1 ORDER BY rotated_at LIMIT 200)";
    REMOVE_ENDED_SESSIONS "remove_ended_sessions" =
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions \
         WHERE ended_at < $1 ORDER BY ended_at LIMIT 200)";
    REMOVE_EXPIRED_SESSIONS "remove_expired_sessions" =
        "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions \
         WHERE ended_at IS NULL AND idle_expires_at < $1 ORDER BY idle_expires_at LIMIT 200)";
    REMOVE_SIGNING_KEYS "remove_signing_keys" =
        "DELETE FROM signing_keys WHERE kid IN (SELECT kid FROM signing_keys \
         WHERE retired_at < $1 ORDER BY retired_at LIMIT 200)";

    LAST_SEEDED "last_seeded" =
        "SELECT username_key FROM users WHERE username_key >= $1 AND username_key <= $2 \
         AND LENGTH(username_key) = 12 ORDER BY username_key DESC LIMIT 1";
    SEED_USERS "seed_users" =
        "INSERT INTO users (id, username, username_key, email, email_key, password_hash, created_at, updated_at) VALUES ",
        fifty_rows!(seeded_account:
        3 4, 5 6, 7 8, 9 10, 11 12, 13 14, 15 16, 17 18, 19 20, 21 22, 23 24, 25 26, 27 28, 29 30,
        31 32, 33 34, 35 36, 37 38, 39 40, 41 42, 43 44, 45 46, 47 48, 49 50, 51 52, 53 54, 55 56,
        57 58, 59 60, 61 62, 63 64, 65 66, 67 68, 69 70, 71 72, 73 74, 75 76, 77 78, 79 80, 81 82,
        83 84, 85 86, 87 88, 89 90, 91 92, 93 94, 95 96, 97 98, 99 100, 101 102);
    SEED_ROLES "seed_roles" =
        "INSERT INTO user_roles (user_id, role, granted_at) SELECT id, 'user', created_at FROM users \
         WHERE username_key >= $1 AND username_key <= $2 AND LENGTH(username_key) = 12";
    SEED_SESSIONS "seed_sessions" =
        "INSERT INTO sessions (id, user_id, generation, user_agent, created_at, last_used_at, idle_expires_at, expires_at) \
         SELECT id, id, 0, 'seed', $3, $3, $4, $5 FROM users \
         WHERE username_key >= $1 AND username_key <= $2 AND LENGTH(username_key) = 12";
    SEED_REFRESH_TOKENS "seed_refresh_tokens" =
        "INSERT INTO refresh_tokens (token_hash, session_id, generation, issued_at) VALUES ",
        fifty_rows!(seeded_token:
        2 3, 4 5, 6 7, 8 9, 10 11, 12 13, 14 15, 16 17, 18 19, 20 21, 22 23, 24 25, 26 27, 28 29,
        30 31, 32 33, 34 35, 36 37, 38 39, 40 41, 42 43, 44 45, 46 47, 48 49, 50 51, 52 53, 54 55,
        56 57, 58 59, 60 61, 62 63, 64 65, 66 67, 68 69, 70 71, 72 73, 74 75, 76 77, 78 79, 80 81,
        82 83, 84 85, 86 87, 88 89, 90 91, 92 93, 94 95, 96 97, 98 99, 100 101);
}
