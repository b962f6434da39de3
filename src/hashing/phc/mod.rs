//! The stored form of hashes: the PHC string format.

use std::fmt;

use argon2::PasswordHash;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;

use super::params::{HashBounds, HashError, HashParams};

#[cfg(test)]
mod tests;

/// Shorter outputs are too easy to match by chance.
const MIN_OUTPUT_LENGTH: usize = 16;

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
        let phc = PasswordHash::new(stored)
            .map_err(|_| HashError::Unusable("not a PHC string with six fields"))?;
        if phc.algorithm.as_str() != "argon2id" {
            return Err(HashError::Unusable("another algorithm than Argon2id"));
        }
        if phc.version != Some(19) {
            return Err(HashError::Unusable("another version than 19"));
        }
        let params = params(&phc).ok_or(HashError::Unusable("parameters not like m=…,t=…,p=…"))?;
        if params.memory_kib > bounds.max_memory_kib
            || params.iterations > bounds.max_iterations
            || params.parallelism > bounds.max_parallelism
        {
            return Err(HashError::Unusable("parameters above the bounds"));
        }
        let (Some(salt), Some(output)) = (phc.salt, phc.hash) else {
            return Err(HashError::Unusable("not a PHC string with six fields"));
        };
        if output.as_ref().len() < MIN_OUTPUT_LENGTH {
            return Err(HashError::Unusable("output shorter than 16 bytes"));
        }
        params.argon2(output.as_ref().len())?;
        Ok(Self {
            params,
            salt: salt.as_ref().to_vec(),
            output: output.as_ref().to_vec(),
        })
    }

    /// Whether `output` is this hash's, compared in constant time.
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

/// The three parameters in the order that every Argon2 library writes, and no others.
fn params(phc: &PasswordHash) -> Option<HashParams> {
    let mut params = phc.params.iter();
    let mut next = |wanted| {
        let (name, value) = params.next()?;
        (name.as_str() == wanted).then(|| value.decimal().ok())?
    };
    let (memory_kib, iterations, parallelism) = (next("m")?, next("t")?, next("p")?);
    params.next().is_none().then_some(HashParams {
        memory_kib,
        iterations,
        parallelism,
    })
}
