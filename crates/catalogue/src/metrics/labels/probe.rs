//! The synthetic probe.

use crate::metrics::label_set::label_set;

label_set! {
    /// The steps of the synthetic probe's journey, in this order.
    pub enum CanaryStep ["step"] {
        /// Logs in with a password.
        Login = ["login"],
        /// Reads the own account with the access token.
        Me = ["me"],
        /// Gets the next pair of tokens.
        Refresh = ["refresh"],
        /// Ends the session.
        Logout = ["logout"],
    }
}

label_set! {
    /// The origin of a request (OpenTelemetry's `user_agent.synthetic.type`).
    pub enum SyntheticType ["user_agent_synthetic_type"] {
        /// A user.
        None = [""],
        /// The synthetic probe.
        Test = ["test"],
    }
}
