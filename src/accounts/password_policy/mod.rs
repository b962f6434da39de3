//! The policy for new passwords.

use self::canonical::{joined, rest_without, same};
use super::validation::EMAIL_MAX;
use crate::error::Error;
use crate::hashing::{MAX_PASSWORD_CHARS, Password};

mod canonical;
mod common;
mod estimate;
#[cfg(test)]
mod tests;

/// The rules for new passwords: long enough, not among the first that an attacker tries, and not made
/// of names (NIST SP 800-63B, ASVS 6.2). There are no rules of composition, on purpose (ASVS 6.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Fewest Unicode code points.
    pub min_length: usize,
    /// Most Unicode code points. Both standards ask for at least 64.
    pub max_length: usize,
    /// Whether common passwords and names are refused.
    pub strict: bool,
}

impl PasswordPolicy {
    /// The policy of a service that people use.
    #[must_use]
    pub const fn strict(min_length: usize) -> Self {
        Self {
            min_length,
            max_length: MAX_PASSWORD_CHARS,
            strict: true,
        }
    }

    /// Anything that is not empty and can be hashed: for tests with clients that bring their own
    /// passwords.
    #[must_use]
    pub const fn off() -> Self {
        Self {
            strict: false,
            ..Self::strict(1)
        }
    }
}

/// Why a new password is refused, in sentences for the person who chose it.
///
/// None of them repeats the password, so they may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeakPassword {
    /// Fewer code points than the policy's minimum.
    #[error("The password must have at least {min} characters.")]
    TooShort {
        /// The policy's minimum.
        min: usize,
    },
    /// More code points than the policy's maximum.
    #[error("The password must have at most {max} characters.")]
    TooLong {
        /// The policy's maximum.
        max: usize,
    },
    /// On the list of common passwords or as easy to guess, or a short piece repeated.
    #[error("The password is among the first that attackers try. Choose another one.")]
    Common,
    /// The account's own name, its e-mail address, or the name of this service, with little else.
    #[error(
        "The password must not be made of your username, your e-mail address or the name of this \
         service: without them {min} characters must be left."
    )]
    ContainsIdentity {
        /// The policy's minimum.
        min: usize,
    },
}

impl WeakPassword {
    /// The domain's error for a password in this field.
    pub(super) fn error(self, field: &'static str) -> Error {
        Error::WeakPassword {
            field,
            rule: self.to_string(),
        }
    }
}

/// The longest password that is looked at for repetitions, in code points.
const LONGEST_REPETITION: usize = 32;
/// The service's name, and its parts.
const SERVICE_NAMES: [&str; 3] = ["rbac-sentinel", "sentinel", "rbac"];
/// The fewest letters and digits of a name that a password must not be made of: shorter ones are in
/// many passwords by chance.
const SHORTEST_NAME: usize = 4;

impl PasswordPolicy {
    /// Judges a new password by what can be said at once, in microseconds; [`Self::wants_estimate`]
    /// says whether there is more to ask. Existing ones are never judged: their owners must be able to
    /// log in.
    ///
    /// # Errors
    /// The first reason to refuse the password.
    pub fn check(
        &self,
        password: &Password,
        username: &str,
        email: &str,
    ) -> Result<(), WeakPassword> {
        let password = password.expose();
        let length = password.chars().count();
        if length < self.min_length {
            return Err(WeakPassword::TooShort {
                min: self.min_length,
            });
        }
        if length > self.max_length {
            return Err(WeakPassword::TooLong {
                max: self.max_length,
            });
        }
        if !self.strict {
            return Ok(());
        }
        let local_part = email.rsplit_once('@').map_or(email, |(local, _)| local);
        let names = [username, email, local_part];
        if names
            .iter()
            .chain(&SERVICE_NAMES)
            .any(|name| self.is_made_of(password, name))
        {
            return Err(WeakPassword::ContainsIdentity {
                min: self.min_length,
            });
        }
        let piece = repeated_piece(password, length);
        let short = piece.is_some_and(|piece| piece.chars().count() < self.min_length);
        if short || common::is_listed(piece.unwrap_or(password)) {
            return Err(WeakPassword::Common);
        }
        Ok(())
    }

    /// Whether the password shall be estimated as well.
    #[must_use]
    pub fn wants_estimate(&self, password: &Password) -> bool {
        self.strict && estimate::is_bounded(password.expose())
    }

    /// Whether the estimate speaks against the password. It takes milliseconds of processor: for the
    /// hash gate's threads.
    #[must_use]
    pub fn is_guessable(password: &Password) -> bool {
        estimate::is_guessable(password.expose())
    }

    /// Whether the password is the name, or contains it and is too short without it. Substitutions and
    /// what people put between words change nothing.
    fn is_made_of(&self, password: &str, name: &str) -> bool {
        // No account has such a name; the comparison would take up to a millisecond.
        if name.chars().count() > EMAIL_MAX {
            return false;
        }
        let long = joined(name).count() >= SHORTEST_NAME;
        same(password, name)
            || long && rest_without(password, name).is_some_and(|rest| rest < self.min_length)
    }
}

/// The shortest piece that the password repeats, twice or more, perhaps cut off at the end.
fn repeated_piece(password: &str, length: usize) -> Option<&str> {
    if length > LONGEST_REPETITION {
        return None;
    }
    let ends = password.char_indices().enumerate().skip(1);
    let mut pieces = ends.take_while(|(chars, _)| 2 * chars <= length);
    pieces.find_map(|(_, (end, _))| {
        let (piece, rest) = password.split_at(end);
        password.starts_with(rest).then_some(piece)
    })
}
