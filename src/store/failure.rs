//! What a database error means to the domain, and how it is counted.

use crate::error::Error;
use crate::metrics::DbError;

/// A classified error.
pub(super) struct Failure {
    /// How it is counted.
    pub kind: DbError,
    /// What the domain makes of it.
    pub error: Error,
}

/// SQLite's primary result codes, as its documentation lists them.
mod code {
    pub const BUSY: u32 = 5;
    pub const LOCKED: u32 = 6;
    pub const READONLY: u32 = 8;
    pub const IOERR: u32 = 10;
    pub const FULL: u32 = 13;
    pub const CANTOPEN: u32 = 14;
}

pub(super) fn classify(error: sqlx::Error) -> Failure {
    let kind = kind(&error);
    let error = match kind {
        DbError::UniqueViolation => match taken_field(&error) {
            Some(field) => Error::Taken { field },
            None => Error::internal(error),
        },
        DbError::PoolTimeout | DbError::Connection | DbError::Busy | DbError::Storage => {
            tracing::error!(error = %error, kind = kind.word(), "the database is unavailable");
            Error::Unavailable
        }
        DbError::Constraint | DbError::Decode | DbError::Other => Error::internal(error),
    };
    Failure { kind, error }
}

fn kind(error: &sqlx::Error) -> DbError {
    match error {
        sqlx::Error::PoolTimedOut => DbError::PoolTimeout,
        sqlx::Error::Io(_)
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::Protocol(_) => DbError::Connection,
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => DbError::Decode,
        sqlx::Error::Database(database) if database.is_unique_violation() => {
            DbError::UniqueViolation
        }
        sqlx::Error::Database(database)
            if database.is_check_violation() || database.is_foreign_key_violation() =>
        {
            DbError::Constraint
        }
        // Extended result codes carry the primary one in their lowest byte.
        sqlx::Error::Database(database) => {
            match database
                .code()
                .and_then(|code| code.parse::<u32>().ok())
                .map(|code| code & 0xff)
            {
                Some(code::BUSY | code::LOCKED) => DbError::Busy,
                Some(code::FULL | code::IOERR | code::READONLY | code::CANTOPEN) => {
                    DbError::Storage
                }
                _ => DbError::Other,
            }
        }
        _ => DbError::Other,
    }
}

/// Which field of an account is taken. SQLite names the column in the message.
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
