//! The databases and their connections.

use crate::metrics::label_set::label_set;

label_set! {
    /// The stores behind the service.
    pub enum DbSystem ["db_system_name"] {
        /// The embedded database.
        Sqlite = ["sqlite"],
        /// PostgreSQL.
        Postgresql = ["postgresql"],
        /// Redis, or what speaks its protocol.
        Redis = ["redis"],
    }
}

label_set! {
    /// The kind of a dependency's error.
    pub enum DbError ["error_type"] {
        /// Not tried: the circuit breaker is open.
        Down = ["down"],
        /// No connection became free in time.
        PoolTimeout = ["pool_timeout"],
        /// It did not answer in time.
        Timeout = ["timeout"],
        /// The connection failed.
        Connection = ["connection"],
        /// A unique constraint refused the row: expected, and counted all the same.
        UniqueViolation = ["unique_violation"],
        /// The server refused the command.
        Refused = ["refused"],
        /// Another constraint refused the row.
        Constraint = ["constraint"],
        /// The database was locked or busy for too long.
        Busy = ["busy"],
        /// The disk is full or not writable.
        Storage = ["storage"],
        /// The result could not be decoded.
        Decode = ["decode"],
        /// Anything else.
        Other = ["other"],
    }
}

label_set! {
    /// Connection pools.
    pub enum Pool ["db_client_connection_pool_name"] {
        /// Readers of the embedded database.
        SqliteRead = ["sqlite_read"],
        /// The one writer of the embedded database.
        SqliteWrite = ["sqlite_write"],
        /// PostgreSQL.
        Postgresql = ["postgresql"],
    }
}

label_set! {
    /// The state of a pooled connection.
    pub enum ConnectionState ["db_client_connection_state"] {
        /// Idle in the pool.
        Idle = ["idle"],
        /// In use.
        Used = ["used"],
    }
}

label_set! {
    /// Operations in Redis.
    pub enum RedisOperation ["db_query_summary"] {
        /// A write that checks whether Redis works.
        Probe = ["probe"],
        /// Rate limits.
        Permits = ["permits"],
        /// Entries and the epoch that guards them.
        Read = ["read"],
        /// Writes entries unless their epoch has passed.
        Fill = ["fill"],
        /// Removes entries, advances their epoch, notifies the other replicas.
        Invalidate = ["invalidate"],
    }
}
