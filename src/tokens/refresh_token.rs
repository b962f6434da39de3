//! Refresh tokens: opaque random values, known to the database by their hash alone.
//!
//! A successor is stored sealed with its predecessor: the client that presents the previous token
//! within the grace period gets the very token that the other tab got. The database alone cannot
//! open it, because it knows only the predecessor's hash.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::secrets::{Purpose, SealingKey, random};

const BYTES: usize = 32;
/// Tells a refresh token from other secrets when it turns up where it should not.
const PREFIX: &str = "rt_";

/// A refresh token: 256 random bits.
pub struct RefreshToken(Zeroizing<[u8; BYTES]>);

impl RefreshToken {
    /// A new token.
    ///
    /// # Errors
    /// When there is no randomness.
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

    /// Encrypts the next token so that this one alone opens it.
    ///
    /// # Errors
    /// When the library refuses: a defect.
    pub fn seal_successor(&self, next: &Self) -> Result<Vec<u8>> {
        self.sealing_key()?.seal(&self.hash(), &*next.0)
    }

    /// Opens what [`RefreshToken::seal_successor`] made with this token.
    #[must_use]
    pub fn open_successor(&self, sealed: &[u8]) -> Option<Self> {
        let opened = self.sealing_key().ok()?.open(&self.hash(), sealed)?;
        let opened: [u8; BYTES] = opened.as_slice().try_into().ok()?;
        Some(Self(Zeroizing::new(opened)))
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
        let sealed = parent.seal_successor(&child).expect("seals");
        let opened = parent.open_successor(&sealed).expect("opens");
        assert_eq!(opened.hash(), child.hash());
        assert!(other.open_successor(&sealed).is_none());
        assert!(!sealed.windows(BYTES).any(|window| window == *child.0));
        assert!(parent.open_successor(b"short").is_none());
    }
}
