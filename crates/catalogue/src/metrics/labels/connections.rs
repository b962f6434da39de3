//! What can be said of clients' connections.

use crate::metrics::family::label_set;

label_set! {
    /// The listeners.
    pub enum Listener ["listener"] {
        /// The public API.
        Api = ["api"],
        /// Metrics and probes.
        Ops = ["ops"],
    }
}

label_set! {
    /// How a connection ended.
    pub enum ConnectionEnd ["reason"] {
        /// As HTTP has it: the client left, or nothing was to follow the last answer.
        Closed = ["closed"],
        /// Nothing came for too long.
        Idle = ["idle"],
        /// The head of a request took too long.
        Header = ["header"],
        /// The body of a request took too long.
        Body = ["body"],
        /// The client did not take its answer.
        Write = ["write"],
        /// There were too many connections already.
        Refused = ["refused"],
        /// The service stopped.
        Shutdown = ["shutdown"],
    }
}
