//! Work of the hash gate.

use crate::metrics::label_set::label_set;

label_set! {
    /// Work for the hash gate.
    pub enum HashOperation ["operation"] {
        /// A new hash.
        Hash = ["hash"],
        /// A check against a stored hash.
        Verify = ["verify"],
        /// The same work for an account that does not exist.
        DummyVerify = ["dummy_verify"],
        /// A check for the synthetic probe, counted apart so that users' checks equal users' logins.
        CanaryVerify = ["canary_verify"],
        /// How soon a new password is guessed.
        Estimate = ["estimate"],
    }
}

label_set! {
    /// Why the hash gate refused work.
    pub enum HashRejection ["reason"] {
        /// The queue is full, or too long to meet the deadline.
        QueueFull = ["queue_full"],
        /// The deadline passed in the queue.
        Timeout = ["timeout"],
    }
}
