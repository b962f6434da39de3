//! The stored form of hashes: the PHC string format.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;

use super::params::{HashBounds, HashError, HashParams};

#[cfg(test)]
mod tests;

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
    /// Reads a stored hash and checks it against the bounds, before anything is computed.
    ///
    /// # Errors
    /// [`HashError::Unusable`] with what is wrong.
    pub(super) fn parse(stored: &str, bounds: &HashBounds) -> Result<Self, HashError> {
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
        if params.memory_kib > bounds.max_memory_kib
            || params.iterations > bounds.max_iterations
            || params.parallelism > bounds.max_parallelism
        {
            return Err(HashError::Unusable("parameters above the bounds"));
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
