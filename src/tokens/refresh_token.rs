//! Refresh tokens: opaque random values, of which the database stores only the hash.
//!
//! A successor is stored encrypted with its predecessor (AES-256-GCM): a client that presents the
//! previous token again gets the same token as the other tab. The database alone cannot decrypt it,
//! because it has only the predecessor's hash. The ciphertext is bound to its session and generation:
//! copied to another row it does not decrypt.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::secrets::{Purpose, SealingKey, random};

const BYTES: usize = 32;
/// The prefix identifies a leaked refresh token, for example to secret scanners.
const PREFIX: &str = "rt_";

/// A refresh token: 256 random bits.
pub struct RefreshToken(Zeroizing<[u8; BYTES]>);

impl RefreshToken {
    /// A new token.
    ///
    /// # Errors
    /// When the random generator fails.
    pub fn generate() -> Result<Self> {
        random::bytes().map(Self)
    }

    /// A token as a client sent it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        let length = URL_SAFE_NO_PAD
            .decode_slice(text.strip_prefix(PREFIX)?, &mut *bytes)
            .ok()?;
        (length == BYTES).then_some(Self(bytes))
    }

    /// The token as a client gets it.
    #[must_use]
    pub fn into_string(self) -> String {
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(self.0.as_slice()))
    }

    /// The hash that the database stores.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, &*self.0).as_ref());
        bytes
    }

    /// Encrypts the next token of the session so that only this one decrypts it.
    ///
    /// # Errors
    /// When the library fails: a defect.
    pub fn seal_successor(&self, session: Uuid, generation: i64, next: &Self) -> Result<Vec<u8>> {
        let context = self.context(session, generation);
        self.sealing_key()?.seal(&context, &*next.0)
    }

    /// Decrypts a successor that [`RefreshToken::seal_successor`] encrypted with this token;
    /// `generation` is the successor's. Also accepts the form of earlier versions, which were not bound
    /// to a place, so that a client can repeat a lost refresh across an upgrade.
    #[must_use]
    pub fn open_successor(&self, session: Uuid, generation: i64, sealed: &[u8]) -> Option<Self> {
        let key = self.sealing_key().ok()?;
        let opened = key
            .open(&self.context(session, generation), sealed)
            .or_else(|| key.open(&self.hash(), sealed))?;
        let opened: [u8; BYTES] = opened.as_slice().try_into().ok()?;
        Some(Self(Zeroizing::new(opened)))
    }

    fn context(&self, session: Uuid, generation: i64) -> Vec<u8> {
        let place = (session.as_bytes(), generation.to_be_bytes());
        [&self.hash()[..], &place.0[..], &place.1[..]].concat()
    }

    fn sealing_key(&self) -> Result<SealingKey> {
        SealingKey::derive(&*self.0, Purpose::RefreshSuccessor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refresh_token_survives_its_text_form_and_nothing_else_parses() {
        let token = RefreshToken::generate().expect("random");
        let hash = token.hash();
        let text = token.into_string();
        assert_eq!(RefreshToken::parse(&text).expect("parses").hash(), hash);
        for bad in [
            "",
            "rt_",
            &text[3..],
            &text[..text.len() - 1],
            &format!("{text}A"),
            "rt_!!!",
        ] {
            assert!(RefreshToken::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn sealed_successor_opens_with_its_predecessor_alone() {
        let parent = RefreshToken::generate().expect("random");
        let other = RefreshToken::generate().expect("random");
        let child = RefreshToken::generate().expect("random");
        let session = Uuid::now_v7();
        let sealed = parent.seal_successor(session, 7, &child).expect("seals");
        let opened = parent.open_successor(session, 7, &sealed).expect("opens");
        assert_eq!(opened.hash(), child.hash());
        assert!(other.open_successor(session, 7, &sealed).is_none());
        // Nor does it in another place.
        assert!(parent.open_successor(session, 8, &sealed).is_none());
        assert!(parent.open_successor(Uuid::now_v7(), 7, &sealed).is_none());
        assert!(!sealed.windows(BYTES).any(|window| window == *child.0));
        assert!(parent.open_successor(session, 7, b"short").is_none());
    }

    #[test]
    fn successor_that_an_earlier_version_sealed_opens() {
        let parent = RefreshToken::generate().expect("random");
        let child = RefreshToken::generate().expect("random");
        let key = parent.sealing_key().expect("a key");
        let sealed = key.seal(&parent.hash(), &*child.0).expect("seals");
        let opened = parent.open_successor(Uuid::now_v7(), 1, &sealed);
        assert_eq!(opened.expect("opens").hash(), child.hash());
    }
}
