//! Secrets: the service's own, random values, and the keys derived from them.

mod derive;
mod digest;
mod file;
pub mod random;
mod ring;
mod seal;

pub use self::derive::{Purpose, derive};
pub use self::digest::keyed_digest;
pub use self::file::{check_mode, make_secret, stored_secrets};
pub use self::ring::Secrets;
pub use self::seal::{SealingKey, Seals};
