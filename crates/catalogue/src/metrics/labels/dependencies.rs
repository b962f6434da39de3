//! Dependencies, fallbacks, and notifications between replicas.

use crate::metrics::label_set::label_set;

label_set! {
    /// The dependencies of the service.
    pub enum Dependency ["dependency"] {
        /// The database.
        Database = ["database"],
        /// Redis, where it is configured.
        Redis = ["redis"],
    }
}

label_set! {
    /// Fallbacks while a dependency does not answer.
    pub enum Fallback ["dependency", "action"] {
        /// Rate limits were counted in process: each replica admits as much as all replicas together
        /// should.
        LocalLimits = ["redis", "local_limits"],
        /// A caller was looked up in the database.
        PrincipalFromDatabase = ["redis", "principal_from_database"],
        /// Other replicas were not notified of a change: they see it within five seconds.
        InvalidationLost = ["redis", "invalidation_lost"],
        /// A rate limit denied by this replica's own count what the count in Redis allowed.
        CounterReset = ["redis", "counter_reset"],
    }
}

label_set! {
    /// The kind of a notification from another replica.
    pub enum Invalidation ["kind"] {
        /// An account.
        Account = ["account"],
        /// Sessions of an account.
        Sessions = ["sessions"],
        /// Everything: notifications may have been lost.
        Everything = ["everything"],
    }
}
