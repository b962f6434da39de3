//! Tokens: access tokens and the keys that sign them, refresh tokens.

mod jwt;
mod keys;
mod refresh_token;

pub use self::jwt::{Claims, TokenOptions, Tokens, count};
pub use self::keys::{
    KeyChange, KeyOptions, KeyPhase, Keys, RELOAD_INTERVAL, discard_unreadable_keys, list_keys,
    reseal_keys,
};
pub use self::refresh_token::RefreshToken;
