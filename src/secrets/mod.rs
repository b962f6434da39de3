//! What the service keeps secret: the secret itself, random values, and keys derived from it.

mod derive;
mod file;
pub mod random;
mod seal;

pub use self::derive::{Purpose, derive};
pub use self::file::secret_for;
pub use self::seal::SealingKey;
