//! Every SQL statement of the service, once, under the name that the metrics show.
//!
//! A file a table. The statements use only SQL that SQLite and PostgreSQL understand in the same
//! way. Constants that are read back are cast: PostgreSQL's are 32 bits wide.

use std::future::Future;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use metrics::Histogram;

use crate::error::Result;
use crate::metrics::{DB_DURATION, DbSystem};

/// The reason why the service executes a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A request.
    Request,
    /// Every transaction, whatever it changes.
    Transaction,
    /// The service itself, whether or not there are requests: start-up, commands, jobs, and the
    /// health check.
    Background,
}

/// A named statement.
pub struct Statement {
    /// The name: the value of `db_query_summary`.
    pub name: &'static str,
    /// The text.
    pub sql: &'static str,
    /// Why it is executed; [`Cause::Request`] if requests are one reason of several.
    pub cause: Cause,
    /// One series an engine.
    durations: [OnceLock<Histogram>; DbSystem::ALL.len()],
}

impl Statement {
    const fn new(cause: Cause, name: &'static str, sql: &'static str) -> Self {
        Self {
            name,
            sql,
            cause,
            durations: [const { OnceLock::new() }; DbSystem::ALL.len()],
        }
    }

    fn duration(&self, system: DbSystem) -> &Histogram {
        self.durations[system as usize]
            .get_or_init(|| DB_DURATION.series(&[system.word(), self.name]))
    }

    /// Awaits the statement's execution and measures it; fails after `deadline`.
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

/// The statements of one file, in groups by their cause.
macro_rules! statements {
    ($($cause:ident { $($ident:ident $name:literal = $($sql:expr),+;)+ })+) => {
        $($(pub(in crate::store) static $ident: $crate::store::sql::Statement =
            $crate::store::sql::Statement::new(
                $crate::store::sql::Cause::$cause, $name, concat!($($sql),+));)+)+
        pub(super) static STATEMENTS: &[&$crate::store::sql::Statement] = &[$($(&$ident),+),+];
    };
}

/// The columns of an account, and its roles in two: each text with its length in bytes as a prefix, so that
/// none is taken for another.
macro_rules! user_columns {
    () => {
        "u.id, u.username, u.email, u.disabled, u.created_at, u.updated_at, u.last_login_at, \
         u.initial_password_until, \
         (SELECT string_agg(CAST(octet_length(ur.role) AS TEXT) || ':' || ur.role, '') FROM user_roles ur WHERE ur.user_id = u.id) AS roles, \
         (SELECT string_agg(CAST(octet_length(lr.role) AS TEXT) || ':' || lr.role \
         || CAST(octet_length(lr.reach_type) AS TEXT) || ':' || lr.reach_type \
         || CAST(octet_length(lr.reach_id) AS TEXT) || ':' || lr.reach_id \
         || COALESCE(CAST(lr.expires_at AS TEXT), '') || ';', '') \
         FROM limited_roles lr WHERE lr.user_id = u.id) AS limited_roles"
    };
}

/// A parameter as the limit of a query. SQLite compiles a query anew at each execution if its limit is a
/// parameter alone, which takes longer than reading some rows.
macro_rules! limit {
    ($parameter:literal) => {
        concat!("CAST(", $parameter, " AS BIGINT)")
    };
}

/// Fifty rows of `VALUES`: each pair of parameters through a macro that gives one row, without its
/// parentheses.
macro_rules! fifty_rows {
    ($row:ident: $a:literal $b:literal $(, $c:literal $d:literal)+) => {
        concat!("(", $row!($a $b), ")" $(, ", (", $row!($c $d), ")")+)
    };
}

mod connection;
mod entities;
mod holders;
mod jobs;
mod keys;
mod policy;
mod roles;
mod seeding;
mod sessions;
mod tokens;
mod usage;
mod users;

pub(super) use {
    connection::*, entities::*, holders::*, jobs::*, keys::*, policy::*, roles::*, seeding::*,
    sessions::*, tokens::*, usage::*, users::*,
};

/// Every statement; a test prepares and executes each.
pub fn all() -> impl Iterator<Item = &'static Statement> {
    [
        connection::STATEMENTS,
        users::STATEMENTS,
        roles::STATEMENTS,
        policy::STATEMENTS,
        entities::STATEMENTS,
        holders::STATEMENTS,
        sessions::STATEMENTS,
        tokens::STATEMENTS,
        usage::STATEMENTS,
        keys::STATEMENTS,
        jobs::STATEMENTS,
        seeding::STATEMENTS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Creates the duration series of every statement on one engine.
pub(super) fn initialise(system: DbSystem) {
    for statement in all() {
        statement.duration(system);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_is_a_parameter_alone() {
        for statement in all() {
            assert!(!statement.sql.contains("LIMIT $"), "{}", statement.name);
        }
    }
}
