//! Background jobs: the inventory and housekeeping.

use crate::metrics::label_set::label_set;

label_set! {
    /// Account states of the inventory.
    pub enum UserState ["state"] {
        /// The account may log in.
        Active = ["active"],
        /// The account may not log in.
        Disabled = ["disabled"],
    }
}

label_set! {
    /// The kinds of rows that housekeeping removes, in this order: tokens go first, so that removing a
    /// session cascades to few rows.
    pub enum Outdated ["kind"] {
        /// A refresh token that was rotated long ago.
        RefreshToken = ["refresh_token"],
        /// A session that was ended long ago, with its last tokens.
        EndedSession = ["ended_session"],
        /// A session that ran out long ago, with its last tokens.
        ExpiredSession = ["expired_session"],
        /// A signing key that has not verified anything for long.
        SigningKey = ["signing_key"],
    }
}

label_set! {
    /// The outcome of a housekeeping run.
    pub enum HousekeepingOutcome ["outcome"] {
        /// Completed on this replica.
        Done = ["done"],
        /// Failed on this replica, or its lease could not be read.
        Failed = ["failed"],
        /// Another replica has the lease.
        Elsewhere = ["elsewhere"],
    }
}
