//! Database errors: how they are counted, and which error of the domain each becomes.

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

use super::{recheck, write_check};
use crate::error::Error;
use crate::metrics::{DB_ERRORS, DbError, DbSystem};

/// SQLite's primary result codes, as its documentation lists them.
mod code {
    pub const BUSY: u32 = 5;
    pub const LOCKED: u32 = 6;
    pub const READONLY: u32 = 8;
    pub const IOERR: u32 = 10;
    pub const FULL: u32 = 13;
    pub const CANTOPEN: u32 = 14;
}

/// Counts an error and translates it.
pub(super) fn classify(system: DbSystem, error: sqlx::Error) -> Error {
    let kind = kind(&error);
    DB_ERRORS.inc((system, kind));
    write_check::note(kind);
    recheck::note(kind);
    match kind {
        DbError::UniqueViolation => match taken_field(&error) {
            Some(field) => Error::Taken { field },
            None => Error::internal(error),
        },
        DbError::Down
        | DbError::PoolTimeout
        | DbError::Timeout
        | DbError::Connection
        | DbError::Busy
        | DbError::Storage => {
            tracing::error!(error = %error, kind = kind.word(), "the database is unavailable");
            Error::Unavailable
        }
        DbError::Constraint | DbError::Refused | DbError::Decode | DbError::Other => {
            Error::internal(error)
        }
    }
}

/// Counts an error whose cause was logged before.
pub(super) fn refused(system: DbSystem, kind: DbError) -> Error {
    DB_ERRORS.inc((system, kind));
    Error::Unavailable
}

/// Whether the connection's state is unknown, so that it must not be used again.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    matches!(kind(error), DbError::Connection | DbError::Timeout)
}

fn kind(error: &sqlx::Error) -> DbError {
    match error {
        sqlx::Error::PoolTimedOut => DbError::PoolTimeout,
        sqlx::Error::Io(error) if error.kind() == std::io::ErrorKind::TimedOut => DbError::Timeout,
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed
        | sqlx::Error::Protocol(_) => DbError::Connection,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => DbError::Decode,
        sqlx::Error::Database(database) => database_kind(&**database),
        _ => DbError::Other,
    }
}

fn database_kind(error: &dyn DatabaseError) -> DbError {
    if error.is_unique_violation() {
        return DbError::UniqueViolation;
    }
    if error.is_check_violation() || error.is_foreign_key_violation() {
        return DbError::Constraint;
    }
    match error.try_downcast_ref::<PgDatabaseError>() {
        Some(error) => postgres_kind(error.code()),
        None => sqlite_kind(error.code().as_deref().unwrap_or_default()),
    }
}

fn sqlite_kind(code: &str) -> DbError {
    // Extended result codes carry the primary one in their lowest byte.
    match code.parse::<u32>().map(|code| code & 0xff) {
        Ok(code::BUSY | code::LOCKED) => DbError::Busy,
        Ok(code::FULL | code::IOERR | code::READONLY | code::CANTOPEN) => DbError::Storage,
        _ => DbError::Other,
    }
}

/// By SQLSTATE (PostgreSQL's appendix A): the class is the first two characters.
fn postgres_kind(code: &str) -> DbError {
    match code {
        // Cancelled by the statement timeout, or idle in a transaction for too long.
        "57014" | "25P03" => DbError::Timeout,
        // The disk is full; the server is a read-only standby.
        "53100" | "25006" => DbError::Storage,
        // Lock not available.
        "55P03" => DbError::Busy,
        _ => match code.get(..2).unwrap_or_default() {
            // Connection exceptions, authorization to connect, no such database, operator
            // intervention.
            "08" | "28" | "3D" | "57" => DbError::Connection,
            // Rolled back in favour of another transaction (deadlocks, serialization), and the rest of
            // class 53.
            "40" | "53" => DbError::Busy,
            "58" => DbError::Storage,
            _ => DbError::Other,
        },
    }
}

/// The field of an account that another account has. SQLite's message names the column,
/// PostgreSQL's the constraint, which is named after it.
fn taken_field(error: &sqlx::Error) -> Option<&'static str> {
    let sqlx::Error::Database(database) = error else {
        return None;
    };
    let message = database.message();
    [("username_key", "username"), ("email_key", "email")]
        .into_iter()
        .find(|(column, _)| message.contains(column))
        .map(|(_, field)| field)
}
