//! Domain errors, independent of HTTP.

use std::time::Duration;

use crate::rate::Rate;

/// The result of everything in the domain.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A field breaks a rule; the rule never repeats the value.
    #[error("{field}: {rule}")]
    Invalid {
        /// The field, as the caller named it.
        field: &'static str,
        /// The rule, as a sentence.
        rule: String,
    },
    /// A new password breaks the policy.
    #[error("{field}: {rule}")]
    WeakPassword {
        /// The field, as the caller named it.
        field: &'static str,
        /// The rule, as a sentence.
        rule: String,
    },
    /// Several fields break rules.
    #[error("{} fields break rules", .0.len())]
    Several(Vec<(&'static str, String)>),
    /// A value that must be unique belongs to another account.
    #[error("this {field} is taken")]
    Taken {
        /// `username` or `email`.
        field: &'static str,
    },
    /// The change would leave the service in an invalid state.
    #[error("{0}")]
    Conflict(&'static str),
    /// A file and somebody else changed the same parts of the policy, differently.
    #[error("changed meanwhile, differently: {}", .0.join(", "))]
    Merge(Vec<String>),
    /// What the caller changes is not as the caller's precondition says.
    #[error("it was changed meanwhile")]
    PreconditionFailed,
    /// Does not exist, or the caller may not see it.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The caller lacks a permission.
    #[error("the permission `{0}` is missing")]
    Forbidden(&'static str),
    /// The change reaches beyond the caller's own permissions.
    #[error("this reaches beyond your own permissions: you do not hold `{permission}`")]
    Escalation {
        /// A permission that the caller lacks.
        permission: String,
    },
    /// This operation refuses it to every caller; the text names the right operation.
    #[error("{0}")]
    Refused(&'static str),
    /// The current password, given as proof, is wrong.
    #[error("the current password is wrong")]
    WrongPassword,
    /// Load shedding: more work than can be done in time.
    #[error("the service is at capacity")]
    Overloaded {
        /// The wait before a retry.
        retry_after: Duration,
    },
    /// A rate limit is exceeded.
    #[error("too many requests")]
    RateLimited(Limited),
    /// A dependency does not answer.
    #[error("a dependency is unavailable")]
    Unavailable,
    /// A defect or an unforeseen error. Logged with the request id, never shown.
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The rate limit that refused a request.
#[derive(Clone, Copy, Debug)]
pub struct Limited {
    /// The limiter's name, such as `login`.
    pub limiter: &'static str,
    /// Its dimension: `source` or `account`.
    pub dimension: &'static str,
    /// Its rate.
    pub rate: Rate,
    /// The wait until the next permit.
    pub retry_after: Duration,
}

/// Collects broken rules, so that a client learns of all at once.
#[derive(Debug, Default)]
pub struct Faults(Vec<Error>);

impl Faults {
    /// The outcome of one check; `None` where it has found a broken rule.
    ///
    /// # Errors
    /// Every other error.
    pub fn check<T>(&mut self, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(fault @ (Error::Invalid { .. } | Error::WeakPassword { .. })) => {
                self.0.push(fault);
                Ok(None)
            }
            Err(other) => Err(other),
        }
    }

    /// The result of all checks.
    ///
    /// # Errors
    /// The one broken rule, or [`Error::Several`].
    pub fn result(mut self) -> Result<()> {
        if self.0.len() > 1 {
            let rules = self.0.into_iter().filter_map(|fault| match fault {
                Error::Invalid { field, rule } | Error::WeakPassword { field, rule } => {
                    Some((field, rule))
                }
                _ => None,
            });
            return Err(Error::Several(rules.collect()));
        }
        self.0.pop().map_or(Ok(()), Err)
    }
}

impl Error {
    /// Wraps an unforeseen error.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(source.into())
    }
}
