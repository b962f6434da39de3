//! Dependencies, and what replicas tell each other.

use crate::metrics::label_set::label_set;

label_set! {
    /// What the service needs to work.
    pub enum Dependency ["dependency"] {
        /// The database.
        Database = ["database"],
        /// Redis, where it is configured.
        Redis = ["redis"],
    }
}

label_set! {
    /// What was done without a dependency that does not answer.
    pub enum Fallback ["dependency", "action"] {
        /// Rate limits were counted in process: each replica admits as much as all should together.
        LocalLimits = ["redis", "local_limits"],
        /// A caller was looked up in the database.
        PrincipalFromDatabase = ["redis", "principal_from_database"],
        /// Other replicas were not told of a change: they see it within five seconds.
        InvalidationLost = ["redis", "invalidation_lost"],
    }
}

label_set! {
    /// What other replicas said has changed.
    pub enum Invalidation ["kind"] {
        /// An account.
        Account = ["account"],
        /// Sessions of an account.
        Sessions = ["sessions"],
        /// Everything: messages may have been lost.
        Everything = ["everything"],
    }
}
