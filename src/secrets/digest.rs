//! Keyed digests: they show whether two values are equal without revealing them.

use aws_lc_rs::hmac;

/// The first 128 bits of an HMAC over parts in order. At most one of them may vary in length: otherwise
/// the input would be ambiguous.
#[must_use]
pub fn keyed_digest<const PARTS: usize>(key: &hmac::Key, parts: [&[u8]; PARTS]) -> [u8; 16] {
    let mut hash = hmac::Context::with_key(key);
    for part in parts {
        hash.update(part);
    }
    let mut digest = [0; 16];
    digest.copy_from_slice(&hash.sign().as_ref()[..16]);
    digest
}
