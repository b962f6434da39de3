//! The cost of a hash, its bounds, and what can go wrong.

use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, Version};

use crate::error::Error;

/// Why a password was not hashed or not checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// More work than could be done in time: answer 503 with `Retry-After` (RFC 9110 §10.2.3).
    #[error("too much work for the hash gate")]
    Overloaded {
        /// The time until the waiting work is done, in whole seconds, at least one.
        retry_after: Duration,
    },
    /// The stored hash cannot be checked; the text has the reason and no part of the hash.
    #[error("the stored hash is unusable: {0}")]
    Unusable(&'static str),
    /// The work was lost: because of a panic, which has been logged, or because the random generator
    /// failed.
    #[error("the hash gate lost the job")]
    Closed,
}

impl From<HashError> for Error {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Overloaded { retry_after } => Self::Overloaded { retry_after },
            other => Self::internal(other),
        }
    }
}

/// The cost of an Argon2id hash (RFC 9106).
///
/// The default is the OWASP Password Storage Cheat Sheet's: 19 MiB, two passes, one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashParams {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub iterations: u32,
    /// Lanes. One thread computes them one after the other, so they do not make a hash faster.
    pub parallelism: u32,
}

impl Default for HashParams {
    fn default() -> Self {
        Self {
            memory_kib: 19_456,
            iterations: 2,
            parallelism: 1,
        }
    }
}

impl HashParams {
    /// KiB filled in all passes together. The time of a hash is proportional to it.
    pub(super) fn cost(&self) -> f64 {
        f64::from(self.memory_kib) * f64::from(self.iterations)
    }

    /// The algorithm, set up for these parameters.
    ///
    /// # Errors
    /// [`HashError::Unusable`] when RFC 9106 does not allow the parameters.
    pub(super) fn argon2(&self, output_length: usize) -> Result<Argon2<'static>, HashError> {
        let params = Params::new(
            self.memory_kib,
            self.iterations,
            self.parallelism,
            Some(output_length),
        )
        .map_err(|_| HashError::Unusable("parameters that Argon2 does not allow"))?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

/// Bounds on the parameters of stored hashes. Without them, one manipulated row could make every login
/// of that account use all memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashBounds {
    /// Most memory, in KiB. The default allows RFC 9106's second recommendation, 64 MiB.
    pub max_memory_kib: u32,
    /// Most passes over the memory.
    pub max_iterations: u32,
    /// Most lanes.
    pub max_parallelism: u32,
}

impl Default for HashBounds {
    fn default() -> Self {
        Self {
            max_memory_kib: 65_536,
            max_iterations: 10,
            max_parallelism: 4,
        }
    }
}

impl HashBounds {
    /// The same bounds, raised to include `params`: hashes written with them must be readable.
    pub(super) fn allowing(self, params: HashParams) -> Self {
        Self {
            max_memory_kib: self.max_memory_kib.max(params.memory_kib),
            max_iterations: self.max_iterations.max(params.iterations),
            max_parallelism: self.max_parallelism.max(params.parallelism),
        }
    }
}
