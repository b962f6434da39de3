//! The policy for new passwords.

use zeroize::Zeroizing;

use self::canonical::{joined, rest_without, same};
use crate::hashing::{MAX_PASSWORD_CHARS, Password};

mod canonical;
mod common;
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
    /// On the list of common passwords or as easy to guess, or one character repeated.
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

/// As many guesses as zxcvbn's list of common passwords is long. Its estimate is never above the
/// place of a listed password, so all of them are refused; so are single words, reversed words,
/// keyboard rows and dates that take no more guesses than those. ASVS 6.2.4 asks for 3,000.
const COMMON_GUESSES: u64 = 30_000;
/// The longest password on that list has 20 characters, and the estimator's time rises steeply
/// with the length.
const LONGEST_COMMON: usize = 32;
/// The signs that the estimator reads as letters. It tries their readings in every combination:
/// 30 ms for a password with all ten, 2 ms with two. No password on the list has more than one.
const LETTER_SIGNS: &str = "@({[<!|$+%";
const MOST_LETTER_SIGNS: usize = 2;
/// The service's name, and its parts.
const SERVICE_NAMES: [&str; 3] = ["rbac-sentinel", "sentinel", "rbac"];
/// The fewest letters and digits of a name that a password must not be made of: shorter ones are in
/// many passwords by chance.
const SHORTEST_NAME: usize = 4;

impl PasswordPolicy {
    /// Judges a new password. Existing ones are never judged: their owners must be able to log in.
    ///
    /// The check keeps nothing, though the strength estimator makes copies that are freed without
    /// being wiped.
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
        if is_repetition(password) || common::is_listed(password) || is_common(password, length) {
            return Err(WeakPassword::Common);
        }
        Ok(())
    }

    /// Whether the password is the name, or contains it and is too short without it. Substitutions and
    /// what people put between words change nothing.
    fn is_made_of(&self, password: &str, name: &str) -> bool {
        let long = joined(name).count() >= SHORTEST_NAME;
        same(password, name)
            || long && rest_without(password, name).is_some_and(|rest| rest < self.min_length)
    }
}

fn is_repetition(password: &str) -> bool {
    let mut chars = password.chars();
    let first = chars.next();
    chars.all(|char| Some(char) == first)
}

fn is_common(password: &str, length: usize) -> bool {
    let signs = LETTER_SIGNS
        .chars()
        .filter(|sign| password.contains(*sign))
        .count();
    if length > LONGEST_COMMON || signs > MOST_LETTER_SIGNS {
        return false;
    }
    // Capitals count as extra guesses, but attackers try them as early.
    let lower = Zeroizing::new(password.to_lowercase());
    zxcvbn::zxcvbn(&lower, &[]).guesses() <= COMMON_GUESSES
}
