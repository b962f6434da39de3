//! Tokens: access tokens and the keys that sign them, refresh tokens.

mod jwt;
mod keyring;
mod refresh_token;

pub use self::jwt::{Claims, Tokens, count};
pub use self::keyring::Keyring;
pub use self::refresh_token::RefreshToken;
