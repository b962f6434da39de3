//! Password hashing: the gate that bounds it, its parameters, and the stored form of hashes.
//!
//! Argon2 is used here and nowhere else.

pub mod calibrate;
mod gate;
mod params;
mod phc;
mod secret;

pub use self::gate::{HashGate, HashGateConfig, Verdict};
pub use self::params::{HashBounds, HashError, HashParams};
pub use self::secret::{MAX_PASSWORD_CHARS, Password};
