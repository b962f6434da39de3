//! Every SQL statement of the service, once, under the name that the metrics show.
//!
//! Only what both SQLite and PostgreSQL understand in the same way.

use std::future::Future;
use std::sync::OnceLock;
use std::time::Instant;

use metrics::Histogram;

use super::failure::{Failure, classify};
use crate::error::Result;
use crate::metrics::{DB_DURATION, DB_ERRORS, DbSystem};

/// A named statement.
pub struct Statement {
    /// The name: the value of `db_query_summary`.
    pub name: &'static str,
    /// The text.
    pub sql: &'static str,
    duration: OnceLock<Histogram>,
}

impl Statement {
    const fn new(name: &'static str, sql: &'static str) -> Self {
        Self {
            name,
            sql,
            duration: OnceLock::new(),
        }
    }

    fn duration(&self) -> &Histogram {
        self.duration
            .get_or_init(|| DB_DURATION.series(&[DbSystem::Sqlite.word(), self.name]))
    }

    /// Runs the statement's future, measures it, and translates its error.
    pub(super) async fn timed<T>(
        &self,
        work: impl Future<Output = Result<T, sqlx::Error>>,
    ) -> Result<T> {
        let start = Instant::now();
        let result = work.await;
        self.duration().record(start.elapsed().as_secs_f64());
        result.map_err(|error| {
            let Failure { kind, error } = classify(error);
            DB_ERRORS.inc((DbSystem::Sqlite, kind));
            error
        })
    }
}

macro_rules! statements {
    ($($ident:ident $name:literal = $($sql:expr),+;)+) => {
        $(pub(super) static $ident: Statement = Statement::new($name, concat!($($sql),+));)+
        /// Every statement; a test prepares and executes each.
        pub static ALL: &[&Statement] = &[$(&$ident),+];
    };
}

/// Creates the duration series of every statement. Call once, after the recorder is set.
pub fn initialise() {
    for statement in ALL {
        statement.duration();
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

statements! {
    PING "ping" = "SELECT 1";

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
    SEARCH_USERS "search_users" =
        "SELECT ", user_columns!(), " FROM users u WHERE u.id > $1 \
         AND ((u.username_key >= $3 AND u.username_key < $4) OR (u.email_key >= $3 AND u.email_key < $4)) \
         ORDER BY u.id LIMIT $2";
    UPDATE_PROFILE "update_profile" =
        "UPDATE users SET username = $2, username_key = $3, email = $4, email_key = $5, updated_at = $6 \
         WHERE id = $1";
    UPDATE_DISABLED "update_disabled" =
        "UPDATE users SET disabled = $2, updated_at = $3 WHERE id = $1 AND disabled <> $2";
    // Compare and set: a hash that changed meanwhile is not overwritten.
    UPDATE_PASSWORD "update_password" =
        "UPDATE users SET password_hash = $3, updated_at = $4 WHERE id = $1 AND password_hash = $2";
    DELETE_USER "delete_user" = "DELETE FROM users WHERE id = $1";
    COUNT_USERS "count_users" =
        "SELECT COUNT(*) AS total, COALESCE(SUM(CASE WHEN disabled THEN 1 ELSE 0 END), 0) AS part FROM users";

    // Takes the row's lock, so that two changes which could each remove the last administrator wait
    // for one another.
    LOCK_ROLE "lock_role" = "UPDATE roles SET built_in = built_in WHERE name = $1";
    ROLE_EXISTS "role_exists" = "SELECT 1 FROM roles WHERE name = $1";
    OTHER_HOLDERS "other_holders" =
        "SELECT 1 FROM user_roles ur JOIN users u ON u.id = ur.user_id \
         WHERE ur.role = $1 AND u.disabled = FALSE AND u.id <> $2 LIMIT 1";
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
    END_SESSIONS "end_sessions" =
        "UPDATE sessions SET ended_at = $2, end_reason = $3 \
         WHERE user_id = $1 AND ended_at IS NULL AND id <> $4 RETURNING id";
    SESSION_OF_TOKEN "session_of_token" =
        "SELECT t.session_id, s.user_id FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id \
         WHERE t.token_hash = $1";
    COUNT_SESSIONS "count_sessions" =
        "SELECT COUNT(*) AS total, COUNT(*) AS part FROM sessions s WHERE s.created_at > $1 AND ", living_session!();

    INSERT_SIGNING_KEY "insert_signing_key" =
        "INSERT INTO signing_keys (kid, algorithm, sealed_private_key, created_at) VALUES ($1, $2, $3, $4)";
    SIGNING_KEYS "signing_keys" =
        "SELECT kid, algorithm, sealed_private_key, created_at, retired_at FROM signing_keys \
         WHERE retired_at IS NULL OR retired_at > $1 ORDER BY created_at, kid";
    RETIRE_SIGNING_KEYS "retire_signing_keys" =
        "UPDATE signing_keys SET retired_at = $2 WHERE kid <> $1 AND retired_at IS NULL";
}
