//! Tokens of pages: sealed, and bound to their search.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::page::Position;
use crate::error::Result;
use crate::secrets::Seals;

/// Makes and reads the tokens.
pub struct PageTokens(Seals);

impl PageTokens {
    /// With these keys, which are for nothing else.
    #[must_use]
    pub const fn new(seals: Seals) -> Self {
        Self(seals)
    }

    /// The token of a position in a search with this limit. `search` is everything else that the pages of
    /// the search have in common.
    ///
    /// # Errors
    /// When sealing fails: a defect.
    pub fn make(&self, search: &[u8], limit: u32, position: &Position) -> Result<String> {
        let plain = [&limit.to_be_bytes()[..], &position.bytes()].concat();
        Ok(URL_SAFE_NO_PAD.encode(self.0.seal(search, &plain)?))
    }

    /// The limit and the position of a token; `None` unless it was made for this search.
    #[must_use]
    pub fn read(&self, search: &[u8], token: &str) -> Option<(u32, Position)> {
        let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
        let opened = self.0.open(search, &sealed)?;
        let (limit, position) = opened.plain.split_first_chunk()?;
        Some((u32::from_be_bytes(*limit), Position::parse(position)?))
    }
}
