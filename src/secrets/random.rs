//! The one source of random values: the cryptographic library's generator.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::error::{Error, Result};

/// The given number of random bytes, wiped from memory when dropped.
///
/// # Errors
/// When the operating system provides no random bytes.
pub fn bytes<const N: usize>() -> Result<Zeroizing<[u8; N]>> {
    let mut bytes = Zeroizing::new([0; N]);
    aws_lc_rs::rand::fill(&mut *bytes)
        .map_err(|_| Error::internal("the random generator failed"))?;
    Ok(bytes)
}

/// The given number of random bytes, as unpadded base64url text.
///
/// # Errors
/// As [`bytes`].
pub fn text<const N: usize>() -> Result<Zeroizing<String>> {
    Ok(Zeroizing::new(
        URL_SAFE_NO_PAD.encode(bytes::<N>()?.as_slice()),
    ))
}

/// A password of 144 random bits, shown once.
///
/// # Errors
/// As [`bytes`].
pub fn password() -> Result<Zeroizing<String>> {
    text::<18>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_values_differ_and_have_the_length_asked_for() {
        assert_ne!(
            *bytes::<16>().expect("random"),
            *bytes::<16>().expect("random")
        );
        assert_eq!(text::<32>().expect("random").len(), 43);
        assert_eq!(password().expect("random").len(), 24);
    }
}
