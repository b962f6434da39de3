//! Passwords: the secret itself, the policy for new ones, and the stored form of their hashes.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use zeroize::Zeroizing;

use super::hash_gate::HashError;

#[cfg(test)]
mod tests;

/// A password as somebody typed it: wiped from memory when dropped, never printed.
///
/// It is hashed exactly as received, neither trimmed, cut nor normalised (ASVS 6.2.8). Somebody
/// whose keyboard composes a character in another way types another password.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes the password over. A `String` is not copied, so no second trace of it stays behind.
    #[must_use]
    pub fn new(password: impl Into<String>) -> Self {
        Self(Zeroizing::new(password.into()))
    }

    /// The password itself: for hashing and for the policy, for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(***)")
    }
}

/// What a new password must be like: long enough and not the first that an attacker tries
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
            max_length: 128,
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
    /// KiB filled in all passes together, which a hash's time is proportional to.
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

/// How much a stored hash may ask for. Without limits, somebody who can write one row could make
/// every login of that account take all memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashLimits {
    /// Most memory, in KiB. The default allows RFC 9106's second recommendation, 64 MiB.
    pub max_memory_kib: u32,
    /// Most passes over the memory.
    pub max_iterations: u32,
    /// Most lanes.
    pub max_parallelism: u32,
}

impl Default for HashLimits {
    fn default() -> Self {
        Self {
            max_memory_kib: 65_536,
            max_iterations: 10,
            max_parallelism: 4,
        }
    }
}

impl HashLimits {
    /// The same limits, raised where `params` would exceed them: what is written must be readable.
    pub(super) fn allowing(self, params: HashParams) -> Self {
        Self {
            max_memory_kib: self.max_memory_kib.max(params.memory_kib),
            max_iterations: self.max_iterations.max(params.iterations),
            max_parallelism: self.max_parallelism.max(params.parallelism),
        }
    }
}

/// A stored hash, taken apart: `$argon2id$v=19$m=…,t=…,p=…$salt$output`, the PHC string format.
///
/// Only version 0x13 of Argon2id is read, and only in the order and spelling that every Argon2
/// library writes.
#[derive(PartialEq, Eq)]
pub(super) struct PhcHash {
    pub(super) params: HashParams,
    pub(super) salt: Vec<u8>,
    pub(super) output: Vec<u8>,
}

impl PhcHash {
    /// Reads a stored hash and checks it against the limits, before anything is computed.
    ///
    /// # Errors
    /// [`HashError::Unusable`] with what is wrong.
    pub(super) fn parse(stored: &str, limits: &HashLimits) -> Result<Self, HashError> {
        let fields: Vec<&str> = stored.splitn(7, '$').collect();
        let ["", algorithm, version, params, salt, output] = fields[..] else {
            return Err(HashError::Unusable("not a PHC string with six fields"));
        };
        if algorithm != "argon2id" {
            return Err(HashError::Unusable("another algorithm than Argon2id"));
        }
        if version != "v=19" {
            return Err(HashError::Unusable("another version than 19"));
        }
        let params =
            parse_params(params).ok_or(HashError::Unusable("parameters not like m=…,t=…,p=…"))?;
        if params.memory_kib > limits.max_memory_kib
            || params.iterations > limits.max_iterations
            || params.parallelism > limits.max_parallelism
        {
            return Err(HashError::Unusable("parameters above the limits"));
        }
        let salt =
            parse_bytes(salt, 8).ok_or(HashError::Unusable("salt not 8 to 64 bytes of base64"))?;
        let output = parse_bytes(output, 16)
            .ok_or(HashError::Unusable("output not 16 to 64 bytes of base64"))?;
        params.argon2(output.len())?;
        Ok(Self {
            params,
            salt,
            output,
        })
    }

    /// Whether `output` is this hash's, in a time that does not tell where they differ.
    pub(super) fn matches(&self, output: &[u8]) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&self.output, output).is_ok()
    }
}

impl fmt::Display for PhcHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HashParams {
            memory_kib,
            iterations,
            parallelism,
        } = self.params;
        let salt = BASE64.encode(&self.salt);
        let output = BASE64.encode(&self.output);
        write!(
            f,
            "$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${output}"
        )
    }
}

fn parse_params(params: &str) -> Option<HashParams> {
    let mut params = params.split(',');
    let mut next = |name| parse_decimal(params.next()?.strip_prefix(name)?);
    let (memory_kib, iterations, parallelism) = (next("m=")?, next("t=")?, next("p=")?);
    params.next().is_none().then_some(HashParams {
        memory_kib,
        iterations,
        parallelism,
    })
}

/// Only the one spelling that the PHC format allows: no sign, no leading zero.
fn parse_decimal(digits: &str) -> Option<u32> {
    let canonical = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'));
    canonical.then(|| digits.parse().ok())?
}

fn parse_bytes(base64: &str, min: usize) -> Option<Vec<u8>> {
    let bytes = BASE64.decode(base64).ok()?;
    (min..=64).contains(&bytes.len()).then_some(bytes)
}
