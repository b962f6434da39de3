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
    /// What a dependency's error was about.
    pub enum DbError ["error_type"] {
        /// Not even tried: a moment ago it was found not to answer.
        Down = ["down"],
        /// No connection became free in time.
        PoolTimeout = ["pool_timeout"],
        /// It did not answer in time.
        Timeout = ["timeout"],
        /// The connection failed.
        Connection = ["connection"],
        /// A uniqueness rule refused the row: expected, and counted all the same.
        UniqueViolation = ["unique_violation"],
        /// The server answered that it will not.
        Refused = ["refused"],
        /// Another rule of the schema refused the row.
        Constraint = ["constraint"],
        /// The database was locked or busy for too long.
        Busy = ["busy"],
        /// The disk is full or not writable.
        Storage = ["storage"],
        /// What came back could not be read.
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
    /// What a pooled connection is doing.
    pub enum ConnectionState ["db_client_connection_state"] {
        /// Waiting in the pool.
        Idle = ["idle"],
        /// Lent out.
        Used = ["used"],
    }
}

label_set! {
    /// What is done in Redis.
    pub enum RedisOperation ["db_query_summary"] {
        /// A write that shows whether Redis works.
        Probe = ["probe"],
        /// Rate limits.
        Permits = ["permits"],
        /// Entries and the epoch that guards them.
        Read = ["read"],
        /// Puts entries unless their epoch has passed.
        Fill = ["fill"],
        /// Removes entries, advances their epoch, tells the other replicas.
        Invalidate = ["invalidate"],
    }
}
