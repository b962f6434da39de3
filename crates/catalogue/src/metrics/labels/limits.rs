//! Rate limits.

use crate::metrics::label_set::label_set;

label_set! {
    /// The rate limits.
    pub enum Limiter ["limiter"] {
        /// Registrations.
        Register = ["register"],
        /// Logins.
        Login = ["login"],
        /// Refreshes.
        Refresh = ["refresh"],
        /// Revocations of tokens.
        Revoke = ["revoke"],
        /// Lists of one's own sessions.
        Sessions = ["sessions"],
        /// Checks of the current password.
        Password = ["password"],
        /// Changes of one's own username or e-mail address.
        Profile = ["profile"],
        /// What administrators do to accounts.
        Admin = ["admin"],
        /// Questions of other services: who may do what.
        Decisions = ["decisions"],
        /// The pages of the documentation.
        Pages = ["pages"],
        /// Requests of any kind.
        General = ["general"],
    }
}

label_set! {
    /// The decision of a rate limit.
    pub enum LimitDecision ["decision"] {
        /// Within the limit.
        Allow = ["allow"],
        /// Beyond it: answered with 429.
        Deny = ["deny"],
    }
}

label_set! {
    /// Where rate limits were counted.
    pub enum Backend ["backend"] {
        /// In Redis, for all replicas.
        Redis = ["redis"],
        /// In process, as configured.
        Memory = ["memory"],
        /// In process, because Redis does not answer.
        Local = ["local"],
    }
}
