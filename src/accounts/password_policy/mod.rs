//! The policy for new passwords.

use zeroize::Zeroizing;

use crate::hashing::{MAX_PASSWORD_CHARS, Password};

#[cfg(test)]
mod tests;

/// The rules for new passwords: long enough and not among the first that an attacker tries
/// (NIST SP 800-63B, ASVS 6.2). There are no rules of composition, on purpose (ASVS 6.2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Fewest Unicode code points.
    pub min_length: usize,
    /// Most Unicode code points. Both standards ask for at least 64.
    pub max_length: usize,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            min_length: 8,
            max_length: MAX_PASSWORD_CHARS,
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
    /// The account's own name, its e-mail address, or the name of this service.
    #[error(
        "The password must not be your username, your e-mail address or the name of this service."
    )]
    ContainsIdentity,
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
/// Written with the hyphen as in the service's own documents.
const SERVICE_NAME: &str = "rbac-sentinel";

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
        let local_part = email.rsplit_once('@').map_or(email, |(local, _)| local);
        if [username, email, local_part, SERVICE_NAME]
            .iter()
            .any(|word| same_word(password, word))
        {
            return Err(WeakPassword::ContainsIdentity);
        }
        if is_repetition(password) || is_common(password, length) {
            return Err(WeakPassword::Common);
        }
        Ok(())
    }
}

/// Without a lower-case copy of the password, which would have to be wiped.
fn same_word(a: &str, b: &str) -> bool {
    a.chars()
        .flat_map(char::to_lowercase)
        .eq(b.chars().flat_map(char::to_lowercase))
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
