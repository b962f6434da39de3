//! Background jobs: the inventory and the housekeeping.

use crate::metrics::label_set::label_set;

label_set! {
    /// Account states of the inventory.
    pub enum UserState ["state"] {
        /// May log in.
        Active = ["active"],
        /// May not.
        Disabled = ["disabled"],
    }
}

label_set! {
    /// What the housekeeping removes, in this order: a session whose tokens went before takes little
    /// else along.
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
    /// What became of a turn at the housekeeping.
    pub enum HousekeepingOutcome ["outcome"] {
        /// Done here.
        Done = ["done"],
        /// Begun here or asked for, and not brought to its end.
        Failed = ["failed"],
        /// Another replica's.
        Elsewhere = ["elsewhere"],
    }
}
